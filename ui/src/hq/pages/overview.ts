// The chain today: against last week and last year, who leads, and how it is right now.

import type { Comparison, LiveStore, Overview } from '../../api';
import { csvAddress, get } from '../../kit/client';
import { described } from '../../kit/charts/described';
import { seriesChart } from '../../kit/charts/series';
import { h } from '../../kit/dom';
import { dayField, segments } from '../../kit/fields';
import { dayAfter, integer, listed, longDay, percent, shortDay, t, UNKNOWN, weekdayName, weekdayOf } from '../../kit/i18n';
import { empty, notice } from '../../kit/state';
import { type Column, table } from '../../kit/table';
import { liveStrip, liveValue, type LiveStores, watchStores } from '../live-stores';
import { dayIn } from '../period';
import { type FigureName, figureTiles, sharedCurrency, writeFigure } from '../words';
import { storeKey, type View, type Visit } from '../visit';
import { changeColumn, coverageColumn, figureColumn, pageHead, redrawn, stepDays, storeLink } from './parts';

const API = '/api/v1/overview';
const FIRST: readonly FigureName[] = ['visitors', 'conversion', 'sales_minor', 'average_transaction_minor', 'sales_per_visitor_minor', 'capture_rate'];
type Row = Overview['stores'][number];

export async function overview(visit: Visit): Promise<View> {
  const asked = dayIn(visit.query, 'day');
  const data = await get<Overview>(API, { day: asked }, visit.signal);
  const title = data.open ? t('overview.today') : t('overview.title');
  const lead = data.open ? t('overview.lead_open', { day: longDay(data.day) }) : longDay(data.day);
  const head = pageHead(title, lead, dayTool(visit, data.day));
  if (data.stores.length === 0) {
    return { title, content: h('div', { class: 'stack' }, head, empty(t('overview.none'), t('overview.none_hint'))) };
  }
  const cells = new Map(data.stores.map((one) => [storeKey(one), h('span', null, UNKNOWN)]));
  const content = h(
    'div',
    { class: 'stack' },
    head,
    data.open ? live(visit, cells) : null,
    nothingYet(data)
      ? notice('note', t('overview.nothing_yet'), ' ', h('a', { href: `/?day=${dayAfter(data.day, -1)}` }, t('overview.yesterday')))
      : figureTiles(FIRST, { figures: data.totals.now, currency: sharedCurrency(data.stores), against: earlier(data.totals) }),
    nothingYet(data) ? null : incompleteStores(data),
    ranking(data, asked, cells),
    days(data),
  );
  return { title, content, ...(data.open ? { refresh_s: 60 } : {}) };
}

/** Before the first store has opened there is nothing wrong, and nothing to compare. */
const nothingYet = ({ open, totals }: Overview): boolean => open && totals.now.coverage === 0 && totals.now.entries === 0 && !totals.now.transactions;

const earlier = (of: Comparison): { title: string; figures: Comparison['last_week'] }[] => [
  { title: t('overview.last_week'), figures: of.last_week },
  { title: t('overview.last_year'), figures: of.last_year },
];

function dayTool(visit: Visit, day: string): Node[] {
  const to = (next: string): void => visit.ask({ day: next });
  return [dayField(t('overview.day'), day, to), stepDays(day, to)];
}

/** People inside now, all stores together and each in its row. */
function live(visit: Visit, cells: ReadonlyMap<string, HTMLElement>): HTMLElement {
  const strip = liveStrip();
  const changed = (stores: LiveStores): void => {
    const fresh = stores.fresh();
    for (const [key, cell] of cells) {
      const one = fresh.find((store) => storeKey(store) === key);
      cell.textContent = one?.people === null || one === undefined ? UNKNOWN : integer(one.people);
    }
    const known = fresh.filter((one) => one.people !== null);
    if (known.length === 0) {
      strip.show([h('span', { class: 'basis' }, t('live.quiet'))], '');
      return;
    }
    const people = known.reduce((sum, one) => sum + (one.people ?? 0), 0);
    const parts = [liveValue(t('live.inside'), integer(people)), ...busiest(visit, known), h('span', { class: 'basis' }, t('live.stores', { stores: known.length }))];
    strip.show(parts, t('live.spoken', { people, stores: known.length }));
  };
  watchStores(visit, changed, strip.state);
  return strip.element;
}

function busiest(visit: Visit, stores: readonly LiveStore[]): Node[] {
  const most = [...stores].sort((a, b) => (b.people ?? 0) - (a.people ?? 0))[0];
  const title = most && visit.stores.find((one) => storeKey(one) === storeKey(most))?.title;
  return most && title && stores.length > 1 ? [liveValue(t('live.busiest', { store: title }), integer(most.people ?? 0))] : [];
}

/** Which stores cannot be counted on, by name, so that somebody goes there. */
function incompleteStores(data: Overview): HTMLElement | null {
  const incomplete = data.stores.filter((one) => !one.now.complete);
  if (incomplete.length === 0) return null;
  const named = incomplete.slice(0, 5).map((one) => t('overview.store_seen', { store: one.title, share: percent(one.now.coverage, 0) }));
  const rest = incomplete.length - named.length;
  const names = rest > 0 ? [...named, t('overview.more_stores', { stores: rest })] : named;
  return notice(
    'warning',
    h('p', null, h('strong', null, t('overview.incomplete', { stores: incomplete.length, all: data.stores.length }))),
    h('p', null, `${listed(names)}. `, t('overview.incomplete_hint'), ' ', h('a', { href: '/fleet' }, t('trust.fleet'))),
  );
}

function ranking(data: Overview, day: string | null, cells: ReadonlyMap<string, HTMLElement>): HTMLElement {
  const regions = [...new Set(data.stores.map((one) => one.region).filter((one) => one !== null))].sort();
  const choices = [{ value: '', title: t('overview.all_regions') }, ...regions.map((region) => ({ value: region, title: region }))];
  const place = redrawn('', (region, choose) =>
    h(
      'div',
      { class: 'stack' },
      regions.length > 1 ? segments(t('overview.region'), choices, region, choose) : null,
      table({
        caption: t('overview.ranking'),
        caption_unseen: true,
        columns: rankingColumns(data.open, cells),
        rows: data.stores.filter((one) => region === '' || one.region === region),
        csv: csvAddress(API, { day }),
      }),
    ),
  );
  return h('section', { class: 'panel' }, h('header', { class: 'panel-head' }, h('h2', null, t('overview.ranking'))), place);
}

function rankingColumns(open: boolean, cells: ReadonlyMap<string, HTMLElement>): Column<Row>[] {
  const now = (row: Row): Row['now'] => row.now;
  const inside: Column<Row> = { title: t('live.inside'), number: true, cell: (row) => cells.get(storeKey(row)) };
  return [
    { title: '#', number: true, by: (row) => -row.rank, cell: (row) => String(row.rank) },
    { title: t('table.store'), heads: true, by: (row) => row.title, cell: (row) => storeLink(row) },
    figureColumn<Row>('visitors', now, (row) => row),
    changeColumn<Row>(t('change.against', { time: t('overview.last_week') }), 'visitors', now, (row) => row.last_week),
    figureColumn<Row>('conversion', now, (row) => row),
    figureColumn<Row>('sales_minor', now, (row) => row),
    figureColumn<Row>('average_transaction_minor', now, (row) => row),
    changeColumn<Row>(t('change.against', { time: t('overview.last_year') }), 'visitors', now, (row) => row.last_year),
    ...(open ? [inside] : []),
    coverageColumn<Row>(now),
  ];
}

function days(data: Overview): HTMLElement {
  const currency = sharedCurrency(data.stores);
  const options = [
    { value: 'visitors', title: t('figure.visitors') },
    { value: 'conversion', title: t('figure.conversion') },
    ...(currency ? [{ value: 'sales_minor', title: t('figure.sales_minor') }] : []),
  ];
  return redrawn('visitors', (chosen, choose) => {
    const name = chosen as 'visitors' | 'conversion' | 'sales_minor';
    const values = data.days.map((one) => one[name]);
    const write = (value: number): string => writeFigure(name, value, currency);
    const summary = daysSummary(data, values, write);
    return described({
      title: t('overview.days'),
      tools: segments(t('chart.measure'), options, name, choose),
      summary,
      keep: 'overview-days',
      drawing: seriesChart({
        kind: 'lines',
        labels: data.days.map((one) => shortDay(one.day)),
        long_labels: data.days.map((one) => longDay(one.day)),
        series: [{ name: t(`figure.${name}`), values, colour: 1 }],
        write,
        description: summary,
      }),
      table: table({
        caption: t('overview.days'),
        columns: [
          { title: t('table.day'), heads: true, by: (row) => row.day, cell: (row) => longDay(row.day) },
          { title: t('figure.visitors'), number: true, by: (row) => row.visitors, cell: (row) => writeFigure('visitors', row.visitors, null) },
          { title: t('figure.conversion'), number: true, by: (row) => row.conversion, cell: (row) => writeFigure('conversion', row.conversion, null) },
          { title: t('figure.sales_minor'), number: true, by: (row) => row.sales_minor, cell: (row) => writeFigure('sales_minor', row.sales_minor, currency) },
        ],
        rows: data.days,
      }),
    });
  });
}

/** The best day and the gaps, in a sentence. */
function daysSummary(data: Overview, values: readonly (number | null)[], write: (value: number) => string): string {
  const best = values.reduce<number>((at, value, index) => ((value ?? -1) > (values[at] ?? -1) ? index : at), 0);
  const top = values[best];
  const gaps = values.filter((one) => one === null).length;
  if (top === null || top === undefined) return t('chart.all_gaps');
  const day = data.days[best]?.day ?? data.day;
  const said = t('chart.highest', { where: `${weekdayName(weekdayOf(day))} ${shortDay(day)}`, value: write(top) });
  return gaps ? `${said} ${t('chart.gaps', { gaps })}` : said;
}
