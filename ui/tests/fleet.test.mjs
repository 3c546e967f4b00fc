// The page of a box and the roll-outs: what each role is offered, what is asked before something is done, and what is sent then.
//
// Answers about boxes are made here, so that these hold against any head office; sessions, roles and pages are those of the one that is tested.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { axeFindings, headOffice, launch, overflow, reader, settled, shot, signIn } from './browser.mjs';

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

const TEXT = '[detector]\nthreads = 2\n\n[[camera]]\nid = "door"\nfps = 0\n';
const NOW = Date.now();

const detail = (of) => ({
  ...of, box: 'box-1',
  health: {
    at_ms: NOW, since_ms: NOW - 7_200_000, software: 'footfall 0.5.0', os: null, arch: 'aarch64', clock_ok: false, temperature_c: 85, disk_free: 1e9, disk_size: 3e10, memory_free: 1e9, memory_size: 4e9,
    memory_used: 3e8, load: 0.4, waiting: 2, behind_s: 1.5, discarded: 0, certificate_until_ms: NOW + 864e5,
    cameras: [{ camera: 'door', state: 'up', fps: 8, inference_ms: 41, inference_p95_ms: 60, dropped: 3, conditions: [] }],
  },
  config: { desired: 4, status: 'refused', version: 4, in_force: 3, is_current: false, faults: ['6:7  camera.door.fps  0 is out of range'], desired_text: TEXT, in_force_text: TEXT, at_ms: NOW },
  software: { desired: '0.5.1', running: '0.5.0', architecture: 'arm64', status: 'rolled_back', detail: 'it did not count', at_ms: NOW },
  certificates: [{ serial: '4fa81c', issued_ms: NOW - 864e5, until_ms: NOW + 864e5, revoked_ms: null }],
  link_until_ms: null,
});
const COMMAND = { id: 7, what: 'snapshot', camera: 'door', by: 'demo', why: 'is the shelf there?', asked_ms: NOW, expires_ms: NOW, outcome: 'done', detail: null, answered_ms: NOW, has_picture: true, people: 3 };
const HISTORY = { hours: [0, 1, 3].map((hour) => ({ at_ms: Math.floor(NOW / 36e5) * 36e5 + (hour - 5) * 36e5, messages: 60, temperature_max: 61, disk_free_min: 1e9, memory_free_min: 1e9, load_max: 1, fps_min: 7, inference_max: 50, waiting_max: 2, behind_max_s: null, cameras_down: 0, clock_wrong: 0 })) };
const member = (box, ring, more) => ({ store: 's', box, ring, state: 'taken', asked_ms: NOW, answered_ms: NOW, version: 2, worse: null, forgiven: false, away_s: null, ...more });
const ROLLOUT = {
  id: 2, kind: 'config', title: 'Two threads', change: TEXT, why: 'they can do more', by: 'demo', created_ms: NOW, soak_s: 900, state: 'stopped', since_ms: NOW, reason: 'box-3 got worse', counts: { boxes: 3, asked: 3, answered: 3, worse: 1 },
  boxes: [member('box-1', 0), member('box-2', 1), member('box-3', 1, { state: 'refused', worse: 'it refused the change' })],
};

/** Opens a page as somebody with this role over the first store's chain; gives what was sent, what was asked before, and how often a picture was. */
async function check({ role = 'admin', at, ...how }, act) {
  const who = await reader(browser, office.url, how);
  const { page } = who;
  const seen = { sent: [], asked: [], pictures: 0 };
  try {
    await signIn(page);
    const { stores } = await page.evaluate(async () => (await fetch('/api/v1/stores')).json());
    const of = { tenant: stores[0].tenant, store: stores[0].store };
    const me = await page.evaluate(async () => (await fetch('/api/v1/me')).json());
    await page.route('**/api/v1/me', (route) => route.fulfill({ json: { ...me, grants: [{ role, scope: 'chain', tenant: of.tenant, name: null }] } }));
    const answers = { '': detail(of), '/health': HISTORY, '/config': { versions: [{ version: 4, hash: 'f', text: TEXT, at_ms: NOW, by: null, why: 'more', rollout: 2 }] }, '/commands': { commands: [COMMAND] } };
    await page.route('**/api/v1/fleet/*/*/box-1**', (route) => answer(route, seen, answers, '/box-1'));
    await page.route('**/api/v1/packages', (route) => route.fulfill({ json: { packages: [] } }));
    await page.route('**/api/v1/rollouts/**', (route) => answer(route, seen, { '': { rollouts: [{ ...ROLLOUT, boxes: [] }] }, '/2': ROLLOUT }, `/rollouts/${of.tenant}`));
    page.on('dialog', (dialog) => {
      seen.asked.push(dialog.message());
      return dialog.accept();
    });
    await page.goto(at(of));
    await settled(page);
    assert.deepEqual(await axeFindings(page), []);
    assert.ok((await overflow(page)) <= 0);
    await act(page, seen);
    assert.deepEqual(who.faults, []);
  } finally {
    await who.close();
  }
}

function answer(route, seen, answers, stem) {
  const request = route.request();
  const rest = new URL(request.url()).pathname.split(stem)[1] ?? '';
  if (rest.endsWith('/picture')) {
    seen.pictures += 1;
    return route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>' });
  }
  if (request.method() !== 'GET') {
    seen.sent.push({ what: `${request.method()} ${rest}`, body: request.postDataJSON() });
    if (rest === '/enrolment') return route.fulfill({ status: 201, json: { link: 'https://hq.example.org/enrol#ffen_x', qr_svg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path d="M0 0h1v1H0z"/></svg>', until_ms: NOW + 864e5 } });
    return route.fulfill({ json: rest === '/2' ? ROLLOUT : { id: 8, version: 5, left_out: ['s/box-9'] } });
  }
  return answers[rest] === undefined ? route.fulfill({ status: 404, json: { key: 'not_found', text: 'not there' } }) : route.fulfill({ json: answers[rest] });
}

const box = (of) => `/fleet/${of.tenant}/${of.store}/box-1`;
const rollouts = (of) => `/fleet/rollouts?tenant=${of.tenant}`;
const rollout = (of) => `${rollouts(of)}&rollout=2`;

test('a reader sees how a box is, and is offered nothing that changes it', () =>
  check({ role: 'viewer', at: box, size: 'phone' }, async (page, seen) => {
    await page.getByText('85 °C').waitFor();
    assert.equal(await page.locator('main form, main textarea').count(), 0);
    assert.equal(await page.locator('main').getByText('Make a link').count(), 0);
    assert.equal(await page.locator('main').getByText('Ask the box').count(), 0);
    assert.deepEqual(seen, { sent: [], asked: [], pictures: 0 });
    await shot(page, 'box-viewer-en-phone-light', { fullPage: true });
  }));

test('a manager asks for a picture with a reason, and looks at it only when asked to', () =>
  check({ role: 'manager', at: box }, async (page, seen) => {
    assert.equal(await page.locator('main textarea').count(), 0);
    const panel = page.locator('section.panel', { hasText: 'Ask the box' });
    await panel.getByLabel('Why').fill('is the shelf there?');
    await panel.getByRole('button', { name: 'Ask' }).click();
    await panel.locator('.notice-good').waitFor();
    assert.deepEqual(seen.sent, [{ what: 'POST /commands', body: { what: 'snapshot', why: 'is the shelf there?', camera: 'door' } }]);
    assert.match(seen.asked[0], /camera door now.*pixelated/);
    assert.equal(seen.pictures, 0);
    await panel.getByRole('button', { name: /Look at the picture/ }).click();
    await page.locator('.picture img').waitFor();
    assert.equal(seen.pictures, 1);
    assert.match(seen.asked[1], /audit log/);
    await page.getByText('3 people are pixelated.').waitFor();
  }));

test('an administrator is led to the line of a fault, and asked before a text is given', () =>
  check({ at: box }, async (page, seen) => {
    const text = page.locator('textarea');
    await page.getByRole('button', { name: 'Line 6' }).click();
    assert.equal(await text.evaluate((one) => one.value.slice(one.selectionStart, one.selectionEnd)), '0');
    await text.fill('[detector]\nthreads = 1\n');
    const form = page.locator('form', { has: text });
    await form.getByLabel('Why').fill('it is hot');
    await form.getByRole('button', { name: 'Give it to the box' }).click();
    for (let times = 0; times < 100 && seen.sent.length === 0; times += 1) await page.waitForTimeout(50);
    assert.deepEqual(seen.sent, [{ what: 'PUT /config', body: { text: '[detector]\nthreads = 1\n', why: 'it is hot' } }]);
    assert.match(seen.asked[0], /box-1.*goes back to what it had/);
  }));

test('a question that is answered with no sends nothing', () =>
  check({ at: box }, async (page, seen) => {
    page.removeAllListeners('dialog');
    page.on('dialog', (dialog) => dialog.dismiss());
    await page.getByRole('button', { name: 'Make a link' }).click();
    const panel = page.locator('section.panel', { hasText: 'Ask the box' });
    await panel.getByLabel('Why').fill('no reason');
    await panel.getByRole('button', { name: 'Ask' }).click();
    assert.deepEqual(seen.sent, []);
  }));

test('a link to enrol is shown once, as text and as a code', () =>
  check({ at: box }, async (page, seen) => {
    await page.getByRole('button', { name: 'Make a link' }).click();
    await page.locator('.qr').waitFor();
    assert.equal(await page.locator('.secret code').textContent(), 'https://hq.example.org/enrol#ffen_x');
    assert.ok(await page.locator('.qr').evaluate((one) => one.complete && one.naturalWidth > 0));
    assert.deepEqual(await axeFindings(page), []);
    assert.deepEqual(seen.sent, [{ what: 'POST /enrolment', body: {} }]);
    await page.reload();
    await settled(page);
    assert.equal(await page.locator('.qr, .secret').count(), 0);
  }));

test('a roll-out that stopped shows why, and in its ring who got worse first; it can be taken back', () =>
  check({ at: rollout }, async (page, seen) => {
    await page.locator('.notice-bad', { hasText: 'box-3 got worse' }).waitFor();
    const rows = page.locator('section.panel', { hasText: 'Ring 2 of 2' }).locator('tbody tr');
    assert.match(await rows.first().textContent(), /box-3.*it refused the change/);
    const form = page.locator('form', { has: page.getByRole('button', { name: 'Take it back' }) });
    await form.getByLabel('Why').fill('it was wrong');
    await form.getByRole('button', { name: 'Take it back' }).click();
    for (let times = 0; times < 100 && seen.sent.length === 0; times += 1) await page.waitForTimeout(50);
    assert.deepEqual(seen.sent, [{ what: 'POST /2', body: { do: 'take_back', why: 'it was wrong' } }]);
    assert.match(seen.asked[0], /3 boxes that were asked will be given what it had before|Each of the 3 boxes/);
  }));

test('a roll-out is begun with what was written, for whom, and in which rings', () =>
  check({ at: rollouts, size: 'phone', scheme: 'dark' }, async (page, seen) => {
    await page.locator('details[data-keep=rollout-new] > summary').click();
    const form = page.locator('details[data-keep=rollout-new] form');
    await form.getByLabel('Title').fill('One thread');
    await form.getByLabel('Change').fill('[detector]\nthreads = 1\n');
    await form.getByRole('button', { name: 'stores' }).click();
    // What was written stays when something else is chosen.
    await form.locator('fieldset.ticks input').first().check();
    assert.equal(await form.getByLabel('Title').inputValue(), 'One thread');
    assert.deepEqual(await axeFindings(page), []);
    await shot(page, 'rollout-new-en-phone-dark', { fullPage: true });
    await form.getByLabel('Why').fill('they are hot');
    await form.getByRole('button', { name: 'Roll it out' }).click();
    await page.waitForURL('**rollout=8**');
    const [{ what, body }] = seen.sent;
    assert.equal(what, 'POST ');
    assert.deepEqual({ ...body, stores: body.stores.length }, { kind: 'config', change: '[detector]\nthreads = 1\n', title: 'One thread', why: 'they are hot', stores: 1, rings: ['1', '10%', '100%'], soak_s: 900 });
    assert.match(seen.asked[0], /1 place/);
    assert.match(seen.asked[1], /s\/box-9/);
  }));

test('roll-outs are not for those who only read', () =>
  check({ role: 'viewer', at: () => '/fleet/rollouts' }, async (page, seen) => {
    await page.getByText('Roll-outs are for administrators of a chain').waitFor();
    assert.equal(await page.locator('main form').count(), 0);
    assert.deepEqual(seen.sent, []);
  }));
