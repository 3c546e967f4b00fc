// What a page shows when it has nothing to show yet, nothing at all, or no leave to.

import { Failure, type Trouble } from './client';
import { type Child, h } from './dom';
import { known, t } from './i18n';

type Picture = 'wait' | 'empty' | 'offline' | 'locked' | 'fault';

const PICTURE: Record<Trouble, Picture> = {
  offline: 'offline',
  signed_out: 'locked',
  forbidden: 'locked',
  not_found: 'locked',
  too_many: 'wait',
  refused: 'fault',
  broken: 'fault',
};

/** A blank in the shape of what comes: bars where figures will stand. */
export function loading(): HTMLElement {
  const bars = ['tall', 'wide', 'short', 'tall', 'wide'].map((shape) => h('span', { class: `blank ${shape}` }));
  return h('div', { class: 'blanks', role: 'status' }, h('span', { class: 'unseen' }, t('state.loading')), ...bars);
}

/** There is nothing, and why, and what to do. */
export function empty(title: string, hint: string, ...actions: Child[]): HTMLElement {
  return panel('empty', title, hint, actions);
}

/** Something went wrong: in words, with a way to try again where that may help. */
export function failed(fault: unknown, retry: (() => void) | null): HTMLElement {
  const trouble = fault instanceof Failure ? fault.trouble : 'broken';
  const mayHelp = trouble === 'offline' || trouble === 'broken' || trouble === 'too_many';
  const again = retry && mayHelp ? h('button', { type: 'button', class: 'button', click: retry }, t('state.retry')) : null;
  const box = panel(PICTURE[trouble], t(`trouble.${trouble}.title`), faultText(fault), [again]);
  box.setAttribute('role', 'alert');
  return box;
}

/** What head office says in the reader's language where the catalogue has it, else what the kind of trouble means. */
export function faultText(fault: unknown): string {
  if (!(fault instanceof Failure)) return t('trouble.broken.hint');
  const key = `fault.${fault.key}`;
  if (fault.key !== null && known(key)) return t(key);
  return fault.trouble === 'refused' ? fault.message : t(`trouble.${fault.trouble}.hint`);
}

function panel(picture: Picture, title: string, hint: string, actions: readonly Child[]): HTMLElement {
  return h(
    'div',
    { class: `state state-${picture}` },
    h('span', { class: 'state-picture', 'aria-hidden': 'true' }),
    h('p', { class: 'state-title' }, title),
    h('p', { class: 'state-hint' }, hint),
    actions.length > 0 && h('div', { class: 'actions' }, ...actions),
  );
}

export type Tone = 'note' | 'warning' | 'bad' | 'good';

/** A sentence that has to be seen; its tone is in a word for those who do not see its colour. */
export function notice(tone: Tone, ...content: Child[]): HTMLElement {
  return h('div', { class: `notice notice-${tone}` }, h('span', { class: 'notice-mark', 'aria-hidden': 'true' }), h('div', null, ...content));
}

/** A word with a colour behind it. */
export function badge(tone: Tone | 'plain', word: string, hint?: string): HTMLElement {
  return h('span', { class: `badge badge-${tone}`, title: hint }, word);
}
