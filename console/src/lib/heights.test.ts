import { expect, it } from 'vitest';

import { Heights } from './heights';

it('rows that were never seen are as high as those that were seen first', () => {
  const heights = new Heights(80);
  heights.resize(100_000);
  expect(heights.top(100_000)).toBe(8_000_000);
  heights.measured(0, [50, 70]);
  expect(heights.top(100_000)).toBe(6_000_000);
  heights.measured(2, [100]);
  expect([heights.top(2), heights.top(3), heights.top(4)]).toEqual([120, 220, 280]);
  expect(heights.top(100_000)).toBe(6_000_040);
});

it('the row at a height is found, and beyond the ends the first and the last', () => {
  const heights = new Heights(10);
  heights.resize(1_000);
  heights.measured(0, [10]);
  heights.measured(3, [40]);
  for (const [height, row] of [
    [-5, 0],
    [0, 0],
    [9.9, 0],
    [10, 1],
    [30, 3],
    [69.9, 3],
    [70, 4],
    [10_000, 997],
    [99_999, 999],
  ] as const) {
    expect(heights.at(height), String(height)).toBe(row);
  }
  for (const row of [0, 1, 3, 4, 500, 999]) expect(heights.at(heights.top(row))).toBe(row);
});

it('grows, shrinks and forgets', () => {
  const heights = new Heights(10);
  heights.resize(3);
  heights.measured(0, [20, 20, 30]);
  heights.resize(5_000);
  expect([heights.top(3), heights.top(5_000)]).toEqual([70, 70 + 4_997 * (70 / 3)]);
  heights.resize(2);
  expect([heights.length, heights.top(2), heights.at(1_000)]).toEqual([2, 40, 1]);
  heights.resize(3);
  expect(heights.top(3)).toBeCloseTo(40 + 70 / 3);
  heights.forget();
  heights.measured(0, [5]);
  expect(heights.top(3)).toBe(15);
});

it('what is measured again counts anew', () => {
  const heights = new Heights(10);
  heights.resize(2);
  heights.measured(0, [20, 20]);
  heights.measured(1, [44]);
  expect(heights.top(2)).toBe(64);
});
