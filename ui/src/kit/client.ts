// Asks head office. Every answer is JSON or a fault; what went wrong is told as a kind that pages have a picture and words for.

/** What a page can do something about. */
export type Trouble = 'offline' | 'signed_out' | 'forbidden' | 'not_found' | 'too_many' | 'refused' | 'broken';

export class Failure extends Error {
  constructor(
    readonly trouble: Trouble,
    /** Key of the catalogue, where head office gave one. */
    readonly key: string | null,
    /** Its own words, in English. */
    text: string,
  ) {
    super(text);
  }
}

const PATIENCE_MS = 20_000;

let csrf: string | null = null;

/** What goes back with everything that changes something; from `me`. */
export function holdCsrf(token: string | null): void {
  csrf = token;
}

export type Query = Record<string, string | number | null | undefined>;

/** An address with what is asked; empty values are left out. */
export function address(path: string, query: Query = {}): string {
  const filled = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(filled.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

/** The same table as CSV: `.csv` before the question mark. */
export function csvAddress(path: string, query: Query = {}): string {
  return address(`${path}.csv`, query);
}

/** Parts of an address that come from names. */
export const part = encodeURIComponent;

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const answer = await ask(address(path, query), { method: 'GET' }, signal);
  return (await readJson(answer)) as T;
}

/** Sends a change; `null` where head office answers nothing. */
export async function send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T | null> {
  const headers: Record<string, string> = csrf ? { 'x-csrf-token': csrf } : {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await ask(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
  return answer.status === 204 || !isJson ? null : ((await readJson(answer)) as T);
}

async function ask(path: string, request: RequestInit, signal?: AbortSignal): Promise<Response> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let answer: Response;
  try {
    answer = await fetch(path, {
      ...request,
      credentials: 'same-origin',
      headers: { accept: 'application/json', ...request.headers },
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (fault) {
    // Whoever left the page wants to hear nothing more of it.
    if (signal?.aborted) throw fault;
    throw new Failure('offline', null, 'head office cannot be reached');
  }
  if (answer.ok) return answer;
  throw await failure(answer);
}

async function failure(answer: Response): Promise<Failure> {
  const said = (await answer.json().catch(() => ({}))) as { key?: unknown; text?: unknown };
  const text = typeof said.text === 'string' ? said.text : `head office answered ${answer.status}`;
  return new Failure(troubleOf(answer.status), typeof said.key === 'string' ? said.key : null, text);
}

function troubleOf(status: number): Trouble {
  if (status === 401) return 'signed_out';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 429) return 'too_many';
  // A proxy in between says so when head office itself is away.
  if (status === 502 || status === 503 || status === 504) return 'offline';
  return status < 500 ? 'refused' : 'broken';
}

async function readJson(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    throw new Failure('broken', null, 'head office answered something that is not JSON');
  }
}
