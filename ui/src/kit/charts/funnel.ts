// From passers-by to buyers: a bar a step, and what it is a share of.

import { h, s } from '../dom';
import { integer, t } from '../i18n';

export interface FunnelStep {
  title: string;
  people: number | null;
  /** What the number means beside the others, or why there is none. */
  note: string;
}

/** The steps as a list. */
export function funnel(steps: readonly FunnelStep[]): HTMLElement {
  const most = Math.max(1, ...steps.map((one) => one.people ?? 0));
  return h('ol', { class: 'funnel' }, ...steps.map((one) => item(one, most)));
}

function item(step: FunnelStep, most: number): HTMLElement {
  const known = step.people !== null;
  const bar = s(
    'svg',
    { class: 'funnel-bar', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' },
    s('rect', { class: 'track', width: 100, height: 10 }),
    known && s('rect', { class: 'bar', width: Math.max(0.5, (100 * (step.people ?? 0)) / most), height: 10 }),
  );
  return h(
    'li',
    { class: known ? null : 'absent' },
    h('span', { class: 'funnel-step' }, step.title),
    h('span', { class: 'funnel-people' }, known ? integer(step.people ?? 0) : t('chart.unknown')),
    bar,
    h('span', { class: 'funnel-share' }, step.note),
  );
}
