import { expect, it } from 'vitest';

import type { QueueJob } from './answers';
import { failedOf } from './pictures';

const failed = (JobId: string, asset: string, job: string): QueueJob =>
  ({ JobId, Kind: 'pictures', State: 'Dead', About: JSON.stringify({ asset, job }) }) as QueueJob;

it('tells of each order of a video that failed once, but for what was made after all', () => {
  const jobs = [
    failed('q5', 'v1', 'o1'),
    failed('q4', 'v2', 'o4'),
    failed('q3', 'v1', 'o1'),
    failed('q2', 'v1', 'o2'),
    failed('q1', 'v1', 'o3'),
  ];
  const told = failedOf('v1', jobs, (order) => order === 'o2');
  expect(told.map(({ job, order }) => [job.JobId, order])).toEqual([
    ['q5', 'o1'],
    ['q1', 'o3'],
  ]);
});
