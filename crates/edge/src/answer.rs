//! Answers with validators and ranges (RFC 9110 §8.8, §13, §14), as the origin would give them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use door::{Grant, Keep, Wanted, fill, json, tag, wanted};
use futures::stream::{self, StreamExt};

use crate::SLICE_BYTES;
use crate::error::FetchError;
use crate::head::Head;
use crate::key::split;
use crate::limits::Seat;
use crate::objects::{From, Known, Objects, What};
use crate::origin::Refused;

/// Slices that are read, or asked for, while one before them is sent.
const SLICES_AHEAD: usize = 2;

/// Where an answer came from.
pub(crate) const CACHE: HeaderName = HeaderName::from_static("x-cache");

/// What is answered with what.
pub(crate) struct Answering<'a> {
    pub(crate) objects: &'a Objects,
    /// Under which it is kept.
    pub(crate) key: &'a str,
    pub(crate) grant: &'a Grant,
    pub(crate) headers: &'a HeaderMap,
    /// Only the head is wanted.
    pub(crate) head_only: bool,
}

/// Bytes to send, before the request's conditions are looked at.
enum Content {
    Made(Bytes),
    Slices(Arc<Head>),
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Made(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Slices(head) => head.size,
        }
    }
}

/// The slice in which a request's range begins; 0 for those that begin at no known place.
pub(crate) fn first_slice(headers: &HeaderMap) -> u64 {
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let from =
        range.and_then(|range| range.trim().strip_prefix("bytes=")?.split_once('-')?.0.trim().parse::<u64>().ok());
    from.unwrap_or(0) / SLICE_BYTES
}

impl Answering<'_> {
    /// The answer, how many bytes it has, and where it came from. The first of its slices is here when it is given.
    pub(crate) async fn with(
        self,
        known: &Known,
        from: From,
        seat: Option<Seat>,
    ) -> Result<(Response, u64, From), FetchError> {
        let (head, whole) = match &known.what {
            What::Refused(refused) => {
                let length = u64::try_from(refused.body.len()).unwrap_or(u64::MAX);
                return Ok((hand_on(refused), length, from));
            }
            What::Object { head, whole } => (head, whole),
        };
        let (etag, content) = match (whole, head.form()) {
            (Some(text), Some(form)) => {
                // Some milliseconds for the playlist of a day: once for all who get the same.
                let filled = || {
                    let text = fill(form, &String::from_utf8_lossy(text), self.grant);
                    let tag = tag(&text);
                    (Bytes::from(text), tag)
                };
                let (text, tag) =
                    if self.grant.is_plain() { known.plain.get_or_init(filled).clone() } else { filled() };
                (format!("\"{tag:016x}\""), Content::Made(text))
            }
            (Some(bytes), None) => (head.etag.clone(), Content::Made(bytes.clone())),
            (None, _) => (head.etag.clone(), Content::Slices(Arc::clone(head))),
        };
        let size = content.size();
        let text = |name| self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let unchanged = text(header::IF_NONE_MATCH).is_some_and(|list| {
            list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
        });
        let (mut response, length, from) = if unchanged {
            (StatusCode::NOT_MODIFIED.into_response(), 0, from)
        } else {
            // A date cannot name one of two versions made within a second: only a tag makes a range of the old one valid.
            let same = text(header::IF_RANGE).is_none_or(|condition| condition.trim() == etag);
            let (status, range) = match wanted(text(header::RANGE).filter(|_| same), size) {
                Wanted::Whole => (StatusCode::OK, 0..size),
                Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
                Wanted::Unsatisfiable => {
                    let mut response =
                        json(StatusCode::RANGE_NOT_SATISFIABLE, "no_such_range", &format!("there are {size} bytes"));
                    set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
                    return Ok((response, 0, from));
                }
            };
            let length = range.end.saturating_sub(range.start);
            let (body, body_from) = match content {
                _ if self.head_only => (Body::empty(), From::Hit),
                Content::Made(bytes) => (made(cut(&bytes, 0, &range), seat), From::Hit),
                Content::Slices(head) => self.slices(&head, &range, seat).await?,
            };
            let mut response = (status, body).into_response();
            set(&mut response, header::CONTENT_TYPE, &head.content_type);
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            if status == StatusCode::PARTIAL_CONTENT {
                let value = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
                set(&mut response, header::CONTENT_RANGE, &value);
            }
            (response, if self.head_only { 0 } else { length }, from.max(body_from))
        };
        set(&mut response, header::ETAG, &etag);
        // What the origin does not confirm is asked for again soon.
        let keep = match head.keep() {
            Keep::Forever | Keep::Minute if known.stale => Keep::Second,
            keep => keep,
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, self.grant.keep(keep));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        Ok((response, length, from))
    }

    /// A body of the bytes `range`, of which the first slice is here.
    async fn slices(
        &self,
        head: &Arc<Head>,
        range: &Range<u64>,
        seat: Option<Seat>,
    ) -> Result<(Body, From), FetchError> {
        if range.is_empty() {
            return Ok((Body::empty(), From::Hit));
        }
        let first = range.start / SLICE_BYTES;
        let last = range.end.saturating_sub(1) / SLICE_BYTES;
        let (bytes, from) = self.objects.slice(self.key, head, first).await?;
        let bytes = cut(&bytes, head.slice(first).start, range);
        if first == last {
            return Ok((made(bytes, seat), from));
        }
        let (objects, key, head, range) =
            (self.objects.clone(), Arc::<str>::from(self.key), Arc::clone(head), range.clone());
        let rest = stream::iter(first.saturating_add(1)..=last)
            .map(move |number| {
                let (objects, key, head, range) = (objects.clone(), Arc::clone(&key), Arc::clone(&head), range.clone());
                async move {
                    match objects.slice(&key, &head, number).await {
                        Ok((bytes, _)) => Ok(cut(&bytes, head.slice(number).start, &range)),
                        Err(error) => {
                            // The status is long sent: all that can be done is to break off, so that nobody takes it for whole.
                            tracing::warn!(%error, path = split(&key).0, "a body breaks off");
                            if error == FetchError::Changed {
                                objects.doubt(&key).await;
                            }
                            Err(error)
                        }
                    }
                }
            })
            .buffered(SLICES_AHEAD);
        let all = stream::once(async { Ok(bytes) }).chain(rest);
        Ok((paced(all, seat), from))
    }
}

/// What of `bytes`, which begin at `at`, lies in `range`.
fn cut(bytes: &Bytes, at: u64, range: &Range<u64>) -> Bytes {
    let place = |position: u64| {
        usize::try_from(position.saturating_sub(at)).map_or(bytes.len(), |place| place.min(bytes.len()))
    };
    bytes.slice(place(range.start)..place(range.end))
}

fn made(bytes: Bytes, seat: Option<Seat>) -> Body {
    match seat {
        None => Body::from(bytes),
        seat => paced(stream::once(async { Ok(bytes) }), seat),
    }
}

/// A body that keeps its seat until it is sent, and its domain's rate.
fn paced(bytes: impl stream::Stream<Item = Result<Bytes, FetchError>> + Send + 'static, seat: Option<Seat>) -> Body {
    let Some(seat) = seat.map(Arc::new) else { return Body::from_stream(bytes) };
    Body::from_stream(bytes.then(move |bytes| {
        let seat = Arc::clone(&seat);
        async move {
            if let Ok(bytes) = &bytes {
                let wait = seat.wait(bytes.len(), Instant::now());
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
            }
            bytes
        }
    }))
}

fn hand_on(refused: &Refused) -> Response {
    let mut response = (refused.status, refused.body.clone()).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    let told = [(header::CONTENT_TYPE, &refused.content_type), (header::RETRY_AFTER, &refused.retry_after)];
    for (name, value) in told {
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(header::CACHE_CONTROL, Keep::Never.value());
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    // Numbers, hex digits and what came from a header are always a header's value.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_begins_in_its_slice() {
        let first =
            |range: &str| first_slice(&HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(range).unwrap())]));
        let one = SLICE_BYTES;
        assert_eq!(first(&format!("bytes={one}-")), 1);
        assert_eq!(first(&format!("bytes={}-{one}", one - 1)), 0);
        assert_eq!(first(&format!("bytes={}-", 7 * one + 3)), 7);
        for other in ["bytes=-5", "bytes=a-", "items=5-", ""] {
            assert_eq!(first(other), 0, "{other}");
        }
        assert_eq!(first_slice(&HeaderMap::new()), 0);
    }

    #[test]
    fn what_is_cut_out_lies_in_the_range() {
        let bytes = Bytes::from_static(b"0123456789");
        assert_eq!(cut(&bytes, 100, &(0..1_000)), bytes);
        assert_eq!(cut(&bytes, 100, &(103..105)), "34");
        assert_eq!(cut(&bytes, 100, &(108..500)), "89");
        assert_eq!(cut(&bytes, 100, &(0..101)), "0");
    }
}
