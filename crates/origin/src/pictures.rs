//! Pictures of assets: `/v/{asset}/covers/…`, `/v/{asset}/animations/…` and the other folders of their kinds.
//!
//! A picture is shown when its job is done, whether its asset can be played or not: a list of videos has covers of those that
//! were only stored, too. Those of an asset that a review refused are not shown.

use axum::response::Response;
use blobs::BlobError;
use bytes::Bytes;
use catalog::{AssetStatus, Catalog, PictureSet, picture_key};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use door::{Grant, Keep, tag};
use encode::each_cue_file;
use moka::future::Cache;
use units::{AssetId, JobId};

use crate::ANSWER_AGE_MAX;
use crate::error::{OriginError, Result};
use crate::kept::kept;
use crate::reply::{Content, Reply};
use crate::store::Store;
use crate::viewer::Viewer;

/// Answers of the catalog that are kept; each takes some 200 bytes.
const ANSWERS_MAX: u64 = 10_000;
/// Largest file of cues that is read whole: a picture a second of a day takes some 10 MB.
const CUES_BYTES_MAX: u64 = 32 << 20;

/// What the catalog said a moment ago of the pictures of one kind and job.
#[derive(Clone)]
struct Answer {
    status: AssetStatus,
    set: PictureSet,
}

/// What is served of pictures.
pub(crate) struct Pictures {
    catalog: Catalog,
    store: Store,
    answers: Cache<(AssetId, JobId, PictureKind), Option<Answer>>,
}

impl Pictures {
    pub(crate) fn new(catalog: Catalog, store: Store) -> Self {
        let answers = Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build();
        Self { catalog, store, answers }
    }

    async fn ask(&self, asset: AssetId, job: JobId, kind: PictureKind) -> Result<Option<Answer>> {
        let Some(found) = self.catalog.asset(asset).await? else { return Ok(None) };
        let set = self.catalog.picture_set(job, kind).await?.filter(|set| set.asset == asset);
        Ok(set.map(|set| Answer { status: found.status, set }))
    }

    pub(crate) async fn reply(&self, asset: AssetId, name: PictureName) -> Result<Reply> {
        let key = (asset, name.job, name.kind);
        let asked = kept(&self.answers, key, || self.ask(asset, name.job, name.kind)).await?;
        let Answer { status, set } = asked.filter(|answer| answer.set.has(&name)).ok_or(NO_PICTURE)?;
        if !may_be_seen(status) {
            return Err(OriginError::Hidden { status: status.as_str() });
        }
        let key = picture_key(asset, &name);
        let size = match self.store.blobs.size(&key).await {
            Ok(size) => size,
            Err(BlobError::NotFound { .. }) => {
                tracing::error!(key, "a picture is not in storage: `reprise check --mend` has it made again");
                return Err(NO_PICTURE);
            }
            Err(error) => return Err(error.into()),
        };
        // Made again it may differ; then it was made at another time.
        let tag = tag((&key, size, set.made.unix_ms));
        Ok(Reply {
            content_type: content_type(name.format),
            keep: Keep::Forever,
            tag,
            content: Content::Object { key, size },
        })
    }

    pub(crate) async fn answer(&self, asset: AssetId, name: PictureName, viewer: &Viewer) -> Result<Response> {
        let mut reply = self.reply(asset, name).await?;
        if let Content::Object { key, size } = &reply.content
            && name.format == PictureFormat::Vtt
            && viewer.grant.is_signed()
        {
            reply.content = Content::Made(self.signed_cues(key, *size, &viewer.grant).await?);
            reply.tag = tag((reply.tag, viewer.grant.url("")));
        }
        Ok(reply.answer(viewer, &self.store))
    }

    /// Cues with URLs that let their reader in.
    async fn signed_cues(&self, key: &str, size: u64, grant: &Grant) -> Result<Bytes> {
        if size > CUES_BYTES_MAX {
            return Err(OriginError::Internal(format!("{key} has {size} bytes: too many for cues")));
        }
        let text = self.store.blobs.get_range(key, 0..size).await?;
        let text = String::from_utf8_lossy(&text);
        Ok(each_cue_file(&text, |file| grant.url(file)).into())
    }
}

const NO_PICTURE: OriginError = OriginError::NotFound { what: "the picture" };

/// Whether anybody may see the pictures of an asset in this state.
const fn may_be_seen(status: AssetStatus) -> bool {
    match status {
        AssetStatus::Uploading
        | AssetStatus::UploadSucc
        | AssetStatus::Transcoding
        | AssetStatus::TranscodeFail
        | AssetStatus::Checking
        | AssetStatus::Normal
        | AssetStatus::ProduceFail
        | AssetStatus::UploadFail => true,
        AssetStatus::Blocked | AssetStatus::Deleted => false,
    }
}

const fn content_type(format: PictureFormat) -> &'static str {
    match format {
        PictureFormat::Jpeg => "image/jpeg",
        PictureFormat::Vtt => "text/vtt; charset=utf-8",
        PictureFormat::Gif => "image/gif",
        PictureFormat::Webp => "image/webp",
    }
}
