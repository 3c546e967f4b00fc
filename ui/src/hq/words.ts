// Figures in words: how each is written, how it compares, and why it is not there.

import type { Absent, Figures } from '../api';
import { type Child, h } from '../kit/dom';
import { type Currency, decimal, integer, type Key, money, percent, signedPercent, t, UNKNOWN } from '../kit/i18n';
import { notice } from '../kit/state';

export type FigureName =
  | 'visitors'
  | 'entries'
  | 'passersby'
  | 'transactions'
  | 'sales_minor'
  | 'conversion'
  | 'capture_rate'
  | 'sales_per_visitor_minor'
  | 'average_transaction_minor'
  | 'units_per_transaction'
  | 'shoppers_per_associate_hour';

/** How a figure is counted: what it is written as and how two of it are compared. */
type Kind = 'count' | 'share' | 'money' | 'ratio';

const KIND: Record<FigureName, Kind> = {
  visitors: 'count',
  entries: 'count',
  passersby: 'count',
  transactions: 'count',
  sales_minor: 'money',
  conversion: 'share',
  capture_rate: 'share',
  sales_per_visitor_minor: 'money',
  average_transaction_minor: 'money',
  units_per_transaction: 'ratio',
  shoppers_per_associate_hour: 'ratio',
};

/** More shoppers for each of the staff is neither good nor bad in itself, nor are people outside. */
const NEUTRAL: readonly FigureName[] = ['shoppers_per_associate_hour', 'passersby'];

export const figureTitle = (name: FigureName): string => t(`figure.${name}`);

/** A figure as it is written; `UNKNOWN` where there is none, or where its currency is not one. */
export function writeFigure(name: FigureName, value: number | null, currency: Currency | null): string {
  if (value === null) return UNKNOWN;
  switch (KIND[name]) {
    case 'count':
      return integer(value);
    case 'share':
      return percent(value);
    case 'ratio':
      return decimal(value, 2);
    case 'money':
      return currency ? money(value, currency, { fraction: name === 'sales_minor' ? 'small' : 'always' }) : UNKNOWN;
  }
}

/** The currency of all stores, where they have one together. */
export function sharedCurrency(stores: readonly Currency[]): Currency | null {
  const [first] = stores;
  return first && stores.every((one) => one.currency === first.currency && one.decimals === first.decimals) ? first : null;
}

const WHY: Record<Absent, Key> = {
  coverage: 'why.coverage',
  no_visitors: 'why.no_visitors',
  no_till: 'why.no_till',
  no_transactions: 'why.no_transactions',
  no_units: 'why.no_units',
  no_passersby: 'why.no_passersby',
  no_staffing: 'why.no_staffing',
};

/** Why a figure is not there, in a few words; `null` where head office does not say. */
export function whyAbsent(figures: Figures, name: string): string | null {
  const stem = name.replace(/_minor$/, '');
  // Sums of the till have no reason of their own: where it said nothing, the figures made of them say so.
  const isSum = name === 'transactions' || name === 'sales_minor';
  const said = figures.absent.find((one) => one.figure === name || one.figure === stem || (isSum && one.why === 'no_till'));
  const key = said && WHY[said.why];
  return key ? t(key, { share: percent(figures.coverage, 0) }) : null;
}

/** What the till alone knows; how much the cameras saw does not matter to it. */
const OF_TILL: readonly FigureName[] = ['transactions', 'sales_minor', 'average_transaction_minor', 'units_per_transaction'];

/** A difference to an earlier time: `null` where one of the two is not known or not complete. */
export function change(name: FigureName, now: Figures, before: Figures | null): number | null {
  if (!before || (!OF_TILL.includes(name) && !(now.complete && before.complete))) return null;
  const [a, b] = [now[name], before[name]];
  if (a === null || b === null) return null;
  if (KIND[name] === 'share') return a - b;
  return b === 0 ? null : a / b - 1;
}

/** The difference as a sign, a number and a word, never as a colour alone. */
export function changeMark(name: FigureName, difference: number | null): HTMLElement | null {
  if (difference === null) return null;
  const share = KIND[name] === 'share';
  // What rounds to nothing is neither up nor down.
  const still = Math.abs(difference) < (share ? 0.0005 : 0.005);
  const direction = still ? 'same' : difference > 0 ? 'up' : 'down';
  const tone = NEUTRAL.includes(name) ? 'same' : direction;
  const size = still ? 0 : difference;
  const text = share ? t('change.points', { points: signed(size * 100) }) : signedPercent(size);
  const arrow = { up: '▲', down: '▼', same: '=' }[direction];
  return h('span', { class: `change ${tone}` }, h('span', { 'aria-hidden': 'true' }, `${arrow} `), h('span', { class: 'unseen' }, `${t(`change.${direction}`)} `), text);
}

const signed = (value: number): string => (value > 0 ? '+' : '') + decimal(value);

export interface FigureTile {
  name: FigureName;
  figures: Figures;
  currency: Currency | null;
  /** Named earlier times to compare with. */
  against?: readonly { title: string; figures: Figures | null }[];
}

/** A figure with its name, what it compares to, or why it is not there. */
export function figureTile({ name, figures, currency, against = [] }: FigureTile): HTMLElement {
  const value = figures[name];
  const mixed = value !== null && KIND[name] === 'money' && !currency;
  const none = value === null || mixed;
  const why = mixed ? t('why.currencies') : (whyAbsent(figures, name) ?? t('why.unknown'));
  return h(
    'div',
    { class: 'figure' },
    h('dt', null, figureTitle(name)),
    h('dd', { class: none ? 'value none' : 'value' }, writeFigure(name, value, currency)),
    none ? h('dd', { class: 'why' }, why) : against.map((one) => h('dd', { class: 'against' }, againstWords(name, figures, one))),
  );
}

function againstWords(name: FigureName, now: Figures, before: { title: string; figures: Figures | null }): Child {
  const mark = changeMark(name, change(name, now, before.figures));
  if (mark) return [mark, ' ', t('change.against', { time: before.title })];
  const isIncomplete = before.figures !== null && !(now.complete && before.figures.complete);
  const why = isIncomplete ? 'change.incomplete' : 'change.nothing';
  return t(why, { time: before.title });
}

/** Tiles of several figures. */
export function figureTiles(names: readonly FigureName[], rest: Omit<FigureTile, 'name'>): HTMLElement {
  return h('dl', { class: names.length === 6 ? 'figures six' : 'figures' }, ...names.map((name) => figureTile({ name, ...rest })));
}

/** Says that figures are incomplete, why, and what to do; nothing where they are complete. */
export function trustNotice(figures: Figures, what: string, ...more: Child[]): HTMLElement | null {
  if (figures.complete) return null;
  const share = percent(figures.coverage, 0);
  return notice(
    'warning',
    h('p', null, h('strong', null, t('trust.title', { what, share }))),
    h('p', null, t('trust.hint'), ' ', h('a', { href: '/fleet' }, t('trust.fleet'))),
    ...more,
  );
}

/** The share seen, for a cell of a table. */
export function coverageCell(figures: Figures): Child {
  return figures.complete
    ? percent(figures.coverage, 0)
    : h('span', { class: 'badge badge-warning' }, t('trust.badge', { share: percent(figures.coverage, 0) }));
}
