// @vitest-environment jsdom
import { expect, it } from 'vitest';

import { ApiError } from './api';
import { batches, each, tagsOf } from './bulk';

const ids = Array.from({ length: 45 }, (_, at) => `v${at}`);
const refused = (message: string, status = 400): ApiError => new ApiError('Refused', message, status);

it('takes as many at a time as a call does', async () => {
  const asked: number[] = [];
  const seen: number[] = [];
  const act = { do: (some: string[]) => Promise.resolve(asked.push(some.length) ? [] : []) };
  const told = await each(ids, act, 'gone', (count) => seen.push(count));
  expect([asked, seen]).toEqual([
    [20, 20, 5],
    [20, 40, 45],
  ]);
  expect(told).toEqual({ done: ids, failed: [] });
  expect([...batches([1, 2, 3], 1)]).toEqual([[1], [2], [3]]);
});

it('counts what was left alone as failed, with the reason', async () => {
  const told = await each(ids, { do: (some) => Promise.resolve(some.filter((id) => id === 'v7')) }, 'gone');
  expect(told.done).toHaveLength(44);
  expect(told.failed).toEqual([{ id: 'v7', why: 'gone' }]);
});

it('does the others when one of a call is refused', async () => {
  const act = { do: (some: string[]) => (some.includes('v21') ? Promise.reject(refused('too many tags')) : Promise.resolve([])) };
  const told = await each(ids, act, 'gone');
  expect(told.done).toHaveLength(44);
  expect(told.failed).toEqual([{ id: 'v21', why: 'too many tags' }]);
});

it('does not repeat by the piece what the server was not asked', async () => {
  let asked = 0;
  const act = { do: () => Promise.reject(refused(`no connection ${(asked += 1)}`, 0)) };
  const told = await each(ids.slice(0, 20), act, 'gone');
  expect([asked, told.failed.length]).toEqual([1, 20]);
});

it('reads tags as people write them', () => {
  expect(tagsOf(' tennis,final，, tennis ')).toEqual(['tennis', 'final']);
});
