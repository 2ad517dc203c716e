// @vitest-environment jsdom
import { expect, it } from 'vitest';

import { bytes, clock, fromDay, short, toDay } from './format';

it('bytes are told in powers of a thousand', () => {
  expect([0, 999, 1000, 1_499_000, 250_000_000, 1.9e9].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '1.5 MB', '250 MB', '1.9 GB']);
});

it('lengths are told as players do', () => {
  expect([0, 7.9, 61, 3723, -3].map(clock)).toEqual(['0:00', '0:07', '1:01', '1:02:03', '0:00']);
});

it('a day goes to the API and comes back', () => {
  expect(toDay(fromDay('2026-03-01'))).toBe('2026-03-01');
  expect(toDay(fromDay('2026-03-01', true))).toBe('2026-03-01');
  expect(fromDay('')).toBeUndefined();
});

it('ids of one minute are told apart when short', () => {
  expect(short('01a229a20fde7000a537cd89035bc049')).toBe('01a229…5bc049');
});
