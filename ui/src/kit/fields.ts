// Form parts with their labels tied to them.

import { type Child, freshId, h } from './dom';

export interface Choice {
  value: string;
  title: string;
  /** What is read aloud instead, where the title is a sign. */
  spoken?: string;
  /** Heading under which it stands in the list. */
  group?: string;
}

/** A list to choose one from. */
export function select(label: string, choices: readonly Choice[], value: string, change: (value: string) => void): HTMLElement {
  const id = freshId('field');
  const options = (of: readonly Choice[]): HTMLElement[] =>
    of.map((one) => h('option', { value: one.value, selected: one.value === value }, one.title));
  const groups = new Map<string | undefined, Choice[]>();
  for (const one of choices) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  const list = h(
    'select',
    { id, 'data-keep': label },
    ...[...groups].map(([group, of]) => (group === undefined ? options(of) : h('optgroup', { label: group }, ...options(of)))),
  );
  list.addEventListener('change', () => change(list.value));
  return labelled(label, id, list);
}

/** A day of the calendar. */
export function dayField(label: string, value: string, change: (day: string) => void): HTMLElement {
  const id = freshId('field');
  const input = h('input', { id, type: 'date', value, required: true, 'data-keep': label });
  input.addEventListener('change', () => input.value && change(input.value));
  return labelled(label, id, input);
}

/** A label over its field. */
export function labelled(label: string, id: string, field: Child, hint?: string): HTMLElement {
  return h('div', { class: 'field' }, h('label', { for: id }, label), field, hint ? h('p', { class: 'hint' }, hint) : null);
}

/** A few choices of which one holds, as buttons. */
export function segments(label: string, choices: readonly Choice[], value: string, change: (value: string) => void): HTMLElement {
  const buttons = choices.map((one) =>
    h(
      'button',
      { type: 'button', 'aria-pressed': String(one.value === value), 'aria-label': one.spoken, title: one.spoken, 'data-keep': `${label}:${one.value}`, click: () => change(one.value) },
      one.title,
    ),
  );
  return h('div', { class: 'segments', role: 'group', 'aria-label': label }, ...buttons);
}

/** The same under a label that is seen. */
export function labelledSegments(label: string, choices: readonly Choice[], value: string, change: (value: string) => void): HTMLElement {
  return h('div', { class: 'field' }, h('span', { class: 'field-label', 'aria-hidden': 'true' }, label), segments(label, choices, value, change));
}

/** Buttons to the one before and the one after. */
export function steps(label: string, before: Choice, after: Choice, change: (value: string) => void): HTMLElement {
  const shape = { type: 'button' } as const;
  const button = (one: Choice): HTMLElement =>
    h('button', { ...shape, 'aria-label': one.spoken, title: one.spoken, 'data-keep': `${label}:${one.spoken}`, click: () => change(one.value) }, one.title);
  return h('div', { class: 'segments', role: 'group', 'aria-label': label }, button(before), button(after));
}

/** Many of a list, each with a box to tick. */
export function ticks(label: string, choices: readonly Choice[], chosen: ReadonlySet<string>, change: (chosen: Set<string>) => void): HTMLElement {
  const boxes = choices.map((one) => {
    const id = freshId('tick');
    const box = h('input', { id, type: 'checkbox', checked: chosen.has(one.value), 'data-keep': `${label}:${one.value}` });
    box.addEventListener('change', () => {
      const next = new Set(chosen);
      if (box.checked) next.add(one.value);
      else next.delete(one.value);
      change(next);
    });
    return h('li', null, box, h('label', { for: id }, one.title));
  });
  return h('fieldset', { class: 'ticks' }, h('legend', null, label), h('ul', null, ...boxes));
}
