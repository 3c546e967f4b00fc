// Who one is here, the language, one's password and tokens, and the way out.

import type { Me } from '../../api';
import { send } from '../../kit/client';
import { h } from '../../kit/dom';
import { t } from '../../kit/i18n';
import { faultText, notice } from '../../kit/state';
import { languageTool } from '../language';
import { administered } from '../may';
import type { View, Visit } from '../visit';
import { passwordPanel } from './account-password';
import { tokensPanel } from './account-tokens';
import { pageHead } from './parts';

export async function account(visit: Visit): Promise<View> {
  const title = t('account.title');
  const grants = visit.me.grants.length ? visit.me.grants.map((one) => h('p', null, grantWords(one))) : [h('p', null, t('account.no_grant'))];
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(title, null),
    h(
      'section',
      { class: 'panel stack' },
      h('dl', { class: 'facts' }, h('dt', null, t('account.name')), h('dd', null, visit.me.account), h('dt', null, t('account.may')), h('dd', null, ...grants)),
      signOut(visit),
    ),
    h('section', { class: 'panel' }, languageTool(visit.restart)),
    administered(visit.me).length
      ? h('section', { class: 'panel' }, h('p', null, h('a', { href: '/accounts' }, t('accounts.title')), ' · ', h('a', { href: '/audit' }, t('audit.title'))))
      : null,
    passwordPanel(visit),
    tokensPanel(visit),
  );
  return { title, content };
}

/** A role and where it holds. */
export function grantWords(one: Me['grants'][number]): string {
  const where = one.scope === 'chain' ? t('account.chain', { tenant: one.tenant }) : t(`account.${one.scope}`, { name: one.name ?? '' });
  return t('account.grant', { role: t(`role.${one.role}`), where });
}

function signOut(visit: Visit): HTMLElement {
  const said = h('div', { role: 'alert' });
  const out = (): void => {
    send('DELETE', '/api/v1/session').then(
      () => {
        history.replaceState(null, '', '/');
        return visit.restart();
      },
      (fault: unknown) => said.replaceChildren(notice('bad', faultText(fault))),
    );
  };
  return h('div', { class: 'stack' }, h('div', null, h('button', { type: 'button', class: 'button', click: out }, t('account.sign_out'))), said);
}
