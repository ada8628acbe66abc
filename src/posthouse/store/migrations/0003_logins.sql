-- Keys for SCRAM, bans, and where people log in from.
CREATE TABLE scram_key (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    app_password_id {int} REFERENCES app_password(id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    salt {blob} NOT NULL,
    iterations {int} NOT NULL,
    stored_key {blob} NOT NULL,
    server_key {blob} NOT NULL
) {strict};
CREATE INDEX scram_key_account ON scram_key (account_id, digest);
CREATE INDEX scram_key_app_password ON scram_key (app_password_id);

CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value {blob} NOT NULL
) {strict};

CREATE TABLE ban (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    made {int} NOT NULL,
    until {int},
    times {int} NOT NULL,
    PRIMARY KEY (kind, subject)
) {strict} {clustered};

CREATE TABLE familiar (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    network TEXT NOT NULL,
    seen {int} NOT NULL,
    PRIMARY KEY (account_id, network)
) {strict} {clustered};
