// The stores one may read, to choose one from; for queues as well.

import type { StoreName } from '../../api';
import { freshId, h } from '../../kit/dom';
import { labelled } from '../../kit/fields';
import { t } from '../../kit/i18n';
import { empty } from '../../kit/state';
import { storeAddress, type View, type Visit } from '../visit';
import { pageHead, simulatedMark } from './parts';

/** With more stores than this, names are searched rather than looked for. */
const SEARCH_FROM = 8;

export async function stores(visit: Visit): Promise<View> {
  const under = location.pathname.startsWith('/queues') ? 'queues' : 'stores';
  const title = t(`area.${under}`);
  const lead = under === 'queues' ? t('stores.lead_queues') : t('stores.lead', { stores: visit.stores.length });
  if (visit.stores.length === 0) {
    return { title, content: h('div', { class: 'stack' }, pageHead(title, null), empty(t('overview.none'), t('overview.none_hint'))) };
  }
  const list = h('div', { class: 'stack' });
  const show = (word: string): void => {
    const fit = visit.stores.filter((one) => fits(one, word));
    list.replaceChildren(...(fit.length ? byRegion(fit, under) : [empty(t('stores.no_fit'), t('stores.no_fit_hint'))]));
  };
  show('');
  const content = h('div', { class: 'stack' }, pageHead(title, lead, visit.stores.length >= SEARCH_FROM ? search(show) : null), list);
  return { title, content };
}

function search(show: (word: string) => void): HTMLElement {
  const id = freshId('search');
  const input = h('input', { id, type: 'search', autocomplete: 'off' });
  input.addEventListener('input', () => show(input.value));
  return labelled(t('stores.search'), id, input);
}

function fits(store: StoreName, word: string): boolean {
  const wanted = word.trim().toLocaleLowerCase();
  return [store.title, store.store, store.region ?? ''].some((one) => one.toLocaleLowerCase().includes(wanted));
}

function byRegion(all: readonly StoreName[], under: string): HTMLElement[] {
  const regions = new Map<string, StoreName[]>();
  for (const one of all) regions.set(one.region ?? '', [...(regions.get(one.region ?? '') ?? []), one]);
  return [...regions].map(([region, of]) =>
    h(
      'section',
      { class: 'stack', 'aria-label': region || t('stores.no_region') },
      regions.size > 1 ? h('h2', null, region || t('stores.no_region')) : null,
      h('ul', { class: 'tile-list' }, ...of.map((one) => h('li', null, tile(one, under)))),
    ),
  );
}

function tile(one: StoreName, under: string): HTMLElement {
  return h(
    'a',
    { href: storeAddress(one, under) },
    h('span', null, one.title),
    h('span', { class: 'sub names' }, one.store, one.simulated ? simulatedMark() : null),
  );
}
