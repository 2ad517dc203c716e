/** What is said for a moment: something was done, and perhaps how to undo it. */

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: { label: string; act: () => void };
}

/** How long a toast stays; one that undoes something stays longer. */
const STAY_MS = 6_000;
const STAY_WITH_ACTION_MS = 15_000;

let next = 0;
let list = $state.raw<Toast[]>([]);

export const toasts = {
  get list(): Toast[] {
    return list;
  },
};

export function say(text: string, action?: Toast['action'], bad = false): void {
  next += 1;
  const id = next;
  list = [...list, { id, text, bad, ...(action && { action }) }].slice(-4);
  setTimeout(() => unsay(id), action || bad ? STAY_WITH_ACTION_MS : STAY_MS);
}

export function unsay(id: number): void {
  list = list.filter((toast) => toast.id !== id);
}
