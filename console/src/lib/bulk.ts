import { ApiError, asError, call } from './api';
import { sentence } from './told';

/** Most videos of one call. */
const IDS_MAX = 20;
/** How long is waited when the server says that it is too much. */
const THROTTLED_MS = 1_000;

/** What became of many videos. */
export interface Outcome {
  done: string[];
  failed: { id: string; why: string }[];
}

/** Told of how many it is over with. */
export type OnProgress = (count: number) => void;

export function* batches<T>(all: readonly T[], size = IDS_MAX): Generator<T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

/** An act: on at most so many videos in one call, of which it says which were left alone. */
export interface Act {
  do: (ids: string[]) => Promise<string[]>;
  size?: number;
}

/** Asks, and again while the server wants a pause. */
async function patient<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.code.startsWith('Throttling')) throw error;
      await new Promise((resolve) => setTimeout(resolve, THROTTLED_MS));
    }
  }
}

/**
 * Does something with many videos, as many at a time as a call takes. A call that is refused changed nothing, and may be so for one of
 * its videos: they are tried one by one, so that the others are done and that one is told. `missing` is said of those that are not there.
 */
export async function each(ids: readonly string[], act: Act, missing: string, on: OnProgress = () => {}): Promise<Outcome> {
  const outcome: Outcome = { done: [], failed: [] };
  const take = (batch: string[], untouched: string[]): void => {
    const left = new Set(untouched);
    for (const id of batch) {
      if (left.has(id)) outcome.failed.push({ id, why: missing });
      else outcome.done.push(id);
    }
  };
  for (const batch of batches(ids, act.size)) {
    try {
      take(batch, await patient(() => act.do(batch)));
    } catch (refused) {
      const isLost = asError(refused).status === 0;
      for (const id of batch) {
        try {
          if (isLost || batch.length === 1) throw refused;
          take([id], await patient(() => act.do([id])));
        } catch (error) {
          outcome.failed.push({ id, why: sentence(asError(error)) });
        }
      }
    }
    on(outcome.done.length + outcome.failed.length);
  }
  return outcome;
}

const untouched = (told: { NonExistVideoIds: string[]; ForbiddenVideoIds: string[] }): string[] => [
  ...told.NonExistVideoIds,
  ...told.ForbiddenVideoIds,
];

async function update(updates: ({ VideoId: string } & Record<string, unknown>)[]): Promise<string[]> {
  return untouched(await call('UpdateVideoInfos', { UpdateContent: JSON.stringify(updates) }));
}

/** Puts videos in a category; -1 for none. */
export const sort = (CateId: number): Act => ({ do: (ids) => update(ids.map((VideoId) => ({ VideoId, CateId }))) });

/** Tags that are written with commas. */
export const tagsOf = (text: string): string[] => [...new Set(text.split(/[,，]/).map((one) => one.trim()))].filter(Boolean);

/** Gives videos tags, or takes them away; their others stay. */
export const tag = (tags: readonly string[], isAdded: boolean): Act => ({
  do: async (VideoIds) => {
    const { VideoList } = await call('GetVideoInfos', { VideoIds });
    const there = new Set(VideoList.map((video) => video.VideoId));
    const updates = VideoList.map(({ VideoId, Tags }) => {
      const others = tagsOf(Tags ?? '').filter((one) => !tags.includes(one));
      return { VideoId, Tags: [...others, ...(isAdded ? tags : [])].join(',') };
    });
    return [...VideoIds.filter((id) => !there.has(id)), ...(await update(updates))];
  },
});

/** Encodes videos with a template group. One call is for one. */
export const encode = (TemplateGroupId: string): Act => ({
  size: 1,
  do: async ([VideoId]) => {
    if (VideoId) await call('SubmitTranscodeJobs', { VideoId, TemplateGroupId });
    return [];
  },
});

/** Deletes videos; for some days they can be restored. */
export const remove: Act = { do: async (VideoIds) => untouched(await call('DeleteVideo', { VideoIds })) };
