import { expect, it } from 'vitest';

import { messages } from '.';

const holes = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

it('both languages say the same values', () => {
  for (const [key, [en, zh]] of Object.entries(messages)) {
    expect(en, key).not.toBe('');
    expect(zh, key).not.toBe('');
    expect(holes(zh), key).toEqual(holes(en));
  }
});

/** Messages whose keys are made of words of the API, or of the kind of an act. */
const MADE =
  /^(error|state|kind|cause|ended|about|advice|attention|ondemand|group|role|matched|asset\.keep|asset\.trigger|asset\.pictures|domains\.type|template\.format|watermark\.type|watermark\.corner|snapshot\.kind|animation\.format|animation\.about|upload\.url|upload\.state|bulk|auth)\.|^stream\.(kick|block|grace|stopped)(\.|$)/;

it('every message is used', () => {
  const sources = import.meta.glob<string>(['../**/*.svelte', '../**/*.ts', '!../messages/**'], {
    query: '?raw',
    import: 'default',
    eager: true,
  });
  const text = Object.values(sources).join('\n');
  const unused = Object.keys(messages).filter((key) => !MADE.test(key) && !text.includes(`'${key}'`));
  expect(unused).toEqual([]);
});
