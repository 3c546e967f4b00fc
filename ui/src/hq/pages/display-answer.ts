// The answer to a question about displays.
//
// The sentence is made here from all the measures, so that it reads well in every language; head office's own tells of stopping only.
// A difference whose interval holds zero is never put as one.

import type { Display, DisplayComparison } from '../../api';
import { csvAddress, get } from '../../kit/client';
import { intervals } from '../../kit/charts/interval';
import { h } from '../../kit/dom';
import { duration, known, listed, money, percent, t, UNKNOWN, type Values } from '../../kit/i18n';
import { notice } from '../../kit/state';
import { table } from '../../kit/table';
import { sharedCurrency } from '../words';
import type { Visit } from '../visit';

export type Question =
  | { kind: 'before_after'; display: number; days: string }
  | { kind: 'against'; display: number; other: number; from: string | null; to: string | null }
  | { kind: 'test_control'; displays: string; controls: string; changed: string; days: string };

type Measure = DisplayComparison['measures'][number];
const API = '/api/v1/displays/compare';

export async function answer(visit: Visit, question: Question, all: readonly Display[]): Promise<Node> {
  const data = await get<DisplayComparison>(API, { ...question }, visit.signal);
  const rows = data.measures.map((one) => ({ title: t(`measure.${one.measure}`), difference: one.difference, clear: one.clear }));
  return h(
    'section',
    { class: 'panel stack', 'aria-label': t('displays.answer') },
    h('h2', { class: 'sentence' }, sentence(data)),
    h('p', { class: 'basis' }, basis(data)),
    data.warnings.length ? notice('warning', ...data.warnings.map((one) => h('p', null, warning(one)))) : null,
    rows.some((one) => one.difference)
      ? h('figure', { class: 'drawing', 'aria-label': t('displays.intervals') }, intervals(rows), h('figcaption', { class: 'legend' }, t('displays.interval_hint')))
      : null,
    measures(visit, data, all, csvAddress(API, { ...question })),
  );
}

/** What is clear, in one plain sentence; that nothing is, where nothing is. */
function sentence(data: DisplayComparison): string {
  const clear = data.measures.filter((one) => one.clear && one.difference);
  if (clear.length > 0) return t(`sentence.${data.kind}`, { what: listed(clear.map(found)) });
  return data.measures.some((one) => one.difference) ? t('sentence.unclear') : t('sentence.nothing');
}

/** One finding: "stopped 12 % (5 % to 19 %) more people". */
function found(one: Measure): string {
  const { value, low, high } = one.difference ?? { value: 0, low: 0, high: 0 };
  const size = (share: number): string => percent(Math.abs(share), 0);
  const [least, most] = value >= 0 ? [low, high] : [high, low];
  return t(`found.${one.measure}.${value >= 0 ? 'more' : 'fewer'}`, { value: size(value), low: size(least), high: size(most) });
}

const basis = (data: DisplayComparison): string =>
  [
    t('displays.basis', { stores: data.stores, weeks: data.weeks, days: data.store_days }),
    data.left_out_days > 0 ? t('displays.left_out', { days: data.left_out_days }) : '',
  ].join(' ');

/** A warning in the reader's language; one that is newer than these pages at least by its name. */
function warning(one: { key: string; values: Values }): string {
  const key = `warning.${one.key}`;
  return known(key) ? t(key, one.values) : t('warning.other', { key: one.key });
}

function measures(visit: Visit, data: DisplayComparison, all: readonly Display[], csv: string): HTMLElement {
  const stores = visit.stores.filter((one) => all.some((display) => display.tenant === one.tenant && display.store === one.store));
  const currency = sharedCurrency(stores);
  const write = (row: Measure, value: number | null): string => {
    if (value === null) return UNKNOWN;
    if (row.measure === 'dwell_s') return duration(value);
    if (row.measure === 'sales_per_visitor_minor') return currency ? money(value, currency) : UNKNOWN;
    return percent(value);
  };
  const [before, after] = data.kind === 'against' ? [t('displays.other_one'), t('displays.this_one')] : [t('displays.before'), t('displays.after')];
  return table({
    caption: t('displays.measures'),
    rows: data.measures,
    csv,
    columns: [
      { title: t('chart.measure'), heads: true, cell: (row) => t(`measure.${row.measure}`) },
      { title: before, number: true, cell: (row) => write(row, row.before) },
      { title: after, number: true, cell: (row) => write(row, row.after) },
      { title: t('displays.sure'), cell: (row) => (row.difference === null ? t('chart.cannot_say') : row.clear ? t('displays.clear') : t('displays.unclear')) },
    ],
  });
}
