// The boxes: what needs somebody, in words that say what to do, then everything.

import type { Fleet } from '../../api';
import { get, part } from '../../kit/client';
import { type Child, h } from '../../kit/dom';
import { ago, duration, integer, moment, percent, t, UNKNOWN } from '../../kit/i18n';
import { badge, empty, notice, type Tone } from '../../kit/state';
import { type Column, table } from '../../kit/table';
import { administered } from '../may';
import { titleOf, zoneOf, type View, type Visit } from '../visit';
import { type Task, toDo } from './fleet-to-do';
import { behind, certificate, clock, CONFIG_TONE, disk, diskShare, fps, inference, longest, memory, memoryShare, slowest, temperature } from './fleet-words';
import { pageHead } from './parts';

type Box = Fleet['boxes'][number];
type Audit = Box['audit'][number] & { box: Box };
const API = '/api/v1/fleet';
/** Tasks of one kind that are shown one by one. */
const MOST_ALIKE = 4;

const STATE_TONE: Record<Box['state'], Tone | 'plain'> = { online: 'good', offline: 'bad', stopped: 'warning', never_seen: 'plain' };

export async function fleet(visit: Visit): Promise<View> {
  const title = t('area.fleet');
  const data = await get<Fleet>(API, {}, visit.signal);
  const now = Date.now();
  const online = data.boxes.filter((one) => one.state === 'online').length;
  const lead = t('fleet.lead', { online, boxes: data.boxes.length });
  const audits = data.boxes.flatMap((box) => box.audit.map((one) => ({ ...one, box })));
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(title, lead, administered(visit.me).length ? h('a', { class: 'button', href: '/fleet/rollouts' }, t('rollout.title')) : null),
    data.boxes.length === 0 ? empty(t('fleet.none'), t('fleet.none_hint')) : todo(visit, data, now),
    data.boxes.length ? panel(t('fleet.boxes'), boxes(visit, data, now)) : null,
    data.boxes.some((one) => one.health) ? panel(t('fleet.health'), health(visit, data, now)) : null,
    audits.length ? panel(t('fleet.audits'), h('p', { class: 'summary' }, t('fleet.audits_hint')), auditTable(visit, audits)) : null,
    data.strangers.length ? panel(t('fleet.strangers'), h('p', { class: 'summary' }, t('fleet.strangers_hint')), strangers(data, now)) : null,
    data.aside.length ? panel(t('fleet.aside'), h('p', { class: 'summary' }, t('fleet.aside_hint')), aside(data)) : null,
  );
  return { title, content, refresh_s: 30 };
}

function panel(title: string, ...content: Child[]): HTMLElement {
  return h('section', { class: 'panel' }, h('header', { class: 'panel-head' }, h('h2', null, title)), ...content);
}

function todo(visit: Visit, data: Fleet, now_ms: number): HTMLElement {
  const tasks = data.boxes.flatMap((box) => toDo(box, titleOf(visit.stores, box), now_ms));
  if (tasks.length === 0) return notice('good', t('fleet.all_well'));
  const order: Record<Tone, number> = { bad: 0, warning: 1, note: 2, good: 3 };
  tasks.sort((a, b) => order[a.tone] - order[b.tone]);
  return panel(
    t('fleet.to_do', { tasks: tasks.length }),
    h('ul', { class: 'to-do' }, ...alike(tasks).map((group) => (group.length > MOST_ALIKE ? folded(group) : group.map(task)))),
  );
}

/** Tasks of one kind together, in the order of their first. */
function alike(tasks: readonly Task[]): Task[][] {
  const kinds = new Map<string, Task[]>();
  for (const one of tasks) {
    const kind = `${one.tone} ${one.word} ${one.act}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), one]);
  }
  return [...kinds.values()];
}

const task = (one: Task): HTMLElement => h('li', null, badge(one.tone, one.word), h('div', null, h('p', null, one.what), one.act ? h('p', null, one.act) : null));

/** When the network of a chain is down, the same task a hundred times would hide the others. */
function folded(group: readonly Task[]): Node | null {
  const [first] = group;
  if (!first) return null;
  const all = h('details', { 'data-keep': `tasks-${first.word}-${first.act}` }, h('summary', null, t('fleet.alike', { first: first.what, more: group.length - 1 })), h('ul', null, ...group.slice(1).map((one) => h('li', null, one.what))));
  return h('li', null, badge(first.tone, first.word), h('div', null, all, first.act ? h('p', null, first.act) : null));
}

function boxes(visit: Visit, data: Fleet, now_ms: number): HTMLElement {
  const columns: Column<Box>[] = [
    { title: t('table.store'), heads: true, by: (row) => titleOf(visit.stores, row), cell: (row) => titleOf(visit.stores, row) },
    { title: t('fleet.box'), by: (row) => row.box, cell: (row) => h('a', { href: `/fleet/${part(row.tenant)}/${part(row.store)}/${part(row.box)}` }, row.box) },
    { title: t('fleet.state'), by: (row) => row.state, cell: (row) => state(row, now_ms) },
    { title: t('fleet.last'), by: (row) => row.last_record_ms, cell: (row) => (row.last_record_ms === null ? UNKNOWN : ago(row.last_record_ms, now_ms)) },
    { title: t('fleet.lag'), number: true, by: (row) => row.lag_s, cell: lag },
    { title: t('fleet.cameras'), cell: (row) => h('span', { class: 'names' }, ...row.cameras.map(camera)) },
    { title: t('fleet.missing'), number: true, by: (row) => records(row.missing), cell: (row) => (row.missing.length ? badge('warning', integer(records(row.missing))) : '0') },
    { title: t('fleet.lost'), number: true, by: (row) => records(lostRanges(row)), cell: (row) => (row.lost.length ? badge('bad', integer(records(lostRanges(row)))) : '0') },
    { title: t('fleet.watermark'), number: true, by: (row) => row.watermark, cell: (row) => `${integer(row.watermark)} / ${integer(row.highest)}` },
    { title: t('fleet.software'), by: (row) => row.software, cell: (row) => row.software ?? UNKNOWN },
  ];
  return table({ caption: t('fleet.boxes'), caption_unseen: true, columns, rows: data.boxes, csv: `${API}.csv` });
}

/** The machines themselves: what they said of themselves last. */
function health(visit: Visit, data: Fleet, now_ms: number): HTMLElement {
  const columns: Column<Box>[] = [
    { title: t('table.store'), heads: true, by: (row) => titleOf(visit.stores, row), cell: (row) => titleOf(visit.stores, row) },
    { title: t('fleet.box'), by: (row) => row.box, cell: (row) => h('a', { href: `/fleet/${part(row.tenant)}/${part(row.store)}/${part(row.box)}` }, row.box) },
    { title: t('health.temperature'), number: true, by: (row) => row.health?.temperature_c ?? null, cell: (row) => temperature(row.health) },
    { title: t('health.disk'), number: true, by: (row) => diskShare(row.health), cell: (row) => disk(row.health) },
    { title: t('health.memory'), number: true, by: (row) => memoryShare(row.health), cell: (row) => memory(row.health) },
    { title: t('health.fps_min'), number: true, by: (row) => slowest(row.health), cell: (row) => fps(row.health) },
    { title: t('health.inference'), number: true, by: (row) => longest(row.health), cell: (row) => inference(row.health) },
    { title: t('health.behind'), number: true, by: (row) => row.health?.behind_s ?? null, cell: (row) => behind(row.health) },
    { title: t('health.clock'), by: (row) => (row.health ? Number(row.health.clock_ok) : null), cell: (row) => clock(row.health) },
    { title: t('config.in_force'), by: (row) => row.config?.in_force ?? null, cell: config },
    { title: t('certificate.until'), by: (row) => row.certificate_until_ms ?? null, cell: (row) => certificate(row.certificate_until_ms, now_ms) },
  ];
  return table({ caption: t('fleet.health'), caption_unseen: true, columns, rows: data.boxes });
}

function config(row: Box): Child {
  if (!row.config || row.config.status === null) return UNKNOWN;
  const { status, in_force } = row.config;
  return [badge(CONFIG_TONE[status], t(`config.${status}`)), in_force ? ` ${t('config.version', { version: in_force })}` : null];
}

function state(row: Box, now_ms: number): Child {
  const since = row.since_ms === null ? '' : ` ${t('fleet.for', { span: duration((now_ms - row.since_ms) / 1000) })}`;
  return [badge(STATE_TONE[row.state], t(`fleet.state.${row.state}`)), since];
}

function lag(row: Box): Child {
  if (row.lag_s === null) return UNKNOWN;
  return row.late ? badge('warning', duration(row.lag_s)) : duration(row.lag_s);
}

function camera(one: Box['cameras'][number]): HTMLElement {
  const ill = one.state !== 'up' || one.conditions.length > 0;
  return badge(one.state === 'down' ? 'bad' : ill ? 'warning' : 'plain', one.camera, ill ? [t(`fleet.camera.${one.state}`), ...one.conditions].join(', ') : undefined);
}

const lostRanges = (row: Box): [number, number][] => row.lost.map((one) => [one.first, one.last]);
const records = (ranges: readonly (readonly [number, number])[]): number => ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);

function auditTable(visit: Visit, audits: readonly Audit[]): HTMLElement {
  return table<Audit>({
    caption: t('fleet.audits'),
    caption_unseen: true,
    rows: audits,
    columns: [
      { title: t('table.store'), heads: true, by: (row) => titleOf(visit.stores, row.box), cell: (row) => titleOf(visit.stores, row.box) },
      { title: t('fleet.line'), by: (row) => row.line, cell: (row) => `${row.camera}, ${row.line}` },
      { title: t('fleet.accuracy'), number: true, by: (row) => row.accuracy, cell: (row) => percent(row.accuracy) },
      { title: t('fleet.interval'), number: true, cell: (row) => t('fleet.between', { low: percent(row.low), high: percent(row.high) }) },
      { title: t('table.people'), number: true, by: (row) => row.people, cell: (row) => integer(row.people) },
      { title: t('fleet.minutes'), number: true, by: (row) => row.minutes, cell: (row) => integer(row.minutes) },
      { title: t('fleet.audited'), by: (row) => row.to_ms, cell: (row) => moment(row.to_ms, zoneOf(visit.stores, row.box)) },
    ],
  });
}

function strangers(data: Fleet, now_ms: number): HTMLElement {
  return table({
    caption: t('fleet.strangers'),
    caption_unseen: true,
    rows: data.strangers,
    columns: [
      { title: t('fleet.box'), heads: true, by: (row) => row.box, cell: (row) => h('code', null, row.box) },
      { title: t('fleet.topic'), by: (row) => row.topic, cell: (row) => h('code', null, row.topic) },
      { title: t('fleet.first_heard'), by: (row) => row.first_ms, cell: (row) => moment(row.first_ms) },
      { title: t('fleet.last_heard'), by: (row) => row.last_ms, cell: (row) => ago(row.last_ms, now_ms) },
      { title: t('fleet.messages'), number: true, by: (row) => row.messages, cell: (row) => integer(row.messages) },
    ],
  });
}

function aside(data: Fleet): HTMLElement {
  return table({
    caption: t('fleet.aside'),
    caption_unseen: true,
    rows: data.aside,
    columns: [
      { title: t('table.time'), heads: true, by: (row) => row.at_ms, cell: (row) => moment(row.at_ms) },
      { title: t('fleet.topic'), by: (row) => row.topic, cell: (row) => h('code', null, row.topic) },
      { title: t('fleet.reason'), words: true, by: (row) => row.reason, cell: (row) => row.reason },
      { title: t('fleet.bytes'), number: true, by: (row) => row.bytes, cell: (row) => integer(row.bytes) },
    ],
  });
}
