//! A cut laid out, and the playlists that were written of it: many viewers ask for the same text.

use std::sync::OnceLock;

use bytes::Bytes;
use codec::TrackKind;
use door::{Grant, tag};
use view::Timeline;

use crate::error::Result;
use crate::reels::ROW_BYTES;

/// A playlist and its tag.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) bytes: Bytes,
    pub(crate) tag: u64,
}

impl Text {
    pub(crate) fn new(text: String) -> Self {
        Self { tag: tag(&text), bytes: text.into() }
    }
}

/// What was laid out of a cut; it does not change any more.
pub(crate) struct Laid {
    pub(crate) timeline: Timeline,
    /// Nothing more comes.
    pub(crate) ended: bool,
    video: OnceLock<Text>,
    audio: OnceLock<Text>,
    i_frames: OnceLock<Text>,
}

/// A playlist of segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Playlist {
    /// Of a track; segments are put together to so many 90 kHz ticks (see [`Timeline::playlist`]).
    Track(TrackKind, Option<u64>),
    /// Of pictures that stand alone.
    IFrames,
}

impl Laid {
    pub(crate) fn new(timeline: Timeline, ended: bool) -> Self {
        Self { timeline, ended, video: OnceLock::new(), audio: OnceLock::new(), i_frames: OnceLock::new() }
    }

    /// A playlist, written once; one of segments put together, of signed URLs, or of encrypted segments (`key` is where their key is,
    /// as it is written), each time.
    pub(crate) fn playlist(&self, of: Playlist, key: Option<String>, grant: &Grant) -> Result<Text> {
        let write = || match of {
            Playlist::Track(track, about) => self.timeline.playlist(track, self.ended, about),
            Playlist::IFrames => self.timeline.i_frames(self.ended),
        };
        let written = match of {
            Playlist::Track(_, Some(_)) => None,
            Playlist::Track(TrackKind::Video, None) => Some(&self.video),
            Playlist::Track(TrackKind::Audio, None) => Some(&self.audio),
            Playlist::IFrames => Some(&self.i_frames),
        };
        let Some(written) = written.filter(|_| key.is_none() && !grant.is_signed()) else {
            let mut playlist = write()?;
            playlist.key = key;
            if grant.is_signed() {
                playlist.each_uri(|uri| grant.url(uri));
            }
            return Ok(Text::new(playlist.to_text()));
        };
        if let Some(text) = written.get() {
            return Ok(text.clone());
        }
        let text = Text::new(write()?.to_text());
        Ok(written.get_or_init(|| text).clone())
    }

    /// What it takes of memory, for a cache: rows, and about a third of that for playlists.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.timeline.parts().len().saturating_mul(ROW_BYTES).saturating_add(1_000)).unwrap_or(u32::MAX)
    }
}
