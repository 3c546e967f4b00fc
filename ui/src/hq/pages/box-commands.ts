// What a box can be asked to do now, and what came of it. A picture is loaded when somebody asks for it, because each look is written down.

import type { BoxCommand, Commands } from '../../api';
import { get, send } from '../../kit/client';
import { type Child, h } from '../../kit/dom';
import { select } from '../../kit/fields';
import { ago, moment, t } from '../../kit/i18n';
import { reasonForm } from '../../kit/reason';
import { badge, type Tone } from '../../kit/state';
import { table } from '../../kit/table';
import type { Visit } from '../visit';
import { panel } from './box';
import { later } from './parts';

const TONE: Record<BoxCommand['outcome'], Tone> = { waiting: 'note', done: 'good', refused: 'bad', expired: 'warning', failed: 'bad', no_answer: 'warning' };
/** How often it is asked whether an answer came, and for how long: a command is good for a minute. */
const ASK_EVERY_MS = 2000;
const ASK_TIMES = 40;

/** The panel: a form, and what was asked so far. */
export function commandsPanel(visit: Visit, api: string, cameras: readonly string[]): HTMLElement {
  const place = h('div');
  const picture = h('div', { 'aria-live': 'polite' });
  const show = async (): Promise<Node> => {
    const data = await get<Commands>(`${api}/commands`, {}, visit.signal);
    if (data.commands.some((one) => one.outcome === 'waiting')) watch(visit, api, () => place.replaceChildren(later(show, visit.signal)));
    return list(data, api, picture);
  };
  const again = (): void => place.replaceChildren(later(show, visit.signal));
  again();
  return panel(t('command.title'), h('p', { class: 'summary' }, t('command.lead')), form(api, cameras, again), picture, place);
}

/** Asks again until no command waits any more. */
function watch(visit: Visit, api: string, changed: () => void): void {
  let times = 0;
  const look = async (): Promise<void> => {
    times += 1;
    if (visit.signal.aborted || times > ASK_TIMES) return;
    const { commands } = await get<Commands>(`${api}/commands`, {}, visit.signal);
    if (commands.some((one) => one.outcome === 'waiting')) later_look();
    else changed();
  };
  // A look that fails is no news; the list itself says what is wrong when it is asked for anew.
  const later_look = (): void => void setTimeout(() => void look().catch(() => undefined), ASK_EVERY_MS);
  later_look();
}

function form(api: string, cameras: readonly string[], asked: () => void): HTMLElement {
  const kinds: BoxCommand['what'][] = cameras.length ? ['snapshot', 'restart_camera', 'reread'] : ['reread'];
  let what: BoxCommand['what'] = kinds[0] ?? 'reread';
  let camera = cameras[0] ?? '';
  const ofCamera = select(t('box.camera'), cameras.map((value) => ({ value, title: value })), camera, (value) => (camera = value));
  ofCamera.hidden = what === 'reread';
  const choose = select(
    t('command.what'),
    kinds.map((value) => ({ value, title: t(`command.${value}`) })),
    what,
    (value) => {
      what = kinds.find((one) => one === value) ?? 'reread';
      ofCamera.hidden = what === 'reread';
    },
  );
  return reasonForm({
    go: t('command.ask'),
    fields: h('div', { class: 'form-row' }, choose, ofCamera),
    sure: () => t(`command.sure.${what}`, { camera }),
    run: async (why) => {
      await send('POST', `${api}/commands`, { what, why, ...(what === 'reread' ? {} : { camera }) });
      asked();
    },
    done: t('command.asked'),
  });
}

function list({ commands }: Commands, api: string, picture: HTMLElement): HTMLElement {
  return table({
    caption: t('command.list'),
    rows: commands,
    none: t('command.none'),
    columns: [
      { title: t('command.what'), heads: true, by: (row) => row.what, cell: (row) => [t(`command.${row.what}`), row.camera ? ` (${row.camera})` : null] },
      { title: t('command.when'), by: (row) => row.asked_ms, cell: (row) => h('span', { title: moment(row.asked_ms) }, ago(row.asked_ms, Date.now())) },
      { title: t('config.by'), by: (row) => row.by, cell: (row) => row.by },
      { title: t('reason.why'), words: true, cell: (row) => row.why },
      { title: t('command.outcome'), by: (row) => row.outcome, cell: (row) => [badge(TONE[row.outcome], t(`command.outcome.${row.outcome}`)), row.detail ? ` ${row.detail}` : null] },
      { title: t('command.picture'), cell: (row) => (row.has_picture ? look(row, api, picture) : '') },
    ],
  });
}

function look(of: BoxCommand, api: string, picture: HTMLElement): Child {
  const camera = of.camera ?? '';
  const show = (): void => {
    if (!confirm(t('command.look_sure'))) return;
    const veiled = t('command.veiled', { people: of.people ?? 0 });
    picture.replaceChildren(
      h(
        'figure',
        { class: 'picture' },
        h('img', { src: `${api}/commands/${of.id}/picture`, alt: t('command.picture_of', { camera }) }),
        h('figcaption', null, `${t('command.picture_of', { camera })}. ${veiled}`),
      ),
    );
  };
  return h('button', { type: 'button', class: 'button small', 'aria-label': t('command.look_named', { camera, when: moment(of.asked_ms) }), click: show }, t('command.look'));
}
