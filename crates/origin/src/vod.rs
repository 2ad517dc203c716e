//! Assets on demand: `/v/{asset}/…`.
//!
//! The source has plain names (`source.mp4`, `index.m3u8`). An output is named by its id: `{id}-ld.mp4`, or `{id}-ld.m3u8` with its
//! parts in the folder `{id}-ld/`; what stands around the id is for the eye. What is HLS is DASH too, as `.mpd`. A package of outputs
//! (`{id}-auto.m3u8`, `{id}-auto.mpd`) has no parts: it names those of its outputs. Pictures have folders of their own. Of an output that
//! is encrypted there is HLS alone, with `hls.key` beside its playlists unless its customer gives out the key.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use catalog::{AssetStatus, Catalog, Output, OutputState};
use codec::TrackKind;
use domain::picture::PictureName;
use door::{Grant, Keep, tag};
use encode::ContentKey;
use moka::future::Cache;
use reel::{ReelIndex, Span};
use tokio::sync::Semaphore;
use units::{AssetId, JobId, ReelId};
use view::{
    CutSpan, Flv, Growth, Member, Mp3, Mp4, Name, Package, Piece, SLICE_PARTS_MAX, SoundView, SpanView, Timeline,
};

use crate::error::{OriginError, Result};
use crate::files::{self, Files};
use crate::kept::kept;
use crate::laid::{Laid, Playlist, Text};
use crate::pictures::Pictures;
use crate::reels::{CutFile, Reels};
use crate::reply::{Content, Reply, content_type};
use crate::seal::Seal;
use crate::viewer::Viewer;
use crate::{ANSWER_AGE_MAX, Settings};

/// Answers of the catalog that are kept; each takes some 200 bytes.
const ANSWERS_MAX: u64 = 10_000;
/// What segments are made of is kept up to so many bytes: of a second of media some two kilobytes, most of them its head.
const SEGMENTS_BYTES: u64 = 32 << 20;
/// What a piece takes besides its bytes.
const PIECE_BYTES: usize = 64;
/// Counted up when a view of the same cut gets other bytes, so that nobody puts parts of both together.
const SHAPE: u32 = 1;
/// 90 kHz ticks of a second.
const REEL_TICKS: u64 = 90_000;

/// What an asset is, as the catalog said a moment ago.
#[derive(Clone)]
struct Answer {
    status: AssetStatus,
    what: What,
}

/// What is played of it.
#[derive(Clone)]
enum What {
    /// Its source, or one output.
    One(One),
    /// Several outputs.
    Package {
        /// With their ids.
        members: Arc<[(JobId, One)]>,
        /// Bits per second that a network is expected to carry.
        network_bps: Option<u64>,
    },
}

#[derive(Clone)]
struct One {
    cut: Cut,
    /// How long the segments of its playlists should be, in 90 kHz ticks; `None`: as they are stored.
    about: Option<u64>,
    /// What is told of its bandwidth.
    bandwidth_bps: Option<u64>,
    /// Its segments are encrypted.
    locked: Option<Locked>,
}

/// How an output is encrypted.
#[derive(Clone)]
struct Locked {
    key: ContentKey,
    /// Where players get the key; `None`: here.
    key_url: Option<Arc<str>>,
}

/// What a view is of.
type Cut = Arc<[CutSpan]>;

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
    laid: Cache<Cut, Arc<Laid>>,
    /// By their tags: those that many ask for are made once.
    segments: Cache<u64, Arc<[Piece]>>,
    mp4s: Cache<Cut, Arc<Mp4>>,
    mp3s: Cache<Cut, Arc<Mp3>>,
    flvs: Cache<Cut, Arc<Flv>>,
    builds: Semaphore,
    pictures: Pictures,
    files: Files,
}

/// Made files of one kind, of this weight at most.
fn file_cache<T: Send + Sync + 'static>(bytes: u64, weight: fn(&T) -> usize) -> Cache<Cut, Arc<T>> {
    let weigh = move |_: &Cut, file: &Arc<T>| u32::try_from(weight(file)).unwrap_or(u32::MAX);
    Cache::builder().max_capacity(bytes).weigher(weigh).build()
}

impl Vod {
    pub(crate) fn new(catalog: Catalog, reels: Arc<Reels>, settings: &Settings) -> Self {
        let weigh = |_: &Cut, laid: &Arc<Laid>| laid.weight();
        Self {
            pictures: Pictures::new(catalog.clone(), reels.store.clone()),
            files: Files::new(catalog.clone(), reels.store.clone()),
            catalog,
            reels,
            answers: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build(),
            laid: Cache::builder().max_capacity(settings.index_cache_bytes).weigher(weigh).build(),
            segments: Cache::builder().max_capacity(SEGMENTS_BYTES).weigher(weigh_pieces).build(),
            mp4s: file_cache(settings.mp4_cache_bytes, Mp4::weight),
            mp3s: file_cache(settings.mp4_cache_bytes / 8, Mp3::weight),
            flvs: file_cache(settings.mp4_cache_bytes / 8, Flv::weight),
            builds: Semaphore::new(settings.mp4_builds.max(1)),
        }
    }

    /// What may be played.
    async fn playable(&self, of: Of) -> Result<Answer> {
        let answer =
            kept(&self.answers, of, || self.ask(of)).await?.ok_or(OriginError::NotFound { what: "the asset" })?;
        match answer.status {
            AssetStatus::Normal => Ok(answer),
            status => Err(OriginError::Forbidden { status: status.as_str() }),
        }
    }

    async fn ask(&self, of: Of) -> Result<Option<Answer>> {
        let Some(asset) = self.catalog.asset(of.asset).await? else { return self.ask_for_index(of).await };
        let what = match of.output {
            None if asset.source_deleted.is_some() => return Ok(None),
            None => self.content(of.asset).await?,
            Some(id) => match self.catalog.output(id).await? {
                Some(output) if output.asset == of.asset && output.state == OutputState::Done => {
                    self.what(&output).await?
                }
                _ => return Ok(None),
            },
        };
        Ok(Some(Answer { status: asset.status, what }))
    }

    /// What was recorded of a stream between two times is played like an asset that has no outputs.
    async fn ask_for_index(&self, of: Of) -> Result<Option<Answer>> {
        if of.output.is_some() || self.catalog.record_index(of.asset).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(Answer { status: AssetStatus::Normal, what: self.content(of.asset).await? }))
    }

    async fn content(&self, asset: AssetId) -> Result<What> {
        let spans = self.catalog.spans(asset).await?;
        let cut = spans.iter().map(|one| CutSpan::from(span(one.reel, one.from_ticks, one.to_ticks)));
        Ok(What::One(One { cut: cut.collect(), about: None, bandwidth_bps: None, locked: None }))
    }

    async fn what(&self, output: &Output) -> Result<What> {
        if !output.template.is_package() {
            return Ok(What::One(self.one(output).await?));
        }
        let mut members = Vec::new();
        for other in self.catalog.outputs_of_task(output.task).await?.iter().filter(|other| other.is_packed()) {
            members.push((other.id, self.one(other).await?));
        }
        Ok(What::Package { members: members.into(), network_bps: output.template.network_bps() })
    }

    async fn one(&self, output: &Output) -> Result<One> {
        let spans = self.catalog.output_spans(output.id).await?;
        let cut = spans
            .iter()
            .map(|one| CutSpan { span: span(one.reel, one.from_ticks, one.to_ticks), sound: one.sound_reel });
        Ok(One {
            cut: cut.collect(),
            about: output.template.segment_seconds.map(|seconds| u64::from(seconds) * REEL_TICKS),
            bandwidth_bps: output.template.bandwidth_bps,
            locked: output.template.encryption.as_ref().and_then(|encryption| {
                Some(Locked { key: encryption.key?, key_url: encryption.key_url.as_deref().map(Arc::from) })
            }),
        })
    }

    async fn laid(&self, cut: &Cut) -> Result<Arc<Laid>> {
        kept(&self.laid, Arc::clone(cut), || self.lay_out(cut)).await
    }

    async fn lay_out(&self, cut: &[CutSpan]) -> Result<Arc<Laid>> {
        let mut indexes: BTreeMap<ReelId, Arc<ReelIndex>> = BTreeMap::new();
        for one in cut {
            for reel in [Some(one.span.reel), one.sound].into_iter().flatten() {
                if let Entry::Vacant(place) = indexes.entry(reel) {
                    // A cycle that was just sealed may be newer than what is kept of its reel's index.
                    place.insert(self.reels.index(reel, true).await?);
                }
            }
        }
        let views = cut.iter().filter_map(|one| {
            let sound = one.sound.and_then(|reel| Some(SoundView { reel, index: indexes.get(&reel)? }));
            Some(SpanView { span: one.span, index: indexes.get(&one.span.reel)?, sound })
        });
        let spans: Vec<SpanView<'_>> = views.collect();
        Ok(Arc::new(Laid::new(Timeline::new(&spans, Growth::Whole)?, true)))
    }

    async fn file<T: CutFile + Sync>(&self, files: &Cache<Cut, Arc<T>>, cut: &Cut) -> Result<Arc<T>> {
        let build = async || {
            let laid = self.laid(cut).await?;
            // Never closed.
            let _turn = self.builds.acquire().await;
            Ok(Arc::new(self.reels.file::<T>(&laid).await?))
        };
        kept(files, Arc::clone(cut), build).await
    }

    /// The segments from `first` to `last` as one, encrypted where the output is.
    async fn segments(&self, tag: u64, one: &One, track: TrackKind, first: usize, last: usize) -> Result<Content> {
        let make = async || {
            let laid = self.laid(&one.cut).await?;
            let mut pieces = Vec::new();
            for position in first..=last {
                pieces.extend(segment(&self.reels, &laid.timeline, track, position).await?);
            }
            Ok(pieces.into())
        };
        let pieces = kept(&self.segments, tag, make).await?;
        if one.locked.is_none() {
            return Ok(Content::Pieces(pieces));
        }
        // Only what stands in the playlist has a number there.
        let number = self.laid(&one.cut).await?.timeline.number_of(first, last, one.about).ok_or(NO_NAME)?;
        Ok(sealed(pieces, one.locked.as_ref(), number))
    }

    /// `folder` stands before the names in the multivariant playlist.
    async fn reply(&self, of: Of, name: Name, folder: &str, viewer: &Viewer) -> Result<Reply> {
        let grant = &*viewer.grant;
        if matches!(name, Name::Index | Name::Mpd | Name::Mp4 | Name::Flv | Name::Mp3) && viewer.begins() {
            // Where a viewer begins, the catalog is asked anew: a video that was deleted or made a moment ago is gone or there.
            self.answers.invalidate(&of).await;
        }
        let one = match self.playable(of).await?.what {
            What::One(one) => one,
            What::Package { members, network_bps } => return self.package(&members, network_bps, name, grant).await,
        };
        let One { cut, about, bandwidth_bps, locked } = &one;
        let same_cut = tag((SHAPE, cut, name, locked.as_ref().map(|locked| locked.key)));
        let (keep, tag, content) = match name {
            Name::Key => match locked {
                Some(Locked { key, key_url: None }) => {
                    let key = Bytes::copy_from_slice(key.as_bytes());
                    (Keep::Never, tag(&key), Content::Made(key))
                }
                Some(_) | None => return Err(NO_NAME),
            },
            // All that is told of an output that is encrypted is its playlists.
            Name::Mpd | Name::Mp4 | Name::Mp3 | Name::Flv if locked.is_some() => return Err(NO_NAME),
            Name::Index | Name::Mpd => {
                let laid = self.laid(cut).await?;
                let member = Member { bandwidth_bps: *bandwidth_bps, ..Member::new(&laid.timeline, folder) };
                written(over(&Package::one(member), name, None, grant))
            }
            Name::Playlist(_) | Name::IFrames => {
                let key = locked.as_ref().map(|locked| match &locked.key_url {
                    None => grant.key_url(&Name::Key.to_string()),
                    Some(url) => grant.told(url.to_string()),
                });
                let playlist = match name {
                    Name::Playlist(track) => Playlist::Track(track, *about),
                    _ => Playlist::IFrames,
                };
                written(self.laid(cut).await?.playlist(playlist, key, grant)?)
            }
            Name::Init(track, number) => {
                let init = self.laid(cut).await?.timeline.init(track, number)?;
                (Keep::Forever, tag(&init), Content::Made(init))
            }
            Name::Segment(track, position) => {
                (Keep::Forever, same_cut, self.segments(same_cut, &one, track, position, position).await?)
            }
            Name::Segments(track, first, last) => {
                if last.saturating_sub(first) >= SLICE_PARTS_MAX {
                    return Err(NO_NAME);
                }
                (Keep::Forever, same_cut, self.segments(same_cut, &one, track, first, last).await?)
            }
            Name::IFrame(position) => {
                let pieces = i_frame(&self.reels, &self.laid(cut).await?.timeline, position).await?;
                (Keep::Forever, same_cut, sealed(pieces.into(), locked.as_ref(), position))
            }
            // Of what is live alone.
            Name::LowIndex | Name::LowPlaylist(_) | Name::Fragment(..) => return Err(NO_NAME),
            Name::Mp4 => (Keep::Forever, same_cut, Content::Mp4(self.file(&self.mp4s, cut).await?)),
            Name::Mp3 => (Keep::Forever, same_cut, Content::Mp3(self.file(&self.mp3s, cut).await?)),
            Name::Flv => {
                let flv = self.file(&self.flvs, cut).await?;
                (Keep::Forever, same_cut, Content::Flv(flv, self.laid(cut).await?, Arc::clone(&self.reels)))
            }
        };
        Ok(Reply { content_type: content_type(name), keep, tag, content })
    }

    /// What is told of several outputs together. An output that was deleted meanwhile is left out.
    async fn package(
        &self,
        members: &[(JobId, One)],
        network_bps: Option<u64>,
        name: Name,
        grant: &Grant,
    ) -> Result<Reply> {
        // DASH has no such encryption.
        let told = |one: &One| name == Name::Index || name == Name::Mpd && one.locked.is_none();
        let members: Vec<&(JobId, One)> = members.iter().filter(|(_, one)| told(one)).collect();
        if members.is_empty() {
            return Err(NO_NAME);
        }
        let mut laid = Vec::with_capacity(members.len());
        for (id, one) in members {
            laid.push((format!("{id}/"), one.bandwidth_bps, self.laid(&one.cut).await?));
        }
        let members = laid.iter().map(|(folder, bandwidth_bps, laid)| Member {
            bandwidth_bps: *bandwidth_bps,
            ..Member::new(&laid.timeline, folder)
        });
        let (keep, tag, content) = written(over(&Package::new(members.collect())?, name, network_bps, grant));
        Ok(Reply { content_type: content_type(name), keep, tag, content })
    }
}

fn weigh_pieces(_: &u64, pieces: &Arc<[Piece]>) -> u32 {
    let made = pieces.iter().map(|piece| match piece {
        Piece::Made(bytes) => bytes.len(),
        Piece::Stored { .. } => 0,
    });
    u32::try_from(made.map(|bytes| bytes.saturating_add(PIECE_BYTES)).sum::<usize>()).unwrap_or(u32::MAX)
}

fn span(reel: ReelId, from: i64, to: i64) -> Span {
    Span { reel, from, to }
}

/// What stands over the playlists, or the description.
fn over(package: &Package<'_>, name: Name, network_bps: Option<u64>, grant: &Grant) -> Text {
    if name == Name::Mpd {
        let mut mpd = package.mpd();
        mpd.each_folder(|folder| grant.folder(folder));
        return Text::new(mpd.to_text());
    }
    let mut playlist = package.multivariant(network_bps);
    playlist.each_uri(|uri| grant.key_url(uri));
    Text::new(playlist.to_text())
}

fn written(text: Text) -> (Keep, u64, Content) {
    (Keep::Minute, text.tag, Content::Made(text.bytes))
}

/// Pieces that have `number` in a playlist, encrypted where the output is.
fn sealed(pieces: Arc<[Piece]>, locked: Option<&Locked>, number: usize) -> Content {
    match locked {
        None => Content::Pieces(pieces),
        Some(Locked { key, .. }) => Content::Sealed(pieces, Seal::new(*key, number)),
    }
}

/// The pieces of the picture that stands for a segment.
pub(crate) async fn i_frame(reels: &Reels, timeline: &Timeline, position: usize) -> Result<Vec<Piece>> {
    let (reel, at) = timeline.page_for(TrackKind::Video, position).ok_or(NO_NAME)?;
    Ok(timeline.i_frame(position, &*reels.page(reel, at).await?)?)
}

/// The pieces of a virtual segment.
pub(crate) async fn segment(
    reels: &Reels,
    timeline: &Timeline,
    track: TrackKind,
    position: usize,
) -> Result<Vec<view::Piece>> {
    let (reel, at) = timeline.page_for(track, position).ok_or(OriginError::NotFound { what: "the segment" })?;
    Ok(timeline.segment(track, position, &*reels.page(reel, at).await?)?)
}

const NO_NAME: OriginError = OriginError::NotFound { what: "this name" };

fn asset_id(text: &str) -> Result<AssetId> {
    text.parse().map_err(|_| OriginError::NotFound { what: "the asset" })
}

/// The id in the name of an output: `{id}-ld`, `cup_{asset}-{id}`. It stands alone between marks, and is not the asset's.
fn output_id(asset: AssetId, stem: &str) -> Option<JobId> {
    let words = stem.split(['-', '_', '.']).filter_map(|word| word.parse::<JobId>().ok());
    let mut others = words.filter(|id| id.as_u128() != asset.as_u128());
    others.next()
}

/// `GET /v/{asset}/{name}`.
pub(crate) async fn serve(
    State(vod): State<Arc<Vod>>,
    Path((asset, name)): Path<(String, String)>,
    viewer: Viewer,
) -> Result<Response> {
    let asset = asset_id(&asset)?;
    if files::is_one(&name) {
        return vod.files.answer(asset, &name, &viewer).await;
    }
    let output = name.rsplit_once('.').and_then(|(stem, extension)| Some((output_id(asset, stem)?, stem, extension)));
    let (output, name, folder) = match output {
        Some((id, _, "mp4")) => (Some(id), Name::Mp4, String::new()),
        Some((id, _, "flv")) => (Some(id), Name::Flv, String::new()),
        Some((id, _, "mp3")) => (Some(id), Name::Mp3, String::new()),
        Some((id, stem, "m3u8")) => (Some(id), Name::Index, format!("{stem}/")),
        Some((id, stem, "mpd")) => (Some(id), Name::Mpd, format!("{stem}/")),
        _ => (None, name.parse().map_err(|_| NO_NAME)?, String::new()),
    };
    let reply = vod.reply(Of { asset, output }, name, &folder, &viewer).await?;
    Ok(reply.answer(&viewer, &vod.reels.store))
}

/// `GET /v/{asset}/{output}/{name}`: the parts of an output's HLS, and pictures.
pub(crate) async fn serve_output(
    State(vod): State<Arc<Vod>>,
    Path((asset, output, name)): Path<(String, String, String)>,
    viewer: Viewer,
) -> Result<Response> {
    let asset = asset_id(&asset)?;
    if let Ok(picture) = format!("{output}/{name}").parse::<PictureName>() {
        return vod.pictures.answer(asset, picture, &viewer).await;
    }
    let of = Of { asset, output: Some(output_id(asset, &output).ok_or(NO_NAME)?) };
    let name = name.parse().map_err(|_| NO_NAME)?;
    Ok(vod.reply(of, name, "", &viewer).await?.answer(&viewer, &vod.reels.store))
}
