-- The ledger, version 1. What an upgrade leaves behind must equal what this file makes.
--
-- The file is told from other SQLite files by PRAGMA application_id = 0x46464C47 ("FFLG"), and its
-- version stands in PRAGMA user_version. All times are UTC ms.

-- One row: whose file this is, and what is known as of now.
CREATE TABLE meta (
  only_row      INTEGER PRIMARY KEY CHECK (only_row = 1),
  box           TEXT NOT NULL,
  -- Until when something is known of the till.
  till_heard_ms INTEGER,
  -- Start of the last minute of which occupancy was worked out, the business day that it lies in, and staff inside.
  worked_out_ms INTEGER,
  day           TEXT,
  staff         INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a line counted in a minute, its valid parts added up.
CREATE TABLE door_minute (
  start_ms  INTEGER NOT NULL,
  camera    TEXT NOT NULL,
  line      TEXT NOT NULL,
  role      TEXT NOT NULL,
  entries   INTEGER NOT NULL,
  exits     INTEGER NOT NULL,
  staff_in  INTEGER NOT NULL,
  staff_out INTEGER NOT NULL,
  reentries INTEGER NOT NULL,
  passersby INTEGER NOT NULL,
  seen_ms   INTEGER NOT NULL,
  -- 1 where each part was valid.
  valid     INTEGER NOT NULL,
  -- 1 where it is not whole.
  part      INTEGER NOT NULL,
  PRIMARY KEY (start_ms, camera, line)
) STRICT, WITHOUT ROWID;

-- Transactions of the till, once each.
CREATE TABLE till (
  id           TEXT PRIMARY KEY,
  at_ms        INTEGER NOT NULL,
  what         TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  -- None where the till does not say.
  units        INTEGER,
  -- The transaction that this void takes back.
  voids        TEXT,
  -- All that it said, as a JSON list, to tell a copy from another transaction of the same id.
  content      TEXT NOT NULL,
  feed         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX till_at ON till (at_ms);
CREATE INDEX till_voids ON till (voids) WHERE voids IS NOT NULL;

-- Rows that were put aside, the last ones.
CREATE TABLE aside (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms   INTEGER NOT NULL,
  feed    TEXT NOT NULL,
  row     INTEGER NOT NULL,
  reason  TEXT NOT NULL,
  words   TEXT NOT NULL,
  excerpt TEXT NOT NULL
) STRICT;

-- Shifts of the staffing feed.
CREATE TABLE shift (
  id        TEXT PRIMARY KEY,
  start_ms  INTEGER NOT NULL,
  end_ms    INTEGER NOT NULL,
  worked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Periods of which something is known.
CREATE TABLE period (
  kind        TEXT NOT NULL,
  start_ms    INTEGER NOT NULL,
  end_ms      INTEGER NOT NULL,
  -- The revision given out last; 0: none was.
  revision    INTEGER NOT NULL,
  -- What was given out; only compared.
  fingerprint TEXT NOT NULL,
  -- 1 where something changed since.
  changed     INTEGER NOT NULL,
  PRIMARY KEY (kind, start_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX period_changed ON period (end_ms) WHERE changed = 1;

-- People inside by the minute in which they came.
CREATE TABLE inside (
  came_ms INTEGER PRIMARY KEY,
  people  INTEGER NOT NULL
) STRICT;

-- Staff inside at the end of each minute.
CREATE TABLE staff_minute (
  start_ms INTEGER PRIMARY KEY,
  staff    INTEGER NOT NULL
) STRICT;

-- Facts that the outbox may not have yet (wire::v1::Fact as JSON).
CREATE TABLE outgoing (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  body TEXT NOT NULL
) STRICT;
