// Live values by server-sent events, which come again by themselves.
//
// A browser gives up for good when the stream is answered with an error, as a proxy does while head office restarts, so the waiting is
// done here: longer each time, and not at the same moment for every screen of a chain.

export type LiveState = 'connecting' | 'live' | 'waiting';

export interface LiveHandlers {
  /** One event's data, read. */
  event: (value: unknown) => void;
  state: (state: LiveState) => void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** How long to wait before the nth try (from 0): doubling, half of it by chance. */
export function waitBefore(attempt: number, chance: number): number {
  const whole = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
  return whole / 2 + (whole / 2) * chance;
}

/** Listens until `signal` is aborted. */
export function listen(path: string, eventName: string, handlers: LiveHandlers, signal: AbortSignal): void {
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stream: EventSource | undefined;

  const again = (): void => {
    stream?.close();
    if (signal.aborted) return;
    handlers.state('waiting');
    timer = setTimeout(begin, waitBefore(attempt, Math.random()));
    attempt += 1;
  };
  const begin = (): void => {
    handlers.state('connecting');
    stream = new EventSource(path);
    stream.addEventListener('open', () => {
      attempt = 0;
      handlers.state('live');
    });
    stream.addEventListener(eventName, (message) => {
      const value = parsed(message.data);
      if (value !== undefined) handlers.event(value);
    });
    stream.addEventListener('error', again);
  };
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    stream?.close();
  });
  begin();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // One event that cannot be read is passed over; the next one comes within seconds.
    return undefined;
  }
}
