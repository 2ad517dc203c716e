//! Bodies that stream: pieces are read in chunks, the next one while the last is sent. A client that goes away drops the
//! stream, and with it whatever was still to be read.

use std::collections::VecDeque;
use std::ops::Range;

use axum::body::Body;
use blobs::{BlobError, Blobs};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use reel::segment_key;
use units::ReelId;
use view::Piece;

/// Bytes read at once. With [`CHUNKS_AHEAD`] this bounds what a slow viewer holds in memory.
const CHUNK_BYTES: u64 = 1 << 20;
/// Ranges read at once: a virtual segment of ten fragments has twenty pieces.
const CHUNK_PIECES: usize = 64;
/// Chunks that are read or waiting to be sent.
const CHUNKS_AHEAD: usize = 2;

/// A body of `pieces`, which hold `size` bytes.
pub(crate) fn stream(blobs: Blobs, pieces: Vec<Piece>) -> Body {
    let chunks = stream::iter(Chunks { rest: pieces.into() })
        .map(move |chunk| read(blobs.clone(), chunk))
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
    Body::from_stream(chunks)
}

/// Pieces that are read together: ranges of one stored segment at most.
#[derive(Debug, Default)]
struct Chunk {
    file: Option<(ReelId, u32)>,
    ranges: Vec<Range<u64>>,
    /// In order: bytes, or `None` for the next of `ranges`.
    parts: Vec<Option<Bytes>>,
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
                    chunk.parts.push(Some(bytes));
                }
                Piece::Stored { reel, segment, range } => {
                    if chunk.file.is_some_and(|file| file != (reel, segment)) {
                        self.rest.push_front(Piece::Stored { reel, segment, range });
                        break;
                    }
                    let end = range.end.min(range.start.saturating_add(room));
                    room -= end - range.start;
                    if end < range.end {
                        self.rest.push_front(Piece::Stored { reel, segment, range: end..range.end });
                    }
                    if range.start < end {
                        chunk.file = Some((reel, segment));
                        chunk.ranges.push(range.start..end);
                        chunk.parts.push(None);
                    }
                }
            }
        }
        (!chunk.parts.is_empty()).then_some(chunk)
    }
}

async fn read(blobs: Blobs, chunk: Chunk) -> Result<Vec<Bytes>, BlobError> {
    let mut stored = match chunk.file {
        Some((reel, segment)) => blobs.get_ranges(&segment_key(reel, segment), &chunk.ranges).await?,
        None => Vec::new(),
    }
    .into_iter();
    Ok(chunk.parts.into_iter().filter_map(|part| part.or_else(|| stored.next())).collect())
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
            let made: usize = chunk.parts.iter().flatten().map(Bytes::len).sum();
            made as u64 + chunk.ranges.iter().map(|range| range.end - range.start).sum::<u64>()
        };
        assert!(chunks.iter().all(|chunk| bytes(chunk) <= CHUNK_BYTES));
        assert_eq!(chunks.iter().map(bytes).sum::<u64>(), total);
        assert_eq!(chunks[0].ranges, vec![10..20, 0..CHUNK_BYTES - 14]);
        assert_eq!(chunks.last().unwrap().file, Some((reel, 1)));
    }
}
