//! Snapshots of videos: having them taken, and listing them.

use catalog::{Asset, AssetStatus, PictureSet};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use encode::{Frames, Layout, PictureOrder, ShotTimes, Size, SnapshotOrder};
use rpc::ParamError;
use rpc::param::{Filled, Int, Json, List, Text};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::mezzanine::has_source;
use super::videos::find;
use super::vod_templates::form::{Purpose, Times, sheet_of};
use super::vod_templates::{can_be_made, object, template_for};
use crate::codes::{Answer, Code};
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{AuthTimeout, IdText, PageNumber, asset_url, on_page, user_data, with_auth_timeout};

/// Most times of one job.
const TIMES_MAX: usize = 30;
/// What an order may have, as a parameter's type wants them.
const COUNT_MAX: i64 = 10_000;
const INTERVAL_MAX: i64 = 86_400;
/// What stands in the place of the five digits of a picture's number.
const NUMBER: &str = "{SnapshotCount}";

choice! {
    /// What snapshots are for.
    SnapshotType {
        /// One of them is the cover.
        Cover = "CoverSnapshot",
        /// They were taken with a transcode task, or on request.
        Normal = "NormalSnapshot",
        /// Many in one picture.
        Sprite = "SpriteSnapshot",
        /// What those are made of.
        SpriteOrigin = "SpriteOriginSnapshot",
        /// The list that tells players which to show when.
        WebVtt = "WebVttSnapshot",
    }
}

impl SnapshotType {
    const fn kind(self) -> PictureKind {
        match self {
            Self::Cover => PictureKind::Cover,
            Self::Normal => PictureKind::Snapshot,
            Self::Sprite => PictureKind::Sheet,
            Self::SpriteOrigin => PictureKind::Cell,
            Self::WebVtt => PictureKind::Cues,
        }
    }
}

operations! {
    /// Has snapshots of a video taken. Each is the picture that is shown at its time. The answer is the job's id; its end is told by
    /// `SnapshotComplete`, and the snapshots are listed by ListSnapshots.
    Vod T1 SubmitSnapshotJob => submit_snapshot_job {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// A template of snapshots, in place of all that follows but UserData.
        SnapshotTemplateId => template_id: Option<Filled<64>>,
        /// How many, 1 by default; of sprites, as many as the interval gives.
        Count => count: Option<Int<1, COUNT_MAX>>,
        /// Seconds from one to the next, 1 by default; 0: spread evenly.
        Interval => interval: Option<Int<0, INTERVAL_MAX>>,
        /// When the first is taken, in milliseconds, 0 by default.
        SpecifiedOffsetTime => offset_ms: Int<0, 4_294_967_295> = 0,
        /// When all of them are taken, in milliseconds, at most 30; in place of Count, Interval and SpecifiedOffsetTime.
        SpecifiedOffsetTimes => offsets_ms: List<Int<0, 4_294_967_295>>,
        /// Pixels, 8 to 4096. Absent: what follows from Height, or the video's.
        Width => width: Option<Int<8, 4096>>,
        /// Pixels, 8 to 4096. Absent: what follows from Width, or the video's.
        Height => height: Option<Int<8, 4096>>,
        /// They are put together to sprites, and how, as JSON; `{}` for what is usual.
        SpriteSnapshotConfig => sprite: Option<Json<Value>>,
        /// Kept with the job and told back, as JSON.
        UserData => user_data: Option<Text<4096>>,
    }

    /// Lists the newest snapshots of a video of one type.
    Vod T1 ListSnapshots => list_snapshots {
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Snapshots on a page.
        PageSize => page_size: Int<1, 100> = 20,
        /// Which type.
        SnapshotType => kind: SnapshotType = SnapshotType::Cover,
        /// How many seconds the URLs live, where the domain has URL authentication on; absent: as long as the domain says.
        AuthTimeout => auth_timeout: Option<AuthTimeout>,
        /// The video.
        VideoId => video_id: IdText,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Submitted {
    snapshot_job: Job,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Job {
    pub(super) job_id: String,
}

async fn submit_snapshot_job(context: &Context, input: SubmitSnapshotJob) -> Answer<Submitted> {
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    let user_data = input.user_data.as_deref().map(user_data).transpose()?.unwrap_or_default();
    let order = match &input.template_id {
        Some(id) => template_for(context, id, Purpose::Snapshot).await?.order,
        None => PictureOrder::Snapshots(asked(&input)?),
    };
    match asset.status {
        AssetStatus::UploadSucc | AssetStatus::Normal | AssetStatus::Checking | AssetStatus::Blocked => {}
        AssetStatus::Uploading
        | AssetStatus::Transcoding
        | AssetStatus::TranscodeFail
        | AssetStatus::ProduceFail
        | AssetStatus::UploadFail
        | AssetStatus::Deleted => {
            let status = asset.status.as_str();
            return Err(Code::ForbiddenIllegalStatusForJob
                .because(format!("Snapshots of a video whose status is {status} cannot be taken.")));
        }
    }
    has_source(&asset)?;
    can_be_made(context, &order)?;
    can_be_taken(&asset, &order)?;
    let job = context.catalog.begin_pictures(asset.id, order, &user_data, context.now).await?;
    Ok(Submitted { snapshot_job: Job { job_id: job.to_string() } })
}

/// What was asked for without a template.
fn asked(input: &SubmitSnapshotJob) -> Answer<SnapshotOrder> {
    let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    let layout = match &input.sprite {
        Some(config) => {
            let config = object("SpriteSnapshotConfig", config.clone())?;
            let (sheet, keep_cells) = sheet_of("SpriteSnapshotConfig", config)?;
            Layout::Sheets { sheet, keep_cells }
        }
        None => Layout::Single,
    };
    if input.offsets_ms.len() > TIMES_MAX {
        let why = format!("there are {} times; {TIMES_MAX} are allowed", input.offsets_ms.len());
        return Err(ParamError::invalid("SpecifiedOffsetTimes", why).into());
    }
    let times_ms: Vec<u64> = input.offsets_ms.iter().filter_map(|ms| u64::try_from(*ms).ok()).collect();
    let times = if times_ms.is_empty() {
        let from_ms = u64::try_from(input.offset_ms).unwrap_or(0);
        Times { from_ms, interval: small(input.interval), count: small(input.count) }.of(&layout)
    } else {
        ShotTimes::At { times_ms }
    };
    let size = Size { width: small(input.width), height: small(input.height) };
    Ok(SnapshotOrder { times, frames: Frames::Shown, size, layout })
}

/// Refuses what is known to fail: pictures of sound, and sheets that are too large for this video. What is known of a video that
/// was not analysed yet is near enough for both.
pub(super) fn can_be_taken(asset: &Asset, order: &PictureOrder) -> Answer<()> {
    if asset.analysed.is_some() && asset.width == 0 {
        return Err(Code::InvalidParameter.because("The video has no pictures."));
    }
    let source = (asset.width, asset.height);
    let planned = match order {
        _ if asset.width == 0 => Ok(()),
        PictureOrder::Animation(order) => order.plan(asset.duration_ticks, source).map(drop),
        PictureOrder::Snapshots(order) => match order.sheet() {
            Some(sheet) => {
                let cells = order.times.ticks(asset.duration_ticks).len();
                let cells = u32::try_from(cells).unwrap_or(u32::MAX);
                sheet.sheets(cells, sheet.cell_size(order.size, source)).map(drop)
            }
            None => Ok(()),
        },
    };
    planned.map_err(|error| Code::InvalidParameter.because(format!("For this video {error}.")))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    media_snapshot: MediaSnapshot,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct MediaSnapshot {
    creation_time: String,
    job_id: String,
    regular: String,
    snapshots: Snapshots,
    total: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Snapshots {
    snapshot: Vec<Snapshot>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Snapshot {
    index: usize,
    url: String,
}

/// The files of a set that are told: of cues the one that tells of the others.
fn told_files(set: &PictureSet) -> Vec<String> {
    match set.index() {
        Some(index) => vec![index.to_string()],
        None => set.names().map(|name| name.to_string()).collect(),
    }
}

/// What their names have in common.
fn regular(set: &PictureSet) -> String {
    match set.kind {
        PictureKind::Cues => PictureName::single(set.kind, set.job, PictureFormat::Vtt).to_string(),
        PictureKind::Cover
        | PictureKind::Snapshot
        | PictureKind::Sheet
        | PictureKind::Cell
        | PictureKind::Animation => PictureName::pattern(set.kind, set.job, NUMBER),
    }
}

async fn list_snapshots(context: &Context, input: ListSnapshots) -> Answer<Told> {
    let context = &with_auth_timeout(context, input.auth_timeout);
    let asset = find(context, Some(&input.video_id), None).await?;
    let Some(set) = context.catalog.newest_pictures(asset.id, input.kind.kind()).await? else {
        let kind = input.kind.as_str();
        return Err(Code::NoSuchResource.because(format!("The video has no snapshots of the type {kind}.")));
    };
    let files = told_files(&set);
    let some = on_page(files.iter().enumerate(), input.page_no, input.page_size);
    let some = some.map(|(at, file)| Snapshot { index: at.saturating_add(1), url: asset_url(context, asset.id, file) });
    Ok(Told {
        media_snapshot: MediaSnapshot {
            creation_time: set.made.to_iso8601(),
            job_id: set.job.to_string(),
            regular: context.delivery.unsigned_url(&format!("/v/{}/{}", asset.id, regular(&set))),
            snapshots: Snapshots { snapshot: some.collect() },
            total: u64::try_from(files.len()).unwrap_or(u64::MAX),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::vod_templates::form::INTERVAL_SECONDS_MAX;
    use super::*;

    #[test]
    fn as_much_can_be_asked_for_inline_as_by_a_template() {
        assert_eq!((COUNT_MAX, INTERVAL_MAX), (i64::from(encode::SHOTS_MAX), i64::from(INTERVAL_SECONDS_MAX)));
    }
}
