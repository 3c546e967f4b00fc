// Accounts, for administrators of a chain: who there is, what each may do, and keeping one out.

import type { Account, Accounts, Me } from '../../api';
import { get, part, send } from '../../kit/client';
import { freshId, h } from '../../kit/dom';
import { labelled, select } from '../../kit/fields';
import { moment, t } from '../../kit/i18n';
import { badge, empty, faultText, notice } from '../../kit/state';
import { table } from '../../kit/table';
import { administered } from '../may';
import type { View, Visit } from '../visit';
import { grantWords } from './account';
import { panel } from './box';
import { later, pageHead } from './parts';

type Grant = Me['grants'][number];
const API = '/api/v1/accounts';
/** As head office asks for; it says so itself where it is not kept to. */
const LEAST_CHARACTERS = 12;

export async function accounts(visit: Visit): Promise<View> {
  const title = t('accounts.title');
  const head = pageHead(title, h('a', { href: '/account' }, t('accounts.to_own')));
  if (administered(visit.me).length === 0) return { title, content: h('div', { class: 'stack' }, head, empty(t('accounts.not_yours'), t('rollout.not_yours_hint'))) };
  const said = h('div', { role: 'status' });
  const place = h('div');
  const again = (): void => place.replaceChildren(later(async () => list(visit, await get<Accounts>(API, {}, visit.signal), act), visit.signal));
  const act = (done: Promise<unknown>, words: string): void =>
    void done.then(
      () => {
        said.replaceChildren(notice('good', words));
        again();
      },
      (fault: unknown) => said.replaceChildren(notice('bad', faultText(fault))),
    );
  again();
  const content = h('div', { class: 'stack' }, head, said, panel(t('accounts.list'), place), newAccount(visit, act));
  return { title, content };
}

type Act = (done: Promise<unknown>, words: string) => void;

function list(visit: Visit, { accounts: rows }: Accounts, act: Act): HTMLElement {
  return table({
    caption: t('accounts.list'),
    caption_unseen: true,
    rows,
    columns: [
      { title: t('account.name'), heads: true, by: (row) => row.name, cell: (row) => row.name },
      { title: t('account.may'), words: true, cell: (row) => row.grants.map((one) => h('p', null, grantWords(one))) },
      { title: t('accounts.signs_in'), cell: signsIn },
      { title: t('fleet.state'), by: (row) => Number(row.disabled), cell: (row) => badge(row.disabled ? 'bad' : 'good', t(row.disabled ? 'accounts.out' : 'accounts.in')) },
      { title: t('accounts.made'), by: (row) => row.created_ms, cell: (row) => moment(row.created_ms) },
      { title: t('accounts.change'), cell: (row) => changes(visit, row, act) },
    ],
  });
}

function signsIn(row: Account): string {
  const ways = [row.has_password ? t('accounts.by_password') : '', row.has_oidc ? t('accounts.by_oidc') : '', row.email ?? ''];
  return ways.filter(Boolean).join(', ');
}

/** What can be done with an account; nothing with one's own, so that nobody locks themselves out. */
function changes(visit: Visit, of: Account, act: Act): HTMLElement {
  if (of.name === visit.me.account) return h('span', null, t('accounts.yours'));
  const api = `${API}/${part(of.name)}`;
  const out = (): void => {
    if (confirm(t(of.disabled ? 'accounts.let_in_sure' : 'accounts.keep_out_sure', { name: of.name }))) {
      act(send('PUT', `${api}/disabled`, { disabled: !of.disabled }), t('accounts.changed', { name: of.name }));
    }
  };
  const tokens = (): void => {
    if (confirm(t('accounts.tokens_sure', { name: of.name }))) act(send('DELETE', `${api}/tokens`), t('accounts.changed', { name: of.name }));
  };
  return h(
    'details',
    { class: 'fold', 'data-keep': `account-${of.name}` },
    h('summary', { 'aria-label': t('accounts.change_named', { name: of.name }) }, t('accounts.change')),
    h(
      'div',
      { class: 'stack' },
      grantForm(visit, of, (grants) => act(send('PUT', `${api}/grants`, { grants }), t('accounts.changed', { name: of.name }))),
      passwordForm(of, (password) => act(send('PUT', `${api}/password`, { password }), t('accounts.changed', { name: of.name }))),
      h(
        'div',
        { class: 'form-row' },
        h('button', { type: 'button', class: 'button', click: tokens }, t('accounts.tokens')),
        h('button', { type: 'button', class: 'button', click: out }, t(of.disabled ? 'accounts.let_in' : 'accounts.keep_out')),
      ),
    ),
  );
}

/** One grant in place of all that there are. */
function grantForm(visit: Visit, of: Account, give: (grants: Grant[]) => void): HTMLElement {
  const choice = grantFields(visit, of.grants[0]);
  const form = h('form', { class: 'form-row' }, ...choice.fields, h('button', { type: 'submit', class: 'button' }, t('accounts.grant')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const grant = choice.grant();
    if (confirm(t('accounts.grant_sure', { name: of.name, grant: grantWords(grant) }))) give([grant]);
  });
  return form;
}

function passwordForm(of: Account, give: (password: string) => void): HTMLElement {
  const id = freshId('password');
  const field = h('input', { id, type: 'password', minlength: LEAST_CHARACTERS, required: true, autocomplete: 'new-password' });
  const form = h('form', { class: 'form-row' }, labelled(t('password.next'), id, field), h('button', { type: 'submit', class: 'button' }, t('accounts.password')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (confirm(t('accounts.password_sure', { name: of.name }))) give(field.value);
    form.reset();
  });
  return form;
}

/** A role, and where it holds: the chains that the reader administers, their regions and their stores. */
function grantFields(visit: Visit, first?: Grant): { fields: HTMLElement[]; grant: () => Grant } {
  const places = administered(visit.me).flatMap((tenant): { value: string; title: string; group: string; grant: Omit<Grant, 'role'> }[] => {
    const stores = visit.stores.filter((one) => one.tenant === tenant);
    const regions = [...new Set(stores.flatMap((one) => one.region ?? []))].sort();
    const of = (scope: Grant['scope'], name: string | null, title: string) => ({ value: `${scope} ${tenant} ${name ?? ''}`, title, group: tenant, grant: { scope, tenant, name } });
    return [of('chain', null, t('account.chain', { tenant })), ...regions.map((name) => of('region', name, t('account.region', { name }))), ...stores.map((one) => of('store', one.store, t('account.store', { name: one.title })))];
  });
  let role: Grant['role'] = first?.role ?? 'viewer';
  let place = places.find((one) => first && one.value === `${first.scope} ${first.tenant} ${first.name ?? ''}`) ?? places[0];
  const roles = (['viewer', 'manager', 'admin'] as const).map((value) => ({ value, title: t(`role.${value}`) }));
  return {
    fields: [
      select(t('accounts.role'), roles, role, (value) => (role = roles.find((one) => one.value === value)?.value ?? 'viewer')),
      select(t('accounts.where'), places, place?.value ?? '', (value) => (place = places.find((one) => one.value === value))),
    ],
    grant: () => ({ role, ...(place?.grant ?? { scope: 'chain', tenant: '', name: null }) }),
  };
}

function newAccount(visit: Visit, act: Act): HTMLElement {
  const [nameId, emailId, passwordId] = [freshId('name'), freshId('email'), freshId('password')];
  const name = h('input', { id: nameId, required: true, maxlength: 64, pattern: '[a-zA-Z0-9._@+\\-]+', autocomplete: 'off' });
  const email = h('input', { id: emailId, type: 'email', maxlength: 254, autocomplete: 'off' });
  const password = h('input', { id: passwordId, type: 'password', minlength: LEAST_CHARACTERS, autocomplete: 'new-password' });
  const choice = grantFields(visit);
  const form = h(
    'form',
    { class: 'stack narrow' },
    labelled(t('account.name'), nameId, name),
    labelled(t('accounts.email'), emailId, email, t('accounts.email_hint')),
    labelled(t('password.next'), passwordId, password, t('accounts.password_hint', { least: LEAST_CHARACTERS })),
    ...choice.fields,
    h('div', null, h('button', { type: 'submit', class: 'button primary' }, t('accounts.make'))),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const grant = choice.grant();
    if (!confirm(t('accounts.make_sure', { name: name.value, grant: grantWords(grant) }))) return;
    const body = { name: name.value, ...(email.value ? { email: email.value } : {}), ...(password.value ? { password: password.value } : {}), grants: [grant] };
    act(send('POST', API, body).then(() => form.reset()), t('accounts.made_one', { name: name.value }));
  });
  return panel(t('accounts.new'), h('details', { class: 'fold', 'data-keep': 'account-new' }, h('summary', null, t('accounts.make')), form));
}
