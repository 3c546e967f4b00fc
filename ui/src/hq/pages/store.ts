// One store over some weeks: its figures, its days, its week by the hour, its funnel, its floor.

import type { Figures, StoreName, StorePage } from '../../api';
import { csvAddress, get } from '../../kit/client';
import { described, sign } from '../../kit/charts/described';
import { funnel } from '../../kit/charts/funnel';
import { heatLegend, hourGrid } from '../../kit/charts/hours';
import { seriesChart } from '../../kit/charts/series';
import { type Child, h } from '../../kit/dom';
import { segments } from '../../kit/fields';
import { decimal, hourName, integer, type Key, listed, longDay, percent, shortDay, t, UNKNOWN, weekdayName } from '../../kit/i18n';
import { notice } from '../../kit/state';
import { table } from '../../kit/table';
import { liveStrip, liveValue, type LiveStores, watchStores } from '../live-stores';
import { askedPeriod, periodTool, periodWords } from '../period';
import { type FigureName, figureTiles, trustNotice, whyAbsent } from '../words';
import { storeAddress, storeApi, type View, type Visit } from '../visit';
import { floor } from './floor';
import { coverageColumn, figureColumn, pageHead, redrawn } from './parts';
import { sensors } from './store-sensors';

const FIGURES: readonly FigureName[] = [
  'visitors',
  'conversion',
  'sales_minor',
  'average_transaction_minor',
  'sales_per_visitor_minor',
  'units_per_transaction',
  'capture_rate',
  'shoppers_per_associate_hour',
];
type Day = StorePage['days'][number];

export async function store(visit: Visit): Promise<View> {
  const api = storeApi({ tenant: visit.path['tenant'] ?? '', store: visit.path['store'] ?? '' });
  const data = await get<StorePage>(api, askedPeriod(visit), visit.signal);
  const span = { from: data.from, to: data.to };
  const lead = [data.store.region ? `${data.store.region} · ` : '', periodWords(span)];
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(data.store.title, lead, periodTool(visit, span)),
    live(visit, data.store),
    figureTiles(FIGURES, { figures: data.total, currency: data.store }),
    trustNotice(data.total, data.store.title, leftOut(data)),
    data.total.complete ? someLeftOut(data) : null,
    days(data, csvAddress(api, span)),
    h('div', { class: 'halves' }, week(data), steps(data)),
    floor(visit, api, data, span),
    sensors(visit, api, span),
    h('p', null, h('a', { href: storeAddress(data.store, 'queues') }, t('store.to_queues'))),
  );
  return { title: data.store.title, content };
}

function live(visit: Visit, of: StoreName): HTMLElement {
  const strip = liveStrip();
  const changed = (stores: LiveStores): void => {
    const now = stores.of(of);
    if (!now) return strip.show([h('span', { class: 'basis' }, t('live.quiet_store'))], '');
    const count = (value: number | null): string => (value === null ? UNKNOWN : integer(value));
    const parts = [
      liveValue(t('live.inside'), count(now.people)),
      liveValue(t('live.visitors'), count(now.visitors)),
      liveValue(t('live.transactions'), count(now.transactions)),
      liveValue(t('figure.conversion'), now.conversion === null ? UNKNOWN : percent(now.conversion)),
    ];
    strip.show(parts, now.people === null ? '' : t('live.spoken_store', { people: now.people, visitors: now.visitors ?? 0 }));
  };
  watchStores(visit, changed, strip.state);
  return strip.element;
}

/** Days that count for nothing, in the notice about the whole. */
function leftOut(data: StorePage): Child {
  const days = data.days.filter((one) => !one.complete).map((one) => shortDay(one.day));
  return days.length ? h('p', null, t('store.left_out', { days: days.length, names: listed(days.slice(0, 8)) })) : null;
}

function someLeftOut(data: StorePage): HTMLElement | null {
  const said = leftOut(data);
  return said ? notice('note', said) : null;
}

function days(data: StorePage, csv: string): HTMLElement {
  // A day of which nothing was seen is a gap, not a day without visitors.
  const values = data.days.map((one) => (one.coverage > 0 ? one.visitors : null));
  const incomplete = data.days.map((one) => !one.complete);
  const summary = daysSummary(data, values);
  return described({
    title: t('store.days'),
    summary,
    keep: 'store-days',
    drawing: seriesChart({
      kind: 'bars',
      labels: data.days.map((one) => shortDay(one.day)),
      long_labels: data.days.map((one) => (one.holiday ? `${longDay(one.day)} · ${one.holiday}` : longDay(one.day))),
      series: [{ name: t('figure.visitors'), values, incomplete, colour: 1 }],
      description: summary,
    }),
    legend: [sign('swatch-whole', t('chart.complete')), sign('swatch-hollow', t('chart.incomplete'))],
    table: daysTable(data, csv),
  });
}

function daysTable(data: StorePage, csv: string): HTMLElement {
  const self = (row: Day): Day => row;
  const currency = (): StoreName => data.store;
  return table({
    caption: t('store.days'),
    rows: data.days,
    csv,
    columns: [
      {
        title: t('table.day'),
        heads: true,
        by: (row) => row.day,
        cell: (row) => [h('a', { href: `${storeAddress(data.store)}/day/${row.day}` }, longDay(row.day)), row.holiday ? ` ${row.holiday}` : ''],
      },
      ...(['visitors', 'transactions', 'conversion', 'sales_minor', 'average_transaction_minor', 'capture_rate'] as const).map((name) =>
        figureColumn<Day>(name, self, currency),
      ),
      coverageColumn<Day>(self),
    ],
  });
}

function daysSummary(data: StorePage, values: readonly (number | null)[]): string {
  const known = data.days.flatMap((one, at) => (values[at] === null || !one.complete ? [] : [{ day: one.day, visitors: one.visitors }]));
  if (known.length === 0) return t('chart.all_gaps');
  const best = known.reduce((a, b) => (b.visitors > a.visitors ? b : a));
  const gaps = values.filter((one) => one === null).length;
  const said = t('chart.highest', { where: longDay(best.day), value: integer(best.visitors) });
  return gaps ? `${said} ${t('chart.gaps', { gaps })}` : said;
}

function week(data: StorePage): HTMLElement {
  const measures = [
    { value: 'visitors', title: t('figure.visitors') },
    { value: 'conversion', title: t('figure.conversion') },
  ];
  return redrawn('visitors', (chosen, choose) => {
    const name = chosen === 'conversion' ? 'conversion' : 'visitors';
    const write = (value: number): string => (name === 'conversion' ? percent(value, 0) : integer(value));
    const power = new Set(data.power_hours.filter((one) => one.power).map((one) => `${one.weekday} ${one.hour}`));
    const cells = data.hours.map((one) => ({
      weekday: one.weekday,
      hour: one.hour,
      value: one[name],
      marked: power.has(`${one.weekday} ${one.hour}`),
      note: hourNote(one, power.has(`${one.weekday} ${one.hour}`)),
    }));
    return described({
      title: t('store.week'),
      tools: segments(t('chart.measure'), measures, name, choose),
      summary: powerSummary(data),
      keep: 'store-week',
      drawing: hourGrid(t('store.week'), cells, write),
      legend: [heatLegend(t('chart.less'), t('chart.more')), sign('swatch-marked', t('store.power_hour')), sign('swatch-unknown', t('store.no_complete_hour'))],
      table: hoursTable(data, power),
    });
  });
}

function hourNote(one: StorePage['hours'][number], power: boolean): string {
  const hours = t('store.hours_of', { hours: one.hours, incomplete: one.incomplete });
  return power ? `${t('store.power_hour')}. ${hours}` : hours;
}

function hoursTable(data: StorePage, power: ReadonlySet<string>): HTMLElement {
  return table({
    caption: t('store.week'),
    rows: data.hours,
    columns: [
      { title: t('table.weekday'), heads: true, by: (row) => row.weekday, cell: (row) => weekdayName(row.weekday, 'long') },
      { title: t('table.hour'), by: (row) => row.hour, cell: (row) => hourName(row.hour) },
      { title: t('store.mean_visitors'), number: true, by: (row) => row.visitors, cell: (row) => (row.visitors === null ? UNKNOWN : integer(row.visitors)) },
      { title: t('figure.conversion'), number: true, by: (row) => row.conversion, cell: (row) => (row.conversion === null ? UNKNOWN : percent(row.conversion)) },
      { title: t('store.complete_hours'), number: true, by: (row) => row.hours, cell: (row) => integer(row.hours) },
      { title: t('store.incomplete_hours'), number: true, by: (row) => row.incomplete, cell: (row) => integer(row.incomplete) },
      { title: t('store.power_hour'), cell: (row) => (power.has(`${row.weekday} ${row.hour}`) ? t('word.yes') : '') },
    ],
  });
}

/** Which hours make most of the trade: what staffing is planned by. */
function powerSummary(data: StorePage): string {
  const power = data.power_hours.filter((one) => one.power);
  if (power.length === 0) return t('store.no_power');
  const share = power.reduce((sum, one) => sum + one.share, 0);
  const first = power.slice(0, 3).map((one) => `${weekdayName(one.weekday)} ${hourName(one.hour)}`);
  return t('store.power', { hours: power.length, all: data.power_hours.length, share: percent(share, 0), first: listed(first) });
}

type Step = StorePage['funnel'][number]['step'];

const ABSENT_FIGURE: Record<Step, { figure: string; else: Key }> = {
  passersby: { figure: 'capture_rate', else: 'why.no_passersby' },
  entries: { figure: 'conversion', else: 'why.unknown' },
  zone_visits: { figure: 'zone_visits', else: 'why.no_zones' },
  engaged: { figure: 'engaged', else: 'why.no_zones' },
  queued: { figure: 'queued', else: 'why.no_queue' },
  transactions: { figure: 'conversion', else: 'why.no_till' },
};

const whyNoStep = (total: Figures, step: Step): string => whyAbsent(total, ABSENT_FIGURE[step].figure) ?? t(ABSENT_FIGURE[step].else);

/** What a step is a share of. Stays are not people, and not everybody queues, so it is not always the step before. */
function stepNote(total: Figures, step: Step): string {
  const share = (of: number | null, whole: number | null): string | null => (of === null || !whole ? null : percent(of / whole, 0));
  switch (step) {
    case 'passersby':
      return t('funnel.passersby');
    case 'entries':
      return total.capture_rate === null ? '' : t('funnel.entries', { share: percent(total.capture_rate, 0) });
    case 'zone_visits':
      return total.zone_visits === null || total.visitors === 0 ? '' : t('funnel.zone_visits', { stays: decimal(total.zone_visits / total.visitors) });
    case 'engaged':
      return withShare('funnel.engaged', share(total.engaged, total.zone_visits));
    case 'queued':
      return withShare('funnel.queued', share(total.queued, total.visitors));
    case 'transactions':
      return total.conversion === null ? '' : t('funnel.transactions', { share: percent(total.conversion) });
  }
}
const withShare = (key: 'funnel.engaged' | 'funnel.queued', share: string | null): string => (share === null ? '' : t(key, { share }));

function steps(data: StorePage): HTMLElement {
  return described({
    title: t('store.funnel'),
    summary: t('store.funnel_hint'),
    keep: 'store-funnel',
    drawing: funnel(
      data.funnel.map((one) => ({
        title: t(`step.${one.step}`),
        people: one.people,
        note: one.people === null ? whyNoStep(data.total, one.step) : stepNote(data.total, one.step),
      })),
    ),
    table: table({
      caption: t('store.funnel'),
      rows: data.funnel,
      columns: [
        { title: t('table.step'), heads: true, cell: (row) => t(`step.${row.step}`) },
        { title: t('table.people'), number: true, cell: (row) => (row.people === null ? UNKNOWN : integer(row.people)) },
      ],
    }),
  });
}
