/** What the operations answer, as far as the console looks at it. */

export interface OnlineStream {
  DomainName: string;
  AppName: string;
  StreamName: string;
  PublishTime: string;
  VideoDataRate?: number;
  AudioDataRate?: number;
  FrameRate?: number;
  Width?: number;
  Height?: number;
  ClientIp?: string;
}

export interface PastPush {
  AppName: string;
  DomainName: string;
  StreamName: string;
  PublishTime: string;
  StopTime?: string;
  ClientAddr: string;
}

export interface Gap {
  At: number;
  LengthMs?: number;
  Cause: string;
}

export interface Health {
  Online: boolean;
  RecordingId?: string;
  RecordingState?: string;
  GraceEndsAt?: string;
  PushedAt?: string;
  VideoCodec?: string;
  AudioCodec?: string;
  Width?: number;
  Height?: number;
  FrameRate?: number;
  BitrateKbps?: number;
  KeyFrameIntervalMs?: number;
  DroppedFrames?: number;
  LateFrames?: number;
  DurableSeconds?: number;
  DurableBytes?: number;
  Gaps?: Gap[];
  RuleId?: string;
  PlaybackUrl?: string;
  VideoIds?: string[];
}

export interface Attention {
  Kind: string;
  Text: string;
  Count?: number;
  DomainName?: string;
  AppName?: string;
  StreamName?: string;
  Until?: string;
}

export interface ServerStatus {
  Version: string;
  Nodes: { Name: string; LiveStreams: number }[];
  DiskFreeBytes?: number;
  DiskTotalBytes?: number;
  BytesPerHour: number;
  HoursLeft?: number;
  LiveStreams: number;
  QueueReady: number;
  QueueDead: number;
  EventsWaiting: number;
  Attention: Attention[];
}

export interface PushAddress {
  PushUrl: string;
  Server: string;
  StreamKey: string;
  PlayUrl: string;
  /** When a push has to have begun, where it is signed. */
  ExpireTime?: string;
}

export interface StreamName {
  DomainName: string;
  AppName: string;
  StreamName: string;
}

/** What is told of a video wherever one is told of. */
export interface VideoFields {
  VideoId: string;
  Title: string;
  Status: string;
  Duration: number;
  Size: number;
  CreationTime: string;
  CoverURL?: string;
  CateId?: number;
  CateName?: string;
  Description?: string;
  Tags?: string;
  MediaSource?: string;
  ReferenceId?: string;
  UserData?: string;
  TemplateGroupId?: string;
}

export interface PlayInfo {
  JobId: string;
  Definition: string;
  Format: string;
  PlayURL: string;
  Width: number;
  Height: number;
  Bitrate: string;
  Fps: string;
  Size: number;
  Duration: string;
  StreamType: string;
  CodecName?: string;
  Encrypt: number;
}

export interface TranscodeTaskHead {
  TranscodeTaskId: string;
  TaskStatus: string;
  TranscodeTemplateGroupId: string;
  CreationTime: string;
  CompleteTime?: string;
  Trigger: string;
  VideoId: string;
}

export interface TranscodeJob {
  TranscodeJobId: string;
  TranscodeJobStatus: string;
  TranscodeProgress: number;
  TranscodeTemplateId: string;
  Definition: string;
  ErrorCode?: string;
  ErrorMessage?: string;
  OutputFile?: { Format?: string; Width?: string; Height?: string; Bitrate?: string; Filesize?: number; Fps?: string };
}

export interface EventHead {
  EventId: string;
  EventType: string;
  VideoId: string;
  Sequence: number;
  EventTime: string;
  Outcome: string;
}

export interface EventDetail extends EventHead {
  UserData?: string;
  Body?: string;
  NextAttemptTime?: string;
  Attempts: { Attempt: number; Time: string; URL: string; HttpStatus?: number; Error?: string; ElapsedMs: number }[];
}

export interface QueueJob {
  JobId: string;
  Kind: string;
  State: string;
  About: string;
  Priority: number;
  Progress: number;
  Attempts: number;
  AttemptsMax: number;
  Error?: string;
  CreationTime: string;
  StartTime?: string;
  CompleteTime?: string;
  NextAttemptTime?: string;
}

export interface Receipt {
  VideoId: string;
  RecordingId?: string;
  Cycle?: number;
  From?: string;
  To?: string;
  Duration: number;
  Pushes: { PushId: string; Client: string; From: string; To?: string; EndCause?: string; LeftOut?: unknown }[];
  Gaps: { At: number; Time: string; Cause: string; LengthMs?: number }[];
  Parameters: { At: number; Video?: string; Audio?: string }[];
  Cycles: { Cycle: number; VideoId: string; From: string; To: string }[];
}

export interface Rule {
  DomainName: string;
  AppName: string;
  StreamName: string;
  CycleDuration: number;
  DelayTime: number;
  VodTranscodeGroupId?: string;
  AutoCompose: string;
  ComposeVodTranscodeGroupId?: string;
  OnDemand: number;
  CreateTime: string;
  RetentionDays?: number;
  QuotaBytes?: number;
  SafetyBuffer?: number;
  FormatConfig: boolean;
}

export interface RuleMatch {
  Matched: boolean;
  /** What of the rule is exact. */
  MatchedBy?: string;
  Rule?: Rule;
  Others: { AppName: string; StreamName: string; MatchedBy: string }[];
}

export interface TemplateGroupHead {
  TranscodeTemplateGroupId: string;
  Name: string;
  IsDefault: string;
  Locked: string;
  CreationTime?: string;
  ModifyTime?: string;
}

export interface Watermark {
  WatermarkId: string;
  Name: string;
  Type: 'Image' | 'Text';
  IsDefault: string;
  CreationTime: string;
  /** Of an image: where its file was taken from. */
  FileUrl?: string;
  WatermarkConfig: string;
}

export interface VodTemplate {
  VodTemplateId: string;
  Name: string;
  TemplateType: string;
  TemplateConfig: string;
  CreationTime: string;
  ModifyTime: string;
}

export interface Template {
  TranscodeTemplateId: string;
  TemplateName: string;
  Definition: string;
  Type: string;
  Video?: string;
  Audio?: string;
  Container?: string;
  MuxConfig?: string;
  TransConfig?: string;
  PackageSetting?: string;
  EncryptSetting?: string;
  WatermarkIds?: string[];
}

export interface LiveDomain {
  DomainName: string;
  LiveDomainType: string;
  LiveDomainStatus: string;
  GmtCreated: string;
}

export interface VodDomain {
  DomainName: string;
  DomainStatus: string;
  GmtCreated: string;
}

export interface DomainConfig {
  ConfigId: string;
  FunctionName: string;
  Status: string;
  FunctionArgs: { FunctionArg: { ArgName: string; ArgValue: string }[] };
}

interface DomainConfigs {
  DomainConfigs: { DomainConfig: DomainConfig[] };
}

export interface AccessKey {
  AccessKeyId: string;
  AccessKeySecret?: string;
  CreateDate: string;
  LastUsedDate?: string;
  Role: string;
  Status: string;
  UserName: string;
}

export interface ConsoleUser {
  UserName: string;
  Role: string;
  CreateDate: string;
  LastSignInDate?: string;
}

export interface AuditEvent {
  EventId: string;
  EventName: string;
  EventTime: string;
  AccessKeyId: string;
  Role: string;
  SourceIpAddress: string;
  ServiceName: string;
  RequestParameters: string;
  Code?: string;
}

export interface Category {
  CateId: number;
  CateName: string;
  Level: number;
  ParentId: number;
  SubTotal?: number;
}

export interface RecordedVideo {
  AppName: string;
  DomainName: string;
  StreamName: string;
  PlaylistId: string;
  RecordStartTime: string;
  RecordEndTime: string;
  Video: VideoFields;
}

export interface MessageCallback {
  CallbackType: string;
  CallbackURL: string;
  EventTypeList: string;
  AuthSwitch: string;
  AuthKey: string;
}

/** An answer that says only that it was done. */
type Done = Record<string, unknown>;

export interface UploadPermit {
  VideoId: string;
  /** JSON in base64. */
  UploadAddress: string;
  UploadAuth: string;
}

export interface UrlUpload {
  JobId: string;
  UploadURL: string;
  Status: 'PENDING' | 'DOWNLOADING' | 'UPLOADING' | 'SUCCESS' | 'DOWNLOAD_FAIL' | 'UPLOAD_FAIL';
  /** Its video, once it is one. */
  MediaId?: string;
  FileSize?: string;
  ErrorCode?: string;
  ErrorMessage?: string;
}

interface Untouched {
  NonExistVideoIds: string[];
  ForbiddenVideoIds: string[];
}

export interface Answers {
  // Server and live streams.
  GetServerStatus: ServerStatus;
  GetPushAddress: PushAddress;
  StartTestStream: StreamName;
  StopTestStream: Done;
  GetLiveStreamHealth: { Health: Health };
  MatchLiveRecordRule: RuleMatch;
  DescribeLiveStreamsOnlineList: { OnlineInfo: { LiveStreamOnlineInfo: OnlineStream[] }; TotalNum: number };
  DescribeLiveStreamsPublishList: { PublishInfo: { LiveStreamPublishInfo: PastPush[] }; TotalNum: number };
  DescribeLiveStreamsBlockList: { StreamUrls: { StreamUrl: string[] }; TotalNum: number };
  ForbidLiveStream: Done;
  ResumeLiveStream: Done;
  RealTimeRecordCommand: Done;
  // Rules and recordings.
  DescribeLiveRecordVodConfigs: { LiveRecordVodConfigs: { LiveRecordVodConfig: Rule[] }; Total: string };
  AddLiveRecordVodConfig: Done;
  UpdateLiveRecordVodConfig: Done;
  DeleteLiveRecordVodConfig: Done;
  ListLiveRecordVideo: { LiveRecordVideoList: { LiveRecordVideo: RecordedVideo[] }; Total: number };
  // Uploads.
  CreateUploadVideo: UploadPermit;
  RefreshUploadVideo: UploadPermit;
  UploadMediaByURL: { UploadJobs: { JobId: string; SourceURL: string }[] };
  GetURLUploadInfos: { URLUploadInfoList: UrlUpload[]; NonExists: string[] };
  CancelUrlUploadJobs: { CanceledJobs: string[]; NonExists: string[] };
  // Videos.
  SearchMedia: {
    MediaList: { MediaId: string; MediaType: string; CreationTime: string; Video?: VideoFields }[];
    ScrollToken?: string;
    Total: number;
  };
  GetVideoInfo: { Video: VideoFields };
  GetVideoInfos: { VideoList: VideoFields[]; NonExistVideoIds: string[] };
  UpdateVideoInfo: Done;
  UpdateVideoInfos: Untouched;
  DeleteVideo: Untouched;
  RestoreVideo: {
    RestoredVideoIds: string[];
    NonExistVideoIds: string[];
    ExpiredVideoIds: string[];
    ConflictingVideoIds: string[];
  };
  GetDeletedVideoList: {
    Total: number;
    VideoList: { VideoId: string; Title: string; DeletionTime: string; RestorableUntil: string }[];
  };
  GetPlayInfo: { PlayInfoList: { PlayInfo: PlayInfo[] } };
  GetMezzanineInfo: {
    Mezzanine: {
      FileURL?: string;
      FileName: string;
      Size: number;
      Width: number;
      Height: number;
      Bitrate: string;
      Duration: string;
      Fps: string;
    };
  };
  GetVideoReceipt: { Receipt: Receipt };
  GetVideoRetention: { VideoId: string; Keep: 'Rule' | 'Until' | 'ForGood'; KeepUntil?: string };
  SetVideoRetention: Done;
  SubmitSnapshotJob: { SnapshotJob: { JobId: string } };
  ListSnapshots: {
    MediaSnapshot: { JobId: string; CreationTime: string; Snapshots: { Snapshot: { Index: number; Url: string }[] }; Total: number };
  };
  AddCategory: { Category: Category };
  UpdateCategory: Done;
  DeleteCategory: Done;
  GetCategories: { SubCategories: { Category: Category[] }; SubTotal: number };
  // Transcoding.
  SubmitTranscodeJobs: { TranscodeTaskId: string };
  CancelTranscodeTask: { CanceledJobIds: string[] };
  ListTranscodeTask: { TranscodeTaskList: TranscodeTaskHead[] };
  GetTranscodeTask: { TranscodeTask?: TranscodeTaskHead & { TranscodeJobInfoList: TranscodeJob[] } };
  ListTranscodeTemplateGroup: { TranscodeTemplateGroupList: TemplateGroupHead[] };
  GetTranscodeTemplateGroup: { TranscodeTemplateGroup: TemplateGroupHead & { TranscodeTemplateList: Template[] } };
  AddTranscodeTemplateGroup: { TranscodeTemplateGroupId: string };
  UpdateTranscodeTemplateGroup: { TranscodeTemplateGroupId: string };
  DeleteTranscodeTemplateGroup: Done;
  SetDefaultTranscodeTemplateGroup: Done;
  // Watermarks and templates of snapshots.
  ListWatermark: { WatermarkInfos: Watermark[] };
  AddWatermark: { WatermarkInfo: Watermark };
  UpdateWatermark: { WatermarkInfo: Watermark };
  DeleteWatermark: Done;
  SetDefaultWatermark: Done;
  DeleteImage: Done;
  CreateUploadImage: { ImageId: string; ImageURL: string; UploadAddress: string; UploadAuth: string };
  ListVodTemplate: { VodTemplateInfoList: VodTemplate[] };
  AddVodTemplate: { VodTemplateId: string };
  UpdateVodTemplate: { VodTemplateId: string };
  DeleteVodTemplate: { VodTemplateId: string };
  // Events and jobs.
  ListEvents: { EventList: EventHead[]; NextToken?: string };
  GetEvent: { Event: EventDetail };
  ReplayEvents: { ReplayedCount: number; InFlightCount: number; NextToken?: string };
  ListJobs: { JobList: QueueJob[]; NextToken?: string };
  RetryJob: { Retried: boolean };
  // Domains.
  DescribeLiveUserDomains: { Domains: { PageData: LiveDomain[] }; TotalCount: number };
  DescribeVodUserDomains: { Domains: { PageData: VodDomain[] }; TotalCount: number };
  DescribeLiveDomainMapping: { LiveDomainModels: { LiveDomainModel: { DomainName: string; Type: string }[] } };
  AddLiveDomain: Done;
  DeleteLiveDomain: Done;
  StartLiveDomain: Done;
  StopLiveDomain: Done;
  AddLiveDomainMapping: Done;
  AddVodDomain: Done;
  DeleteVodDomain: Done;
  DescribeLiveDomainConfigs: DomainConfigs;
  DescribeVodDomainConfigs: DomainConfigs;
  BatchSetLiveDomainConfigs: Done;
  BatchSetVodDomainConfigs: Done;
  DescribeLiveStreamAuthChecking: { Status: string; Description: string };
  // Keys.
  CreateAccessKey: { AccessKey: AccessKey };
  ListAccessKeys: { AccessKeys: { AccessKey: AccessKey[] } };
  UpdateAccessKey: Done;
  DeleteAccessKey: Done;
  ListAuditEvents: { AuditEventList: AuditEvent[]; NextToken?: string };
  CreateConsoleUser: { ConsoleUser: ConsoleUser };
  ListConsoleUsers: { ConsoleUsers: ConsoleUser[] };
  UpdateConsoleUser: Done;
  DeleteConsoleUser: Done;
  // Settings.
  GetMessageCallback: { MessageCallback: MessageCallback };
  SetMessageCallback: Done;
  DeleteMessageCallback: Done;
  GetUsage: {
    Stored: { SourceBytes: number; OutputBytes: number; FileBytes: number };
    Total: number;
    TotalBytes: number;
    TotalPlays: number;
    UsageList: { StartTime?: string; DomainName?: string; Media?: string; Bytes: number; Plays: number }[];
  };
  // Animated images, and pictures of the library.
  SubmitDynamicImageJob: { DynamicImageJob: { JobId: string } };
  ListDynamicImage: { DynamicImageList: DynamicImage[] };
  DeleteDynamicImage: Done;
  GetImageInfos: { ImageInfo: { ImageId: string }[] };
}

export interface DynamicImage {
  DynamicImageId: string;
  FileURL: string;
  Format: string;
  Fps: string;
  Width: string;
  Height: string;
  /** In seconds. */
  Duration: string;
  FileSize: string;
  JobId: string;
  CreationTime: string;
}
