// A browser, a head office to look at, and what every page has to keep to.
//
// Tests run against `HQ_URL` with `HQ_USER` and `HQ_PASSWORD` where they are given, else against the made-up chain of `vite preview`,
// which sends the same content policy.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Chromium's sandbox does not start for root. */
const ARGS = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export const USER = process.env.HQ_USER ?? 'demo';
export const PASSWORD = process.env.HQ_PASSWORD ?? 'demo';
export const SIZES = { desk: { width: 1440, height: 900 }, phone: { width: 360, height: 740 } };
export const LANGUAGES = ['en', 'zh-TW'];

/** The address to test, and how to end what was begun for it. */
export async function headOffice() {
  if (process.env.HQ_URL) return { url: process.env.HQ_URL.replace(/\/$/, ''), end: async () => {} };
  const { preview } = await import('vite');
  const server = await preview({ preview: { port: 0 }, logLevel: 'error' });
  const { port } = server.httpServer.address();
  return { url: `http://127.0.0.1:${port}`, end: () => server.close() };
}

export const launch = () => chromium.launch({ executablePath: CHROMIUM, args: ARGS });

/** A reader: a browser window of its own, with what went wrong in it. */
export async function reader(browser, url, { language = 'en', size = 'desk', scheme = 'light', motion = 'reduce' } = {}) {
  const context = await browser.newContext({
    baseURL: url,
    locale: language,
    viewport: SIZES[size],
    colorScheme: scheme,
    reducedMotion: motion,
    deviceScaleFactor: size === 'phone' ? 2 : 1,
  });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' || expected(message)) return;
    faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (to.origin !== url && to.protocol !== 'blob:') faults.push(`foreign request: ${request.url()}`);
  });
  return { context, page, faults, close: () => context.close() };
}

/** A browser notes every 401 and 404 by itself; these are asked for on purpose. */
function expected(message) {
  const { url } = message.location();
  return /status of (401|404)/.test(message.text()) && /\/api\/v1\/(me|session|stores\/)/.test(url ?? '');
}

/** The cookies of the one session that readers share: head office lets nobody sign in as often as tests would. */
let session;

/** Opens a page as somebody who has signed in, by the form if nobody has yet. */
export async function signIn(page, at = '/') {
  if (session) {
    await page.context().addCookies(session);
    await page.goto(at);
    await page.locator('nav.rail').waitFor();
    await settled(page);
    return;
  }
  await signInByForm(page, at);
  session = await page.context().cookies();
}

/** Signs in by the form: a session of the reader's own, which may be ended. */
export async function signInByForm(page, at = '/') {
  await page.goto(at);
  await page.locator('input[name=username]').fill(USER);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.locator('button[type=submit]').click();
  await page.locator('nav.rail').waitFor();
  await settled(page);
}

/** Waits until a page and its later parts are there. */
export async function settled(page) {
  await page.locator('main h1, main .state').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.blank') && !document.querySelector('[aria-busy=true]'));
  await page.waitForFunction(() => [...document.querySelectorAll('.series')].every((one) => one.querySelector('canvas')));
}

/** The pages, with a store that there is. */
export async function pagesOf(page) {
  const { stores } = await page.evaluate(async () => (await fetch('/api/v1/stores')).json());
  const [first] = stores;
  const where = `${encodeURIComponent(first.tenant)}/${encodeURIComponent(first.store)}`;
  const { to } = await page.evaluate(async (at) => (await fetch(`/api/v1/stores/${at}`)).json(), where);
  const { boxes } = await page.evaluate(async () => (await fetch('/api/v1/fleet')).json());
  const [box] = boxes;
  const yesterday = new Date(Date.parse(`${to}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
  return {
    overview: '/',
    stores: '/stores',
    store: `/stores/${where}`,
    day: `/stores/${where}/day/${yesterday}`,
    compare: '/compare',
    displays: '/displays',
    'displays-against': '/displays?kind=against',
    'displays-test': '/displays?kind=test_control',
    'queues-stores': '/queues',
    queues: `/queues/${where}`,
    fleet: '/fleet',
    box: `/fleet/${[box.tenant, box.store, box.box].map(encodeURIComponent).join('/')}`,
    rollouts: '/fleet/rollouts',
    alerts: '/alerts',
    account: '/account',
    accounts: '/accounts',
    audit: '/audit',
    nowhere: '/no-such-page',
  };
}

/** What axe finds serious or critical, one line each. */
export async function axeFindings(page) {
  // Not as a script element: the content policy would not let it in, and it is that policy that is to be seen at work.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.target.join(' ')).join(' | ')}`);
}

/** How far the page is wider than its window. */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** A picture, where pictures are asked for by `SHOTS`. */
export async function shot(page, name, options = {}) {
  const folder = process.env.SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), ...options });
}
