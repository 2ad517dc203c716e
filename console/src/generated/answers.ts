// Made of the server's declarations by `cargo xtask console`; do not edit.
//
// Of each operation: what it answers. What is marked with `?` is left out when there is none; what is JSON as text is a string here.

/** What an operation answers when nothing went wrong. */
export interface Answers {
  AddCategory: {
    Category: {
      CateId: number;
      CateName: string;
      Level: number;
      ParentId: number;
      Type: string;
    };
    RequestId: string;
  };
  AddLiveDomain: { RequestId: string };
  AddLiveDomainMapping: { RequestId: string };
  AddLiveRecordNotifyConfig: { RequestId: string };
  AddLiveRecordVodConfig: { RequestId: string };
  AddTranscodeTemplateGroup: {
    RequestId: string;
    TranscodeTemplateGroupId: string;
  };
  AddVodDomain: { RequestId: string };
  AddVodTemplate: {
    RequestId: string;
    VodTemplateId: string;
  };
  AddWatermark: {
    RequestId: string;
    WatermarkInfo: {
      CreationTime: string;
      FileUrl?: string;
      IsDefault: string;
      Name: string;
      Type: 'Image' | 'Text';
      WatermarkConfig: string;
      WatermarkId: string;
    };
  };
  BatchDeleteLiveDomainConfigs: { RequestId: string };
  BatchGetMediaInfos: {
    ForbiddenMediaIds: string[];
    MediaInfos: {
      MediaId: string;
      MediaInfo: {
        AppId: string;
        CateId?: number;
        CateName?: string;
        CoverURL?: string;
        CreationTime: string;
        Description?: string;
        DownloadSwitch: string;
        MediaId: string;
        ModificationTime: string;
        ReferenceId?: string;
        Snapshots: string[];
        Status: string;
        StorageClass: string;
        StorageLocation: string;
        Tags?: string;
        TemplateGroupId: string;
        Title: string;
        UserData?: string;
      };
      /** What is told of a source file wherever it is told of. */
      MezzanineInfo?: {
        AudioStreamList?: {
          Bitrate: string;
          ChannelLayout?: string;
          Channels: string;
          CodecLongName?: string;
          CodecName: string;
          CodecTag?: string;
          CodecTagString?: string;
          Duration: string;
          Index: string;
          NumFrames: string;
          SampleRate: string;
          StartTime: string;
          Timebase: string;
        }[];
        Bitrate: string;
        CreationTime: string;
        Duration: string;
        FileName: string;
        /** Nowhere once it is deleted. */
        FileURL?: string;
        Fps: string;
        Height: number;
        MediaId: string;
        Size: number;
        Status: string;
        VideoStreamList?: {
          AvgFPS: string;
          Bitrate: string;
          CodecLongName?: string;
          CodecName: string;
          CodecTag?: string;
          CodecTagString?: string;
          Duration: string;
          Fps: string;
          HasBFrames: string;
          Height: string;
          Index: string;
          Level: string;
          NumFrames: string;
          Profile?: string;
          StartTime: string;
          Timebase: string;
          Width: string;
        }[];
        Width: number;
      };
      PlayInfoList: {
        BitDepth?: number;
        Bitrate: string;
        CodecName?: string;
        CreationTime: string;
        Definition: string;
        Duration: string;
        Encrypt: number;
        EncryptType?: string;
        Format: string;
        Fps: string;
        Height: number;
        JobId: string;
        ModificationTime: string;
        NarrowBandType: string;
        PlayURL: string;
        Size: number;
        Specification: string;
        Status: string;
        StreamType: string;
        WatermarkId?: string;
        Width: number;
      }[];
    }[];
    NonExistMediaIds: string[];
    NonExistReferenceIds: string[];
    RequestId: string;
  };
  BatchSetLiveDomainConfigs: { RequestId: string };
  BatchSetVodDomainConfigs: { RequestId: string };
  BatchStartVodDomain: { RequestId: string };
  BatchStopVodDomain: { RequestId: string };
  CancelTranscodeTask: {
    CanceledJobIds: string[];
    RequestId: string;
  };
  CancelUrlUploadJobs: {
    CanceledJobs: string[];
    NonExists: string[];
    RequestId: string;
  };
  CreateAccessKey: {
    AccessKey: {
      AccessKeyId: string;
      AccessKeySecret: string;
      CreateDate: string;
      Role: string;
      Status: string;
      UserName: string;
    };
    RequestId: string;
  };
  CreateAppInfo: {
    AppId: string;
    RequestId: string;
  };
  CreateConsoleUser: {
    ConsoleUser: {
      CreateDate: string;
      LastSignInDate?: string;
      Role: string;
      UserName: string;
    };
    RequestId: string;
  };
  CreateLiveStreamRecordIndexFiles: {
    /** Where one playlist is told of. */
    RecordInfo: {
      AppName: string;
      CreateTime: string;
      DomainName: string;
      Duration: number;
      EndTime: string;
      Format?: string;
      Height: number;
      OssBucket: string;
      OssEndpoint: string;
      OssObject: string;
      RecordId: string;
      RecordUrl: string;
      StartTime: string;
      StreamName: string;
      Width: number;
    };
    RequestId: string;
  };
  CreateUploadAttachedMedia: {
    FileURL: string;
    MediaId: string;
    MediaURL: string;
    RequestId: string;
    UploadAddress: string;
    UploadAuth: string;
  };
  CreateUploadImage: {
    FileURL: string;
    ImageId: string;
    ImageURL: string;
    RequestId: string;
    UploadAddress: string;
    UploadAuth: string;
  };
  CreateUploadVideo: {
    RequestId: string;
    UploadAddress: string;
    UploadAuth: string;
    VideoId: string;
  };
  DecryptKMSDataKey: {
    CiphertextBlob?: string;
    KeyId: string;
    Plaintext: string;
    RequestId: string;
  };
  DeleteAccessKey: { RequestId: string };
  DeleteAttachedMedia: {
    NonExistMediaIds: string[];
    RequestId: string;
  };
  DeleteCategory: { RequestId: string };
  DeleteConsoleUser: { RequestId: string };
  DeleteDynamicImage: { RequestId: string };
  DeleteImage: { RequestId: string };
  DeleteLiveDomain: { RequestId: string };
  DeleteLiveDomainMapping: { RequestId: string };
  DeleteLiveRecordNotifyConfig: { RequestId: string };
  DeleteLiveRecordVodConfig: { RequestId: string };
  DeleteLiveStreamRecordIndexFiles: {
    RecordDeleteInfoList: {
      RecordDeleteInfo: {
        Message: string;
        RecordId: string;
      }[];
    };
    RequestId: string;
  };
  DeleteLiveStreamsNotifyUrlConfig: { RequestId: string };
  DeleteMessageCallback: { RequestId: string };
  DeleteMezzanines: {
    NonExistReferenceIds: string[];
    NonExistVideoIds: string[];
    RequestId: string;
    UnRemoveableVideoIds: string[];
  };
  DeleteStream: { RequestId: string };
  DeleteTranscodeTemplateGroup: {
    NonExistTranscodeTemplateIds: string[];
    RequestId: string;
  };
  DeleteVideo: {
    ForbiddenVideoIds: string[];
    NonExistReferenceIds: string[];
    NonExistVideoIds: string[];
    RequestId: string;
  };
  DeleteVodDomain: { RequestId: string };
  DeleteVodSpecificConfig: { RequestId: string };
  DeleteVodTemplate: {
    RequestId: string;
    VodTemplateId: string;
  };
  DeleteWatermark: { RequestId: string };
  DescribeLiveDomainConfigs: {
    DomainConfigs: {
      DomainConfig: {
        ConfigId: string;
        FunctionArgs: {
          FunctionArg: {
            ArgName: string;
            ArgValue: string;
          }[];
        };
        FunctionName: string;
        Status: string;
      }[];
    };
    RequestId: string;
  };
  DescribeLiveDomainDetail: {
    DomainDetail: {
      DomainName: string;
      DomainStatus: string;
      GmtCreated: string;
      GmtModified: string;
      LiveDomainType: string;
      Region: string;
      SSLProtocol: string;
      Scope?: string;
    };
    RequestId: string;
  };
  DescribeLiveDomainMapping: {
    LiveDomainModels: {
      LiveDomainModel: {
        DomainName: string;
        Type: string;
      }[];
    };
    RequestId: string;
  };
  DescribeLiveRecordNotifyConfig: {
    LiveRecordNotifyConfig: {
      DomainName: string;
      NeedStatusNotify: boolean;
      NotifyAuthKey: string;
      NotifyReqAuth: boolean;
      NotifyUrl: string;
      OnDemandUrl: string;
    };
    RequestId: string;
  };
  DescribeLiveRecordNotifyRecords: {
    CallbackList: {
      AppName: string;
      /** `success`, or why not. */
      Description: string;
      DomainName: string;
      NotifyContent: string;
      NotifyHeader: string;
      NotifyResponse: string;
      NotifyResult: string;
      NotifyTime: string;
      NotifyType: string;
      NotifyUrl: string;
      StorageType?: string;
      StreamName: string;
    }[];
    PageNum: number;
    PageSize: number;
    RequestId: string;
    TotalNum: number;
    TotalPage: number;
  };
  DescribeLiveRecordVodConfigs: {
    LiveRecordVodConfigs: {
      LiveRecordVodConfig: {
        AppName: string;
        AutoCompose: string;
        ComposeVodTranscodeGroupId?: string;
        CreateTime: string;
        CycleDuration: number;
        DelayTime: number;
        DomainName: string;
        FormatConfig: boolean;
        OnDemand: number;
        QuotaBytes?: number;
        RecordContent: string;
        RecordFormatList: {
          RecordFormat: {
            AutoCompose?: string;
            Format?: string;
            ProcessMethod?: string;
            ProcessTemplateId?: string;
            SliceDuration?: number;
            Tags?: string;
            VideoProcess?: string;
          }[];
        };
        RetentionDays?: number;
        /** Ours: left out when there is none. */
        SafetyBuffer?: number;
        SpaceId?: string;
        StorageLocation?: string;
        StreamName: string;
        TranscodeTemplates?: string;
        VodTranscodeGroupId?: string;
      }[];
    };
    PageNum: number;
    PageSize: number;
    RequestId: string;
    /** A string, in this operation only. */
    Total: string;
  };
  DescribeLiveStreamAuthChecking: {
    Description: string;
    RequestId: string;
    Status: string;
  };
  DescribeLiveStreamCount: {
    RequestId: string;
    StreamCountInfos: {
      StreamCountInfo: {
        Count: number;
        /** Of those that live transcoding makes, by their format. */
        StreamCountDetails: { StreamCountDetail: unknown[] };
        Type: string;
      }[];
    };
  };
  DescribeLiveStreamRecordContent: {
    RecordContentInfoList: {
      RecordContentInfo: {
        Duration: number;
        EndTime: string;
        OssBucket: string;
        OssEndpoint: string;
        OssObjectPrefix: string;
        StartTime: string;
      }[];
    };
    RequestId: string;
  };
  DescribeLiveStreamRecordIndexFile: {
    /** Where one playlist is told of. */
    RecordIndexInfo: {
      AppName: string;
      CreateTime: string;
      DomainName: string;
      Duration: number;
      EndTime: string;
      Format?: string;
      Height: number;
      OssBucket: string;
      OssEndpoint: string;
      OssObject: string;
      RecordId: string;
      RecordUrl: string;
      StartTime: string;
      StreamName: string;
      Width: number;
    };
    RequestId: string;
  };
  DescribeLiveStreamRecordIndexFiles: {
    Order: string;
    PageNum: number;
    PageSize: number;
    RecordIndexInfoList: {
      RecordIndexInfo: {
        AppName: string;
        CreateTime: string;
        DomainName: string;
        Duration: number;
        EndTime: string;
        Format?: string;
        Height: number;
        OssBucket: string;
        OssEndpoint: string;
        OssObject: string;
        RecordId: string;
        RecordUrl: string;
        StartTime: string;
        StreamName: string;
        Width: number;
      }[];
    };
    RequestId: string;
    TotalNum: number;
    TotalPage: number;
  };
  DescribeLiveStreamState: {
    RequestId: string;
    StreamState: string;
  };
  DescribeLiveStreamsBlockList: {
    DomainName: string;
    PageNum: number;
    PageSize: number;
    RequestId: string;
    StreamUrls: { StreamUrl: string[] };
    TotalNum: number;
    TotalPage: number;
  };
  DescribeLiveStreamsControlHistory: {
    ControlInfo: {
      LiveStreamControlInfo: {
        Action: string;
        StreamName: string;
        TimeStamp: string;
      }[];
    };
    RequestId: string;
  };
  DescribeLiveStreamsNotifyRecords: {
    NotifyRecordsInfo: {
      LiveStreamNotifyRecordsInfo: {
        AppName: string;
        /** `success`, or why not. */
        Description: string;
        DomainName: string;
        NotifyContent: string;
        NotifyHeader: string;
        NotifyResponse: string;
        NotifyResult: string;
        NotifyTime: string;
        NotifyType: string;
        NotifyUrl: string;
        StorageType?: string;
        StreamName: string;
      }[];
    };
    PageNum: number;
    PageSize: number;
    RequestId: string;
    TotalNum: number;
    TotalPage: number;
  };
  DescribeLiveStreamsNotifyUrlConfig: {
    LiveStreamsNotifyConfig: {
      DomainName: string;
      ExceptionNotifyUrl: string;
      NotifyAuthKey: string;
      NotifyReqAuth: string;
      NotifyUrl: string;
    };
    RequestId: string;
  };
  DescribeLiveStreamsOnlineList: {
    OnlineInfo: {
      LiveStreamOnlineInfo: {
        AppName: string;
        AudioCodecId?: number;
        AudioDataRate?: number;
        ClientIp?: string;
        DomainName: string;
        FrameRate?: number;
        Height?: number;
        PublishDomain?: string;
        PublishTime: string;
        PublishType?: string;
        PublishUrl?: string;
        ServerIp?: string;
        StreamName: string;
        Transcoded?: string;
        VideoCodecId?: number;
        VideoDataRate?: number;
        Width?: number;
      }[];
    };
    PageNum: number;
    PageSize: number;
    RequestId: string;
    TotalNum: number;
    TotalPage: number;
  };
  DescribeLiveStreamsPublishList: {
    PageNum: number;
    PageSize: number;
    PublishInfo: {
      LiveStreamPublishInfo: {
        AppName: string;
        ClientAddr: string;
        DomainName: string;
        EdgeNodeAddr: string;
        PublishDomain: string;
        PublishTime: string;
        PublishType: string;
        PublishUrl: string;
        /** Left out while it is live. */
        StopTime?: string;
        StreamName: string;
        StreamUrl: string;
        Transcoded: string;
      }[];
    };
    RequestId: string;
    TotalNum: number;
    TotalPage: number;
  };
  DescribeLiveUserDomains: {
    Domains: {
      PageData: {
        DomainName: string;
        GmtCreated: string;
        GmtModified: string;
        LiveDomainStatus: string;
        LiveDomainType: string;
        RegionName: string;
      }[];
    };
    PageNumber: number;
    PageSize: number;
    RequestId: string;
    TotalCount: number;
  };
  DescribeVodDomainConfigs: {
    DomainConfigs: {
      DomainConfig: {
        ConfigId: string;
        FunctionArgs: {
          FunctionArg: {
            ArgName: string;
            ArgValue: string;
          }[];
        };
        FunctionName: string;
        Status: string;
      }[];
    };
    RequestId: string;
  };
  DescribeVodDomainDetail: {
    DomainDetail: {
      DomainName: string;
      DomainStatus: string;
      GmtCreated: string;
      GmtModified: string;
      SSLProtocol: string;
      Scope?: string;
      Sources: {
        Source: {
          Content: string;
          Enabled: string;
          Port: number;
          Priority: string;
          Type: string;
          Weight: string;
        }[];
      };
    };
    RequestId: string;
  };
  DescribeVodRefreshQuota: {
    BlockQuota: string;
    DirQuota: string;
    DirRemain: string;
    PreloadQuota: string;
    PreloadRemain: string;
    RequestId: string;
    UrlQuota: string;
    UrlRemain: string;
    blockRemain: string;
  };
  DescribeVodRefreshTasks: {
    PageNumber: number;
    PageSize: number;
    RequestId: string;
    Tasks: {
      Task: {
        CreationTime: string;
        Description: string;
        ObjectPath: string;
        ObjectType: string;
        Process: string;
        Status: string;
        TaskId: string;
      }[];
    };
    TotalCount: number;
  };
  DescribeVodUserDomains: {
    Domains: {
      PageData: {
        DomainName: string;
        DomainStatus: string;
        GmtCreated: string;
        GmtModified: string;
        Sandbox: string;
        Sources: {
          Source: {
            Content: string;
            Port: number;
            Priority: string;
            Type: string;
          }[];
        };
        SslProtocol: string;
      }[];
    };
    PageNumber: number;
    PageSize: number;
    RequestId: string;
    TotalCount: number;
  };
  ForbidLiveStream: { RequestId: string };
  GenerateKMSDataKey: {
    CiphertextBlob?: string;
    KeyId: string;
    Plaintext: string;
    RequestId: string;
  };
  GetAppInfos: {
    AppInfoList: {
      AppId: string;
      AppName: string;
      /** The one that nobody made has no such time. */
      CreationTime?: string;
      Description: string;
      ModificationTime?: string;
      Status: string;
      Type: string;
    }[];
    NonExistAppIds: string[];
    RequestId: string;
  };
  GetAttachedMediaInfo: {
    AttachedMediaList: {
      AppId: string;
      /** Told by searches alone: a question for it calls this `Type`. */
      BusinessType?: string;
      Categories: {
        CateId: number;
        CateName: string;
      }[];
      CreationTime: string;
      Description?: string;
      MediaId: string;
      ModificationTime: string;
      Status: string;
      StorageLocation: string;
      Tags?: string;
      Title: string;
      Type: string;
      URL: string;
    }[];
    NonExistMediaIds: string[];
    RequestId: string;
  };
  GetCategories: {
    /** Left out for the root, which is none. */
    Category?: {
      CateId: number;
      CateName: string;
      Level: number;
      ParentId: number;
      Type: string;
    };
    RequestId: string;
    SubCategories: {
      Category: {
        CateId: number;
        CateName: string;
        Level: number;
        ParentId: number;
        SubTotal: number;
        Type: string;
      }[];
    };
    SubTotal: number;
  };
  GetDeletedVideoList: {
    RequestId: string;
    Total: number;
    VideoList: {
      DeletionTime: string;
      RestorableUntil: string;
      Title: string;
      VideoId: string;
    }[];
  };
  GetEvent: {
    Event: {
      Attempts: {
        /** From 1, and again from 1 with each replay. */
        Attempt: number;
        ElapsedMs: number;
        Error?: string;
        HttpStatus?: number;
        Time: string;
        URL: string;
      }[];
      /** JSON as text: what was sent, letter for letter. Absent before the first attempt. */
      Body?: string;
      EventId: string;
      EventTime: string;
      EventType: string;
      /** When it is offered again, when it waits. */
      NextAttemptTime?: string;
      Outcome: string;
      /** Which of the events of its video, from 1. */
      Sequence: number;
      UserData?: string;
      VideoId: string;
    };
    RequestId: string;
  };
  GetImageInfo: {
    /** What is told of a picture wherever it is told of. */
    ImageInfo: {
      AppId: string;
      CateId?: number;
      CateName?: string;
      CreationTime: string;
      Description?: string;
      ImageId: string;
      ImageType: string;
      /** The file itself. Its size is text. */
      Mezzanine: {
        FileSize: string;
        FileURL: string;
        Height: number;
        OriginalFileName: string;
        Width: number;
      };
      /** Told by searches alone. */
      ModificationTime?: string;
      Status: string;
      StorageLocation: string;
      Tags?: string;
      Title: string;
      URL: string;
    };
    RequestId: string;
  };
  GetImageInfos: {
    ImageInfo: {
      AppId: string;
      CateId?: number;
      CateName?: string;
      CreationTime: string;
      Description?: string;
      ImageId: string;
      ImageType: string;
      /** The file itself. Its size is text. */
      Mezzanine: {
        FileSize: string;
        FileURL: string;
        Height: number;
        OriginalFileName: string;
        Width: number;
      };
      /** Told by searches alone. */
      ModificationTime?: string;
      Status: string;
      StorageLocation: string;
      Tags?: string;
      Title: string;
      URL: string;
    }[];
    NonExistImageIds: string[];
    RequestId: string;
  };
  GetJobDetail: {
    JobType: string;
    RequestId: string;
    SnapshotJobDetail?: {
      CompleteTime?: string;
      CreateTime: string;
      JobId: string;
      Status: string;
      Trigger: string;
      VideoId: string;
    };
    TranscodeJobDetail?: {
      CompleteTime?: string;
      CreateTime: string;
      Definition: string;
      JobId: string;
      Status: string;
      TemplateId: string;
      VideoId: string;
    };
  };
  GetLiveStreamHealth: {
    /** How a stream is pushed, and what of it is stored. */
    Health: {
      AppName: string;
      AudioCodec?: string;
      BitrateKbps?: number;
      ClientIp?: string;
      DomainName: string;
      DroppedFrames?: number;
      DurableBytes?: number;
      DurableSeconds?: number;
      FrameRate?: number;
      Gaps?: {
        At: number;
        Cause: string;
        LengthMs?: number;
        Time: string;
      }[];
      GraceEndsAt?: string;
      /** What the cycle that grows becomes. */
      GrowingVideoId?: string;
      Height?: number;
      KeyFrameIntervalMs?: number;
      LateFrames?: number;
      Online: boolean;
      PlaybackUrl?: string;
      PushId?: string;
      PushedAt?: string;
      RecordedSince?: string;
      RecordingId?: string;
      RecordingState?: string;
      /** The rule that the recording began with, else the one that would apply; absent: there is none. */
      RuleId?: string;
      StreamName: string;
      VideoCodec?: string;
      /** Of its cycles that are videos, in order. */
      VideoIds?: string[];
      Width?: number;
    };
    RequestId: string;
  };
  GetMessageCallback: {
    MessageCallback: {
      AppId: string;
      AuthKey: string;
      AuthSwitch: string;
      CallbackType: string;
      CallbackURL: string;
      EventTypeList: string;
      MnsEndpoint: string;
      MnsQueueName: string;
    };
    RequestId: string;
  };
  GetMezzanineInfo: {
    /** What is told of a source file wherever it is told of. */
    Mezzanine: {
      AudioStreamList?: {
        Bitrate: string;
        ChannelLayout?: string;
        Channels: string;
        CodecLongName?: string;
        CodecName: string;
        CodecTag?: string;
        CodecTagString?: string;
        Duration: string;
        Index: string;
        NumFrames: string;
        SampleRate: string;
        StartTime: string;
        Timebase: string;
      }[];
      Bitrate: string;
      CreationTime: string;
      Duration: string;
      FileName: string;
      /** Nowhere once it is deleted. */
      FileURL?: string;
      Fps: string;
      Height: number;
      OutputType: string;
      Size: number;
      Status: string;
      StorageClass: string;
      VideoId: string;
      VideoStreamList?: {
        AvgFPS: string;
        Bitrate: string;
        CodecLongName?: string;
        CodecName: string;
        CodecTag?: string;
        CodecTagString?: string;
        Duration: string;
        Fps: string;
        HasBFrames: string;
        Height: string;
        Index: string;
        Level: string;
        NumFrames: string;
        Profile?: string;
        StartTime: string;
        Timebase: string;
        Width: string;
      }[];
      Width: number;
    };
    RequestId: string;
  };
  GetPlayInfo: {
    PlayInfoList: {
      PlayInfo: {
        BitDepth?: number;
        Bitrate: string;
        CodecName?: string;
        CreationTime: string;
        Definition: string;
        Duration: string;
        Encrypt: number;
        EncryptType?: string;
        Format: string;
        Fps: string;
        Height: number;
        JobId: string;
        ModificationTime: string;
        NarrowBandType: string;
        PlayURL: string;
        Size: number;
        Specification: string;
        Status: string;
        StreamType: string;
        WatermarkId?: string;
        Width: number;
      }[];
    };
    RequestId: string;
    VideoBase: {
      CoverURL?: string;
      CreationTime: string;
      Duration: string;
      MediaType: string;
      Status: string;
      StorageClass: string;
      Title: string;
      VideoId: string;
    };
  };
  GetPushAddress: {
    /** When a push has to have begun, where it is signed. */
    ExpireTime?: string;
    PlayUrl: string;
    PushUrl: string;
    RequestId: string;
    Server: string;
    StreamKey: string;
  };
  GetServerStatus: {
    Attention: {
      AppName?: string;
      Count?: number;
      DomainName?: string;
      Kind: string;
      StreamName?: string;
      Text: string;
      /** When it is too late. */
      Until?: string;
    }[];
    /** What is recorded now comes to in an hour. */
    BytesPerHour: number;
    /** Of the disk of the data folder, as the node that answers last saw it. */
    DiskFreeBytes?: number;
    DiskTotalBytes?: number;
    EventsWaiting: number;
    /** How long the free bytes last so; absent when nothing is recorded. */
    HoursLeft?: number;
    LiveStreams: number;
    Nodes: {
      LiveStreams: number;
      Name: string;
    }[];
    QueueDead: number;
    QueueReady: number;
    RequestId: string;
    Version: string;
  };
  GetTranscodeSummary: {
    NonExistVideoIds: string[];
    RequestId: string;
    TranscodeSummaryList: {
      CompleteTime?: string;
      CreationTime: string;
      TranscodeJobInfoSummaryList: {
        Bitrate?: string;
        CompleteTime?: string;
        CreationTime: string;
        Duration?: string;
        ErrorCode?: string;
        ErrorMessage?: string;
        Filesize?: number;
        Format: string;
        Fps?: string;
        Height?: string;
        TranscodeJobStatus: string;
        TranscodeProgress: number;
        TranscodeTemplateId: string;
        WatermarkIdList: string[];
        Width?: string;
      }[];
      TranscodeStatus: string;
      TranscodeTemplateGroupId: string;
      VideoId: string;
    }[];
  };
  GetTranscodeTask: {
    NonExistJobIds?: string[];
    RequestId: string;
    TranscodeJobInfoList?: {
      CompleteTime?: string;
      CreationTime: string;
      /** The template's label, not the definition of the stream. */
      Definition: string;
      ErrorCode?: string;
      ErrorMessage?: string;
      InputFileUrl: string;
      /** Numbers are text here, but for the size. */
      OutputFile?: {
        /** JSON as text. */
        AudioStreamList: string;
        Bitrate: string;
        Duration: string;
        /** JSON as text. */
        Encryption?: string;
        Filesize: number;
        Format: string;
        Fps: string;
        Height: string;
        OutputFileUrl: string;
        /** JSON as text. */
        VideoStreamList: string;
        WatermarkIdList: string[];
        Width: string;
      };
      Priority: string;
      TranscodeJobId: string;
      TranscodeJobStatus: string;
      TranscodeProgress: number;
      TranscodeTemplateId: string;
    }[];
    TranscodeTask?: {
      CompleteTime?: string;
      CreationTime: string;
      TaskStatus: string;
      TranscodeJobInfoList: {
        CompleteTime?: string;
        CreationTime: string;
        /** The template's label, not the definition of the stream. */
        Definition: string;
        ErrorCode?: string;
        ErrorMessage?: string;
        InputFileUrl: string;
        /** Numbers are text here, but for the size. */
        OutputFile?: {
          /** JSON as text. */
          AudioStreamList: string;
          Bitrate: string;
          Duration: string;
          /** JSON as text. */
          Encryption?: string;
          Filesize: number;
          Format: string;
          Fps: string;
          Height: string;
          OutputFileUrl: string;
          /** JSON as text. */
          VideoStreamList: string;
          WatermarkIdList: string[];
          Width: string;
        };
        Priority: string;
        TranscodeJobId: string;
        TranscodeJobStatus: string;
        TranscodeProgress: number;
        TranscodeTemplateId: string;
      }[];
      TranscodeTaskId: string;
      TranscodeTemplateGroupId: string;
      Trigger: string;
      VideoId: string;
    };
  };
  GetTranscodeTemplateGroup: {
    RequestId: string;
    TranscodeTemplateGroup: {
      AppId: string;
      CreationTime?: string;
      IsDefault: string;
      Locked: string;
      ModifyTime?: string;
      Name: string;
      TranscodeTemplateGroupId: string;
      TranscodeTemplateList: {
        Audio?: string;
        Clip?: string;
        Container?: string;
        Definition: string;
        EncryptSetting?: string;
        MuxConfig?: string;
        PackageSetting?: string;
        Rotate?: string;
        SubtitleList?: string;
        TemplateName: string;
        TransConfig?: string;
        TranscodeFileRegular?: string;
        TranscodeTemplateId: string;
        Type: string;
        Video?: string;
        WatermarkIds?: string[];
      }[];
    };
  };
  GetURLUploadInfos: {
    NonExists: string[];
    RequestId: string;
    URLUploadInfoList: {
      CompleteTime?: string;
      CreationTime: string;
      ErrorCode?: string;
      ErrorMessage?: string;
      FileSize?: string;
      JobId: string;
      MediaId?: string;
      Status: 'PENDING' | 'DOWNLOADING' | 'UPLOADING' | 'SUCCESS' | 'DOWNLOAD_FAIL' | 'UPLOAD_FAIL';
      UploadURL: string;
      UserData?: string;
    }[];
  };
  GetUsage: {
    RequestId: string;
    Stored: {
      FileBytes: number;
      OutputBytes: number;
      SourceBytes: number;
    };
    Total: number;
    TotalBytes: number;
    TotalPlays: number;
    UsageList: {
      Bytes: number;
      DomainName?: string;
      Media?: string;
      Plays: number;
      StartTime?: string;
    }[];
  };
  GetVideoInfo: {
    RequestId: string;
    /** What all descriptions of a video have in common, except for the form of its snapshots. */
    Video: {
      AppId: string;
      CateId?: number;
      CateName?: string;
      CoverURL?: string;
      CreationTime: string;
      Description?: string;
      DownloadSwitch: string;
      Duration: number;
      ModificationTime: string;
      ReferenceId?: string;
      RegionId: string;
      Size: number;
      /** Snapshots where the wire wraps them. An empty list is told as one. */
      Snapshots: { Snapshot: string[] };
      Status: string;
      StorageClass: string;
      StorageLocation: string;
      Tags?: string;
      TemplateGroupId: string;
      Title: string;
      UserData?: string;
      VideoId: string;
    };
  };
  GetVideoInfos: {
    NonExistReferenceIds: string[];
    NonExistVideoIds: string[];
    RequestId: string;
    VideoList: {
      AppId: string;
      CateId?: number;
      CateName?: string;
      CoverURL?: string;
      CreationTime: string;
      Description?: string;
      DownloadSwitch: string;
      Duration: number;
      ModificationTime: string;
      ReferenceId?: string;
      Size: number;
      /** A bare array, in this operation only. */
      Snapshots: string[];
      Status: string;
      StorageClass: string;
      StorageLocation: string;
      Tags?: string;
      TemplateGroupId: string;
      Title: string;
      UserData?: string;
      VideoId: string;
    }[];
  };
  GetVideoList: {
    RequestId: string;
    Total: number;
    VideoList: {
      Video: {
        AppId: string;
        CateId?: number;
        CateName?: string;
        CoverURL?: string;
        CreationTime: string;
        Description?: string;
        Duration: number;
        ModificationTime: string;
        ReferenceId?: string;
        Size: number;
        /** Snapshots where the wire wraps them. An empty list is told as one. */
        Snapshots: { Snapshot: string[] };
        Status: string;
        StorageClass: string;
        StorageLocation: string;
        Tags?: string;
        Title: string;
        UserData?: string;
        VideoId: string;
      }[];
    };
  };
  GetVideoPlayAuth: {
    PlayAuth: string;
    RequestId: string;
    /** What a player shows of a video before it asks for more. */
    VideoMeta: {
      /** A picture of it. */
      CoverURL?: string;
      /** In seconds. */
      Duration: number;
      /** Its status. */
      Status: string;
      /** Its title. */
      Title: string;
      /** Its id. */
      VideoId: string;
    };
  };
  GetVideoReceipt: {
    Events?: {
      Deliveries: {
        Attempt: number;
        ElapsedMs: number;
        Error?: string;
        HttpStatus?: number;
        Time: string;
        URL: string;
      }[];
      EventId: string;
      Kind: string;
      Outcome: string;
      Time: string;
    }[];
    Jobs?: {
      Attempts: number;
      Created: string;
      Error?: string;
      Finished?: string;
      JobId: string;
      Kind: string;
      State: string;
    }[];
    /** The story of an asset. Times are ISO 8601 in UTC; `At` counts seconds from the asset's beginning. */
    Receipt: {
      /** Which cycle of the recording it is. */
      Cycle?: number;
      /** All cycles of its recording that are assets. */
      Cycles: {
        /** Which. */
        Cycle: number;
        /** When its first media arrived. */
        From: string;
        /** When its last media arrived. */
        To: string;
        /** The asset that it became. */
        VideoId: string;
      }[];
      /** Its length in seconds. */
      Duration: number;
      /** When its first media arrived. */
      From?: string;
      /** Where media is missing, in order. */
      Gaps: {
        /** Seconds from the asset's beginning to the first media after it. */
        At: number;
        /** `interruption`: the push was lost and came back, or the server did; `leap`: the publisher's clock leapt; `disk-full`, `disk-failed`, `disk-slow`: media that came could not be stored. A loss at the very end has the time and place of the last stored media. */
        Cause: string;
        /** Wall time without media in milliseconds; absent when nobody knows. */
        LengthMs?: number;
        /** When media was there again. */
        Time: string;
      }[];
      /** The parameters it begins with, and each change of them. */
      Parameters: {
        /** Seconds from the asset's beginning. */
        At: number;
        /** `aac 48000 Hz, 2 channels`; absent without sound. */
        Audio?: string;
        /** `h264 1280x720`; absent without pictures. */
        Video?: string;
      }[];
      /** The pushes that it is made of, in order. */
      Pushes: {
        /** The publisher's address. */
        Client: string;
        /** Why it ended. */
        EndCause?: string;
        /** When it was accepted. */
        From: string;
        /** Frames of it that are in no asset, by reason; absent until it has ended. */
        LeftOut?: unknown;
        /** Its id. */
        PushId: string;
        /** When it ended; absent while it goes on. */
        To?: string;
      }[];
      /** The recording it comes from; `None`: it was not recorded. */
      RecordingId?: string;
      /** When its last media arrived. */
      To?: string;
      /** The asset. */
      VideoId: string;
    };
    RequestId: string;
  };
  GetVideoRetention: {
    Keep: 'Rule' | 'Until' | 'ForGood';
    KeepUntil?: string;
    RequestId: string;
    VideoId: string;
  };
  GetVodTemplate: {
    RequestId: string;
    VodTemplateInfo: {
      CreationTime: string;
      IsDefault: string;
      ModifyTime: string;
      Name: string;
      TemplateConfig: string;
      TemplateType: string;
      VodTemplateId: string;
    };
  };
  GetWatermark: {
    RequestId: string;
    /** Where nobody changes it the application is told as well. */
    WatermarkInfo: {
      AppId: string;
      CreationTime: string;
      FileUrl?: string;
      IsDefault: string;
      Name: string;
      Type: 'Image' | 'Text';
      WatermarkConfig: string;
      WatermarkId: string;
    };
  };
  ListAccessKeys: {
    AccessKeys: {
      AccessKey: {
        AccessKeyId: string;
        CreateDate: string;
        /** To a minute; absent before the first call. */
        LastUsedDate?: string;
        Role: string;
        Status: string;
        UserName: string;
      }[];
    };
    RequestId: string;
  };
  ListAppInfo: {
    AppInfoList: {
      AppId: string;
      AppName: string;
      /** The one that nobody made has no such time. */
      CreationTime?: string;
      Description: string;
      ModificationTime?: string;
      Status: string;
      Type: string;
    }[];
    RequestId: string;
    Total: number;
  };
  ListAuditEvents: {
    AuditEventList: {
      AccessKeyId: string;
      /** `OK`, or the code of its error; absent when it is not known. */
      Code?: string;
      /** The `RequestId` of its answer. */
      EventId: string;
      EventName: string;
      EventTime: string;
      /** JSON as text, without secrets. */
      RequestParameters: string;
      Role: string;
      ServiceName: string;
      SourceIpAddress: string;
    }[];
    NextToken?: string;
    RequestId: string;
  };
  ListConsoleUsers: {
    ConsoleUsers: {
      CreateDate: string;
      LastSignInDate?: string;
      Role: string;
      UserName: string;
    }[];
    RequestId: string;
  };
  ListDynamicImage: {
    DynamicImageList: {
      CreationTime: string;
      Duration: string;
      DynamicImageId: string;
      FileSize: string;
      FileURL: string;
      Format: string;
      Fps: string;
      Height: string;
      JobId: string;
      VideoId: string;
      Width: string;
    }[];
    RequestId: string;
  };
  ListEvents: {
    EventList: {
      EventId: string;
      EventTime: string;
      EventType: string;
      Outcome: string;
      /** Which of the events of its video, from 1. */
      Sequence: number;
      VideoId: string;
    }[];
    NextToken?: string;
    RequestId: string;
  };
  ListJobInfo: {
    JobInfoList: {
      CompleteTime?: string;
      CreateTime: string;
      JobId: string;
      Status: string;
    }[];
    JobType: string;
    MediaId: string;
    RequestId: string;
  };
  ListJobs: {
    JobList: {
      /** What it is about, as JSON text. */
      About: string;
      Attempts: number;
      AttemptsMax: number;
      CompleteTime?: string;
      CreationTime: string;
      Error?: string;
      JobId: string;
      Kind: string;
      /** Not before, when it waits. */
      NextAttemptTime?: string;
      Priority: number;
      Progress: number;
      StartTime?: string;
      State: 'Ready' | 'Running' | 'Done' | 'Dead' | 'Cancelled';
    }[];
    NextToken?: string;
    RequestId: string;
  };
  ListLiveRecordVideo: {
    LiveRecordVideoList: {
      LiveRecordVideo: {
        AppName: string;
        DomainName: string;
        PlaylistId: string;
        RecordEndTime: string;
        RecordStartTime: string;
        StreamName: string;
        Video: {
          CateId?: number;
          CateName?: string;
          CoverURL?: string;
          CreationTime: string;
          Description?: string;
          Duration: number;
          /** Not `ModificationTime`, in this operation only. */
          ModifyTime: string;
          Size: number;
          /** Snapshots where the wire wraps them. An empty list is told as one. */
          Snapshots: { Snapshot: string[] };
          Status: string;
          Tags?: string;
          TemplateGroupId: string;
          Title: string;
          VideoId: string;
        };
      }[];
    };
    RequestId: string;
    Total: number;
  };
  ListSnapshots: {
    MediaSnapshot: {
      CreationTime: string;
      JobId: string;
      Regular: string;
      Snapshots: {
        Snapshot: {
          Index: number;
          Url: string;
        }[];
      };
      Total: number;
    };
    RequestId: string;
  };
  ListTranscodeTask: {
    RequestId: string;
    TranscodeTaskList: {
      CompleteTime?: string;
      CreationTime: string;
      TaskStatus: string;
      TranscodeTaskId: string;
      TranscodeTemplateGroupId: string;
      Trigger: string;
      VideoId: string;
    }[];
  };
  ListTranscodeTemplateGroup: {
    RequestId: string;
    TranscodeTemplateGroupList: {
      AppId: string;
      CreationTime?: string;
      IsDefault: string;
      Locked: string;
      ModifyTime?: string;
      Name: string;
      TranscodeTemplateGroupId: string;
    }[];
  };
  ListVodTemplate: {
    RequestId: string;
    VodTemplateInfoList: {
      AppId: string;
      CreationTime: string;
      IsDefault: string;
      ModifyTime: string;
      Name: string;
      TemplateConfig: string;
      TemplateType: string;
      VodTemplateId: string;
    }[];
  };
  ListWatermark: {
    RequestId: string;
    WatermarkInfos: {
      AppId: string;
      CreationTime: string;
      FileUrl?: string;
      IsDefault: string;
      Name: string;
      Type: 'Image' | 'Text';
      WatermarkConfig: string;
      WatermarkId: string;
    }[];
  };
  MatchLiveRecordRule: {
    Matched: boolean;
    /** What of the rule is exact. */
    MatchedBy?: string;
    /** Rules that would apply as well, best first. */
    Others: {
      AppName: string;
      MatchedBy: string;
      StreamName: string;
    }[];
    RequestId: string;
    Rule?: {
      AppName: string;
      AutoCompose: string;
      ComposeVodTranscodeGroupId?: string;
      CreateTime: string;
      CycleDuration: number;
      DelayTime: number;
      DomainName: string;
      FormatConfig: boolean;
      OnDemand: number;
      QuotaBytes?: number;
      RecordContent: string;
      RecordFormatList: {
        RecordFormat: {
          AutoCompose?: string;
          Format?: string;
          ProcessMethod?: string;
          ProcessTemplateId?: string;
          SliceDuration?: number;
          Tags?: string;
          VideoProcess?: string;
        }[];
      };
      RetentionDays?: number;
      /** Ours: left out when there is none. */
      SafetyBuffer?: number;
      SpaceId?: string;
      StorageLocation?: string;
      StreamName: string;
      TranscodeTemplates?: string;
      VodTranscodeGroupId?: string;
    };
  };
  PreloadVodObjectCaches: {
    PreloadTaskId: string;
    RequestId: string;
  };
  RealTimeRecordCommand: { RequestId: string };
  RefreshUploadVideo: {
    RequestId: string;
    UploadAddress: string;
    UploadAuth: string;
    VideoId: string;
  };
  RefreshVodObjectCaches: {
    RefreshTaskId: string;
    RequestId: string;
  };
  RegisterMedia: {
    FailedFileURLs: string[];
    RegisteredMediaList: {
      FileURL: string;
      MediaId: string;
      NewRegister: boolean;
    }[];
    RequestId: string;
  };
  ReplayEvents: {
    /** So many were being told at this moment, and are left to it. */
    InFlightCount: number;
    NextToken?: string;
    /** So many are told once more. */
    ReplayedCount: number;
    RequestId: string;
  };
  RestoreVideo: {
    /** Another video has their ReferenceId by now. */
    ConflictingVideoIds: string[];
    /** Their media is being removed, or gone. */
    ExpiredVideoIds: string[];
    /** Nobody's, or not deleted. */
    NonExistVideoIds: string[];
    RequestId: string;
    RestoredVideoIds: string[];
  };
  ResumeLiveStream: { RequestId: string };
  RetryJob: {
    RequestId: string;
    /** Whether the job is done once more; `false`: it has not failed, or something else does the same already. */
    Retried: boolean;
  };
  SearchMedia: {
    MediaList: {
      /** All that can be told of a file of the library here; of it goes out what is asked for. */
      AttachedMedia?: {
        AppId?: string;
        /** Told by searches alone: a question for it calls this `Type`. */
        BusinessType?: string;
        Categories?: {
          CateId: number;
          CateName: string;
        }[];
        CreationTime?: string;
        Description?: string;
        MediaId: string;
        ModificationTime?: string;
        Status?: string;
        StorageLocation?: string;
        Tags?: string;
        Title?: string;
        URL?: string;
      };
      CreationTime: string;
      /** All that can be told of a file of the library here; of it goes out what is asked for. */
      Image?: {
        AppId?: string;
        CateId?: number;
        CateName?: string;
        CreationTime?: string;
        Description?: string;
        ImageId: string;
        /** Told by searches alone. */
        ModificationTime?: string;
        Status?: string;
        StorageLocation?: string;
        Tags?: string;
        Title?: string;
        URL?: string;
      };
      MediaId: string;
      MediaType: string;
      /** All that can be told of a video here; of it goes out what is asked for. */
      Video?: {
        AppId?: string;
        CateId?: number;
        CateName?: string;
        CoverURL?: string;
        CreationTime?: string;
        Description?: string;
        DownloadSwitch?: string;
        Duration?: number;
        MediaSource?: string;
        ModificationTime?: string;
        PreprocessStatus?: string;
        ReferenceId?: string;
        Size?: number;
        Snapshots?: string[];
        Status?: string;
        StorageClass?: string;
        StorageLocation?: string;
        Tags?: string;
        Title?: string;
        TranscodeMode?: string;
        VideoId: string;
      };
    }[];
    RequestId: string;
    ScrollToken?: string;
    Total: number;
  };
  SetDefaultTranscodeTemplateGroup: { RequestId: string };
  SetDefaultWatermark: { RequestId: string };
  SetLiveStreamsNotifyUrlConfig: { RequestId: string };
  SetMessageCallback: { RequestId: string };
  SetVideoRetention: {
    NonExistVideoIds: string[];
    RequestId: string;
  };
  StartLiveDomain: { RequestId: string };
  StartTestStream: {
    AppName: string;
    DomainName: string;
    EndTime: string;
    RequestId: string;
    StreamName: string;
  };
  StopLiveDomain: { RequestId: string };
  StopTestStream: { RequestId: string };
  SubmitDynamicImageJob: {
    DynamicImageJob: { JobId: string };
    RequestId: string;
  };
  SubmitSnapshotJob: {
    RequestId: string;
    SnapshotJob: { JobId: string };
  };
  SubmitTranscodeJobs: {
    RequestId: string;
    TranscodeJobs: { TranscodeJob: { JobId: string }[] };
    TranscodeTaskId: string;
  };
  UpdateAccessKey: { RequestId: string };
  UpdateAttachedMediaInfos: {
    NonExistMediaIds: string[];
    RequestId: string;
  };
  UpdateCategory: { RequestId: string };
  UpdateConsoleUser: { RequestId: string };
  UpdateImageInfos: {
    NonExistImageIds: string[];
    RequestId: string;
  };
  UpdateLiveRecordNotifyConfig: { RequestId: string };
  UpdateLiveRecordVodConfig: { RequestId: string };
  UpdateTranscodeTemplateGroup: {
    RequestId: string;
    TranscodeTemplateGroupId: string;
  };
  UpdateVideoInfo: { RequestId: string };
  UpdateVideoInfos: {
    ForbiddenVideoIds: string[];
    NonExistReferenceIds: string[];
    NonExistVideoIds: string[];
    RequestId: string;
  };
  UpdateVodTemplate: {
    RequestId: string;
    VodTemplateId: string;
  };
  UpdateWatermark: {
    RequestId: string;
    WatermarkInfo: {
      CreationTime: string;
      FileUrl?: string;
      IsDefault: string;
      Name: string;
      Type: 'Image' | 'Text';
      WatermarkConfig: string;
      WatermarkId: string;
    };
  };
  UploadMediaByURL: {
    RequestId: string;
    UploadJobs: {
      JobId: string;
      SourceURL: string;
    }[];
  };
}
