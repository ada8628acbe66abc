"""One conversation each: a machine's events in, answers out. No sockets here, and no SQL.

* A session owns its machine and answers every event that the machine yields, before the next one is parsed.
* It awaits the store and delivery; it never holds a transaction, a lock or a thread while the peer is slow. Long
  answers are given piecewise, with ``await self.flush()`` between pieces.
* An acknowledgement is sent after the store's commit, never before.
* What a peer is told and what the log needs are two things: `posthouse.errors`.
"""
