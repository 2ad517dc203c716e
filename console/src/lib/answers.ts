/** Names for parts of answers that several places speak of. What they are made of is the server's word. */

import type { Answers } from '../generated/answers';

export type OnlineStream = Answers['DescribeLiveStreamsOnlineList']['OnlineInfo']['LiveStreamOnlineInfo'][number];
export type PastPush = Answers['DescribeLiveStreamsPublishList']['PublishInfo']['LiveStreamPublishInfo'][number];
export type Health = Answers['GetLiveStreamHealth']['Health'];
export type RuleMatch = Answers['MatchLiveRecordRule'];
export type ServerStatus = Answers['GetServerStatus'];
export type Attention = ServerStatus['Attention'][number];

/** What a stream is named by. */
export type StreamName = Pick<OnlineStream, 'DomainName' | 'AppName' | 'StreamName'>;

export type Rule = Answers['DescribeLiveRecordVodConfigs']['LiveRecordVodConfigs']['LiveRecordVodConfig'][number];
export type RecordedVideo = Answers['ListLiveRecordVideo']['LiveRecordVideoList']['LiveRecordVideo'][number];

export type Video = Answers['GetVideoInfo']['Video'];
export type PlayInfo = Answers['GetPlayInfo']['PlayInfoList']['PlayInfo'][number];
export type Category = Answers['GetCategories']['SubCategories']['Category'][number];

export type TranscodeJob = NonNullable<Answers['GetTranscodeTask']['TranscodeTask']>['TranscodeJobInfoList'][number];
export type TemplateGroupHead = Answers['ListTranscodeTemplateGroup']['TranscodeTemplateGroupList'][number];
export type Template = Answers['GetTranscodeTemplateGroup']['TranscodeTemplateGroup']['TranscodeTemplateList'][number];
export type Watermark = Answers['ListWatermark']['WatermarkInfos'][number];
export type VodTemplate = Answers['ListVodTemplate']['VodTemplateInfoList'][number];

export type QueueJob = Answers['ListJobs']['JobList'][number];

export type AccessKey = Answers['ListAccessKeys']['AccessKeys']['AccessKey'][number];

export type DomainConfig = Answers['DescribeLiveDomainConfigs']['DomainConfigs']['DomainConfig'][number];

export type ConsoleUser = Answers['ListConsoleUsers']['ConsoleUsers'][number];
export type DynamicImage = Answers['ListDynamicImage']['DynamicImageList'][number];
