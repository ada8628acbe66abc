-- The header fields that mail programs list. For letters that are there already, readers ask the letter itself.
CREATE TABLE listed (
    message_id {int} PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
    fields {blob} NOT NULL
) {strict};
