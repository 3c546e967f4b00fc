// The boxes of the made-up chain: how they are, what they count with, what they are asked, and roll-outs. What is sent is remembered while it runs.

import type * as Api from '../src/api';
import { chance, clock, dayFigures, dayText, hourFigures, hoursOf, STORES } from './chain';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const GB = 1e9;

const TEXT = `[detector]
threads = 2

[[camera]]
id = "door"
source = "rtsp://10.0.0.7:554/main"
picture = "1280x720"
fps = 8
[[camera.line]]
id = "entrance"
from = [500, 140]
to = [500, 480]
`;

/** A picture of nobody: a grey rectangle as SVG stands for the JPEG. */
export const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360"><rect width="640" height="360" fill="#778"/></svg>';
const QR = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h9v9H0z"/><path d="M1 1h3v3H1zM5 1h3v3H5zM1 5h3v3H1zM6 6h1v1H6z"/></svg>';

export function health(at: number, now = Date.now()): Api.BoxHealth | null {
  if (at === 19) return null;
  return {
    at_ms: now - (at === 2 ? 5 * HOUR_MS : 21_000), since_ms: now - 90 * HOUR_MS, software: 'footfall 0.5.0', os: 'Debian GNU/Linux 12', arch: at % 3 ? 'aarch64' : 'x86_64',
    clock_ok: at !== 13, temperature_c: at === 5 ? 84 : 48 + 9 * chance('hot', at), disk_free: at === 9 ? 1.2 * GB : 21.4 * GB, disk_size: 31.2 * GB,
    memory_free: 1.1 * GB, memory_size: 3.9 * GB, memory_used: 0.31 * GB, load: 1.42, waiting: at === 6 ? 420 : 3, behind_s: at === 6 ? 3120 : 2.4, discarded: 0,
    certificate_until_ms: now + (at === 7 ? 6 : 61) * DAY_MS,
    cameras: [
      { camera: 'door', state: at === 2 ? 'down' : 'up', fps: 8.1, inference_ms: 41, inference_p95_ms: 63, dropped: 112, conditions: at === 4 ? ['moved'] : [] },
      { camera: 'hall', state: at === 8 ? 'down' : 'up', fps: at === 8 ? 0 : 7.7, inference_ms: at === 8 ? null : 44, inference_p95_ms: at === 8 ? null : 70, dropped: 90, conditions: [] },
    ],
  };
}

export const config = (at: number): Api.BoxDetail['config'] => ({
  desired: at === 0 ? 4 : at % 2, status: at === 0 ? 'refused' : at % 2 ? 'applied' : 'local', version: at === 0 ? 4 : at % 2, in_force: at === 0 ? 3 : at % 2, is_current: at !== 0,
  faults: at === 0 ? ['8:7  camera.door.fps  0 is out of range; give more than 0 and at most 240', '10:6  camera.door.line.entrance.from  [1500, 140] lies outside the picture'] : [],
  desired_text: at === 0 ? TEXT.replace('fps = 8', 'fps = 0').replace('[500, 140]', '[1500, 140]') : TEXT, in_force_text: TEXT, at_ms: Date.now() - 40 * 60_000,
});

function detail(of: Api.StoreName, at: number): Api.BoxDetail {
  const now = Date.now();
  return {
    tenant: of.tenant, store: of.store, box: `box-${of.store}`, health: health(at, now), config: config(at),
    software: { desired: '0.5.1', running: '0.5.0', architecture: 'arm64', status: at === 0 ? 'rolled_back' : 'current', detail: at === 0 ? '0.5.1 did not count within two minutes; 0.5.0 runs again' : null, at_ms: now - 3 * HOUR_MS },
    certificates: [{ serial: '4fa81c', issued_ms: now - 29 * DAY_MS, until_ms: now + 61 * DAY_MS, revoked_ms: null }, { serial: '4fa702', issued_ms: now - 95 * DAY_MS, until_ms: now - 5 * DAY_MS, revoked_ms: now - 28 * DAY_MS }],
    link_until_ms: at === 1 ? now + 20 * HOUR_MS : null,
  };
}

function history(at: number, hours: number): Api.HealthHistory {
  const first = Math.floor(Date.now() / HOUR_MS) - hours;
  const rows = Array.from({ length: hours }, (_, step) => first + step).filter((hour) => hour % 41 > 2);
  return {
    hours: rows.map((hour) => ({
      at_ms: hour * HOUR_MS, messages: 60, temperature_max: 50 + 14 * Math.exp(-((((hour + 8) % 24) - 14) ** 2) / 18) + 3 * chance('t', at, hour), disk_free_min: 21.4 * GB - (hour - first) * 2e7,
      memory_free_min: GB * (1.1 - 0.1 * chance('m', hour)), load_max: 1.2 + chance('l', hour), fps_min: 7.4 + 0.5 * chance('f', at, hour), inference_max: 41 + 9 * chance('i', at, hour),
      waiting_max: 3, behind_max_s: hour % 53 === 7 ? 640 : 2 + chance('b', hour), cameras_down: hour % 67 === 5 ? 11 : 0, clock_wrong: 0,
    })),
  };
}

const NOW = Date.now();
const versions: Api.ConfigHistory['versions'] = [4, 3, 2, 1].map((version) => ({ version, hash: `${version}`.repeat(64), text: TEXT, at_ms: NOW - (5 - version) * DAY_MS, by: version === 1 ? null : 'demo', why: 'fewer frames at night', rollout: version === 3 ? 1 : null }));
const commands: Api.BoxCommand[] = [
  { id: 2, what: 'snapshot', camera: 'door', by: 'demo', why: 'is the shelf still there?', asked_ms: NOW - 9 * 60_000, expires_ms: NOW - 8 * 60_000, outcome: 'done', detail: null, answered_ms: NOW - 9 * 60_000 + 1800, has_picture: true, people: 3 },
  { id: 1, what: 'restart_camera', camera: 'hall', by: 'demo', why: 'it hangs', asked_ms: NOW - 26 * HOUR_MS, expires_ms: NOW - 26 * HOUR_MS + 60_000, outcome: 'refused', detail: 'there is no camera hall', answered_ms: NOW - 26 * HOUR_MS + 900, has_picture: false, people: null },
];
const boxesOf = (worse: boolean): Api.RolloutBox[] =>
  STORES.map((one, at) => {
    const ring = at === 0 ? 0 : at < 3 ? 1 : 2;
    const asked = ring < 2 || !worse;
    return {
      store: one.store, box: `box-${one.store}`, ring, state: !asked ? 'waiting' : worse && at === 2 ? 'refused' : 'taken', asked_ms: asked ? NOW - 2 * HOUR_MS : null, answered_ms: asked ? NOW - 2 * HOUR_MS + 190_000 : null, version: asked ? 2 : null,
      worse: worse && at === 2 ? 'it refused the change: 8:7  fps  0 is out of range' : null, forgiven: false, away_s: at === 4 && asked ? 1800 : null,
    };
  });
const rollout = (id: number, kind: Api.Rollout['kind'], title: string, state: Api.Rollout['state']): Api.Rollout => {
  const worse = state === 'stopped';
  return {
    id, kind, title, change: kind === 'config' ? '[detector]\nthreads = 2\n' : 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', why: 'boxes with four cores can do more', by: 'demo', created_ms: NOW - 3 * HOUR_MS, soak_s: 900,
    state, since_ms: NOW - HOUR_MS, reason: worse ? '1 of 3 boxes got worse: acme-s03' : null, counts: { boxes: 20, asked: worse ? 3 : 20, answered: worse ? 3 : 20, worse: worse ? 1 : 0 }, boxes: boxesOf(worse),
  };
};
const rollouts: Api.Rollout[] = [rollout(2, 'config', 'Two threads', 'stopped'), rollout(1, 'software', 'footfall 0.5.0', 'done')];

export const packages = (): Api.Packages => ({ packages: [{ package: 'footfall', version: '0.5.1', architecture: 'arm64', sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', size: 41_200_000, at_ms: NOW - DAY_MS, is_here: true }] });

/** What is asked of one box; null: there is no such thing. */
export function ofBox(of: Api.StoreName, rest: string, query: URLSearchParams): unknown {
  const at = STORES.indexOf(of);
  if (rest === '') return detail(of, at);
  if (rest === '/health') return history(at, Number(query.get('hours') ?? 48));
  if (rest === '/config') return { versions } satisfies Api.ConfigHistory;
  if (rest === '/commands') return { commands } satisfies Api.Commands;
  return null;
}

/** What is sent to one box. */
export function toBox(rest: string, body: Record<string, string>): unknown {
  if (rest === '/config') {
    const version = versions.length + 1;
    versions.unshift({ version, hash: 'f'.repeat(64), text: body['text'] ?? '', at_ms: Date.now(), by: 'demo', why: body['why'] ?? '', rollout: null });
    return { version };
  }
  if (rest === '/commands') {
    const id = commands.length + 1;
    const what = (body['what'] ?? 'reread') as Api.BoxCommand['what'];
    commands.unshift({ id, what, camera: body['camera'] ?? null, by: 'demo', why: body['why'] ?? '', asked_ms: Date.now(), expires_ms: Date.now() + 60_000, outcome: 'done', detail: null, answered_ms: Date.now() + 900, has_picture: what === 'snapshot', people: what === 'snapshot' ? 2 : null });
    return { id };
  }
  if (rest === '/enrolment') return { link: 'https://hq.example.org/enrol#ffen_made-up', qr_svg: QR, until_ms: Date.now() + DAY_MS } satisfies Api.EnrolmentLink;
  return rest === '/revocation' ? { revoked: 1 } : null;
}

export const rolloutList = (): Api.Rollouts => ({ rollouts: rollouts.map((one) => ({ ...one, boxes: [] })) });
export const rolloutOf = (id: number): Api.Rollout | null => rollouts.find((one) => one.id === id) ?? null;

/** Begins a roll-out, or does something with one. */
export function toRollouts(id: number | null, body: Record<string, string>): unknown {
  if (id === null) {
    const next = rollouts.length + 1;
    rollouts.unshift({ ...rollout(next, body['kind'] === 'software' ? 'software' : 'config', body['title'] ?? '', 'running'), why: body['why'] ?? '' });
    return { id: next, left_out: [] };
  }
  const one = rolloutOf(id);
  if (one) one.state = body['do'] === 'resume' ? 'running' : body['do'] === 'stop' ? 'stopped' : 'taken_back';
  return one;
}

/** Two sensors of each third store: one at the door, and a receiver of beacons that somebody moved of late. */
export function sensors(of: Api.StoreName, from: number, to: number): Api.Sensors {
  const at = STORES.indexOf(of);
  const span = Array.from({ length: Math.max(0, Math.min(to, clock().today - 1) - from + 1) }, (_, step) => from + step);
  const beside = (sensor: number, camera: number, hours: number): Api.SideBySide => ({ sensor, camera, difference: camera ? sensor / camera - 1 : null, hours, open_hours: 12 });
  const day = (number: number, share: (number: number) => number) => {
    const camera = dayFigures(of.store, number).entries;
    return { day: dayText(number), apart: false, ...beside(Math.round(camera * share(number)), camera, chance('seen', of.store, number) < 0.1 ? 10 : 12) };
  };
  const made = (sensor: string, kind: Api.Sensor['kind'], share: (number: number) => number): Api.Sensor => {
    const days = span.map((number) => day(number, share)).map((one) => ({ ...one, apart: kind === 'beacon' && one.day > dayText(to - 4) }));
    const sum = (value: (one: Api.SideBySide) => number): number => days.reduce((all, one) => all + value(one), 0);
    const total = { ...beside(sum((one) => one.sensor), sum((one) => one.camera), sum((one) => one.hours)), open_hours: sum((one) => one.open_hours) };
    const hours = hoursOf(0).map((hour) => {
      const camera = span.reduce((all, number) => all + hourFigures(of.store, number, hour).entries, 0);
      return { hour, ...beside(Math.round(camera * share(from)), camera, span.length), open_hours: span.length };
    });
    const isDoor = kind === 'door';
    return { box: `box-${of.store}`, sensor, kind, camera: isDoor ? 'door' : 'hall', line: isDoor ? 'entrance' : null, zone: isDoor ? null : 'shoes', what: isDoor ? 'entries' : 'visits', total, exits: null, apart: !isDoor, days, hours };
  };
  const door = made('door-sensor', 'door', (number) => 1.02 + 0.05 * chance('door', of.store, number));
  const beacon = made('hall-beacons', 'beacon', (number) => (number > to - 4 ? 0.19 : 0.36) + 0.04 * chance('beacon', number));
  return { store: of, from: dayText(from), to: dayText(to), sensors: at % 3 === 0 ? [door, beacon] : [] };
}

export const accounts = (): Api.Accounts => ({
  accounts: [
    { name: 'demo', email: null, has_password: true, has_oidc: false, disabled: false, created_ms: NOW - 90 * DAY_MS, grants: [{ role: 'admin', scope: 'chain', tenant: 'acme', name: null }] },
    { name: 'north', email: 'north@example.org', has_password: false, has_oidc: true, disabled: false, created_ms: NOW - 40 * DAY_MS, grants: [{ role: 'manager', scope: 'region', tenant: 'acme', name: 'North' }] },
    { name: 'gone', email: null, has_password: true, has_oidc: false, disabled: true, created_ms: NOW - 400 * DAY_MS, grants: [{ role: 'viewer', scope: 'store', tenant: 'acme', name: 's01' }] },
  ],
});

export const audit = (): Api.Audit => ({
  lines: [
    { id: 3, at_ms: NOW - 9 * 60_000, account: 'demo', address: '192.0.2.7', action: 'command_asked', detail: 'acme/s01/box-s01: snapshot of door, because: is the shelf still there?' },
    { id: 2, at_ms: NOW - 12 * 60_000, account: 'demo', address: '192.0.2.7', action: 'signed_in', detail: '' },
    { id: 1, at_ms: NOW - 13 * 60_000, account: null, address: '192.0.2.7', action: 'sign_in_failed', detail: 'demo' },
  ],
});
