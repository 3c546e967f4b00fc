// Answers the API for the made-up chain, as head office would: with a session, faults, CSV and live values.

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Fault, LoginWays, Me, Stores, Tokens } from '../src/api';
import * as boxes from './boxes';
import { STORES } from './chain';
import * as pages from './pages';

const ME: Me = { account: 'demo', csrf: 'made-up', grants: [{ role: 'admin', scope: 'chain', tenant: 'acme', name: null }] };
const WAYS: LoginWays = { password: true, oidc: { title: 'Example ID', href: '/api/v1/oidc/begin' } };
const PASSWORD = 'demo';
const TOKENS: Tokens = {
  tokens: [{ id: 1, name: 'warehouse', scope: 'read', created_ms: Date.now() - 40 * 86_400_000, last_used_ms: Date.now() - 3_600_000, expires_ms: Date.now() + 50 * 86_400_000 }],
};

/** Middleware for a development server; passes on what is not of the API. */
export function answer(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const url = new URL(request.url ?? '/', 'http://made-up');
  if (!url.pathname.startsWith('/api/')) return next();
  const path = url.pathname.slice('/api/v1'.length);
  if (path === '/login') return json(response, 200, WAYS);
  if (path === '/session' && request.method === 'POST') return void signIn(request, response);
  if (!request.headers.cookie?.includes('made_up=1')) return fault(response, 401, 'sign_in', 'sign in');
  if (path === '/session' && request.method === 'DELETE') {
    response.setHeader('set-cookie', 'made_up=; Path=/; Max-Age=0');
    response.writeHead(204).end();
    return;
  }
  if (path === '/live') return live(request, response);
  if (path.endsWith('/picture')) {
    response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' }).end(boxes.PICTURE);
    return;
  }
  if (request.method === 'POST' || request.method === 'PUT') return void change(request, response, path);
  const found = asked(path.replace(/\.csv$/, ''), url.searchParams);
  if (found === null) return fault(response, 404, 'not_found', 'there is no such thing, or not for this account');
  if (path.endsWith('.csv')) {
    response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' }).end('made,up\r\n');
    return;
  }
  json(response, 200, found);
}

async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const piece of request) body += String(piece);
  const { password } = JSON.parse(body) as { password?: string };
  if (password !== PASSWORD) return fault(response, 401, 'wrong_sign_in', 'name or password is wrong');
  response.setHeader('set-cookie', 'made_up=1; Path=/; HttpOnly; SameSite=Strict');
  json(response, 200, ME);
}

/** What changes a box or a roll-out; the rest of the chain does not change. */
async function change(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  let text = '';
  for await (const piece of request) text += String(piece);
  const body = JSON.parse(text || '{}') as Record<string, string>;
  const [, rest] = /^\/fleet\/[^/]+\/[^/]+\/[^/]+(\/.*)$/.exec(path) ?? [];
  const [, id] = /^\/rollouts\/[^/]+(?:\/(\d+))?$/.exec(path) ?? [];
  const made = rest !== undefined ? boxes.toBox(rest, body) : path.startsWith('/rollouts/') ? boxes.toRollouts(id === undefined ? null : Number(id), body) : null;
  if (made === null) return fault(response, 404, 'not_found', 'there is no such thing, or not for this account');
  json(response, 200, made);
}

function asked(path: string, query: URLSearchParams): unknown {
  if (path === '/me') return ME;
  if (path === '/stores') return { stores: [...STORES], simulated: true } satisfies Stores;
  if (path === '/overview') return pages.overview(query);
  if (path === '/compare') return pages.compare(query);
  if (path === '/displays') return pages.displays();
  if (path === '/displays/compare') return pages.displayComparison(query);
  if (path === '/fleet') return pages.fleet();
  if (path === '/alerts') return pages.alerts();
  if (path === '/tokens') return TOKENS;
  if (path === '/accounts') return boxes.accounts();
  if (path === '/audit') return boxes.audit();
  if (path === '/packages') return boxes.packages();
  const [, rollout] = /^\/rollouts\/[^/]+(?:\/(\d+))?$/.exec(path) ?? [];
  if (path.startsWith('/rollouts/')) return rollout === undefined ? boxes.rolloutList() : boxes.rolloutOf(Number(rollout));
  const [, chain, of, , ofBox] = /^\/fleet\/([^/]+)\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  if (chain && of) {
    const at = pages.find(chain, of);
    return at ? boxes.ofBox(at, ofBox ?? '', query) : null;
  }
  const [, tenant, name, rest] = /^\/stores\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  const store = tenant && name ? pages.find(decodeURIComponent(tenant), decodeURIComponent(name)) : undefined;
  if (!store) return null;
  if (rest === undefined) return pages.storePage(store, query);
  if (rest === '/heat') return pages.heat();
  if (rest === '/flow') return pages.flow();
  if (rest === '/queues') return pages.queues(store, query);
  if (rest === '/sensors') return pages.sensors(store, query);
  const day = /^\/day\/(\d{4}-\d{2}-\d{2})$/.exec(rest)?.[1];
  return day ? pages.storeDay(store, day) : null;
}

function live(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const tell = (): void => {
    for (const one of STORES) response.write(`event: now\ndata: ${JSON.stringify(pages.liveStore(one))}\n\n`);
  };
  tell();
  const timer = setInterval(tell, 4000);
  request.on('close', () => clearInterval(timer));
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fault(response: ServerResponse, status: number, key: string, text: string): void {
  json(response, status, { key, text } satisfies Fault);
}
