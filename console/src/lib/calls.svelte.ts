/** What the current screen asked of the API, newest last, for who wants to do the same by program. */

export interface Call {
  /** What tells it from others: the operation and what it was given. */
  key: string;
  service: string;
  action: string;
  params: Record<string, string>;
  status: number;
  answer: unknown;
  times: number;
}

/** Most calls that are kept of a screen. */
const CALLS_MAX = 25;

let list = $state.raw<Call[]>([]);

export const calls = {
  get list(): Call[] {
    return list;
  },
  /** Begins anew, for another screen. */
  clear(): void {
    list = [];
  },
};

/** Keeps a call; the same one asked again only replaces its answer. */
export function record(call: Omit<Call, 'times' | 'key'>): void {
  const key = JSON.stringify([call.action, call.params]);
  const known = list.findIndex((other) => other.key === key);
  const entry = { ...call, key, times: (list[known]?.times ?? 0) + 1 };
  list = known < 0 ? [...list, entry].slice(-CALLS_MAX) : list.with(known, entry);
}
