// Takes the pictures of README and docs into the folder `SHOTS`: what a window shows, not the whole page.
//
// `HQ_URL=... HQ_USER=... HQ_PASSWORD=... SHOTS=../docs/img node tests/pictures.mjs`; without an address, of the made-up chain.

import { headOffice, launch, pagesOf, reader, settled, shot, signIn } from './browser.mjs';

process.env.SHOTS ??= 'shots';

const PICTURES = [
  { name: 'hq-overview', page: 'overview' },
  { name: 'hq-overview-phone', page: 'overview', size: 'phone' },
  { name: 'hq-store', page: 'store', at: '.halves' },
  { name: 'hq-store-phone-dark', page: 'store', size: 'phone', scheme: 'dark', language: 'zh-TW' },
  { name: 'hq-displays', page: 'displays' },
  { name: 'hq-queues-dark', page: 'queues', scheme: 'dark' },
  { name: 'hq-compare', page: 'compare' },
  { name: 'hq-fleet-zh', page: 'fleet', language: 'zh-TW' },
];

const office = await headOffice();
const browser = await launch();
for (const { name, page: wanted, at, ...how } of PICTURES) {
  const who = await reader(browser, office.url, how);
  await signIn(who.page);
  const pages = await pagesOf(who.page);
  // The newest day may have just begun; the one before it is whole.
  const address = wanted === 'overview' ? `/?day=${pages.day.split('/').at(-1)}` : pages[wanted];
  await who.page.goto(address);
  await settled(who.page);
  if (at) await who.page.locator(at).first().evaluate((part) => part.scrollIntoView({ block: 'start' }));
  await shot(who.page, name);
  await who.close();
}
await browser.close();
await office.end();
process.exit(0);
