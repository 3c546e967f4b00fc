// The frame around pages: skip link, bar, navigation, banners.

import { h, s } from '../kit/dom';
import { t } from '../kit/i18n';

interface Area {
  path: string;
  name: 'overview' | 'stores' | 'compare' | 'displays' | 'queues' | 'fleet' | 'alerts';
  /** Shown on a phone before "more" is pressed. */
  first: boolean;
  drawing: string;
}

export const AREAS: readonly Area[] = [
  { path: '/', name: 'overview', first: true, drawing: 'M4 20V10m6 10V4m6 16v-7m4 7H2' },
  { path: '/stores', name: 'stores', first: true, drawing: 'M4 10v10h16V10M3 10l2-6h14l2 6a3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0m7 10v-5h4v5' },
  { path: '/compare', name: 'compare', first: false, drawing: 'M4 17l5-6 4 3 7-9M4 20h16' },
  { path: '/displays', name: 'displays', first: true, drawing: 'M4 5h16v10H4zm8 10v5m-4 0h8' },
  { path: '/queues', name: 'queues', first: false, drawing: 'M6 8a2 2 0 1 0 0-.01M12 8a2 2 0 1 0 0-.01M18 8a2 2 0 1 0 0-.01M4 19v-4a2 2 0 0 1 4 0v4m2 0v-4a2 2 0 0 1 4 0v4m2 0v-4a2 2 0 0 1 4 0v4' },
  { path: '/fleet', name: 'fleet', first: false, drawing: 'M3 8h13v9H3zm13 3 5-3v9l-5-3M6 4h6' },
  { path: '/alerts', name: 'alerts', first: true, drawing: 'M6 17V11a6 6 0 0 1 12 0v6l2 2H4zm4 4h4' },
];

export interface Frame {
  element: HTMLElement;
  main: HTMLElement;
  /** Marks the area that is looked at. */
  at: (path: string) => void;
  /** How many alerts are open. */
  alerts: (open: number) => void;
}

export interface FrameOptions {
  account: string;
  /** How many of the stores are simulated. */
  simulated: 'none' | 'some' | 'all';
}

/** Everything that stays while pages change. */
export function frame({ account, simulated }: FrameOptions): Frame {
  const main = h('main', { id: 'main', tabindex: -1 });
  const skip = h('a', { class: 'skip', href: '#main', 'data-outside': true }, t('frame.skip'));
  skip.addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
  const links = new Map(AREAS.map((area) => [area.path, areaLink(area)]));
  const openAlerts = h('span', { class: 'badge badge-bad count', hidden: true });
  links.get('/alerts')?.append(openAlerts);
  const nav = navigation(links);
  const bar = h(
    'header',
    { class: 'bar' },
    h('a', { class: 'brand', href: '/' }, h('img', { src: '/favicon.svg', alt: '' }), 'footfall'),
    h('div', { class: 'end' }, h('a', { href: '/account', 'aria-label': t('frame.account', { account }) }, account)),
  );
  const element = h('div', { class: simulated === 'all' ? 'all-simulated' : null }, skip, bar, awayStrip(), simulatedStrip(simulated), h('div', { class: 'frame' }, nav, main));
  return {
    element,
    main,
    at: (path) => {
      nav.classList.remove('unfolded');
      nav.querySelector('button')?.setAttribute('aria-expanded', 'false');
      const area = `/${path.split('/')[1] ?? ''}`;
      for (const [to, link] of links) {
        if (to === area) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
      }
    },
    alerts: (open) => {
      openAlerts.hidden = open === 0;
      openAlerts.replaceChildren(String(open), h('span', { class: 'unseen' }, ` ${t('frame.open_alerts')}`));
    },
  };
}

function navigation(links: ReadonlyMap<string, HTMLElement>): HTMLElement {
  const more = h('button', { type: 'button', 'aria-expanded': 'false' }, picture('M5 12h.01M12 12h.01M19 12h.01'), h('span', null, t('frame.more')));
  const items = AREAS.map((area) => h('li', { class: area.first ? null : 'second' }, links.get(area.path)));
  const nav = h('nav', { class: 'rail', 'aria-label': t('frame.areas') }, h('ul', null, ...items, h('li', { class: 'more' }, more)));
  more.addEventListener('click', () => {
    const unfolded = nav.classList.toggle('unfolded');
    more.setAttribute('aria-expanded', String(unfolded));
  });
  return nav;
}

function areaLink(area: Area): HTMLElement {
  return h('a', { href: area.path }, picture(area.drawing), h('span', null, t(`area.${area.name}`)));
}

function picture(drawing: string): SVGElement {
  return s('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' }, s('path', { d: drawing }));
}

/** Says that the browser itself has no network; what is shown may be old. */
function awayStrip(): HTMLElement {
  const strip = h('div', { class: 'strip away', role: 'status', hidden: navigator.onLine }, t('frame.away'));
  addEventListener('offline', () => (strip.hidden = false));
  addEventListener('online', () => (strip.hidden = true));
  return strip;
}

function simulatedStrip(simulated: FrameOptions['simulated']): HTMLElement | null {
  if (simulated === 'none') return null;
  return h('div', { class: 'strip simulated', role: 'note' }, t(`simulated.${simulated}`));
}
