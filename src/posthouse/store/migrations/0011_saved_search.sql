-- Searches that people keep.
CREATE TABLE saved_search (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    UNIQUE (account_id, query)
) {strict};
