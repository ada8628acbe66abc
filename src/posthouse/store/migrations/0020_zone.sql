-- The clock by which a Date field tells the time: its day is the one that is written there, wherever it was.
ALTER TABLE message ADD COLUMN zone {int} NOT NULL DEFAULT 0;
