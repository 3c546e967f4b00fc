// How stores are at this moment, heard from head office.

import type { LiveStore } from '../api';
import { h } from '../kit/dom';
import { t } from '../kit/i18n';
import { type LiveState, listen } from '../kit/live';
import { storeKey, type Visit } from './visit';

/** What was heard of a store longer ago is not "now" any more. */
const FRESH_MS = 90_000;
/** A screen reader would never stop talking if it were told every second. */
const SPEAK_EVERY_MS = 30_000;

export interface LiveStores {
  /** The last word of each store that is fresh. */
  fresh: () => LiveStore[];
  of: (store: { tenant: string; store: string }) => LiveStore | null;
}

/** Listens while the page is looked at; `changed` is called at most once a second. */
export function watchStores(visit: Visit, changed: (stores: LiveStores) => void, state: (state: LiveState) => void): void {
  const heard = new Map<string, { store: LiveStore; at: number }>();
  const isFresh = (one: { at: number }): boolean => performance.now() - one.at < FRESH_MS;
  const stores: LiveStores = {
    fresh: () => [...heard.values()].filter(isFresh).map((one) => one.store),
    of: (store) => {
      const one = heard.get(storeKey(store));
      return one && isFresh(one) ? one.store : null;
    },
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed(stores);
    }, 1000);
  };
  const event = (value: unknown): void => {
    if (!isLiveStore(value)) return;
    heard.set(storeKey(value), { store: value, at: performance.now() });
    tell();
  };
  listen('/api/v1/live', 'now', { event, state }, visit.signal);
  const stale = setInterval(tell, 15_000);
  visit.signal.addEventListener('abort', () => {
    clearTimeout(timer);
    clearInterval(stale);
  });
}

function isLiveStore(value: unknown): value is LiveStore {
  return typeof value === 'object' && value !== null && 'tenant' in value && 'store' in value;
}

export interface LiveStrip {
  element: HTMLElement;
  state: (state: LiveState) => void;
  /** What is shown, and the sentence that is read aloud now and then. */
  show: (parts: readonly Node[], spoken: string) => void;
}

/** A line of live values. */
export function liveStrip(): LiveStrip {
  const values = h('div', { class: 'names' }, t('live.nothing_yet'));
  const mark = h('span', { class: 'live-mark waiting', 'aria-hidden': 'true' });
  const word = h('span', null, t('live.connecting'));
  const spokenPlace = h('span', { class: 'unseen', 'aria-live': 'polite' });
  let lastSpoken = -Infinity;
  return {
    element: h('section', { class: 'live-strip', 'aria-label': t('live.title') }, values, h('span', { class: 'live-state' }, mark, word), spokenPlace),
    state: (state) => {
      mark.className = state === 'live' ? 'live-mark' : 'live-mark waiting';
      word.textContent = t(`live.${state}`);
    },
    show: (parts, spoken) => {
      values.replaceChildren(...parts);
      if (performance.now() - lastSpoken < SPEAK_EVERY_MS) return;
      lastSpoken = performance.now();
      spokenPlace.textContent = spoken;
    },
  };
}

/** A live value with its name. */
export function liveValue(name: string, value: string): HTMLElement {
  return h('span', null, `${name} `, h('strong', null, value));
}
