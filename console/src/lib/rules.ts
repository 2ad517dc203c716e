import type { Rule } from './answers';
import type { Params } from '../generated/operations';
import { call } from './api';
import { playDomains } from './streams';

/** All rules of all domains. */
export async function rules(): Promise<Rule[]> {
  const domains = await playDomains();
  const lists = await Promise.all(domains.map((domain) => rulesOf(domain)));
  return lists.flat();
}

async function rulesOf(DomainName: string): Promise<Rule[]> {
  const PageSize = 100;
  const list: Rule[] = [];
  for (let PageNum = 1; ; PageNum += 1) {
    const told = await call('DescribeLiveRecordVodConfigs', { DomainName, PageNum, PageSize });
    list.push(...told.LiveRecordVodConfigs.LiveRecordVodConfig);
    if (told.LiveRecordVodConfigs.LiveRecordVodConfig.length < PageSize) return list;
  }
}

/** A rule of which only the names need to be there. */
export type Named = Partial<Rule> & Pick<Rule, 'DomainName' | 'AppName'>;

/** What of a rule is changed here, as parameters. */
export function params(rule: Named): Params['UpdateLiveRecordVodConfig'] {
  return {
    DomainName: rule.DomainName,
    AppName: rule.AppName,
    StreamName: rule.StreamName || '*',
    CycleDuration: rule.CycleDuration,
    DelayTime: rule.DelayTime,
    VodTranscodeGroupId: rule.VodTranscodeGroupId,
    AutoCompose: rule.AutoCompose === undefined ? undefined : rule.AutoCompose === 'ON',
    ComposeVodTranscodeGroupId: rule.AutoCompose === 'ON' ? rule.ComposeVodTranscodeGroupId : undefined,
    OnDemand: rule.OnDemand,
    RetentionDays: rule.RetentionDays,
    QuotaBytes: rule.QuotaBytes,
    SafetyBuffer: rule.SafetyBuffer,
  };
}

export async function add(rule: Named): Promise<void> {
  await call('AddLiveRecordVodConfig', params(rule));
}

export async function update(rule: Named): Promise<void> {
  await call('UpdateLiveRecordVodConfig', params(rule));
}
