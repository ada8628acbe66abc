-- As whom an account writes (identity.py).
CREATE TABLE identity (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    signature TEXT NOT NULL,
    preferred {int} NOT NULL
) {strict};
CREATE INDEX identity_account ON identity (account_id);

-- What a login with a browser asks for besides the password (second_factor.py).
CREATE TABLE second_factor (
    account_id {int} PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    active {int} NOT NULL,        -- 0: proposed, and no code of it was given yet
    period {int} NOT NULL,        -- of the last code: a code holds once
    wrong {int} NOT NULL,         -- codes in a row
    paused_until {int} NOT NULL   -- no code is taken before
) {strict};
CREATE TABLE recovery_code (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    digest {blob} NOT NULL,
    PRIMARY KEY (account_id, digest)
) {strict} {clustered};

ALTER TABLE web_login ADD COLUMN pending {int} NOT NULL DEFAULT 0;
