// One's own password.

import type { OwnPassword } from '../../api';
import { send } from '../../kit/client';
import { freshId, h } from '../../kit/dom';
import { labelled } from '../../kit/fields';
import { t } from '../../kit/i18n';
import { faultText, notice } from '../../kit/state';
import type { Visit } from '../visit';

/** As head office asks for; it says so itself where it is not kept to. */
const LEAST_CHARACTERS = 12;

/** Folded up: it is needed once in a while. */
export function passwordPanel(visit: Visit): HTMLElement {
  const [presentId, nextId] = [freshId('present'), freshId('next')];
  const present = h('input', { id: presentId, type: 'password', autocomplete: 'current-password', required: true });
  const next = h('input', { id: nextId, type: 'password', autocomplete: 'new-password', minlength: LEAST_CHARACTERS, required: true });
  const said = h('div', { role: 'alert' });
  const form = h(
    'form',
    { class: 'stack narrow' },
    labelled(t('password.present'), presentId, present),
    labelled(t('password.next'), nextId, next, t('password.hint', { least: LEAST_CHARACTERS })),
    said,
    h('div', null, h('button', { type: 'submit', class: 'button' }, t('password.go'))),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const body: OwnPassword = { present: present.value, password: next.value };
    send('PUT', '/api/v1/me/password', body).then(visit.restart, (fault: unknown) => said.replaceChildren(notice('bad', faultText(fault))));
  });
  return h('section', { class: 'panel' }, h('details', { class: 'fold', 'data-keep': 'password' }, h('summary', null, h('h2', null, t('password.title'))), form));
}
