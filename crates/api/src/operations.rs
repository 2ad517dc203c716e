//! The table of operations. A module here is a resource; a new operation is a declaration and a function there, and a row
//! here (`docs/recipes/add-an-operation.md`).

mod access_keys;
mod apps;
mod attached_media;
mod audit_events;
mod auth_checking;
mod categories;
mod client_uploads;
mod console_users;
mod deleted;
mod domain_configs;
mod domain_mapping;
mod domains;
mod dynamic_images;
mod events;
mod forbid;
mod images;
mod jobs;
mod library_files;
mod media_infos;
mod message_callback;
mod mezzanine;
mod notify;
mod notify_records;
mod object_caches;
mod play;
mod play_auth;
mod push_address;
mod receipt;
mod record_command;
mod record_indexes;
mod record_notify;
mod record_rules;
mod recordings;
mod register;
mod rule_match;
mod search;
mod server_status;
mod snapshots;
mod stream_health;
mod streams;
mod subtitles;
mod templates;
mod test_stream;
mod tracks;
mod transcode;
mod transcode_tasks;
mod uploads;
mod usage;
mod video_retention;
mod videos;
mod vod_domains;
mod vod_templates;
mod watermarks;

pub use self::templates::standard_group;
use crate::declare::{Declaration, Operation, Service};

/// All operations.
pub static OPERATIONS: &[Operation] = &[
    // Live: recording into VOD.
    record_rules::AddLiveRecordVodConfig::OPERATION,
    record_rules::UpdateLiveRecordVodConfig::OPERATION,
    record_rules::DescribeLiveRecordVodConfigs::OPERATION,
    record_rules::DeleteLiveRecordVodConfig::OPERATION,
    record_command::RealTimeRecordCommand::OPERATION,
    record_notify::AddLiveRecordNotifyConfig::OPERATION,
    record_notify::UpdateLiveRecordNotifyConfig::OPERATION,
    record_notify::DescribeLiveRecordNotifyConfig::OPERATION,
    record_notify::DeleteLiveRecordNotifyConfig::OPERATION,
    notify_records::DescribeLiveRecordNotifyRecords::OPERATION,
    // Live: what was recorded between two times.
    record_indexes::DescribeLiveStreamRecordContent::OPERATION,
    record_indexes::CreateLiveStreamRecordIndexFiles::OPERATION,
    record_indexes::DescribeLiveStreamRecordIndexFiles::OPERATION,
    record_indexes::DescribeLiveStreamRecordIndexFile::OPERATION,
    record_indexes::DeleteLiveStreamRecordIndexFiles::OPERATION,
    // Live: streams.
    streams::DescribeLiveStreamsOnlineList::OPERATION,
    streams::DescribeLiveStreamsPublishList::OPERATION,
    streams::DescribeLiveStreamState::OPERATION,
    streams::DescribeLiveStreamCount::OPERATION,
    forbid::ForbidLiveStream::OPERATION,
    forbid::ResumeLiveStream::OPERATION,
    forbid::DescribeLiveStreamsBlockList::OPERATION,
    forbid::DescribeLiveStreamsControlHistory::OPERATION,
    // Live: callbacks and domains.
    notify::SetLiveStreamsNotifyUrlConfig::OPERATION,
    notify::DescribeLiveStreamsNotifyUrlConfig::OPERATION,
    notify::DeleteLiveStreamsNotifyUrlConfig::OPERATION,
    notify_records::DescribeLiveStreamsNotifyRecords::OPERATION,
    domains::AddLiveDomain::OPERATION,
    domains::DeleteLiveDomain::OPERATION,
    domains::DescribeLiveUserDomains::OPERATION,
    domains::DescribeLiveDomainDetail::OPERATION,
    domains::StartLiveDomain::OPERATION,
    domains::StopLiveDomain::OPERATION,
    domain_mapping::AddLiveDomainMapping::OPERATION,
    domain_mapping::DeleteLiveDomainMapping::OPERATION,
    domain_mapping::DescribeLiveDomainMapping::OPERATION,
    domain_configs::BatchSetLiveDomainConfigs::OPERATION,
    domain_configs::DescribeLiveDomainConfigs::OPERATION,
    domain_configs::BatchDeleteLiveDomainConfigs::OPERATION,
    auth_checking::DescribeLiveStreamAuthChecking::OPERATION,
    // VOD: what was recorded, and playing it.
    recordings::ListLiveRecordVideo::OPERATION,
    play::GetPlayInfo::OPERATION,
    play_auth::GetVideoPlayAuth::OPERATION,
    // VOD: domains.
    vod_domains::AddVodDomain::OPERATION,
    vod_domains::DeleteVodDomain::OPERATION,
    vod_domains::DescribeVodUserDomains::OPERATION,
    vod_domains::DescribeVodDomainDetail::OPERATION,
    vod_domains::BatchStartVodDomain::OPERATION,
    vod_domains::BatchStopVodDomain::OPERATION,
    domain_configs::BatchSetVodDomainConfigs::OPERATION,
    domain_configs::DescribeVodDomainConfigs::OPERATION,
    domain_configs::DeleteVodSpecificConfig::OPERATION,
    // VOD: what edges keep.
    object_caches::RefreshVodObjectCaches::OPERATION,
    object_caches::PreloadVodObjectCaches::OPERATION,
    object_caches::DescribeVodRefreshTasks::OPERATION,
    object_caches::DescribeVodRefreshQuota::OPERATION,
    // VOD: media assets.
    videos::GetVideoInfo::OPERATION,
    videos::GetVideoInfos::OPERATION,
    videos::GetVideoList::OPERATION,
    search::SearchMedia::OPERATION,
    media_infos::BatchGetMediaInfos::OPERATION,
    videos::UpdateVideoInfo::OPERATION,
    videos::UpdateVideoInfos::OPERATION,
    videos::DeleteVideo::OPERATION,
    deleted::GetDeletedVideoList::OPERATION,
    deleted::RestoreVideo::OPERATION,
    video_retention::SetVideoRetention::OPERATION,
    video_retention::GetVideoRetention::OPERATION,
    usage::GetUsage::OPERATION,
    // Ours: live streams and the server.
    stream_health::GetLiveStreamHealth::OPERATION,
    server_status::GetServerStatus::OPERATION,
    push_address::GetPushAddress::OPERATION,
    rule_match::MatchLiveRecordRule::OPERATION,
    test_stream::StartTestStream::OPERATION,
    test_stream::StopTestStream::OPERATION,
    // Ours: users of the console.
    console_users::CreateConsoleUser::OPERATION,
    console_users::ListConsoleUsers::OPERATION,
    console_users::UpdateConsoleUser::OPERATION,
    console_users::DeleteConsoleUser::OPERATION,
    mezzanine::GetMezzanineInfo::OPERATION,
    mezzanine::DeleteMezzanines::OPERATION,
    receipt::GetVideoReceipt::OPERATION,
    apps::CreateAppInfo::OPERATION,
    apps::ListAppInfo::OPERATION,
    apps::GetAppInfos::OPERATION,
    categories::AddCategory::OPERATION,
    categories::UpdateCategory::OPERATION,
    categories::DeleteCategory::OPERATION,
    categories::GetCategories::OPERATION,
    // VOD: pictures and what is attached to media.
    images::GetImageInfo::OPERATION,
    images::GetImageInfos::OPERATION,
    images::UpdateImageInfos::OPERATION,
    images::DeleteImage::OPERATION,
    attached_media::GetAttachedMediaInfo::OPERATION,
    attached_media::UpdateAttachedMediaInfos::OPERATION,
    attached_media::DeleteAttachedMedia::OPERATION,
    // VOD: transcoding.
    templates::AddTranscodeTemplateGroup::OPERATION,
    templates::UpdateTranscodeTemplateGroup::OPERATION,
    templates::GetTranscodeTemplateGroup::OPERATION,
    templates::ListTranscodeTemplateGroup::OPERATION,
    templates::DeleteTranscodeTemplateGroup::OPERATION,
    templates::SetDefaultTranscodeTemplateGroup::OPERATION,
    transcode::SubmitTranscodeJobs::OPERATION,
    transcode::GenerateKMSDataKey::OPERATION,
    transcode::DecryptKMSDataKey::OPERATION,
    transcode::CancelTranscodeTask::OPERATION,
    transcode::DeleteStream::OPERATION,
    transcode::RetryJob::OPERATION,
    transcode_tasks::GetTranscodeTask::OPERATION,
    transcode_tasks::ListTranscodeTask::OPERATION,
    transcode_tasks::GetTranscodeSummary::OPERATION,
    transcode_tasks::GetJobDetail::OPERATION,
    transcode_tasks::ListJobInfo::OPERATION,
    jobs::ListJobs::OPERATION,
    // VOD: snapshots and animated images.
    snapshots::SubmitSnapshotJob::OPERATION,
    snapshots::ListSnapshots::OPERATION,
    vod_templates::AddVodTemplate::OPERATION,
    vod_templates::UpdateVodTemplate::OPERATION,
    vod_templates::GetVodTemplate::OPERATION,
    vod_templates::ListVodTemplate::OPERATION,
    vod_templates::DeleteVodTemplate::OPERATION,
    dynamic_images::SubmitDynamicImageJob::OPERATION,
    dynamic_images::ListDynamicImage::OPERATION,
    dynamic_images::DeleteDynamicImage::OPERATION,
    // VOD: watermarks.
    watermarks::AddWatermark::OPERATION,
    watermarks::UpdateWatermark::OPERATION,
    watermarks::GetWatermark::OPERATION,
    watermarks::ListWatermark::OPERATION,
    watermarks::DeleteWatermark::OPERATION,
    watermarks::SetDefaultWatermark::OPERATION,
    // VOD: uploads.
    client_uploads::CreateUploadVideo::OPERATION,
    client_uploads::RefreshUploadVideo::OPERATION,
    images::CreateUploadImage::OPERATION,
    attached_media::CreateUploadAttachedMedia::OPERATION,
    uploads::UploadMediaByURL::OPERATION,
    uploads::GetURLUploadInfos::OPERATION,
    uploads::CancelUrlUploadJobs::OPERATION,
    register::RegisterMedia::OPERATION,
    // VOD: callbacks.
    message_callback::SetMessageCallback::OPERATION,
    message_callback::GetMessageCallback::OPERATION,
    message_callback::DeleteMessageCallback::OPERATION,
    events::ListEvents::OPERATION,
    events::GetEvent::OPERATION,
    events::ReplayEvents::OPERATION,
    // Keys, and who wrote what.
    access_keys::CreateAccessKey::OPERATION,
    access_keys::ListAccessKeys::OPERATION,
    access_keys::UpdateAccessKey::OPERATION,
    access_keys::DeleteAccessKey::OPERATION,
    audit_events::ListAuditEvents::OPERATION,
];

/// The one that keys for one video may ask.
pub(crate) const PLAY_INFO: Declaration = play::GetPlayInfo::OPERATION.declaration;

/// The operation of this name. A few hundred comparisons cost less than the rest of a call by far.
pub(crate) fn find(service: Service, action: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.declaration.name == action && operation.declaration.service == service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::Tier;

    #[test]
    fn every_operation_is_told_apart_described_and_has_no_parameter_twice() {
        for (at, operation) in OPERATIONS.iter().enumerate() {
            let Operation { declaration, .. } = operation;
            let same = |other: &Operation| {
                other.declaration.name == declaration.name && other.declaration.service == declaration.service
            };
            assert!(!OPERATIONS[..at].iter().any(same), "{} is there twice", declaration.name);
            assert!(!declaration.about.trim().is_empty(), "{} says nothing", declaration.name);
            for (nth, param) in declaration.params.iter().enumerate() {
                assert!(
                    !declaration.params[..nth].iter().any(|other| other.name == param.name),
                    "{} has {} twice",
                    declaration.name,
                    param.name
                );
                assert!(!param.about.trim().is_empty(), "{}.{} says nothing", declaration.name, param.name);
            }
        }
    }

    #[test]
    fn the_page_of_our_own_operations_tells_each_with_all_its_parameters() {
        let page = include_str!("../../../docs/reference/own-operations.md");
        let sections: Vec<(&str, &str)> = page.split("\n### ").filter_map(|section| section.split_once('\n')).collect();
        for Operation { declaration, .. } in OPERATIONS.iter().filter(|known| known.declaration.tier == Tier::Own) {
            let section = sections.iter().find(|(name, _)| *name == declaration.name);
            let (_, text) = section.unwrap_or_else(|| panic!("{} is not on it", declaration.name));
            for param in declaration.params {
                assert!(text.contains(&format!("`{}`", param.name)), "{}.{}", declaration.name, param.name);
            }
        }
        for (name, _) in sections.iter().skip(1) {
            assert!(OPERATIONS.iter().any(|known| known.declaration.name == *name), "there is no {name}");
        }
    }
}
