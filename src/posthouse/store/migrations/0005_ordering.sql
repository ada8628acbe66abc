-- What SORT and THREAD compare; and what is still told of a message that somebody removed (see schema.sql).
CREATE TABLE ordering (
    message_id {int} PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
    date {int} NOT NULL,
    subject {blob} NOT NULL,
    is_reply {int} NOT NULL,
    from_ {blob} NOT NULL,
    to_ {blob} NOT NULL,
    cc {blob} NOT NULL,
    display_from {blob} NOT NULL,
    display_to {blob} NOT NULL,
    own TEXT NOT NULL,
    ancestors TEXT NOT NULL
) {strict};
ALTER TABLE tombstone ADD COLUMN flagset_id {int} NOT NULL DEFAULT 0;
ALTER TABLE tombstone ADD COLUMN saved {int} NOT NULL DEFAULT 0;
