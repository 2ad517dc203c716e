import type { OnlineStream, PastPush } from './answers';
import { call } from './api';
import { wire } from './format';

const WEEK_MS = 7 * 86_400_000;

/** The domains that streams belong to. */
export async function playDomains(): Promise<string[]> {
  const told = await call('DescribeLiveUserDomains', { LiveDomainType: 'liveVideo', PageSize: 50 });
  return told.Domains.PageData.map((domain) => domain.DomainName);
}

async function ofAll<T>(each: (domain: string) => Promise<T[]>): Promise<T[]> {
  const domains = await playDomains();
  return (await Promise.all(domains.map(each))).flat();
}

/** All streams that are published now, the newest first. */
export async function onlineStreams(): Promise<OnlineStream[]> {
  const streams = await ofAll(async (domain) => {
    const told = await call('DescribeLiveStreamsOnlineList', { DomainName: domain });
    return told.OnlineInfo.LiveStreamOnlineInfo;
  });
  return streams.sort((a, b) => b.PublishTime.localeCompare(a.PublishTime));
}

/** What was published in the last week, the newest first. */
export async function pastPushes(): Promise<PastPush[]> {
  const now = Date.now();
  // The window is told to the minute, so that asking again is the same question.
  const end = new Date(Math.ceil(now / 60_000) * 60_000 + 60_000);
  const pushes = await ofAll(async (domain) => {
    const told = await call('DescribeLiveStreamsPublishList', {
      DomainName: domain,
      StartTime: wire(new Date(end.getTime() - WEEK_MS)),
      EndTime: wire(end),
      OrderBy: 'publish_time_desc',
      PageSize: 100,
    });
    return told.PublishInfo.LiveStreamPublishInfo;
  });
  return pushes.sort((a, b) => b.PublishTime.localeCompare(a.PublishTime));
}

/** Streams that may not be published, as `domain/app/stream`. */
export async function blockedStreams(): Promise<{ DomainName: string; AppName: string; StreamName: string }[]> {
  return ofAll(async (domain) => {
    const told = await call('DescribeLiveStreamsBlockList', { DomainName: domain });
    return told.StreamUrls.StreamUrl.map((url) => {
      const [StreamName = '', AppName = ''] = url.split('/').reverse();
      return { DomainName: domain, AppName, StreamName };
    });
  });
}
