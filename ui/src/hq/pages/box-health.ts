// How a box was: small charts, one under another, of the worst of each hour.

import type { HealthHistory } from '../../api';
import { get } from '../../kit/client';
import { seriesChart } from '../../kit/charts/series';
import { h } from '../../kit/dom';
import { segments } from '../../kit/fields';
import { decimal, duration, hourName, integer, type Key, moment, shortDay, t, UNKNOWN } from '../../kit/i18n';
import { type Column, table } from '../../kit/table';
import type { Visit } from '../visit';
import { bytes } from './fleet-words';
import { later, redrawn } from './parts';

type Hour = HealthHistory['hours'][number];

interface Figure {
  title: Key;
  value: (hour: Hour) => number | null;
  write: (value: number) => string;
}

const FIGURES: readonly Figure[] = [
  { title: 'health.temperature_max', value: (hour) => hour.temperature_max, write: (value) => t('health.celsius', { degrees: decimal(value, 0) }) },
  { title: 'health.disk_min', value: (hour) => hour.disk_free_min, write: bytes },
  { title: 'health.memory_min', value: (hour) => hour.memory_free_min, write: bytes },
  { title: 'health.fps_min', value: (hour) => hour.fps_min, write: (value) => decimal(value) },
  { title: 'health.inference_max', value: (hour) => hour.inference_max, write: (value) => t('health.ms', { ms: decimal(value, 0) }) },
  { title: 'health.behind_max', value: (hour) => (hour.messages > 0 ? (hour.behind_max_s ?? 0) : null), write: duration },
];

const SPANS_H = [48, 7 * 24, 28 * 24];

/** The history, over as long as is chosen. */
export function historyPanel(visit: Visit, api: string): HTMLElement {
  return redrawn(SPANS_H[0] ?? 48, (hours, choose) => {
    const choices = SPANS_H.map((span) => ({ value: String(span), title: t('period.days', { days: span / 24 }) }));
    return h(
      'section',
      { class: 'panel stack' },
      h('header', { class: 'panel-head' }, h('h2', null, t('box.history')), segments(t('box.history_span'), choices, String(hours), (value) => choose(Number(value)))),
      h('p', { class: 'summary' }, t('box.history_hint')),
      later(async () => charts(await get<HealthHistory>(`${api}/health`, { hours }, visit.signal)), visit.signal),
    );
  });
}

function charts({ hours }: HealthHistory): HTMLElement {
  if (hours.length === 0) return h('p', { class: 'summary' }, t('box.no_history'));
  const places = everyHour(hours);
  // Over days the hour says little, and a chart this small has no room for both.
  const isLong = places.length > 3 * 24;
  const labels = places.map((one) => (isLong ? shortDay(new Date(one.at_ms).toISOString().slice(0, 10)) : hourName(new Date(one.at_ms).getHours())));
  const long_labels = places.map((one) => moment(one.at_ms));
  const chart = (of: Figure): HTMLElement | null => {
    const values = places.map((one) => (one.hour ? of.value(one.hour) : null));
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return null;
    const [low, high] = [Math.min(...known), Math.max(...known)].map(of.write);
    const summary = t('box.history_range', { low: low ?? '', high: high ?? '' });
    return h(
      'figure',
      { class: 'small-chart', 'aria-label': t(of.title) },
      h('figcaption', null, h('strong', null, t(of.title)), ' ', summary),
      seriesChart({ kind: 'lines', labels, long_labels, series: [{ name: t(of.title), values, colour: 1 }], write: of.write, description: `${t(of.title)}: ${summary}`, small: true }),
    );
  };
  return h(
    'div',
    { class: 'stack' },
    h('div', { class: 'small-charts' }, ...FIGURES.map(chart)),
    h('details', { class: 'as-table', 'data-keep': 'table-history' }, h('summary', null, t('chart.as_table')), hourTable(hours)),
  );
}

/** Every hour from the first to the last: one in which the box said nothing is a gap. */
function everyHour(hours: readonly Hour[]): { at_ms: number; hour: Hour | undefined }[] {
  const by = new Map(hours.map((one) => [one.at_ms, one]));
  const [first, last] = [hours[0]?.at_ms ?? 0, hours.at(-1)?.at_ms ?? 0];
  return Array.from({ length: Math.round((last - first) / 3_600_000) + 1 }, (_, at) => {
    const at_ms = first + at * 3_600_000;
    return { at_ms, hour: by.get(at_ms) };
  });
}

function hourTable(hours: readonly Hour[]): HTMLElement {
  const figure = (of: Figure): Column<Hour> => ({
    title: t(of.title),
    number: true,
    by: of.value,
    cell: (row) => {
      const value = of.value(row);
      return value === null ? UNKNOWN : of.write(value);
    },
  });
  return table({
    caption: t('box.history'),
    rows: [...hours].reverse(),
    columns: [
      { title: t('table.hour'), heads: true, by: (row) => row.at_ms, cell: (row) => moment(row.at_ms) },
      ...FIGURES.map(figure),
      { title: t('health.messages'), number: true, by: (row) => row.messages, cell: (row) => integer(row.messages) },
      { title: t('health.cameras_down'), number: true, by: (row) => row.cameras_down, cell: (row) => integer(row.cameras_down) },
      { title: t('health.clock_wrong_minutes'), number: true, by: (row) => row.clock_wrong, cell: (row) => integer(row.clock_wrong) },
    ],
  });
}
