//! Files that clients send themselves: where to, and with which temporary key.

use catalog::{NewUpload, Upload, UploadState};
use rpc::oss::{base64, temporary_key};
use rpc::param::{Filled, Int, Raw, Text};
use schemars::JsonSchema;
use serde::Serialize;
use units::AssetId;

use super::uploads::{group_or_default, title_of};
use super::videos::{Update, find, not_written};
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::oss::{BUCKET, object_key};
use crate::state::Context;
use crate::wire::{IdText, user_data};

/// How long a temporary key holds, in seconds (contract §2.11).
const KEY_SECONDS: i64 = 3_000;
/// Longest extension of a file, in bytes.
const EXTENSION_BYTES_MAX: usize = 8;

operations! {
    /// Makes a video whose file its client sends, and tells where to and with which key. The key holds for 3000 s.
    Vod T2 CreateUploadVideo => create_upload_video {
        /// At most 128 bytes.
        Title => title: Raw,
        /// The name of the file, with its extension.
        FileName => file_name: Filled<1024>,
        /// Bytes of the file, as far as they are known.
        FileSize => file_size: Option<Int<0, { i64::MAX }>>,
        /// At most 1024 bytes.
        Description => description: Option<Raw>,
        /// The URL of its cover; without one it gets one of its own pictures.
        CoverURL => cover_url: Option<Text<1024>>,
        /// The category.
        CateId => category: Option<Int>,
        /// At most 16 of at most 32 bytes each, joined by commas.
        Tags => tags: Option<Raw>,
        /// The template group; the default one when absent.
        TemplateGroupId => group: Option<Filled<64>>,
        /// Told back.
        UserData => user_data: Option<Filled<1024>>,
        /// The customer's own id of it, 6 to 64 letters, digits, `_` and `-`.
        ReferenceId => reference_id: Option<Filled<64>>,
    }

    /// Gives another temporary key for a video whose file is still to come.
    Vod T2 RefreshUploadVideo => refresh_upload_video {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    upload_address: String,
    upload_auth: String,
    video_id: AssetId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Address<'a> {
    endpoint: &'a str,
    bucket: &'a str,
    file_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Auth<'a> {
    security_token: String,
    access_key_id: String,
    access_key_secret: String,
    #[serde(rename = "ExpireUTCTime")]
    expire_utc_time: String,
    expiration: String,
    region: &'a str,
}

fn told(context: &Context, upload: &Upload) -> Answer<Told> {
    let Permit { upload_address, upload_auth } = permit(context, &upload.id.to_string(), object_key(upload))?;
    Ok(Told { upload_address, upload_auth, video_id: upload.asset })
}

/// Where a client sends an object, and with which key.
pub(super) struct Permit {
    pub(super) upload_address: String,
    pub(super) upload_auth: String,
}

/// A key for one object of the thing of this id, which has letters and digits alone.
pub(super) fn permit(context: &Context, id: &str, object: String) -> Answer<Permit> {
    let root = context.keys.first().ok_or(Code::InternalError)?;
    let until = context.now.unix_s().saturating_add(KEY_SECONDS);
    let key = temporary_key(&root.secret, id, until);
    let address = Address { endpoint: &context.public_url, bucket: BUCKET, file_name: object };
    let auth = Auth {
        security_token: key.token,
        access_key_id: key.id,
        access_key_secret: key.secret,
        expire_utc_time: units::WallTime::from_unix_s(until).to_iso8601(),
        expiration: KEY_SECONDS.to_string(),
        region: &context.settings.region,
    };
    let sealed = |json: serde_json::Result<Vec<u8>>| match json {
        Ok(json) => Ok(base64(&json)),
        Err(_) => Err(Code::InternalError),
    };
    Ok(Permit {
        upload_address: sealed(serde_json::to_vec(&address))?,
        upload_auth: sealed(serde_json::to_vec(&auth))?,
    })
}

/// An extension of a file: letters and digits, few.
pub(super) fn is_extension(text: &str) -> bool {
    (1..=EXTENSION_BYTES_MAX).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

async fn create_upload_video(context: &Context, input: CreateUploadVideo) -> Answer<Told> {
    if input.title.trim().is_empty() {
        return Err(rpc::ParamError::missing("Title").into());
    }
    let extension = input.file_name.rsplit_once('.').map(|(_, extension)| extension);
    if !extension.is_some_and(is_extension) {
        let message = format!("{:?} has no extension such as .mp4.", title_of(&input.file_name, 128));
        return Err(Code::InvalidFileNameExtension.because(message));
    }
    let max = context.settings.upload_size_max;
    if input.file_size.is_some_and(|size| u64::try_from(size).is_ok_and(|size| size > max)) {
        return Err(rpc::ParamError::invalid("FileSize", format!("at most {max} bytes are taken")).into());
    }
    let update = Update {
        title: Some(input.title),
        description: input.description,
        tags: input.tags,
        cate_id: input.category.into(),
        cover_url: input.cover_url,
        user_data: input.user_data.as_deref().map(user_data).transpose()?,
        ..Update::default()
    };
    let new = NewUpload {
        source: None,
        session: None,
        file_name: input.file_name,
        description: update.of_new(context, input.reference_id).await?,
        template_group: group_or_default(context, input.group).await?,
    };
    let upload = context.catalog.begin_upload(&new, context.now).await.map_err(not_written)?;
    told(context, &upload)
}

async fn refresh_upload_video(context: &Context, input: RefreshUploadVideo) -> Answer<Told> {
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    let upload = context.catalog.upload_of_asset(asset.id).await?;
    let waiting = upload.filter(|upload| upload.state == UploadState::Waiting && upload.source.is_none());
    match waiting {
        Some(upload) => told(context, &upload),
        None => {
            let status = asset.status.as_str();
            Err(Code::ForbiddenIllegalStatus.because(format!("The video does not wait for its file. It is {status}.")))
        }
    }
}
