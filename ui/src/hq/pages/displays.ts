// Does a display stop people, and did a change help? A question, its answer in a sentence, and how sure it is.

import type { Display, Displays } from '../../api';
import { get } from '../../kit/client';
import { h } from '../../kit/dom';
import { dayField, labelledSegments, segments, select, ticks } from '../../kit/fields';
import { datedDay, t } from '../../kit/i18n';
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
  const kind = KINDS.find((one) => one === visit.query.get('kind')) ?? likelyKind(visit, all);
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
    const { displays: tested, controls, changed } = groupsAsked(visit, all);
    return tested && controls && changed ? { kind, displays: tested, controls, changed, days } : null;
  }
  const display = chosen(visit, all);
  if (kind === 'before_after') return display ? { kind, display: display.id, days } : null;
  const other = chosenOther(visit, all, display);
  if (!display || !other) return null;
  return { kind, display: display.id, other: other.id, from: dayIn(visit.query, 'from'), to: dayIn(visit.query, 'to') };
}

/** Where several stores got something new while others did not, that is the safest answer; else what was before is all there is. */
function likelyKind(visit: Visit, all: readonly Display[]): Kind {
  if (visit.query.has('display')) return 'before_after';
  const { displays: tested, controls } = proposal(all);
  return tested.includes(',') && controls.includes(',') ? 'test_control' : 'before_after';
}

/** Both groups and the day: as the address has them, else the newest change. */
function groupsAsked(visit: Visit, all: readonly Display[]): Groups {
  const isAsked = ['displays', 'controls', 'changed'].some((name) => visit.query.has(name));
  if (!isAsked) return proposal(all);
  return { displays: ids(visit, 'displays').join(','), controls: ids(visit, 'controls').join(','), changed: dayIn(visit.query, 'changed') ?? '' };
}

function chosen(visit: Visit, all: readonly Display[]): Display | undefined {
  const newest = [...all].sort((a, b) => b.from.localeCompare(a.from))[0];
  return all.find((one) => String(one.id) === visit.query.get('display')) ?? newest;
}

/** The other display: as asked, else one that stands elsewhere at the same time and is not the same, so that there are days to compare. */
function chosenOther(visit: Visit, all: readonly Display[], display: Display | undefined): Display | undefined {
  const asked = all.find((one) => String(one.id) === visit.query.get('other'));
  if (asked || !display) return asked;
  const others = all.filter((one) => one.id !== display.id);
  const together = others.filter((one) => (one.to === null || one.to > display.from) && (display.to === null || display.to > one.from));
  return together.find((one) => one.name !== display.name) ?? together[0] ?? others[0];
}

const chosenSpan = (visit: Visit): string => SPANS.find((one) => one === visit.query.get('days')) ?? '21';
const ids = (visit: Visit, name: string): string[] => (visit.query.get(name) ?? '').split(',').filter((one) => /^\d+$/.test(one));

function fields(visit: Visit, all: readonly Display[], kind: Kind): HTMLElement {
  const choices = all.map((one) => ({
    value: String(one.id),
    title: t('displays.choice', { title: one.title, from: datedDay(one.from) }),
    group: titleOf(visit.stores, one),
  }));
  const span = labelledSegments(t('displays.span'), SPANS.map((days) => ({ value: days, title: t('period.days', { days: Number(days) }) })), chosenSpan(visit), (days) => visit.ask({ days }));
  const display = String(chosen(visit, all)?.id ?? '');
  const one = select(t('displays.display'), choices, display, (to) => visit.ask({ display: to }));
  if (kind === 'before_after') return h('div', { class: 'form-row' }, one, span);
  if (kind === 'against') {
    const other = String(chosenOther(visit, all, chosen(visit, all))?.id ?? '');
    return h('div', { class: 'form-row' }, one, select(t('displays.other'), choices, other, (to) => visit.ask({ other: to })));
  }
  return h('div', { class: 'stack' }, changedAndSpan(visit, all, span), h('details', { 'data-keep': 'groups' }, h('summary', null, t('displays.groups')), h('div', { class: 'halves' }, ...groups(visit, all))));
}

function changedAndSpan(visit: Visit, all: readonly Display[], span: HTMLElement): HTMLElement {
  const now = groupsAsked(visit, all);
  const newest = proposal(all);
  const field = dayField(t('displays.changed'), now.changed, (changed) => visit.ask({ ...now, changed }));
  const propose = h('button', { type: 'button', class: 'button', click: () => visit.ask({ ...newest }) }, t('displays.propose', { day: datedDay(newest.changed) }));
  return h('div', { class: 'form-row' }, field, span, propose);
}

interface Groups {
  displays: string;
  controls: string;
  changed: string;
}

/** Who got something new on the day of the newest change, against who kept what stood in the same zone all the time. */
function proposal(all: readonly Display[]): Groups {
  const day = all.reduce((newest, one) => (one.from > newest ? one.from : newest), '');
  const tested = all.filter((one) => one.from === day);
  const zones = new Set(tested.map((one) => one.zone));
  const stores = new Set(tested.map((one) => `${one.tenant}/${one.store}`));
  const controls = all.filter((one) => zones.has(one.zone) && one.from < day && (one.to === null || one.to > day) && !stores.has(`${one.tenant}/${one.store}`));
  return { displays: tested.map((one) => one.id).join(','), controls: controls.map((one) => one.id).join(','), changed: day };
}

function groups(visit: Visit, all: readonly Display[]): HTMLElement[] {
  const choices = all.map((one) => ({ value: String(one.id), title: `${titleOf(visit.stores, one)}: ${one.title}` }));
  const now = groupsAsked(visit, all);
  return (['displays', 'controls'] as const).map((name) =>
    ticks(t(`displays.group.${name}`), choices, new Set(now[name].split(',')), (next) => visit.ask({ ...now, [name]: [...next].filter(Boolean).join(',') })),
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
        { title: t('table.from'), by: (row) => row.from, cell: (row) => datedDay(row.from) },
        { title: t('table.to'), by: (row) => row.to, cell: (row) => (row.to ? datedDay(row.to) : t('displays.stands')) },
      ],
    }),
  );
}
