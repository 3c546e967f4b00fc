// Does a display stop people, and did a change help? A question, its answer in a sentence, and how sure it is.

import type { Display, Displays } from '../../api';
import { get } from '../../kit/client';
import { h } from '../../kit/dom';
import { dayField, segments, select, ticks } from '../../kit/fields';
import { dayAfter, shortDay, t } from '../../kit/i18n';
import { empty } from '../../kit/state';
import { table } from '../../kit/table';
import { dayIn } from '../period';
import { titleOf, type View, type Visit } from '../visit';
import { answer, type Question } from './display-answer';
import { later, pageHead } from './parts';

const KINDS = ['before_after', 'against', 'test_control'] as const;
type Kind = (typeof KINDS)[number];
const SPANS = ['14', '21', '28', '42'] as const;

export async function displays(visit: Visit): Promise<View> {
  const title = t('area.displays');
  const { displays: all } = await get<Displays>('/api/v1/displays', {}, visit.signal);
  if (all.length === 0) {
    return { title, content: h('div', { class: 'stack' }, pageHead(title, null), empty(t('displays.none'), t('displays.none_hint'))) };
  }
  const kind = KINDS.find((one) => one === visit.query.get('kind')) ?? 'before_after';
  const kinds = KINDS.map((value) => ({ value, title: t(`displays.kind.${value}`) }));
  const question = asked(visit, all, kind);
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(title, t('displays.lead')),
    h(
      'section',
      { class: 'panel stack' },
      segments(t('displays.question'), kinds, kind, (to) => visit.ask({ kind: to, display: null, other: null, displays: null, controls: null, changed: null })),
      h('p', { class: 'basis' }, t(`displays.hint.${kind}`)),
      fields(visit, all, kind),
    ),
    question ? later(() => answer(visit, question, all), visit.signal) : empty(t('displays.choose'), t('displays.choose_hint')),
    list(visit, all),
  );
  return { title, content };
}

/** What the address asks; where it says nothing, what is most likely wanted: the newest change. */
function asked(visit: Visit, all: readonly Display[], kind: Kind): Question | null {
  const days = chosenSpan(visit);
  if (kind === 'test_control') {
    const [tested, controls] = [ids(visit, 'displays'), ids(visit, 'controls')];
    const changed = dayIn(visit.query, 'changed');
    if (tested.length === 0 || controls.length === 0 || !changed) return null;
    return { kind, displays: tested.join(','), controls: controls.join(','), changed, days };
  }
  const display = chosen(visit, all);
  if (kind === 'before_after') return display ? { kind, display: display.id, days } : null;
  const other = all.find((one) => String(one.id) === visit.query.get('other')) ?? all.find((one) => one.id !== display?.id);
  if (!display || !other) return null;
  return { kind, display: display.id, other: other.id, from: dayIn(visit.query, 'from'), to: dayIn(visit.query, 'to') };
}

function chosen(visit: Visit, all: readonly Display[]): Display | undefined {
  const newest = [...all].sort((a, b) => b.from.localeCompare(a.from))[0];
  return all.find((one) => String(one.id) === visit.query.get('display')) ?? newest;
}

const chosenSpan = (visit: Visit): string => SPANS.find((one) => one === visit.query.get('days')) ?? '21';
const ids = (visit: Visit, name: string): string[] => (visit.query.get(name) ?? '').split(',').filter((one) => /^\d+$/.test(one));

function fields(visit: Visit, all: readonly Display[], kind: Kind): HTMLElement {
  const choices = all.map((one) => ({
    value: String(one.id),
    title: t('displays.choice', { title: one.title, from: shortDay(one.from) }),
    group: titleOf(visit.stores, one),
  }));
  const span = segments(t('displays.span'), SPANS.map((days) => ({ value: days, title: t('period.days', { days: Number(days) }) })), chosenSpan(visit), (days) => visit.ask({ days }));
  const display = String(chosen(visit, all)?.id ?? '');
  const one = select(t('displays.display'), choices, display, (to) => visit.ask({ display: to }));
  if (kind === 'before_after') return h('div', { class: 'form-row' }, one, span);
  if (kind === 'against') {
    const other = visit.query.get('other') ?? choices.find((choice) => choice.value !== display)?.value ?? '';
    return h('div', { class: 'form-row' }, one, select(t('displays.other'), choices, other, (to) => visit.ask({ other: to })));
  }
  return h('div', { class: 'stack' }, changedAndSpan(visit, all, span), h('div', { class: 'halves' }, ...groups(visit, all)));
}

function changedAndSpan(visit: Visit, all: readonly Display[], span: HTMLElement): HTMLElement {
  const changed = dayIn(visit.query, 'changed') ?? '';
  const newest = [...new Set(all.map((one) => one.from))].sort().at(-1) ?? dayAfter('2026-01-01', 0);
  const field = dayField(t('displays.changed'), changed, (to) => visit.ask({ changed: to }));
  const propose = h('button', { type: 'button', class: 'button', click: () => visit.ask(proposal(all, newest)) }, t('displays.propose', { day: shortDay(newest) }));
  return h('div', { class: 'form-row' }, field, span, propose);
}

/** Who got something new on that day, against who kept the same display all the time. */
function proposal(all: readonly Display[], day: string): Record<string, string> {
  const tested = all.filter((one) => one.from === day);
  const names = new Set(tested.map((one) => one.name));
  const stores = new Set(tested.map((one) => `${one.tenant}/${one.store}`));
  const controls = all.filter((one) => names.has(one.name) && one.from < day && (one.to === null || one.to > day) && !stores.has(`${one.tenant}/${one.store}`));
  return { displays: tested.map((one) => one.id).join(','), controls: controls.map((one) => one.id).join(','), changed: day };
}

function groups(visit: Visit, all: readonly Display[]): HTMLElement[] {
  const choices = all.map((one) => ({ value: String(one.id), title: `${titleOf(visit.stores, one)}: ${one.title}` }));
  return (['displays', 'controls'] as const).map((name) =>
    ticks(t(`displays.group.${name}`), choices, new Set(ids(visit, name)), (next) => visit.ask({ [name]: [...next].join(',') || null })),
  );
}

function list(visit: Visit, all: readonly Display[]): HTMLElement {
  return h(
    'section',
    { class: 'panel' },
    h('header', { class: 'panel-head' }, h('h2', null, t('displays.list'))),
    table({
      caption: t('displays.list'),
      caption_unseen: true,
      rows: all,
      csv: '/api/v1/displays.csv',
      columns: [
        { title: t('displays.display'), heads: true, by: (row) => row.title, cell: (row) => h('a', { href: `/displays?display=${row.id}` }, row.title) },
        { title: t('table.store'), by: (row) => titleOf(visit.stores, row), cell: (row) => titleOf(visit.stores, row) },
        { title: t('table.zone'), by: (row) => row.zone, cell: (row) => row.zone },
        { title: t('displays.category'), by: (row) => row.category, cell: (row) => row.category ?? row.items.join(', ') },
        { title: t('table.from'), by: (row) => row.from, cell: (row) => shortDay(row.from) },
        { title: t('table.to'), by: (row) => row.to, cell: (row) => (row.to ? shortDay(row.to) : t('displays.stands')) },
      ],
    }),
  );
}
