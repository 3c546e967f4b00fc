// What a box is to count with and what it counts with; the text can be changed, and what the box finds wrong with it is shown at its lines.

import type { BoxDetail, ConfigHistory } from '../../api';
import { get, send } from '../../kit/client';
import { type Child, freshId, h } from '../../kit/dom';
import { labelled } from '../../kit/fields';
import { moment, t, UNKNOWN } from '../../kit/i18n';
import { reasonForm } from '../../kit/reason';
import { badge, notice } from '../../kit/state';
import { table } from '../../kit/table';
import type { Visit } from '../visit';
import { facts, panel } from './box';
import { CONFIG_TONE } from './fleet-words';
import { later } from './parts';

type Config = BoxDetail['config'];

/** The panel; texts only where the reader may see them, the editor only where the text may be changed. */
export function configPanel(visit: Visit, api: string, of: BoxDetail, roles: { manager: boolean; admin: boolean }): HTMLElement {
  const config = of.config;
  return panel(
    t('config.title'),
    facts(
      [t('fleet.state'), config.status === null ? UNKNOWN : badge(CONFIG_TONE[config.status], t(`config.${config.status}`))],
      [t('config.desired'), config.desired === 0 ? t('config.none_desired') : t('config.version', { version: config.desired })],
      [t('config.in_force'), inForce(config)],
      [t('config.said'), config.at_ms === null ? UNKNOWN : moment(config.at_ms)],
    ),
    config.faults.length && !roles.admin ? faultList(config.faults, null) : null,
    roles.admin ? editor(visit, api, of) : null,
    roles.manager ? texts(config, roles.admin) : null,
    roles.manager ? later(async () => versions(await get<ConfigHistory>(`${api}/config`, {}, visit.signal)), visit.signal) : null,
  );
}

function inForce(config: Config): Child {
  if (config.in_force === null) return UNKNOWN;
  return config.in_force === 0 ? t('config.own_file') : t('config.version', { version: config.in_force });
}

/** What the box said of the text that it refused or gave up: each with a way to its line. */
function faultList(faults: readonly string[], text: HTMLTextAreaElement | null): HTMLElement {
  return notice(
    'bad',
    h('p', null, h('strong', null, t('config.faults', { faults: faults.length }))),
    h('ul', { class: 'faults' }, ...faults.map((fault) => h('li', null, placed(fault, text)))),
  );
}

function placed(fault: string, text: HTMLTextAreaElement | null): Child {
  const [, line, column, words] = /^(\d+):(\d+)\s+([\s\S]*)$/.exec(fault) ?? [];
  if (line === undefined || text === null) return fault;
  const go = (): void => toLine(text, Number(line), Number(column));
  return [h('button', { type: 'button', class: 'button small', click: go }, t('config.line', { line: Number(line) })), ' ', words];
}

/** Marks a line of the text and brings it into view. */
function toLine(text: HTMLTextAreaElement, line: number, column: number): void {
  const lines = text.value.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const length = lines[line - 1]?.length ?? 0;
  text.focus();
  text.setSelectionRange(before + Math.min(column - 1, length), before + length);
  text.scrollTop = ((line - 3) / Math.max(1, lines.length)) * text.scrollHeight;
}

function editor(visit: Visit, api: string, of: BoxDetail): HTMLElement {
  const config = of.config;
  const id = freshId('config');
  const start = config.desired_text ?? config.in_force_text ?? '';
  const text = h('textarea', { id, class: 'code', rows: 18, required: true, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', wrap: 'off', 'data-keep': 'config-text' });
  text.value = start;
  const form = reasonForm({
    go: t('config.give'),
    primary: true,
    fields: labelled(t('config.text'), id, text, t('config.hint')),
    sure: () => t('config.sure', { box: of.box }),
    run: async (why) => {
      await send('PUT', `${api}/config`, { text: text.value, why });
      visit.again();
    },
  });
  return h(
    'details',
    { class: 'fold', 'data-keep': 'config-edit', open: config.faults.length > 0 },
    h('summary', null, h('h3', null, t('config.edit'))),
    h('div', { class: 'stack' }, config.faults.length ? faultList(config.faults, text) : null, form),
  );
}

function texts(config: Config, has_editor: boolean): HTMLElement | null {
  const shown = [
    ...(has_editor || config.desired_text === null ? [] : [[t('config.desired_text'), config.desired_text] as const]),
    ...(config.in_force_text === null ? [] : [[t('config.in_force_text'), config.in_force_text] as const]),
  ];
  return shown.length ? h('div', null, ...shown.map(([title, text]) => fold(title, text))) : null;
}

/** A text that can be unfolded. */
export function fold(title: string, text: string): HTMLElement {
  return h('details', { class: 'fold', 'data-keep': `text-${title}` }, h('summary', null, title), h('pre', { class: 'code', tabindex: 0, role: 'region', 'aria-label': title }, text));
}

function versions({ versions: rows }: ConfigHistory): HTMLElement {
  return table({
    caption: t('config.versions'),
    rows,
    none: t('config.no_versions'),
    columns: [
      { title: t('config.number'), heads: true, by: (row) => row.version, cell: (row) => String(row.version) },
      { title: t('config.made'), by: (row) => row.at_ms, cell: (row) => moment(row.at_ms) },
      { title: t('config.by'), by: (row) => row.by, cell: (row) => row.by ?? t('config.operator') },
      { title: t('reason.why'), words: true, cell: (row) => (row.rollout === null ? row.why : [row.why, ' · ', t('rollout.number', { id: row.rollout })]) },
      { title: t('config.text'), cell: (row) => fold(t('config.show'), row.text) },
    ],
  });
}
