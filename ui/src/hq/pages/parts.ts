// What several pages are made of.

import type { Figures, StoreName } from '../../api';
import { type Child, h } from '../../kit/dom';
import { steps } from '../../kit/fields';
import { dayAfter, t } from '../../kit/i18n';
import { badge, failed, loading } from '../../kit/state';
import type { Column } from '../../kit/table';
import { changeMark, change, coverageCell, type FigureName, figureTitle, sharedCurrency, whyAbsent, writeFigure } from '../words';
import { storeAddress } from '../visit';

/** Title, a line under it, and what can be chosen. */
export function pageHead(title: string, lead: Child, ...tools: Child[]): HTMLElement {
  return h(
    'div',
    { class: 'page-head' },
    h('div', null, h('h1', null, title), lead ? h('p', { class: 'lead' }, lead) : null),
    tools.length > 0 ? h('div', { class: 'tools' }, ...tools) : null,
  );
}

/** To the day before, and to the day after. */
export function stepDays(day: string, to: (day: string) => void): HTMLElement {
  const [before, after] = [dayAfter(day, -1), dayAfter(day, 1)];
  return steps(t('overview.step'), { value: before, title: '‹', spoken: t('overview.day_before') }, { value: after, title: '›', spoken: t('overview.day_after') }, to);
}

/** Marks a store whose data is made up; not drawn where all are, because the banner says so. */
export function simulatedMark(): HTMLElement {
  const mark = badge('warning', t('simulated.badge'), t('simulated.hint'));
  mark.classList.add('simulated-mark');
  return mark;
}

/** A store's name as a link, marked where its data is made up. */
export function storeLink(of: StoreName, under?: string): HTMLElement {
  const mark = of.simulated ? simulatedMark() : null;
  return h('span', { class: 'names' }, h('a', { href: storeAddress(of, under) }, of.title), mark);
}

/** A column of a figure, sorted by it, with the reason where it is absent. */
export function figureColumn<Row>(name: FigureName, figures: (row: Row) => Figures, currency: (row: Row) => StoreName | null): Column<Row> {
  return {
    title: figureTitle(name),
    number: true,
    by: (row) => figures(row)[name],
    cell: (row) => {
      const value = figures(row)[name];
      const words = writeFigure(name, value, currency(row));
      return value === null ? h('span', { title: whyAbsent(figures(row), name) }, words) : words;
    },
  };
}

/** A column of the difference to an earlier time. */
export function changeColumn<Row>(title: string, name: FigureName, now: (row: Row) => Figures, before: (row: Row) => Figures | null): Column<Row> {
  const difference = (row: Row): number | null => change(name, now(row), before(row));
  return { title, number: true, by: difference, cell: (row) => changeMark(name, difference(row)) ?? '–' };
}

/** A column of how much was seen. */
export function coverageColumn<Row>(figures: (row: Row) => Figures): Column<Row> {
  return { title: t('figure.coverage'), number: true, by: (row) => figures(row).coverage, cell: (row) => coverageCell(figures(row)) };
}

/** Something that comes later than the page around it, with its own blank and its own fault. */
export function later(ask: () => Promise<Node>, signal: AbortSignal): HTMLElement {
  const place = h('div', null, loading());
  const run = (): void => {
    ask().then(
      (content) => place.replaceChildren(content),
      (fault: unknown) => {
        if (!signal.aborted) place.replaceChildren(failed(fault, run));
      },
    );
  };
  run();
  return place;
}

/** A part that is drawn anew when something in it is chosen; focus stays where it was. */
export function redrawn<State>(first: State, draw: (state: State, choose: (next: State) => void) => Node): HTMLElement {
  const place = h('div');
  const choose = (next: State): void => {
    const keep = place.contains(document.activeElement) ? document.activeElement?.getAttribute('data-keep') : null;
    place.replaceChildren(draw(next, choose));
    if (keep) place.querySelector<HTMLElement>(`[data-keep="${CSS.escape(keep)}"]`)?.focus({ preventScroll: true });
  };
  choose(first);
  return place;
}

export { sharedCurrency };
