-- Bundles as rows of their own: where they lay in the order of the primary key, SQLite read each row as a whole to
-- compare its key. What lists show stands in finished lines. All are made anew, in the background.
DROP TABLE bundle;
DROP TABLE bundled_order;

CREATE TABLE bundle (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    first {int} NOT NULL,
    received {blob} NOT NULL,
    size {blob} NOT NULL,
    listed {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) {strict};

CREATE TABLE bundled_list (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    first {int} NOT NULL,
    messages {int} NOT NULL,
    envelopes {blob} NOT NULL,
    structures {blob} NOT NULL,
    lines {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) {strict};

CREATE TABLE bundled_order (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    first {int} NOT NULL,
    date {blob} NOT NULL,
    subject {blob} NOT NULL,
    is_reply {blob} NOT NULL,
    own {blob} NOT NULL,
    ancestors {blob} NOT NULL,
    received {blob} NOT NULL,
    size {blob} NOT NULL,
    from_ {blob} NOT NULL,
    to_ {blob} NOT NULL,
    cc {blob} NOT NULL,
    display_from {blob} NOT NULL,
    display_to {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) {strict};

DELETE FROM unbundled;
INSERT INTO unbundled (mailbox_id, since) SELECT id, 1 FROM mailbox WHERE messages >= 64;
