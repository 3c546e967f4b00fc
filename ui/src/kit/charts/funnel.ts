// From passers-by to buyers: a bar a step, and what share of the step before went on.

import { h, s } from '../dom';
import { integer, percent, t } from '../i18n';

export interface FunnelStep {
  title: string;
  people: number | null;
  /** Why there is no number. */
  why?: string;
  /** A step that people need not go through, such as a queue: the one after it is compared with the one before it. */
  aside?: boolean;
}

/** The steps as a list. */
export function funnel(steps: readonly FunnelStep[]): HTMLElement {
  const most = Math.max(1, ...steps.map((one) => one.people ?? 0));
  let before: number | null = null;
  const items = steps.map((one) => {
    const share = one.people !== null && before ? one.people / before : null;
    if (!one.aside) before = one.people ?? before;
    return item(one, share, most);
  });
  return h('ol', { class: 'funnel' }, ...items);
}

function item(step: FunnelStep, share: number | null, most: number): HTMLElement {
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
    h('span', { class: 'funnel-share' }, known ? (share === null ? '' : t('chart.of_before', { share: percent(share, 0) })) : (step.why ?? '')),
  );
}
