import { call } from './api';
import { attempt, complain } from './attempt';
import { batches, each, remove } from './bulk';
import { confirm } from './confirm.svelte';
import { t } from './i18n.svelte';
import { say } from './toast.svelte';

/** Deletes videos after a question, and offers to have them back. Says whether any are. */
export async function deleteVideos(ids: string[], title = t('media.delete.ask', { n: ids.length })): Promise<boolean> {
  const yes = await confirm({ title, text: t('media.delete.about'), action: t('media.delete'), danger: true });
  if (!yes) return false;
  const { done, failed } = await each(ids, remove, t('bulk.gone'));
  if (done.length > 0) say(t('media.deleted', { n: done.length }), { label: t('undo'), act: () => void restoreVideos(done) });
  if (failed.length > 0) complain(t('media.undeleted', { n: failed.length, why: failed[0]?.why ?? '' }));
  return done.length > 0;
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
