// Made of the server's declarations by `cargo xtask console`; do not edit.
//
// Of each operation: what it takes, where it belongs, and who may call it. What it answers is in answers.ts.

export type Role = 'admin' | 'operator' | 'viewer' | 'publisher';

/** What an operation takes. Lists and objects are sent flat: `Name.1`, `Name.1.Member`, or as JSON text. */
export interface Params {
  /** Adds a category. There are at most three levels, and 100 categories in one. */
  AddCategory: {
    /** Its name, at most 64 bytes. */
    CateName: string;
    /** The category it lies in; -1 for none. */
    ParentId?: number;
    /** What is sorted. A category in another one sorts what that one does. */
    Type?: 'default' | 'material';
  };
  /** Adds a domain that is pushed to or played from. It is online at once: no name server or owner is asked. */
  AddLiveDomain: {
    /** The domain. */
    DomainName: string;
    /** `liveVideo` to play from, `liveEdge` to push to. */
    LiveDomainType: 'liveVideo' | 'liveEdge';
    /** Kept and told back. */
    Region: string;
    /** Kept and told back. */
    Scope?: string;
  };
  /** Ties an ingest domain to a streaming domain, on which all configuration hangs. */
  AddLiveDomainMapping: {
    /** The streaming domain. */
    PullDomain: string;
    /** The ingest domain. */
    PushDomain: string;
  };
  /** Sets who is told of the recordings of a domain, and who is asked whether to record. */
  AddLiveRecordNotifyConfig: {
    /** The streaming domain. */
    DomainName: string;
    /** Told of each video with POST, and of changes of status if NeedStatusNotify is `true`. */
    NotifyUrl: string;
    /** Asked with GET at each publish, for rules whose OnDemand is 1. */
    OnDemandUrl?: string;
    /** Whether `record_started`, `record_paused` and `record_resumed` are told. */
    NeedStatusNotify?: boolean;
    /** Whether requests carry a signature. */
    NotifyReqAuth?: boolean;
    /** The key of the signature, 16 to 32 letters or digits. Needed when NotifyReqAuth is `true`. */
    NotifyAuthKey?: string;
  };
  /** Adds a rule: streams of this name, published from now on, are recorded into VOD. */
  AddLiveRecordVodConfig: {
    /** The streaming domain. */
    DomainName: string;
    /** The app, or `*` for each. */
    AppName: string;
    /** The stream, or `*` for each, which is what an absent one means. An exact name wins over the wildcard. */
    StreamName?: string;
    /** Seconds of one video; from the operator's minimum to 21600, 3600 when absent. */
    CycleDuration?: number;
    /** Seconds in which a lost push may come back; from the operator's minimum to 21600, 180 when absent. */
    DelayTime?: number;
    /** The template group of each cycle's video. Needed unless RecordFormat is given. */
    VodTranscodeGroupId?: string;
    /** Whether the cycles are joined at the end. */
    AutoCompose?: boolean;
    /** The template group of the joined video. Needed when AutoCompose is ON. */
    ComposeVodTranscodeGroupId?: string;
    /** 0 automatic, 1 a callback decides, 2 the push parameters decide, 7 on command. */
    OnDemand?: number;
    /** An extension: days after its last media that a video is kept; 0 for good. */
    RetentionDays?: number;
    /** An extension: bytes that all videos of the rule may take, beyond which the oldest go; 0 for no limit. */
    QuotaBytes?: number;
    /** `raw`, `transcode`, or both joined by a comma. */
    RecordContent?: string;
    /** The live transcodings that are recorded. Needed when RecordContent has `transcode`. */
    TranscodeTemplates?: string[];
    /** The newer form: when given, AutoCompose and both groups are not looked at. */
    RecordFormat?: {
      /** m3u8, flv or mp4. */
      Format?: string;
      /** Seconds of one slice; kept and told back. */
      SliceDuration?: number;
      /** Whether the cycles are joined at the end. */
      AutoCompose?: boolean;
      /** `origin`, `compose`, or both: which videos are processed. */
      VideoProcess?: string;
      /** `transcode`. */
      ProcessMethod?: string;
      /** The template group. */
      ProcessTemplateId?: string;
      /** Kept and told back. */
      Tags?: string;
    }[];
    /** Kept and told back. */
    StorageLocation?: string;
    /** Kept and told back. */
    SpaceId?: string;
    /** An extension: seconds of what is pushed that are kept while it is not recorded, for ReachBack of RealTimeRecordCommand; 0, which is what an absent one means: none. */
    SafetyBuffer?: number;
  };
  /** Makes a template group, or appends templates to one. */
  AddTranscodeTemplateGroup: {
    /** The application. */
    AppId?: string;
    /** The name of the new group. Needed unless TranscodeTemplateGroupId is given, with which it is not looked at. */
    Name?: string;
    /** The group to append to. */
    TranscodeTemplateGroupId?: string;
    /** The templates, as JSON. Without any the group is empty, and nothing can be encoded with it. */
    TranscodeTemplateList?: string;
  };
  /** Adds a domain that videos are played from, under its name as the host of their URLs. It is online at once: no name server or owner is asked. What is played from it comes from this server, whatever its sources say. */
  AddVodDomain: {
    /** The domain. */
    DomainName: string;
    /** `[{"content":"192.0.2.1","type":"ipaddr","priority":"20","port":80}]`: kept and told back. */
    Sources: string;
    /** Kept and told back. */
    Scope?: string;
  };
  /** Makes a template of snapshots or of animated images. What this server cannot make is refused here. */
  AddVodTemplate: {
    /** The application. */
    AppId?: string;
    /** Its name. */
    Name: string;
    /** What it is for. */
    TemplateType: 'Snapshot' | 'DynamicImage';
    /** What is wanted, as JSON. */
    TemplateConfig: string;
  };
  /** Makes a watermark. The file of an image is taken into the store: what happens to it later does not matter. */
  AddWatermark: {
    /** The application. */
    AppId?: string;
    /** Where the image is: PNG, JPEG, or GIF, of which the first picture counts. */
    FileUrl?: string;
    /** Its name. */
    Name: string;
    /** What it shows. */
    Type: 'Image' | 'Text';
    /** Where and when it is shown, and what of words, as JSON. */
    WatermarkConfig: string;
  };
  /** Deletes functions of the configuration of several domains. Those that are not set are passed over. */
  BatchDeleteLiveDomainConfigs: {
    /** The domains, joined by commas. */
    DomainNames: string[];
    /** The functions, joined by commas. */
    FunctionNames: string[];
  };
  /** Tells all about at most 20 videos, with their sources and streams, and which of the ids are nobody's. */
  BatchGetMediaInfos: {
    /** The videos, joined by commas. */
    MediaIds?: string[];
    /** The customer's own ids, joined by commas. */
    ReferenceIds?: string[];
  };
  /** Sets functions of the configuration of several domains, each replaced whole. Either all are set or none. */
  BatchSetLiveDomainConfigs: {
    /** The domains, joined by commas. */
    DomainNames: string[];
    /** Only check whether they could be set. */
    DryRun?: boolean;
    /** `[{"functionName":"aliauth","functionArgs":[{"argName":"auth_type","argValue":"type_a"},…]}]` */
    Functions: string;
  };
  /** Sets functions of the configuration of several domains that videos are played from, each replaced whole. Either all are set or none. */
  BatchSetVodDomainConfigs: {
    /** The domains, joined by commas. */
    DomainNames: string[];
    /** As of BatchSetLiveDomainConfigs. */
    Functions: string;
  };
  /** Starts domains that were stopped. Either all are started or none. */
  BatchStartVodDomain: {
    /** The domains, joined by commas. */
    DomainNames: string[];
  };
  /** Stops domains: nothing is played from them until they are started. Either all are stopped or none. */
  BatchStopVodDomain: {
    /** The domains, joined by commas. */
    DomainNames: string[];
  };
  /** Ends a transcode task. Outputs that are not made yet end as failed; what nobody else wants of the work stops within a second. A task that has ended stays as it is. */
  CancelTranscodeTask: {
    /** The task. */
    TranscodeTaskId: string;
  };
  /** Ends pulls that have not ended. */
  CancelUrlUploadJobs: {
    /** At most 20 ids, joined by commas. */
    JobIds?: string[];
    /** At most 20 URLs, joined by commas: the newest job of each is meant. */
    UploadUrls?: string[];
  };
  /** Makes an access key. Its secret is told in this answer and never again. */
  CreateAccessKey: {
    /** What its owner may do. */
    Role: 'admin' | 'operator' | 'viewer' | 'publisher';
    /** What it is called, for people; several may be called alike. */
    UserName?: string;
  };
  /** Makes an application: an id by which templates, watermarks and callbacks are sorted. There are at most 100. */
  CreateAppInfo: {
    /** Its name, at most 128 bytes. */
    AppName: string;
    /** What is said of it, at most 512 bytes. */
    Description?: string;
  };
  /** Adds a user of the web console. */
  CreateConsoleUser: {
    /** With what he signs in: letters, digits and `.-_@`. */
    UserName: string;
    /** At least 10 characters. */
    Password: string;
    /** What he may do. */
    Role: 'admin' | 'operator' | 'viewer';
  };
  /** Makes a playlist of what was recorded of a stream between two times, to whole segments of some seconds. It can be played at once, and its media is kept as long as it is there. */
  CreateLiveStreamRecordIndexFiles: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** The segment that has this time is the first. */
    StartTime: string;
    /** What comes after this time is left out; at most four days after StartTime. */
    EndTime: string;
    /** Whether the segment that has EndTime is in it. */
    EndTimeIncluded?: boolean;
    /** Kept and told back. */
    OssBucket: string;
    /** Kept and told back. */
    OssEndpoint: string;
    /** Kept and told back. */
    OssObject: string;
  };
  /** Makes attached media that its client sends, and tells where to and with which key. The key holds for 3000 s. It has at most 1 GiB. */
  CreateUploadAttachedMedia: {
    /** What it is for. */
    BusinessType: 'watermark' | 'subtitle' | 'material' | 'general';
    /** Its extension; what FileName ends with when absent. One of the two is needed. */
    MediaExt?: string;
    /** How its owner calls it. */
    FileName?: string;
    /** Bytes of the file, as far as they are known. */
    FileSize?: number;
    /** At most 128 bytes; the name of the file when absent. */
    Title?: string;
    /** At most 1024 bytes. */
    Description?: string;
    /** At most 16 of at most 32 bytes each, joined by commas. */
    Tags?: string;
    /** The category. There is one. */
    CateIds?: number[];
    /** Told back. */
    UserData?: string;
  };
  /** Makes a picture that its client sends, and tells where to and with which key. The key holds for 3000 s. A picture has at most 20 MiB. */
  CreateUploadImage: {
    /** What it is for. */
    ImageType: 'default' | 'cover' | 'watermark';
    /** What it is; what OriginalFileName ends with when absent, or else `png`. */
    ImageExt?: 'png' | 'jpg' | 'jpeg' | 'gif';
    /** How its owner calls it. */
    OriginalFileName?: string;
    /** At most 128 bytes; the name of the file when absent. */
    Title?: string;
    /** At most 1024 bytes. */
    Description?: string;
    /** At most 16 of at most 32 bytes each, joined by commas. */
    Tags?: string;
    /** The category. */
    CateId?: number;
    /** Told back. */
    UserData?: string;
  };
  /** Makes a video whose file its client sends, and tells where to and with which key. The key holds for 3000 s. */
  CreateUploadVideo: {
    /** At most 128 bytes. */
    Title: string;
    /** The name of the file, with its extension. */
    FileName: string;
    /** Bytes of the file, as far as they are known. */
    FileSize?: number;
    /** At most 1024 bytes. */
    Description?: string;
    /** The URL of its cover; without one it gets one of its own pictures. */
    CoverURL?: string;
    /** The category. */
    CateId?: number;
    /** At most 16 of at most 32 bytes each, joined by commas. */
    Tags?: string;
    /** The template group; the default one when absent. */
    TemplateGroupId?: string;
    /** Told back. */
    UserData?: string;
    /** The customer's own id of it, 6 to 64 letters, digits, `_` and `-`. */
    ReferenceId?: string;
  };
  /** Tells a key that GenerateKMSDataKey made, to the server that gives it to players. */
  DecryptKMSDataKey: {
    /** What GenerateKMSDataKey told as CiphertextBlob. */
    CipherText: string;
  };
  /** Deletes a key. It holds from the next call on. */
  DeleteAccessKey: {
    /** The key. */
    UserAccessKeyId: string;
  };
  /** Deletes at most 20 of attached media; they do not come back. */
  DeleteAttachedMedia: {
    /** The attached media, joined by commas. */
    MediaIds: string[];
  };
  /** Deletes a category and all categories in it. Their videos stay, in no category. */
  DeleteCategory: {
    /** The category. */
    CateId: number;
  };
  /** Deletes a user of the web console, and signs him out. */
  DeleteConsoleUser: {
    /** Who. */
    UserName: string;
  };
  /** Deletes animated images of a video. One that was its cover is replaced by a still picture. */
  DeleteDynamicImage: {
    /** The images, joined by commas; without it all of them. */
    DynamicImageIds?: string[];
    /** The video. */
    VideoId: string;
  };
  /** Deletes at most 20 pictures; they do not come back. Ids and URLs that are nobody's are left alone. */
  DeleteImage: {
    /** How they are named: `ImageId` or `ImageURL`. Pictures of a video go with it. */
    DeleteImageType: 'ImageId' | 'ImageURL' | 'VideoId';
    /** The pictures, joined by commas. */
    ImageIds?: string[];
    /** Their URLs, joined by commas; each may be URL-encoded. */
    ImageURLs?: string[];
  };
  /** Deletes a domain with its configuration, rules and mappings. Recordings and videos stay. */
  DeleteLiveDomain: {
    /** The domain. */
    DomainName: string;
  };
  /** Unties an ingest domain from its streaming domain. Pushes that run go on. */
  DeleteLiveDomainMapping: {
    /** The streaming domain. */
    PullDomain: string;
    /** The ingest domain. */
    PushDomain: string;
  };
  /** Deletes the setting. When there is none, nothing happens. */
  DeleteLiveRecordNotifyConfig: {
    /** The streaming domain. */
    DomainName: string;
  };
  /** Deletes a rule. Streams that are being recorded finish under it. */
  DeleteLiveRecordVodConfig: {
    /** The streaming domain. */
    DomainName: string;
    /** The app, or `*`. */
    AppName: string;
    /** The stream, or `*`, which is what an absent one means. */
    StreamName?: string;
  };
  /** Deletes playlists of a stream. Media that no video shows goes with them, after the time in which a deletion can be undone. */
  DeleteLiveStreamRecordIndexFiles: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** The playlists. */
    RecordId?: string[];
    /** Either way the playlist is gone: it is no file of its own. */
    RemoveFile: boolean;
  };
  /** Deletes the setting. When there is none, nothing happens. */
  DeleteLiveStreamsNotifyUrlConfig: {
    /** The ingest domain. */
    DomainName: string;
  };
  /** Deletes the setting. When there is none, nothing happens. */
  DeleteMessageCallback: {
    /** The application. */
    AppId?: string;
  };
  /** Deletes the source files of at most 20 videos. What was made of them stays, and can be played. A source that is played itself, as under a no-transcode group or as an OD output, stays too, unless Force is set; so does one of which something is being made. */
  DeleteMezzanines: {
    /** Also sources that are played; outputs that show them are deleted with them. */
    Force?: boolean;
    /** The videos, joined by commas. */
    VideoIds?: string[];
    /** The customer's own ids, joined by commas. */
    ReferenceIds?: string[];
  };
  /** Deletes streams of a video. */
  DeleteStream: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
    /** The streams, at most 20, joined by commas. */
    JobIds: string[];
  };
  /** Takes templates out of a group, or deletes it. */
  DeleteTranscodeTemplateGroup: {
    /** `true`: the whole group goes. */
    ForceDelGroup?: boolean;
    /** The group. */
    TranscodeTemplateGroupId: string;
    /** At most ten templates, joined by commas. Needed unless the whole group goes. */
    TranscodeTemplateIds?: string[];
  };
  /** Deletes at most 20 videos with all that was made of them. */
  DeleteVideo: {
    /** The videos, joined by commas. */
    VideoIds?: string[];
    /** The customer's own ids, joined by commas. */
    ReferenceIds?: string[];
  };
  /** Deletes a domain with its configuration. Videos stay. */
  DeleteVodDomain: {
    /** The domain. */
    DomainName: string;
  };
  /** Deletes one function of the configuration of a domain that videos are played from. */
  DeleteVodSpecificConfig: {
    /** The domain. */
    DomainName: string;
    /** The ConfigId, as DescribeVodDomainConfigs tells it. */
    ConfigId: string;
  };
  /** Deletes a template. What is being made by it goes on. */
  DeleteVodTemplate: {
    /** The template. */
    VodTemplateId: string;
  };
  /** Deletes a watermark. Templates that name it show nothing in its place. */
  DeleteWatermark: {
    /** The watermark. */
    WatermarkId: string;
  };
  /** Tells functions of a domain's configuration. */
  DescribeLiveDomainConfigs: {
    /** The domain. */
    DomainName: string;
    /** The functions, joined by commas. */
    FunctionNames: string[];
  };
  /** Tells all about one domain. */
  DescribeLiveDomainDetail: {
    /** The domain. */
    DomainName: string;
  };
  /** Lists the domains that a domain is tied to. */
  DescribeLiveDomainMapping: {
    /** Either of the two. */
    DomainName: string;
  };
  /** Tells the setting. Nobody: all URLs are empty. */
  DescribeLiveRecordNotifyConfig: {
    /** The streaming domain. */
    DomainName: string;
  };
  /** Lists the callbacks that told of recordings, or asked whether to record, each attempt, last sent first. They are kept for 30 days. */
  DescribeLiveRecordNotifyRecords: {
    /** The streaming domain. */
    DomainName: string;
    /** Sent at or after. */
    StartTime: string;
    /** Sent at or before. */
    EndTime: string;
    /** Only of this app. */
    AppName?: string;
    /** Only of this stream. */
    StreamName?: string;
    /** Only those that ended so. */
    Status?: 'success' | 'failed';
    /** Only of recordings that go there. */
    StorageType?: 'oss' | 'vod' | 'all';
    /** Which page. */
    PageNumber?: number;
    /** Callbacks on a page. */
    PageSize?: number;
  };
  /** Lists the rules of a domain, oldest first. */
  DescribeLiveRecordVodConfigs: {
    /** The streaming domain. */
    DomainName: string;
    /** Only rules of exactly this app. */
    AppName?: string;
    /** Only rules of exactly this stream. */
    StreamName?: string;
    /** Which page. */
    PageNum?: number;
    /** Rules on a page. */
    PageSize?: number;
  };
  /** Tells whether a push or play URL is signed as its domain wants it, now. */
  DescribeLiveStreamAuthChecking: {
    /** The domain. */
    DomainName: string;
    /** The whole URL. */
    Url: string;
  };
  /** Tells how many streams are published now to a domain. */
  DescribeLiveStreamCount: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
  };
  /** Tells when a stream was recorded, within at most four days: each stretch without an interruption. */
  DescribeLiveStreamRecordContent: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** Recorded at or after. */
    StartTime: string;
    /** Recorded before. */
    EndTime: string;
  };
  /** Tells a playlist of a stream. */
  DescribeLiveStreamRecordIndexFile: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** The playlist. */
    RecordId: string;
  };
  /** Lists the playlists of a stream that begin in a window of at most four days. */
  DescribeLiveStreamRecordIndexFiles: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** Begin at or after. */
    StartTime: string;
    /** Begin at or before. */
    EndTime: string;
    /** How they are sorted. */
    Order?: 'asc' | 'desc';
    /** Which page. */
    PageNum?: number;
    /** Playlists on a page. */
    PageSize?: number;
  };
  /** Tells whether a stream is published now. */
  DescribeLiveStreamState: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
  };
  /** Lists the streams of a domain that may not be published. */
  DescribeLiveStreamsBlockList: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** Which page. */
    PageNum?: number;
    /** Streams on a page. */
    PageSize?: number;
  };
  /** Tells which streams of a domain were cut off, and which were let publish again, in a window of at most 30 days. */
  DescribeLiveStreamsControlHistory: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** Only of this app. */
    AppName?: string;
    /** Done at or after. */
    StartTime: string;
    /** Done at or before. */
    EndTime: string;
  };
  /** Lists the callbacks that told of publishes and their ends, each attempt, last sent first. They are kept for 30 days. */
  DescribeLiveStreamsNotifyRecords: {
    /** The ingest domain; a streaming domain means all that are tied to it. */
    DomainName: string;
    /** Sent at or after. */
    StartTime: string;
    /** Sent at or before. */
    EndTime: string;
    /** Only of this app. */
    AppName?: string;
    /** Only of this stream. */
    StreamName?: string;
    /** Only those that ended so. */
    Status?: 'success' | 'failed';
    /** Which page. */
    PageNumber?: number;
    /** Callbacks on a page. */
    PageSize?: number;
  };
  /** Tells who is told. Nobody: all URLs are empty. */
  DescribeLiveStreamsNotifyUrlConfig: {
    /** The ingest domain. */
    DomainName: string;
  };
  /** Lists the streams that are published now. */
  DescribeLiveStreamsOnlineList: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app, or a part of its name. */
    AppName?: string;
    /** The stream, or a part of its name. */
    StreamName?: string;
    /** Whether a part of a name is enough. */
    QueryType?: 'fuzzy' | 'strict';
    /** Which streams. Nothing is transcoded live, so `trans` lists none. */
    StreamType?: 'all' | 'raw' | 'trans';
    /** `yes`: only domain, app, stream and time. */
    OnlyStream?: boolean;
    /** Which page. */
    PageNum?: number;
    /** Streams on a page. */
    PageSize?: number;
  };
  /** Lists the publishes that began in a window of at most 30 days. */
  DescribeLiveStreamsPublishList: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app, or a part of its name. */
    AppName?: string;
    /** The stream, or a part of its name. */
    StreamName?: string;
    /** Began at or after. */
    StartTime: string;
    /** Began before. */
    EndTime: string;
    /** Whether a part of a name is enough. */
    QueryType?: 'fuzzy' | 'strict';
    /** Which streams. */
    StreamType?: 'all' | 'raw' | 'trans';
    /** How they are sorted. */
    OrderBy?: 'publish_time_asc' | 'publish_time_desc' | 'stream_name_asc' | 'stream_name_desc';
    /** Which page. */
    PageNumber?: number;
    /** Publishes on a page. */
    PageSize?: number;
  };
  /** Lists domains by name. */
  DescribeLiveUserDomains: {
    /** The name, or a part of it. */
    DomainName?: string;
    /** How the name is searched for. */
    DomainSearchType?: 'fuzzy_match' | 'pre_match' | 'suf_match' | 'full_match';
    /** Only domains of this status. */
    DomainStatus?: 'online' | 'offline' | 'configuring';
    /** Only domains of this type. */
    LiveDomainType?: 'liveVideo' | 'liveEdge';
    /** Only domains of this region. */
    RegionName?: string;
    /** Which page. */
    PageNumber?: number;
    /** Domains on a page. */
    PageSize?: number;
  };
  /** Tells functions of the configuration of a domain that videos are played from. */
  DescribeVodDomainConfigs: {
    /** The domain. */
    DomainName: string;
    /** The functions, joined by commas. */
    FunctionNames: string[];
  };
  /** Tells all about one domain. */
  DescribeVodDomainDetail: {
    /** The domain. */
    DomainName: string;
  };
  /** Tells how much may be refreshed and preloaded a day (UTC), and how much of that is left. */
  DescribeVodRefreshQuota: Record<string, never>;
  /** Lists what was to be refreshed and preloaded in the last three days, the last first, one task for each URL. */
  DescribeVodRefreshTasks: {
    /** Only these, joined by commas. */
    TaskId?: string[];
    /** Only of this URL, as it was given. */
    ObjectPath?: string;
    /** Only of this kind. */
    ObjectType?: 'file' | 'directory' | 'regex' | 'preload';
    /** Only of URLs of this domain. */
    DomainName?: string;
    /** Only those that are so far. */
    Status?: 'Complete' | 'Refreshing' | 'Failed';
    /** Given at or after. */
    StartTime?: string;
    /** Given at or before. */
    EndTime?: string;
    /** Which page. */
    PageNumber?: number;
    /** Tasks on a page. */
    PageSize?: number;
  };
  /** Lists domains by name. */
  DescribeVodUserDomains: {
    /** The name, or a part of it. */
    DomainName?: string;
    /** How the name is searched for. */
    DomainSearchType?: 'fuzzy_match' | 'pre_match' | 'suf_match' | 'full_match';
    /** Only domains of this status. */
    DomainStatus?: 'online' | 'offline' | 'configuring';
    /** Which page. */
    PageNumber?: number;
    /** Domains on a page. */
    PageSize?: number;
  };
  /** Cuts a stream off and, unless Oneshot is `yes`, keeps it from being published until ResumeTime. */
  ForbidLiveStream: {
    /** The ingest domain, or its streaming domain. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** `publisher`. */
    LiveStreamType: 'publisher';
    /** `yes`: cut once and do not block. */
    Oneshot?: boolean;
    /** When the block ends by itself; in six months when absent, which is also the longest. */
    ResumeTime?: string;
  };
  /** Makes a key for EncryptConfig of SubmitTranscodeJobs. */
  GenerateKMSDataKey: Record<string, never>;
  /** Tells about at most ten applications, and which of the ids are nobody's. */
  GetAppInfos: {
    /** The applications, joined by commas. */
    AppIds: string[];
  };
  /** Tells all about at most 20 of attached media, and which of the ids are nobody's. */
  GetAttachedMediaInfo: {
    /** The attached media, joined by commas. */
    MediaIds: string[];
    /** How many seconds their URLs live, where the domain has URL authentication on; absent: as long as the domain says. */
    AuthTimeout?: number;
  };
  /** Tells about a category and lists those that lie in it. */
  GetCategories: {
    /** The category; -1, and when absent: those that lie in none are listed. */
    CateId?: number;
    /** Only categories that sort this. */
    Type?: 'default' | 'material';
    /** How they are sorted. */
    SortBy?: 'CreationTime:Desc' | 'CreationTime:Asc';
    /** Which page. */
    PageNo?: number;
    /** Categories on a page. */
    PageSize?: number;
  };
  /** Lists deleted videos that can be restored, last deleted first. */
  GetDeletedVideoList: {
    /** Which page. */
    PageNo?: number;
    /** Videos on a page. */
    PageSize?: number;
  };
  /** Tells one event: its body as it was sent, and each attempt to deliver it. */
  GetEvent: {
    /** The event, as the header `X-Reprise-Event-Id` names it. */
    EventId: string;
  };
  /** Tells all about a picture. */
  GetImageInfo: {
    /** The picture. */
    ImageId: string;
    /** How many seconds its URLs live, where the domain has URL authentication on; absent: as long as the domain says. */
    AuthTimeout?: number;
  };
  /** Tells all about at most 20 pictures, and which of the ids are nobody's. */
  GetImageInfos: {
    /** The pictures, joined by commas. */
    ImageIds: string[];
    /** How many seconds their URLs live, where the domain has URL authentication on; absent: as long as the domain says. */
    AuthTimeout?: number;
  };
  /** Tells one job. */
  GetJobDetail: {
    /** The job. */
    JobId: string;
    /** What it is. */
    JobType: 'Transcode' | 'Snapshot' | 'AI' | 'Workflow';
  };
  /** Tells how a stream is pushed now, and what of it is safely recorded. */
  GetLiveStreamHealth: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
  };
  /** Tells where events are sent. Nothing set: all fields are empty. */
  GetMessageCallback: {
    /** The application. */
    AppId?: string;
  };
  /** Tells about the source file of a video and, when asked, about each of its streams. */
  GetMezzanineInfo: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
    /** `video`, `audio`, or both joined by a comma: which streams are told of. */
    AdditionType?: string[];
    /** How many seconds the URL lives, where the domain has URL authentication on. */
    AuthTimeout?: number;
  };
  /** Tells the URLs that a video is played from. Under a no-transcode group the source itself is one stream (OD, Original), told once, as an MP4; as HLS too when Formats asks for it. Each output of a transcode task is a stream, as soon as it is made; of one definition and format the newest is told, or all of them with ResultType `Multiple`. */
  GetPlayInfo: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
    /** Only these formats, joined by commas: `mp4`, `m3u8`, `flv`, `mp3`, `mpd`. */
    Formats?: string[];
    /** `Single`: the newest stream of each definition and format; `Multiple`: all. */
    ResultType?: 'Single' | 'Multiple';
    /** Only these definitions, joined by commas. The source is OD. */
    Definition?: string[];
    /** Only `video` or only `audio`, or both joined by a comma. */
    StreamType?: string[];
    /** Only streams of these codecs, joined by commas: `H264`, `H265`, `AAC`, `MP3`. */
    CodecName?: string[];
    /** JSON. EncryptType: only streams that are encrypted so, or `Unencrypted` ones. MtsHlsUriToken: goes to the URLs of encrypted playlists, and from there to those of their keys. PreviewTime is refused: there are no previews. The rest is left alone. */
    PlayConfig?: string;
    /** Only streams with such a mark, of which there are none. */
    DigitalWatermarkType?: 'TraceMark' | 'CopyrightMark';
    /** How many seconds the URLs live, where the domain has URL authentication on; absent: as long as the domain says. */
    AuthTimeout?: number;
  };
  /** Tells where a stream is pushed to, as programs want to have it, and where it is played while it goes on. */
  GetPushAddress: {
    /** The ingest domain, or a streaming domain: then that of its ingest domains that comes first. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** For how many seconds the address may be used, where it is signed; left out: for the domain's validity. */
    AuthTimeout?: number;
  };
  /** Tells how the server stands: room on the disk, live streams, the queue, and what needs somebody's attention. */
  GetServerStatus: Record<string, never>;
  /** Tells the newest transcode task of each of at most ten videos, in short. A video without a task is left out. */
  GetTranscodeSummary: {
    /** The videos, joined by commas. */
    VideoIds: string[];
  };
  /** Tells a transcode task with its outputs, or outputs alone. */
  GetTranscodeTask: {
    /** The task. */
    TranscodeTaskId?: string;
    /** At most ten outputs instead, joined by commas. */
    JobIds?: string[];
  };
  /** Tells a template group with its templates. */
  GetTranscodeTemplateGroup: {
    /** The group. */
    TranscodeTemplateGroupId: string;
  };
  /** Tells what became of files that are, or were, pulled. */
  GetURLUploadInfos: {
    /** At most 20 ids, joined by commas. */
    JobIds?: string[];
    /** At most 20 URLs, joined by commas: the newest job of each is told of. */
    UploadURLs?: string[];
  };
  /** Tells how often videos and streams were played, how many bytes were sent, and how many are stored. */
  GetUsage: {
    /** Hours that begin at or after; a day before EndTime when absent. */
    StartTime?: string;
    /** Hours that begin before; now when absent. */
    EndTime?: string;
    /** Only of this domain. */
    DomainName?: string;
    /** Only of this video, or of this stream as `AppName/StreamName`. */
    Media?: string;
    /** What it is added up by. */
    GroupBy?: 'Hour' | 'Domain' | 'Media';
    /** Which page. */
    PageNo?: number;
    /** Lines on a page. */
    PageSize?: number;
  };
  /** Tells all about one video. */
  GetVideoInfo: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
  };
  /** Tells all about at most 20 videos, and which of the ids are nobody's. */
  GetVideoInfos: {
    /** The videos, joined by commas. */
    VideoIds?: string[];
    /** The customer's own ids, joined by commas. */
    ReferenceIds?: string[];
  };
  /** Lists videos by time of creation. */
  GetVideoList: {
    /** Only videos of this category. */
    CateId?: number;
    /** Made at or after. */
    StartTime?: string;
    /** Made at or before. */
    EndTime?: string;
    /** Only videos of these states, joined by commas. */
    Status?: string[];
    /** Only videos with these ids of the customer's own, joined by commas. */
    ReferenceIds?: string[];
    /** How they are sorted. */
    SortBy?: 'CreationTime:Desc' | 'CreationTime:Asc';
    /** Which page. */
    PageNo?: number;
    /** Videos on a page. */
    PageSize?: number;
  };
  /** Gives a player the right to ask how one video is played: keys, in the envelope that the vendor's players take apart. They are good for GetPlayInfo on this VideoId, and only until AuthInfoTimeout is over; the URLs that were got live longer. */
  GetVideoPlayAuth: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
    /** How many seconds the keys are good for. */
    AuthInfoTimeout?: number;
  };
  /** Tells the story of a video: the pushes it is made of and why each ended, where media is missing and why, how its parameters changed, the cycles of its recording, and which jobs and callbacks followed. */
  GetVideoReceipt: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
    /** Whether jobs and callbacks are told as well. */
    WithDeliveries?: boolean;
  };
  /** Tells how long a video is kept. */
  GetVideoRetention: {
    /** The video. */
    VideoId: string;
  };
  /** Tells a template. */
  GetVodTemplate: {
    /** The template. */
    VodTemplateId: string;
  };
  /** Tells a watermark. */
  GetWatermark: {
    /** The watermark. */
    WatermarkId: string;
  };
  /** Lists access keys without their secrets, the oldest first. The root key of the configuration is not among them. */
  ListAccessKeys: {
    /** Only keys that are called so. */
    UserName?: string;
  };
  /** Lists applications: the one that nobody made first, the others in the order in which they were made. */
  ListAppInfo: {
    /** Only those that are in use, or only those that are not. */
    Status?: 'Normal' | 'Disable';
    /** Which page. */
    PageNo?: number;
    /** Applications on a page. */
    PageSize?: number;
  };
  /** Lists the calls of operations that write, newest first: who called what, from where, with which parameters, and what became of it. They are kept for `auth.audit_kept`. */
  ListAuditEvents: {
    /** Only calls that were signed with this key. */
    UserAccessKeyId?: string;
    /** Only calls of this operation: `DeleteVideo`. */
    EventName?: string;
    /** Only calls of which this became. */
    Outcome?: 'Done' | 'Failed';
    /** Came at or after. */
    StartTime?: string;
    /** Came at or before. */
    EndTime?: string;
    /** Calls in the answer. */
    MaxResults?: number;
    /** Where the answer before this one ended. */
    NextToken?: string;
  };
  /** Lists the users of the web console, by name. */
  ListConsoleUsers: Record<string, never>;
  /** Lists the animated images of a video, oldest first. */
  ListDynamicImage: {
    /** The video. */
    VideoId: string;
  };
  /** Lists events: what was told, or is to be told, of videos, and what became of it. */
  ListEvents: {
    /** Only events of this video, a deleted one too. They are sorted by their Sequence. */
    VideoId?: string;
    /** Only events of this name: `TranscodeComplete`. */
    EventType?: string;
    /** Only events of which this became. */
    Outcome?: 'Pending' | 'Delivered' | 'Unwanted' | 'Dropped';
    /** Happened at or after. */
    StartTime?: string;
    /** Happened at or before. */
    EndTime?: string;
    /** How they are sorted. */
    SortBy?: 'CreationTime:Desc' | 'CreationTime:Asc';
    /** Events in the answer. */
    MaxResults?: number;
    /** Where the answer before this one ended. */
    NextToken?: string;
  };
  /** Lists the jobs of a video, newest first. */
  ListJobInfo: {
    /** The video. */
    MediaId: string;
    /** Which jobs. */
    JobType: 'Transcode' | 'Snapshot' | 'AI' | 'Workflow';
  };
  /** Lists jobs of the queue, newest first: what waits, what runs, what failed for good and why. Those that have ended are kept for a week. */
  ListJobs: {
    /** Only jobs in this state. `Dead` are the failed ones. */
    State?: 'Ready' | 'Running' | 'Done' | 'Dead' | 'Cancelled';
    /** Only jobs of this kind: `callback`, `encode` and so on. */
    Kind?: string;
    /** Jobs in the answer. */
    MaxResults?: number;
    /** Where the answer before this one ended. */
    NextToken?: string;
  };
  /** Lists the videos that were recorded of live streams. */
  ListLiveRecordVideo: {
    /** The streaming domain. */
    DomainName?: string;
    /** The app. */
    AppName?: string;
    /** The stream. */
    StreamName?: string;
    /** The recording began at or after. */
    StartTime?: string;
    /** The recording began at or before. */
    EndTime?: string;
    /** How they are sorted. */
    SortBy?: 'CreationTime:Desc' | 'CreationTime:Asc';
    /** Which page. */
    PageNo?: number;
    /** Videos on a page. */
    PageSize?: number;
  };
  /** Lists the newest snapshots of a video of one type. */
  ListSnapshots: {
    /** Which page. */
    PageNo?: number;
    /** Snapshots on a page. */
    PageSize?: number;
    /** Which type. */
    SnapshotType?: 'CoverSnapshot' | 'NormalSnapshot' | 'SpriteSnapshot' | 'SpriteOriginSnapshot' | 'WebVttSnapshot';
    /** How many seconds the URLs live, where the domain has URL authentication on; absent: as long as the domain says. */
    AuthTimeout?: number;
    /** The video. */
    VideoId: string;
  };
  /** Lists the transcode tasks of a video, newest first. */
  ListTranscodeTask: {
    /** The video. */
    VideoId: string;
    /** Made at or after. */
    StartTime?: string;
    /** Made at or before. */
    EndTime?: string;
    /** Which page. */
    PageNo?: number;
    /** Tasks on a page. */
    PageSize?: number;
  };
  /** Lists all template groups, the built-in ones first. */
  ListTranscodeTemplateGroup: {
    /** The application. */
    AppId?: string;
  };
  /** Lists the templates of one kind. */
  ListVodTemplate: {
    /** The application. */
    AppId?: string;
    /** What they are for. */
    TemplateType: 'Snapshot' | 'DynamicImage';
  };
  /** Lists all watermarks. */
  ListWatermark: {
    /** The application. */
    AppId?: string;
  };
  /** Tells which recording rule applies to a stream, and why: the exact stream comes before the exact app, both before a wildcard. */
  MatchLiveRecordRule: {
    /** The streaming domain, or an ingest domain tied to it. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream, whether somebody pushes it or not. */
    StreamName: string;
  };
  /** Has all edges get files before somebody asks for them. */
  PreloadVodObjectCaches: {
    /** URLs of files, one a line, at most 100. */
    ObjectPath: string;
  };
  /** Starts, stops or cuts the recording of one stream. Answered when it is carried out. */
  RealTimeRecordCommand: {
    /** The streaming domain. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream; one, without wildcards. */
    StreamName: string;
    /** `start`, `stop`, `cancel_delay` or `restart`. */
    Command: 'start' | 'stop' | 'cancel_delay' | 'restart';
    /** An extension: a `start` begins so many seconds before now, as far as the rule's SafetyBuffer has kept them. */
    ReachBack?: number;
  };
  /** Gives another temporary key for a video whose file is still to come. */
  RefreshUploadVideo: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
  };
  /** Has all edges forget files: the next who asks gets them from the origin. Deleted and blocked videos are forgotten without it. Caches of others in front are not told. */
  RefreshVodObjectCaches: {
    /** URLs, one a line: at most 1000 files, or 100 of another type. Signatures and queries in them are not looked at. A folder ends with a slash. */
    ObjectPath: string;
    /** What the URLs name. */
    ObjectType?: 'File' | 'Directory' | 'Regex' | 'IgnoreParams';
  };
  /** Makes videos of files that were sent as attached media; the files stay as they are. The URL of a video tells that video. */
  RegisterMedia: {
    /** JSON: an array of at most 10 objects with FileURL, and what is written on its video: Title, Description, CoverURL, CateId, Tags. */
    RegisterMetadatas: string;
    /** The template group; the default one when absent. */
    TemplateGroupId?: string;
    /** Told back. */
    UserData?: string;
  };
  /** Has events told once more: the same text, in the order of each video, behind what is being offered of it. At least one of EventId, VideoId and StartTime is needed. One call takes at most a thousand; NextToken says that there are more. */
  ReplayEvents: {
    /** This event. */
    EventId?: string;
    /** Those of this video, a deleted one too. */
    VideoId?: string;
    /** Those that happened at or after. */
    StartTime?: string;
    /** Only those that no receiver has taken. */
    OnlyUndelivered?: boolean;
    /** Where the answer before this one ended; the rest has to be as it was then. */
    NextToken?: string;
  };
  /** Brings at most 20 deleted videos back as they were, as long as their media is kept (`storage.undelete_window`). */
  RestoreVideo: {
    /** The videos, joined by commas. */
    VideoIds: string[];
  };
  /** Lets a stream be published again. One that is not blocked stays so. */
  ResumeLiveStream: {
    /** The ingest domain, or its streaming domain. */
    DomainName: string;
    /** The app. */
    AppName: string;
    /** The stream. */
    StreamName: string;
    /** `publisher`. */
    LiveStreamType: 'publisher';
  };
  /** Has a job done once more that failed for good or was cancelled: one that ListJobs lists, or an output. */
  RetryJob: {
    /** The job, or the output. */
    JobId: string;
  };
  /** Searches media by what is known of them. */
  SearchMedia: {
    /** What kinds of media are searched, joined by commas. With videos among them, these alone; there are no sounds. */
    SearchType?: ('video' | 'audio' | 'image' | 'attached')[];
    /** What is told of each, joined by commas, beyond MediaId, MediaType and CreationTime. Unknown names are left alone. */
    Fields?: string[];
    /** What is wanted, such as `Status in ('Normal') and (Title in ('cup') or Tags in ('cup'))`. */
    Match?: string;
    /** How they are sorted: `CreationTime:Desc`, or at most three of CreationTime and ModificationTime with Asc or Desc, joined by commas. */
    SortBy?: string[];
    /** Which page. Beyond 200 with a ScrollToken only. */
    PageNo?: number;
    /** Media on a page. */
    PageSize?: number;
    /** From the answer with the page before: what comes after it is listed, whatever PageNo is. */
    ScrollToken?: string;
  };
  /** Makes a template group the default one. */
  SetDefaultTranscodeTemplateGroup: {
    /** The group. */
    TranscodeTemplateGroupId: string;
  };
  /** Makes a watermark the one that templates name as USER_DEFAULT_WATERMARK. */
  SetDefaultWatermark: {
    /** The watermark. */
    WatermarkId: string;
  };
  /** Sets who is told when a stream of this domain is published or ends, replacing what was set. */
  SetLiveStreamsNotifyUrlConfig: {
    /** The ingest domain. */
    DomainName: string;
    /** Asked with GET at each publish and unpublish. */
    NotifyUrl?: string;
    /** Told of exceptions. */
    ExceptionNotifyUrl?: string;
    /** `yes`: requests carry a signature. */
    NotifyReqAuth?: boolean;
    /** The key of the signature, 16 to 64 letters or digits. Needed when NotifyReqAuth is `yes`. */
    NotifyAuthKey?: string;
  };
  /** Sets where events of videos are sent, replacing what was set as a whole. */
  SetMessageCallback: {
    /** The application. */
    AppId?: string;
    /** `HTTP`. There is no MNS here, so `MNS` is refused. */
    CallbackType?: 'HTTP' | 'MNS';
    /** The receiver. Needed when an event is wanted. */
    CallbackURL?: string;
    /** The events wanted, joined by commas, or `ALL`. Absent or empty: none. */
    EventTypeList?: string[];
    /** `on`: requests carry a signature. */
    AuthSwitch?: boolean;
    /** The key of the signature: at most 32 characters, with small and capital letters and digits. */
    AuthKey?: string;
    /** Kept and told back. */
    MnsEndpoint?: string;
    /** Kept and told back. */
    MnsQueueName?: string;
  };
  /** Says how long at most 20 videos are kept. One whose time is over is deleted within a minute, as DeleteVideo does it, and can be restored as long as any. */
  SetVideoRetention: {
    /** The videos, joined by commas. */
    VideoIds: string[];
    /** `Rule`, `Until` or `ForGood`. */
    Keep: 'Rule' | 'Until' | 'ForGood';
    /** With `Until`: until when. */
    KeepUntil?: string;
  };
  /** Starts a domain that was stopped. */
  StartLiveDomain: {
    /** The domain. */
    DomainName: string;
  };
  /** Has the server push a moving picture with sound to itself, for ten minutes, over the default ingest domain. There is one at a time: while one goes on, it is answered as it is. */
  StartTestStream: {
    /** The app. */
    AppName?: string;
    /** The stream. */
    StreamName?: string;
  };
  /** Stops a domain: nothing new is pushed to it, and nothing is played from it, until it is started. Pushes that run go on, and so do their recordings. */
  StopLiveDomain: {
    /** The domain. */
    DomainName: string;
  };
  /** Ends the test stream, if there is one. */
  StopTestStream: Record<string, never>;
  /** Has an animated image of a video made. The answer is the job's id; its end is told by `DynamicImageComplete`. */
  SubmitDynamicImageJob: {
    /** A template of animated images. */
    DynamicImageTemplateId: string;
    /** What is wanted instead of the template's `Video`, `Container` and `Clip`, as JSON. */
    OverrideParams?: string;
    /** The video. */
    VideoId: string;
  };
  /** Has snapshots of a video taken. Each is the picture that is shown at its time. The answer is the job's id; its end is told by `SnapshotComplete`, and the snapshots are listed by ListSnapshots. */
  SubmitSnapshotJob: {
    /** The video. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
    /** A template of snapshots, in place of all that follows but UserData. */
    SnapshotTemplateId?: string;
    /** How many, 1 by default; of sprites, as many as the interval gives. */
    Count?: number;
    /** Seconds from one to the next, 1 by default; 0: spread evenly. */
    Interval?: number;
    /** When the first is taken, in milliseconds, 0 by default. */
    SpecifiedOffsetTime?: number;
    /** When all of them are taken, in milliseconds, at most 30; in place of Count, Interval and SpecifiedOffsetTime. */
    SpecifiedOffsetTimes?: number[];
    /** Pixels, 8 to 4096. Absent: what follows from Height, or the video's. */
    Width?: number;
    /** Pixels, 8 to 4096. Absent: what follows from Width, or the video's. */
    Height?: number;
    /** They are put together to sprites, and how, as JSON; `{}` for what is usual. */
    SpriteSnapshotConfig?: string;
    /** Kept with the job and told back, as JSON. */
    UserData?: string;
  };
  /** Has a video encoded with a template group, as it is now. What was encoded in the same way already is not encoded again. */
  SubmitTranscodeJobs: {
    /** The video: its status is UploadSucc, Normal or Checking. */
    VideoId?: string;
    /** The customer's own id of it, instead. */
    ReferenceId?: string;
    /** The group. One output is made per template. */
    TemplateGroupId: string;
    /** 1 to 10: tasks of higher priority come before what waits of others. */
    Priority?: number;
    /** Names the request: a second one of this name within seven days is refused. At most 50 characters. */
    SessionId?: string;
    /** JSON with MessageCallback (where events of this task go instead) and Extend (told back with them). */
    UserData?: string;
    /** JSON with TranscodeTemplateList: what of Video, Audio, Clip, Rotate and TranscodeFileRegular of a template, named by its TranscodeTemplateId, is different for this task. And Watermarks: what watermarks of the group's templates, named by their WatermarkId, show in it: an image the one at FileUrl, words the Content. And SubtitleSetting, whose SubtitleList names at most four files of subtitles (SubtitleUrl: SubRip or WebVTT; CharEncode), which are drawn on all pictures in place of the templates' own. */
    OverrideParams?: string;
    /** JSON with CipherText, of a key that GenerateKMSDataKey made: with that all outputs in m3u8 are encrypted. DecryptKeyUri is where players get the key from a server of the customer's; without it they get it here. */
    EncryptConfig?: string;
  };
  /** Disables a key, enables it again, gives it another role or name. What is absent stays. It holds from the next call on. */
  UpdateAccessKey: {
    /** The key. */
    UserAccessKeyId: string;
    /** Whether it is believed. */
    Status?: 'Active' | 'Inactive';
    /** What its owner may do. */
    Role?: 'admin' | 'operator' | 'viewer' | 'publisher';
    /** What it is called. */
    UserName?: string;
  };
  /** Writes on at most 20 of attached media, all or none. What is absent stays as it is. */
  UpdateAttachedMediaInfos: {
    /** JSON: an array of objects with MediaId, and Title, Description, Tags, CateIds. */
    UpdateContent: string;
  };
  /** Gives a category another name. */
  UpdateCategory: {
    /** The category. */
    CateId: number;
    /** Its name, at most 64 bytes. */
    CateName: string;
  };
  /** Gives a user of the web console another password or role. With the password he is signed out everywhere. */
  UpdateConsoleUser: {
    /** Who. */
    UserName: string;
    /** At least 10 characters. */
    Password?: string;
    /** What he may do. */
    Role?: 'admin' | 'operator' | 'viewer';
  };
  /** Writes on at most 20 pictures, all or none. What is absent stays as it is. */
  UpdateImageInfos: {
    /** JSON: an array of objects with ImageId, and Title, Description, Tags, CateId. */
    UpdateContent: string;
  };
  /** Changes the setting. What is absent stays as it is. */
  UpdateLiveRecordNotifyConfig: {
    /** The streaming domain. */
    DomainName: string;
    /** Told of each video, and of changes of status. */
    NotifyUrl: string;
    /** Asked whether to record; an empty one: nobody is. */
    OnDemandUrl?: string;
    /** Whether changes of status are told. */
    NeedStatusNotify?: boolean;
    /** Whether requests carry a signature. */
    NotifyReqAuth?: boolean;
    /** The key of the signature. */
    NotifyAuthKey?: string;
  };
  /** Changes a rule, for streams published from now on. What is absent stays as it is. */
  UpdateLiveRecordVodConfig: {
    /** The streaming domain. */
    DomainName: string;
    /** The app, or `*`. */
    AppName: string;
    /** The stream, or `*`, which is what an absent one means. */
    StreamName?: string;
    /** Seconds of one video. */
    CycleDuration?: number;
    /** Seconds in which a lost push may come back. */
    DelayTime?: number;
    /** The template group of each cycle's video. */
    VodTranscodeGroupId?: string;
    /** Whether the cycles are joined at the end. */
    AutoCompose?: boolean;
    /** The template group of the joined video. */
    ComposeVodTranscodeGroupId?: string;
    /** 0, 1, 2 or 7. */
    OnDemand?: number;
    /** An extension: days after its last media that a video is kept; 0 for good. */
    RetentionDays?: number;
    /** An extension: bytes that all videos of the rule may take, beyond which the oldest go; 0 for no limit. */
    QuotaBytes?: number;
    /** The live transcodings that are recorded. */
    TranscodeTemplates?: string[];
    /** The newer form. */
    RecordFormat?: {
      /** m3u8, flv or mp4. */
      Format?: string;
      /** Seconds of one slice; kept and told back. */
      SliceDuration?: number;
      /** Whether the cycles are joined at the end. */
      AutoCompose?: boolean;
      /** `origin`, `compose`, or both: which videos are processed. */
      VideoProcess?: string;
      /** `transcode`. */
      ProcessMethod?: string;
      /** The template group. */
      ProcessTemplateId?: string;
      /** Kept and told back. */
      Tags?: string;
    }[];
    /** An extension: seconds of what is pushed that are kept while it is not recorded. */
    SafetyBuffer?: number;
  };
  /** Changes a template group, and templates of it one by one. What is absent stays as it is; what is being encoded goes on as it was begun. */
  UpdateTranscodeTemplateGroup: {
    /** `Enabled`: the group cannot be changed or deleted until it is `Disabled`. */
    Locked?: 'Enabled' | 'Disabled';
    /** Its new name. */
    Name?: string;
    /** The group. */
    TranscodeTemplateGroupId: string;
    /** The templates to change, as JSON, each with its TranscodeTemplateId. */
    TranscodeTemplateList?: string;
  };
  /** Writes on a video. What is absent stays as it is. */
  UpdateVideoInfo: {
    /** The video. */
    VideoId?: string;
    /** With VideoId the customer's own id that it gets, 6 to 64 letters, digits, `_` and `-`; without it the video. */
    ReferenceId?: string;
    /** At most 128 bytes. */
    Title?: string;
    /** At most 1024 bytes. */
    Description?: string;
    /** At most 16 of at most 32 bytes each, joined by commas. */
    Tags?: string;
    /** The category; -1 for none. */
    CateId?: number;
    /** The URL of its cover. */
    CoverURL?: string;
    /** Kept and told back. */
    UserData?: string;
  };
  /** Writes on at most 20 videos, all or none. What is absent stays as it is. */
  UpdateVideoInfos: {
    /** JSON: an array of objects with the parameters of UpdateVideoInfo. */
    UpdateContent: string;
  };
  /** Changes a template. What is absent stays as it is; what is being made goes on as it was begun. */
  UpdateVodTemplate: {
    /** Its new name. */
    Name?: string;
    /** What is wanted from now on, as JSON, in place of what was. */
    TemplateConfig?: string;
    /** The template. */
    VodTemplateId: string;
  };
  /** Changes a watermark. An image stays what it shows. What is being made goes on as it was begun. */
  UpdateWatermark: {
    /** Its new name. */
    Name?: string;
    /** Where and when it is shown from now on, as JSON, in place of what was. */
    WatermarkConfig: string;
    /** The watermark. */
    WatermarkId: string;
  };
  /** Has files pulled from URLs; each becomes a video. */
  UploadMediaByURL: {
    /** At most 20 http or https URLs, joined by commas; each may be URL-encoded. */
    UploadURLs: string[];
    /** JSON: an array of objects with SourceURL, as in UploadURLs, and what is written on its video: Title, Description, CoverURL, CateId, Tags, TemplateGroupId, UserData, ReferenceId. Other members are left alone. */
    UploadMetadatas?: string;
    /** The template group of those whose metadata name none; the default one when absent. */
    TemplateGroupId?: string;
    /** Told back, for those whose metadata have none. */
    UserData?: string;
    /** Within ten minutes, the same again means the call that it came with first. */
    SessionId?: string;
  };
}

export type Action = keyof Params;

/** How a parameter that is more than one value is sent: joined by commas, or numbered. */
export type Several = 'commas' | 'numbered';

export interface Operation {
  service: 'Live' | 'Vod';
  roles: readonly Role[];
  writes: boolean;
  /** The vendor has no such operation. */
  own: boolean;
  several: Readonly<Record<string, Several>>;
}

export const operations: Readonly<Record<Action, Operation>> = {
  AddCategory: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  AddLiveDomain: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  AddLiveDomainMapping: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  AddLiveRecordNotifyConfig: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  AddLiveRecordVodConfig: { service: 'Live', roles: ['admin', 'operator'], writes: true, own: false, several: { TranscodeTemplates: 'numbered', RecordFormat: 'numbered' } },
  AddTranscodeTemplateGroup: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  AddVodDomain: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: {} },
  AddVodTemplate: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  AddWatermark: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  BatchDeleteLiveDomainConfigs: { service: 'Live', roles: ['admin'], writes: true, own: false, several: { DomainNames: 'commas', FunctionNames: 'commas' } },
  BatchGetMediaInfos: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { MediaIds: 'commas', ReferenceIds: 'commas' } },
  BatchSetLiveDomainConfigs: { service: 'Live', roles: ['admin'], writes: true, own: false, several: { DomainNames: 'commas' } },
  BatchSetVodDomainConfigs: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: { DomainNames: 'commas' } },
  BatchStartVodDomain: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: { DomainNames: 'commas' } },
  BatchStopVodDomain: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: { DomainNames: 'commas' } },
  CancelTranscodeTask: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: true, several: {} },
  CancelUrlUploadJobs: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { JobIds: 'commas', UploadUrls: 'commas' } },
  CreateAccessKey: { service: 'Vod', roles: ['admin'], writes: true, own: true, several: {} },
  CreateAppInfo: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: {} },
  CreateConsoleUser: { service: 'Vod', roles: ['admin'], writes: true, own: true, several: {} },
  CreateLiveStreamRecordIndexFiles: { service: 'Live', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  CreateUploadAttachedMedia: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { CateIds: 'commas' } },
  CreateUploadImage: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  CreateUploadVideo: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  DecryptKMSDataKey: { service: 'Vod', roles: ['admin', 'operator'], writes: false, own: false, several: {} },
  DeleteAccessKey: { service: 'Vod', roles: ['admin'], writes: true, own: true, several: {} },
  DeleteAttachedMedia: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { MediaIds: 'commas' } },
  DeleteCategory: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  DeleteConsoleUser: { service: 'Vod', roles: ['admin'], writes: true, own: true, several: {} },
  DeleteDynamicImage: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { DynamicImageIds: 'commas' } },
  DeleteImage: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { ImageIds: 'commas', ImageURLs: 'commas' } },
  DeleteLiveDomain: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  DeleteLiveDomainMapping: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  DeleteLiveRecordNotifyConfig: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  DeleteLiveRecordVodConfig: { service: 'Live', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  DeleteLiveStreamRecordIndexFiles: { service: 'Live', roles: ['admin', 'operator'], writes: true, own: false, several: { RecordId: 'numbered' } },
  DeleteLiveStreamsNotifyUrlConfig: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  DeleteMessageCallback: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: {} },
  DeleteMezzanines: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { VideoIds: 'commas', ReferenceIds: 'commas' } },
  DeleteStream: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { JobIds: 'commas' } },
  DeleteTranscodeTemplateGroup: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { TranscodeTemplateIds: 'commas' } },
  DeleteVideo: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { VideoIds: 'commas', ReferenceIds: 'commas' } },
  DeleteVodDomain: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: {} },
  DeleteVodSpecificConfig: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: {} },
  DeleteVodTemplate: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  DeleteWatermark: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  DescribeLiveDomainConfigs: { service: 'Live', roles: ['admin'], writes: false, own: false, several: { FunctionNames: 'commas' } },
  DescribeLiveDomainDetail: { service: 'Live', roles: ['admin', 'operator', 'viewer', 'publisher'], writes: false, own: false, several: {} },
  DescribeLiveDomainMapping: { service: 'Live', roles: ['admin', 'operator', 'viewer', 'publisher'], writes: false, own: false, several: {} },
  DescribeLiveRecordNotifyConfig: { service: 'Live', roles: ['admin'], writes: false, own: false, several: {} },
  DescribeLiveRecordNotifyRecords: { service: 'Live', roles: ['admin', 'operator'], writes: false, own: false, several: {} },
  DescribeLiveRecordVodConfigs: { service: 'Live', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeLiveStreamAuthChecking: { service: 'Live', roles: ['admin', 'operator', 'publisher'], writes: false, own: false, several: {} },
  DescribeLiveStreamCount: { service: 'Live', roles: ['admin', 'operator', 'viewer', 'publisher'], writes: false, own: false, several: {} },
  DescribeLiveStreamRecordContent: { service: 'Live', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeLiveStreamRecordIndexFile: { service: 'Live', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeLiveStreamRecordIndexFiles: { service: 'Live', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeLiveStreamState: { service: 'Live', roles: ['admin', 'operator', 'viewer', 'publisher'], writes: false, own: false, several: {} },
  DescribeLiveStreamsBlockList: { service: 'Live', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeLiveStreamsControlHistory: { service: 'Live', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeLiveStreamsNotifyRecords: { service: 'Live', roles: ['admin', 'operator'], writes: false, own: false, several: {} },
  DescribeLiveStreamsNotifyUrlConfig: { service: 'Live', roles: ['admin'], writes: false, own: false, several: {} },
  DescribeLiveStreamsOnlineList: { service: 'Live', roles: ['admin', 'operator', 'viewer', 'publisher'], writes: false, own: false, several: {} },
  DescribeLiveStreamsPublishList: { service: 'Live', roles: ['admin', 'operator', 'viewer', 'publisher'], writes: false, own: false, several: {} },
  DescribeLiveUserDomains: { service: 'Live', roles: ['admin', 'operator', 'viewer', 'publisher'], writes: false, own: false, several: {} },
  DescribeVodDomainConfigs: { service: 'Vod', roles: ['admin'], writes: false, own: false, several: { FunctionNames: 'commas' } },
  DescribeVodDomainDetail: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeVodRefreshQuota: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  DescribeVodRefreshTasks: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { TaskId: 'commas' } },
  DescribeVodUserDomains: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ForbidLiveStream: { service: 'Live', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  GenerateKMSDataKey: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  GetAppInfos: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { AppIds: 'commas' } },
  GetAttachedMediaInfo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { MediaIds: 'commas' } },
  GetCategories: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  GetDeletedVideoList: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  GetEvent: { service: 'Vod', roles: ['admin', 'operator'], writes: false, own: true, several: {} },
  GetImageInfo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  GetImageInfos: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { ImageIds: 'commas' } },
  GetJobDetail: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  GetLiveStreamHealth: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  GetMessageCallback: { service: 'Vod', roles: ['admin'], writes: false, own: false, several: {} },
  GetMezzanineInfo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { AdditionType: 'commas' } },
  GetPlayInfo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { Formats: 'commas', Definition: 'commas', StreamType: 'commas', CodecName: 'commas' } },
  GetPushAddress: { service: 'Vod', roles: ['admin', 'operator', 'publisher'], writes: false, own: true, several: {} },
  GetServerStatus: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  GetTranscodeSummary: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { VideoIds: 'commas' } },
  GetTranscodeTask: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { JobIds: 'commas' } },
  GetTranscodeTemplateGroup: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  GetURLUploadInfos: { service: 'Vod', roles: ['admin', 'operator'], writes: false, own: false, several: { JobIds: 'commas', UploadURLs: 'commas' } },
  GetUsage: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  GetVideoInfo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  GetVideoInfos: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { VideoIds: 'commas', ReferenceIds: 'commas' } },
  GetVideoList: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { Status: 'commas', ReferenceIds: 'commas' } },
  GetVideoPlayAuth: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  GetVideoReceipt: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  GetVideoRetention: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  GetVodTemplate: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  GetWatermark: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListAccessKeys: { service: 'Vod', roles: ['admin'], writes: false, own: true, several: {} },
  ListAppInfo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListAuditEvents: { service: 'Vod', roles: ['admin'], writes: false, own: true, several: {} },
  ListConsoleUsers: { service: 'Vod', roles: ['admin'], writes: false, own: true, several: {} },
  ListDynamicImage: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListEvents: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  ListJobInfo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListJobs: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  ListLiveRecordVideo: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListSnapshots: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListTranscodeTask: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListTranscodeTemplateGroup: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListVodTemplate: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  ListWatermark: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: {} },
  MatchLiveRecordRule: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: true, several: {} },
  PreloadVodObjectCaches: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  RealTimeRecordCommand: { service: 'Live', roles: ['admin', 'operator', 'publisher'], writes: true, own: false, several: {} },
  RefreshUploadVideo: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  RefreshVodObjectCaches: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  RegisterMedia: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  ReplayEvents: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: true, several: {} },
  RestoreVideo: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: true, several: { VideoIds: 'commas' } },
  ResumeLiveStream: { service: 'Live', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  RetryJob: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: true, several: {} },
  SearchMedia: { service: 'Vod', roles: ['admin', 'operator', 'viewer'], writes: false, own: false, several: { SearchType: 'commas', Fields: 'commas', SortBy: 'commas' } },
  SetDefaultTranscodeTemplateGroup: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  SetDefaultWatermark: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  SetLiveStreamsNotifyUrlConfig: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  SetMessageCallback: { service: 'Vod', roles: ['admin'], writes: true, own: false, several: { EventTypeList: 'commas' } },
  SetVideoRetention: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: true, several: { VideoIds: 'commas' } },
  StartLiveDomain: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  StartTestStream: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: true, several: {} },
  StopLiveDomain: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  StopTestStream: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: true, several: {} },
  SubmitDynamicImageJob: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  SubmitSnapshotJob: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { SpecifiedOffsetTimes: 'numbered' } },
  SubmitTranscodeJobs: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateAccessKey: { service: 'Vod', roles: ['admin'], writes: true, own: true, several: {} },
  UpdateAttachedMediaInfos: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateCategory: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateConsoleUser: { service: 'Vod', roles: ['admin'], writes: true, own: true, several: {} },
  UpdateImageInfos: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateLiveRecordNotifyConfig: { service: 'Live', roles: ['admin'], writes: true, own: false, several: {} },
  UpdateLiveRecordVodConfig: { service: 'Live', roles: ['admin', 'operator'], writes: true, own: false, several: { TranscodeTemplates: 'numbered', RecordFormat: 'numbered' } },
  UpdateTranscodeTemplateGroup: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateVideoInfo: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateVideoInfos: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateVodTemplate: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UpdateWatermark: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: {} },
  UploadMediaByURL: { service: 'Vod', roles: ['admin', 'operator'], writes: true, own: false, several: { UploadURLs: 'commas' } },
};
