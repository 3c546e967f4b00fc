// What the pages ask of the made-up chain.

import type * as Api from '../src/api';
import { config, health, sensors as sensorsOf } from './boxes';
import { chance, clock, dayFigures, dayNumber, dayText, HOLIDAYS, hourFigures, hoursOf, rangeFigures, STORES, weekdayOf } from './chain';

type Query = URLSearchParams;
const HOUR_MS = 3_600_000;

function period(query: Query, days = 28): { from: number; to: number } {
  const to = query.get('to') ? dayNumber(query.get('to') ?? '') : clock().today;
  return { from: query.get('from') ? dayNumber(query.get('from') ?? '') : to - days + 1, to: Math.min(to, clock().today) };
}
const spread = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);

export const find = (tenant: string, store: string): Api.StoreName | undefined =>
  STORES.find((one) => one.tenant === tenant && one.store === store);

export function overview(query: Query): Api.Overview {
  const { today, hour } = clock();
  const day = query.get('day') ? Math.min(dayNumber(query.get('day') ?? ''), today) : today;
  const open = day === today;
  const until = open ? Math.max(hour + 1, 11) : 24;
  const all = STORES.map((one) => one.store);
  const versus = (stores: readonly string[]): Api.Comparison => ({
    now: rangeFigures(stores, day, day, until),
    last_week: rangeFigures(stores, day - 7, day - 7, until),
    last_year: rangeFigures(stores, day - 364, day - 364, until),
  });
  const rows = STORES.map((one) => ({ ...one, ...versus([one.store]) })).sort((a, b) => b.now.visitors - a.now.visitors);
  return {
    day: dayText(day),
    open,
    totals: versus(all),
    stores: rows.map((row, at) => ({ ...row, rank: at + 1 })),
    days: spread(day - 28, day - 1).map((one) => {
      const sum = rangeFigures(all, one, one);
      const gap = one % 19 === 3;
      return { day: dayText(one), visitors: gap ? null : sum.visitors, conversion: gap ? null : sum.conversion, sales_minor: sum.sales_minor };
    }),
  };
}

export function storePage(store: Api.StoreName, query: Query): Api.StorePage {
  const { from, to } = period(query);
  const total = rangeFigures([store.store], from, to);
  const hours = week(store.store, from, to);
  const sum = hours.reduce((all, one) => all + (one.visitors ?? 0), 0);
  let before = 0;
  const power = [...hours]
    .sort((a, b) => (b.visitors ?? 0) - (a.visitors ?? 0))
    .map((one) => {
      const share = (one.visitors ?? 0) / Math.max(1, sum);
      const isPower = before < 0.4;
      before += share;
      return { weekday: one.weekday, hour: one.hour, share, power: isPower };
    });
  const steps = ['passersby', 'entries', 'zone_visits', 'engaged', 'queued', 'transactions'] as const;
  return {
    store,
    from: dayText(from),
    to: dayText(to),
    total,
    days: spread(from, to).map((day) => ({ ...dayFigures(store.store, day), day: dayText(day), holiday: HOLIDAYS[dayText(day).slice(5)] ?? null })),
    hours,
    power_hours: power,
    funnel: steps.map((step) => ({ step, people: total[step] })),
    cameras: [
      { box: `box-${store.store}`, camera: 'door', title: 'Entrance' },
      { box: `box-${store.store}`, camera: 'hall', title: 'Sales floor' },
    ],
  };
}

function week(store: string, from: number, to: number): Api.StorePage['hours'] {
  return spread(0, 6).flatMap((weekday) =>
    hoursOf(0).map((hour) => {
      const all = spread(from, to).filter((day) => weekdayOf(day) === weekday && hoursOf(day).includes(hour)).map((day) => hourFigures(store, day, hour));
      const good = all.filter((one) => one.complete);
      const mean = (value: (one: Api.Figures) => number): number | null => (good.length ? good.reduce((sum, one) => sum + value(one), 0) / good.length : null);
      const blank = weekday === 1 && hour === 11 && store === 's01';
      return { weekday, hour, visitors: blank ? null : mean((one) => one.visitors), conversion: mean((one) => one.conversion ?? 0), hours: good.length, incomplete: all.length - good.length };
    }),
  );
}

export function storeDay(store: Api.StoreName, day: string): Api.StoreDay {
  const number = dayNumber(day);
  const begin_ms = number * 86_400_000 - 8 * HOUR_MS;
  return {
    store,
    day,
    total: dayFigures(store.store, number),
    hours: hoursOf(number).map((hour) => ({ ...hourFigures(store.store, number, hour), start_ms: begin_ms + hour * HOUR_MS, hour, open: true })),
  };
}

export function heat(): Api.Heat {
  const [columns, rows, cell] = [36, 22, 0.5];
  const spots = [[5, 18, 6], [12, 9, 9], [24, 6, 7], [29, 15, 10], [18, 17, 4]] as const;
  const at = (column: number, row: number): number => spots.reduce((sum, [x, y, weight]) => sum + weight * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / 9), 0);
  const cells = Array.from({ length: columns * rows }, (_, index) => Math.round(at(index % columns, Math.floor(index / columns)) * 400 * (0.7 + 0.6 * chance('cell', index))));
  const zone = (name: string, x: number, y: number, w: number, d: number): Api.Heat['shapes'][number] => ({ kind: 'zone', name, points: [[x, y], [x + w, y], [x + w, y + d], [x, y + d]] });
  return {
    space: 'floor_m', cell, left: -3, top: 0, columns, rows,
    presence_s: cells, dwell_s: cells.map((one) => Math.round(one > 500 ? one * 0.6 : 0)),
    shapes: [zone('shoes', 1, 2.5, 4, 4), zone('bags', 7, 1, 4, 4), zone('till', 10, 6, 4, 3.5), { kind: 'line', name: 'entrance', points: [[-2, 10.5], [2, 10.5]] }],
  };
}

export function flow(): Api.Flow {
  return {
    moves: [
      { from: 'in:entrance', to: 'zone:shoes', people: 812 }, { from: 'in:entrance', to: 'zone:bags', people: 640 },
      { from: 'in:entrance', to: 'out:entrance', people: 402 }, { from: 'zone:shoes', to: 'zone:bags', people: 301 },
      { from: 'zone:shoes', to: 'zone:till', people: 260 }, { from: 'zone:bags', to: 'zone:till', people: 233 },
      { from: 'zone:bags', to: 'out:entrance', people: 350 }, { from: 'zone:shoes', to: 'out:entrance', people: 244 },
      { from: 'zone:till', to: 'out:entrance', people: 470 }, { from: 'seen_first', to: 'zone:shoes', people: 31 }, { from: 'zone:till', to: 'lost', people: 18 },
    ],
    other_moves: 27,
  };
}

export function compare(query: Query): Api.Compare {
  const { from, to } = period(query);
  const step = query.get('by') === 'week' ? 7 : 1;
  const asked = (query.get('stores') ?? '').split(',');
  const stores = asked.flatMap((key) => find(...(key.split('/') as [string, string])) ?? []);
  return {
    from: dayText(from),
    to: dayText(to),
    stores: stores.map((store) => ({
      store,
      total: rangeFigures([store.store], from, to),
      points: spread(from, to).filter((day) => (day - from) % step === 0).map((day) => ({ ...rangeFigures([store.store], day, Math.min(day + step - 1, to)), start: dayText(day) })),
    })),
  };
}

const CHANGED = dayText(clock().today - 24);
const OLD = dayText(clock().today - 200);

export function displays(): Api.Displays {
  let id = 0;
  return {
    displays: STORES.slice(0, 16).flatMap((one, at) => {
      const base = { tenant: one.tenant, store: one.store, name: 'front-table', zone: 'front', category: 'shoes', items: [] };
      const old = { id: ++id, ...base, title: 'Front table, by size', from: OLD, to: at < 8 ? dayText(clock().today - 25) : null };
      return at < 8 ? [old, { id: ++id, ...base, title: 'Front table, by outfit', from: CHANGED, to: null }] : [old];
    }),
  };
}

export function displayComparison(query: Query): Api.DisplayComparison {
  const kind = (query.get('kind') ?? 'before_after') as Api.DisplayComparison['kind'];
  const many = kind === 'test_control';
  const wide = many ? 1 : 3;
  const measure = (name: Api.DisplayComparison['measures'][number]['measure'], before: number, value: number, half: number): Api.DisplayComparison['measures'][number] => {
    const [low, high] = [value - half * wide, value + half * wide];
    return { measure: name, before, after: before * (1 + value), difference: { value, low, high }, clear: low > 0 || high < 0 };
  };
  return {
    kind, stores: many ? 16 : 1, weeks: 3, store_days: many ? 642 : 40, left_out_days: many ? 11 : 2,
    measures: [
      measure('stop_rate', 0.212, 0.121, 0.034), measure('dwell_s', 34.5, 0.041, 0.021), measure('engaged_share', 0.31, 0.018, 0.045),
      many ? measure('sales_per_visitor_minor', 184, 0.034, 0.024) : { measure: 'sales_per_visitor_minor', before: 184, after: null, difference: null, clear: false },
    ],
    sentence: { key: 'clear', values: {} },
    warnings: many ? [] : [{ key: 'one_store', values: {} }, { key: 'too_few_days', values: {} }],
  };
}

export function queues(store: Api.StoreName, query: Query): Api.Queues {
  const { from, to } = period(query);
  const wait = (of: number, hour: number): number => 45 + 150 * Math.exp(-(((hour - 18.5) / 2) ** 2)) * (1 + (of > 4 ? 0.8 : 0)) * (0.7 + 0.6 * chance('wait', of, hour));
  return {
    store, from: dayText(from), to: dayText(to),
    zones: [{
      zone: 'till', title: 'Till', joined: 4120, served: 3891, abandoned: 229, mean_wait_s: 118, longest_wait_s: 912,
      hours: spread(0, 6).flatMap((weekday) => hoursOf(0).map((hour) => ({ weekday, hour, mean_length: wait(weekday, hour) / 60, max_length: Math.round(wait(weekday, hour) / 22), mean_wait_s: wait(weekday, hour) }))),
      days: spread(from, to).map((day) => {
        const gone = day % 11 === 2;
        return { day: dayText(day), joined: gone ? 0 : 140, abandoned: gone ? 0 : 8, mean_wait_s: gone ? null : 70 + 60 * chance('day', day) + (weekdayOf(day) > 4 ? 60 : 0), longest_wait_s: gone ? null : 400 };
      }),
    }],
  };
}

export function sensors(store: Api.StoreName, query: Query): Api.Sensors {
  const { from, to } = period(query);
  return sensorsOf(store, from, to);
}

export function fleet(): Api.Fleet {
  const now = Date.now();
  const boxes = STORES.map((one, at): Api.Fleet['boxes'][number] => {
    const offline = at === 2;
    const late = at === 6;
    return {
      tenant: one.tenant, store: one.store, box: `box-${one.store}`, state: offline ? 'offline' : at === 19 ? 'never_seen' : 'online',
      since_ms: at === 19 ? null : now - (offline ? 5 : 90) * HOUR_MS, software: at === 19 ? null : '0.5.0',
      watermark: 184_220 + at * 913, highest: 184_220 + at * 913 + (late ? 420 : 0), last_record_ms: at === 19 ? null : now - (offline ? 5 * HOUR_MS : 21_000),
      lag_s: at === 19 ? null : late ? 3120 : 2.4, late,
      missing: late ? [[184_300, 184_350]] : [], lost: at === 9 ? [{ first: 9120, last: 9188, why: "the box's disk budget was used up" }] : [],
      cameras: at === 19 ? [] : [{ camera: 'door', state: offline ? 'down' : 'up', conditions: at === 4 ? ['moved'] : at === 11 ? ['blocked'] : [] }, { camera: 'hall', state: at === 8 ? 'down' : 'up', conditions: [] }],
      problems: at === 13 ? [{ about: 'clock', text: 'the clock is 4 s behind the broker', since_ms: now - 2 * HOUR_MS }] : [],
      audit: at % 4 === 0 ? [{ camera: 'door', line: 'entrance', accuracy: 0.973 - at / 400, low: 0.951 - at / 400, high: 0.987 - at / 500, minutes: 120, people: 412 + at, from_ms: now - 90 * 24 * HOUR_MS, to_ms: now - 90 * 24 * HOUR_MS + 2 * HOUR_MS }] : [],
      health: health(at, now), config: at === 19 ? null : config(at), certificate_until_ms: at === 19 ? null : now + (at === 7 ? 6 : 61) * 24 * HOUR_MS,
    };
  });
  return {
    boxes,
    strangers: [{ topic: 'footfall/v1/acme/s21/box-s21/records', box: 'box-s21', first_ms: now - 26 * HOUR_MS, last_ms: now - 60_000, messages: 1560 }],
    aside: [{ id: 1, at_ms: now - 3 * HOUR_MS, topic: 'footfall/v1/acme/s04/box-s04/records', reason: 'record 4412: "kind" is missing', bytes: 912 }],
  };
}

const ALERT_TEXTS: Record<Api.Alerts['alerts'][number]['rule'], Api.Alerts['alerts'][number]['text']> = {
  certificate: { key: 'certificate', values: { box: 'box-s08', days: 6 } },
  rollout_stopped: { key: 'rollout_stopped', values: { rollout: 'Two threads', why: '1 of 3 boxes got worse' } },
  disk_full: { key: 'disk_full', values: { box: 'box-s10', percent: 4 } },
  too_hot: { key: 'too_hot', values: { box: 'box-s06', celsius: 84 } },
  clock: { key: 'clock', values: { box: 'box-s14' } },
  no_data: { key: 'no_data', values: { box: 'box-s03', minutes: 312 } },
  camera_moved: { key: 'camera_moved_moved', values: { kind: 'moved', box: 'box-s05', camera: 'door' } },
  queue: { key: 'queue_length', values: { kind: 'length', box: 'box-s09', zone: 'till', value: 9, limit: 6 } },
  traffic: { key: 'traffic_low', values: { kind: 'low', visitors: 21, usual: 84, least: 51, most: 120, hour: 18 } },
  alarm: { key: 'alarm_hours', values: { kind: 'hours', box: 'box-s02', zone: 'stock', people: 1 } },
};

export function alerts(): Api.Alerts {
  const now = Date.now();
  const of = (id: number, rule: Api.Alerts['alerts'][number]['rule'], store: string, about: string, hours: number, lasted: number | null): Api.Alerts['alerts'][number] => ({
    id, rule, tenant: 'acme', store, about, began_ms: now - hours * HOUR_MS, ended_ms: lasted === null ? null : now - (hours - lasted) * HOUR_MS, text: ALERT_TEXTS[rule],
  });
  return {
    alerts: [of(1, 'no_data', 's03', 'box-s03', 5, null), of(2, 'camera_moved', 's05', 'door', 2, null), of(3, 'queue', 's09', 'Till', 0.3, null), of(7, 'rollout_stopped', 's03', 'rollout-2', 1, null), of(8, 'too_hot', 's06', 'box-s06', 3, null), of(9, 'certificate', 's08', 'box-s08', 20, null), of(10, 'clock', 's14', 'box-s14', 30, 4), of(4, 'queue', 's01', 'Till', 27, 0.4), of(5, 'traffic', 's14', 's14', 51, 2), of(6, 'no_data', 's11', 'box-s11', 80, 1.5)],
  };
}

export function liveStore(one: Api.StoreName): Api.LiveStore {
  const { today } = clock();
  const figures = dayFigures(one.store, today);
  const people = Math.round(12 + 30 * chance('now', one.store, Math.floor(Date.now() / 4000)));
  return {
    tenant: one.tenant, store: one.store, at_ms: Date.now(), people: one.store === 's03' ? null : people,
    visitors: figures.visitors, transactions: figures.transactions, conversion: figures.conversion, doors: [{ box: `box-${one.store}`, camera: 'door', line: 'entrance', in: figures.entries, out: figures.entries - people }],
  };
}
