//! The playlist of one track's segments (RFC 8216bis §4.4.3 to §4.4.5).

use std::fmt::Write;

use units::{Timescale, WallTime};

use crate::escape::uri;
use crate::{VERSION, VERSION_GAP};

/// `EXT-X-PLAYLIST-TYPE` (§4.4.3.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlaylistKind {
    /// Whole, and it will not change.
    Vod,
    /// Grows at its end, until it is `ended`; nothing is ever taken away.
    Event {
        /// `EXT-X-ENDLIST` (§4.4.3.4).
        ended: bool,
    },
}

/// One segment (§4.4.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaSegment {
    /// Where it is.
    pub uri: String,
    /// How long it lasts, in the playlist's ticks.
    pub duration: u64,
    /// Its parameters or timestamps do not follow from the segment before (§4.4.4.3).
    pub discontinuity: bool,
    /// Its init segment (§4.4.4.5); written where it changes and after every discontinuity.
    pub map: String,
    /// When its first frame was taken; a label (§4.4.4.6).
    pub program_date_time: Option<WallTime>,
    /// The track has nothing in this stretch; players should not ask for it (§4.4.4.7).
    pub gap: bool,
}

/// A media playlist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaPlaylist {
    /// Whether it grows.
    pub kind: PlaylistKind,
    /// Ticks of the durations.
    pub scale: Timescale,
    /// The target duration is at least this many seconds, so that it need not change while a playlist grows (§4.4.3.1).
    pub target_seconds_min: u64,
    /// Where players get the key with which every segment is encrypted, as it is written; init segments are not encrypted.
    /// AES-128; the initialization vector of a segment is its number (§4.4.4.4).
    pub key: Option<String>,
    /// In order.
    pub segments: Vec<MediaSegment>,
}

impl MediaPlaylist {
    /// `EXT-X-TARGETDURATION` in seconds: every duration, rounded to the nearest second, is at most this (§4.4.3.1).
    pub fn target_seconds(&self) -> u64 {
        let scale = u64::from(self.scale.get());
        let longest = self.segments.iter().map(|segment| segment.duration).max().unwrap_or(0);
        longest.saturating_add(scale / 2).div_euclid(scale).max(self.target_seconds_min).max(1)
    }

    /// Changes where its segments and init segments are. `change` gets each as it is written, and gives what takes its place.
    pub fn each_uri(&mut self, mut change: impl FnMut(&str) -> String) {
        // Many segments in a row have one init segment.
        let mut known: Option<(String, String)> = None;
        for segment in &mut self.segments {
            segment.uri = change(&uri(&segment.uri));
            if known.as_ref().is_none_or(|(map, _)| *map != segment.map) {
                known = Some((segment.map.clone(), change(&uri(&segment.map))));
            }
            if let Some((_, changed)) = &known {
                segment.map.clone_from(changed);
            }
        }
    }

    /// The playlist as it is served.
    ///
    /// Durations are written in microseconds, rounded so that their running sum is never off by more than half of one.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(160 + self.segments.len() * 48);
        let (kind, ended) = match self.kind {
            PlaylistKind::Vod => ("VOD", true),
            PlaylistKind::Event { ended } => ("EVENT", ended),
        };
        let version = if self.segments.iter().any(|segment| segment.gap) { VERSION_GAP } else { VERSION };
        // Writing to a string never fails; here and below.
        let _ = writeln!(
            out,
            "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-INDEPENDENT-SEGMENTS",
            self.target_seconds()
        );
        let mut map: Option<&str> = None;
        let (mut ticks, mut written_us) = (0u64, 0u128);
        for segment in &self.segments {
            if segment.discontinuity {
                out.push_str("#EXT-X-DISCONTINUITY\n");
            }
            if map != Some(segment.map.as_str()) || segment.discontinuity {
                // A key holds for the init segments behind it, too.
                if self.key.is_some() && map.is_some() {
                    out.push_str("#EXT-X-KEY:METHOD=NONE\n");
                }
                let _ = writeln!(out, "#EXT-X-MAP:URI=\"{}\"", uri(&segment.map));
                map = Some(segment.map.as_str());
                if let Some(key) = &self.key {
                    let _ = writeln!(out, "#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"", uri(key));
                }
            }
            if let Some(time) = segment.program_date_time {
                let _ = writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", time.to_iso8601_ms());
            }
            if segment.gap {
                out.push_str("#EXT-X-GAP\n");
            }
            ticks = ticks.saturating_add(segment.duration);
            let end_us = micros(ticks, self.scale);
            let duration_us = end_us - written_us;
            written_us = end_us;
            let (seconds, rest) = (duration_us / 1_000_000, duration_us % 1_000_000);
            let _ = writeln!(out, "#EXTINF:{seconds}.{rest:06},\n{}", uri(&segment.uri));
        }
        if ended {
            out.push_str("#EXT-X-ENDLIST\n");
        }
        out
    }
}

/// Microseconds, rounded to the nearest (half up).
fn micros(ticks: u64, scale: Timescale) -> u128 {
    let scale = u128::from(scale.get());
    (u128::from(ticks) * 2_000_000 + scale) / (2 * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u32, duration: u64) -> MediaSegment {
        MediaSegment {
            uri: format!("v{number}.m4s"),
            duration,
            discontinuity: false,
            map: "init-v0.mp4".into(),
            program_date_time: None,
            gap: false,
        }
    }

    fn playlist(kind: PlaylistKind, segments: Vec<MediaSegment>) -> MediaPlaylist {
        MediaPlaylist { kind, scale: Timescale::REEL, target_seconds_min: 0, key: None, segments }
    }

    #[test]
    fn a_whole_playlist_with_a_change_of_parameters() {
        let mut segments = vec![segment(0, 360_000), segment(1, 180_180)];
        segments.push(MediaSegment { discontinuity: true, map: "init-v1.mp4".into(), ..segment(2, 1) });
        segments[0].program_date_time = Some(WallTime::from_unix_ms(1_772_359_200_123));
        assert_eq!(
            playlist(PlaylistKind::Vod, segments).to_text(),
            "#EXTM3U\n\
             #EXT-X-VERSION:7\n\
             #EXT-X-TARGETDURATION:4\n\
             #EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MAP:URI=\"init-v0.mp4\"\n\
             #EXT-X-PROGRAM-DATE-TIME:2026-03-01T10:00:00.123Z\n\
             #EXTINF:4.000000,\nv0.m4s\n\
             #EXTINF:2.002000,\nv1.m4s\n\
             #EXT-X-DISCONTINUITY\n\
             #EXT-X-MAP:URI=\"init-v1.mp4\"\n\
             #EXTINF:0.000011,\nv2.m4s\n\
             #EXT-X-ENDLIST\n"
        );
    }

    #[test]
    fn every_segment_is_under_the_key_and_no_init_segment_is() {
        let mut segments = vec![segment(0, 90_000), segment(1, 90_000)];
        segments.push(MediaSegment { map: "init-v1.mp4".into(), ..segment(2, 90_000) });
        let playlist = MediaPlaylist {
            key: Some("hls.key?auth_key=1-0-0-a&MtsHlsUriToken=t\"1".into()),
            ..playlist(PlaylistKind::Vod, segments)
        };
        let text = playlist.to_text();
        let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"hls.key?auth_key=1-0-0-a&MtsHlsUriToken=t%221\"\n";
        let (_, body) = text.split_once("SEGMENTS\n").unwrap();
        assert_eq!(
            body,
            format!(
                "#EXT-X-MAP:URI=\"init-v0.mp4\"\n{key}#EXTINF:1.000000,\nv0.m4s\n#EXTINF:1.000000,\nv1.m4s\n\
                 #EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"init-v1.mp4\"\n{key}#EXTINF:1.000000,\nv2.m4s\n\
                 #EXT-X-ENDLIST\n"
            )
        );
    }

    #[test]
    fn durations_rounded_to_the_nearest_second_are_at_most_the_target() {
        for (ticks, target) in [(0, 1), (134_999, 1), (135_000, 2), (404_999, 4), (405_000, 5)] {
            assert_eq!(playlist(PlaylistKind::Vod, vec![segment(0, ticks)]).target_seconds(), target, "{ticks}");
        }
        let floor = MediaPlaylist { target_seconds_min: 6, ..playlist(PlaylistKind::Vod, vec![segment(0, 1)]) };
        assert_eq!(floor.target_seconds(), 6);
    }

    #[test]
    fn written_durations_never_drift_from_the_exact_ones() {
        // 1/30 s is no whole number of microseconds.
        let text = playlist(PlaylistKind::Vod, (0..3000).map(|n| segment(n, 3000)).collect()).to_text();
        let sum: u64 = text
            .lines()
            .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','))
            .map(|text| text.replace('.', "").parse::<u64>().unwrap())
            .sum();
        assert_eq!(sum, 100_000_000);
    }

    #[test]
    fn a_stretch_without_the_track_is_marked() {
        let text =
            playlist(PlaylistKind::Vod, vec![MediaSegment { gap: true, ..segment(0, 9) }, segment(1, 9)]).to_text();
        assert!(text.contains("#EXT-X-VERSION:8\n") && text.contains("#EXT-X-GAP\n#EXTINF:0.000100,\nv0.m4s\n"));
        assert_eq!(text.matches("GAP").count(), 1);
    }

    #[test]
    fn segments_and_init_segments_can_be_somewhere_else() {
        let other = MediaSegment { map: "init v1.mp4".into(), ..segment(2, 9) };
        let mut moved = playlist(PlaylistKind::Vod, vec![segment(0, 9), segment(1, 9), other]);
        let mut asked = Vec::new();
        moved.each_uri(|uri| {
            asked.push(uri.to_owned());
            format!("/x/{uri}?k=1&l=2")
        });
        assert_eq!(asked, ["v0.m4s", "init-v0.mp4", "v1.m4s", "v2.m4s", "init%20v1.mp4"]);
        let text = moved.to_text();
        assert_eq!(text.matches("#EXT-X-MAP:URI=\"/x/init-v0.mp4?k=1&l=2\"\n").count(), 1);
        assert!(text.contains("\n/x/v1.m4s?k=1&l=2\n") && text.contains("URI=\"/x/init%20v1.mp4?k=1&l=2\""));
    }

    #[test]
    fn a_growing_playlist_ends_only_when_it_is_told() {
        let open = playlist(PlaylistKind::Event { ended: false }, vec![segment(0, 9)]).to_text();
        assert!(open.contains("PLAYLIST-TYPE:EVENT") && !open.contains("ENDLIST"));
        let closed = playlist(PlaylistKind::Event { ended: true }, vec![segment(0, 9)]).to_text();
        assert!(closed.starts_with(&open) && closed.ends_with("#EXT-X-ENDLIST\n"));
    }
}
