// A chain of made-up stores, for work on pages without a head office: the same figures for the same day, whenever one asks.

import type { Absent, Figures, StoreName } from '../src/api';

const REGIONS = ['North', 'Central', 'South'];
const TOWNS = ['Xinyi', 'Ximen', 'Banqiao', 'Neihu', 'Tamsui', 'Keelung', 'Taoyuan', 'Hsinchu', 'Taichung', 'Fengyuan', 'Changhua', 'Chiayi', 'Tainan', 'Anping', 'Zuoying', 'Fengshan', 'Pingtung', 'Hualien', 'Yilan', 'Taitung'];

export const STORES: readonly StoreName[] = TOWNS.map((title, at) => ({
  tenant: 'acme',
  store: `s${String(at + 1).padStart(2, '0')}`,
  title,
  region: REGIONS[Math.floor((at * REGIONS.length) / TOWNS.length)] ?? null,
  currency: 'TWD',
  decimals: 0,
  time_zone: 'Asia/Taipei',
  simulated: true,
}));

export const OPENS = 10;
export const CLOSES = 22;

/** A number from 0 to 1 that is always the same for the same words (FNV-1a, then mixed). */
export function chance(...of: (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const letter of of.join(' ')) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

export const dayNumber = (day: string): number => Math.floor(Date.parse(`${day}T00:00:00Z`) / 86_400_000);
export const dayText = (number: number): string => new Date(number * 86_400_000).toISOString().slice(0, 10);
export const weekdayOf = (number: number): number => (number + 3) % 7;

/** Now, on the clock of the chain: always four in the afternoon, so that there is a day to look at whenever one works. */
export function clock(): { today: number; hour: number } {
  return { today: Math.floor(Date.now() / 86_400_000), hour: 16 };
}

export const HOLIDAYS: Readonly<Record<string, string>> = { '10-10': 'National Day', '01-01': 'New Year', '02-28': 'Peace Memorial Day' };

interface Sums {
  entries: number;
  passersby: number;
  visits: number;
  engaged: number;
  queued: number;
  transactions: number;
  sales: number;
  units: number;
  staff: number;
  seen: number;
  open: number;
}

const NOTHING: Sums = { entries: 0, passersby: 0, visits: 0, engaged: 0, queued: 0, transactions: 0, sales: 0, units: 0, staff: 0, seen: 0, open: 0 };

/** How much of an hour was seen: mostly all, now and then a camera was away. */
function seenOf(store: string, day: number, hour: number): number {
  if (store === 's03' && day % 9 === 4) return 0;
  if (store === 's07' && day === clock().today && hour < 13) return 0.55;
  const bad = chance('bad', store, day, hour);
  return bad < 0.02 ? 0.4 : bad < 0.03 ? 0 : 0.995 + 0.005 * bad;
}

/** One hour of one store. */
function hourSums(store: string, day: number, hour: number): Sums {
  const size = 40 + 70 * chance('size', store);
  const weekday = [0.8, 0.78, 0.82, 0.9, 1.15, 1.6, 1.5][weekdayOf(day)] ?? 1;
  const bend = 0.45 + Math.exp(-(((hour - 13) / 1.8) ** 2)) * 0.55 + Math.exp(-(((hour - 18.5) / 2) ** 2)) * 0.95;
  const year = 1 + 0.12 * Math.sin((day / 365) * 2 * Math.PI) + 0.00012 * (day - 20_000);
  const luck = 0.82 + 0.36 * chance('luck', store, day, hour);
  const seen = seenOf(store, day, hour);
  const real = size * weekday * bend * year * luck;
  const entries = Math.round(real * seen);
  const transactions = Math.round(real * (0.16 + 0.1 * chance('buys', store)) * (0.9 + 0.2 * chance('buy', store, day, hour)));
  const sales = Math.round(transactions * (520 + 380 * chance('basket', store)) * (0.9 + 0.2 * chance('spend', store, day, hour)));
  const visits = Math.round(entries * 1.34);
  return {
    entries,
    passersby: Math.round(entries * (2.6 + 2 * chance('street', store))),
    visits,
    engaged: Math.round(visits * 0.38),
    queued: Math.round(transactions * 0.9),
    transactions,
    sales,
    units: Math.round(transactions * 2.1),
    staff: 2 + Math.round(3 * chance('staff', store)),
    seen,
    open: 1,
  };
}

function add(a: Sums, b: Sums): Sums {
  const sum = { ...a };
  for (const name of Object.keys(sum) as (keyof Sums)[]) sum[name] += b[name];
  return sum;
}

/** The opening hours of a day that have begun. */
export function hoursOf(day: number, until = 24): number[] {
  const { today, hour } = clock();
  const end = Math.min(CLOSES, until, day === today ? hour + 1 : 24);
  return Array.from({ length: Math.max(0, end - OPENS) }, (_, at) => OPENS + at);
}

export function hourFigures(store: string, day: number, hour: number): Figures {
  return figures(hourSums(store, day, hour), store);
}

export function dayFigures(store: string, day: number, until = 24): Figures {
  return figures(daySums(store, day, until), store);
}

export function rangeFigures(stores: readonly string[], from: number, to: number, until = 24): Figures {
  let sum = NOTHING;
  for (const store of stores) for (let day = from; day <= to; day += 1) sum = add(sum, daySums(store, day, until));
  return figures(sum, stores.length === 1 ? (stores[0] ?? '') : '');
}

function daySums(store: string, day: number, until: number): Sums {
  return hoursOf(day, until).reduce((sum, hour) => add(sum, hourSums(store, day, hour)), NOTHING);
}

/** Sums as figures, by the rules of head office: what cannot be known is absent, with its reason. */
function figures(sums: Sums, store: string): Figures {
  const coverage = sums.open ? sums.seen / sums.open : 0;
  const complete = coverage >= 0.9;
  const absent: { figure: string; why: Absent }[] = [];
  const give = (figure: string, value: number, why: Absent | null): number | null => {
    if (why) absent.push({ figure, why });
    return why ? null : value;
  };
  const people: Absent | null = !complete ? 'coverage' : sums.entries === 0 ? 'no_visitors' : null;
  const till: Absent | null = store === 's12' ? 'no_till' : null;
  const street: Absent | null = store === 's05' ? 'no_passersby' : null;
  const staffing: Absent | null = store === 's16' ? 'no_staffing' : null;
  const [transactions, sales] = till ? [null, null] : [sums.transactions, sums.sales];
  return {
    entries: sums.entries,
    staff_entries: Math.round(sums.staff * 3),
    reentries: Math.round(sums.entries * 0.03),
    visitors: Math.round(sums.entries * 0.97),
    passersby: street ? null : sums.passersby,
    zone_visits: sums.visits,
    engaged: sums.engaged,
    queued: sums.queued,
    transactions,
    sales_minor: sales,
    units: till ? null : sums.units,
    associate_hours: staffing ? null : sums.staff,
    conversion: give('conversion', sums.transactions / Math.max(1, sums.entries * 0.97), people ?? till),
    capture_rate: give('capture_rate', sums.entries / Math.max(1, sums.entries + sums.passersby), street ?? people),
    sales_per_visitor_minor: give('sales_per_visitor', Math.round(sums.sales / Math.max(1, sums.entries * 0.97)), people ?? till),
    average_transaction_minor: give('average_transaction', Math.round(sums.sales / Math.max(1, sums.transactions)), till ?? (sums.transactions ? null : 'no_transactions')),
    units_per_transaction: give('units_per_transaction', sums.units / Math.max(1, sums.transactions), till ?? (sums.transactions ? null : 'no_transactions')),
    shoppers_per_associate_hour: give('shoppers_per_associate_hour', (sums.entries * 0.97) / Math.max(1, sums.staff), staffing ?? people),
    coverage,
    complete,
    absent,
  };
}
