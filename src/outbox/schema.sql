-- The outbox, version 1. What an upgrade leaves behind must equal what this file makes.
--
-- The file is told from other SQLite files by PRAGMA application_id = 0x46464F42 ("FFOB"), and its
-- version stands in PRAGMA user_version.

-- One row: whose file this is, and how far numbers have come. It changes in the same transaction as
-- the records that it numbers.
CREATE TABLE meta (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  -- The box that the numbers belong to.
  box      TEXT NOT NULL,
  -- The number that the next record gets. It never goes back, also when every record is gone.
  next_seq INTEGER NOT NULL CHECK (next_seq >= 1),
  -- Numbers up to here are reserved in the file NAME.seq beside this one.
  reserved INTEGER NOT NULL CHECK (reserved >= next_seq - 1)
) STRICT;

-- Records that the receiver has not confirmed. Confirmed ones are deleted.
CREATE TABLE record (
  -- The record's number.
  seq  INTEGER PRIMARY KEY,
  -- The record as JSON, as it goes over the wire (wire::v1::Record), its seq included.
  body TEXT NOT NULL
) STRICT;
