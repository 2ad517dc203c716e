//! Answers with validators and ranges (RFC 9110 §8.8, §13, §14).

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blobs::Slips;
use bytes::Bytes;
use codec::TrackKind;
use door::{FORM_HEADER, Form, Keep, Wanted, json, wanted};
use futures::stream::{self, StreamExt};
use view::{Flv, Mp3, Mp4, Name, Piece, slice, total};

use crate::body;
use crate::laid::Laid;
use crate::reels::Reels;
use crate::seal::Seal;
use crate::store::Store;
use crate::viewer::Viewer;

/// What is served, before the request's conditions are looked at.
pub(crate) struct Reply {
    pub(crate) content_type: &'static str,
    pub(crate) keep: Keep,
    /// Strong: two replies with the same are the same bytes.
    pub(crate) tag: u64,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Made(Bytes),
    Pieces(Arc<[Piece]>),
    /// A segment that is encrypted while it is sent.
    Sealed(Arc<[Piece]>, Seal),
    /// Large files whose pieces are only made for the range that is wanted.
    Mp4(Arc<Mp4>),
    Mp3(Arc<Mp3>),
    /// Its parts follow from pages, which are read while it is sent.
    Flv(Arc<Flv>, Arc<Laid>, Arc<Reels>),
    /// An object as it is stored.
    Object {
        key: String,
        size: u64,
    },
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Made(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Pieces(pieces) => total(pieces),
            Self::Sealed(pieces, _) => Seal::size(total(pieces)),
            Self::Mp4(mp4) => mp4.size(),
            Self::Mp3(mp3) => mp3.size(),
            Self::Flv(flv, ..) => flv.size(),
            Self::Object { size, .. } => *size,
        }
    }

    fn body(&self, range: Range<u64>, store: &Store, slips: Option<&Slips>) -> Body {
        let stream = |pieces| body::stream(store.clone(), slips.cloned(), pieces);
        match self {
            Self::Made(bytes) => {
                let pieces = slice(&[Piece::Made(bytes.clone())], range);
                pieces.into_iter().next().map_or_else(Body::empty, |piece| match piece {
                    Piece::Made(bytes) => Body::from(bytes),
                    stored => stream(vec![stored]),
                })
            }
            Self::Pieces(pieces) => stream(slice(pieces, range)),
            Self::Sealed(pieces, seal) => seal.stream(store.clone(), pieces.to_vec(), range),
            Self::Mp4(mp4) => stream(mp4.pieces(range)),
            Self::Mp3(mp3) => stream(mp3.pieces(range)),
            Self::Flv(flv, laid, reels) => {
                let head = flv.head(range.clone());
                let positions = flv.parts(&range);
                let (flv, laid, reels) = (Arc::clone(flv), Arc::clone(laid), Arc::clone(reels));
                let parts = stream::iter(positions).then(move |position| {
                    let (flv, laid, reels, range) =
                        (Arc::clone(&flv), Arc::clone(&laid), Arc::clone(&reels), range.clone());
                    async move { reels.flv_part(&flv, &laid, position, &range).await }
                });
                body::stream_of(store.clone(), slips.cloned(), stream::once(async { Ok(head) }).chain(parts))
            }
            Self::Object { key, .. } => body::stream_object(store.blobs.clone(), key.clone(), range),
        }
    }
}

/// Media types of the parts of a view.
pub(crate) const fn content_type(name: Name) -> &'static str {
    match name {
        Name::Index | Name::Playlist(_) | Name::IFrames | Name::LowIndex | Name::LowPlaylist(_) => {
            manifest::CONTENT_TYPE
        }
        Name::Mpd => manifest::MPD_CONTENT_TYPE,
        Name::Init(TrackKind::Audio, _)
        | Name::Segment(TrackKind::Audio, _)
        | Name::Segments(TrackKind::Audio, ..)
        | Name::Fragment(TrackKind::Audio, ..) => "audio/mp4",
        Name::Init(TrackKind::Video, _)
        | Name::Segment(TrackKind::Video, _)
        | Name::Segments(TrackKind::Video, ..)
        | Name::Fragment(TrackKind::Video, ..)
        | Name::IFrame(_)
        | Name::Mp4 => "video/mp4",
        Name::Flv => "video/x-flv",
        Name::Mp3 => "audio/mpeg",
        Name::Key => "application/octet-stream",
    }
}

impl Reply {
    /// The answer to a viewer.
    pub(crate) fn answer(self, viewer: &Viewer, store: &Store) -> Response {
        let Viewer { headers: request, grant, slips } = viewer;
        let size = self.content.size();
        let tag = format!("\"{:016x}\"", self.tag);
        let text = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let known = text(header::IF_NONE_MATCH).is_some_and(|list| {
            list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
        });
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            // A date cannot name one of two versions made within a second: only a tag makes a range of the old one valid.
            let same = text(header::IF_RANGE).is_none_or(|condition| condition.trim() == tag);
            match wanted(text(header::RANGE).filter(|_| same), size) {
                Wanted::Whole => self.part(StatusCode::OK, 0..size, store, slips.as_ref()),
                Wanted::Part(range) => {
                    let content_range = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
                    let mut response = self.part(StatusCode::PARTIAL_CONTENT, range, store, slips.as_ref());
                    set(&mut response, header::CONTENT_RANGE, &content_range);
                    response
                }
                Wanted::Unsatisfiable => {
                    let message = format!("there are {size} bytes");
                    let mut response = json(StatusCode::RANGE_NOT_SATISFIABLE, "no_such_range", &message);
                    set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
                    return response;
                }
            }
        };
        set(&mut response, header::ETAG, &tag);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, grant.keep(self.keep));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(form) = Form::of_content_type(self.content_type).filter(|_| grant.is_form()) {
            headers.insert(FORM_HEADER, HeaderValue::from_static(form.as_str()));
        }
        response
    }

    fn part(&self, status: StatusCode, range: Range<u64>, store: &Store, slips: Option<&Slips>) -> Response {
        let length = range.end.saturating_sub(range.start);
        metrics::counter!("origin_bytes_total").increment(length);
        let mut response = (status, self.content.body(range, store, slips)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        response
    }
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    // Numbers and hex digits are always a header's value.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
