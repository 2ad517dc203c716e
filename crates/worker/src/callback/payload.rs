//! Events in the names and types of the wire (contract §3.3): field by field, in a fixed order, so that a repeat is the
//! same text.

use std::collections::BTreeMap;

use domain::event::{
    AnimationOutcome, AssetEvent, Change, DescribeMode, DescribedField, Event, StreamInfo, StreamOutcome,
};
use encode::FileName;
use rpc::definition::{definition, output_file};
use rpc::failure::{BAD_CONTENT, CANCELLED, CANCELLED_MESSAGE};
use serde::Serialize;
use units::{AssetId, JobId, WallTime};

use super::pictures;

/// The `EventType` under which customers ask for and get an event.
pub(crate) fn event_type(event: &Event) -> &'static str {
    // Each kind has one: a test sees to it.
    rpc::event::event_type(event.kind().as_str()).unwrap_or_default()
}

/// The body of its callback: one JSON object. `extend` is told back; `public_url` is where media is reached, without a slash at
/// the end.
pub(crate) fn render(event: &AssetEvent, extend: Option<&str>, public_url: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Body { extend, ..body(event, public_url) })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    event_type: &'static str,
    event_time: String,
    status: &'static str,
    #[serde(flatten)]
    fields: Fields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extend: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    #[serde(rename_all = "PascalCase")]
    Recorded {
        video_id: AssetId,
        domain_name: &'a str,
        app_name: &'a str,
        stream_name: &'a str,
        record_start_time: String,
        record_end_time: String,
    },
    #[serde(rename_all = "PascalCase")]
    Composing {
        video_id: AssetId,
        domain_name: &'a str,
        app_name: &'a str,
        stream_name: &'a str,
    },
    #[serde(rename_all = "PascalCase")]
    InPlace {
        video_id: AssetId,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
        file_url: String,
    },
    /// The size is a string here. The video is told of when there is one.
    #[serde(rename_all = "PascalCase")]
    Pulled {
        #[serde(skip_serializing_if = "Option::is_none")]
        video_id: Option<AssetId>,
        job_id: JobId,
        #[serde(rename = "SourceURL")]
        source_url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<&'a str>,
    },
    /// Numbers are strings here, as in the vendor's sample.
    #[serde(rename_all = "PascalCase")]
    Analysed {
        video_id: AssetId,
        #[serde(skip_serializing_if = "Option::is_none")]
        width: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        height: Option<String>,
        duration: String,
        bitrate: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        fps: Option<String>,
        size: String,
    },
    #[serde(rename_all = "PascalCase")]
    StreamTranscoded {
        video_id: AssetId,
        #[serde(flatten)]
        stream: Stream<'a>,
    },
    #[serde(rename_all = "PascalCase")]
    Transcoded {
        video_id: AssetId,
        stream_infos: Vec<StreamWithStatus<'a>>,
    },
    #[serde(rename_all = "PascalCase")]
    ImageStored {
        image_id: AssetId,
        size: u64,
        #[serde(rename = "FileURL")]
        file_url: String,
        app_id: &'static str,
    },
    #[serde(rename_all = "PascalCase")]
    AttachedStored {
        attached_media_id: AssetId,
        size: u64,
        #[serde(rename = "FileURL")]
        file_url: String,
    },
    Snapshots(pictures::Snapshots<'a>),
    Animation(pictures::Animation<'a>),
    #[serde(rename_all = "PascalCase")]
    Deleted {
        media_id: AssetId,
        media_type: &'static str,
        delete_type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        job_ids: Option<String>,
    },
    #[serde(rename_all = "PascalCase")]
    Described {
        media_id: AssetId,
        media_type: &'static str,
        operate_mode: &'static str,
        media_content: BTreeMap<&'static str, String>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamWithStatus<'a> {
    status: &'static str,
    #[serde(flatten)]
    stream: Stream<'a>,
}

/// An output; what is not known of one that failed is left out.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stream<'a> {
    job_id: JobId,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'static str>,
    format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    made: Option<Made>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    bitrate: String,
    duration: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fps: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    size: u64,
    encrypt: bool,
    file_url: String,
}

fn stream<'a>(asset: AssetId, info: &'a StreamInfo, public_url: &str) -> Stream<'a> {
    match &info.outcome {
        StreamOutcome::Made { width, height, fps, bitrate_kbps, duration_s, size_bytes } => {
            let definition = definition(*width, *height, &info.label);
            let file = match info.file_name.as_deref().map(FileName::parse) {
                Some(Ok(name)) => {
                    format!("{}.{}", name.of(&asset.to_string(), &info.job.to_string(), definition), info.format)
                }
                Some(Err(_)) | None => output_file(info.job, definition, &info.format),
            };
            let picture = *width > 0 && *height > 0;
            Stream {
                job_id: info.job,
                definition: Some(definition),
                format: &info.format,
                made: Some(Made {
                    bitrate: bitrate_kbps.to_string(),
                    duration: (duration_s * 1_000.0).round() / 1_000.0,
                    fps: picture.then(|| decimal(*fps)),
                    width: picture.then_some(*width),
                    height: picture.then_some(*height),
                    size: *size_bytes,
                    encrypt: info.encrypted,
                    file_url: format!("{public_url}/v/{asset}/{file}"),
                }),
                error_code: None,
                error_message: None,
            }
        }
        StreamOutcome::Failed { error } => not_made(info, BAD_CONTENT, error),
        StreamOutcome::Cancelled => not_made(info, CANCELLED, CANCELLED_MESSAGE),
    }
}

fn not_made<'a>(info: &'a StreamInfo, code: &'static str, message: &'a str) -> Stream<'a> {
    Stream {
        job_id: info.job,
        definition: None,
        format: &info.format,
        made: None,
        error_code: Some(code),
        error_message: Some(message),
    }
}

fn made(info: &StreamInfo) -> bool {
    matches!(info.outcome, StreamOutcome::Made { .. })
}

pub(super) const fn status(success: bool) -> &'static str {
    if success { "success" } else { "fail" }
}

fn body<'a>(event: &'a AssetEvent, public_url: &str) -> Body<'a> {
    let id = event.asset;
    let success = match &event.event {
        Event::StreamTranscoded { stream } => made(stream),
        Event::Transcoded { streams } => streams.iter().any(made),
        Event::ComposeBegan { possible, .. } => *possible,
        Event::SnapshotsTaken { error, .. } => error.is_none(),
        Event::Pulled { failure, .. } => failure.is_none(),
        Event::Animated { outcome, .. } => matches!(outcome, AnimationOutcome::Made { .. }),
        _ => true,
    };
    let fields = match &event.event {
        Event::CycleBecameAsset { path, began, ended } => Fields::Recorded {
            video_id: id,
            domain_name: path.domain(),
            app_name: path.app(),
            stream_name: path.stream(),
            record_start_time: began.to_iso8601(),
            record_end_time: ended.to_iso8601(),
        },
        Event::ComposeBegan { path, possible: _ } => Fields::Composing {
            video_id: id,
            domain_name: path.domain(),
            app_name: path.app(),
            stream_name: path.stream(),
        },
        Event::SourceInPlace { size_bytes } => {
            Fields::InPlace { video_id: id, size: *size_bytes, file_url: format!("{public_url}/v/{id}/source.mp4") }
        }
        Event::Pulled { job, url, size_bytes, failure } => Fields::Pulled {
            video_id: failure.is_none().then_some(id),
            job_id: *job,
            source_url: url,
            size: size_bytes.map(|size| size.to_string()),
            error_code: failure.as_ref().map(|failure| failure.code.as_str()),
            error_message: failure.as_ref().map(|failure| failure.message.as_str()),
        },
        Event::SourceAnalysed { width, height, duration_s, bitrate_kbps, fps, size_bytes } => {
            let picture = *width > 0 && *height > 0;
            Fields::Analysed {
                video_id: id,
                width: picture.then(|| width.to_string()),
                height: picture.then(|| height.to_string()),
                duration: decimal(*duration_s),
                bitrate: bitrate_kbps.to_string(),
                fps: picture.then(|| decimal(*fps)),
                size: size_bytes.to_string(),
            }
        }
        Event::StreamTranscoded { stream: info } => {
            Fields::StreamTranscoded { video_id: id, stream: stream(id, info, public_url) }
        }
        Event::Transcoded { streams } => Fields::Transcoded {
            video_id: id,
            stream_infos: streams
                .iter()
                .map(|info| StreamWithStatus { status: status(made(info)), stream: stream(id, info, public_url) })
                .collect(),
        },
        Event::SnapshotsTaken { asked, cover, sets, error } => {
            let told = pictures::snapshots(id, *asked, cover.as_ref(), sets, error.as_deref(), public_url);
            Fields::Snapshots(told)
        }
        Event::Animated { job, outcome } => Fields::Animation(pictures::animation(id, *job, outcome, public_url)),
        Event::AssetDeleted => Fields::Deleted { media_id: id, media_type: "video", delete_type: "all", job_ids: None },
        Event::SourceDeleted => {
            Fields::Deleted { media_id: id, media_type: "video", delete_type: "mezzanine", job_ids: None }
        }
        Event::ImageStored { size_bytes, extension } => Fields::ImageStored {
            image_id: id,
            size: *size_bytes,
            file_url: format!("{public_url}/v/{id}/file.{extension}"),
            app_id: crate::DEFAULT_APP_ID,
        },
        Event::AttachedStored { size_bytes, extension } => Fields::AttachedStored {
            attached_media_id: id,
            size: *size_bytes,
            file_url: format!("{public_url}/v/{id}/file.{extension}"),
        },
        Event::FileDeleted { file } => {
            Fields::Deleted { media_id: id, media_type: file.as_str(), delete_type: "all", job_ids: None }
        }
        Event::StreamsDeleted { jobs } => Fields::Deleted {
            media_id: id,
            media_type: "video",
            delete_type: "stream",
            job_ids: Some(jobs.iter().map(JobId::to_string).collect::<Vec<_>>().join(",")),
        },
        Event::AssetDescribed { mode, changes } => Fields::Described {
            media_id: id,
            media_type: "video",
            operate_mode: match mode {
                DescribeMode::Create => "create",
                DescribeMode::Update => "update",
                DescribeMode::Delete => "delete",
            },
            media_content: changes.iter().map(content).collect(),
        },
    };
    Body {
        event_type: event_type(&event.event),
        event_time: event_time(event.at),
        status: status(success),
        fields,
        extend: None,
    }
}

fn event_time(at: WallTime) -> String {
    at.to_iso8601()
}

/// A changed field: its name, and a JSON text of both values.
fn content(change: &Change) -> (&'static str, String) {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Values<'a> {
        old_value: &'a str,
        new_value: &'a str,
    }
    let name = match change.field {
        DescribedField::Title => "Title",
        DescribedField::Description => "Description",
        DescribedField::Cover => "CoverURL",
        DescribedField::Category => "CateId",
        DescribedField::Tags => "Tags",
    };
    // Two strings always have a JSON form.
    let values = serde_json::to_string(&Values { old_value: &change.old, new_value: &change.new });
    (name, values.unwrap_or_default())
}

/// At most three places, rounded, no zeros at the end: `3600.04`, `25`.
fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{Cover, SnapshotSet};
    use domain::picture::{PictureFormat, PictureKind};
    use units::StreamPath;

    fn rendered(at: &str, event: Event) -> String {
        let asset = AssetId::from_u128(0x6f0c_2b9e_4d1a_4b7f_9c3e_5a7d_8b1f_2c30);
        render(&AssetEvent { asset, at: time(at), event }, None, "http://vod.example.org").unwrap()
    }

    fn time(text: &str) -> WallTime {
        WallTime::parse_iso8601(text).unwrap()
    }

    #[test]
    fn each_event_is_the_contracts_example_letter_for_letter() {
        let path = StreamPath::new("play.example.org", "cup", "court1").unwrap();
        let (began, ended) = (time("2026-03-01T10:00:00Z"), time("2026-03-01T10:20:00Z"));
        assert_eq!(
            rendered("2026-03-01T10:20:05Z", Event::CycleBecameAsset { path, began, ended }),
            r#"{"EventType":"AddLiveRecordVideoComplete","EventTime":"2026-03-01T10:20:05Z","Status":"success","VideoId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","DomainName":"play.example.org","AppName":"cup","StreamName":"court1","RecordStartTime":"2026-03-01T10:00:00Z","RecordEndTime":"2026-03-01T10:20:00Z"}"#
        );
        let analysed = Event::SourceAnalysed {
            width: 1280,
            height: 720,
            duration_s: 3600.04,
            bitrate_kbps: 1631,
            fps: 25.0,
            size_bytes: 734_003_200,
        };
        assert_eq!(
            rendered("2026-03-01T11:05:12Z", analysed),
            r#"{"EventType":"VideoAnalysisComplete","EventTime":"2026-03-01T11:05:12Z","Status":"success","VideoId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","Width":"1280","Height":"720","Duration":"3600.04","Bitrate":"1631","Fps":"25","Size":"734003200"}"#
        );
        let path = StreamPath::new("play.example.org", "cup", "court1").unwrap();
        assert_eq!(
            rendered("2026-03-01T11:04:00Z", Event::ComposeBegan { path: path.clone(), possible: true }),
            r#"{"EventType":"LiveRecordVideoComposeStart","EventTime":"2026-03-01T11:04:00Z","Status":"success","VideoId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","DomainName":"play.example.org","AppName":"cup","StreamName":"court1"}"#
        );
        let refused = rendered("2026-03-01T11:04:00Z", Event::ComposeBegan { path, possible: false });
        assert!(refused.contains(r#""Status":"fail""#), "{refused}");
        assert_eq!(
            rendered("2026-03-01T11:05:10Z", Event::SourceInPlace { size_bytes: Some(734_003_200) }),
            r#"{"EventType":"FileUploadComplete","EventTime":"2026-03-01T11:05:10Z","Status":"success","VideoId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","Size":734003200,"FileUrl":"http://vod.example.org/v/6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30/source.mp4"}"#
        );
        assert_eq!(
            rendered("2026-03-01T12:02:00Z", Event::AssetDeleted),
            r#"{"EventType":"DeleteMediaComplete","EventTime":"2026-03-01T12:02:00Z","Status":"success","MediaId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","MediaType":"video","DeleteType":"all"}"#
        );
        let stored = Event::ImageStored { size_bytes: 105_520, extension: "jpg".into() };
        assert_eq!(
            rendered("2026-03-01T12:01:00Z", stored),
            r#"{"EventType":"ImageUploadComplete","EventTime":"2026-03-01T12:01:00Z","Status":"success","ImageId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","Size":105520,"FileURL":"http://vod.example.org/v/6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30/file.jpg","AppId":"app-1000000"}"#
        );
        let stored = Event::AttachedStored { size_bytes: 14_333, extension: "srt".into() };
        assert_eq!(
            rendered("2026-03-01T12:01:30Z", stored),
            r#"{"EventType":"AttachedMediaUploadComplete","EventTime":"2026-03-01T12:01:30Z","Status":"success","AttachedMediaId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","Size":14333,"FileURL":"http://vod.example.org/v/6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30/file.srt"}"#
        );
        let gone = rendered("2026-03-01T12:02:00Z", Event::FileDeleted { file: domain::event::FileKind::Attached });
        assert!(gone.contains(r#""MediaType":"attached","DeleteType":"all""#), "{gone}");
        assert!(rendered("2026-03-01T12:02:00Z", Event::SourceDeleted).contains(r#""DeleteType":"mezzanine""#));
        let change = Change { field: DescribedField::Title, old: "a".into(), new: "b".into() };
        assert_eq!(
            rendered(
                "2026-03-01T12:03:00Z",
                Event::AssetDescribed { mode: DescribeMode::Update, changes: vec![change] }
            ),
            r#"{"EventType":"MediaBaseChangeComplete","EventTime":"2026-03-01T12:03:00Z","Status":"success","MediaId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","MediaType":"video","OperateMode":"update","MediaContent":{"Title":"{\"OldValue\":\"a\",\"NewValue\":\"b\"}"}}"#
        );
    }

    #[test]
    fn what_became_of_a_stream_is_told_alone_and_with_the_others() {
        let outcome = StreamOutcome::Made {
            width: 640,
            height: 360,
            fps: 25.0,
            bitrate_kbps: 905,
            duration_s: 3600.0400001,
            size_bytes: 407_000_000,
        };
        let done = StreamInfo {
            job: JobId::from_u128(0x5e1f),
            format: "mp4".into(),
            label: "SD".into(),
            file_name: None,
            encrypted: false,
            outcome,
        };
        let failed = StreamOutcome::Failed { error: "input not decodable".into() };
        let failed = StreamInfo {
            job: JobId::from_u128(0x5e20),
            format: "m3u8".into(),
            label: "HD".into(),
            file_name: None,
            encrypted: false,
            outcome: failed,
        };
        let inner = r#""JobId":"00000000000000000000000000005e1f","Definition":"FD","Format":"mp4","Bitrate":"905","Duration":3600.04,"Fps":"25","Width":640,"Height":360,"Size":407000000,"Encrypt":false,"FileUrl":"http://vod.example.org/v/6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30/00000000000000000000000000005e1f-fd.mp4""#;
        assert_eq!(
            rendered("2026-03-01T11:20:00Z", Event::StreamTranscoded { stream: done.clone() }),
            format!(
                r#"{{"EventType":"StreamTranscodeComplete","EventTime":"2026-03-01T11:20:00Z","Status":"success","VideoId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30",{inner}}}"#
            )
        );
        assert_eq!(
            rendered("2026-03-01T11:24:00Z", Event::Transcoded { streams: vec![done, failed.clone()] }),
            format!(
                r#"{{"EventType":"TranscodeComplete","EventTime":"2026-03-01T11:24:00Z","Status":"success","VideoId":"6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30","StreamInfos":[{{"Status":"success",{inner}}},{{"Status":"fail","JobId":"00000000000000000000000000005e20","Format":"m3u8","ErrorCode":"InvalidParameter.ResourceContentBad","ErrorMessage":"input not decodable"}}]}}"#
            )
        );
        let all_failed = rendered("2026-03-01T11:24:00Z", Event::Transcoded { streams: vec![failed.clone()] });
        assert!(all_failed.contains(r#""Status":"fail","VideoId""#), "{all_failed}");
        let cancelled = StreamInfo { outcome: StreamOutcome::Cancelled, ..failed };
        let told = rendered("2026-03-01T11:24:00Z", Event::StreamTranscoded { stream: cancelled });
        assert!(told.contains(r#""Status":"fail","#) && told.contains(r#""ErrorCode":"TranscodeCancelled""#), "{told}");
    }

    #[test]
    fn every_kind_of_event_has_a_name() {
        for kind in domain::event::EventKind::ALL {
            assert!(rpc::event::event_type(kind.as_str()).is_some(), "{kind:?}: add it to rpc::event");
        }
    }

    #[test]
    fn deleted_streams_are_told_with_their_ids() {
        let jobs = vec![JobId::from_u128(1), JobId::from_u128(2)];
        let text = rendered("2026-03-01T12:02:00Z", Event::StreamsDeleted { jobs });
        let ids = r#""JobIds":"00000000000000000000000000000001,00000000000000000000000000000002""#;
        assert!(
            text.contains(r#""EventType":"DeleteMediaComplete""#) && text.contains(r#""DeleteType":"stream""#),
            "{text}"
        );
        assert!(text.contains(ids), "{text}");
    }

    #[test]
    fn snapshots_are_told_with_the_pattern_of_their_names_and_the_cover() {
        let job = JobId::from_u128(0x77aa);
        let set = |kind, count| SnapshotSet { job, kind, count };
        let file = format!("covers/{job}-00002.jpg");
        let (cover, sets) = (Some(Cover::Taken { file }), vec![set(PictureKind::Cover, 8)]);
        let (asset, at) = ("6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30", "2026-03-01T11:06:00Z");
        assert_eq!(
            rendered(at, Event::SnapshotsTaken { asked: false, cover, sets, error: None }),
            format!(
                r#"{{"EventType":"SnapshotComplete","EventTime":"{at}","Status":"success","VideoId":"{asset}","CoverUrl":"http://vod.example.org/v/{asset}/covers/{job}-00002.jpg","SnapshotInfos":[{{"Status":"success","SnapshotType":"CoverSnapshot","SnapshotCount":8,"SnapshotFormat":"{asset}/covers/{job}-{{SnapshotCount}}.jpg","SnapshotRegular":"http://vod.example.org/v/{asset}/covers/{job}-{{SnapshotCount}}.jpg","JobId":"{job}"}}]}}"#
            )
        );
        let cover = Some(Cover::Given { url: "http://img.example.org/1.jpg".into() });
        let sets = vec![set(PictureKind::Cues, 3)];
        let asked = rendered(at, Event::SnapshotsTaken { asked: true, cover, sets, error: None });
        for part in [
            r#""SubType":"SpecifiedTime","CoverUrl":"http://img.example.org/1.jpg""#,
            r#""SnapshotType":"WebVttSnapshot","SnapshotCount":1"#,
            &format!(r#""SnapshotRegular":"http://vod.example.org/v/{asset}/cues/{job}.vtt""#),
        ] {
            assert!(asked.contains(part), "{part} in {asked}");
        }
        let (sets, error) = (vec![set(PictureKind::Snapshot, 0)], Some("no picture".to_owned()));
        assert_eq!(
            rendered(at, Event::SnapshotsTaken { asked: true, cover: None, sets, error }),
            format!(
                r#"{{"EventType":"SnapshotComplete","EventTime":"{at}","Status":"fail","VideoId":"{asset}","SubType":"SpecifiedTime","SnapshotInfos":[{{"Status":"fail","SnapshotType":"NormalSnapshot","SnapshotCount":0,"JobId":"{job}"}}],"ErrorCode":"InvalidParameter.ResourceContentBad","ErrorMessage":"no picture"}}"#
            )
        );
    }

    #[test]
    fn an_animation_is_told_as_json_in_json() {
        let (job, format) = (JobId::from_u128(0xd1), PictureFormat::Gif);
        let outcome = AnimationOutcome::Made { format, width: 320, height: 180, fps: 10, size_bytes: 91_823 };
        let (asset, at) = ("6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30", "2026-03-01T11:25:00Z");
        assert_eq!(
            rendered(at, Event::Animated { job, outcome }),
            format!(
                r#"{{"EventType":"DynamicImageComplete","EventTime":"{at}","Status":"success","VideoId":"{asset}","JobId":"{job}","DynamicImageJobInfo":"{{\"JobId\":\"{job}\",\"Status\":\"success\",\"FileURL\":\"http://vod.example.org/v/{asset}/animations/{job}.gif\",\"FileSize\":\"91823\",\"Fps\":\"10\",\"Width\":\"320\",\"Height\":\"180\"}}"}}"#
            )
        );
        let failed = rendered(at, Event::Animated { job, outcome: AnimationOutcome::Failed { error: "why".into() } });
        assert!(failed.contains(r#""Status":"fail""#) && failed.ends_with(r#""ErrorMessage":"why"}"#), "{failed}");
    }

    #[test]
    fn what_is_told_back_is_told_letter_for_letter() {
        let event =
            AssetEvent { asset: AssetId::from_u128(1), at: time("2026-03-01T12:02:00Z"), event: Event::AssetDeleted };
        let text = render(&event, Some(r#"{"id":"7"}"#), "http://a").unwrap();
        assert!(text.ends_with(r#""DeleteType":"all","Extend":"{\"id\":\"7\"}"}"#), "{text}");
    }

    #[test]
    fn a_source_without_pictures_has_no_size_or_rate_of_them() {
        let sound =
            Event::SourceAnalysed { width: 0, height: 0, duration_s: 1.0, bitrate_kbps: 64, fps: 0.0, size_bytes: 9 };
        let text = rendered("2026-03-01T11:05:12Z", sound);
        assert!(!text.contains("Width") && !text.contains("Fps") && text.contains(r#""Duration":"1""#), "{text}");
    }

    #[test]
    fn numbers_have_at_most_three_places() {
        for (value, text) in [(25.0, "25"), (59.94005994, "59.94"), (23.976, "23.976"), (0.0, "0"), (100.0, "100")] {
            assert_eq!(decimal(value), text);
        }
    }
}
