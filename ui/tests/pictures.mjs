// Takes the pictures of README and docs into the folder `SHOTS`: what a window shows, and the whole page of a store.
//
// `HQ_URL=... HQ_USER=... HQ_PASSWORD=... SHOTS=../docs/img node tests/pictures.mjs`; without an address, those that need
// machines which say how they are, of the made-up chain.

import { headOffice, launch, pagesOf, reader, settled, shot, signIn } from './browser.mjs';

process.env.SHOTS ??= 'shots';

const PICTURES = [
  { name: 'hq-overview', page: 'overview' },
  { name: 'hq-overview-phone', page: 'overview', size: 'phone' },
  { name: 'hq-store', page: 'store', full: true },
  { name: 'hq-store-phone-dark', page: 'day', size: 'phone', scheme: 'dark', language: 'zh-TW' },
  { name: 'hq-displays', page: 'displays' },
  { name: 'hq-queues-dark', page: 'queues', scheme: 'dark' },
  { name: 'hq-compare', page: 'compare' },
  // A simulated chain has no machines that say how they are; the made-up one has.
  { name: 'hq-box', page: 'box', made_up: true },
  { name: 'hq-rollout-phone-dark', page: 'rollout', size: 'phone', scheme: 'dark', made_up: true },
  { name: 'hq-fleet-zh', page: 'fleet', language: 'zh-TW' },
];

const office = await headOffice();
const browser = await launch();
for (const { name, page: wanted, full, made_up, ...how } of PICTURES) {
  if (Boolean(process.env.HQ_URL) === Boolean(made_up)) continue;
  const who = await reader(browser, office.url, how);
  await signIn(who.page);
  const pages = await pagesOf(who.page);
  // The newest day may have just begun; the one before it is whole.
  const rollout = '/fleet/rollouts?rollout=2';
  const address = { ...pages, overview: `/?day=${pages.day.split('/').at(-1)}`, rollout }[wanted];
  await who.page.goto(address);
  await settled(who.page);
  // The stream opens at once, but a proxy in between may hold its head back until the first sign of life, which comes after 15 s.
  if (wanted === 'store') await who.page.locator('.live-mark:not(.waiting)').waitFor();
  await shot(who.page, name, { fullPage: full === true });
  await who.close();
}
await browser.close();
await office.end();
process.exit(0);
