-- Head office's database, version 2. What an upgrade leaves behind must equal what this file makes.
--
-- The file is told from other SQLite files by PRAGMA application_id = 0x46464851 ("FFHQ"), and its version stands in
-- PRAGMA user_version.
--
-- Units: `_ms` UTC milliseconds or a span of them, `minute` and `hour` UTC minutes since 1970 (an hour is named by the minute in
-- which it begins on the store's own clock, so a zone at +05:45 has whole hours too), `business_day` days since 1970-01-01 of the
-- store's business day, `_minor` money in the currency's smallest unit. Text ids are those of the wire.

---------------------------------------------------------------------------------------------------------------------
-- The register: who is there.

CREATE TABLE tenant (
  tenant_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE,
  title     TEXT NOT NULL
) STRICT;

CREATE TABLE region (
  region_id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenant,
  name      TEXT NOT NULL,
  title     TEXT NOT NULL,
  UNIQUE (tenant_id, name)
) STRICT;

CREATE TABLE store (
  store_id       INTEGER PRIMARY KEY,
  tenant_id      INTEGER NOT NULL REFERENCES tenant,
  region_id      INTEGER REFERENCES region,
  name           TEXT NOT NULL,
  title          TEXT NOT NULL,
  -- ISO 4217, and how many decimals its smallest unit stands for.
  currency       TEXT NOT NULL,
  decimals       INTEGER NOT NULL,
  -- 'iso' or '4-5-4'.
  calendar       TEXT NOT NULL,
  -- Opening hours and holidays (JSON, `store::clock::WrittenHours`): {"week":{"monday":["09:00-18:30"]},
  -- "holidays":[{"date":"2026-12-25","title":"Christmas Day","hours":[]}]}. Without `week` it is always open.
  hours          TEXT NOT NULL,
  -- Below this share of the opening time a figure of people is incomplete.
  least_coverage REAL NOT NULL CHECK (least_coverage BETWEEN 0 AND 1),
  -- 1: made by `footfall-hq simulate`, and every page says so.
  simulated      INTEGER NOT NULL CHECK (simulated IN (0, 1)),
  -- Since when it is no longer in the register: its past stays, it is shown in no list, and its boxes are strangers. NULL: it is there.
  retired_ms     INTEGER,
  UNIQUE (tenant_id, name)
) STRICT;

-- In which time zone a store lives, from when on: a store that moves keeps the hours of its past. Its first clock begins at 0.
CREATE TABLE store_clock (
  store_id   INTEGER NOT NULL REFERENCES store,
  from_ms    INTEGER NOT NULL,
  time_zone  TEXT NOT NULL,
  -- When the business day begins, HH:MM.
  day_begins TEXT NOT NULL,
  PRIMARY KEY (store_id, from_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE box (
  box_id   INTEGER PRIMARY KEY,
  store_id INTEGER NOT NULL REFERENCES store,
  -- Unique in the world.
  name     TEXT NOT NULL UNIQUE,
  -- Since when it is no longer in the register; what it sends then is a stranger's. NULL: it is there.
  retired_ms INTEGER,
  -- Every record up to here is stored, or is known never to come. What `ack` says.
  watermark      INTEGER NOT NULL DEFAULT 0,
  highest        INTEGER NOT NULL DEFAULT 0,
  first_seen_ms  INTEGER,
  last_record_ms INTEGER,
  -- How old the last record was when it arrived.
  lag_ms         INTEGER,
  -- The last message on `state`, as it came, and when.
  state          TEXT,
  state_ms       INTEGER
) STRICT;

CREATE TABLE camera (
  camera_id INTEGER PRIMARY KEY,
  box_id    INTEGER NOT NULL REFERENCES box,
  name      TEXT NOT NULL,
  title     TEXT NOT NULL,
  UNIQUE (box_id, name)
) STRICT;

CREATE TABLE line (
  line_id   INTEGER PRIMARY KEY,
  camera_id INTEGER NOT NULL REFERENCES camera,
  store_id  INTEGER NOT NULL REFERENCES store,
  name      TEXT NOT NULL,
  title     TEXT NOT NULL,
  -- door, goods, passersby or inner.
  role      TEXT NOT NULL,
  -- The first minute that arrived, and the last: outside of them it does not count as a door that saw nothing.
  first_minute INTEGER,
  last_minute  INTEGER,
  UNIQUE (camera_id, name)
) STRICT;
CREATE INDEX line_of_store ON line (store_id);

CREATE TABLE zone (
  zone_id   INTEGER PRIMARY KEY,
  camera_id INTEGER NOT NULL REFERENCES camera,
  store_id  INTEGER NOT NULL REFERENCES store,
  name      TEXT NOT NULL,
  title     TEXT NOT NULL,
  is_queue  INTEGER NOT NULL CHECK (is_queue IN (0, 1)),
  UNIQUE (camera_id, name)
) STRICT;
CREATE INDEX zone_of_store ON zone (store_id);

-- What stands in a zone, and when.
CREATE TABLE display (
  display_id INTEGER PRIMARY KEY,
  zone_id    INTEGER NOT NULL REFERENCES zone,
  store_id   INTEGER NOT NULL REFERENCES store,
  name       TEXT NOT NULL,
  title      TEXT NOT NULL,
  -- Product category whose sales belong to it, and items (JSON list); either may be empty.
  category   TEXT,
  items      TEXT NOT NULL,
  from_day   INTEGER NOT NULL,
  -- Its last day; NULL while it stands.
  to_day     INTEGER,
  UNIQUE (store_id, name, from_day)
) STRICT;

---------------------------------------------------------------------------------------------------------------------
-- Delivery: what has arrived. Ranges, so that a year of records is a row.

CREATE TABLE received (
  box_id    INTEGER NOT NULL REFERENCES box,
  first_seq INTEGER NOT NULL,
  last_seq  INTEGER NOT NULL CHECK (last_seq >= first_seq),
  PRIMARY KEY (box_id, first_seq)
) STRICT, WITHOUT ROWID;

-- Numbers that never come, and why: a gap record of the box, or a box that no longer holds them. One that comes all the same is taken out.
CREATE TABLE lost (
  box_id    INTEGER NOT NULL REFERENCES box,
  first_seq INTEGER NOT NULL,
  last_seq  INTEGER NOT NULL CHECK (last_seq >= first_seq),
  why       TEXT NOT NULL,
  at_ms     INTEGER NOT NULL,
  PRIMARY KEY (box_id, first_seq)
) STRICT, WITHOUT ROWID;

-- What could not be read, with the reason; at most 64 KiB of each, and the oldest go first.
CREATE TABLE aside (
  aside_id INTEGER PRIMARY KEY,
  at_ms    INTEGER NOT NULL,
  topic    TEXT NOT NULL,
  -- NULL where the box is not in the register.
  box_id   INTEGER REFERENCES box,
  reason   TEXT NOT NULL,
  bytes    INTEGER NOT NULL,
  payload  BLOB NOT NULL
) STRICT;

-- Boxes that send and are not in the register.
CREATE TABLE stranger (
  topic    TEXT PRIMARY KEY,
  box      TEXT NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms  INTEGER NOT NULL,
  messages INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

---------------------------------------------------------------------------------------------------------------------
-- Minutes, as the boxes counted them; parts of one are added up.

CREATE TABLE line_minute (
  line_id   INTEGER NOT NULL,
  minute    INTEGER NOT NULL,
  entries   INTEGER NOT NULL,
  exits     INTEGER NOT NULL,
  staff_in  INTEGER NOT NULL,
  staff_out INTEGER NOT NULL,
  reentries INTEGER NOT NULL,
  passersby INTEGER NOT NULL,
  -- Groups by size 1, 2, 3, 4, 5 and more, as JSON; NULL where nobody came.
  groups    TEXT,
  seen_ms   INTEGER NOT NULL,
  valid     INTEGER NOT NULL CHECK (valid IN (0, 1)),
  PRIMARY KEY (line_id, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE zone_minute (
  zone_id         INTEGER NOT NULL,
  minute          INTEGER NOT NULL,
  visits          INTEGER NOT NULL,
  engaged         INTEGER NOT NULL,
  staff_visits    INTEGER NOT NULL,
  person_ms       INTEGER NOT NULL,
  staff_person_ms INTEGER NOT NULL,
  most_present    INTEGER,
  seen_ms         INTEGER NOT NULL,
  valid           INTEGER NOT NULL CHECK (valid IN (0, 1)),
  PRIMARY KEY (zone_id, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_minute (
  zone_id         INTEGER NOT NULL,
  minute          INTEGER NOT NULL,
  joined          INTEGER NOT NULL,
  served          INTEGER NOT NULL,
  abandoned       INTEGER NOT NULL,
  -- Waits that were decided in the minute, their sum and the longest.
  waits           INTEGER NOT NULL,
  wait_ms         INTEGER NOT NULL,
  longest_wait_ms INTEGER NOT NULL,
  service_ms      INTEGER NOT NULL,
  -- Sum over the seen time of how many stood there: people x ms, and the most.
  length_ms       INTEGER NOT NULL,
  longest         INTEGER,
  seen_ms         INTEGER NOT NULL,
  valid           INTEGER NOT NULL CHECK (valid IN (0, 1)),
  PRIMARY KEY (zone_id, minute)
) STRICT, WITHOUT ROWID;

-- People in the store, as its box worked it out; the last record of a minute counts.
CREATE TABLE occupancy_minute (
  store_id INTEGER NOT NULL,
  minute   INTEGER NOT NULL,
  people   INTEGER NOT NULL,
  most     INTEGER NOT NULL,
  -- Which record says so: the one of the highest number.
  box_id   INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  PRIMARY KEY (store_id, minute)
) STRICT, WITHOUT ROWID;

-- Everything that is not a minute: crossings, visits, queue stays, alerts, alarms, conditions, gaps, and kinds not known here.
CREATE TABLE event (
  box_id INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  at_ms  INTEGER NOT NULL,
  -- 1: it came in a batch that an outage had held back.
  late   INTEGER NOT NULL CHECK (late IN (0, 1)),
  -- The record as JSON, as it came.
  body   TEXT NOT NULL,
  PRIMARY KEY (box_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_time ON event (kind, at_ms);

---------------------------------------------------------------------------------------------------------------------
-- Rollups, changed in the same transaction as the minutes that they sum. A minute that is not valid counts for nothing in them.

CREATE TABLE line_hour (
  line_id      INTEGER NOT NULL,
  hour         INTEGER NOT NULL,
  business_day INTEGER NOT NULL,
  -- 0 to 23 on the store's clock.
  local_hour   INTEGER NOT NULL,
  entries      INTEGER NOT NULL,
  exits        INTEGER NOT NULL,
  staff_in     INTEGER NOT NULL,
  staff_out    INTEGER NOT NULL,
  reentries    INTEGER NOT NULL,
  passersby    INTEGER NOT NULL,
  -- Seen and valid, within opening hours only.
  open_seen_ms INTEGER NOT NULL,
  PRIMARY KEY (line_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE zone_hour (
  zone_id         INTEGER NOT NULL,
  hour            INTEGER NOT NULL,
  business_day    INTEGER NOT NULL,
  local_hour      INTEGER NOT NULL,
  visits          INTEGER NOT NULL,
  engaged         INTEGER NOT NULL,
  staff_visits    INTEGER NOT NULL,
  person_ms       INTEGER NOT NULL,
  staff_person_ms INTEGER NOT NULL,
  most_present    INTEGER,
  open_seen_ms    INTEGER NOT NULL,
  PRIMARY KEY (zone_id, hour)
) STRICT, WITHOUT ROWID;

-- The same by business day: what the display pages read.
CREATE TABLE zone_day (
  zone_id         INTEGER NOT NULL,
  business_day    INTEGER NOT NULL,
  visits          INTEGER NOT NULL,
  engaged         INTEGER NOT NULL,
  staff_visits    INTEGER NOT NULL,
  person_ms       INTEGER NOT NULL,
  staff_person_ms INTEGER NOT NULL,
  open_seen_ms    INTEGER NOT NULL,
  open_ms         INTEGER NOT NULL,
  PRIMARY KEY (zone_id, business_day)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_hour (
  zone_id         INTEGER NOT NULL,
  hour            INTEGER NOT NULL,
  business_day    INTEGER NOT NULL,
  local_hour      INTEGER NOT NULL,
  joined          INTEGER NOT NULL,
  served          INTEGER NOT NULL,
  abandoned       INTEGER NOT NULL,
  waits           INTEGER NOT NULL,
  wait_ms         INTEGER NOT NULL,
  longest_wait_ms INTEGER NOT NULL,
  service_ms      INTEGER NOT NULL,
  length_ms       INTEGER NOT NULL,
  longest         INTEGER,
  seen_ms         INTEGER NOT NULL,
  PRIMARY KEY (zone_id, hour)
) STRICT, WITHOUT ROWID;

-- A store's hour: made anew from the rows of its lines, zones, sales and staffing whenever one of them changes. Every open hour
-- between the first and the last of which anything is known has a row, also where nothing arrived: a gap is a row that saw nothing.
CREATE TABLE store_hour (
  store_id      INTEGER NOT NULL,
  hour          INTEGER NOT NULL,
  business_day  INTEGER NOT NULL,
  local_hour    INTEGER NOT NULL,
  -- How much of the hour the store was open.
  open_ms       INTEGER NOT NULL,
  entries       INTEGER NOT NULL,
  exits         INTEGER NOT NULL,
  staff_entries INTEGER NOT NULL,
  reentries     INTEGER NOT NULL,
  -- NULL where no line counts them.
  passersby     INTEGER,
  -- NULL where no such zone told anything. Visits without staff's, in zones that are no queue; engaged are at most as many.
  zone_visits   INTEGER,
  engaged       INTEGER,
  queued        INTEGER,
  -- NULL where nothing is known of the till: no sale in the hour, and none within a week before or none within a week after.
  transactions  INTEGER,
  sales_minor   INTEGER,
  refunds_minor INTEGER,
  units         INTEGER,
  with_units    INTEGER,
  -- Time of staff, summed over people; NULL where nothing is known of them.
  on_duty_ms    INTEGER,
  -- Open time that the worst door saw, and the worst line that counts who passes by. A line that is silent while its camera
  -- tells of others was taken away and is no door any more; so is one whose camera has told nothing for two weeks.
  seen_ms           INTEGER NOT NULL,
  passersby_seen_ms INTEGER NOT NULL,
  -- Whether seen_ms is enough (store.least_coverage) for figures of people. 0 where the store was closed.
  complete      INTEGER NOT NULL CHECK (complete IN (0, 1)),
  PRIMARY KEY (store_id, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_hour_by_day ON store_hour (store_id, business_day);

-- A store's business day: the sum of its hours, made anew with them. Sums of everything that was counted stand first.
CREATE TABLE store_day (
  store_id      INTEGER NOT NULL,
  business_day  INTEGER NOT NULL,
  open_ms       INTEGER NOT NULL,
  entries       INTEGER NOT NULL,
  exits         INTEGER NOT NULL,
  staff_entries INTEGER NOT NULL,
  reentries     INTEGER NOT NULL,
  passersby     INTEGER,
  zone_visits   INTEGER,
  engaged       INTEGER,
  queued        INTEGER,
  transactions  INTEGER,
  sales_minor   INTEGER,
  refunds_minor INTEGER,
  units         INTEGER,
  with_units    INTEGER,
  on_duty_ms    INTEGER,
  seen_ms           INTEGER NOT NULL,
  passersby_seen_ms INTEGER NOT NULL,
  complete      INTEGER NOT NULL CHECK (complete IN (0, 1)),
  -- Open hours, and those of them that are not complete.
  hours            INTEGER NOT NULL,
  incomplete_hours INTEGER NOT NULL,
  -- What the rates of the day are worked out from: sums over its complete hours alone, and of those over the ones in which the
  -- other side of the rate is known too; NULL where there is no such hour. Visitors are entries without staff and re-entries.
  -- Complete hours with a till: conversion, sales per visitor.
  ok_till_visitors  INTEGER,
  ok_transactions   INTEGER,
  ok_sales_minor    INTEGER,
  ok_refunds_minor  INTEGER,
  -- Complete hours in which the lines outside saw enough: capture rate.
  ok_street_entries INTEGER,
  ok_passersby      INTEGER,
  -- Complete hours with staffing: shoppers per associate hour.
  ok_staff_visitors INTEGER,
  ok_on_duty_ms     INTEGER,
  PRIMARY KEY (store_id, business_day)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_day_by_day ON store_day (business_day);

-- Where people were, by camera and day. A camera that is drawn anew begins a new map.
CREATE TABLE heat_day (
  camera_id    INTEGER NOT NULL,
  business_day INTEGER NOT NULL,
  geometry     TEXT NOT NULL,
  -- The grid: JSON {space, cell, left, top, columns, rows}; maps are added up while it stays the same.
  grid         TEXT NOT NULL,
  -- Tenths of a second by cell: JSON [[cell, deciseconds], ...].
  presence     TEXT NOT NULL,
  dwell        TEXT NOT NULL,
  PRIMARY KEY (camera_id, business_day, geometry, grid)
) STRICT, WITHOUT ROWID;

-- Who went from where to where, by camera and day. The places '*' to '*' hold what a box did not list.
CREATE TABLE flow_day (
  camera_id    INTEGER NOT NULL,
  business_day INTEGER NOT NULL,
  from_place   TEXT NOT NULL,
  to_place     TEXT NOT NULL,
  people       INTEGER NOT NULL,
  PRIMARY KEY (camera_id, business_day, from_place, to_place)
) STRICT, WITHOUT ROWID;

---------------------------------------------------------------------------------------------------------------------
-- Sales and people.

-- One row a transaction, whichever way it came; the id is the till's.
CREATE TABLE sale (
  store_id     INTEGER NOT NULL REFERENCES store,
  id           TEXT NOT NULL,
  at_ms        INTEGER NOT NULL,
  hour         INTEGER NOT NULL,
  business_day INTEGER NOT NULL,
  -- sale, refund, void, training or pickup.
  what         TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  currency     TEXT NOT NULL,
  units        INTEGER,
  -- The transaction that this one voids.
  voids        TEXT,
  -- box:NAME, csv, http or mqtt.
  source       TEXT NOT NULL,
  PRIMARY KEY (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sale_by_hour ON sale (store_id, hour);
CREATE INDEX sale_by_day ON sale (store_id, business_day);
-- Which sales are voided: the sums of every hour ask.
CREATE INDEX sale_voided ON sale (store_id, voids) WHERE voids IS NOT NULL;

CREATE TABLE sale_line (
  store_id       INTEGER NOT NULL,
  id             TEXT NOT NULL,
  line           INTEGER NOT NULL,
  item           TEXT,
  category       TEXT,
  quantity_milli INTEGER NOT NULL,
  amount_minor   INTEGER NOT NULL,
  PRIMARY KEY (store_id, id, line)
) STRICT, WITHOUT ROWID;

-- What was sold by item and day, without what was voided and less what was given back; made anew with the sales of its day.
CREATE TABLE item_day (
  store_id       INTEGER NOT NULL,
  business_day   INTEGER NOT NULL,
  -- '' where the till does not say.
  category       TEXT NOT NULL,
  item           TEXT NOT NULL,
  transactions   INTEGER NOT NULL,
  quantity_milli INTEGER NOT NULL,
  amount_minor   INTEGER NOT NULL,
  PRIMARY KEY (store_id, business_day, category, item)
) STRICT, WITHOUT ROWID;

-- The web shop's orders: a channel of their own, never mixed with a store's sales.
CREATE TABLE web_order (
  tenant_id    INTEGER NOT NULL REFERENCES tenant,
  id           TEXT NOT NULL,
  at_ms        INTEGER NOT NULL,
  what         TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  currency     TEXT NOT NULL,
  units        INTEGER,
  -- The store that it is picked up at, where it is.
  store_id     INTEGER REFERENCES store,
  -- The order that this one voids.
  voids        TEXT,
  -- JSON: [{"item":..,"category":..,"quantity_milli":..,"amount_minor":..}].
  lines        TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX web_order_by_time ON web_order (tenant_id, at_ms);

-- Who works from when to when; a shift that comes again under its id replaces the former. Time worked is summed over people, and
-- spread evenly over the shift.
CREATE TABLE shift (
  store_id INTEGER NOT NULL REFERENCES store,
  id       TEXT NOT NULL,
  from_ms  INTEGER NOT NULL,
  to_ms    INTEGER NOT NULL CHECK (to_ms > from_ms),
  worked_ms INTEGER NOT NULL,
  source   TEXT NOT NULL,
  PRIMARY KEY (store_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX shift_by_time ON shift (store_id, from_ms);

---------------------------------------------------------------------------------------------------------------------
-- Access.

CREATE TABLE account (
  account_id    INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  -- Argon2id in PHC form; NULL: this account signs in elsewhere only.
  password_hash TEXT,
  -- Whom an administrator invited: the first OIDC sign-in with this verified address binds the account. In lower case.
  email         TEXT UNIQUE,
  -- Issuer and subject of OIDC, where the account is bound to one.
  oidc_issuer   TEXT,
  oidc_subject  TEXT,
  disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  created_ms    INTEGER NOT NULL,
  UNIQUE (oidc_issuer, oidc_subject)
) STRICT;

-- What an account may do, and where: a chain (tenant), a region or a store.
CREATE TABLE access_grant (
  grant_id   INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  -- admin (of a whole chain only), manager or viewer.
  role       TEXT NOT NULL CHECK (role IN ('admin', 'manager', 'viewer')),
  tenant_id  INTEGER NOT NULL REFERENCES tenant,
  -- Both NULL: the whole chain.
  region_id  INTEGER REFERENCES region,
  store_id   INTEGER REFERENCES store,
  CHECK (region_id IS NULL OR store_id IS NULL),
  CHECK (role != 'admin' OR (region_id IS NULL AND store_id IS NULL))
) STRICT;
CREATE INDEX grant_of_account ON access_grant (account_id);

CREATE TABLE session (
  -- SHA-256 of the cookie.
  token_hash   BLOB PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  created_ms   INTEGER NOT NULL,
  -- To the minute.
  last_used_ms INTEGER NOT NULL,
  expires_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_account ON session (account_id, created_ms);

CREATE TABLE api_token (
  token_id     INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  name         TEXT NOT NULL,
  -- SHA-256 of the token.
  token_hash   BLOB NOT NULL UNIQUE,
  -- read, or feed (may send sales and staffing).
  scope        TEXT NOT NULL CHECK (scope IN ('read', 'feed')),
  created_ms   INTEGER NOT NULL,
  -- To the minute.
  last_used_ms INTEGER,
  expires_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX token_of_account ON api_token (account_id);

-- Who did what: sign-ins and those that failed, and changes. Accounts are never removed, so that this stays true.
CREATE TABLE audit (
  audit_id   INTEGER PRIMARY KEY,
  at_ms      INTEGER NOT NULL,
  -- NULL: nobody that is known.
  account_id INTEGER REFERENCES account,
  address    TEXT NOT NULL,
  action     TEXT NOT NULL,
  detail     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_account ON audit (account_id, audit_id);

---------------------------------------------------------------------------------------------------------------------
-- Alerts and webhooks.

CREATE TABLE alert (
  alert_id INTEGER PRIMARY KEY,
  rule     TEXT NOT NULL,
  store_id INTEGER NOT NULL REFERENCES store,
  -- What it is about: a box, a camera, a zone.
  about    TEXT NOT NULL,
  began_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  -- Values for the sentence in the catalogue (JSON).
  detail   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX open_alert ON alert (rule, store_id, about) WHERE ended_ms IS NULL;

CREATE TABLE webhook (
  webhook_id INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenant,
  url        TEXT NOT NULL,
  -- Key of the signature.
  secret     TEXT NOT NULL,
  -- Which rules it hears of (JSON list); empty: all.
  rules      TEXT NOT NULL,
  disabled   INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  created_ms INTEGER NOT NULL,
  -- What was delivered and what was given up since it was made, and what the last try gave; NULL before the first.
  delivered   INTEGER NOT NULL DEFAULT 0,
  given_up    INTEGER NOT NULL DEFAULT 0,
  last_answer TEXT,
  last_ms     INTEGER
) STRICT;

-- What still has to be told, in order; kept until it was, or was given up.
CREATE TABLE webhook_delivery (
  delivery_id INTEGER PRIMARY KEY,
  webhook_id  INTEGER NOT NULL REFERENCES webhook ON DELETE CASCADE,
  body        TEXT NOT NULL,
  created_ms  INTEGER NOT NULL,
  tries       INTEGER NOT NULL,
  next_ms     INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_delivery_in_order ON webhook_delivery (webhook_id, delivery_id);

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

---------------------------------------------------------------------------------------------------------------------
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
