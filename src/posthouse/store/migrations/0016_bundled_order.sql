-- What SORT and THREAD compare of neighbouring messages, together. Bundles are made anew, in the background, with it.
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
) {strict} {clustered};

DELETE FROM bundle;
DELETE FROM unbundled;
INSERT INTO unbundled (mailbox_id, since) SELECT id, 1 FROM mailbox WHERE messages >= 64;
