// Differences with their intervals: a dot for the difference, a bar for where it lies with 95 % confidence, a line where there is none.

import { h, s } from '../dom';
import { signedPercent, t } from '../i18n';

export interface IntervalRow {
  title: string;
  difference: { value: number; low: number; high: number } | null;
  /** Whether the interval leaves zero out. */
  clear: boolean;
}

/** Half of the drawing's width, in percent of it: nothing is scaled, so that signs and words are as large on a phone as at a desk. */
const HALF = 47;

/** Rows under one scale, so that they can be compared. */
export function intervals(rows: readonly IntervalRow[]): HTMLElement {
  const ends = rows.flatMap((one) => (one.difference ? [one.difference.low, one.difference.high] : []));
  const reach = niceReach(Math.max(0.05, ...ends.map(Math.abs)));
  const x = (share: number): string => `${50 + (share / reach) * HALF}%`;
  return h(
    'div',
    { class: 'intervals' },
    ...rows.map((one) =>
      h(
        'div',
        { class: 'interval-row' },
        h('span', { class: 'interval-title' }, one.title),
        drawing(one, x),
        h('span', { class: one.clear ? 'interval-value clear' : 'interval-value' }, words(one)),
      ),
    ),
    h('div', { class: 'interval-row' }, scale(reach, x)),
  );
}

function words(row: IntervalRow): string {
  if (!row.difference) return t('chart.cannot_say');
  const { value, low, high } = row.difference;
  return t('chart.interval', { value: signedPercent(value), low: signedPercent(low), high: signedPercent(high) });
}

function drawing(row: IntervalRow, x: (share: number) => string): SVGElement {
  const zero = s('line', { class: 'zero', x1: '50%', x2: '50%', y1: 0, y2: '100%' });
  const shape = { 'aria-hidden': 'true', focusable: 'false' };
  if (!row.difference) return s('svg', { class: 'interval absent', ...shape }, zero);
  const { value, low, high } = row.difference;
  return s(
    'svg',
    { class: row.clear ? 'interval clear' : 'interval', ...shape },
    zero,
    s('line', { class: 'reach', x1: x(low), x2: x(high), y1: '50%', y2: '50%' }),
    s('line', { class: 'end', x1: x(low), x2: x(low), y1: '32%', y2: '68%' }),
    s('line', { class: 'end', x1: x(high), x2: x(high), y1: '32%', y2: '68%' }),
    s('circle', { class: 'dot', cx: x(value), cy: '50%', r: 6 }),
  );
}

function scale(reach: number, x: (share: number) => string): SVGElement {
  const marks = [-reach, -reach / 2, 0, reach / 2, reach];
  return s(
    'svg',
    { class: 'interval-scale', 'aria-hidden': 'true', focusable: 'false' },
    ...marks.map((mark, at) =>
      s('text', { x: x(mark), y: 14, 'text-anchor': at === 0 ? 'start' : at === marks.length - 1 ? 'end' : 'middle' }, signedPercent(mark, 1)),
    ),
  );
}

/** The next round share that holds all intervals. */
function niceReach(most: number): number {
  const step = [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10].find((one) => one >= most);
  return step ?? Math.ceil(most);
}
