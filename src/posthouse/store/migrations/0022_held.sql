-- Whose letter it is: how many of them wait for their time is counted by account (RFC 4865 §6), however the sender is
-- written. What waits already is of whoever wrote it here, or has the sender's address.
DROP INDEX outgoing_release;
ALTER TABLE outgoing ADD COLUMN account_id {int} REFERENCES account(id) ON DELETE SET NULL;
UPDATE outgoing SET account_id = coalesce(
    (SELECT submission.account_id FROM submission WHERE submission.outgoing_id = outgoing.id),
    (SELECT account.id FROM account WHERE account.address = lower(outgoing.sender))
) WHERE release IS NOT NULL;
CREATE INDEX outgoing_held ON outgoing (account_id, release) WHERE release IS NOT NULL;
