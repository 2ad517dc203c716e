import type { QueueJob } from './answers';

/** Pictures of a video that could not be made. */
export interface FailedPictures {
  job: QueueJob;
  /** What the one who asked for them was told as their job: that of the queue may have had others for it. */
  order: string;
}

/** Which of the failed jobs of the queue, newest first, are of this video: the last of each order, but for what was made after all. */
export function failedOf(video: string, jobs: readonly QueueJob[], isMade: (order: string) => boolean): FailedPictures[] {
  const seen = new Set<string>();
  return jobs.flatMap((job) => {
    const { asset, job: order } = JSON.parse(job.About) as { asset?: string; job?: string };
    if (asset !== video || order === undefined || seen.has(order)) return [];
    seen.add(order);
    return isMade(order) ? [] : [{ job, order }];
  });
}
