// What every chart stands in: its heading, a sentence that says what is to be seen, and the same figures as a table.

import { type Child, h } from '../dom';
import { t } from '../i18n';

export interface Described {
  title: string;
  /** What a reader who does not see the drawing should know. Shown to everybody. */
  summary: Child;
  drawing: Node;
  /** The figures of the drawing. */
  table?: Node;
  /** Explains the signs of the drawing. */
  legend?: Child;
  /** Buttons and lists that change it. */
  tools?: Child;
  keep: string;
}

/** A drawing with heading, sentence and table. */
export function described(parts: Described): HTMLElement {
  return h(
    'section',
    { class: 'panel' },
    h('header', { class: 'panel-head' }, h('h2', null, parts.title), parts.tools ? h('div', { class: 'tools' }, parts.tools) : null),
    parts.summary ? h('p', { class: 'summary' }, parts.summary) : null,
    h('figure', { class: 'drawing', 'aria-label': parts.title }, parts.drawing, parts.legend ? h('figcaption', { class: 'legend' }, parts.legend) : null),
    parts.table
      ? h('details', { class: 'as-table', 'data-keep': `table-${parts.keep}` }, h('summary', null, t('chart.as_table')), parts.table)
      : null,
  );
}

/** One sign of a legend: a swatch and its word. */
export function sign(swatch: string, word: string): HTMLElement {
  return h('span', { class: 'sign' }, h('span', { class: `swatch ${swatch}`, 'aria-hidden': 'true' }), word);
}
