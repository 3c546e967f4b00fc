// Words, numbers, money and time in the reader's language.
//
// A catalogue is a flat JSON file, one a language. In a sentence `{name}` is a value, and `{n, plural, one {# store} other {# stores}}`
// chooses by `Intl.PluralRules`; that is the part of ICU messages that these pages need, and all that is understood.
// English is always loaded: what another language lacks would be shown in English, and the check of the catalogues keeps that from shipping.

import english from '../catalogue/en.json';

export type Key = keyof typeof english;
export type Values = Record<string, string | number>;
type Catalogue = Record<string, string>;

/** Languages by their BCP 47 tag, each in its own words. To add one: its file, a line here and a line in `load`. */
export const LANGUAGES = { en: 'English', 'zh-TW': '繁體中文' } as const;
export type Language = keyof typeof LANGUAGES;

const STORED_AS = 'footfall.language';

let language: Language = 'en';
let catalogue: Catalogue = english;

async function load(wanted: Language): Promise<Catalogue> {
  return wanted === 'zh-TW' ? (await import('../catalogue/zh-TW.json')).default : english;
}

/** The language in use. */
export const currentLanguage = (): Language => language;

/** The reader's own choice, else the first language of the browser that there is a catalogue for. */
export function preferredLanguage(stored: string | null, ofBrowser: readonly string[]): Language {
  if (stored !== null && stored in LANGUAGES) return stored as Language;
  for (const tag of ofBrowser) {
    const [main] = tag.toLowerCase().split('-');
    // Whoever reads Chinese of another kind is better served by this one than by English.
    if (main === 'zh') return 'zh-TW';
    if (main === 'en') return 'en';
  }
  return 'en';
}

/** Takes up the preferred language. */
export async function beginLanguage(): Promise<void> {
  await use(preferredLanguage(remembered(), navigator.languages));
}

/** Changes the language and remembers it in this browser. */
export async function chooseLanguage(wanted: Language): Promise<void> {
  try {
    localStorage.setItem(STORED_AS, wanted);
  } catch {
    // A browser that keeps nothing still changes the language for now.
  }
  await use(wanted);
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

async function use(wanted: Language): Promise<void> {
  catalogue = await load(wanted);
  language = wanted;
  document.documentElement.lang = wanted;
  formats.clear();
}

/** The sentence under `key`, with its values; numbers among them are written as the language writes them. */
export function t(key: Key, values: Values = {}): string {
  return fill(catalogue[key] ?? (english as Catalogue)[key] ?? key, values);
}

/** Whether there is such a sentence: for keys that come from head office, which may be newer than these pages. */
export function known(key: string): key is Key {
  return key in english;
}

/** Fills a message. Exported for the check of the catalogues by tests. */
export function fill(message: string, values: Values): string {
  let out = '';
  let at = 0;
  while (at < message.length) {
    const open = message.indexOf('{', at);
    if (open < 0) return out + message.slice(at);
    const close = closing(message, open);
    out += message.slice(at, open) + place(message.slice(open + 1, close), values);
    at = close + 1;
  }
  return out;
}

function place(inside: string, values: Values): string {
  const [, name, , choices] = /^\s*(\w+)\s*(,\s*plural\s*,([\s\S]*))?$/.exec(inside) ?? [];
  const value = name === undefined ? undefined : values[name];
  if (value === undefined) return `{${inside}}`;
  if (choices === undefined) return typeof value === 'number' ? integer(value) : value;
  const rule = new Intl.PluralRules(language).select(Number(value));
  const chosen = choice(choices, rule) ?? choice(choices, 'other') ?? '';
  return fill(chosen.replaceAll('#', integer(Number(value))), values);
}

function choice(choices: string, rule: string): string | undefined {
  const start = choices.search(new RegExp(`(^|\\s)${rule}\\s*\\{`));
  if (start < 0) return undefined;
  const open = choices.indexOf('{', start);
  return choices.slice(open + 1, closing(choices, open));
}

/** Where the brace that opens at `open` is closed; the end where it never is. */
function closing(message: string, open: number): number {
  let depth = 0;
  for (let at = open; at < message.length; at += 1) {
    if (message[at] === '{') depth += 1;
    if (message[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return message.length;
}

// ---------------------------------------------------------------------------------------------------------------------
// Numbers, money, time. Formats are kept, because making one costs more than using it a thousand times.

const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  return kept(`n${JSON.stringify(options)}`, () => new Intl.NumberFormat(language, options));
}
function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(`d${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(language, options));
}
function kept<F extends Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>(key: string, make: () => F): F {
  const found = formats.get(key) ?? make();
  formats.set(key, found);
  return found as F;
}

/** What stands where nothing is known. Never a 0. */
export const UNKNOWN = '–';

export const integer = (value: number): string => numbers({ maximumFractionDigits: 0 }).format(value);
export const decimal = (value: number, digits = 1): string =>
  numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
export const percent = (share: number, digits = 1): string =>
  numbers({ style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(share);
/** A difference with its sign: `+8 %`. */
export const signedPercent = (share: number, digits = 0): string =>
  numbers({ style: 'percent', maximumFractionDigits: digits, signDisplay: 'exceptZero' }).format(share);

export interface Currency {
  currency: string;
  decimals: number;
}
export interface MoneyStyle {
  /** Whether sums so large that nobody reads all of it may be shortened. */
  fraction: 'always' | 'small';
}

/** From here on nobody reads the last digits, and a phone has no room for them. */
const LARGE = 10_000_000;

/** Money given in the currency's smallest unit. */
export function money(minor: number, of: Currency, style: MoneyStyle = { fraction: 'always' }): string {
  const major = minor / 10 ** of.decimals;
  const isShort = style.fraction === 'small';
  const digits = isShort && Math.abs(major) >= 100 ? 0 : of.decimals;
  const options: Intl.NumberFormatOptions =
    isShort && Math.abs(major) >= LARGE
      ? { currency: of.currency, notation: 'compact', maximumSignificantDigits: 4 }
      : { currency: of.currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    return numbers({ style: 'currency', ...options }).format(major);
  } catch {
    // A currency that this browser does not know.
    return `${decimal(major, digits)} ${of.currency}`;
  }
}

/** A span of seconds in words as short as they can be: `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const unit = (value: number, of: 'second' | 'minute' | 'hour' | 'day'): string =>
    numbers({ style: 'unit', unit: of, unitDisplay: 'short', maximumFractionDigits: of === 'second' && seconds < 10 ? 1 : 0 }).format(value);
  const whole = Math.round(seconds);
  if (whole < 60) return unit(seconds < 10 ? seconds : whole, 'second');
  if (whole < 3600) return joined(unit(Math.floor(whole / 60), 'minute'), whole < 600 && whole % 60 ? unit(whole % 60, 'second') : '');
  if (whole < 172_800) {
    return joined(unit(Math.floor(whole / 3600), 'hour'), whole % 3600 >= 60 ? unit(Math.floor((whole % 3600) / 60), 'minute') : '');
  }
  return unit(Math.round(whole / 86_400), 'day');
}
const joined = (first: string, second: string): string => (second ? `${first} ${second}` : first);

/** A business day (`YYYY-MM-DD`), which has no time zone. */
const dayDate = (day: string): Date => new Date(`${day}T12:00:00Z`);

export const longDay = (day: string): string =>
  dates({ timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(dayDate(day));
export const shortDay = (day: string): string => dates({ timeZone: 'UTC', day: 'numeric', month: 'short' }).format(dayDate(day));
/** Where days of several years stand together. */
export const datedDay = (day: string): string => dates({ timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' }).format(dayDate(day));
export const dayRange = (from: string, to: string): string =>
  dates({ timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' }).formatRange(dayDate(from), dayDate(to));

/** Monday is 0, as head office counts weekdays. */
export const weekdayName = (weekday: number, width: 'short' | 'long' = 'short'): string =>
  dates({ timeZone: 'UTC', weekday: width }).format(new Date(Date.UTC(2024, 0, 1 + weekday)));
export const weekdayOf = (day: string): number => (dayDate(day).getUTCDay() + 6) % 7;

/** A full hour of the day, as the language says it. */
export const hourName = (hour: number): string =>
  dates({ timeZone: 'UTC', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(Date.UTC(2024, 0, 1, hour % 24)));

/** A moment on the store's own clock; on the reader's where no store is named. */
export function moment(at_ms: number, timeZone?: string): string {
  const shape: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return dates(timeZone ? { ...shape, timeZone } : shape).format(at_ms);
}

/** How long ago, in the largest unit that fits. */
export function ago(at_ms: number, now_ms: number): string {
  const relative = kept('r', () => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }));
  const seconds = Math.round((at_ms - now_ms) / 1000);
  const size = Math.abs(seconds);
  if (size < 60) return relative.format(seconds, 'second');
  if (size < 3600) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 172_800) return relative.format(Math.round(seconds / 3600), 'hour');
  return relative.format(Math.round(seconds / 86_400), 'day');
}

/** A business day some days on. */
export function dayAfter(day: string, days: number): string {
  const date = dayDate(day);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** Names listed as the language lists them. */
export const listed = (names: readonly string[]): string => new Intl.ListFormat(language, { type: 'conjunction' }).format(names);
