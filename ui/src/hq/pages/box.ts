// One box: how it is and was, its cameras, what it counts with, what it was asked to do, its software and its certificates.

import type { BoxDetail, BoxHealth } from '../../api';
import { get, part } from '../../kit/client';
import { type Child, h } from '../../kit/dom';
import { ago, decimal, duration, integer, moment, t, UNKNOWN } from '../../kit/i18n';
import { badge, empty, notice, type Tone } from '../../kit/state';
import { table } from '../../kit/table';
import { may } from '../may';
import { storeAddress, titleOf, type View, type Visit } from '../visit';
import { commandsPanel } from './box-commands';
import { configPanel } from './box-config';
import { enrolPanel } from './box-enrol';
import { historyPanel } from './box-health';
import { behind, bytes, certificate, clock, disk, memory, temperature } from './fleet-words';
import { pageHead } from './parts';

type Software = BoxDetail['software'];
const SOFTWARE_TONE: Record<NonNullable<Software['status']>, Tone | 'plain'> = { current: 'good', fetching: 'note', ready: 'note', rolled_back: 'bad', refused: 'bad' };

/** Where a box is in the API. */
export const boxApi = (of: { tenant: string; store: string; box: string }): string => `/api/v1/fleet/${part(of.tenant)}/${part(of.store)}/${part(of.box)}`;

export async function box(visit: Visit): Promise<View> {
  const { tenant = '', store = '', box: name = '' } = visit.path;
  const api = boxApi({ tenant, store, box: name });
  const data = await get<BoxDetail>(api, {}, visit.signal);
  const now = Date.now();
  const roles = { manager: may(visit.me, 'manager', data, visit.stores), admin: may(visit.me, 'admin', data, visit.stores) };
  const lead = h('span', null, h('a', { href: storeAddress(data) }, titleOf(visit.stores, data)), ' · ', h('a', { href: '/fleet' }, t('box.to_fleet')));
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(data.box, lead),
    data.health ? healthPanel(data.health, now) : empty(t('box.no_health'), t('box.no_health_hint')),
    data.health?.cameras.length ? cameras(data.health) : null,
    historyPanel(visit, api),
    roles.manager ? commandsPanel(visit, api, data.health?.cameras.map((one) => one.camera) ?? []) : null,
    configPanel(visit, api, data, roles),
    software(data.software),
    certificates(data, now, roles.admin ? enrolPanel(api, data) : null),
  );
  return { title: data.box, content };
}

/** A panel with a heading. */
export function panel(title: string, ...content: Child[]): HTMLElement {
  return h('section', { class: 'panel stack' }, h('header', { class: 'panel-head' }, h('h2', null, title)), ...content);
}

/** Names and what stands to each. */
export function facts(...rows: readonly (readonly [title: string, value: Child])[]): HTMLElement {
  return h('dl', { class: 'facts' }, ...rows.flatMap(([title, value]) => [h('dt', null, title), h('dd', null, value)]));
}

function healthPanel(of: BoxHealth, now_ms: number): HTMLElement {
  const of_size = (free: number | null, size: number | null): Child => (free === null || size === null ? null : ` (${t('health.of', { free: bytes(free), size: bytes(size) })})`);
  return panel(
    t('box.health'),
    h('p', { class: 'summary' }, t('box.health_at', { ago: ago(of.at_ms, now_ms) })),
    facts(
      [t('health.temperature'), temperature(of)],
      [t('health.disk'), [disk(of), of_size(of.disk_free, of.disk_size)]],
      [t('health.memory'), [memory(of), of_size(of.memory_free, of.memory_size)]],
      [t('health.load'), of.load === null ? UNKNOWN : decimal(of.load, 2)],
      [t('health.waiting'), integer(of.waiting)],
      [t('health.behind'), behind(of)],
      [t('health.clock'), clock(of)],
      [t('health.runs_since'), duration((of.at_ms - of.since_ms) / 1000)],
      [t('fleet.software'), of.software],
      [t('health.machine'), [of.os, of.arch].filter(Boolean).join(', ')],
    ),
  );
}

function cameras(of: BoxHealth): HTMLElement {
  const ms = (value: number | null): string => (value === null ? UNKNOWN : t('health.ms', { ms: decimal(value, 0) }));
  return panel(
    t('fleet.cameras'),
    table({
      caption: t('fleet.cameras'),
      caption_unseen: true,
      rows: of.cameras,
      columns: [
        { title: t('box.camera'), heads: true, by: (row) => row.camera, cell: (row) => row.camera },
        { title: t('fleet.state'), by: (row) => row.state, cell: (row) => badge(row.state === 'up' ? 'good' : row.state === 'down' ? 'bad' : 'note', t(`fleet.camera.${row.state}`)) },
        { title: t('health.fps'), number: true, by: (row) => row.fps, cell: (row) => decimal(row.fps) },
        { title: t('health.inference'), number: true, by: (row) => row.inference_ms, cell: (row) => ms(row.inference_ms) },
        { title: t('health.inference_slow'), number: true, by: (row) => row.inference_p95_ms, cell: (row) => ms(row.inference_p95_ms) },
        { title: t('health.dropped'), number: true, by: (row) => row.dropped, cell: (row) => integer(row.dropped) },
        { title: t('health.conditions'), cell: (row) => (row.conditions.length ? badge('warning', row.conditions.join(', ')) : t('health.none')) },
      ],
    }),
  );
}

function software(of: Software): HTMLElement {
  const status = of.status;
  return panel(
    t('fleet.software'),
    facts(
      [t('software.running'), of.running ?? UNKNOWN],
      [t('software.desired'), of.desired ?? t('software.none_desired')],
      [t('fleet.state'), status === null ? UNKNOWN : badge(SOFTWARE_TONE[status], t(`software.${status}`))],
      [t('software.said'), of.at_ms === null ? UNKNOWN : moment(of.at_ms)],
    ),
    of.detail ? notice(status === 'rolled_back' || status === 'refused' ? 'bad' : 'note', of.detail) : null,
  );
}

function certificates(of: BoxDetail, now_ms: number, enrol: Child): HTMLElement {
  return panel(
    t('certificate.title'),
    table({
      caption: t('certificate.title'),
      caption_unseen: true,
      rows: of.certificates,
      none: t('certificate.none'),
      columns: [
        { title: t('certificate.serial'), heads: true, cell: (row) => h('code', null, row.serial) },
        { title: t('certificate.issued'), by: (row) => row.issued_ms, cell: (row) => moment(row.issued_ms) },
        { title: t('certificate.until'), by: (row) => row.until_ms, cell: (row) => certificate(row.until_ms, now_ms) },
        { title: t('certificate.revoked'), by: (row) => row.revoked_ms, cell: (row) => (row.revoked_ms === null ? '' : badge('bad', moment(row.revoked_ms))) },
      ],
    }),
    enrol,
  );
}
