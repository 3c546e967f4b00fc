// Every page, in both languages, at a desk and on a phone, by day and by night.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { axeFindings, headOffice, LANGUAGES, launch, overflow, pagesOf, reader, settled, shot, signIn, SIZES } from './browser.mjs';

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

for (const language of LANGUAGES) {
  for (const size of Object.keys(SIZES)) {
    for (const scheme of ['light', 'dark']) {
      test(`every page holds in ${language}, ${size}, ${scheme}`, () => check({ language, size, scheme }));
    }
  }
}

async function check(how) {
  const who = await reader(browser, office.url, how);
  try {
    await signIn(who.page);
    const pages = await pagesOf(who.page);
    for (const [name, address] of Object.entries(pages)) {
      await who.page.goto(address);
      await settled(who.page);
      const where = `${name} (${address})`;
      assert.deepEqual(await axeFindings(who.page), [], `axe finds nothing serious on ${where}`);
      assert.ok((await overflow(who.page)) <= 0, `${where} is no wider than its window`);
      assert.equal(await who.page.locator('h1').count(), 1, `${where} has one heading of the first rank`);
      assert.equal(await who.page.locator('html').getAttribute('lang'), how.language, `${where} names its language`);
      assert.deepEqual(await untranslated(who.page), [], `${where} shows no key and no open place`);
      await shot(who.page, `${name}-${how.language}-${how.size}-${how.scheme}`, { fullPage: true });
    }
    assert.deepEqual(who.faults, [], 'no error in the console, no request to another host');
  } finally {
    await who.close();
  }
}

/** Keys of the catalogue, and places that no value was put into. What a box says of its settings looks like keys, and is none. */
const untranslated = (page) =>
  page.evaluate(() => {
    const ofBoxes = [...document.querySelectorAll('.faults, code, pre')].map((one) => one.innerText);
    const text = ofBoxes.reduce((all, one) => all.replace(one, ''), document.body.innerText);
    return [...(text.match(/\b[a-z_]+\.[a-z_]+\.[a-z_]+\b|\{\w+\}|\bundefined\b|\bNaN\b/g) ?? [])];
  });
