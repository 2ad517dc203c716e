//! Animated images of videos.

use catalog::PictureSet;
use domain::picture::PictureKind;
use rpc::param::{CommaList, Filled, Json};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use units::{AssetId, JobId, MediaTime};

use super::mezzanine::has_source;
use super::snapshots::{Job, can_be_taken};
use super::videos::find;
use super::vod_templates::form::{Purpose, overridden};
use super::vod_templates::{can_be_made, object, template_for};
use crate::codes::{Answer, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{IdText, asset_url, decimal};

/// Most images of one call.
const IDS_MAX: usize = 100;

operations! {
    /// Has an animated image of a video made. The answer is the job's id; its end is told by `DynamicImageComplete`.
    Vod T2 SubmitDynamicImageJob => submit_dynamic_image_job {
        /// A template of animated images.
        DynamicImageTemplateId => template_id: Filled<64>,
        /// What is wanted instead of the template's `Video`, `Container` and `Clip`, as JSON.
        OverrideParams => over: Option<Json<Value>>,
        /// The video.
        VideoId => video_id: IdText,
    }

    /// Lists the animated images of a video, oldest first.
    Vod T2 ListDynamicImage => list_dynamic_image {
        /// The video.
        VideoId => video_id: IdText,
    }

    /// Deletes animated images of a video. One that was its cover is replaced by a still picture.
    Vod T3 DeleteDynamicImage => delete_dynamic_image {
        /// The images, joined by commas; without it all of them.
        DynamicImageIds => ids: Option<CommaList<Filled<64>, IDS_MAX>>,
        /// The video.
        VideoId => video_id: IdText,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Submitted {
    dynamic_image_job: Job,
}

async fn submit_dynamic_image_job(context: &Context, input: SubmitDynamicImageJob) -> Answer<Submitted> {
    let asset = find(context, Some(&input.video_id), None).await?;
    let template = template_for(context, &input.template_id, Purpose::DynamicImage).await?;
    let order = match input.over {
        Some(over) => {
            let over = object("OverrideParams", over)?;
            let config = overridden("OverrideParams", &template.asked, &over)?;
            Purpose::DynamicImage.order("OverrideParams", &config)?
        }
        None => template.order,
    };
    has_source(&asset)?;
    can_be_made(context, &order)?;
    can_be_taken(&asset, &order)?;
    let job = context.catalog.begin_pictures(asset.id, order, "", context.now).await?;
    Ok(Submitted { dynamic_image_job: Job { job_id: job.to_string() } })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    dynamic_image_list: Vec<DynamicImage>,
}

/// Its numbers are text.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DynamicImage {
    creation_time: String,
    duration: String,
    dynamic_image_id: String,
    file_size: String,
    #[serde(rename = "FileURL")]
    file_url: String,
    format: &'static str,
    fps: String,
    height: String,
    job_id: String,
    video_id: AssetId,
    width: String,
}

fn told(context: &Context, set: &PictureSet) -> Option<DynamicImage> {
    let facts = set.facts?;
    Some(DynamicImage {
        creation_time: set.made.to_iso8601(),
        duration: decimal(MediaTime::reel(facts.duration_ticks).seconds()),
        // Each job makes one image.
        dynamic_image_id: set.job.to_string(),
        file_size: facts.size_bytes.to_string(),
        file_url: asset_url(context, set.asset, &set.name(1).to_string()),
        format: set.format.extension(),
        fps: facts.fps.to_string(),
        height: facts.height.to_string(),
        job_id: set.job.to_string(),
        video_id: set.asset,
        width: facts.width.to_string(),
    })
}

async fn images(context: &Context, asset: AssetId) -> Answer<Vec<PictureSet>> {
    let sets = context.catalog.picture_sets(asset).await?;
    Ok(sets.into_iter().filter(|set| set.kind == PictureKind::Animation).collect())
}

async fn list_dynamic_image(context: &Context, input: ListDynamicImage) -> Answer<Listed> {
    let asset = find(context, Some(&input.video_id), None).await?;
    let sets = images(context, asset.id).await?;
    Ok(Listed { dynamic_image_list: sets.iter().filter_map(|set| told(context, set)).collect() })
}

async fn delete_dynamic_image(context: &Context, input: DeleteDynamicImage) -> Answer<Done> {
    let asset = find(context, Some(&input.video_id), None).await?;
    let jobs: Vec<JobId> = match &input.ids {
        Some(ids) => ids.iter().filter_map(|id| id.parse().ok()).collect(),
        None => images(context, asset.id).await?.iter().map(|set| set.job).collect(),
    };
    let gone = context.catalog.delete_animations(asset.id, &jobs, context.now).await?;
    match input.ids {
        Some(_) if gone == 0 => Err(Code::NoSuchResource.because("The video has no such animated image.")),
        Some(_) | None => Ok(Done {}),
    }
}
