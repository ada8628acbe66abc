-- IMAP4rev1's \Recent: the first UID of a mailbox that no session was told of. What is there now was seen by somebody.
ALTER TABLE mailbox ADD COLUMN recent_from {int} NOT NULL DEFAULT 1;
UPDATE mailbox SET recent_from = uidnext;
