// Stores side by side.

import type { Compare } from '../../api';
import { csvAddress, get } from '../../kit/client';
import { described } from '../../kit/charts/described';
import { seriesChart } from '../../kit/charts/series';
import { h } from '../../kit/dom';
import { segments, ticks } from '../../kit/fields';
import { longDay, shortDay, t } from '../../kit/i18n';
import { empty, notice } from '../../kit/state';
import { table } from '../../kit/table';
import { askedPeriod, periodTool, periodWords } from '../period';
import { type FigureName, sharedCurrency, writeFigure } from '../words';
import { storeKey, type View, type Visit } from '../visit';
import { coverageColumn, figureColumn, pageHead, redrawn, storeLink } from './parts';

const API = '/api/v1/compare';
/** As many as there are colours that all readers tell apart. */
const MOST_STORES = 6;
const MEASURES: readonly FigureName[] = ['visitors', 'conversion', 'sales_minor', 'sales_per_visitor_minor', 'average_transaction_minor'];
type Row = Compare['stores'][number];

export async function compare(visit: Visit): Promise<View> {
  const title = t('area.compare');
  const asked = (visit.query.get('stores') ?? '').split(',').filter(Boolean);
  const chosen = asked.length ? asked.slice(0, MOST_STORES) : visit.stores.slice(0, 3).map(storeKey);
  if (visit.stores.length < 2) {
    return { title, content: h('div', { class: 'stack' }, pageHead(title, null), empty(t('compare.one_store'), t('compare.one_store_hint'))) };
  }
  const by = visit.query.get('by') === 'week' ? 'week' : 'day';
  const query = { stores: chosen.join(','), ...askedPeriod(visit), by };
  const data = chosen.length ? await get<Compare>(API, query, visit.signal) : null;
  const spans = [
    { value: 'day', title: t('compare.by_day') },
    { value: 'week', title: t('compare.by_week') },
  ];
  const tools = data ? [segments(t('compare.by'), spans, by, (to) => visit.ask({ by: to })), periodTool(visit, data)] : [];
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(title, data ? periodWords(data) : null, ...tools),
    choice(visit, new Set(chosen)),
    data && data.stores.length ? [incomplete(data), lines(data, by), totals(data, csvAddress(API, query))] : empty(t('compare.none'), t('compare.none_hint')),
  );
  return { title, content };
}

function choice(visit: Visit, chosen: ReadonlySet<string>): HTMLElement {
  const choices = visit.stores.map((one) => ({ value: storeKey(one), title: one.title }));
  const change = (next: Set<string>): void => visit.ask({ stores: [...next].slice(-MOST_STORES).join(',') || null });
  return h('section', { class: 'panel' }, ticks(t('compare.stores', { most: MOST_STORES }), choices, chosen, change));
}

function incomplete(data: Compare): HTMLElement | null {
  const names = data.stores.filter((one) => !one.total.complete).map((one) => one.store.title);
  return names.length ? notice('warning', t('compare.incomplete', { names: names.join(', ') })) : null;
}

function lines(data: Compare, by: 'day' | 'week'): HTMLElement {
  // Stores of different currencies are not compared by money.
  const currency = sharedCurrency(data.stores.map((one) => one.store));
  const measures = MEASURES.filter((name) => currency !== null || !name.endsWith('_minor'));
  const starts = [...new Set(data.stores.flatMap((one) => one.points.map((point) => point.start)))].sort();
  return redrawn<FigureName>('visitors', (name, choose) => {
    const write = (value: number): string => writeFigure(name, value, currency);
    const summary = t('compare.summary', { stores: data.stores.length, figure: t(`figure.${name}`) });
    const at = (row: Row, start: string): Row['points'][number] | undefined => row.points.find((one) => one.start === start);
    const value = (row: Row, start: string): number | null => {
      const point = at(row, start);
      return point && point.coverage > 0 ? point[name] : null;
    };
    return described({
      title: by === 'week' ? t('compare.weeks') : t('compare.days'),
      tools: segments(t('chart.measure'), measures.map((one) => ({ value: one, title: t(`figure.${one}`) })), name, (to) => choose(to as FigureName)),
      summary,
      keep: 'compare',
      drawing: seriesChart({
        kind: 'lines',
        labels: starts.map(shortDay),
        long_labels: starts.map(longDay),
        series: data.stores.map((row, index) => ({
          name: row.store.title,
          values: starts.map((start) => value(row, start)),
          incomplete: starts.map((start) => at(row, start)?.complete === false),
          colour: (index % 6) + 1,
        })),
        write,
        description: summary,
      }),
      legend: h('span', null, t('compare.legend')),
      table: table({
        caption: t('compare.points'),
        rows: starts,
        columns: [
          { title: t('table.day'), heads: true, by: (start) => start, cell: (start) => longDay(start) },
          ...data.stores.map((row) => ({
            title: row.store.title,
            number: true,
            by: (start: string) => value(row, start),
            cell: (start: string) => writeFigure(name, value(row, start), row.store),
          })),
        ],
      }),
    });
  });
}

function totals(data: Compare, csv: string): HTMLElement {
  const total = (row: Row): Row['total'] => row.total;
  const names = ['visitors', 'conversion', 'sales_minor', 'sales_per_visitor_minor', 'average_transaction_minor', 'units_per_transaction', 'capture_rate', 'shoppers_per_associate_hour'] as const;
  return h(
    'section',
    { class: 'panel' },
    h('header', { class: 'panel-head' }, h('h2', null, t('compare.totals'))),
    table({
      caption: t('compare.totals'),
      caption_unseen: true,
      rows: data.stores,
      csv,
      columns: [
        { title: t('table.store'), heads: true, by: (row) => row.store.title, cell: (row) => storeLink(row.store) },
        ...names.map((name) => figureColumn<Row>(name, total, (row) => row.store)),
        coverageColumn<Row>(total),
      ],
    }),
  );
}
