"""The network, not knowing who calls: streams of octets and TLS.

* A stream is a connected TCP socket with three verbs: send, receive, start TLS. `Stream` blocks, `AsyncStream` runs
  under asyncio; they do the same and fail the same.
* Every wait has a limit in seconds. A receive that waited in vain is an answer (None), not an error: only the caller
  knows whether silence is bad. Everything else that goes wrong is `ConnectionFailed` or its kind `TlsError`, with
  advice in words that a person who reads mail for a living, not networks, can follow.
* A certificate is always checked, against the name that the caller asked for. There is no switch for "don't".
* Octets in clear text where TLS should begin are an error, whoever sent them (RFC 3207 §4.2).
"""
