import { messages, type Key } from '../messages';

/** The languages that there are: the place of each in a message. */
const LANGUAGES = ['en', 'zh'] as const;

export type Language = (typeof LANGUAGES)[number];

const KEY = 'reprise.language';

function first(): Language {
  const word = window.localStorage.getItem(KEY) ?? window.navigator.language;
  return word.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

let chosen = $state<Language>(first());
document.documentElement.lang = first();

export const language = {
  get chosen(): Language {
    return chosen;
  },
  set chosen(next: Language) {
    chosen = next;
    window.localStorage.setItem(KEY, next);
    document.documentElement.lang = next;
  },
};

/** A message in the user's language, with `{name}` replaced by the value of that name. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return fill(messages[key][LANGUAGES.indexOf(chosen)] ?? messages[key][0], values);
}

/** Whether there is a message of this key, for keys that are made of words of the API. */
export function isKey(key: string): key is Key {
  return Object.hasOwn(messages, key);
}

/** A word of the API in the user's language; itself where there is none for it. */
export function word(group: string, of: string): string {
  const key = `${group}.${of}`;
  return isKey(key) ? t(key) : of;
}

/** The words of the API that there are messages for. */
export function words(group: string): string[] {
  const begin = `${group}.`;
  return Object.keys(messages).flatMap((key) => (key.startsWith(begin) ? [key.slice(begin.length)] : []));
}

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
