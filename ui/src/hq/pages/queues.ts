// How long people wait, when, and how many give up.

import type { Queues } from '../../api';
import { csvAddress, get } from '../../kit/client';
import { described } from '../../kit/charts/described';
import { heatLegend, hourGrid } from '../../kit/charts/hours';
import { seriesChart } from '../../kit/charts/series';
import { h } from '../../kit/dom';
import { segments, select } from '../../kit/fields';
import { decimal, duration, hourName, integer, longDay, percent, shortDay, t, UNKNOWN, weekdayName } from '../../kit/i18n';
import { empty } from '../../kit/state';
import { table } from '../../kit/table';
import { askedPeriod, periodTool, periodWords } from '../period';
import { storeAddress, storeApi, type View, type Visit } from '../visit';
import { pageHead, redrawn } from './parts';

type Zone = Queues['zones'][number];
type HourMeasure = 'mean_wait_s' | 'mean_length' | 'max_length';
const HOUR_MEASURES: readonly HourMeasure[] = ['mean_wait_s', 'mean_length', 'max_length'];

export async function queues(visit: Visit): Promise<View> {
  const api = `${storeApi({ tenant: visit.path['tenant'] ?? '', store: visit.path['store'] ?? '' })}/queues`;
  const data = await get<Queues>(api, askedPeriod(visit), visit.signal);
  const title = t('queues.title', { store: data.store.title });
  const lead = [h('a', { href: storeAddress(data.store) }, t('queues.to_store')), ` · ${periodWords(data)}`];
  const head = pageHead(title, lead, periodTool(visit, data));
  if (data.zones.length === 0) {
    return { title, content: h('div', { class: 'stack' }, head, empty(t('queues.none'), t('queues.none_hint'))) };
  }
  const chosen = data.zones.find((one) => one.zone === visit.query.get('zone')) ?? data.zones[0];
  if (!chosen) return { title, content: head };
  const choices = data.zones.map((one) => ({ value: one.zone, title: one.title || one.zone }));
  const content = h(
    'div',
    { class: 'stack' },
    head,
    choices.length > 1 ? h('div', { class: 'tools' }, select(t('queues.queue'), choices, chosen.zone, (zone) => visit.ask({ zone }))) : null,
    tiles(chosen),
    h('div', { class: 'halves' }, week(chosen), days(chosen, csvAddress(api, { from: data.from, to: data.to }))),
  );
  return { title, content };
}

const span = (seconds: number | null): string => (seconds === null ? UNKNOWN : duration(seconds));

function tiles(zone: Zone): HTMLElement {
  const gaveUp = zone.joined > 0 ? percent(zone.abandoned / zone.joined) : UNKNOWN;
  const tile = (name: string, value: string, below: string): HTMLElement =>
    h('div', { class: 'figure' }, h('dt', null, name), h('dd', { class: 'value' }, value), below ? h('dd', { class: 'against' }, below) : null);
  return h(
    'dl',
    { class: 'figures' },
    tile(t('queues.mean_wait'), span(zone.mean_wait_s), t('queues.longest', { time: span(zone.longest_wait_s) })),
    tile(t('queues.gave_up'), gaveUp, t('queues.people', { people: zone.abandoned })),
    tile(t('queues.joined'), integer(zone.joined), ''),
    tile(t('queues.served'), integer(zone.served), ''),
  );
}

function week(zone: Zone): HTMLElement {
  return redrawn<HourMeasure>('mean_wait_s', (name, choose) => {
    // Short waits are told in seconds: in minutes they would all be the same.
    const inSeconds = zone.hours.every((one) => (one.mean_wait_s ?? 0) < 180);
    const wait = (value: number): string => (inSeconds ? integer(value) : decimal(value / 60));
    const write = name === 'mean_wait_s' ? wait : (value: number): string => decimal(value, name === 'max_length' ? 0 : 1);
    const cells = zone.hours.map((one) => ({ weekday: one.weekday, hour: one.hour, value: one[name] }));
    const worst = zone.hours.reduce<Zone['hours'][number] | null>((top, one) => ((one[name] ?? -1) > (top?.[name] ?? -1) ? one : top), null);
    const where = worst ? `${weekdayName(worst.weekday, 'long')} ${hourName(worst.hour)}` : '';
    const most = worst?.[name] ?? null;
    const size = most === null ? UNKNOWN : name === 'mean_wait_s' ? duration(most) : decimal(most, name === 'max_length' ? 0 : 1);
    return described({
      title: t('queues.week'),
      tools: segments(t('chart.measure'), HOUR_MEASURES.map((value) => ({ value, title: t(`queues.${value}`) })), name, (to) => choose(to as HourMeasure)),
      summary: most === null ? t('chart.all_gaps') : t('chart.highest', { where, value: size }),
      keep: 'queue-week',
      drawing: hourGrid(`${t('queues.week')}: ${t(`queues.${name}`)}`, cells, write),
      legend: [heatLegend(t('chart.less'), t('chart.more')), name === 'mean_wait_s' ? h('span', null, inSeconds ? t('queues.in_seconds') : t('queues.in_minutes')) : null],
      table: hoursTable(zone),
    });
  });
}

function hoursTable(zone: Zone): HTMLElement {
  return table({
    caption: t('queues.week'),
    rows: zone.hours,
    columns: [
      { title: t('table.weekday'), heads: true, by: (row) => row.weekday, cell: (row) => weekdayName(row.weekday, 'long') },
      { title: t('table.hour'), by: (row) => row.hour, cell: (row) => hourName(row.hour) },
      { title: t('queues.mean_wait'), number: true, by: (row) => row.mean_wait_s, cell: (row) => span(row.mean_wait_s) },
      { title: t('queues.mean_length'), number: true, by: (row) => row.mean_length, cell: (row) => (row.mean_length === null ? UNKNOWN : decimal(row.mean_length)) },
      { title: t('queues.max_length'), number: true, by: (row) => row.max_length, cell: (row) => (row.max_length === null ? UNKNOWN : integer(row.max_length)) },
    ],
  });
}

function days(zone: Zone, csv: string): HTMLElement {
  const known = zone.days.filter((one) => one.mean_wait_s !== null);
  const worst = known.reduce<Zone['days'][number] | null>((top, one) => ((one.mean_wait_s ?? 0) > (top?.mean_wait_s ?? -1) ? one : top), null);
  const summary = worst ? t('chart.highest', { where: longDay(worst.day), value: span(worst.mean_wait_s) }) : t('chart.all_gaps');
  return described({
    title: t('queues.days'),
    summary,
    keep: 'queue-days',
    drawing: seriesChart({
      kind: 'lines',
      labels: zone.days.map((one) => shortDay(one.day)),
      long_labels: zone.days.map((one) => longDay(one.day)),
      series: [{ name: t('queues.mean_wait'), values: zone.days.map((one) => one.mean_wait_s), colour: 1 }],
      write: duration,
      description: summary,
    }),
    table: table({
      caption: t('queues.days'),
      rows: zone.days,
      csv,
      columns: [
        { title: t('table.day'), heads: true, by: (row) => row.day, cell: (row) => longDay(row.day) },
        { title: t('queues.joined'), number: true, by: (row) => row.joined, cell: (row) => integer(row.joined) },
        { title: t('queues.gave_up'), number: true, by: (row) => row.abandoned, cell: (row) => integer(row.abandoned) },
        { title: t('queues.mean_wait'), number: true, by: (row) => row.mean_wait_s, cell: (row) => span(row.mean_wait_s) },
        { title: t('queues.longest_wait'), number: true, by: (row) => row.longest_wait_s, cell: (row) => span(row.longest_wait_s) },
      ],
    }),
  });
}
