// Where people were: a grid of cells over the floor or the picture, with zones and lines drawn over it.

import { s } from '../dom';
import { heatStep } from './hours';

export interface FloorMap {
  /** `floor_m`: y runs away from the camera and is drawn upwards; `image_px`: y runs down. */
  space: 'floor_m' | 'image_px';
  cell: number;
  left: number;
  top: number;
  columns: number;
  rows: number;
  shapes: readonly { kind: 'zone' | 'line'; name: string; points: readonly (readonly [number, number])[] }[];
}

/** The map of one measure: one value a cell, row by row. */
export function floorMap(map: FloorMap, seconds: readonly number[], description: string): SVGElement {
  const { cell, left, top, columns, rows } = map;
  const width = columns * cell;
  const height = rows * cell;
  const up = map.space === 'floor_m';
  const y = (of: number): number => (up ? top + height - of : of - top);
  const size = Math.max(width, height);
  return s(
    'svg',
    { class: 'floor', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': description },
    s('rect', { class: 'ground', width, height }),
    ...steps(map, seconds, up),
    ...map.shapes.map((shape) => outline(shape, (px) => px - left, y, size)),
  );
}

/** One path a step of the scale, so that thousands of cells are seven elements. The square root is taken: a till would outshine all else. */
function steps(map: FloorMap, seconds: readonly number[], up: boolean): SVGElement[] {
  const most = Math.sqrt(Math.max(0, ...seconds));
  const paths = new Map<number, string[]>();
  seconds.forEach((value, at) => {
    if (value <= 0) return;
    const column = at % map.columns;
    const row = Math.floor(at / map.columns);
    const drawnRow = up ? map.rows - 1 - row : row;
    const step = heatStep(Math.sqrt(value), most);
    const path = paths.get(step) ?? [];
    path.push(`M${round(column * map.cell)} ${round(drawnRow * map.cell)}h${map.cell}v${map.cell}h${-map.cell}z`);
    paths.set(step, path);
  });
  return [...paths].map(([step, path]) => s('path', { class: `fill-${step}`, d: path.join('') }));
}

function outline(
  shape: FloorMap['shapes'][number],
  x: (of: number) => number,
  y: (of: number) => number,
  size: number,
): SVGElement {
  const points = shape.points.map(([px, py]) => `${round(x(px))},${round(y(py))}`).join(' ');
  const drawn = shape.kind === 'zone' ? s('polygon', { points }) : s('polyline', { points });
  const [at_x, at_y] = middle(shape.points);
  // A name at the upper edge stands below it, where it can be read.
  const text_y = Math.max(y(at_y) + (shape.kind === 'zone' ? size / 90 : -size / 90), size / 30);
  const text = s('text', { x: round(x(at_x)), y: round(text_y), 'font-size': size / 32, 'text-anchor': 'middle' }, shape.name);
  return s('g', { class: `shape ${shape.kind}`, 'stroke-width': size / 260 }, drawn, text);
}

function middle(points: FloorMap['shapes'][number]['points']): [number, number] {
  const sum = points.reduce<[number, number]>((all, [x, y]) => [all[0] + x, all[1] + y], [0, 0]);
  const count = Math.max(1, points.length);
  return [sum[0] / count, sum[1] / count];
}

/** Seconds by zone: the cells whose middle lies in it. */
export function secondsInZones(map: FloorMap, seconds: readonly number[]): { name: string; seconds: number }[] {
  return map.shapes
    .filter((shape) => shape.kind === 'zone')
    .map((shape) => ({
      name: shape.name,
      seconds: seconds.reduce((sum, value, at) => {
        const x = map.left + ((at % map.columns) + 0.5) * map.cell;
        const y = map.top + (Math.floor(at / map.columns) + 0.5) * map.cell;
        return inside(shape.points, x, y) ? sum + value : sum;
      }, 0),
    }));
}

/** Even-odd rule. */
export function inside(points: FloorMap['shapes'][number]['points'], x: number, y: number): boolean {
  let within = false;
  points.forEach(([ax, ay], at) => {
    const [bx, by] = points[(at + points.length - 1) % points.length] ?? [ax, ay];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
  });
  return within;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
