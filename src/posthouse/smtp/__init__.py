"""SMTP, submission and LMTP: the machines on both sides, and the values they speak in. No I/O.

* `server.SmtpServer` is one machine for three roles; what differs between MX, submission and LMTP is data (`role`).
* Which command is legal when, and what it needs, is the table in `command`; the parameters of MAIL and RCPT are tables
  in `parameter`; what EHLO announces is one in `server`. A new command, parameter or extension is a new row.
* The machine answers by itself what is malformed, out of sequence or beyond a limit; a session hears only of what is
  legal (`event`), and answers each event before the next one is parsed.
* A reply says what happened and, where there is something to do, what to do next (`reply`).
* A letter's octets go from the network to the session as they come, after DATA or BDAT alike; the machine keeps none.
* Only CR LF ends a command, only CR LF . CR LF ends a letter (`wire.dot`), and nothing from before a TLS handshake is
  believed after it: not the greeting, not the login, not the letter that was begun.
"""
