// What head office answers: the shapes of its JSON, one for one with `src/hq/api`. Money is in the currency's smallest unit, times are UTC ms,
// days are `YYYY-MM-DD` business days of the store, shares are 0 to 1. `null` is "not known", never 0.

/** Why a figure is absent: the names of `analytics::conversion::Absent`. */
export type Absent = 'coverage' | 'no_visitors' | 'no_till' | 'no_transactions' | 'no_units' | 'no_passersby' | 'no_staffing';

/** The figures of a store and a time, or of several stores together. */
export interface Figures {
  entries: number;
  staff_entries: number;
  reentries: number;
  visitors: number;
  passersby: number | null;
  zone_visits: number | null;
  engaged: number | null;
  queued: number | null;
  transactions: number | null;
  sales_minor: number | null;
  units: number | null;
  associate_hours: number | null;
  conversion: number | null;
  capture_rate: number | null;
  sales_per_visitor_minor: number | null;
  average_transaction_minor: number | null;
  units_per_transaction: number | null;
  shoppers_per_associate_hour: number | null;
  /** Share of the opening time that the worst door saw. */
  coverage: number;
  /** Whether the coverage is enough to be counted on; what is not is left out of averages. */
  complete: boolean;
  absent: { figure: string; why: Absent }[];
}

/** Who is asking. `GET /api/v1/me`; 401 without a session. */
export interface Me {
  account: string;
  /** Goes back as header `x-csrf-token` with everything that changes something. */
  csrf: string;
  grants: { role: 'admin' | 'manager' | 'viewer'; scope: 'chain' | 'region' | 'store'; tenant: string; name: string | null }[];
}
/** `GET /api/v1/login` (no session needed): how one may sign in. `POST /api/v1/session` {name, password}; `DELETE /api/v1/session`. */
export interface LoginWays { password: boolean; oidc: { title: string; href: string } | null; }

/** `GET /api/v1/tokens`: one's own; `POST /api/v1/tokens` {name, scope, days} makes one, `DELETE /api/v1/tokens/{id}` takes it back. */
export interface Tokens { tokens: Token[]; }
export interface Token { id: number; name: string; scope: 'read' | 'feed'; created_ms: number; last_used_ms: number | null; expires_ms: number; }
/** The only time that `secret` is told: it goes as `Authorization: Bearer SECRET`. */
export interface MadeToken { secret: string; token: Token; }
/** `PUT /api/v1/me/password`; 204, and one has to sign in again. */
export interface OwnPassword { present: string; password: string; }

/** A store as lists name it. Its address is `tenant/store`. */
export interface StoreName {
  tenant: string;
  store: string;
  title: string;
  region: string | null;
  currency: string;
  decimals: number;
  time_zone: string;
  simulated: boolean;
}
/** `GET /api/v1/stores`: the stores that the account may read. */
export interface Stores { stores: StoreName[]; simulated: boolean; }

/** `GET /api/v1/overview?day=` (default: the newest business day). Compared up to the same time of day while the day is open. */
export interface Overview {
  day: string;
  /** Whether any store's day is still open. */
  open: boolean;
  totals: Comparison;
  stores: (StoreName & Comparison & { rank: number })[];
  /** The last 28 days of all stores together, gaps as null. */
  days: { day: string; visitors: number | null; conversion: number | null; sales_minor: number | null }[];
}
export interface Comparison { now: Figures; last_week: Figures | null; last_year: Figures | null; }

/** `GET /api/v1/stores/{tenant}/{store}?from=&to=` (default: the last 28 business days). */
export interface StorePage {
  store: StoreName;
  from: string;
  to: string;
  total: Figures;
  days: (Figures & { day: string; holiday: string | null })[];
  /** Mean visitors of an open, complete hour by weekday (0 = Monday) and hour of the day; null where no hour is complete. */
  hours: { weekday: number; hour: number; visitors: number | null; conversion: number | null; hours: number; incomplete: number }[];
  /** Hours by falling share of the visitors; those marked make 40 % of them. */
  power_hours: { weekday: number; hour: number; share: number; power: boolean }[];
  funnel: { step: 'passersby' | 'entries' | 'zone_visits' | 'engaged' | 'queued' | 'transactions'; people: number | null }[];
  cameras: { box: string; camera: string; title: string }[];
}
/** `GET /api/v1/stores/{tenant}/{store}/day/{day}`: the hours of one day. */
export interface StoreDay { store: StoreName; day: string; total: Figures; hours: (Figures & { start_ms: number; hour: number; open: boolean })[]; }
/** `GET /api/v1/stores/{tenant}/{store}/heat?box=&camera=&from=&to=` */
export interface Heat {
  space: 'floor_m' | 'image_px';
  cell: number; left: number; top: number; columns: number; rows: number;
  /** Seconds of presence, and of standing, by cell: row by row, `columns` x `rows` values. */
  presence_s: number[]; dwell_s: number[];
  /** Zones and lines of the camera in the same space, where head office knows them. */
  shapes: { kind: 'zone' | 'line'; name: string; points: [number, number][] }[];
}
/** `GET /api/v1/stores/{tenant}/{store}/flow?box=&camera=&from=&to=` */
export interface Flow { moves: { from: string; to: string; people: number }[]; other_moves: number; }

/** `GET /api/v1/compare?stores=tenant/store,...&from=&to=&by=day|week` (week: by each store's calendar) */
export interface Compare { from: string; to: string; stores: { store: StoreName; total: Figures; points: (Figures & { start: string })[] }[]; }

/** `GET /api/v1/displays?tenant=` */
export interface Displays { displays: Display[]; }
export interface Display {
  id: number; tenant: string; store: string; name: string; title: string; zone: string; category: string | null; items: string[];
  from: string; to: string | null;
}
/**
 * `GET /api/v1/displays/compare?kind=before_after&display=ID&days=21`, `?kind=against&display=ID&other=ID&from=&to=`,
 * `?kind=test_control&displays=ID,ID&controls=ID,ID&changed=DAY&days=21`.
 */
export interface DisplayComparison {
  kind: 'before_after' | 'against' | 'test_control';
  stores: number; weeks: number; store_days: number; left_out_days: number;
  measures: {
    measure: 'stop_rate' | 'dwell_s' | 'engaged_share' | 'sales_per_visitor_minor';
    before: number | null; after: number | null;
    /** Relative difference with its 95 % interval; null where the data cannot say. */
    difference: { value: number; low: number; high: number } | null;
    /** Whether the interval leaves zero out. */
    clear: boolean;
  }[];
  /** One plain sentence, by parts, for the catalogue: key and values. */
  sentence: { key: string; values: Record<string, string | number> };
  /** Keys of the catalogue: `too_few_days`, `low_coverage`, `holiday_inside`, `one_store`, `other_change`. */
  warnings: { key: string; values: Record<string, string | number> }[];
}

/** `GET /api/v1/stores/{tenant}/{store}/queues?from=&to=` */
export interface Queues {
  store: StoreName; from: string; to: string;
  zones: {
    zone: string; title: string;
    joined: number; served: number; abandoned: number; mean_wait_s: number | null; longest_wait_s: number | null;
    hours: { weekday: number; hour: number; mean_length: number | null; max_length: number | null; mean_wait_s: number | null }[];
    days: { day: string; joined: number; abandoned: number; mean_wait_s: number | null; longest_wait_s: number | null }[];
  }[];
}

/** `GET /api/v1/stores/{tenant}/{store}/sensors?from=&to=`: other sensors beside the camera that counts the same. */
export interface Sensors { store: StoreName; from: string; to: string; sensors: Sensor[]; }
export interface Sensor {
  box: string; sensor: string; kind: 'door' | 'beacon';
  /** Whom it is compared with; null where nothing of the kind is known. */
  camera: string | null; line: string | null; zone: string | null;
  what: 'entries' | 'passages' | 'visits';
  total: SideBySide; exits: SideBySide | null;
  /** Whether the two drifted apart. */
  apart: boolean;
  days: (SideBySide & { day: string; apart: boolean })[];
  /** By hour of the day. */
  hours: (SideBySide & { hour: number })[];
}
/** Both counts over the hours in which both saw enough, of all open hours. */
export interface SideBySide { sensor: number; camera: number; difference: number | null; hours: number; open_hours: number; }

/** `GET /api/v1/fleet` */
export interface Fleet {
  boxes: {
    tenant: string; store: string; box: string; state: 'online' | 'offline' | 'stopped' | 'never_seen'; since_ms: number | null; software: string | null;
    /** Highest number up to which nothing is missing, and the highest that arrived. */
    watermark: number; highest: number;
    /** When the last record arrived, and how old it was then. */
    last_record_ms: number | null; lag_s: number | null; late: boolean;
    /** Ranges that are missing, and those that will never come. */
    missing: [number, number][]; lost: { first: number; last: number; why: string }[];
    cameras: { camera: string; state: 'up' | 'down' | 'connecting'; conditions: string[] }[];
    problems: { about: string; text: string; since_ms: number }[];
    audit: { camera: string; line: string; accuracy: number; low: number; high: number; minutes: number; people: number; from_ms: number; to_ms: number }[];
    /** How it was last; null or absent: it has never said so. */
    health?: BoxHealth | null;
    config?: { desired: number; status: ConfigStatus | null; in_force: number | null } | null;
    certificate_until_ms?: number | null;
  }[];
  /** Boxes that send and are not in the register: nothing of theirs is taken until they are. */
  strangers: { topic: string; box: string; first_ms: number; last_ms: number; messages: number }[];
  /** What could not be read. */
  aside: { id: number; at_ms: number; topic: string; reason: string; bytes: number }[];
}

/** How a box is, as it said last. */
export interface BoxHealth {
  at_ms: number; since_ms: number; software: string; os: string | null; arch: string; clock_ok: boolean; temperature_c: number | null;
  disk_free: number | null; disk_size: number | null; memory_free: number | null; memory_size: number | null; memory_used: number | null;
  load: number | null; waiting: number; behind_s: number | null; discarded: number; certificate_until_ms: number | null;
  cameras: { camera: string; state: 'up' | 'down' | 'connecting'; fps: number; inference_ms: number | null; inference_p95_ms: number | null; dropped: number; conditions: string[] }[];
}
export type ConfigStatus = 'local' | 'trial' | 'applied' | 'refused' | 'rolled_back';
/** `GET /api/v1/fleet/{tenant}/{store}/{box}`; texts are null for those who may not see them. */
export interface BoxDetail {
  tenant: string; store: string; box: string; health: BoxHealth | null;
  config: {
    desired: number; status: ConfigStatus | null; version: number | null; in_force: number | null; is_current: boolean;
    /** Each with its place: `12:5  camera.door.line ...`. */
    faults: string[]; desired_text: string | null; in_force_text: string | null; at_ms: number | null;
  };
  software: {
    desired: string | null; running: string | null; architecture: string | null;
    status: 'current' | 'fetching' | 'ready' | 'rolled_back' | 'refused' | null; detail: string | null; at_ms: number | null;
  };
  certificates: { serial: string; issued_ms: number; until_ms: number; revoked_ms: number | null }[];
  link_until_ms: number | null;
}
/** `GET /api/v1/fleet/{tenant}/{store}/{box}/health?hours=`: a row an hour, the oldest first. */
export interface HealthHistory {
  hours: {
    at_ms: number; messages: number; temperature_max: number | null; disk_free_min: number | null; memory_free_min: number | null; load_max: number | null;
    fps_min: number | null; inference_max: number | null; waiting_max: number; behind_max_s: number | null; cameras_down: number; clock_wrong: number;
  }[];
}
/** `GET .../config`; `PUT .../config` {text, why}. */
export interface ConfigHistory { versions: { version: number; hash: string; text: string; at_ms: number; by: string | null; why: string; rollout: number | null }[]; }
/** `GET .../commands`; `POST .../commands` {what, camera?, why, expires_s?}. */
export interface Commands { commands: BoxCommand[]; }
export interface BoxCommand {
  id: number; what: 'snapshot' | 'restart_camera' | 'reread'; camera: string | null; by: string; why: string; asked_ms: number; expires_ms: number;
  outcome: 'waiting' | 'done' | 'refused' | 'expired' | 'failed' | 'no_answer'; detail: string | null; answered_ms: number | null; has_picture: boolean; people: number | null;
}
/** `POST .../enrolment` {days?}: shown this once. */
export interface EnrolmentLink { link: string; qr_svg: string; until_ms: number; }
/** `GET /api/v1/packages` */
export interface Packages { packages: { package: string; version: string; architecture: string; sha256: string; size: number; at_ms: number; is_here: boolean }[]; }
/** `GET`, `POST /api/v1/rollouts/{tenant}`; `GET`, `POST /api/v1/rollouts/{tenant}/{rollout}` {do, why}. */
export interface Rollouts { rollouts: Rollout[]; }
export interface Rollout {
  id: number; kind: 'config' | 'software'; title: string; change: string; why: string; by: string | null; created_ms: number; soak_s: number;
  state: 'running' | 'stopped' | 'done' | 'taken_back'; since_ms: number; reason: string | null;
  counts: { boxes: number; asked: number; answered: number; worse: number };
  /** Empty in the list. */
  boxes: RolloutBox[];
}
export interface RolloutBox {
  store: string; box: string; ring: number; state: 'waiting' | 'asked' | 'taken' | 'refused' | 'retired'; asked_ms: number | null; answered_ms: number | null;
  version: number | null; worse: string | null; forgiven: boolean; away_s: number | null;
}
export interface RolloutToMake {
  kind: Rollout['kind']; change?: string; package?: string; title: string; why: string; boxes?: string[]; stores?: string[]; regions?: string[]; rings?: string[]; soak_s?: number;
}

/** `GET /api/v1/accounts`, `POST` {name, email?, password?, grants}; `PUT /api/v1/accounts/{name}/grants|password|disabled`, `DELETE .../tokens`. */
export interface Accounts { accounts: Account[]; }
export interface Account { name: string; email: string | null; has_password: boolean; has_oidc: boolean; disabled: boolean; created_ms: number; grants: Me['grants']; }
/** `GET /api/v1/audit?before=&most=`, the newest first. */
export interface Audit { lines: { id: number; at_ms: number; account: string | null; address: string; action: string; detail: string }[]; }

/** `GET /api/v1/alerts`: open and recent ones. */
export interface Alerts {
  alerts: {
    id: number; rule: 'no_data' | 'camera_moved' | 'queue' | 'traffic' | 'alarm' | 'certificate' | 'rollout_stopped' | 'disk_full' | 'too_hot' | 'clock'; tenant: string; store: string; about: string;
    began_ms: number; ended_ms: number | null; text: { key: string; values: Record<string, string | number> };
  }[];
}

/** An event of `GET /api/v1/live` (server-sent events, `event: now`): a store as it is, a second or so old; from `live`, no promise. */
export interface LiveStore {
  tenant: string; store: string; at_ms: number;
  people: number | null; visitors: number | null; transactions: number | null; conversion: number | null;
  doors: { box: string; camera: string; line: string; in: number; out: number }[];
}

/** Every fault: the status, and a text for people (English; pages use `key` for the catalogue). */
export interface Fault { key: string; text: string; }

// Every table is also there as CSV: the same address with `.csv` before the `?` (`/api/v1/overview.csv?day=...`).
