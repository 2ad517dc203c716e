import { expect, it } from 'vitest';

import codes from '../../../crates/api/src/codes.rs?raw';
import { errors } from './errors';

const known = new Map(Object.entries(errors).map(([key, message]) => [key.replace('error.', ''), message]));

it('every code of the API has a message, with the sentence that the server says by itself', () => {
  const table = [...codes.matchAll(/^ +\w+ = \d+ "([^"]+)" "((?:[^"\\]|\\.)*)";$/gm)];
  expect(table.length).toBeGreaterThan(70);
  expect(table.length).toBe([...codes.matchAll(/^ +\w+ = \d+ /gm)].length);
  for (const [, code = '', said] of table) {
    const [en, zh] = known.get(code) ?? [];
    expect(en, code).toBe(said);
    expect(zh, code).toMatch(/\p{Script=Han}.*。$/u);
  }
});

/** Where else the server has codes, and how each place writes them. */
const PLACES =
  /(?:refusal\(\s*StatusCode::\w+,\s*|"Code": |Refused::(?:new\(\s*StatusCode::\w+,\s*|bad\(\s*)|^(?:pub )?const [A-Z_]+: &str = )"([A-Z][\w.]+)"/gm;

it('so has what else answers the console, and why a file or an output was not made', () => {
  const sources = import.meta.glob<string>(
    [
      '../../../crates/console/src/*.rs',
      '../../../crates/api/src/oss.rs',
      '../../../crates/api/src/oss/*.rs',
      '../../../crates/worker/src/uploads.rs',
      '../../../crates/rpc/src/failure.rs',
    ],
    { query: '?raw', import: 'default', eager: true },
  );
  const found = new Set(Object.values(sources).flatMap((text) => [...text.matchAll(PLACES)].map(([, code = '']) => code)));
  // One of each place.
  expect([...found]).toEqual(
    expect.arrayContaining(['WrongToken', 'NotSignedIn', 'OperationAborted', 'InvalidPart', 'DownloadFailed', 'TranscodeCancelled']),
  );
  expect([...found].filter((code) => !known.has(code))).toEqual([]);
});
