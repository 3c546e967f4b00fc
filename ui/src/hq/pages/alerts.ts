// What needs somebody now, and what did lately.

import type { Alerts } from '../../api';
import { get } from '../../kit/client';
import { h } from '../../kit/dom';
import { ago, duration, known, moment, t } from '../../kit/i18n';
import { badge, notice, type Tone } from '../../kit/state';
import { table } from '../../kit/table';
import { storeAddress, titleOf, zoneOf, type View, type Visit } from '../visit';
import { pageHead } from './parts';

type Alert = Alerts['alerts'][number];
const API = '/api/v1/alerts';

const TONE: Record<Alert['rule'], Tone> = {
  no_data: 'bad',
  camera_moved: 'bad',
  alarm: 'bad',
  rollout_stopped: 'bad',
  queue: 'warning',
  certificate: 'warning',
  disk_full: 'warning',
  too_hot: 'warning',
  clock: 'warning',
  traffic: 'note',
};

export async function alerts(visit: Visit): Promise<View> {
  const title = t('area.alerts');
  const data = await get<Alerts>(API, {}, visit.signal);
  const now = Date.now();
  const open = data.alerts.filter((one) => one.ended_ms === null).sort((a, b) => b.began_ms - a.began_ms);
  const over = data.alerts.filter((one) => one.ended_ms !== null);
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(title, t('alerts.lead', { open: open.length })),
    open.length === 0
      ? notice('good', t('alerts.none'))
      : h('section', { class: 'panel' }, h('ul', { class: 'to-do' }, ...open.map((one) => item(visit, one, now)))),
    h('section', { class: 'panel' }, h('header', { class: 'panel-head' }, h('h2', null, t('alerts.past'))), past(visit, over)),
  );
  return { title, content, refresh_s: 30 };
}

/** The sentence of an alert; one whose key is newer than these pages is told by its rule. */
function words(visit: Visit, one: Alert): string {
  const key = `alert.${one.text.key}`;
  const given = Object.entries(one.text.values).filter(([, value]) => value !== null);
  const values = { about: one.about, ...Object.fromEntries(given), store: titleOf(visit.stores, one) };
  return known(key) ? t(key, values) : t(`alert.${one.rule}`, values);
}

function item(visit: Visit, one: Alert, now_ms: number): HTMLElement {
  return h(
    'li',
    null,
    badge(TONE[one.rule], t(`rule.${one.rule}`)),
    h('div', null, h('p', null, words(visit, one)), h('p', null, t(`alert_act.${one.rule}`), ' ', h('a', { href: target(one) }, t('alerts.look')), ` · ${ago(one.began_ms, now_ms)}`)),
  );
}

/** Where one sees more of it. */
function target(one: Alert): string {
  if (one.rule === 'queue') return storeAddress(one, 'queues');
  if (one.rule === 'rollout_stopped') return '/fleet/rollouts';
  return one.rule === 'traffic' || one.rule === 'alarm' ? storeAddress(one) : '/fleet';
}

function past(visit: Visit, over: readonly Alert[]): HTMLElement {
  return table({
    caption: t('alerts.past'),
    caption_unseen: true,
    rows: [...over].sort((a, b) => b.began_ms - a.began_ms),
    csv: `${API}.csv`,
    none: t('alerts.none_past'),
    columns: [
      { title: t('table.store'), heads: true, by: (row) => titleOf(visit.stores, row), cell: (row) => titleOf(visit.stores, row) },
      { title: t('alerts.what'), words: true, by: (row) => row.rule, cell: (row) => words(visit, row) },
      { title: t('alerts.began'), by: (row) => row.began_ms, cell: (row) => moment(row.began_ms, zoneOf(visit.stores, row)) },
      { title: t('alerts.lasted'), number: true, by: (row) => (row.ended_ms ?? row.began_ms) - row.began_ms, cell: (row) => duration(((row.ended_ms ?? row.began_ms) - row.began_ms) / 1000) },
    ],
  });
}
