// What a page is given, and what it gives back.

import type { Me, StoreName } from '../api';

/** One look at one page. */
export interface Visit {
  /** Named parts of the path. */
  path: Readonly<Record<string, string>>;
  query: URLSearchParams;
  me: Me;
  /** The stores that the account may read. */
  stores: readonly StoreName[];
  /** Aborted when the reader goes elsewhere. */
  signal: AbortSignal;
  /** Another address of these pages. */
  go: (address: string) => void;
  /** The same page, asked differently: what is `null` is taken out. It can be linked to and gone back from. */
  ask: (query: Record<string, string | null>) => void;
  /** Draws the page anew, with figures asked for anew. */
  again: () => void;
  /** All anew, frame and session too. */
  restart: () => Promise<void>;
}

export interface View {
  title: string;
  content: Node;
  /** Whether the page is asked for anew while it is looked at. */
  refresh_s?: number;
}

export type Page = (visit: Visit) => Promise<View>;

/** The address of a store's page. */
export const storeAddress = (of: { tenant: string; store: string }, under = 'stores'): string =>
  `/${under}/${encodeURIComponent(of.tenant)}/${encodeURIComponent(of.store)}`;

/** The name of a store in the API's addresses. */
export const storeApi = (of: { tenant: string; store: string }): string =>
  `/api/v1/stores/${encodeURIComponent(of.tenant)}/${encodeURIComponent(of.store)}`;

/** `tenant/store`, as lists in addresses name it. */
export const storeKey = (of: { tenant: string; store: string }): string => `${of.tenant}/${of.store}`;

/** The store of an answer that names its address only. */
function among(stores: readonly StoreName[], of: { tenant: string; store: string }): StoreName | undefined {
  return stores.find((one) => one.tenant === of.tenant && one.store === of.store);
}

/** The clock of a store; `undefined`, which is the reader's own, for one that is not known. */
export function zoneOf(stores: readonly StoreName[], of: { tenant: string; store: string }): string | undefined {
  return among(stores, of)?.time_zone;
}

/** How a store is called where head office sends its address only. */
export function titleOf(stores: readonly StoreName[], of: { tenant: string; store: string }): string {
  return among(stores, of)?.title ?? of.store;
}
