"""IMAP: 4rev1 (RFC 3501) and 4rev2 (RFC 9051) with their extensions, as values, parsers and two machines.

* Both revisions are one grammar here: what either of them allows is parsed; what is answered depends on what the client
  enabled. Extensions are always parsed; `capability` says what is offered, and a command that isn't offered is unknown.
* A command is assembled before it is parsed: its text in one piece, each literal beside it, so that nothing in a
  literal is ever taken for syntax, and a malformed command always ends where the next one begins.
* The octets of a message (APPEND) are never assembled: they pass through as events.
* Parsed commands, fetch items, search keys and sequence sets are frozen values; what is in them is valid.
* Which command is legal when is a table (`table`); state is moved only by the session's answers (`server`).
* No peer can make a parser recurse, loop or gather without a named limit.
"""
