// Signing in, with a password or elsewhere, whatever head office offers.

import type { LoginWays } from '../api';
import { Failure, get, send } from '../kit/client';
import { freshId, h } from '../kit/dom';
import { labelled } from '../kit/fields';
import { t } from '../kit/i18n';
import { failed, faultText, notice } from '../kit/state';
import { languageTool } from './language';

/** Puts the form up in the place of everything; `done` goes on when somebody is signed in. */
export async function signIn(done: () => Promise<void>): Promise<void> {
  const place = h('main', { class: 'sign-in', id: 'main' });
  document.title = `${t('sign_in.title')} · footfall`;
  document.body.replaceChildren(place);
  try {
    const ways = await get<LoginWays>('/api/v1/login');
    place.replaceChildren(...form(ways, done));
    place.querySelector('input')?.focus();
  } catch (fault) {
    place.replaceChildren(failed(fault, () => void signIn(done)));
  }
}

function form(ways: LoginWays, done: () => Promise<void>): Node[] {
  const elsewhere = ways.oidc && h('a', { class: ways.password ? 'button' : 'button primary', href: ways.oidc.href, 'data-outside': true }, t('sign_in.with', { title: ways.oidc.title }));
  return [
    h(
      'div',
      { class: 'panel stack' },
      h('span', { class: 'brand' }, h('img', { src: '/favicon.svg', alt: '' }), 'footfall'),
      h('h1', null, t('sign_in.title')),
      ways.password ? passwordForm(done) : null,
      ways.password && elsewhere ? h('p', { class: 'or' }, t('sign_in.or')) : null,
      elsewhere,
      !ways.password && !elsewhere ? notice('warning', t('sign_in.no_way')) : null,
    ),
    h('div', { class: 'sign-in-foot' }, languageTool(() => signIn(done))),
  ];
}

function passwordForm(done: () => Promise<void>): HTMLElement {
  const [nameId, passwordId] = [freshId('name'), freshId('password')];
  const name = h('input', { id: nameId, name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true });
  const password = h('input', { id: passwordId, name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const said = h('div', { role: 'alert' });
  const button = h('button', { type: 'submit', class: 'button primary' }, t('sign_in.go'));
  const form = h('form', null, labelled(t('sign_in.name'), nameId, name), labelled(t('sign_in.password'), passwordId, password), said, button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    said.replaceChildren();
    void send('POST', '/api/v1/session', { name: name.value, password: password.value })
      .then(done)
      .catch((fault: unknown) => {
        button.disabled = false;
        const wrong = fault instanceof Failure && fault.trouble === 'signed_out';
        said.replaceChildren(notice('bad', wrong ? t('sign_in.wrong') : faultText(fault)));
        password.select();
        password.focus();
      });
  });
  return form;
}
