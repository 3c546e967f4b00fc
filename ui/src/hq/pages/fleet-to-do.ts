// What is wrong with a box, as tasks: what it means for the figures, and what somebody can do about it.

import type { Fleet } from '../../api';
import { ago, duration, type Key, known, listed, t } from '../../kit/i18n';
import type { Tone } from '../../kit/state';

type Box = Fleet['boxes'][number];

export interface Task {
  tone: Tone;
  word: string;
  what: string;
  act: string;
}

/** The tasks of one box. */
export function toDo(box: Box, store: string, now_ms: number): Task[] {
  return [...ofBox(box, store, now_ms), ...ofConfig(box, store), ...ofCameras(box, store), ...ofRecords(box, store), ...ofProblems(box, store, now_ms)];
}

function ofBox(box: Box, store: string, now_ms: number): Task[] {
  const word = t(`fleet.state.${box.state}`);
  const since = box.since_ms === null ? '' : ago(box.since_ms, now_ms);
  const named = { store, box: box.box, since };
  if (box.state === 'offline') return [{ tone: 'bad', word, what: t('task.offline', named), act: t('task.offline_act') }];
  if (box.state === 'stopped') return [{ tone: 'warning', word, what: t('task.stopped', named), act: t('task.stopped_act') }];
  if (box.state === 'never_seen') return [{ tone: 'note', word, what: t('task.never_seen', named), act: t('task.never_seen_act') }];
  if (!box.late) return [];
  return [{ tone: 'warning', word: t('task.late_word'), what: t('task.late', { ...named, lag: duration(box.lag_s ?? 0) }), act: t('task.late_act') }];
}

function ofConfig(box: Box, store: string): Task[] {
  const status = box.config?.status;
  if (status !== 'refused' && status !== 'rolled_back') return [];
  return [{ tone: 'warning', word: t('config.title'), what: t(status === 'refused' ? 'task.config_refused' : 'task.config_rolled_back', { store, box: box.box }), act: t('task.config_act') }];
}

function ofCameras(box: Box, store: string): Task[] {
  return box.cameras.flatMap((camera) => {
    const named = { store, camera: camera.camera };
    const conditions = camera.conditions.map((condition): Task => {
      const what = `condition.${condition}`;
      const act = `condition.${condition}_act`;
      return {
        tone: condition === 'moved' ? 'bad' : 'warning',
        word: t('task.camera_word'),
        what: known(what) ? t(what, named) : t('condition.other', { ...named, condition }),
        act: known(act) ? t(act) : '',
      };
    });
    // A box that is away cannot tell how its cameras are.
    const down = camera.state === 'down' && box.state === 'online';
    return down ? [{ tone: 'bad', word: t('task.camera_word'), what: t('task.camera_down', named), act: t('task.camera_down_act') }, ...conditions] : conditions;
  });
}

function ofRecords(box: Box, store: string): Task[] {
  const count = (ranges: readonly (readonly [number, number])[]): number => ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const missing = count(box.missing);
  const lost = count(box.lost.map((one) => [one.first, one.last] as const));
  const named = { store, box: box.box };
  return [
    ...(missing ? [{ tone: 'note', word: t('task.missing_word'), what: t('task.missing', { ...named, records: missing }), act: t('task.missing_act') } as const] : []),
    ...(lost ? [{ tone: 'warning', word: t('task.lost_word'), what: t('task.lost', { ...named, records: lost, why: whyLost(box) }), act: t('task.lost_act') } as const] : []),
  ];
}

/** Why records never come, as head office notes it. */
const LOST: Readonly<Record<string, Key>> = {
  'the box no longer holds them': 'lost.not_held',
  "the box's outbox was corrupt": 'lost.corrupt',
  "the box's outbox was gone": 'lost.gone',
  "the box's outbox was an old copy": 'lost.old_copy',
  'the box could not read them': 'lost.unreadable',
  "the box's disk budget was used up": 'lost.given_up',
};

/** The reasons, each once; one that is newer than these pages in head office's words. */
function whyLost(box: Box): string {
  const reasons = new Set(box.lost.map((one) => one.why));
  const words = (why: string): string => {
    const key = LOST[why];
    return key ? t(key) : why;
  };
  return listed([...reasons].slice(0, 3).map(words));
}

function ofProblems(box: Box, store: string, now_ms: number): Task[] {
  return box.problems.map((one) => ({
    tone: 'warning',
    word: t('task.problem_word'),
    what: t('task.problem', { store, about: one.about, since: ago(one.since_ms, now_ms) }),
    // In the box's own words, which are English.
    act: one.text,
  }));
}
