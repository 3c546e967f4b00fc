-- From version 1 to 2: the fleet.

---------------------------------------------------------------------------------------------------------------------
-- The fleet: what boxes are told of themselves, and what they say. Since version 2.

-- A link by which a box may enrol itself, used once.
CREATE TABLE enrolment (
  box_id     INTEGER PRIMARY KEY REFERENCES box,
  -- SHA-256 of the token.
  token_hash BLOB NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;

-- Certificates that the authority signed. None is ever removed while it is valid.
CREATE TABLE certificate (
  certificate_id INTEGER PRIMARY KEY,
  box_id     INTEGER NOT NULL REFERENCES box,
  -- Hex, 20 bytes.
  serial     TEXT NOT NULL UNIQUE,
  -- SHA-256 of the public key.
  key_hash   BLOB NOT NULL,
  issued_ms  INTEGER NOT NULL,
  until_ms   INTEGER NOT NULL,
  revoked_ms INTEGER,
  -- PEM.
  pem        TEXT NOT NULL
) STRICT;
CREATE INDEX certificate_of_box ON certificate (box_id, certificate_id);

-- Requests for another certificate that wait to be signed: the newest of each box.
CREATE TABLE certificate_request (
  box_id INTEGER PRIMARY KEY REFERENCES box,
  -- PEM.
  csr    TEXT NOT NULL,
  at_ms  INTEGER NOT NULL
) STRICT;

-- What a box is to count with, every version; the newest is desired.
CREATE TABLE config_version (
  box_id     INTEGER NOT NULL REFERENCES box,
  version    INTEGER NOT NULL,
  hash       TEXT NOT NULL,
  text       TEXT NOT NULL,
  at_ms      INTEGER NOT NULL,
  -- NULL: made at the machine.
  account_id INTEGER REFERENCES account,
  why        TEXT NOT NULL,
  -- The roll-out that it belongs to.
  rollout_id INTEGER,
  PRIMARY KEY (box_id, version)
) STRICT, WITHOUT ROWID;

-- What a box said last of itself: messages as they came (JSON) and when they were new.
CREATE TABLE box_told (
  box_id      INTEGER PRIMARY KEY REFERENCES box,
  config      TEXT,
  config_ms   INTEGER,
  software    TEXT,
  software_ms INTEGER,
  health      TEXT,
  health_ms   INTEGER
) STRICT;

-- How a box was, by UTC hour. What it never said is NULL.
CREATE TABLE health_hour (
  box_id          INTEGER NOT NULL REFERENCES box,
  -- UTC minute of its begin.
  hour            INTEGER NOT NULL,
  messages        INTEGER NOT NULL,
  temperature_max REAL,
  disk_free_min   INTEGER,
  memory_free_min INTEGER,
  load_max        REAL,
  -- Of the slowest camera.
  fps_min         REAL,
  inference_max   REAL,
  waiting_max     INTEGER NOT NULL,
  behind_max_s    REAL,
  -- Messages in which a camera was not up.
  cameras_down    INTEGER NOT NULL,
  -- Messages that said that the clock was not known to be right.
  clock_wrong     INTEGER NOT NULL,
  PRIMARY KEY (box_id, hour)
) STRICT, WITHOUT ROWID;

-- Things that a box was asked to do.
CREATE TABLE command (
  command_id   INTEGER PRIMARY KEY,
  -- As the wire has it.
  name         TEXT NOT NULL UNIQUE,
  box_id       INTEGER NOT NULL REFERENCES box,
  -- snapshot, restart_camera or reread.
  what         TEXT NOT NULL,
  camera       TEXT,
  account_id   INTEGER NOT NULL REFERENCES account,
  why          TEXT NOT NULL,
  asked_ms     INTEGER NOT NULL,
  expires_ms   INTEGER NOT NULL,
  -- 1: handed to the broker.
  is_said      INTEGER NOT NULL CHECK (is_said IN (0, 1)),
  -- done, refused, expired or failed; NULL: no answer yet.
  outcome      TEXT,
  detail       TEXT,
  answered_ms  INTEGER,
  -- JPEG, everybody in it pixelated; let go of after `keep.pictures`.
  picture      BLOB,
  picture_ms   INTEGER,
  people       INTEGER
) STRICT;
CREATE INDEX command_of_box ON command (box_id, command_id);
CREATE INDEX command_to_say ON command (command_id) WHERE is_said = 0;
CREATE INDEX command_by_time ON command (asked_ms);
CREATE INDEX command_picture ON command (answered_ms) WHERE picture IS NOT NULL;

-- Packages that were announced: their signed manifests. The files lie in a folder, by sha256.
CREATE TABLE package (
  sha256       TEXT PRIMARY KEY,
  package      TEXT NOT NULL,
  version      TEXT NOT NULL,
  architecture TEXT NOT NULL,
  size         INTEGER NOT NULL,
  -- The text that was signed, and its Ed25519 signature, base64.
  manifest     TEXT NOT NULL,
  signature    TEXT NOT NULL,
  at_ms        INTEGER NOT NULL,
  account_id   INTEGER REFERENCES account,
  -- 1: the file is there.
  is_here      INTEGER NOT NULL CHECK (is_here IN (0, 1))
) STRICT, WITHOUT ROWID;

-- The package that a box is to run; NULL: none any more.
CREATE TABLE software_desired (
  box_id INTEGER PRIMARY KEY REFERENCES box,
  sha256 TEXT REFERENCES package,
  at_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE rollout (
  rollout_id INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenant,
  -- config or software.
  kind       TEXT NOT NULL CHECK (kind IN ('config', 'software')),
  title      TEXT NOT NULL,
  -- TOML, or the sha256 of a package.
  change     TEXT NOT NULL,
  why        TEXT NOT NULL,
  account_id INTEGER REFERENCES account,
  created_ms INTEGER NOT NULL,
  soak_ms    INTEGER NOT NULL,
  -- running, stopped, done or taken_back.
  state      TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'done', 'taken_back')),
  -- Why it stopped, and who or what stopped it.
  reason     TEXT,
  state_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX rollout_of_tenant ON rollout (tenant_id, rollout_id);

CREATE TABLE rollout_box (
  rollout_id  INTEGER NOT NULL REFERENCES rollout ON DELETE CASCADE,
  box_id      INTEGER NOT NULL REFERENCES box,
  ring        INTEGER NOT NULL,
  -- NULL: not asked yet.
  asked_ms    INTEGER,
  -- The version that it was given; of software NULL.
  version     INTEGER,
  -- What it had before: text (NULL: its own file), or package (NULL: none).
  before      TEXT,
  -- Cameras and their frames a second before it was asked (JSON); NULL: it was offline.
  baseline    TEXT,
  -- When it had answered, and whether it took it.
  answered_ms INTEGER,
  taken       INTEGER CHECK (taken IN (0, 1)),
  -- Why it is worse; NULL: it is not.
  worse       TEXT,
  -- 1: somebody went on although it was worse.
  forgiven    INTEGER NOT NULL DEFAULT 0 CHECK (forgiven IN (0, 1)),
  PRIMARY KEY (rollout_id, box_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollout_of_box ON rollout_box (box_id);

-- What is to be published, once: `config`, `software` or `certificate` of a box as they are then. Said again after every connect.
CREATE TABLE fleet_due (
  due_id INTEGER PRIMARY KEY AUTOINCREMENT,
  box_id INTEGER NOT NULL REFERENCES box,
  what   TEXT NOT NULL CHECK (what IN ('config', 'software', 'certificate')),
  UNIQUE (box_id, what)
) STRICT;
