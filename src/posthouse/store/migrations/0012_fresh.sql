-- Octets of small letters stand here from their delivery until their file is made.
CREATE TABLE fresh (
    blob_id TEXT PRIMARY KEY REFERENCES blob(id) ON DELETE CASCADE,
    octets {blob} NOT NULL
) {strict};
