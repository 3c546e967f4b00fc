// What a reader does: signs in and out, goes by keyboard, changes the language, loses the network, asks for what is not theirs.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { axeFindings, headOffice, launch, pagesOf, reader, settled, shot, signIn, signInByForm, USER } from './browser.mjs';

let office;
let browser;
before(async () => {
  office = await headOffice();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await office?.end();
});

/** Runs `act` as a reader, who has seen no fault at the end. */
async function check(how, act) {
  const who = await reader(browser, office.url, how);
  try {
    await act(who.page, who.context);
    assert.deepEqual(who.faults, []);
  } finally {
    await who.close();
  }
}

for (const [language, scheme] of [['en', 'light'], ['zh-TW', 'dark']]) {
  test(`signing in is refused with a wrong password, in words (${language})`, () =>
    check({ language, scheme, size: 'phone' }, async (page) => {
      await page.goto('/');
      await page.locator('input[name=username]').fill(USER);
      await page.locator('input[name=password]').fill('not the password');
      await page.locator('button[type=submit]').click();
      await page.locator('[role=alert] .notice-bad').waitFor();
      assert.deepEqual(await axeFindings(page), []);
      await shot(page, `sign-in-${language}-phone-${scheme}`);
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'password');
    }));
}

test('an address that was asked for before signing in is shown after it', () =>
  check({}, async (page) => {
    await signInByForm(page, '/fleet');
    assert.equal(new URL(page.url()).pathname, '/fleet');
    await page.locator('nav.rail a[href="/fleet"][aria-current=page]').waitFor();
  }));

test('signing out leads to the form, and back is no way in', () =>
  check({}, async (page) => {
    await signInByForm(page);
    await page.goto('/account');
    await settled(page);
    await page.locator('main .button').first().click();
    await page.locator('input[name=password]').waitFor();
    await page.goBack();
    await page.locator('input[name=password]').waitFor();
    assert.equal(await page.locator('nav.rail').count(), 0);
  }));

test('the first tab leads to the skip link, which leads to the content', () =>
  check({}, async (page) => {
    await signIn(page);
    await page.goto('/');
    await settled(page);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  }));

for (const size of ['desk', 'phone']) {
  test(`everything is reached by keyboard, and is seen when it is (${size})`, () =>
    check({ size }, async (page) => {
      await signIn(page);
      const pages = await pagesOf(page);
      for (const name of ['overview', 'store', 'displays']) {
        await page.goto(pages[name]);
        await settled(page);
        assert.deepEqual(await walk(page), [], `on ${name}`);
      }
    }));
}

/** Tabs through the page once; what takes focus and shows no ring, or is not drawn, is told. */
async function walk(page) {
  const faults = [];
  const wanted = await page.evaluate(
    () => [...document.querySelectorAll('main :is(a[href], button, input, select, summary)')].filter((one) => one.checkVisibility()).length,
  );
  await page.evaluate(() => {
    globalThis.reached = new Set();
  });
  for (let steps = 0; steps < wanted + 60; steps += 1) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      const style = getComputedStyle(one);
      const { width, height } = one.getBoundingClientRect();
      globalThis.reached.add(one);
      const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
      return { ring, drawn: width > 0 && height > 0, name: `${one.tagName} ${one.textContent?.slice(0, 30)}` };
    });
    if (seen === null) break;
    if (!seen.ring || !seen.drawn) faults.push(seen.name);
  }
  const reached = await page.evaluate(() => [...globalThis.reached].filter((one) => one.closest('main') && one.matches('a, button, input, select, summary')).length);
  if (reached < wanted) faults.push(`only ${reached} of ${wanted} were reached`);
  return faults;
}

test('a page that is chosen takes focus to its heading', () =>
  check({}, async (page) => {
    await signIn(page);
    await page.locator('nav.rail a[href="/fleet"]').focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/fleet');
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
  }));

test('on a phone "more" unfolds the other areas', () =>
  check({ size: 'phone' }, async (page) => {
    await signIn(page);
    assert.equal(await page.locator('nav.rail a[href="/fleet"]').isVisible(), false);
    await page.locator('nav.rail button').click();
    await shot(page, 'more-en-phone-light');
    await page.locator('nav.rail a[href="/fleet"]').click();
    await page.waitForURL('**/fleet');
    await settled(page);
    assert.equal(await page.locator('nav.rail a[href="/fleet"]').isVisible(), false);
  }));

test('the language is changed at once, and stays', () =>
  check({}, async (page) => {
    await signIn(page, '/account');
    await page.getByLabel('Language').selectOption('zh-TW');
    await page.locator('html[lang=zh-TW]').waitFor();
    await page.locator('nav.rail', { hasText: '總覽' }).waitFor();
    await page.reload();
    await page.locator('nav.rail', { hasText: '總覽' }).waitFor();
  }));

test('a store that one may not read is told like one that is not there', () =>
  check({}, async (page) => {
    await signIn(page);
    await page.goto('/stores/no-such-chain/no-such-store');
    await page.locator('main .state-locked').waitFor();
    assert.deepEqual(await axeFindings(page), []);
    await shot(page, 'no-permission-en-desk-light');
  }));

test('without a network the page says so, and tries again when asked', async () => {
  const who = await reader(browser, office.url, { size: 'phone' });
  try {
    await signIn(who.page);
    await who.page.route('**/api/v1/fleet', (route) => route.abort());
    await who.page.goto('/fleet');
    await who.page.locator('main .state-offline').waitFor();
    assert.deepEqual(await axeFindings(who.page), []);
    await shot(who.page, 'offline-en-phone-light');
    await who.page.unroute('**/api/v1/fleet');
    await who.page.locator('main .state button').click();
    await who.page.locator('main h1').waitFor();
  } finally {
    await who.close();
  }
});

test('a session that ends while one reads leads to the form', () =>
  check({}, async (page, context) => {
    await signIn(page);
    await context.clearCookies();
    await page.route('**/api/v1/alerts', (route) => route.fulfill({ status: 401, json: { key: 'sign_in', text: 'sign in' } }));
    await page.locator('nav.rail a[href="/alerts"]').click();
    await page.locator('input[name=password]').waitFor();
  }).catch((fault) => {
    // The browser notes the refused request by itself; nothing else may be noted.
    if (!String(fault).includes('401')) throw fault;
  }));

test('live values come, and the stream comes again after it broke', () =>
  check({}, async (page) => {
    // Head office may have nothing to say during a test, so the first two streams are made here; the third is its own.
    await signIn(page);
    const [store] = (await page.evaluate(async () => (await fetch('/api/v1/stores')).json())).stores;
    const value = { tenant: store.tenant, store: store.store, at_ms: 0, people: 41, visitors: 97, transactions: null, conversion: null, doors: [] };
    const bodies = [': begins and ends\n\n', `event: now\ndata: ${JSON.stringify(value)}\n\n`];
    let streams = 0;
    let shown;
    await page.route('**/api/v1/live', async (route) => {
      const body = bodies[streams];
      streams += 1;
      // The store's own word would come in between.
      if (body === undefined) await shown;
      return body === undefined ? route.continue() : route.fulfill({ status: 200, contentType: 'text/event-stream', body });
    });
    await page.goto(`/stores/${store.tenant}/${store.store}`, { waitUntil: 'commit' });
    shown = page.locator('.live-strip strong', { hasText: '41' }).waitFor();
    await shown;
    for (const begun = Date.now(); streams < 3 && Date.now() - begun < 30_000; ) await page.waitForTimeout(50);
    await page.locator('.live-mark:not(.waiting)').waitFor();
    assert.ok(streams >= 3);
  }));

test('what was unfolded and focused stays so when figures are asked for anew', () =>
  check({}, async (page) => {
    await signIn(page);
    const pages = await pagesOf(page);
    await page.goto(pages.store);
    await settled(page);
    await page.locator('details[data-keep=table-store-days] summary').click();
    const seven = page.locator('.segments button[data-keep$=":7"]').first();
    await seven.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**from=**');
    await page.locator('.segments button[data-keep$=":7"][aria-pressed=true]').first().waitFor();
    assert.equal(await page.locator('details[data-keep=table-store-days]').getAttribute('open'), '');
    assert.match(await page.evaluate(() => document.activeElement?.getAttribute('data-keep') ?? ''), /:7$/);
  }));

test('every table offers its rows as CSV, and the ones made here hold them', () =>
  check({}, async (page) => {
    await signIn(page);
    const pages = await pagesOf(page);
    for (const name of ['overview', 'store', 'compare', 'displays', 'queues', 'fleet', 'alerts']) {
      await page.goto(pages[name]);
      await settled(page);
      const [tables, links] = [await page.locator('main .table').count(), await page.locator('main .csv a').count()];
      assert.ok(tables > 0 && tables === links, `${name}: ${tables} tables, ${links} links`);
    }
    await page.goto(pages.store);
    await settled(page);
    await page.locator('details[data-keep=table-store-week] summary').click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('details[data-keep=table-store-week] .csv a').click()]);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
    assert.ok(lines.length > 7, `${lines.length} lines`);
    assert.ok(lines.every((line) => line.split(',').length === lines[0].split(',').length));
  }));

test('arrow keys read a chart from place to place', () =>
  check({}, async (page) => {
    await signIn(page);
    const pages = await pagesOf(page);
    await page.goto(pages.store);
    await settled(page);
    await page.locator('.series').first().focus();
    await page.keyboard.press('ArrowRight');
    const value = page.locator('.series .u-legend .u-value').first();
    await page.waitForFunction(() => (document.querySelector('.series .u-legend .u-value')?.textContent ?? '').length > 2);
    const first = await value.textContent();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((before) => document.querySelector('.series .u-legend .u-value')?.textContent !== before, first);
  }));
