-- The UIDs that removed messages have left free, so that no mailbox is read row by row to be selected.
CREATE TABLE hole (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    chunk {int} NOT NULL,
    bits {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, chunk)
) {strict} {clustered};
