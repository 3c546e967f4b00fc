// Tokens for one's own programs: made here, shown once, taken back here.

import type { MadeToken, Token, Tokens } from '../../api';
import { get, send } from '../../kit/client';
import { freshId, h } from '../../kit/dom';
import { labelled, select } from '../../kit/fields';
import { ago, integer, longDay, t } from '../../kit/i18n';
import { faultText, notice } from '../../kit/state';
import { table } from '../../kit/table';
import type { Visit } from '../visit';
import { later } from './parts';

const LIFETIMES_DAYS = [30, 90, 365];

/** The tokens, and a form for another. */
export function tokensPanel(visit: Visit): HTMLElement {
  const said = h('div', { role: 'status' });
  const place = h('div');
  const show = async (): Promise<Node> => list(await get<Tokens>('/api/v1/tokens', {}, visit.signal), remove);
  const again = (): void => place.replaceChildren(later(show, visit.signal));
  const fail = (fault: unknown): void => said.replaceChildren(notice('bad', faultText(fault)));
  const remove = (one: Token): void => {
    if (confirm(t('token.remove_sure', { name: one.name }))) send('DELETE', `/api/v1/tokens/${one.id}`).then(again, fail);
  };
  const made = (token: MadeToken | null): void => {
    if (token) said.replaceChildren(secret(token));
    again();
  };
  again();
  return h(
    'section',
    { class: 'panel stack' },
    h('header', { class: 'panel-head' }, h('h2', null, t('token.title'))),
    h('p', { class: 'summary' }, t('token.lead')),
    form((body) => void send<MadeToken>('POST', '/api/v1/tokens', body).then(made, fail)),
    said,
    place,
  );
}

function form(make: (body: { name: string; scope: Token['scope']; days: number }) => void): HTMLElement {
  const id = freshId('token');
  const name = h('input', { id, maxlength: 100, required: true, autocomplete: 'off' });
  let scope: Token['scope'] = 'read';
  let days = 90;
  const scopes = (['read', 'feed'] as const).map((value) => ({ value, title: t(`token.scope.${value}`) }));
  const lifetimes = LIFETIMES_DAYS.map((value) => ({ value: String(value), title: t('period.days', { days: value }) }));
  const form = h(
    'form',
    { class: 'form-row' },
    labelled(t('token.name'), id, name),
    select(t('token.scope'), scopes, scope, (value) => (scope = value === 'feed' ? 'feed' : 'read')),
    select(t('token.days'), lifetimes, String(days), (value) => (days = Number(value))),
    h('button', { type: 'submit', class: 'button' }, t('token.make')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    make({ name: name.value, scope, days });
    form.reset();
    [scope, days] = ['read', 90];
  });
  return form;
}

function secret(made: MadeToken): HTMLElement {
  const copied = h('span', { role: 'status' });
  const copy = (): void => {
    navigator.clipboard.writeText(made.secret).then(
      () => (copied.textContent = t('token.copied')),
      // Without leave to copy it can still be marked and copied by hand.
      () => (copied.textContent = ''),
    );
  };
  return notice(
    'good',
    h('p', null, t('token.once', { name: made.token.name })),
    h('p', { class: 'secret' }, h('code', null, made.secret), h('button', { type: 'button', class: 'button', click: copy }, t('token.copy')), copied),
  );
}

function list({ tokens }: Tokens, remove: (one: Token) => void): HTMLElement {
  return table({
    caption: t('token.title'),
    caption_unseen: true,
    rows: tokens,
    none: t('token.none'),
    columns: [
      { title: t('token.name'), heads: true, by: (row) => row.name, cell: (row) => row.name },
      { title: t('token.scope'), by: (row) => row.scope, cell: (row) => t(`token.scope.${row.scope}`) },
      { title: t('token.used'), by: (row) => row.last_used_ms, cell: (row) => (row.last_used_ms === null ? t('token.never') : ago(row.last_used_ms, Date.now())) },
      { title: t('token.expires'), by: (row) => row.expires_ms, cell: (row) => longDay(new Date(row.expires_ms).toISOString().slice(0, 10)) },
      { title: t('token.number'), number: true, by: (row) => row.id, cell: (row) => integer(row.id) },
      {
        title: t('token.act'),
        cell: (row) => h('button', { type: 'button', class: 'button', 'aria-label': t('token.remove_named', { name: row.name }), click: () => remove(row) }, t('token.remove')),
      },
    ],
  });
}
