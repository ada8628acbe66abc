-- What a sender asks for with MAIL, and the queue has to keep to.
ALTER TABLE outgoing ADD COLUMN requiretls {int} NOT NULL DEFAULT 0;
ALTER TABLE outgoing ADD COLUMN priority {int} NOT NULL DEFAULT 0;
ALTER TABLE outgoing ADD COLUMN deliver_by {int};
ALTER TABLE outgoing ADD COLUMN by_mode TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing ADD COLUMN hold TEXT;
ALTER TABLE outgoing ADD COLUMN release {int};
CREATE INDEX outgoing_release ON outgoing (sender, release) WHERE release IS NOT NULL;
ALTER TABLE outgoing_recipient ADD COLUMN priority {int} NOT NULL DEFAULT 0;
CREATE INDEX outgoing_recipient_priority ON outgoing_recipient (priority, due, domain, letter_id)
    WHERE held = 0 AND priority <> 0;
