"""Mail in motion: what happens to a letter between the door it came through and the mailbox it lies in.

* `accept` (MTA): a letter from elsewhere gets its trace lines, and is weighed.
* `submit` (MSA): a letter from one of our own people is completed, not rewritten.
* `deliver` (MDA): octets to disk first, then the rows of every recipient in one transaction.

Nothing here answers a peer: functions return, or raise an error of `posthouse.errors`, after the store's commit. Only
then may a session say 250.
"""
