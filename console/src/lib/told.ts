import { messages } from '../messages';
import type { ApiError } from './api';
import { isKey, language, t } from './i18n.svelte';

/** What is said of an error. */
export interface Told {
  /** The sentence in the user's language. */
  text: string;
  /** The server's own English sentence, where the user reads another language and it says more: names, limits. */
  detail?: string;
}

type Failure = Pick<ApiError, 'code' | 'message'>;

/** What is said of an error of the server. What the console made itself, and codes that there is no message for, stand as they are. */
export function told({ code, message }: Failure): Told {
  const key = `error.${code}`;
  if (!isKey(key)) return { text: message || code };
  // What the browser says of a connection is not for people.
  if (code === 'Unreachable') return { text: t(key) };
  // In English the server's own sentence is the more exact one.
  if (language.chosen === 'en') return { text: message || t(key) };
  const [usual] = messages[key];
  return { text: t(key), ...(message && message !== usual && { detail: message }) };
}

/** The same on one line. */
export function sentence(of: Failure): string {
  const { text, detail } = told(of);
  return detail ? `${text}（${detail}）` : text;
}
