-- Letters on their way to other servers.
CREATE TABLE outgoing (
    id {id},
    blob_id TEXT NOT NULL REFERENCES blob(id),
    prefix {blob} NOT NULL,
    size {int} NOT NULL,
    header_size {int} NOT NULL,
    sender TEXT NOT NULL,
    ret TEXT,
    envid TEXT,
    queued {int} NOT NULL
) {strict};
CREATE INDEX outgoing_blob ON outgoing (blob_id);

CREATE TABLE outgoing_recipient (
    id {id},
    letter_id {int} NOT NULL REFERENCES outgoing(id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    notify TEXT NOT NULL,
    orcpt TEXT,
    held {int} NOT NULL,
    leased {int} NOT NULL,
    attempts {int} NOT NULL,
    due {int} NOT NULL,
    expires {int} NOT NULL,
    warned {int} NOT NULL,
    reply TEXT NOT NULL
) {strict};
CREATE INDEX outgoing_recipient_letter ON outgoing_recipient (letter_id);
CREATE INDEX outgoing_recipient_due ON outgoing_recipient (due, domain, letter_id) WHERE held = 0;
CREATE INDEX outgoing_recipient_domain ON outgoing_recipient (domain, due) WHERE held = 0;
CREATE INDEX outgoing_recipient_leased ON outgoing_recipient (id) WHERE leased = 1;
