// Tables: sorted by a click on a heading, scrolled sideways on a phone, with a link to the same rows as CSV.

import { type Child, h } from './dom';
import { t } from './i18n';

export interface Column<Row> {
  title: string;
  /** What stands in the cell. */
  cell: (row: Row) => Child;
  /** Numbers stand to the right. */
  number?: boolean;
  /** Sentences want more room than names. */
  words?: boolean;
  /** What rows are sorted by; a column without it is not sorted by. */
  by?: (row: Row) => number | string | null;
  /** The cell that names its row. */
  heads?: boolean;
}

export interface TableOptions<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** Address of the same table as CSV. */
  csv?: string;
  /** Whether the caption is for screen readers only, because a heading says the same. */
  caption_unseen?: boolean;
  /** What stands there when there is no row. */
  none?: string;
}

/** A table with everything around it. */
export function table<Row>(options: TableOptions<Row>): HTMLElement {
  const body = h('tbody');
  fillRows(body, options, options.rows);
  const head = h('tr', null, ...options.columns.map((column) => heading(column, options, body)));
  const grid = h(
    'table',
    null,
    h('caption', options.caption_unseen ? { class: 'unseen' } : null, options.caption),
    h('thead', null, head),
    body,
  );
  return h(
    'div',
    { class: 'table' },
    // What can be scrolled must be reachable by keyboard.
    h('div', { class: 'table-scroll', tabindex: 0, role: 'region', 'aria-label': options.caption }, grid),
    h('p', { class: 'csv' }, options.csv ? csvLink(options.csv) : ownCsv(options)),
  );
}

/** A link to the rows as CSV at head office. */
function csvLink(csv: string): HTMLElement {
  return h('a', { href: csv, download: '', 'data-outside': true }, t('table.csv'));
}

/** For a table that is only a part of an answer: its rows as CSV, made here, with values as they are rather than as they are written. */
function ownCsv<Row>(options: TableOptions<Row>): HTMLElement {
  const link = h('a', { href: '#', download: `${options.caption}.csv`, 'data-outside': true }, t('table.csv'));
  link.addEventListener('click', () => {
    const lines = [options.columns.map((one) => one.title), ...options.rows.map((row) => options.columns.map((one) => bare(one, row)))];
    // The mark at the beginning tells spreadsheets that this is UTF-8.
    const text = `\ufeff${lines.map((line) => line.map(quoted).join(',')).join('\r\n')}\r\n`;
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
  return link;
}

function bare<Row>(column: Column<Row>, row: Row): string | number {
  const value = column.by?.(row);
  return value === undefined ? (h('td', null, column.cell(row)).textContent ?? '') : (value ?? '');
}

function quoted(value: string | number): string {
  // A text that begins like a formula would be one in a spreadsheet.
  const text = typeof value === 'string' && /^[=+\-@\t]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function fillRows<Row>(body: HTMLElement, options: TableOptions<Row>, rows: readonly Row[]): void {
  if (rows.length === 0) {
    body.replaceChildren(h('tr', null, h('td', { colspan: options.columns.length, class: 'none' }, options.none ?? t('table.none'))));
    return;
  }
  body.replaceChildren(...rows.map((row) => h('tr', null, ...options.columns.map((column) => cell(column, row)))));
}

function cell<Row>(column: Column<Row>, row: Row): HTMLElement {
  const shape = { class: column.number ? 'number' : column.words ? 'words' : null };
  return column.heads ? h('th', { scope: 'row', ...shape }, column.cell(row)) : h('td', shape, column.cell(row));
}

function heading<Row>(column: Column<Row>, options: TableOptions<Row>, body: HTMLElement): HTMLElement {
  const { by } = column;
  const shape = { scope: 'col', class: column.number ? 'number' : null };
  if (!by) return h('th', shape, column.title);
  const button = h('button', { type: 'button', class: 'sort' }, column.title);
  const self = h('th', shape, button);
  button.addEventListener('click', () => {
    // Numbers are looked at from the largest, names from the first.
    const downFirst = column.number ?? false;
    const now = self.getAttribute('aria-sort');
    const down = now === null ? downFirst : now === 'ascending';
    for (const other of self.parentElement?.children ?? []) other.removeAttribute('aria-sort');
    self.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    fillRows(body, options, [...options.rows].sort((a, b) => inOrder(by(a), by(b), down)));
  });
  return self;
}

/** Order of two values; what is not known stands last either way. */
function inOrder(a: number | string | null, b: number | string | null, down: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  return down ? -order : order;
}
