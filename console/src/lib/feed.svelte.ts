/** The feed of changes: the server says what changed, and who shows it asks again. */

export type Topic = 'streams' | 'recordings' | 'videos' | 'jobs' | 'events';

type Listener = { topics: readonly Topic[]; act: () => void };

const listeners = new Set<Listener>();
let source: EventSource | undefined;
let again: ReturnType<typeof setTimeout> | undefined;
let wait = 1_000;
let connected = $state(true);

export const feed = {
  /** Whether changes are heard of. */
  get connected(): boolean {
    return connected;
  },
};

/** Begins to listen; also after a sign-in. */
export function openFeed(): void {
  closeFeed();
  const opened = new EventSource('/console/feed');
  source = opened;
  opened.addEventListener('open', () => {
    // What changed while nobody listened is not told again.
    if (!connected) tell(() => true);
    connected = true;
    wait = 1_000;
  });
  opened.addEventListener('changed', (event) => {
    const topics = (JSON.parse((event as MessageEvent<string>).data) as { Topics: Topic[] }).Topics;
    tell((listener) => listener.topics.some((topic) => topics.includes(topic)));
  });
  opened.addEventListener('error', () => {
    connected = false;
    // The browser tries again by itself after a lost connection, and not after a refusal.
    if (opened.readyState === EventSource.CLOSED) {
      again = setTimeout(openFeed, wait);
      wait = Math.min(wait * 2, 30_000);
    }
  });
}

export function closeFeed(): void {
  clearTimeout(again);
  source?.close();
  source = undefined;
}

/** Calls `act` whenever one of the topics changed, until the returned function is called. */
export function onChange(topics: readonly Topic[], act: () => void): () => void {
  const listener = { topics, act };
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(which: (listener: Listener) => boolean): void {
  for (const listener of listeners) if (which(listener)) listener.act();
}
