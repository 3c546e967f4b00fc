-- The store's ledger, version 1: what the box has to remember of the store over a restart.
--
-- The file is told from other SQLite files by PRAGMA application_id = 0x46464C47 ("FFLG"), and its version stands in
-- PRAGMA user_version. All times are UTC ms. Nothing in it is older than the ledger keeps (40 days).

-- One row: whose file this is.
CREATE TABLE meta (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  box      TEXT NOT NULL
) STRICT;

-- What one line counted in one minute; parts of a minute are added up here.
CREATE TABLE door_minute (
  camera       TEXT NOT NULL,
  line         TEXT NOT NULL,
  start_ms     INTEGER NOT NULL,
  -- What the line counts: door, goods, passersby or inner.
  role         TEXT NOT NULL,
  entries      INTEGER NOT NULL,
  exits        INTEGER NOT NULL,
  staff_in     INTEGER NOT NULL,
  staff_out    INTEGER NOT NULL,
  reentries    INTEGER NOT NULL,
  passersby    INTEGER NOT NULL,
  seen_ms      INTEGER NOT NULL,
  -- 0 as soon as one part says that the line did not lie where it was drawn.
  valid        INTEGER NOT NULL CHECK (valid IN (0, 1)),
  PRIMARY KEY (camera, line, start_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX door_minute_by_time ON door_minute (start_ms);

-- What the till told, once per id.
CREATE TABLE sale (
  id           TEXT PRIMARY KEY,
  at_ms        INTEGER NOT NULL,
  -- sale, refund, void, training or pickup.
  what         TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  -- Pieces; NULL where the till does not tell.
  units        INTEGER,
  -- The id of the sale that this void takes back.
  voids        TEXT,
  -- The record as it goes out (JSON). What it says must not change when the same id comes again.
  body         TEXT NOT NULL,
  -- Whether the record was handed to the outbox. What was not is handed over at the next start.
  sent         INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1))
) STRICT;
CREATE INDEX sale_by_time ON sale (at_ms);
CREATE INDEX sale_by_void ON sale (voids) WHERE voids IS NOT NULL;
CREATE INDEX sale_unsent ON sale (at_ms) WHERE sent = 0;

-- What was put aside, for a person to look at; the newest 10,000.
CREATE TABLE aside (
  number  INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms   INTEGER NOT NULL,
  -- Which feed, and how it came: till over http.
  feed    TEXT NOT NULL,
  -- Its place in what came, from 1; 0 is all of it.
  row     INTEGER NOT NULL,
  reason  TEXT NOT NULL,
  words   TEXT NOT NULL,
  excerpt TEXT NOT NULL
) STRICT;

-- Who works from when to when. A later word about the same id replaces the earlier one.
CREATE TABLE shift (
  id       TEXT PRIMARY KEY,
  from_ms  INTEGER NOT NULL,
  to_ms    INTEGER NOT NULL,
  -- People, in thousandths.
  heads_milli INTEGER NOT NULL
) STRICT;
CREATE INDEX shift_by_time ON shift (to_ms);

-- Periods (quarters, hours, business days) of which something is known.
CREATE TABLE period (
  kind     TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms   INTEGER NOT NULL,
  -- How often it has been told; 0 is not yet.
  revision INTEGER NOT NULL DEFAULT 0,
  -- What was told last, so that what has not changed is not told again.
  told     TEXT,
  -- Whether something has come since.
  dirty    INTEGER NOT NULL DEFAULT 1 CHECK (dirty IN (0, 1)),
  PRIMARY KEY (kind, start_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX period_dirty ON period (end_ms) WHERE dirty = 1;

-- Who was inside when that was last kept: when each came in, and how many of them are staff.
CREATE TABLE inside (
  only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
  at_ms     INTEGER NOT NULL,
  -- A JSON list of ms.
  since     TEXT NOT NULL,
  staff     INTEGER NOT NULL
) STRICT;
