// Which page an address is.

import type { Page } from './visit';

export interface Found {
  path: Record<string, string>;
  load: () => Promise<Page>;
}

const ROUTES: readonly [pattern: string, load: () => Promise<Page>][] = [
  ['/', async () => (await import('./pages/overview')).overview],
  ['/stores', async () => (await import('./pages/stores')).stores],
  ['/stores/:tenant/:store', async () => (await import('./pages/store')).store],
  ['/stores/:tenant/:store/day/:day', async () => (await import('./pages/day')).day],
  ['/compare', async () => (await import('./pages/compare')).compare],
  ['/displays', async () => (await import('./pages/displays')).displays],
  ['/queues', async () => (await import('./pages/stores')).stores],
  ['/queues/:tenant/:store', async () => (await import('./pages/queues')).queues],
  ['/fleet', async () => (await import('./pages/fleet')).fleet],
  ['/fleet/rollouts', async () => (await import('./pages/rollouts')).rollouts],
  ['/fleet/:tenant/:store/:box', async () => (await import('./pages/box')).box],
  ['/alerts', async () => (await import('./pages/alerts')).alerts],
  ['/accounts', async () => (await import('./pages/accounts')).accounts],
  ['/audit', async () => (await import('./pages/audit')).audit],
  ['/account', async () => (await import('./pages/account')).account],
];

/** The page of a path; one that says so where there is none. */
export function find(pathname: string): Found {
  const parts = pathname.split('/').filter(Boolean);
  for (const [pattern, load] of ROUTES) {
    const path = matched(pattern.split('/').filter(Boolean), parts);
    if (path) return { path, load };
  }
  return { path: {}, load: async () => (await import('./pages/nowhere')).nowhere };
}

function matched(pattern: readonly string[], parts: readonly string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const path: Record<string, string> = {};
  for (const [at, name] of pattern.entries()) {
    const part = parts[at] ?? '';
    if (name.startsWith(':')) path[name.slice(1)] = decoded(part);
    else if (name !== part) return null;
  }
  return path;
}

/** A part of a path as it was meant; one that nobody can have meant stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
