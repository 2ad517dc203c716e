// @vitest-environment jsdom
import { flushSync } from 'svelte';
import { expect, test } from 'vitest';

import { LongList } from './long.svelte';

const list = (first: string[], further: string[] = []): LongList<string> => {
  const made = new LongList<string>((row) => row);
  made.renew(first, false);
  made.append(further);
  return made;
};

test('rows are told by their places, over both parts', () => {
  const rows = list(['a', 'b'], ['c', 'd', 'e']);
  expect(rows.length).toBe(5);
  expect([rows.slice(), rows.slice(1, 3), rows.slice(3), rows.slice(5)]).toEqual([['a', 'b', 'c', 'd', 'e'], ['b', 'c'], ['d', 'e'], []]);
});

test('a row is there once, however often it comes', () => {
  const rows = list(['a', 'b', 'a'], ['b', 'c', 'c']);
  rows.append(['a', 'd']);
  expect(rows.slice()).toEqual(['a', 'b', 'c', 'd']);
  expect([...rows.ids()].sort()).toEqual(['a', 'b', 'c', 'd']);
});

test('first rows that give way to newer ones stay, and those that are gone do not', () => {
  const rows = list(['c', 'b'], ['a']);
  rows.renew(['d', 'c'], true);
  expect(rows.slice()).toEqual(['d', 'c', 'b', 'a']);
  // With c gone, b moves up.
  rows.renew(['d', 'b'], true);
  expect(rows.slice()).toEqual(['d', 'b', 'a']);
  expect(rows.get('c')).toBeUndefined();
  // Without further rows there is nothing to keep them for.
  rows.renew(['e'], false);
  expect(rows.slice()).toEqual(['e', 'a']);
});

test('what is taken out is gone, and can come again', () => {
  const rows = list(['a', 'b'], ['c', 'd']);
  rows.drop(['b', 'c', 'none']);
  expect([rows.length, rows.slice()]).toEqual([2, ['a', 'd']]);
  rows.append(['c']);
  expect(rows.slice()).toEqual(['a', 'd', 'c']);
  rows.clear();
  expect([rows.length, rows.get('a')]).toEqual([0, undefined]);
});

test('who looks hears of changes', () => {
  const rows = list(['a']);
  const seen: number[] = [];
  const end = $effect.root(() => {
    $effect(() => void seen.push(rows.length));
  });
  flushSync();
  rows.append(['b', 'c']);
  flushSync();
  rows.drop(['a']);
  flushSync();
  expect(seen).toEqual([1, 3, 2]);
  end();
});
