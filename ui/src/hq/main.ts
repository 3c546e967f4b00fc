// Begins the pages of head office: language, who is asking, then the page of the address.
//
// Pages come by ordinary links; a click on one that stays here draws the page without loading all else again. Each page is a file of its
// own that is fetched when it is first looked at.

import '../kit/tokens.css';
import '../kit/base.css';
import '../kit/parts.css';
import './pages.css';

import type { Alerts, Me, Stores } from '../api';
import { Failure, get, holdCsrf } from '../kit/client';
import { replaceKeeping } from '../kit/dom';
import { beginLanguage, t } from '../kit/i18n';
import { failed, loading } from '../kit/state';
import { frame, type Frame } from './frame';
import { type Found, find } from './routes';
import { signIn } from './sign-in';
import type { View, Visit } from './visit';

/** A page that comes faster than this shows no blank before: it would only flicker. */
const BLANK_AFTER_MS = 150;
const ALERTS_EVERY_MS = 120_000;

interface Session {
  me: Me;
  stores: Stores;
  frame: Frame;
}

let session: Session | null = null;
let leaving = new AbortController();
let shownPath: string | null = null;

/** Who is asking, and the frame; `null` after the sign-in form was put up instead. */
async function begin(): Promise<Session | null> {
  try {
    const me = await get<Me>('/api/v1/me');
    holdCsrf(me.csrf);
    const stores = await get<Stores>('/api/v1/stores');
    const simulated = stores.stores.filter((one) => one.simulated).length;
    const around = frame({ account: me.account, simulated: simulated === 0 ? 'none' : simulated === stores.stores.length ? 'all' : 'some' });
    document.body.replaceChildren(around.element);
    return { me, stores, frame: around };
  } catch (fault) {
    if (fault instanceof Failure && fault.trouble === 'signed_out') await signIn(restart);
    else document.body.replaceChildren(failed(fault, () => void restart()));
    return null;
  }
}

/** All anew: after signing in or out, and after a change of language. */
async function restart(): Promise<void> {
  leaving.abort();
  holdCsrf(null);
  shownPath = null;
  session = await begin();
  if (session) {
    void show();
    void countAlerts();
  }
}

/** Shows the page of the address. */
async function show(): Promise<void> {
  if (!session) return;
  const { me, stores, frame: around } = session;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const found = find(location.pathname);
  const sameAsBefore = shownPath === location.pathname;
  const wentThere = shownPath !== null;
  shownPath = location.pathname;
  around.at(location.pathname);
  const blank = setTimeout(() => {
    if (sameAsBefore) around.main.setAttribute('aria-busy', 'true');
    else around.main.replaceChildren(loading());
  }, BLANK_AFTER_MS);
  const visit: Visit = { path: found.path, query: new URLSearchParams(location.search), me, stores: stores.stores, signal, go, ask, again: () => void show(), restart };
  try {
    const view = await view_of(found, visit);
    clearTimeout(blank);
    if (!signal.aborted) put(view, { sameAsBefore, wentThere, signal });
  } catch (fault) {
    clearTimeout(blank);
    if (!signal.aborted) putFault(fault);
  }
}

async function view_of(found: Found, visit: Visit): Promise<View> {
  const page = await found.load();
  return page(visit);
}

function put(view: View, how: { sameAsBefore: boolean; wentThere: boolean; signal: AbortSignal }): void {
  if (!session) return;
  const { main } = session.frame;
  document.title = `${view.title} · footfall`;
  main.removeAttribute('aria-busy');
  if (how.sameAsBefore) {
    replaceKeeping(main, view.content);
  } else {
    main.replaceChildren(view.content);
    scrollTo(0, 0);
    if (how.wentThere) focusHeading(main);
  }
  if (view.refresh_s) keepFresh(view.refresh_s, how.signal);
}

/**
 * Whoever hears the page is told where they are; whoever sees it sees no ring around a heading. Not where the browser itself loaded the
 * page: there it begins at the top, where the skip link is.
 */
function focusHeading(main: HTMLElement): void {
  const heading = main.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus({ preventScroll: true });
}

/** Draws anew after a while, but not behind a screen that nobody looks at. */
function keepFresh(after_s: number, signal: AbortSignal): void {
  const timer = setTimeout(() => {
    if (document.visibilityState === 'visible') void show();
    else document.addEventListener('visibilitychange', () => !signal.aborted && void show(), { once: true, signal });
  }, after_s * 1000);
  signal.addEventListener('abort', () => clearTimeout(timer));
}

function putFault(fault: unknown): void {
  if (!session) return;
  if (fault instanceof Failure && fault.trouble === 'signed_out') {
    session = null;
    void signIn(restart);
    return;
  }
  document.title = `${t('state.fault')} · footfall`;
  session.frame.main.removeAttribute('aria-busy');
  session.frame.main.replaceChildren(failed(fault, () => void show()));
  if (!(fault instanceof Failure)) console.error(fault);
}

function go(address: string): void {
  history.pushState(null, '', address);
  void show();
}

function ask(query: Record<string, string | null>): void {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(query)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  go(text ? `${location.pathname}?${text}` : location.pathname);
}

/** Tells how many alerts are open, for the sign at the navigation. */
async function countAlerts(): Promise<void> {
  const of = session;
  if (!of) return;
  try {
    const { alerts } = await get<Alerts>('/api/v1/alerts');
    of.frame.alerts(alerts.filter((one) => one.ended_ms === null).length);
  } catch {
    // The page of alerts says what is wrong; a missing sign does no harm.
  }
  setTimeout(() => session === of && void countAlerts(), ALERTS_EVERY_MS);
}

/** A plain click on a link within these pages. */
function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || !session || link.origin !== location.origin || link.target || 'outside' in link.dataset) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

async function main(): Promise<void> {
  document.addEventListener('click', onClick);
  addEventListener('popstate', () => void show());
  await beginLanguage();
  await restart();
}

void main();
