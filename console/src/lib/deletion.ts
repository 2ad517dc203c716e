import { call } from './api';
import { attempt, complain } from './attempt';
import { confirm } from './confirm.svelte';
import { t } from './i18n.svelte';
import { say } from './toast.svelte';

/** Most videos of one call. */
const IDS_MAX = 20;

function* batches(ids: string[]): Generator<string[]> {
  for (let at = 0; at < ids.length; at += IDS_MAX) yield ids.slice(at, at + IDS_MAX);
}

/** Deletes videos after a question, and offers to have them back. Says whether they are deleted. */
export async function deleteVideos(ids: string[], title = t('media.delete.ask', { n: ids.length })): Promise<boolean> {
  const yes = await confirm({ title, text: t('media.delete.about'), action: t('media.delete'), danger: true });
  if (!yes) return false;
  const done = await attempt(async () => {
    for (const VideoIds of batches(ids)) await call('DeleteVideo', { VideoIds });
  });
  if (done) say(t('media.deleted', { n: ids.length }), { label: t('undo'), act: () => void restoreVideos(ids) });
  return true;
}

/** Brings deleted videos back. */
export async function restoreVideos(ids: string[]): Promise<void> {
  await attempt(async () => {
    let back = 0;
    for (const VideoIds of batches(ids)) back += (await call('RestoreVideo', { VideoIds })).RestoredVideoIds.length;
    if (back > 0) say(t('media.restored', { n: back }));
    if (back < ids.length) complain(t('media.unrestored', { n: ids.length - back }));
  });
}
