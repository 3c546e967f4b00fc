// From which day to which day a page looks, chosen in the address so that a link shows the same.

import { dayField, segments } from '../kit/fields';
import { h } from '../kit/dom';
import { dayAfter, dayRange, t } from '../kit/i18n';
import type { Visit } from './visit';

const SPANS = [7, 28, 91] as const;

/** What the address asks for; empty is what head office chooses, the last 28 business days. */
export function askedPeriod(visit: Visit): { from: string | null; to: string | null } {
  return { from: dayIn(visit.query, 'from'), to: dayIn(visit.query, 'to') };
}

/** A day out of an address; what is none is not passed on. */
export function dayIn(query: URLSearchParams, name: string): string | null {
  const day = query.get(name);
  return day !== null && /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)) ? day : null;
}

/** The choice of a period. */
export function periodTool(visit: Visit, shown: { from: string; to: string }): HTMLElement {
  const span = SPANS.find((days) => dayAfter(shown.to, 1 - days) === shown.from);
  const choices = SPANS.map((days) => ({ value: String(days), title: t('period.days', { days }) }));
  const own = { value: 'own', title: t('period.own') };
  const chooseSpan = (value: string): void => {
    if (value === 'own') visit.ask({ from: shown.from, to: shown.to, own: '1' });
    else visit.ask({ from: dayAfter(shown.to, 1 - Number(value)), to: shown.to, own: null });
  };
  const isOwn = visit.query.has('own') || span === undefined;
  return h(
    'div',
    { class: 'tools' },
    segments(t('period.title'), [...choices, own], isOwn ? 'own' : String(span), chooseSpan),
    isOwn && dayField(t('period.from'), shown.from, (from) => visit.ask(from <= shown.to ? { from, to: shown.to } : { from, to: from })),
    isOwn && dayField(t('period.to'), shown.to, (to) => visit.ask(to >= shown.from ? { from: shown.from, to } : { from: to, to })),
  );
}

/** The period in words. */
export const periodWords = (shown: { from: string; to: string }): string => dayRange(shown.from, shown.to);
