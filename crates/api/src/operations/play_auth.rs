//! Keys with which a player asks how one video is played.

use std::time::Duration;

use rpc::param::Int;
use rpc::play_auth::{Place, VideoMeta, envelope};
use schemars::JsonSchema;
use serde::Serialize;

use super::play::playable;
use super::videos::seconds;
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{IdText, cover_url, rounded};

operations! {
    /// Gives a player the right to ask how one video is played: keys, in the envelope that the vendor's players take apart. They are
    /// good for GetPlayInfo on this VideoId, and only until AuthInfoTimeout is over; the URLs that were got live longer.
    Vod T1 GetVideoPlayAuth => get_video_play_auth {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// How many seconds the keys are good for.
        AuthInfoTimeout => timeout: Int<100, 3000> = 100,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    play_auth: String,
    video_meta: VideoMeta,
}

async fn get_video_play_auth(context: &Context, input: GetVideoPlayAuth) -> Answer<Told> {
    let asset = playable(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    let issuer = context.issuer.as_ref().ok_or(Code::InternalError)?;
    let until = context.now.after(Duration::from_secs(u64::try_from(input.timeout).unwrap_or(0)));
    let video = asset.id.to_string();
    let key = issuer.issue(&context.catalog.ids().request(context.now).to_string(), &video, until);
    let meta = VideoMeta {
        cover_url: cover_url(context, &asset),
        duration: rounded(seconds(&asset)),
        status: asset.status.as_str(),
        title: asset.title,
        video_id: video,
    };
    let place = Place { domain: context.delivery.host(), region: &context.settings.region };
    Ok(Told { play_auth: envelope(&key, &meta, place, until), video_meta: meta })
}
