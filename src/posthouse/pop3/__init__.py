"""POP3 (RFC 1939): the machines on both sides, and their values. Pure.

* The maildrop is a snapshot that the session takes at the login: numbers, sizes and names of messages never change
  under a client. Machine and session speak of it as a `Maildrop`; STAT, LIST, UIDL, DELE and RSET are answered from it.
* DELE marks; messages are removed by the session in one step when QUIT comes, and at no other time.
* What the session answers itself: logins, the texts of messages, and whether the update succeeded.
* Extensions: CAPA, PIPELINING and response codes (RFC 2449), STLS (RFC 2595), AUTH and SYS codes (RFC 3206), SASL
  (RFC 5034), UTF8 and LANG (RFC 6856). APOP isn't offered: it needs passwords in clear text on the server.
"""
