-- The mail program in the browser: its logins, and mailboxes in the order in which letters came.
CREATE TABLE web_login (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    digest {blob} NOT NULL UNIQUE,
    created {int} NOT NULL,
    seen {int} NOT NULL,
    timezone TEXT NOT NULL,
    agent TEXT NOT NULL,
    address TEXT NOT NULL
) {strict};
CREATE INDEX web_login_account ON web_login (account_id);
CREATE INDEX web_login_seen ON web_login (seen);
ALTER TABLE placement ADD COLUMN received {int} NOT NULL DEFAULT 0;
UPDATE placement SET received = (SELECT received FROM message WHERE message.id = placement.message_id);
CREATE INDEX placement_received ON placement (mailbox_id, received, uid);
