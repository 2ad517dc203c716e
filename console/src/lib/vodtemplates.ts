import type { Params } from '../generated/operations';
import type { VodTemplate } from './answers';
import { call } from './api';
import { attempt } from './attempt';
import { confirmDelete } from './confirm.svelte';
import { t } from './i18n.svelte';

/** What templates of pictures are for. */
export type Purpose = Params['AddVodTemplate']['TemplateType'];

/** All templates for something. */
export async function vodTemplates(purpose: Purpose): Promise<VodTemplate[]> {
  return (await call('ListVodTemplate', { TemplateType: purpose })).VodTemplateInfoList;
}

/** Changes a template, or makes a new one. */
export function keepVodTemplate(purpose: Purpose, template: VodTemplate | undefined, name: string, config: string): Promise<unknown> {
  const params = { Name: name.trim(), TemplateConfig: config };
  return template
    ? call('UpdateVodTemplate', { VodTemplateId: template.VodTemplateId, ...params })
    : call('AddVodTemplate', { TemplateType: purpose, ...params });
}

/** Deletes a template after it is asked whether to. */
export async function removeVodTemplate({ VodTemplateId, Name }: VodTemplate): Promise<void> {
  if (!(await confirmDelete(t('vodtemplate.delete.ask', { name: Name }), t('vodtemplate.delete.about')))) return;
  await attempt(() => call('DeleteVodTemplate', { VodTemplateId }), t('vodtemplate.deleted'));
}
