//! Assets on demand: `/v/{asset}/…`.
//!
//! The source has plain names (`source.mp4`, `index.m3u8`). An output is named by its id: `{id}-ld.mp4`, or `{id}-ld.m3u8` with its
//! parts in the folder `{id}-ld/`; what follows the id is for the eye.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use catalog::{AssetStatus, Catalog, OutputState};
use moka::future::Cache;
use reel::{ReelIndex, Span};
use tokio::sync::Semaphore;
use units::{AssetId, JobId};
use view::{Growth, Mp4, Name, SpanView, Timeline};

use crate::error::{OriginError, Result};
use crate::laid::{Laid, Text};
use crate::reels::Reels;
use crate::reply::{Content, Keep, Reply, content_type, tag};
use crate::{ANSWER_AGE_MAX, Settings};

/// Answers of the catalog that are kept; each takes some 200 bytes.
const ANSWERS_MAX: u64 = 10_000;

/// What an asset is, as the catalog said a moment ago.
#[derive(Clone)]
struct Answer {
    status: AssetStatus,
    cut: Arc<[Span]>,
}

/// The source of an asset, or one of its outputs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Of {
    asset: AssetId,
    output: Option<JobId>,
}

/// What is served under `/v/`.
pub(crate) struct Vod {
    catalog: Catalog,
    reels: Arc<Reels>,
    answers: Cache<Of, Option<Answer>>,
    laid: Cache<Arc<[Span]>, Arc<Laid>>,
    mp4s: Cache<Arc<[Span]>, Arc<Mp4>>,
    builds: Semaphore,
}

impl Vod {
    pub(crate) fn new(catalog: Catalog, reels: Arc<Reels>, settings: &Settings) -> Self {
        let weigh = |_: &Arc<[Span]>, laid: &Arc<Laid>| laid.weight();
        let weigh_mp4 = |_: &Arc<[Span]>, mp4: &Arc<Mp4>| u32::try_from(mp4.weight()).unwrap_or(u32::MAX);
        Self {
            catalog,
            reels,
            answers: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build(),
            laid: Cache::builder().max_capacity(settings.index_cache_bytes).weigher(weigh).build(),
            mp4s: Cache::builder().max_capacity(settings.mp4_cache_bytes).weigher(weigh_mp4).build(),
            builds: Semaphore::new(settings.mp4_builds.max(1)),
        }
    }

    /// The cut of what may be played.
    async fn cut(&self, of: Of) -> Result<Arc<[Span]>> {
        let asked =
            self.answers.try_get_with(of, self.ask(of)).await.map_err(|error: Arc<OriginError>| (*error).clone());
        let answer = asked?.ok_or(OriginError::NotFound { what: "the asset" })?;
        match answer.status {
            AssetStatus::Normal => Ok(answer.cut),
            status => Err(OriginError::Forbidden { status: status.as_str() }),
        }
    }

    async fn ask(&self, of: Of) -> Result<Option<Answer>> {
        let Some(asset) = self.catalog.asset(of.asset).await? else { return Ok(None) };
        let spans = match of.output {
            None => self.catalog.spans(of.asset).await?,
            Some(id) => match self.catalog.output(id).await? {
                Some(output) if output.asset == of.asset && output.state == OutputState::Done => {
                    self.catalog.output_spans(id).await?
                }
                _ => return Ok(None),
            },
        };
        let cut = spans.iter().map(|span| Span { reel: span.reel, from: span.from_ticks, to: span.to_ticks });
        Ok(Some(Answer { status: asset.status, cut: cut.collect() }))
    }

    async fn laid(&self, cut: &Arc<[Span]>) -> Result<Arc<Laid>> {
        let laid = self.laid.try_get_with(Arc::clone(cut), self.lay_out(cut)).await;
        laid.map_err(|error: Arc<OriginError>| (*error).clone())
    }

    async fn lay_out(&self, cut: &[Span]) -> Result<Arc<Laid>> {
        let mut indexes: Vec<Arc<ReelIndex>> = Vec::with_capacity(cut.len());
        for span in cut {
            // A cycle that was just sealed may be newer than what is kept of its reel's index.
            indexes.push(self.reels.index(span.reel, true).await?);
        }
        let spans: Vec<_> = cut.iter().zip(&indexes).map(|(span, index)| SpanView { span: *span, index }).collect();
        Ok(Arc::new(Laid::new(Timeline::new(&spans, Growth::Whole)?, true)))
    }

    async fn mp4(&self, cut: &Arc<[Span]>, laid: &Arc<Laid>) -> Result<Arc<Mp4>> {
        let build = async {
            // Never closed.
            let _turn = self.builds.acquire().await;
            Ok(Arc::new(self.reels.mp4(laid).await?))
        };
        self.mp4s.try_get_with(Arc::clone(cut), build).await.map_err(|error: Arc<OriginError>| (*error).clone())
    }

    /// `folder` stands before the names in the multivariant playlist.
    async fn reply(&self, of: Of, name: Name, folder: &str) -> Result<Reply> {
        if matches!(name, Name::Index | Name::Mp4) {
            // Where a viewer begins, the catalog is asked anew: a video that was deleted or made a moment ago is gone or there.
            self.answers.invalidate(&of).await;
        }
        let cut = self.cut(of).await?;
        let same_cut = tag((&cut, name));
        let laid = self.laid(&cut).await?;
        let (keep, tag, content) = match name {
            Name::Index => written(Text::new(laid.timeline.multivariant(folder).to_text())),
            Name::Playlist(track) => written(laid.playlist(track)?),
            Name::Init(track, number) => {
                let init = laid.timeline.init(track, number)?;
                (Keep::Forever, tag(&init), Content::Made(init))
            }
            Name::Segment(track, position) => {
                let pieces = segment(&self.reels, &laid.timeline, track, position).await?;
                (Keep::Forever, same_cut, Content::Pieces(pieces))
            }
            Name::Mp4 => (Keep::Forever, same_cut, Content::Mp4(self.mp4(&cut, &laid).await?)),
        };
        Ok(Reply { content_type: content_type(name), keep, tag, content })
    }
}

fn written(text: Text) -> (Keep, u64, Content) {
    (Keep::Minute, text.tag, Content::Made(text.bytes))
}

/// The pieces of a virtual segment.
pub(crate) async fn segment(
    reels: &Reels,
    timeline: &Timeline,
    track: codec::TrackKind,
    position: usize,
) -> Result<Vec<view::Piece>> {
    let (reel, at) = timeline.page_for(track, position).ok_or(OriginError::NotFound { what: "the segment" })?;
    Ok(timeline.segment(track, position, &*reels.page(reel, at).await?)?)
}

const NO_NAME: OriginError = OriginError::NotFound { what: "this name" };

fn asset_id(text: &str) -> Result<AssetId> {
    text.parse().map_err(|_| OriginError::NotFound { what: "the asset" })
}

/// The id at the start of the name of an output: `{id}-ld`.
fn output_id(stem: &str) -> Option<JobId> {
    let (id, definition) = stem.split_once('-')?;
    id.parse().ok().filter(|_| definition.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// `GET /v/{asset}/{name}`.
pub(crate) async fn serve(
    State(vod): State<Arc<Vod>>,
    Path((asset, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    let asset = asset_id(&asset)?;
    let output = name.rsplit_once('.').and_then(|(stem, extension)| Some((output_id(stem)?, stem, extension)));
    let reply = match output {
        Some((id, _, "mp4")) => vod.reply(Of { asset, output: Some(id) }, Name::Mp4, "").await?,
        Some((id, stem, "m3u8")) => vod.reply(Of { asset, output: Some(id) }, Name::Index, &format!("{stem}/")).await?,
        _ => vod.reply(Of { asset, output: None }, name.parse().map_err(|_| NO_NAME)?, "").await?,
    };
    Ok(reply.answer(&headers, &vod.reels.blobs))
}

/// `GET /v/{asset}/{output}/{name}`: the parts of an output's HLS.
pub(crate) async fn serve_output(
    State(vod): State<Arc<Vod>>,
    Path((asset, output, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    let of = Of { asset: asset_id(&asset)?, output: Some(output_id(&output).ok_or(NO_NAME)?) };
    let name = name.parse().map_err(|_| NO_NAME)?;
    Ok(vod.reply(of, name, "").await?.answer(&headers, &vod.reels.blobs))
}
