"""What all line protocols share: the reader, the shape of a machine, SASL.

A machine (SMTP, IMAP, POP3; server or client) is bytes in, events and bytes out. It never does I/O, so it runs the
same under uvloop, on a blocking socket, in a test that feeds one octet at a time, and in a fuzzer.

* Parsers are generators over `Reader`: ``line = yield from reader.read_line(limit)`` reads like blocking code; where
  octets are missing, the generator yields ``None`` and is resumed when more have come.
* Every read names its limit. What goes beyond raises `LimitError`; no peer can make a buffer grow without bound.
* Only CR LF ends a line. A bare LF is an error that says so, so that two programs can never disagree on where a
  command ends (the root of SMTP smuggling).
* What a peer sent before TLS began is thrown away when TLS begins (RFC 3207 §4.2).
"""
