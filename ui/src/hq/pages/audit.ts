// The audit log, for administrators: who did what, the newest first, a page at a time.

import type { Audit } from '../../api';
import { get } from '../../kit/client';
import { h } from '../../kit/dom';
import { moment, t } from '../../kit/i18n';
import { empty } from '../../kit/state';
import { table } from '../../kit/table';
import { administered } from '../may';
import type { View, Visit } from '../visit';
import { pageHead } from './parts';

const API = '/api/v1/audit';
const MOST = 100;

export async function audit(visit: Visit): Promise<View> {
  const title = t('audit.title');
  const head = pageHead(title, h('a', { href: '/account' }, t('accounts.to_own')));
  if (administered(visit.me).length === 0) return { title, content: h('div', { class: 'stack' }, head, empty(t('audit.not_yours'), t('rollout.not_yours_hint'))) };
  const before = visit.query.get('before');
  const { lines } = await get<Audit>(API, { before, most: MOST }, visit.signal);
  const last = lines.at(-1);
  const older = lines.length === MOST && last ? h('a', { class: 'button', href: `/audit?before=${last.id}` }, t('audit.older')) : null;
  const newest = before === null ? null : h('a', { class: 'button', href: '/audit' }, t('audit.newest'));
  const content = h(
    'div',
    { class: 'stack' },
    head,
    h(
      'section',
      { class: 'panel stack' },
      table({
        caption: title,
        caption_unseen: true,
        rows: lines,
        columns: [
          { title: t('table.time'), heads: true, by: (row) => row.at_ms, cell: (row) => moment(row.at_ms) },
          { title: t('account.name'), by: (row) => row.account, cell: (row) => row.account ?? t('audit.nobody') },
          { title: t('audit.action'), by: (row) => row.action, cell: (row) => h('code', null, row.action) },
          { title: t('audit.detail'), words: true, cell: (row) => h('span', { class: 'said' }, row.detail) },
          { title: t('audit.address'), by: (row) => row.address, cell: (row) => row.address },
        ],
      }),
      h('div', { class: 'form-row' }, newest, older),
    ),
  );
  return { title, content };
}
