-- The outbox, version 3. What an upgrade leaves behind must equal what this file makes.
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
  reserved INTEGER NOT NULL CHECK (reserved >= next_seq - 1),
  -- Records up to this number are confirmed. It goes back where the receiver was put back.
  watermark INTEGER NOT NULL DEFAULT 0 CHECK (watermark >= 0)
) STRICT;

-- Records: those above the watermark wait, those up to it are history. The lowest numbers go first, so what is held is
-- everything from the lowest one on, but for numbers that a gap record names.
CREATE TABLE record (
  -- The record's number.
  seq  INTEGER PRIMARY KEY,
  -- The record as JSON, as it goes over the wire (wire::v1::Record), its seq included.
  body TEXT NOT NULL,
  -- When it was stored, UTC ms; 0 where a version 1 stored it, which kept no history.
  stored_ms INTEGER NOT NULL DEFAULT 0,
  -- The run (undated_run) by whose clock its times are, which nobody had set; it waits until they are put right. NULL: they are.
  undated INTEGER
) STRICT;

-- What waits for the time to be known; nearly always nothing.
CREATE INDEX record_undated ON record (seq) WHERE undated IS NOT NULL;

-- Runs that began before the time was known, as long as something waits of them.
CREATE TABLE undated_run (
  run       INTEGER PRIMARY KEY,
  -- The start of the machine that it fell into; empty where the system does not name it.
  boot      TEXT NOT NULL,
  -- The run's clock minus the time since that start, ms. The true clock minus this one is what its times are to be moved by.
  offset_ms INTEGER NOT NULL,
  UNIQUE (boot, offset_ms)
) STRICT;

-- What each source would still have to say if it ended now. Found at the start, it becomes records: the run died.
CREATE TABLE draft (
  -- A camera, or a camera and what of it.
  source TEXT PRIMARY KEY,
  -- A JSON list of facts (wire::v1::Fact), without numbers.
  body   TEXT NOT NULL,
  -- As in record; 0: nobody had set the clock, and the records say so.
  undated INTEGER
) STRICT, WITHOUT ROWID;
