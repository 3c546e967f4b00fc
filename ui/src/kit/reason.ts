// A form for something that is written down with its reason: who does it, says why, and is asked once more in words that say what will happen.

import { type Child, freshId, h } from './dom';
import { labelled } from './fields';
import { t } from './i18n';
import { faultText, notice } from './state';

export interface ReasonForm {
  /** What the button says. */
  go: string;
  /** What will happen, as a question; made when it is asked. */
  sure: () => string;
  /** Does it. */
  run: (why: string) => Promise<unknown>;
  /** What is said when it is done. */
  done?: Child;
  /** Fields before the reason. */
  fields?: Child;
  /** Whether the button stands out. */
  primary?: boolean;
  /** Offered where the reader need not think of one. */
  why?: string;
}

/** As head office asks for. */
const LETTERS = { least: 3, most: 300 };

/** The form. */
export function reasonForm(of: ReasonForm): HTMLElement {
  const id = freshId('why');
  const why = h('input', { id, required: true, minlength: LETTERS.least, maxlength: LETTERS.most, autocomplete: 'off', value: of.why });
  const said = h('div', { role: 'status' });
  const button = h('button', { type: 'submit', class: of.primary ? 'button primary' : 'button' }, of.go);
  const form = h('form', { class: 'stack' }, of.fields, h('div', { class: 'form-row reason' }, labelled(t('reason.why'), id, why), button), said);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!confirm(of.sure())) return;
    button.disabled = true;
    of.run(why.value.trim())
      .then(
        () => said.replaceChildren(of.done ? notice('good', of.done) : ''),
        (fault: unknown) => said.replaceChildren(notice('bad', faultText(fault))),
      )
      .finally(() => (button.disabled = false));
  });
  return form;
}
