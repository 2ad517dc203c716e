//! Names of the parts of a view, as they stand at the end of a URL.

use std::fmt;
use std::str::FromStr;

use codec::TrackKind;

/// One thing that can be asked for in the folder of a view.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Name {
    /// `index.m3u8`: the multivariant playlist.
    Index,
    /// `index.mpd`: the same for DASH.
    Mpd,
    /// `video.m3u8`, `audio.m3u8`.
    Playlist(TrackKind),
    /// `i-frames.m3u8`: the playlist of pictures that stand alone.
    IFrames,
    /// `low.m3u8`: the multivariant playlist over those with parts.
    LowIndex,
    /// `low-video.m3u8`, `low-audio.m3u8`: a playlist with parts.
    LowPlaylist(TrackKind),
    /// `init-v0.mp4`, `init-a0.mp4`: the init segment of a set of parameters.
    Init(TrackKind, usize),
    /// `v0.m4s`, `a0.m4s`: a segment, by its position in the cut.
    Segment(TrackKind, usize),
    /// `v0-2.m4s`, `a0-2.m4s`: several segments as one, by the positions of the first and the last.
    Segments(TrackKind, usize, usize),
    /// `v0.2.m4s`, `a0.2.m4s`: a fragment, which is a part of a segment, by the position of the segment and its own number there.
    Fragment(TrackKind, usize, usize),
    /// `i0.m4s`: the first picture of a segment, by its position in the cut.
    IFrame(usize),
    /// `source.mp4`: the progressive MP4.
    Mp4,
    /// `source.flv`.
    Flv,
    /// `source.mp3`.
    Mp3,
    /// `hls.key`: with what the segments of an encrypted output are encrypted.
    Key,
}

impl Name {
    /// The name of a segment with `$Number$` in the place of its position.
    pub(crate) fn numbered(track: TrackKind) -> String {
        format!("{}$Number$.m4s", letter(track))
    }
}

const fn letter(track: TrackKind) -> char {
    match track {
        TrackKind::Video => 'v',
        TrackKind::Audio => 'a',
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => f.write_str("index.m3u8"),
            Self::Mpd => f.write_str("index.mpd"),
            Self::Playlist(TrackKind::Video) => f.write_str("video.m3u8"),
            Self::Playlist(TrackKind::Audio) => f.write_str("audio.m3u8"),
            Self::IFrames => f.write_str("i-frames.m3u8"),
            Self::IFrame(position) => write!(f, "i{position}.m4s"),
            Self::LowIndex => f.write_str("low.m3u8"),
            Self::LowPlaylist(TrackKind::Video) => f.write_str("low-video.m3u8"),
            Self::LowPlaylist(TrackKind::Audio) => f.write_str("low-audio.m3u8"),
            Self::Init(track, number) => write!(f, "init-{}{number}.mp4", letter(*track)),
            Self::Segment(track, number) => write!(f, "{}{number}.m4s", letter(*track)),
            Self::Segments(track, first, last) => write!(f, "{}{first}-{last}.m4s", letter(*track)),
            Self::Fragment(track, segment, number) => write!(f, "{}{segment}.{number}.m4s", letter(*track)),
            Self::Mp4 => f.write_str("source.mp4"),
            Self::Flv => f.write_str("source.flv"),
            Self::Mp3 => f.write_str("source.mp3"),
            Self::Key => f.write_str("hls.key"),
        }
    }
}

/// The text names no part of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no part of a view has this name")]
pub struct ParseNameError;

impl FromStr for Name {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        // One name for one thing: no sign, no leading zero.
        let number = |digits: &str| -> Option<usize> {
            let plain = digits == "0" || !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|_| plain)
        };
        let lettered = |text: &str| {
            [TrackKind::Video, TrackKind::Audio]
                .into_iter()
                .find_map(|track| Some((track, text.strip_prefix(letter(track))?.to_owned())))
        };
        let numbered = |text: &str| lettered(text).and_then(|(track, digits)| Some((track, number(&digits)?)));
        let several = |text: &str| {
            let (track, digits) = lettered(text)?;
            let (first, last) = digits.split_once('-')?;
            let (first, last) = (number(first)?, number(last)?);
            (first < last).then_some(Self::Segments(track, first, last))
        };
        let fragment = |text: &str| {
            let (track, digits) = lettered(text)?;
            let (segment, fragment) = digits.split_once('.')?;
            Some(Self::Fragment(track, number(segment)?, number(fragment)?))
        };
        let found = match text {
            "index.m3u8" => Some(Self::Index),
            "index.mpd" => Some(Self::Mpd),
            "video.m3u8" => Some(Self::Playlist(TrackKind::Video)),
            "audio.m3u8" => Some(Self::Playlist(TrackKind::Audio)),
            "i-frames.m3u8" => Some(Self::IFrames),
            "low.m3u8" => Some(Self::LowIndex),
            "low-video.m3u8" => Some(Self::LowPlaylist(TrackKind::Video)),
            "low-audio.m3u8" => Some(Self::LowPlaylist(TrackKind::Audio)),
            "source.mp4" => Some(Self::Mp4),
            "source.flv" => Some(Self::Flv),
            "source.mp3" => Some(Self::Mp3),
            "hls.key" => Some(Self::Key),
            text => match (text.strip_prefix("init-"), text.strip_suffix(".m4s")) {
                (Some(rest), None) => {
                    rest.strip_suffix(".mp4").and_then(numbered).map(|(track, number)| Self::Init(track, number))
                }
                (None, Some(rest)) => {
                    let one = numbered(rest).map(|(track, number)| Self::Segment(track, number));
                    let i_frame = || rest.strip_prefix('i').and_then(number).map(Self::IFrame);
                    one.or_else(|| several(rest)).or_else(|| fragment(rest)).or_else(i_frame)
                }
                _ => None,
            },
        };
        found.ok_or(ParseNameError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_nothing_else_is() {
        use TrackKind::{Audio, Video};
        for name in [
            Name::Index,
            Name::Mpd,
            Name::Playlist(Video),
            Name::Playlist(Audio),
            Name::Init(Video, 0),
            Name::Init(Audio, 12),
            Name::Segment(Video, 20_000),
            Name::Segment(Audio, 0),
            Name::Segments(Video, 0, 2),
            Name::Segments(Audio, 9, 10),
            Name::IFrames,
            Name::IFrame(0),
            Name::IFrame(20_000),
            Name::LowIndex,
            Name::LowPlaylist(Video),
            Name::LowPlaylist(Audio),
            Name::Fragment(Video, 0, 0),
            Name::Fragment(Audio, 12, 34),
            Name::Mp4,
            Name::Flv,
            Name::Mp3,
            Name::Key,
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!(Name::numbered(Video).replace("$Number$", "7"), Name::Segment(Video, 7).to_string());
        for text in [
            "",
            "v.m4s",
            "v1-1.m4s",
            "v2-1.m4s",
            "v1..m4s",
            "v1.01.m4s",
            "v1.2.3.m4s",
            "v1-2.0.m4s",
            "v1-.m4s",
            "a0-01.m4s",
            "v00.m4s",
            "v+1.m4s",
            "x1.m4s",
            "i.m4s",
            "i01.m4s",
            "i1-2.m4s",
            "init-v0.m4s",
            "init-v.mp4",
            "v99999999999999999999.m4s",
        ] {
            assert_eq!(text.parse::<Name>(), Err(ParseNameError), "{text}");
        }
    }
}
