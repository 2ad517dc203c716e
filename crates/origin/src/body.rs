//! Bodies that stream: pieces are read in chunks, the next one while the last is sent. A client that goes away drops the
//! stream, and with it whatever was still to be read.
//!
//! Where the connection takes slips, stretches of files that are in memory are not read at all (`blobs::Slips`).

use std::collections::VecDeque;
use std::ops::Range;

use axum::body::Body;
use blobs::{Blobs, Slips, Stretch};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use reel::segment_key;
use units::ReelId;
use view::Piece;

use crate::error::Result;
use crate::store::Store;

/// Bytes read at once. With [`CHUNKS_AHEAD`] this bounds what a slow viewer holds in memory.
const CHUNK_BYTES: u64 = 1 << 20;
/// Ranges read at once: a virtual segment of ten fragments has twenty pieces, a second of FLV two hundred.
const CHUNK_PIECES: usize = 256;
/// Stretches that are shorter than this are read, and sent with what is beside them: a packet for each costs more.
const SLIP_BYTES_MIN: usize = 16 << 10;
/// Chunks that are read or waiting to be sent.
const CHUNKS_AHEAD: usize = 2;

/// Files that are read at once: pictures and sound of one part.
const CHUNK_FILES: usize = 2;

/// A body of `pieces`. What has to be in memory is for a connection without slips.
pub(crate) fn stream(store: Store, slips: Option<Slips>, pieces: Vec<Piece>) -> Body {
    stream_of(store, slips, stream::once(async { Ok(pieces) }))
}

/// A body of pieces that are found while it is sent.
pub(crate) fn stream_of(
    store: Store,
    slips: Option<Slips>,
    pieces: impl Stream<Item = Result<Vec<Piece>>> + Send + 'static,
) -> Body {
    let chunks = pieces
        .flat_map(|pieces| match pieces {
            Ok(pieces) => stream::iter(Chunks { rest: pieces.into() }.map(Ok)).left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        })
        .map(move |chunk| {
            let (store, slips) = (store.clone(), slips.clone());
            async move { read(&store, slips.as_ref(), chunk?).await }
        })
        .buffered(CHUNKS_AHEAD)
        .flat_map(|read| {
            let parts = match read {
                Ok(parts) => parts.into_iter().map(Ok).collect(),
                Err(error) => {
                    // The status is long sent: all that can be done is to break off, so that nobody takes it for whole.
                    tracing::warn!(error = &error as &dyn std::error::Error, "a body breaks off");
                    vec![Err(error)]
                }
            };
            stream::iter(parts)
        });
    Body::from_stream(chunks.map(|part| part.map(Part::into_bytes)))
}

/// A body of the bytes `range` of a stored object.
pub(crate) fn stream_object(blobs: Blobs, key: String, range: Range<u64>) -> Body {
    let end = range.end;
    let begins = std::iter::successors(Some(range.start), move |at| at.checked_add(CHUNK_BYTES));
    let chunks = begins.take_while(move |at| *at < end).map(move |at| at..at.saturating_add(CHUNK_BYTES).min(end));
    let read = move |chunk: Range<u64>| {
        let (blobs, key) = (blobs.clone(), key.clone());
        async move {
            let read = blobs.get_range(&key, chunk).await;
            read.inspect_err(|error| tracing::warn!(error = error as &dyn std::error::Error, "a body breaks off"))
        }
    };
    Body::from_stream(stream::iter(chunks).map(read).buffered(CHUNKS_AHEAD))
}

/// Pieces that are read together: ranges of few stored segments.
#[derive(Debug, Default)]
struct Chunk {
    files: Vec<FileRanges>,
    /// In order.
    parts: Vec<ChunkPart>,
}

#[derive(Debug)]
struct FileRanges {
    reel: ReelId,
    segment: u32,
    ranges: Vec<Range<u64>>,
}

#[derive(Debug)]
enum ChunkPart {
    Made(Bytes),
    /// The next range of this file.
    Stored(usize),
}

impl Chunk {
    /// The place of a file among those that are read; `None` when there would be too many.
    fn file(&mut self, reel: ReelId, segment: u32) -> Option<usize> {
        let known = self.files.iter().position(|file| (file.reel, file.segment) == (reel, segment));
        known.or_else(|| {
            let place = self.files.len();
            (place < CHUNK_FILES).then(|| {
                self.files.push(FileRanges { reel, segment, ranges: Vec::new() });
                place
            })
        })
    }
}

struct Chunks {
    rest: VecDeque<Piece>,
}

impl Iterator for Chunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        let mut room = CHUNK_BYTES;
        while room > 0 && chunk.parts.len() < CHUNK_PIECES {
            let Some(piece) = self.rest.pop_front() else { break };
            match piece {
                Piece::Made(bytes) => {
                    room = room.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                    chunk.parts.push(ChunkPart::Made(bytes));
                }
                Piece::Stored { reel, segment, range } => {
                    let Some(place) = chunk.file(reel, segment) else {
                        self.rest.push_front(Piece::Stored { reel, segment, range });
                        break;
                    };
                    let end = range.end.min(range.start.saturating_add(room));
                    room -= end - range.start;
                    if end < range.end {
                        self.rest.push_front(Piece::Stored { reel, segment, range: end..range.end });
                    }
                    if let (true, Some(file)) = (range.start < end, chunk.files.get_mut(place)) {
                        file.ranges.push(range.start..end);
                        chunk.parts.push(ChunkPart::Stored(place));
                    }
                }
            }
        }
        (!chunk.parts.is_empty()).then_some(chunk)
    }
}

/// What is sent next.
enum Part {
    Bytes(Bytes),
    /// Bytes that the kernel sends, and for which connection.
    Stretch(Stretch, Slips),
}

impl Part {
    /// The bytes, or a slip. It has to be written next, so this is asked when its turn has come and not before.
    fn into_bytes(self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Stretch(stretch, slips) => slips.issue(stretch),
        }
    }
}

async fn read(store: &Store, slips: Option<&Slips>, chunk: Chunk) -> Result<Vec<Part>> {
    let mut stored = Vec::with_capacity(chunk.files.len());
    for file in &chunk.files {
        stored.push(file.parts(store, slips).await?.into_iter());
    }
    let part = |part| match part {
        ChunkPart::Made(bytes) => Some(Part::Bytes(bytes)),
        ChunkPart::Stored(place) => stored.get_mut(place)?.next(),
    };
    Ok(together(chunk.parts.into_iter().filter_map(part)))
}

/// Bytes that are few are put together with those beside them.
fn together(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut all = Vec::new();
    let mut few: Vec<Bytes> = Vec::new();
    let flush = |few: &mut Vec<Bytes>, all: &mut Vec<Part>| match few.as_mut_slice() {
        [] => {}
        [one] => {
            all.push(Part::Bytes(std::mem::take(one)));
            few.clear();
        }
        some => {
            all.push(Part::Bytes(some.concat().into()));
            few.clear();
        }
    };
    for part in parts {
        match part {
            Part::Bytes(bytes) if bytes.len() < SLIP_BYTES_MIN => few.push(bytes),
            part => {
                flush(&mut few, &mut all);
                all.push(part);
            }
        }
    }
    flush(&mut few, &mut all);
    all
}

fn is_short(range: &Range<u64>) -> bool {
    range.end.saturating_sub(range.start) < u64::try_from(SLIP_BYTES_MIN).unwrap_or(u64::MAX)
}

impl FileRanges {
    /// Its ranges in order. What need not be read is not; the rest is read together.
    async fn parts(&self, store: &Store, slips: Option<&Slips>) -> Result<Vec<Part>> {
        let opened = match slips {
            Some(_) => store.open(self.reel, self.segment).await?,
            None => None,
        };
        let unread = |range: &Range<u64>| {
            let stretch = opened.as_ref().filter(|_| !is_short(range))?.stretch_in_memory(range.clone())?;
            Some(Part::Stretch(stretch, slips?.clone()))
        };
        let mut parts: Vec<Option<Part>> = self.ranges.iter().map(unread).collect();
        let missing = self.ranges.iter().zip(&parts).filter(|(_, part)| part.is_none());
        let missing: Vec<Range<u64>> = missing.map(|(range, _)| range.clone()).collect();
        if !missing.is_empty() {
            let short = opened.as_ref().filter(|_| missing.iter().all(is_short));
            let read = match short.and_then(|opened| opened.read_in_memory(&missing)) {
                Some(read) => read,
                None => store.blobs.get_ranges(&segment_key(self.reel, self.segment), &missing).await?,
            };
            for (part, bytes) in parts.iter_mut().filter(|part| part.is_none()).zip(read) {
                *part = Some(Part::Bytes(bytes));
            }
        }
        Ok(parts.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_bounded_and_keep_the_order() {
        let reel = ReelId::from_u128(1);
        let stored = |segment, range| Piece::Stored { reel, segment, range };
        let pieces = vec![
            Piece::Made(Bytes::from_static(b"head")),
            stored(0, 10..20),
            stored(0, 0..3 * CHUNK_BYTES),
            stored(1, 5..6),
            Piece::Made(Bytes::from_static(b"tail")),
            stored(1, 7..7),
        ];
        let total = view::total(&pieces);
        let chunks: Vec<Chunk> = Chunks { rest: pieces.into() }.collect();
        let bytes = |chunk: &Chunk| {
            let made = chunk.parts.iter().map(|part| match part {
                ChunkPart::Made(bytes) => bytes.len() as u64,
                ChunkPart::Stored(_) => 0,
            });
            let ranges = chunk.files.iter().flat_map(|file| &file.ranges);
            made.sum::<u64>() + ranges.map(|range| range.end - range.start).sum::<u64>()
        };
        assert!(chunks.iter().all(|chunk| bytes(chunk) <= CHUNK_BYTES));
        assert_eq!(chunks.iter().map(bytes).sum::<u64>(), total);
        assert_eq!(chunks[0].files[0].ranges, vec![10..20, 0..CHUNK_BYTES - 14]);
        assert_eq!(chunks.last().unwrap().files.last().map(|file| (file.reel, file.segment)), Some((reel, 1)));
    }

    #[test]
    fn bytes_that_are_few_are_put_together_in_their_order() {
        let file = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(file.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(blobs.put("a", Bytes::from_static(b"stored"))).unwrap();
        let stretch = || blobs.open("a").unwrap().unwrap().stretch_in_memory(0..6).unwrap();
        let some = |text: &'static [u8]| Part::Bytes(Bytes::from_static(text));
        let long = Part::Bytes(vec![b'l'; SLIP_BYTES_MIN].into());
        let parts = [
            some(b"a"),
            some(b"b"),
            Part::Stretch(stretch(), Slips::default()),
            long,
            some(b"c"),
            some(b""),
            some(b"d"),
        ];
        let put = together(parts.into_iter()).into_iter().map(|part| match part {
            Part::Bytes(bytes) if bytes.len() < 9 => String::from_utf8(bytes.to_vec()).unwrap(),
            Part::Bytes(bytes) => bytes.len().to_string(),
            Part::Stretch(..) => "stretch".to_owned(),
        });
        assert_eq!(put.collect::<Vec<_>>(), ["ab", "stretch", "16384", "cd"]);
    }

    #[test]
    fn pictures_and_sound_are_read_together_and_a_third_file_apart() {
        let stored = |reel, range| Piece::Stored { reel: ReelId::from_u128(reel), segment: 0, range };
        let pieces = vec![stored(1, 0..5), stored(2, 0..3), stored(1, 5..9), stored(3, 0..1)];
        let chunks: Vec<Chunk> = Chunks { rest: pieces.into() }.collect();
        let ranges: Vec<Vec<usize>> =
            chunks.iter().map(|chunk| chunk.files.iter().map(|file| file.ranges.len()).collect()).collect();
        assert_eq!(ranges, [vec![2, 1], vec![1]]);
    }
}
