import { asError, type ApiError } from './api';
import { query, type Freshness, type Query } from './query.svelte';
import { complain } from './attempt';

/** What one question for rows brings. */
export interface Rows<T> {
  rows: T[];
  /** What asks for those behind them; absent at the end. */
  next?: string | undefined;
}

/** A list of which the first rows are kept fresh, and further ones are asked for by hand. */
export interface Paged<T> {
  readonly first: Query<T[]>;
  /** All that are known, each once. */
  readonly list: T[];
  readonly hasMore: boolean;
  readonly more: () => Promise<void>;
}

/** A list of a component. Further rows are forgotten when the list's own key changes, and only then. */
export function paged<T>(ask: (token?: string) => Promise<Rows<T>>, id: (row: T) => string, freshness: Freshness = {}): Paged<T> {
  let further = $state.raw<T[]>([]);
  let next = $state<string>();
  /** Whether further rows were asked for: what is behind them is not what is behind the first. */
  let reached = false;
  /** Counts the lists that this was, so that an answer for another one is not heard. */
  let turn = 0;
  let known: { key: unknown } | undefined;
  let busy = false;

  const { key } = freshness;
  const first = query(
    async () => {
      const asked = turn;
      const told = await ask();
      if (asked !== turn) return told.rows;
      if (reached) further = [...pushedOut(told.rows), ...further];
      else next = told.next;
      return told.rows;
    },
    {
      ...freshness,
      key: () => {
        const now = key?.() ?? '';
        if (known && known.key !== now) {
          turn += 1;
          reached = busy = false;
          further = [];
          next = undefined;
        }
        known = { key: now };
        return now;
      },
    },
  );

  /** Rows that were among the first and gave way to newer ones: they are behind them now. */
  function pushedOut(rows: T[]): T[] {
    const before = first.data ?? [];
    const [had, now] = [new Set([...before, ...further].map(id)), new Set(rows.map(id))];
    const came = rows.filter((row) => !had.has(id(row))).length;
    const out: T[] = [];
    for (const row of before.toReversed()) {
      if (out.length === came || now.has(id(row))) break;
      out.unshift(row);
    }
    return out;
  }

  const list = $derived.by(() => {
    const seen = new Set<string>();
    return [...(first.data ?? []), ...further].filter((row) => seen.size < seen.add(id(row)).size);
  });

  async function more(): Promise<void> {
    if (busy || next === undefined) return;
    const asked = turn;
    busy = true;
    let failure: ApiError | undefined;
    try {
      const told = await ask(next);
      if (asked !== turn) return;
      reached = true;
      further = [...further, ...told.rows];
      next = told.next;
    } catch (error) {
      failure = asError(error);
    }
    if (asked !== turn) return;
    busy = false;
    if (failure) complain(failure.message);
  }

  return {
    first,
    get list() {
      return list;
    },
    get hasMore() {
      return next !== undefined;
    },
    more,
  };
}
