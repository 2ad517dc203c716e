import { asError } from './api';
import { say } from './toast.svelte';
import { sentence } from './told';

/** Acts, and says that it is done, or why not. Says whether it is. */
export async function attempt(act: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await act();
  } catch (error) {
    complain(sentence(asError(error)));
    return false;
  }
  if (done !== undefined) say(done);
  return true;
}

/** Says what went wrong. */
export function complain(text: string): void {
  say(text, undefined, true);
}
