// Begins a roll-out: of settings, written here, or of a package that lies at head office.

import type { Packages, Rollout, RolloutToMake } from '../../api';
import { get, send } from '../../kit/client';
import { freshId, h } from '../../kit/dom';
import { labelled, labelledSegments, select, ticks } from '../../kit/fields';
import { listed, t } from '../../kit/i18n';
import { reasonForm } from '../../kit/reason';
import { notice } from '../../kit/state';
import type { Visit } from '../visit';
import { panel } from './box';
import { later, redrawn } from './parts';
import { rolloutsApi } from './rollouts';

interface Asked {
  kind: Rollout['kind'];
  whom: 'all' | 'regions' | 'stores';
  chosen: ReadonlySet<string>;
}

const SOAKS_MIN = [5, 15, 60, 24 * 60];

/** The form, folded up: it is not what one comes for most of the time. */
export function newRollout(visit: Visit, tenant: string): HTMLElement {
  const content = later(async () => {
    const packages = await get<Packages>('/api/v1/packages', {}, visit.signal);
    return redrawn<Asked>({ kind: 'config', whom: 'all', chosen: new Set() }, (asked, choose) => form(visit, tenant, packages, asked, choose));
  }, visit.signal);
  return panel(t('rollout.new'), h('p', { class: 'summary' }, t('rollout.new_hint')), h('details', { class: 'fold', 'data-keep': 'rollout-new' }, h('summary', null, t('rollout.begin')), content));
}

/** What was written stays when something else of the form is chosen. */
const written = { title: '', change: '', rings: '1, 10%, 100%' };

function form(visit: Visit, tenant: string, packages: Packages, asked: Asked, choose: (next: Asked) => void): HTMLElement {
  const here = packages.packages.filter((one) => one.is_here);
  let sha256 = here[0]?.sha256 ?? '';
  let soak_min = 15;
  const title = input(written.title, 100, (value) => (written.title = value));
  const change = area(written.change, (value) => (written.change = value));
  const rings = input(written.rings, 60, (value) => (written.rings = value));
  const whom = chosenOf(visit, tenant, asked);
  const kinds = (['config', 'software'] as const).map((value) => ({ value, title: t(`rollout.kind.${value}`) }));
  const scopes = (['all', 'regions', 'stores'] as const).map((value) => ({ value, title: t(`rollout.whom.${value}`) }));
  const packs = here.map((one) => ({ value: one.sha256, title: `${one.package} ${one.version} ${one.architecture}` }));
  const what =
    asked.kind === 'config'
      ? labelled(t('rollout.change'), change.id, change, t('rollout.change_hint'))
      : here.length
        ? select(t('rollout.package'), packs, sha256, (value) => (sha256 = value))
        : notice('note', t('rollout.no_package'));
  const fields = [
    labelled(t('rollout.name'), title.id, title),
    labelledSegments(t('rollout.kind'), kinds, asked.kind, (value) => choose({ ...asked, kind: value === 'software' ? 'software' : 'config' })),
    what,
    labelledSegments(t('rollout.whom'), scopes, asked.whom, (value) => choose({ ...asked, whom: scopes.find((one) => one.value === value)?.value ?? 'all', chosen: new Set() })),
    asked.whom === 'all' ? null : ticks(t(`rollout.whom.${asked.whom}`), whom, asked.chosen, (chosen) => choose({ ...asked, chosen })),
    labelled(t('rollout.rings'), rings.id, rings, t('rollout.rings_hint')),
    select(t('rollout.soak'), SOAKS_MIN.map((value) => ({ value: String(value), title: t('rollout.minutes', { minutes: value }) })), String(soak_min), (value) => (soak_min = Number(value))),
  ];
  const body = (why: string): RolloutToMake => ({
    kind: asked.kind,
    ...(asked.kind === 'config' ? { change: written.change } : { package: sha256 }),
    title: written.title.trim(),
    why,
    ...(asked.whom === 'all' ? {} : { [asked.whom]: [...asked.chosen] }),
    rings: written.rings.split(',').map((one) => one.trim()).filter(Boolean),
    soak_s: soak_min * 60,
  });
  return reasonForm({
    go: t('rollout.go'),
    primary: true,
    fields,
    sure: () => t(asked.whom === 'all' ? 'rollout.sure_all' : 'rollout.sure_some', { title: written.title, chain: tenant, count: asked.chosen.size, rings: written.rings }),
    run: async (why) => {
      const begun = await send<{ id: number; left_out: string[] }>('POST', rolloutsApi(tenant), body(why));
      [written.title, written.change] = ['', ''];
      if (begun?.left_out.length) alert(t('rollout.left_out', { names: listed(begun.left_out) }));
      if (begun) visit.ask({ tenant, rollout: String(begun.id) });
    },
  });
}

function chosenOf(visit: Visit, tenant: string, asked: Asked): { value: string; title: string }[] {
  const stores = visit.stores.filter((one) => one.tenant === tenant);
  if (asked.whom === 'stores') return stores.map((one) => ({ value: one.store, title: one.title }));
  return [...new Set(stores.flatMap((one) => one.region ?? []))].sort().map((value) => ({ value, title: value }));
}

function input(value: string, maxlength: number, change: (value: string) => void): HTMLInputElement {
  const field = h('input', { id: freshId('rollout'), maxlength, required: true, autocomplete: 'off', value });
  field.addEventListener('input', () => change(field.value));
  return field;
}

function area(value: string, change: (value: string) => void): HTMLTextAreaElement {
  const field = h('textarea', { id: freshId('rollout'), class: 'code', rows: 8, required: true, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', wrap: 'off' });
  field.value = value;
  field.addEventListener('input', () => change(field.value));
  return field;
}
