/** What the current screen asked of the API, newest last, for who wants to do the same by program. */

export interface Call {
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
export function record(call: Omit<Call, 'times'>): void {
  const key = JSON.stringify([call.action, call.params]);
  const known = list.findIndex((other) => JSON.stringify([other.action, other.params]) === key);
  const times = known < 0 ? 1 : (list[known]?.times ?? 0) + 1;
  const entry = { ...call, times };
  list = known < 0 ? [...list, entry].slice(-CALLS_MAX) : list.map((other, at) => (at === known ? entry : other));
}
