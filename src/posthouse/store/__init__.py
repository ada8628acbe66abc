"""The store: every letter that was accepted, and everything known about it. The only SQL, the only message files.

On disk, below `data/`: `posthouse.sqlite3` (all but the octets), `messages/ab/cd/<id>.eml` (each letter one immutable
text file, byte for byte as it came; a small one's octets stand in the database until its file is made, some seconds
after the delivery: fresh.py), `messages/tmp/` (letters that are still arriving), `search.sqlite3` (the full-text
index: can be deleted at any time), `posthouse.lock` and `search.lock` (who writes), `run/feed/` (sockets for hints),
`backups/` (the database as it was before a migration).

What must hold:

* A store function is a plain synchronous function over a transaction: ``fn(tx, …)``. It has no effect but through
  `tx`, because it may be run a second time when the transaction it shared with others could not be committed.
* An acknowledgement leaves only when the octets *and* the rows are on disk: together, in one transaction, or first the
  octets' file, then the rows; when they go: rows, then file. A crash can leave a file without a row (swept at the next
  start), never a row without its octets. Read octets by `Blobs`, which knows where they are.
* Each change of an account takes the account's next modseq in the same statement that locks the account's row; lock
  accounts before mailboxes. Nobody can see modseq 8 before 7 is visible.
* UIDs are never given twice, UIDVALIDITY never goes back, ids of accounts, mailboxes and messages are never reused.
* Counters live in the row of the mailbox and are kept by the same function that changes the placements.
* The feed speaks after the commit. It carries a hint ("account 7 is at modseq 93"), never the change itself.
* Only `engine`, `sqlite`, `postgres`, `search` and `index` know which database this is (tests/store/test_dialect.py).
"""
