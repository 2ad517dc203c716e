//! What is told of pictures: `SnapshotComplete` and `DynamicImageComplete` (contract §3.3).

use domain::event::{AnimationOutcome, Cover, SnapshotSet};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use rpc::failure::BAD_CONTENT;
use serde::Serialize;
use units::{AssetId, JobId};

use super::payload::status;

/// What stands in the place of the five digits of a picture's number.
const NUMBER: &str = "{SnapshotCount}";
/// The `SubType` of snapshots that somebody asked for.
const SPECIFIED: &str = "SpecifiedTime";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Snapshots<'a> {
    video_id: AssetId,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    snapshot_infos: Vec<SnapshotInfo>,
    #[serde(flatten)]
    failure: Failure<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SnapshotInfo {
    status: &'static str,
    snapshot_type: &'static str,
    snapshot_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_regular: Option<String>,
    job_id: JobId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Animation<'a> {
    video_id: AssetId,
    job_id: JobId,
    /// JSON as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    dynamic_image_job_info: Option<String>,
    #[serde(flatten)]
    failure: Failure<'a>,
}

/// Its numbers are strings.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AnimationInfo {
    job_id: JobId,
    status: &'static str,
    #[serde(rename = "FileURL")]
    file_url: String,
    file_size: String,
    fps: String,
    width: String,
    height: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
}

impl<'a> Failure<'a> {
    fn of(error: Option<&'a str>) -> Self {
        Self { error_code: error.map(|_| BAD_CONTENT), error_message: error }
    }
}

/// What the wire calls pictures of a kind.
fn snapshot_type(kind: PictureKind) -> &'static str {
    match kind {
        PictureKind::Cover => "CoverSnapshot",
        PictureKind::Snapshot => "NormalSnapshot",
        PictureKind::Sheet => "SpriteSnapshot",
        PictureKind::Cell => "SpriteOriginSnapshot",
        PictureKind::Cues => "WebVttSnapshot",
        PictureKind::Animation => "DynamicImage",
    }
}

fn info(asset: AssetId, set: &SnapshotSet, public_url: &str) -> SnapshotInfo {
    let made = set.count > 0;
    let file = match set.kind {
        // The one file that names the others.
        PictureKind::Cues => PictureName::single(set.kind, set.job, PictureFormat::Vtt).to_string(),
        PictureKind::Cover
        | PictureKind::Snapshot
        | PictureKind::Sheet
        | PictureKind::Cell
        | PictureKind::Animation => PictureName::pattern(set.kind, set.job, NUMBER),
    };
    SnapshotInfo {
        status: status(made),
        snapshot_type: snapshot_type(set.kind),
        snapshot_count: if set.kind == PictureKind::Cues { set.count.min(1) } else { set.count },
        snapshot_format: made.then(|| format!("{asset}/{file}")),
        snapshot_regular: made.then(|| format!("{public_url}/v/{asset}/{file}")),
        job_id: set.job,
    }
}

pub(super) fn snapshots<'a>(
    asset: AssetId,
    asked: bool,
    cover: Option<&Cover>,
    sets: &[SnapshotSet],
    error: Option<&'a str>,
    public_url: &str,
) -> Snapshots<'a> {
    let cover = cover.map(|cover| match cover {
        Cover::Given { url } => url.clone(),
        Cover::Taken { file } => format!("{public_url}/v/{asset}/{file}"),
    });
    Snapshots {
        video_id: asset,
        sub_type: asked.then_some(SPECIFIED),
        cover_url: cover,
        snapshot_infos: sets.iter().map(|set| info(asset, set, public_url)).collect(),
        failure: Failure::of(error),
    }
}

pub(super) fn animation<'a>(
    asset: AssetId,
    job: JobId,
    outcome: &'a AnimationOutcome,
    public_url: &str,
) -> Animation<'a> {
    let (made, error) = match outcome {
        AnimationOutcome::Made { format, width, height, fps, size_bytes } => {
            let file = PictureName::single(PictureKind::Animation, job, *format);
            let made = AnimationInfo {
                job_id: job,
                status: status(true),
                file_url: format!("{public_url}/v/{asset}/{file}"),
                file_size: size_bytes.to_string(),
                fps: fps.to_string(),
                width: width.to_string(),
                height: height.to_string(),
            };
            (Some(made), None)
        }
        AnimationOutcome::Failed { error } => (None, Some(error.as_str())),
    };
    // A struct of strings always has a JSON form.
    let told = made.map(|made| serde_json::to_string(&made).unwrap_or_default());
    Animation { video_id: asset, job_id: job, dynamic_image_job_info: told, failure: Failure::of(error) }
}
