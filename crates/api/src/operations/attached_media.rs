//! What is attached to media: subtitles, watermarks, materials of edits.

use domain::event::FileKind;
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Int, Json, Raw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use units::AssetId;

use super::library_files::{
    Asked, Attached, attached, begin, delete_all, file_url, find_all, names, only_category, update_all,
};
use super::videos::Update;
use crate::codes::Answer;
use crate::declare::{choice, operations};
use crate::oss::ATTACHED_BYTES_MAX;
use crate::state::Context;
use crate::wire::{AuthTimeout, IdText, with_auth_timeout};

/// Most ids that are read before they are refused with the code of their own.
const IDS_READ_MAX: usize = 1_000;

choice! {
    /// What attached media is for.
    BusinessType {
        /// To be laid over videos.
        Watermark = "watermark",
        /// The words of a video.
        Subtitle = "subtitle",
        /// To be edited.
        Material = "material",
        /// Whatever its customer likes.
        General = "general",
    }
}

operations! {
    /// Makes attached media that its client sends, and tells where to and with which key. The key holds for 3000 s. It has at most 1 GiB.
    Vod T3 CreateUploadAttachedMedia => create_upload_attached_media {
        /// What it is for.
        BusinessType => purpose: BusinessType,
        /// Its extension; what FileName ends with when absent. One of the two is needed.
        MediaExt => extension: Option<Filled<16>>,
        /// How its owner calls it.
        FileName => file_name: Option<Filled<256>>,
        /// Bytes of the file, as far as they are known.
        FileSize => file_size: Option<Int<0, { i64::MAX }>>,
        /// At most 128 bytes; the name of the file when absent.
        Title => title: Option<Raw>,
        /// At most 1024 bytes.
        Description => description: Option<Raw>,
        /// At most 16 of at most 32 bytes each, joined by commas.
        Tags => tags: Option<Raw>,
        /// The category. There is one.
        CateIds => categories: Option<CommaList<Int, 1>>,
        /// Told back.
        UserData => user_data: Option<Filled<1024>>,
    }

    /// Tells all about at most 20 of attached media, and which of the ids are nobody's.
    Vod T3 GetAttachedMediaInfo => get_attached_media_info {
        /// The attached media, joined by commas.
        MediaIds => ids: CommaList<IdText, IDS_READ_MAX>,
        /// How many seconds their URLs live, where the domain has URL authentication on; absent: as long as the domain says.
        AuthTimeout => auth_timeout: Option<AuthTimeout>,
    }

    /// Writes on at most 20 of attached media, all or none. What is absent stays as it is.
    Vod T3 UpdateAttachedMediaInfos => update_attached_media_infos {
        /// JSON: an array of objects with MediaId, and Title, Description, Tags, CateIds.
        UpdateContent => updates: Json<Vec<AttachedUpdate>>,
    }

    /// Deletes at most 20 of attached media; they do not come back.
    Vod T3 DeleteAttachedMedia => delete_attached_media {
        /// The attached media, joined by commas.
        MediaIds => ids: CommaList<IdText, IDS_READ_MAX>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    #[serde(rename = "FileURL")]
    file_url: String,
    media_id: AssetId,
    #[serde(rename = "MediaURL")]
    media_url: String,
    upload_address: String,
    upload_auth: String,
}

async fn create_upload_attached_media(context: &Context, input: CreateUploadAttachedMedia) -> Answer<Begun> {
    let max = ATTACHED_BYTES_MAX.min(context.settings.upload_size_max);
    if input.file_size.is_some_and(|size| u64::try_from(size).is_ok_and(|size| size > max)) {
        return Err(ParamError::invalid("FileSize", format!("at most {max} bytes are taken")).into());
    }
    let asked = Asked {
        kind: FileKind::Attached,
        purpose: input.purpose.as_str(),
        extension: input.extension,
        file_name: input.file_name,
        title: input.title,
        description: input.description,
        tags: input.tags,
        category: input.categories.and_then(|mut ids| ids.pop()),
        user_data: input.user_data,
    };
    let (file, permit) = begin(context, asked, None).await?;
    Ok(Begun {
        file_url: file_url(context, &file),
        media_url: file_url(context, &file),
        media_id: file.id,
        upload_address: permit.upload_address,
        upload_auth: permit.upload_auth,
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    attached_media_list: Vec<Info>,
    non_exist_media_ids: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(flatten)]
    attached: Attached,
    r#type: String,
}

async fn get_attached_media_info(context: &Context, input: GetAttachedMediaInfo) -> Answer<Told> {
    let context = &with_auth_timeout(context, input.auth_timeout);
    let (found, non_exist_media_ids) = find_all(context, FileKind::Attached, input.ids).await?;
    let names = names(context, &found).await?;
    let infos = found
        .iter()
        .map(|file| Info { attached: attached(context, &names, file).by_id(), r#type: file.purpose.clone() });
    Ok(Told { attached_media_list: infos.collect(), non_exist_media_ids })
}

/// What is written on one of attached media.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AttachedUpdate {
    media_id: String,
    title: Option<String>,
    description: Option<String>,
    tags: Option<String>,
    /// A number, or its digits.
    cate_ids: Value,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Untouched {
    non_exist_media_ids: Vec<String>,
}

async fn update_attached_media_infos(context: &Context, input: UpdateAttachedMediaInfos) -> Answer<Untouched> {
    let update = |one: AttachedUpdate| {
        let AttachedUpdate { media_id, title, description, tags, cate_ids } = one;
        Ok((media_id, Update { title, description, tags, cate_id: only_category(cate_ids)?, ..Update::default() }))
    };
    let updates = input.updates.into_iter().map(update).collect::<Answer<Vec<_>>>()?;
    Ok(Untouched { non_exist_media_ids: update_all(context, FileKind::Attached, updates).await? })
}

async fn delete_attached_media(context: &Context, input: DeleteAttachedMedia) -> Answer<Untouched> {
    let (found, non_exist_media_ids) = find_all(context, FileKind::Attached, input.ids).await?;
    delete_all(context, &found).await?;
    Ok(Untouched { non_exist_media_ids })
}
