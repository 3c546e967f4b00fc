// Hour by weekday as a table whose cells are coloured: it is its own alternative for screen readers.

import { h } from '../dom';
import { hourName, t, weekdayName } from '../i18n';

export interface HourCell {
  weekday: number;
  hour: number;
  value: number | null;
  /** What to say of the cell besides its value. */
  note?: string;
  /** Framed. */
  marked?: boolean;
}

const STEPS = 7;

/** Which of the scale's steps (0 to 6) a value falls on. */
export function heatStep(value: number, most: number): number {
  return most <= 0 ? 0 : Math.min(STEPS - 1, Math.floor((value / most) * STEPS));
}

/** The grid, with hours across; only the hours that any weekday has. */
export function hourGrid(caption: string, cells: readonly HourCell[], write: (value: number) => string): HTMLElement {
  const hours = [...new Set(cells.map((one) => one.hour))].sort((a, b) => a - b);
  const weekdays = [...new Set(cells.map((one) => one.weekday))].sort((a, b) => a - b);
  const most = Math.max(0, ...cells.map((one) => one.value ?? 0));
  const at = new Map(cells.map((one) => [`${one.weekday} ${one.hour}`, one]));
  const head = h('tr', null, h('td', null), ...hours.map((hour) => h('th', { scope: 'col', 'aria-label': hourName(hour) }, String(hour).padStart(2, '0'))));
  const rows = weekdays.map((weekday) =>
    h(
      'tr',
      null,
      h('th', { scope: 'row', 'aria-label': weekdayName(weekday, 'long') }, weekdayName(weekday)),
      ...hours.map((hour) => gridCell(at.get(`${weekday} ${hour}`), most, write)),
    ),
  );
  return h(
    'div',
    { class: 'table-scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', { class: 'hours' }, h('caption', { class: 'unseen' }, caption), h('thead', null, head), h('tbody', null, ...rows)),
  );
}

function gridCell(cell: HourCell | undefined, most: number, write: (value: number) => string): HTMLElement {
  if (!cell) return h('td', { class: 'shut' }, h('span', { class: 'unseen' }, t('chart.closed')));
  if (cell.value === null) return h('td', { class: 'unknown', title: cell.note }, h('span', { class: 'unseen' }, cell.note ?? t('chart.unknown')));
  const shape = `heat-${heatStep(cell.value, most)}${cell.marked ? ' marked' : ''}`;
  const spoken = cell.marked && cell.note ? h('span', { class: 'unseen' }, ` ${cell.note}`) : null;
  return h('td', { class: shape, title: cell.note }, write(cell.value), spoken);
}

/** The scale, from least to most. */
export function heatLegend(least: string, most: string): HTMLElement {
  const steps = Array.from({ length: STEPS }, (_, step) => h('span', { class: `heat-${step}` }));
  return h('span', { class: 'scale' }, least, h('span', { class: 'scale-steps', 'aria-hidden': 'true' }, ...steps), most);
}
