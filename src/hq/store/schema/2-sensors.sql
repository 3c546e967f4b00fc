-- Other sensors of the stores: what counts who goes through a door, or devices that are near. They are met, not registered.
CREATE TABLE sensor (
  sensor_id INTEGER PRIMARY KEY,
  box_id    INTEGER NOT NULL REFERENCES box,
  store_id  INTEGER NOT NULL REFERENCES store,
  name      TEXT NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('door', 'beacon')),
  -- Whose counts it is shown beside, by name, as its newest interval says: a line of a door, a zone of a beacon; NULL: nobody's.
  camera    TEXT,
  line      TEXT,
  zone      TEXT,
  -- When its newest interval began.
  newest_ms INTEGER NOT NULL,
  UNIQUE (box_id, name)
) STRICT;
CREATE INDEX sensor_of_store ON sensor (store_id);

-- Intervals as a sensor told them; they are not always minutes. No two of one part overlap.
CREATE TABLE sensor_count (
  sensor_id INTEGER NOT NULL,
  -- '' where a sensor tells its counts in one part.
  part      TEXT NOT NULL,
  start_ms  INTEGER NOT NULL,
  end_ms    INTEGER NOT NULL CHECK (end_ms > start_ms),
  -- NULL: the sensor does not know. `total` stands where it does not tell directions apart.
  entries   INTEGER,
  exits     INTEGER,
  total     INTEGER,
  seen_ms   INTEGER NOT NULL,
  PRIMARY KEY (sensor_id, start_ms, part)
) STRICT, WITHOUT ROWID;

-- Their sums by hour: of every interval that begins in it.
CREATE TABLE sensor_hour (
  sensor_id    INTEGER NOT NULL,
  part         TEXT NOT NULL,
  hour         INTEGER NOT NULL,
  business_day INTEGER NOT NULL,
  local_hour   INTEGER NOT NULL,
  -- NULL where an interval of the hour does not know it.
  entries      INTEGER,
  exits        INTEGER,
  total        INTEGER,
  seen_ms      INTEGER NOT NULL,
  -- 0: an interval reaches into the next hour, and nothing says how many of it belong there.
  whole        INTEGER NOT NULL CHECK (whole IN (0, 1)),
  PRIMARY KEY (sensor_id, hour, part)
) STRICT, WITHOUT ROWID;
