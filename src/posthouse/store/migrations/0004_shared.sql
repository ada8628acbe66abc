-- Who may do what in whose mailboxes; what people note beside mailboxes; keys that sign URLs.
CREATE TABLE acl (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    identifier TEXT NOT NULL,
    rights TEXT NOT NULL,
    PRIMARY KEY (mailbox_id, identifier)
) {strict} {clustered};
CREATE INDEX acl_identifier ON acl (identifier);

CREATE TABLE annotation (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    mailbox_id {int} REFERENCES mailbox(id) ON DELETE CASCADE,
    entry TEXT NOT NULL,
    value {blob},
    modseq {int} NOT NULL,
    UNIQUE (account_id, mailbox_id, entry)
) {strict};
CREATE INDEX annotation_mailbox ON annotation (mailbox_id);
CREATE INDEX annotation_modseq ON annotation (account_id, modseq);

CREATE TABLE url_key (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    key {blob} NOT NULL,
    PRIMARY KEY (account_id, mailbox_id)
) {strict} {clustered};
CREATE INDEX url_key_mailbox ON url_key (mailbox_id);
