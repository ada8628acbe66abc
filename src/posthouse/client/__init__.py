"""The client library: one body of logic, two faces.

* An operation (`smtp`, `imap`, `pop3`) is a generator that yields wishes (`wire.steps`) and returns a typed result. It
  does no I/O, so it is tested by handing it octets.
* `drive` has the two loops that grant wishes: over a blocking socket, and under asyncio.
* `aio/` is the face that people call, written; `sync/` is the same face generated from it by tools/unasync.py. A face
  holds streams, locks and iteration, and no protocol.
* Nothing here knows of `store/` or `server/`: it works with any provider.
* No password leaves in clear text, except to this very computer when the caller chose ``tls=none``.
* Whatever a server sends is limited: lines, literals, lists and the time it takes.
"""
