// How boxes are, in words: shared by the list and by the page of one box.

import type { BoxHealth, ConfigStatus } from '../../api';
import type { Child } from '../../kit/dom';
import { decimal, duration, moment, percent, t, UNKNOWN } from '../../kit/i18n';
import { badge, type Tone } from '../../kit/state';

/** Hotter than this a processor slows itself down. */
const HOT_C = 80;
/** Below this share of free disk records will soon have no room. */
const LITTLE_DISK = 0.1;
const LITTLE_MEMORY = 0.05;
/** A box sends once a minute. */
const BEHIND_S = 300;
/** A certificate is renewed at two thirds of its life; one that is this near its end was not. */
const SOON_MS = 14 * 86_400_000;

export const CONFIG_TONE: Record<ConfigStatus, Tone | 'plain'> = { local: 'plain', trial: 'note', applied: 'good', refused: 'bad', rolled_back: 'bad' };

const marked = (words: string, isBad: boolean, hint?: string): Child => (isBad ? badge('warning', words, hint) : words);

export const temperature = (of: BoxHealth | null | undefined): Child =>
  of?.temperature_c == null ? UNKNOWN : marked(t('health.celsius', { degrees: decimal(of.temperature_c, 0) }), of.temperature_c >= HOT_C, t('health.hot'));

const free = (amount: number | null, size: number | null): number | null => (amount === null || !size ? null : amount / size);

export const diskShare = (of: BoxHealth | null | undefined): number | null => (of ? free(of.disk_free, of.disk_size) : null);
export const memoryShare = (of: BoxHealth | null | undefined): number | null => (of ? free(of.memory_free, of.memory_size) : null);

export function disk(of: BoxHealth | null | undefined): Child {
  const share = diskShare(of);
  return share === null ? UNKNOWN : marked(percent(share, 0), share < LITTLE_DISK, t('health.disk_low'));
}

export function memory(of: BoxHealth | null | undefined): Child {
  const share = memoryShare(of);
  return share === null ? UNKNOWN : marked(percent(share, 0), share < LITTLE_MEMORY, t('health.memory_low'));
}

/** The slowest camera: it is the one that somebody has to look at. */
export const slowest = (of: BoxHealth | null | undefined): number | null => (of?.cameras.length ? Math.min(...of.cameras.map((one) => one.fps)) : null);

export const fps = (of: BoxHealth | null | undefined): Child => {
  const least = slowest(of);
  return least === null ? UNKNOWN : decimal(least);
};

export const longest = (of: BoxHealth | null | undefined): number | null => {
  const times = of?.cameras.flatMap((one) => one.inference_ms ?? []) ?? [];
  return times.length ? Math.max(...times) : null;
};

export const inference = (of: BoxHealth | null | undefined): Child => {
  const most = longest(of);
  return most === null ? UNKNOWN : t('health.ms', { ms: decimal(most, 0) });
};

export const behind = (of: BoxHealth | null | undefined): Child => {
  if (!of) return UNKNOWN;
  return of.behind_s === null ? t('health.not_behind') : marked(duration(of.behind_s), of.behind_s > BEHIND_S);
};

export const clock = (of: BoxHealth | null | undefined): Child => (of ? (of.clock_ok ? t('health.clock_ok') : badge('warning', t('health.clock_wrong'), t('health.clock_hint'))) : UNKNOWN);

export function certificate(until_ms: number | null | undefined, now_ms: number): Child {
  if (until_ms == null) return UNKNOWN;
  const until = moment(until_ms);
  if (until_ms <= now_ms) return badge('bad', t('certificate.over', { until }));
  return marked(until, until_ms - now_ms < SOON_MS, t('certificate.soon'));
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** An amount of bytes as people say it. */
export function bytes(amount: number): string {
  const power = amount < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(amount) / 3));
  return `${decimal(amount / 1000 ** power, power === 0 ? 0 : 1)} ${UNITS[power] ?? ''}`;
}
