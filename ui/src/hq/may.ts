// What the reader may do, by the roles of `me`. It only decides what is offered: head office itself refuses what is not allowed.

import type { Me, StoreName } from '../api';

type Role = Me['grants'][number]['role'];
const RANK: Record<Role, number> = { viewer: 0, manager: 1, admin: 2 };

/** Whether the reader has this role, or one above it, in a store. */
export function may(me: Me, role: Role, of: { tenant: string; store: string }, stores: readonly StoreName[]): boolean {
  const region = stores.find((one) => one.tenant === of.tenant && one.store === of.store)?.region ?? null;
  return me.grants.some((one) => {
    if (one.tenant !== of.tenant || RANK[one.role] < RANK[role]) return false;
    if (one.scope === 'chain') return true;
    return one.scope === 'region' ? region !== null && one.name === region : one.name === of.store;
  });
}

/** The chains that the reader administers as a whole. */
export const administered = (me: Me): string[] => [...new Set(me.grants.filter((one) => one.role === 'admin' && one.scope === 'chain').map((one) => one.tenant))].sort();
