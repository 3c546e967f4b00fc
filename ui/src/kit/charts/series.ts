// Values over time, drawn by uPlot: lines, or bars, with gaps left as gaps.
//
// A place without a value is `null` and nothing is drawn there. A value that is not complete is drawn hollow, so that a low bar of a
// half-seen hour is not taken for a quiet hour. Points stand at equal distances whatever the clock did: a day of 23 hours has 23 places.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { h } from '../dom';
import { decimal, integer } from '../i18n';

export interface Series {
  name: string;
  values: readonly (number | null)[];
  /** Places whose value is not complete. */
  incomplete?: readonly boolean[];
  /** 1 to 6: colours that colour-blind people tell apart, each with its own dashes as well. */
  colour: number;
  /** Something to compare with: a thin line, among bars too. */
  faint?: boolean;
}

export interface SeriesChart {
  kind: 'lines' | 'bars';
  /** Names of the places along the x axis, and what is said of a place under the pointer. */
  labels: readonly string[];
  long_labels?: readonly string[];
  series: readonly Series[];
  write?: (value: number) => string;
  /** What the drawing shows, for those who do not see it. */
  description: string;
  /** Less high, where several stand together. */
  small?: boolean;
}

const HEIGHT_PX = { small: 130, usual: 220 };
const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4]];

/** The drawing; it follows the width of its place and the reader's light or dark. */
export function seriesChart(chart: SeriesChart): HTMLElement {
  const place = h('div', { class: 'series', role: 'img', 'aria-label': chart.description, tabindex: 0 });
  let drawn: uPlot | undefined;
  const draw = (width: number): void => {
    drawn?.destroy();
    drawn = new uPlot(options(chart, place, width), data(chart), place);
  };
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const redraw = (): void => draw(Math.round(place.clientWidth));
  const watch = new ResizeObserver(() => {
    const width = Math.round(place.clientWidth);
    if (!place.isConnected) {
      // Gone with its page: without this every chart ever shown would stay in memory.
      watch.disconnect();
      dark.removeEventListener('change', redraw);
      drawn?.destroy();
    } else if (width > 0 && width !== drawn?.width) draw(width);
  });
  dark.addEventListener('change', redraw);
  watch.observe(place);
  place.addEventListener('keydown', (event) => step(event, drawn, chart));
  return place;
}

/** Arrow keys walk from place to place, as the pointer does. */
function step(event: KeyboardEvent, drawn: uPlot | undefined, chart: SeriesChart): void {
  const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  if (!drawn || by === 0) return;
  event.preventDefault();
  const at = drawn.cursor.idx ?? (by > 0 ? -1 : chart.labels.length);
  const next = Math.min(Math.max(at + by, 0), chart.labels.length - 1);
  drawn.setCursor({ left: drawn.valToPos(next, 'x'), top: drawn.bbox.height / devicePixelRatio / 2 });
}

/** Each series twice: its complete values, and its incomplete ones. */
function data(chart: SeriesChart): uPlot.AlignedData {
  const places = chart.labels.map((_, place) => place);
  const columns = chart.series.flatMap((one) => [
    chart.kind === 'bars' ? one.values.map((value, place) => (one.incomplete?.[place] ? null : value)) : [...one.values],
    one.values.map((value, place) => (one.incomplete?.[place] ? value : null)),
  ]);
  return [places, ...columns] as uPlot.AlignedData;
}

function options(chart: SeriesChart, place: HTMLElement, width: number): uPlot.Options {
  const ink = getComputedStyle(place);
  const colour = (name: string): string => ink.getPropertyValue(name).trim();
  const write = chart.write ?? ((value: number) => (Number.isInteger(value) ? integer(value) : decimal(value)));
  const axis = { stroke: colour('--muted'), font: `12px ${ink.fontFamily}`, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const count = chart.labels.length;
  return {
    width,
    height: chart.small ? HEIGHT_PX.small : HEIGHT_PX.usual,
    scales: {
      x: { time: false, range: () => (chart.kind === 'bars' ? [-0.6, count - 0.4] : [-0.3, count - 0.7]) },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      { ...axis, size: 28, grid: { show: false }, splits: (self) => everyFew(count, self.width), values: (_, splits) => splits.map((at) => chart.labels[at] ?? '') },
      { ...axis, size: (_, values) => 14 + 7 * Math.max(2, ...(values ?? []).map((one) => one.length)), values: (_, splits) => splits.map(write) },
    ],
    cursor: { drag: { x: false, y: false }, points: { size: 7 }, y: false },
    legend: { live: true, markers: { show: true, width: 2 } },
    series: [
      { label: '', value: (_, __, ___, at) => (at === null ? '' : ((chart.long_labels ?? chart.labels)[at] ?? '')) },
      ...chart.series.flatMap((one) => pair(chart, one, colour, write)),
    ],
  };
}

/** Names for as many places as fit without touching. */
function everyFew(count: number, width: number): number[] {
  const fit = Math.max(2, Math.floor(width / 62));
  const each = Math.max(1, Math.ceil(count / fit));
  return Array.from({ length: Math.ceil(count / each) }, (_, at) => at * each);
}

function pair(chart: SeriesChart, one: Series, colour: (name: string) => string, write: (value: number) => string): uPlot.Series[] {
  const stroke = colour(`--series-${one.colour}`);
  const bars = chart.kind === 'bars' && !one.faint && uPlot.paths.bars?.({ size: [0.72, 40] });
  // The whole value is written for either of the two, so that the second needs no line of its own in the legend.
  const value: uPlot.Series.Value = (_, __, ___, at) => {
    if (at === null) return '';
    const known = one.values[at] ?? null;
    return known === null ? '–' : write(known) + (one.incomplete?.[at] ? ' *' : '');
  };
  const dash = DASHES[one.colour - 1] ?? [];
  const whole: uPlot.Series = bars
    ? { label: one.name, stroke, fill: stroke, paths: bars, points: { show: false }, value }
    : { label: one.name, stroke, width: one.faint ? 1.25 : 2, dash, value, points: { show: true, size: 5, fill: stroke, filter: (_, __, show) => (show ? alone(one.values) : null) } };
  const hollow: uPlot.Series = bars
    ? { label: '', stroke, width: 1.5, dash: [3, 3], fill: 'transparent', paths: bars, points: { show: false }, class: 'unseen' }
    : { label: '', stroke, paths: () => null, points: { show: true, size: 7, fill: colour('--surface') }, class: 'unseen' };
  return [whole, hollow];
}

/** Values with a gap on either side: a line through one point is not to be seen, so it gets a dot. */
function alone(values: readonly (number | null)[]): number[] {
  const known = (at: number): boolean => (values[at] ?? null) !== null;
  return values.flatMap((_, at) => (known(at) && !known(at - 1) && !known(at + 1) ? [at] : []));
}
