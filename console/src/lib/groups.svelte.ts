import type { TemplateGroupHead } from './answers';
import { call } from './api';
import { query, type Query } from './query.svelte';

/** A template group to encode with, of those that were made here: the default one, or the first, until another is picked. */
export interface GroupChoice {
  readonly all: Query<TemplateGroupHead[]>;
  /** Its id; empty when there is none. */
  group: string;
}

/** A choice of a component; nothing is asked for where it is not `wanted`. */
export function groupChoice(wanted: () => boolean = () => true): GroupChoice {
  const all = query(async () => {
    if (!wanted()) return [];
    const told = await call('ListTranscodeTemplateGroup');
    return told.TranscodeTemplateGroupList.filter((group) => !group.TranscodeTemplateGroupId.startsWith('VOD_'));
  });
  let picked = $state('');
  const group = $derived(
    picked ||
      all.data?.find((one) => one.IsDefault === 'Default')?.TranscodeTemplateGroupId ||
      all.data?.[0]?.TranscodeTemplateGroupId ||
      '',
  );
  return {
    all,
    get group() {
      return group;
    },
    set group(id: string) {
      picked = id;
    },
  };
}
