-- Senders whose address is too long to stand within one of ours (long_sender.py).
CREATE TABLE long_sender (
    word TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    until {int} NOT NULL
) {strict};
CREATE INDEX long_sender_until ON long_sender (until);
