// Roll-outs: what is given to many boxes, ring by ring, and what stopped on the way.

import type { Rollout, RolloutBox, Rollouts } from '../../api';
import { get, part, send } from '../../kit/client';
import { type Child, h } from '../../kit/dom';
import { select } from '../../kit/fields';
import { duration, integer, moment, t, UNKNOWN } from '../../kit/i18n';
import { reasonForm } from '../../kit/reason';
import { badge, empty, notice, type Tone } from '../../kit/state';
import { table } from '../../kit/table';
import { administered } from '../may';
import { titleOf, type View, type Visit } from '../visit';
import { facts, panel } from './box';
import { fold } from './box-config';
import { pageHead } from './parts';
import { newRollout } from './rollout-new';

const TONE: Record<Rollout['state'], Tone | 'plain'> = { running: 'note', stopped: 'bad', done: 'good', taken_back: 'warning' };
const BOX_TONE: Record<RolloutBox['state'], Tone | 'plain'> = { waiting: 'plain', asked: 'note', taken: 'good', refused: 'bad', retired: 'plain' };

export const rolloutsApi = (tenant: string): string => `/api/v1/rollouts/${part(tenant)}`;

export async function rollouts(visit: Visit): Promise<View> {
  const title = t('rollout.title');
  const chains = administered(visit.me);
  const tenant = chains.find((one) => one === visit.query.get('tenant')) ?? chains[0];
  if (tenant === undefined) return { title, content: h('div', { class: 'stack' }, pageHead(title, null), empty(t('rollout.not_yours'), t('rollout.not_yours_hint'))) };
  const asked = visit.query.get('rollout');
  return asked === null ? all(visit, title, tenant, chains) : one(visit, tenant, asked);
}

async function all(visit: Visit, title: string, tenant: string, chains: readonly string[]): Promise<View> {
  const data = await get<Rollouts>(rolloutsApi(tenant), {}, visit.signal);
  const tool = chains.length > 1 ? select(t('rollout.chain'), chains.map((value) => ({ value, title: value })), tenant, (value) => visit.ask({ tenant: value })) : null;
  const stopped = data.rollouts.filter((one) => one.state === 'stopped');
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(title, h('a', { href: '/fleet' }, t('box.to_fleet')), tool),
    ...stopped.map((one) => notice('bad', h('p', null, t('rollout.stopped_notice', { title: one.title, reason: one.reason ?? '' })), h('p', null, link(tenant, one)))),
    panel(t('rollout.list'), list(tenant, data.rollouts)),
    newRollout(visit, tenant),
  );
  return { title, content, ...(data.rollouts.some((one) => one.state === 'running') ? { refresh_s: 30 } : {}) };
}

const address = (tenant: string, id: number): string => `/fleet/rollouts?${new URLSearchParams({ tenant, rollout: String(id) }).toString()}`;
const link = (tenant: string, of: Rollout): HTMLElement => h('a', { href: address(tenant, of.id) }, t('rollout.look'));

function list(tenant: string, rows: readonly Rollout[]): HTMLElement {
  return table({
    caption: t('rollout.list'),
    caption_unseen: true,
    rows,
    none: t('rollout.none'),
    columns: [
      { title: t('rollout.name'), heads: true, by: (row) => row.title, cell: (row) => h('a', { href: address(tenant, row.id) }, row.title) },
      { title: t('rollout.kind'), by: (row) => row.kind, cell: (row) => t(`rollout.kind.${row.kind}`) },
      { title: t('fleet.state'), by: (row) => row.state, cell: (row) => badge(TONE[row.state], t(`rollout.${row.state}`)) },
      { title: t('rollout.answered'), number: true, by: (row) => row.counts.answered, cell: (row) => t('rollout.of', { count: row.counts.answered, boxes: row.counts.boxes }) },
      { title: t('rollout.worse'), number: true, by: (row) => row.counts.worse, cell: (row) => (row.counts.worse ? badge('bad', integer(row.counts.worse)) : '0') },
      { title: t('config.by'), by: (row) => row.by, cell: (row) => row.by ?? t('config.operator') },
      { title: t('rollout.begun'), by: (row) => row.created_ms, cell: (row) => moment(row.created_ms) },
    ],
  });
}

async function one(visit: Visit, tenant: string, id: string): Promise<View> {
  const api = `${rolloutsApi(tenant)}/${part(id)}`;
  const data = await get<Rollout>(api, {}, visit.signal);
  const rings = [...new Set(data.boxes.map((box) => box.ring))].sort((a, b) => a - b);
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(data.title, h('a', { href: `/fleet/rollouts?${new URLSearchParams({ tenant }).toString()}` }, t('rollout.to_list'))),
    data.state === 'stopped' || data.state === 'taken_back' ? notice(data.state === 'stopped' ? 'bad' : 'warning', t(`rollout.${data.state}_because`, { reason: data.reason ?? '' })) : null,
    panel(
      t('rollout.what'),
      facts(
        [t('rollout.kind'), t(`rollout.kind.${data.kind}`)],
        [t('fleet.state'), [badge(TONE[data.state], t(`rollout.${data.state}`)), ` ${moment(data.since_ms)}`]],
        [t('reason.why'), data.why],
        [t('config.by'), `${data.by ?? t('config.operator')}, ${moment(data.created_ms)}`],
        [t('rollout.soak'), duration(data.soak_s)],
        [t('rollout.answered'), t('rollout.of', { count: data.counts.answered, boxes: data.counts.boxes })],
        [t('rollout.worse'), integer(data.counts.worse)],
      ),
      data.kind === 'config' ? fold(t('rollout.change'), data.change) : h('p', null, h('code', { class: 'long' }, data.change)),
      acts(visit, api, data),
    ),
    ...rings.map((ring) => ringPanel(visit, tenant, data, ring, rings.length)),
  );
  return { title: data.title, content, ...(data.state === 'running' ? { refresh_s: 15 } : {}) };
}

/** What can be done with it as it stands. */
function acts(visit: Visit, api: string, of: Rollout): Child {
  const act = (word: 'resume' | 'stop' | 'take_back'): HTMLElement =>
    reasonForm({
      go: t(`rollout.do.${word}`),
      sure: () => t(`rollout.sure.${word}`, { worse: of.counts.worse, asked: of.counts.asked }),
      run: async (why) => {
        await send('POST', api, { do: word, why });
        visit.again();
      },
    });
  if (of.state === 'running') return [act('stop'), act('take_back')];
  if (of.state === 'stopped') return [act('resume'), act('take_back')];
  return of.state === 'done' ? act('take_back') : null;
}

/** A ring: how far it has come, and its boxes, those that got worse first. */
function ringPanel(visit: Visit, tenant: string, of: Rollout, ring: number, rings: number): HTMLElement {
  const boxes = of.boxes.filter((box) => box.ring === ring);
  const answered = boxes.filter((box) => box.answered_ms !== null).length;
  const worse = boxes.filter((box) => box.worse !== null);
  const sorted = [...boxes].sort((a, b) => Number(b.worse !== null) - Number(a.worse !== null));
  return panel(
    t('rollout.ring', { ring: ring + 1, rings }),
    h('div', { class: 'ring' }, h('progress', { max: boxes.length, value: answered, 'aria-label': t('rollout.answered') }), h('span', null, t('rollout.ring_of', { count: answered, boxes: boxes.length, worse: worse.length }))),
    table<RolloutBox>({
      caption: t('rollout.ring', { ring: ring + 1, rings }),
      caption_unseen: true,
      rows: sorted,
      columns: [
        { title: t('table.store'), heads: true, by: (row) => row.store, cell: (row) => titleOf(visit.stores, { tenant, store: row.store }) },
        { title: t('fleet.box'), by: (row) => row.box, cell: (row) => h('a', { href: `/fleet/${part(tenant)}/${part(row.store)}/${part(row.box)}` }, row.box) },
        { title: t('fleet.state'), by: (row) => row.state, cell: (row) => badge(BOX_TONE[row.state], t(`rollout.box.${row.state}`)) },
        { title: t('rollout.worse_why'), words: true, by: (row) => row.worse, cell: (row) => (row.worse === null ? '' : [badge(row.forgiven ? 'warning' : 'bad', t(row.forgiven ? 'rollout.forgiven' : 'rollout.worse_word')), ` ${row.worse}`]) },
        { title: t('rollout.asked'), by: (row) => row.asked_ms, cell: (row) => (row.asked_ms === null ? UNKNOWN : moment(row.asked_ms)) },
        { title: t('rollout.away'), number: true, by: (row) => row.away_s, cell: (row) => (row.away_s === null ? '' : duration(row.away_s)) },
      ],
    }),
  );
}
