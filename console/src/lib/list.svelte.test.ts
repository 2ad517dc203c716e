// @vitest-environment jsdom
import { flushSync } from 'svelte';
import { expect, test } from 'vitest';

import { paged, type Paged } from './list.svelte';

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** Rows `a0` to `a5`, two at a time. */
function source(name: string, token = '0'): { rows: string[]; next?: string } {
  const at = Number(token);
  return { rows: [`${name}${at}`, `${name}${at + 1}`], ...(at < 4 && { next: String(at + 2) }) };
}

/** A list of a component: what it shows hangs on `address`, its rows on the filter alone. */
async function shown(act: (list: Paged<string>, address: { filter: string; open: string }) => Promise<void>): Promise<void> {
  const address = $state({ filter: 'a', open: '' });
  let list: Paged<string> | undefined;
  const end = $effect.root(() => {
    // As an address is read: whole, also where a part of it would do.
    const asked = $derived({ filter: address.filter, open: address.open });
    list = paged(
      (token) => Promise.resolve(source(asked.filter, token)),
      (row) => row,
      { key: () => asked.filter },
    );
  });
  flushSync();
  await tick();
  await act(list as Paged<string>, address);
  end();
}

test('further rows come behind the first until there are no more', () =>
  shown(async (list) => {
    expect(list.rows.slice()).toEqual(['a0', 'a1']);
    await list.more();
    expect(list.rows.slice()).toEqual(['a0', 'a1', 'a2', 'a3']);
    expect(list.hasMore).toBe(true);
    await list.more();
    expect(list.rows.slice()).toHaveLength(6);
    expect(list.hasMore).toBe(false);
    await list.more();
    expect(list.rows.slice()).toHaveLength(6);
  }));

test('a row that is opened, and rows that are asked for anew, leave the further ones', () =>
  shown(async (list, address) => {
    await list.more();
    address.open = 'a1';
    flushSync();
    await tick();
    await list.first.reload();
    expect(list.rows.slice()).toEqual(['a0', 'a1', 'a2', 'a3']);
    await list.more();
    expect(list.rows.slice()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5']);
  }));

test('another filter is another list', () =>
  shown(async (list, address) => {
    await list.more();
    const late = list.more();
    address.filter = 'b';
    flushSync();
    await late;
    await tick();
    expect(list.rows.slice()).toEqual(['b0', 'b1']);
    await list.more();
    expect(list.rows.slice()).toEqual(['b0', 'b1', 'b2', 'b3']);
  }));

test('a row that newer ones push out of the first stays before the further ones', async () => {
  let rows = ['e', 'd', 'c', 'b', 'a'];
  let list: Paged<string> | undefined;
  const end = $effect.root(() => {
    list = paged(
      (after) => {
        const at = after === undefined ? 0 : rows.indexOf(after) + 1;
        const page = rows.slice(at, at + 2);
        return Promise.resolve({ rows: page, next: at + 2 < rows.length ? page.at(-1) : undefined });
      },
      (row) => row,
    );
  });
  flushSync();
  await tick();
  await list?.more();
  rows = ['f', ...rows];
  await list?.first.reload();
  expect(list?.rows.slice()).toEqual(['f', 'e', 'd', 'c', 'b']);
  await list?.more();
  expect(list?.rows.slice()).toEqual(rows);
  // What is gone for another reason is not kept.
  rows = rows.filter((row) => row !== 'e');
  await list?.first.reload();
  expect(list?.rows.slice()).toEqual(rows);
  end();
});
