import { call } from './api';
import { attempt, complain } from './attempt';
import { batches, each, remove } from './bulk';
import { confirm } from './confirm.svelte';
import { t } from './i18n.svelte';
import { say } from './toast.svelte';

/** Deletes videos after a question, and offers to have them back. Tells which are gone. */
export async function deleteVideos(
  ids: string[],
  { title = t('media.delete.ask', { n: ids.length }), restored }: { title?: string; restored?: () => void } = {},
): Promise<string[]> {
  const yes = await confirm({ title, text: t('media.delete.about'), action: t('media.delete'), danger: true });
  if (!yes) return [];
  const { done, failed } = await each(ids, remove, t('bulk.gone'));
  const undo = (): void => void restoreVideos(done).then(restored);
  if (done.length > 0) say(t('media.deleted', { n: done.length }), { label: t('undo'), act: undo });
  if (failed.length > 0) complain(t('media.undeleted', { n: failed.length, why: failed[0]?.why ?? '' }));
  return done;
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
