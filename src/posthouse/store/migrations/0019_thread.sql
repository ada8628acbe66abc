-- A letter goes into as few trees as will do: each that it touches is a page of the log.
-- Threads have no rows any more; the next messages get ids above all of theirs (thread.py, which drops the table).
CREATE TABLE key_of_thread (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    key {int} NOT NULL,
    thread_id {int} NOT NULL,
    latest {int} NOT NULL,
    PRIMARY KEY (account_id, key)
) {strict} {clustered};
INSERT INTO key_of_thread (account_id, key, thread_id, latest)
    SELECT account_id, key, thread_id, latest FROM thread_key ORDER BY account_id, key;
DROP TABLE thread_key;
ALTER TABLE key_of_thread RENAME TO thread_key;

DROP INDEX message_account;
