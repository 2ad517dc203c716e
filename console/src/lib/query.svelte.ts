import { untrack } from 'svelte';

import { ApiError, asError } from './api';
import { onChange, type Topic } from './feed.svelte';

/** Something that is asked for, and shown as it is known. */
export class Query<T> {
  /** The last good answer. */
  data = $state.raw<T>();
  /** Why the last question had none. */
  error = $state.raw<ApiError>();
  /** Whether nothing is known yet. */
  loading = $state(true);
  /** Counts questions, so that only the newest is heard. */
  #asked = 0;
  #running = false;
  #again = false;
  #ask: () => Promise<T>;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** Asks anew: it is of something else. What is shown is forgotten at once, or `stays` until there is an answer. */
  restart(stays = false): void {
    if (!stays) {
      this.data = undefined;
      this.error = undefined;
      this.loading = true;
    }
    this.#running = false;
    void this.reload();
  }

  /** Asks again, while what is known stays. Questions that come meanwhile are one more. */
  async reload(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#again = false;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const data = await this.#ask();
      if (asked !== this.#asked) return;
      this.data = data;
      this.error = undefined;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.error = asError(error);
    }
    this.loading = false;
    this.#running = false;
    if (this.#again) void this.reload();
  }
}

/** How a query is kept fresh. */
export interface Freshness {
  /** Asks again when one of these changed. */
  topics?: readonly Topic[];
  /** Asks again so often, in milliseconds, while the page is seen. */
  every?: number;
  /** What it depends on, as text or a number: when this changes, it is another question. */
  key?: () => string | number;
  /** What is shown stays until another question has its answer. */
  stays?: boolean;
}

/** A query of a component: it begins with it, and ends with it. */
export function query<T>(ask: () => Promise<T>, { topics, every, key, stays }: Freshness = {}): Query<T> {
  const made = new Query(ask);
  let known: { key: unknown } | undefined;
  $effect(() => {
    const now = key?.();
    // What the key is read from may change without it.
    if (known && known.key === now) return;
    const isFirst = !known;
    known = { key: now };
    untrack(() => made.restart(stays && !isFirst));
  });
  $effect(() => (topics ? onChange(topics, () => void made.reload()) : undefined));
  $effect(() => {
    if (!every) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void made.reload();
    }, every);
    return () => clearInterval(timer);
  });
  return made;
}
