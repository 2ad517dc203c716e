//! Who may call which operation, and whether it writes: one table (decision 0038).
//!
//! **Invariant:** an operation that the table does not name is for administrators alone, and counts as one that writes.

use catalog::Role;

/// Who may call an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Everybody with a key: what streams and domains there are.
    Look,
    /// Viewers, operators and administrators: what there is, and how it is played.
    View,
    /// Publishers, operators and administrators: what a program needs that starts streams.
    Publish,
    /// Operators and administrators: streams, videos and what is made of them.
    Operate,
    /// Administrators: keys, domains, callbacks, and whatever tells a secret.
    Administer,
}

impl Access {
    /// May somebody of this role?
    pub const fn admits(self, role: Role) -> bool {
        match (self, role) {
            (_, Role::Admin) | (Self::Look, _) => true,
            (Self::View, Role::Viewer | Role::Operator) => true,
            (Self::Publish, Role::Publisher | Role::Operator) => true,
            (Self::Operate, Role::Operator) => true,
            (Self::View | Self::Publish | Self::Operate | Self::Administer, _) => false,
        }
    }
}

/// What a call does to what is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It may change something: it is written down who called (decision 0039).
    Writes,
}

/// What the table says of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Right {
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub effect: Effect,
}

/// The right to an operation of this name.
pub fn right(operation: &str) -> Right {
    let row = TABLE.iter().find(|(_, _, names)| names.contains(&operation));
    let (access, effect) = row.map_or((Access::Administer, Effect::Writes), |(access, effect, _)| (*access, *effect));
    Right { access, effect }
}

use Access::{Administer, Look, Operate, Publish, View};
use Effect::{Reads, Writes};

/// Every operation once; some that are still to come have their place already.
const TABLE: &[(Access, Effect, &[&str])] = &[
    (
        Look,
        Reads,
        &[
            "DescribeLiveDomainDetail",
            "DescribeLiveDomainMapping",
            "DescribeLiveStreamCount",
            "DescribeLiveStreamState",
            "DescribeLiveStreamsOnlineList",
            "DescribeLiveStreamsPublishList",
            "DescribeLiveUserDomains",
        ],
    ),
    (
        View,
        Reads,
        &[
            "BatchGetMediaInfos",
            "DescribeLiveRecordConfig",
            "DescribeLiveRecordVodConfigs",
            "DescribeLiveStreamRecordContent",
            "DescribeLiveStreamRecordIndexFile",
            "DescribeLiveStreamRecordIndexFiles",
            "DescribeLiveStreamsBlockList",
            "DescribeLiveStreamsControlHistory",
            "DescribeVodDomainDetail",
            "DescribeVodRefreshQuota",
            "DescribeVodRefreshTasks",
            "DescribeVodUserDomains",
            "GetAIImageJobs",
            "GetAIMediaAuditJob",
            "GetAITemplate",
            "GetAIVideoTagResult",
            "GetAppInfos",
            "GetAttachedMediaInfo",
            "GetAuditHistory",
            "GetCategories",
            "GetDefaultAITemplate",
            "GetDeletedVideoList",
            "GetEditingProject",
            "GetEditingProjectMaterials",
            "GetImageInfo",
            "GetImageInfos",
            "GetJobDetail",
            "GetLiveStreamHealth",
            "GetMediaAuditAudioResultDetail",
            "GetMediaAuditResult",
            "GetMediaAuditResultDetail",
            "GetMediaAuditResultTimeline",
            "GetMediaDNAResult",
            "GetMezzanineInfo",
            "GetPlayInfo",
            "GetServerStatus",
            "GetTranscodeSummary",
            "GetTranscodeTask",
            "GetTranscodeTemplateGroup",
            "GetUsage",
            "GetVideoInfo",
            "GetVideoInfos",
            "GetVideoList",
            "GetVideoPlayAuth",
            "GetVideoReceipt",
            "GetVideoRetention",
            "GetVodTemplate",
            "GetWatermark",
            "GetWorkflowTask",
            "ListAIImageInfo",
            "ListAIJob",
            "ListAITemplate",
            "ListAppInfo",
            "ListDynamicImage",
            "ListEvents",
            "ListJobInfo",
            "ListJobs",
            "ListLiveRecordVideo",
            "ListSnapshots",
            "ListTranscodeTask",
            "ListTranscodeTemplateGroup",
            "ListVodTemplate",
            "ListWatermark",
            "MatchLiveRecordRule",
            "SearchEditingProject",
            "SearchMedia",
        ],
    ),
    (Publish, Reads, &["DescribeLiveStreamAuthChecking", "GetPushAddress"]),
    (Publish, Writes, &["RealTimeRecordCommand"]),
    // What these tell has URLs of customers in it, which may hold secrets of theirs.
    (
        Operate,
        Reads,
        &[
            "DecryptKMSDataKey",
            "DescribeLiveRecordNotifyRecords",
            "DescribeLiveStreamsNotifyRecords",
            "GetEvent",
            "GetURLUploadInfos",
        ],
    ),
    (
        Operate,
        Writes,
        &[
            "AddAITemplate",
            "AddCategory",
            "AddEditingProject",
            "AddEditingProjectMaterials",
            "AddLiveAppRecordConfig",
            "AddLiveRecordVodConfig",
            "AddTranscodeTemplateGroup",
            "AddVodTemplate",
            "AddWatermark",
            "CancelTranscodeTask",
            "CancelUrlUploadJobs",
            "CreateAudit",
            "CreateLiveStreamRecordIndexFiles",
            "CreateUploadAttachedMedia",
            "CreateUploadImage",
            "CreateUploadVideo",
            "DeleteAIImageInfos",
            "DeleteAITemplate",
            "DeleteAttachedMedia",
            "DeleteCategory",
            "DeleteDynamicImage",
            "DeleteEditingProject",
            "DeleteEditingProjectMaterials",
            "DeleteImage",
            "DeleteLiveAppRecordConfig",
            "DeleteLiveRecordVodConfig",
            "DeleteLiveStreamRecordIndexFiles",
            "DeleteMezzanines",
            "DeleteStream",
            "DeleteTranscodeTemplateGroup",
            "DeleteVideo",
            "DeleteVodTemplate",
            "DeleteWatermark",
            "ForbidLiveStream",
            "GenerateKMSDataKey",
            "PreloadVodObjectCaches",
            "ProduceEditingProjectVideo",
            "RefreshUploadVideo",
            "RefreshVodObjectCaches",
            "RegisterMedia",
            "ReplayEvents",
            "RestoreVideo",
            "ResumeLiveStream",
            "RetryJob",
            "SetDefaultAITemplate",
            "SetDefaultTranscodeTemplateGroup",
            "SetDefaultWatermark",
            "SetEditingProjectMaterials",
            "SetVideoRetention",
            "StartTestStream",
            "StopTestStream",
            "SubmitAIImageAuditJob",
            "SubmitAIImageJob",
            "SubmitAIJob",
            "SubmitAIMediaAuditJob",
            "SubmitDynamicImageJob",
            "SubmitMediaDNADeleteJob",
            "SubmitSnapshotJob",
            "SubmitTranscodeJobs",
            "SubmitWorkflowJob",
            "UpdateAITemplate",
            "UpdateAttachedMediaInfos",
            "UpdateCategory",
            "UpdateEditingProject",
            "UpdateImageInfos",
            "UpdateLiveAppRecordConfig",
            "UpdateLiveRecordVodConfig",
            "UpdateTranscodeTemplateGroup",
            "UpdateVideoInfo",
            "UpdateVideoInfos",
            "UpdateVodTemplate",
            "UpdateWatermark",
            "UploadMediaByURL",
        ],
    ),
    // These tell keys of domains and callbacks.
    (
        Administer,
        Reads,
        &[
            "DescribeLiveDomainConfigs",
            "DescribeLiveRecordNotifyConfig",
            "DescribeLiveStreamsNotifyUrlConfig",
            "DescribeVodDomainConfigs",
            "GetMessageCallback",
            "ListAccessKeys",
            "ListAuditEvents",
            "ListConsoleUsers",
        ],
    ),
    (
        Administer,
        Writes,
        &[
            "AddLiveDomain",
            "AddLiveDomainMapping",
            "AddLiveRecordNotifyConfig",
            "AddVodDomain",
            "BatchDeleteLiveDomainConfigs",
            "BatchSetLiveDomainConfigs",
            "BatchSetVodDomainConfigs",
            "BatchStartVodDomain",
            "BatchStopVodDomain",
            "CreateAccessKey",
            "CreateAppInfo",
            "CreateConsoleUser",
            "DeleteAccessKey",
            "DeleteConsoleUser",
            "DeleteLiveDomain",
            "DeleteLiveDomainMapping",
            "DeleteLiveRecordNotifyConfig",
            "DeleteLiveStreamsNotifyUrlConfig",
            "DeleteMessageCallback",
            "DeleteVodDomain",
            "DeleteVodSpecificConfig",
            "SetLiveStreamsNotifyUrlConfig",
            "SetMessageCallback",
            "StartLiveDomain",
            "StopLiveDomain",
            "UpdateAccessKey",
            "UpdateConsoleUser",
            "UpdateLiveRecordNotifyConfig",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::OPERATIONS;

    #[test]
    fn every_operation_has_one_place_in_the_table() {
        for operation in OPERATIONS {
            let name = operation.declaration.name;
            let places = TABLE.iter().flat_map(|(_, _, names)| *names).filter(|known| **known == name).count();
            assert_eq!(places, 1, "{name} is to stand in the table of who may call what, once");
        }
    }

    #[test]
    fn the_table_names_only_what_there_is_or_could_be() {
        let known = include_str!("../../../docs/reference/operations.tsv");
        let known: Vec<&str> = known.lines().filter_map(|line| line.split('\t').nth(2)).collect();
        for name in TABLE.iter().flat_map(|(_, _, names)| *names) {
            let there = OPERATIONS.iter().any(|operation| operation.declaration.name == *name);
            assert!(there || known.contains(name), "there is no {name}");
        }
    }

    #[test]
    fn names_tell_whether_an_operation_writes() {
        let reading = ["Describe", "Get", "List", "Search", "BatchGet", "Decrypt", "Match"];
        for operation in OPERATIONS {
            let name = operation.declaration.name;
            let reads = reading.iter().any(|verb| name.starts_with(verb));
            assert_eq!(right(name).effect == Effect::Reads, reads, "{name}");
        }
    }

    #[test]
    fn what_nobody_placed_is_for_administrators() {
        assert_eq!(right("NoSuchThing"), Right { access: Administer, effect: Writes });
    }

    #[test]
    fn roles_reach_as_far_as_their_names_say() {
        let all = [Look, View, Publish, Operate, Administer];
        let reach = |role| all.into_iter().filter(|access| access.admits(role)).collect::<Vec<_>>();
        assert_eq!(reach(Role::Admin), all);
        assert_eq!(reach(Role::Operator), [Look, View, Publish, Operate]);
        assert_eq!(reach(Role::Viewer), [Look, View]);
        assert_eq!(reach(Role::Publisher), [Look, Publish]);
    }
}
