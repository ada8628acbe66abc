-- A letter written here that waits for its time to leave, and its copy in Sent: until then it can be taken back
-- (submission.py; JMAP's EmailSubmission, RFC 8621 §7).
CREATE TABLE submission (
    outgoing_id {int} PRIMARY KEY REFERENCES outgoing(id) ON DELETE CASCADE,
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    message_id {int} NOT NULL REFERENCES message(id) ON DELETE CASCADE
) {strict} {clustered};
CREATE INDEX submission_account ON submission (account_id);
CREATE INDEX submission_message ON submission (message_id);

