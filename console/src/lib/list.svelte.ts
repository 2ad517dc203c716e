import { asError, type ApiError } from './api';
import { complain } from './attempt';
import { LongList } from './long.svelte';
import { query, type Freshness, type Query } from './query.svelte';
import { sentence } from './told';

/** What one question for rows brings. */
export interface Rows<T> {
  rows: T[];
  /** What asks for those behind them; absent at the end. */
  next?: string | undefined;
}

/** A list of which the first rows are kept fresh, and further ones are asked for. */
export interface Paged<T, E = unknown> {
  /** The answer with the first rows, and what else it tells. */
  readonly first: Query<Rows<T> & E>;
  /** All that are known, each once. */
  readonly rows: LongList<T>;
  readonly hasMore: boolean;
  /** Whether further rows are on their way. */
  readonly busy: boolean;
  readonly more: () => Promise<void>;
  /** Forgets the further rows, and asks for the first again. */
  readonly restart: () => void;
}

/** A list of a component. Further rows are forgotten when the list's own key changes, and only then. */
export function paged<T, E = unknown>(
  ask: (token?: string) => Promise<Rows<T> & E>,
  id: (row: T) => string,
  freshness: Freshness = {},
): Paged<T, E> {
  const rows = new LongList(id);
  let next = $state<string>();
  let busy = $state(false);
  /** Whether further rows were asked for: what is behind them is not what is behind the first. */
  let reached = false;
  /** Counts the lists that this was, so that an answer for another one is not heard. */
  let turn = 0;
  /** Of which of them the rows are: they stay until there are others. */
  let shown = 0;
  let known: { key: unknown } | undefined;

  function forget(): void {
    turn += 1;
    reached = busy = false;
    next = undefined;
  }

  const { key } = freshness;
  const first = query(
    async () => {
      const asked = turn;
      const told = await ask();
      if (asked !== turn) return told;
      if (shown !== turn) rows.clear();
      shown = turn;
      rows.renew(told.rows, reached);
      if (!reached) next = told.next;
      return told;
    },
    {
      ...freshness,
      key: () => {
        const now = key?.() ?? '';
        if (known && known.key !== now) forget();
        known = { key: now };
        return now;
      },
    },
  );

  async function more(): Promise<void> {
    if (busy || next === undefined) return;
    const asked = turn;
    busy = true;
    let failure: ApiError | undefined;
    try {
      const told = await ask(next);
      if (asked !== turn) return;
      reached = true;
      rows.append(told.rows);
      next = told.next;
    } catch (error) {
      failure = asError(error);
    }
    if (asked !== turn) return;
    busy = false;
    if (failure) complain(sentence(failure));
  }

  return {
    first,
    rows,
    get hasMore() {
      return next !== undefined;
    },
    get busy() {
      return busy;
    },
    more,
    restart: () => {
      forget();
      first.restart(true);
    },
  };
}
