// Where people were on the floor, and how they went from zone to zone: asked for after the rest, because maps are large.

import type { Flow, Heat, StorePage } from '../../api';
import { csvAddress, Failure, get, type Query } from '../../kit/client';
import { described, sign } from '../../kit/charts/described';
import { floorMap, secondsInZones } from '../../kit/charts/floor';
import { flowChart } from '../../kit/charts/flow';
import { heatLegend } from '../../kit/charts/hours';
import { h } from '../../kit/dom';
import { segments, select } from '../../kit/fields';
import { decimal, duration, integer, known, t } from '../../kit/i18n';
import { empty } from '../../kit/state';
import { table } from '../../kit/table';
import type { Visit } from '../visit';
import { later, redrawn } from './parts';

/** Bands thinner than the rest add up to noise. */
const MOST_MOVES = 18;
/** Cameras that are asked for a map before the reader chooses one. */
const MOST_TRIED = 6;

/** Both drawings of one camera, with the choice of the camera. */
export function floor(visit: Visit, api: string, data: StorePage, span: { from: string; to: string }): HTMLElement {
  const cameras = data.cameras;
  if (cameras.length === 0) {
    return h('section', { class: 'panel' }, h('h2', null, t('floor.title')), empty(t('floor.no_camera'), t('floor.no_camera_hint')));
  }
  return later(async () => {
    const first = await firstWithMap(cameras, (one) => heatOf(visit, api, { box: one.box, camera: one.camera, ...span }));
    return redrawn(String(first), (chosen, choose) => ofCamera(visit, api, { cameras, span, chosen }, choose));
  }, visit.signal);
}

/** Most doors only count: what is shown first is a camera that sends maps, if one of the first few does. */
async function firstWithMap(cameras: StorePage['cameras'], ask: (camera: StorePage['cameras'][number]) => Promise<Heat | null>): Promise<number> {
  for (const [at, camera] of cameras.slice(0, MOST_TRIED).entries()) {
    if (hasMap(await ask(camera))) return at;
  }
  return 0;
}

interface Shown {
  cameras: StorePage['cameras'];
  span: { from: string; to: string };
  chosen: string;
}

function ofCamera(visit: Visit, api: string, { cameras, span, chosen }: Shown, choose: (to: string) => void): HTMLElement {
  const camera = cameras[Number(chosen)] ?? cameras[0];
  const query = { box: camera?.box, camera: camera?.camera, ...span };
  const choices = cameras.map((one, at) => ({ value: String(at), title: one.title || one.camera }));
  return h(
    'div',
    { class: 'stack' },
    cameras.length > 1 ? h('div', { class: 'tools' }, select(t('floor.camera'), choices, chosen, choose)) : null,
    h(
      'div',
      { class: 'halves' },
      later(async () => heat(await heatOf(visit, api, query), csvAddress(`${api}/heat`, query)), visit.signal),
      later(async () => flow(await get<Flow>(`${api}/flow`, query, visit.signal), api, query), visit.signal),
    ),
  );
}

/** The map; `null` where the camera sent none, which head office answers like anything that is not there. */
async function heatOf(visit: Visit, api: string, query: Query): Promise<Heat | null> {
  try {
    return await get<Heat>(`${api}/heat`, query, visit.signal);
  } catch (fault) {
    if (fault instanceof Failure && fault.trouble === 'not_found') return null;
    throw fault;
  }
}

const hasMap = (data: Heat | null): data is Heat => data !== null && data.presence_s.some((one) => one > 0);

function heat(data: Heat | null, csv: string): HTMLElement {
  const measures = [
    { value: 'presence_s', title: t('floor.presence') },
    { value: 'dwell_s', title: t('floor.dwell') },
  ];
  if (!hasMap(data)) {
    return h('section', { class: 'panel' }, h('h2', null, t('floor.heat')), empty(t('floor.nobody'), t('floor.nobody_hint')));
  }
  return redrawn('presence_s', (chosen, choose) => {
    const name = chosen === 'dwell_s' ? 'dwell_s' : 'presence_s';
    const zones = secondsInZones(data, data[name]).sort((a, b) => b.seconds - a.seconds);
    const most = Math.max(...data[name]);
    const top = zones[0];
    const space = data.space === 'floor_m' ? t('floor.space_floor', { cell: decimal(data.cell, 2) }) : t('floor.space_image');
    const summary = `${top ? t('floor.top_zone', { zone: top.name, time: duration(top.seconds) }) : t('floor.no_zones')} ${space}`;
    return described({
      title: t('floor.heat'),
      tools: segments(t('chart.measure'), measures, name, choose),
      summary,
      keep: 'heat',
      drawing: floorMap(data, data[name], summary),
      legend: heatLegend(t('chart.less'), t('floor.most', { time: duration(most) })),
      table: table({
        caption: t('floor.heat'),
        rows: zones,
        csv,
        none: t('floor.no_zones'),
        columns: [
          { title: t('table.zone'), heads: true, by: (row) => row.name, cell: (row) => row.name },
          { title: name === 'dwell_s' ? t('floor.dwell') : t('floor.presence'), number: true, by: (row) => row.seconds, cell: (row) => duration(row.seconds) },
        ],
      }),
    });
  });
}

/** A place of a flow in words: `in:LINE` and `out:LINE` are ways through a door, `zone:NAME` a zone. */
export function placeName(place: string): string {
  const [kind, name] = place.split(/:(.*)/s);
  if (kind === 'zone' && name) return name;
  const key = `place.${kind}`;
  return known(key) ? t(key, { name: name ?? '' }) : place;
}

function flow(data: Flow, api: string, query: Query): HTMLElement {
  const moves = [...data.moves].sort((a, b) => b.people - a.people);
  const top = moves[0];
  if (!top) return h('section', { class: 'panel' }, h('h2', null, t('floor.flow')), empty(t('floor.no_flow'), t('floor.no_flow_hint')));
  const drawn = moves.slice(0, MOST_MOVES);
  const others = data.other_moves + moves.slice(MOST_MOVES).reduce((sum, one) => sum + one.people, 0);
  const summary = t('floor.top_move', { from: placeName(top.from), to: placeName(top.to), people: top.people });
  return described({
    title: t('floor.flow'),
    summary: others ? `${summary} ${t('floor.other_moves', { people: others })}` : summary,
    keep: 'flow',
    drawing: h('div', { class: 'flow-scroll', tabindex: 0, role: 'region', 'aria-label': t('floor.flow') }, flowChart(drawn, placeName, summary)),
    legend: [sign('swatch-whole', t('floor.band'))],
    table: table({
      caption: t('floor.flow'),
      rows: moves,
      csv: csvAddress(`${api}/flow`, query),
      columns: [
        { title: t('table.from'), heads: true, by: (row) => placeName(row.from), cell: (row) => placeName(row.from) },
        { title: t('table.to'), by: (row) => placeName(row.to), cell: (row) => placeName(row.to) },
        { title: t('table.people'), number: true, by: (row) => row.people, cell: (row) => integer(row.people) },
      ],
    }),
  });
}
