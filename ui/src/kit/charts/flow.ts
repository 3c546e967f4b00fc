// Who went from where to where: places they came from on the left, places they went to on the right, bands as wide as people were many.

import { s } from '../dom';

export interface Move {
  from: string;
  to: string;
  people: number;
}

const WIDTH = 640;
const NAME_WIDTH = 150;
const GAP = 10;
const LEAST_HEIGHT = 16;

interface Stop {
  name: string;
  people: number;
  top: number;
  height: number;
  /** How much of it bands have taken up so far. */
  taken: number;
}

/** The drawing; `name` turns a place into words. */
export function flowChart(moves: readonly Move[], name: (place: string) => string, description: string): SVGElement {
  const total = Math.max(1, moves.reduce((sum, one) => sum + one.people, 0));
  const scale = 260 / total;
  const left = stops(moves, (one) => one.from, scale);
  const right = stops(moves, (one) => one.to, scale);
  const height = Math.max(...[left, right].map((side) => [...side.values()].reduce((end, one) => Math.max(end, one.top + one.height), 0)));
  const order = [...left.keys()];
  return s(
    'svg',
    { class: 'flow', viewBox: `0 0 ${WIDTH} ${Math.ceil(height) + 2}`, role: 'img', 'aria-label': description },
    ...moves.map((one) => band(one, left, right, scale, order)),
    ...names(left, 'end', name),
    ...names(right, 'start', name),
  );
}

function stops(moves: readonly Move[], side: (move: Move) => string, scale: number): Map<string, Stop> {
  const people = new Map<string, number>();
  for (const one of moves) people.set(side(one), (people.get(side(one)) ?? 0) + one.people);
  let top = 1;
  const placed = new Map<string, Stop>();
  for (const [place, count] of [...people].sort((a, b) => b[1] - a[1])) {
    const height = Math.max(LEAST_HEIGHT, count * scale);
    placed.set(place, { name: place, people: count, top, height, taken: 0 });
    top += height + GAP;
  }
  return placed;
}

function band(move: Move, left: Map<string, Stop>, right: Map<string, Stop>, scale: number, order: readonly string[]): SVGElement | null {
  const from = left.get(move.from);
  const to = right.get(move.to);
  if (!from || !to) return null;
  const thick = Math.max(1, move.people * scale);
  const [a, b] = [from.top + from.taken, to.top + to.taken];
  from.taken += move.people * scale;
  to.taken += move.people * scale;
  const [x1, x2, bend] = [NAME_WIDTH + 8, WIDTH - NAME_WIDTH - 8, WIDTH / 2];
  const shape = `M${x1} ${a}C${bend} ${a} ${bend} ${b} ${x2} ${b}v${thick}C${bend} ${b + thick} ${bend} ${a + thick} ${x1} ${a + thick}z`;
  return s('path', { class: `band band-${(order.indexOf(move.from) % 6) + 1}`, d: shape });
}

function names(side: Map<string, Stop>, anchor: 'start' | 'end', name: (place: string) => string): SVGElement[] {
  const x = anchor === 'end' ? NAME_WIDTH : WIDTH - NAME_WIDTH;
  return [...side.values()].flatMap((stop) => [
    s('rect', { class: 'stop', x: anchor === 'end' ? x + 2 : x - 8, y: stop.top, width: 6, height: stop.height }),
    s('text', { x: anchor === 'end' ? x - 4 : x + 4, y: stop.top + stop.height / 2 + 4, 'text-anchor': anchor }, name(stop.name)),
  ]);
}
