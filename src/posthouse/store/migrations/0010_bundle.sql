-- What lists ask of neighbouring messages, together. It is made in the background, for mailboxes that are there already
-- too.
CREATE TABLE bundle (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    first {int} NOT NULL,
    received {blob} NOT NULL,
    size {blob} NOT NULL,
    listed {blob} NOT NULL,
    envelope {blob} NOT NULL,
    bodystructure {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) {strict} {clustered};

CREATE TABLE unbundled (
    mailbox_id {int} PRIMARY KEY REFERENCES mailbox(id) ON DELETE CASCADE,
    since {int} NOT NULL
) {strict};
INSERT INTO unbundled (mailbox_id, since) SELECT id, 1 FROM mailbox WHERE messages >= 64;
