-- Forwarding to addresses elsewhere, policies of MTA-STS; octets without a use are found by the time of their release.
CREATE TABLE forward (
    address TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (address, target)
) {strict} {clustered};
CREATE TABLE mta_sts (
    domain TEXT PRIMARY KEY,
    ident TEXT NOT NULL,
    mode TEXT NOT NULL,
    patterns TEXT NOT NULL,
    fetched {int} NOT NULL,
    expires {int} NOT NULL
) {strict};
CREATE INDEX mta_sts_expires ON mta_sts (expires);
DROP INDEX blob_unused;
CREATE INDEX blob_unused ON blob (released) WHERE uses = 0;
