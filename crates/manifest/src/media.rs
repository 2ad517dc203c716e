//! The playlist of one track's segments (RFC 8216bis §4.4.3 to §4.4.5).

use std::fmt::{self, Write};

use units::{Timescale, WallTime};

use crate::escape::uri;
use crate::{VERSION, VERSION_GAP, VERSION_SKIP};

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

/// A part of a segment that players can have before the whole (§4.4.4.9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartialSegment {
    /// Where it is.
    pub uri: String,
    /// How long it lasts, in the playlist's ticks.
    pub duration: u64,
    /// A player can begin with it.
    pub independent: bool,
}

/// How far another playlist of the presentation is (§4.4.5.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenditionReport {
    /// The other playlist.
    pub uri: String,
    /// Number of its last segment, which may still be open.
    pub segment: usize,
    /// Number of the last part of that segment; `None` when it has none.
    pub part: Option<usize>,
}

/// What a playlist says to players that want to be close to the live edge. Requests with `_HLS_msn` wait for what they name (§6.2.5.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LowLatency {
    /// `PART-TARGET` in milliseconds: no part is longer (§4.4.3.7).
    pub part_target_ms: u64,
    /// `CAN-SKIP-UNTIL` in seconds: segments that end this long before the end can be skipped (§4.4.3.8).
    pub skip_until_seconds: u64,
    /// Where the next part will be (§4.4.5.3).
    pub hint: Option<String>,
    /// The other playlists.
    pub reports: Vec<RenditionReport>,
    /// How many segments the reader has already: they are not among the playlist's, though they count (§4.4.5.2).
    pub skipped: usize,
    /// How long these are together, in the playlist's ticks.
    pub skipped_ticks: u64,
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
    /// Its parts, where they are told.
    pub parts: Vec<PartialSegment>,
    /// It is still being written: only its parts are there. At most the last is.
    pub open: bool,
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
    /// It has parts.
    pub low_latency: Option<LowLatency>,
    /// `EXT-X-I-FRAMES-ONLY` (§4.4.3.6): each segment is one picture, which stands until the next.
    pub i_frames_only: bool,
}

impl MediaPlaylist {
    /// `EXT-X-TARGETDURATION` in seconds: every duration, rounded to the nearest second, is at most this (§4.4.3.1).
    pub fn target_seconds(&self) -> u64 {
        let scale = u64::from(self.scale.get());
        let whole = self.segments.iter().filter(|segment| !segment.open);
        let longest = whole.map(|segment| segment.duration).max().unwrap_or(0);
        longest.saturating_add(scale / 2).div_euclid(scale).max(self.target_seconds_min).max(1)
    }

    /// Changes where its segments, their parts and init segments, and other playlists are. `change` gets each as it is written, and
    /// gives what takes its place.
    pub fn each_uri(&mut self, mut change: impl FnMut(&str) -> String) {
        // Many segments in a row have one init segment.
        let mut known: Option<(String, String)> = None;
        for segment in &mut self.segments {
            for part in &mut segment.parts {
                part.uri = change(&uri(&part.uri));
            }
            if !segment.open {
                segment.uri = change(&uri(&segment.uri));
            }
            if known.as_ref().is_none_or(|(map, _)| *map != segment.map) {
                known = Some((segment.map.clone(), change(&uri(&segment.map))));
            }
            if let Some((_, changed)) = &known {
                segment.map.clone_from(changed);
            }
        }
        if let Some(low) = &mut self.low_latency {
            for known in low.hint.iter_mut().chain(low.reports.iter_mut().map(|report| &mut report.uri)) {
                *known = change(&uri(known));
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
        let version = match &self.low_latency {
            Some(_) => VERSION_SKIP,
            None if self.segments.iter().any(|segment| segment.gap) => VERSION_GAP,
            None => VERSION,
        };
        // Writing to a string never fails; here and below.
        let _ = writeln!(
            out,
            "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-INDEPENDENT-SEGMENTS",
            self.target_seconds()
        );
        if self.i_frames_only {
            out.push_str("#EXT-X-I-FRAMES-ONLY\n");
        }
        let low = self.low_latency.as_ref();
        if let Some(low) = low {
            low.write_head(&mut out);
        }
        let mut map: Option<&str> = None;
        let mut lasted = Lasted { ticks: low.map_or(0, |low| low.skipped_ticks), scale: self.scale };
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
            let mut within = Lasted { ..lasted };
            for part in &segment.parts {
                let _ = write!(out, "#EXT-X-PART:DURATION={}", within.more(part.duration));
                let _ = write!(out, ",URI=\"{}\"", uri(&part.uri));
                out.push_str(if part.independent { ",INDEPENDENT=YES\n" } else { "\n" });
            }
            if !segment.open {
                let _ = writeln!(out, "#EXTINF:{},\n{}", lasted.more(segment.duration), uri(&segment.uri));
            }
        }
        if let Some(low) = low {
            low.write_tail(&mut out);
        }
        if ended {
            out.push_str("#EXT-X-ENDLIST\n");
        }
        out
    }
}

impl LowLatency {
    fn write_head(&self, out: &mut String) {
        // What is recommended: three parts (§4.4.3.8).
        let (target, hold_back) = (self.part_target_ms, self.part_target_ms.saturating_mul(3));
        // Writing to a string never fails; here and below.
        let _ = writeln!(
            out,
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={}.0,PART-HOLD-BACK={}.{:03}\n\
             #EXT-X-PART-INF:PART-TARGET={}.{:03}",
            self.skip_until_seconds,
            hold_back / 1_000,
            hold_back % 1_000,
            target / 1_000,
            target % 1_000,
        );
        if self.skipped > 0 {
            let _ = writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={}", self.skipped);
        }
    }

    fn write_tail(&self, out: &mut String) {
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"", uri(hint));
        }
        for report in &self.reports {
            let _ = write!(out, "#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}", uri(&report.uri), report.segment);
            if let Some(part) = report.part {
                let _ = write!(out, ",LAST-PART={part}");
            }
            out.push('\n');
        }
    }
}

/// How long all before lasted.
struct Lasted {
    ticks: u64,
    scale: Timescale,
}

impl Lasted {
    /// `duration` longer; gives it in seconds, rounded so that no sum of such durations drifts.
    fn more(&mut self, duration: u64) -> Seconds {
        let before = micros(self.ticks, self.scale);
        self.ticks = self.ticks.saturating_add(duration);
        Seconds { micros: micros(self.ticks, self.scale) - before }
    }
}

/// Written with six digits behind the point.
struct Seconds {
    micros: u128,
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.micros / 1_000_000, self.micros % 1_000_000)
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
            parts: Vec::new(),
            open: false,
        }
    }

    /// Two segments, the second with two parts, and an open one with another init segment.
    fn low(skipped: usize) -> MediaPlaylist {
        let part = |name: &str, duration, independent| PartialSegment { uri: name.into(), duration, independent };
        let mut segments = vec![segment(0, 360_000), segment(1, 90_001), segment(2, 0)];
        segments[1].parts = vec![part("v1.0.m4s", 45_000, true), part("v1.1.m4s", 45_001, false)];
        segments[2].parts = vec![part("v2.0.m4s", 3_001, true)];
        segments[2].open = true;
        segments[2].map = "init-v1.mp4".into();
        let low_latency = LowLatency {
            part_target_ms: 550,
            skip_until_seconds: 36,
            hint: Some("v2.1.m4s".into()),
            reports: vec![RenditionReport { uri: "low-audio.m3u8".into(), segment: 2, part: Some(0) }],
            skipped,
            skipped_ticks: segments.drain(..skipped).map(|segment| segment.duration).sum(),
        };
        MediaPlaylist {
            low_latency: Some(low_latency),
            target_seconds_min: 4,
            ..playlist(PlaylistKind::Event { ended: false }, segments)
        }
    }

    fn playlist(kind: PlaylistKind, segments: Vec<MediaSegment>) -> MediaPlaylist {
        MediaPlaylist {
            kind,
            scale: Timescale::REEL,
            target_seconds_min: 0,
            key: None,
            segments,
            low_latency: None,
            i_frames_only: false,
        }
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
    fn a_playlist_of_pictures_says_so() {
        let usual = playlist(PlaylistKind::Vod, vec![segment(0, 360_000)]);
        let text = MediaPlaylist { i_frames_only: true, ..usual.clone() }.to_text();
        assert_eq!(text.replace("#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP", "#EXT-X-MAP"), usual.to_text());
        assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n") && !usual.to_text().contains("I-FRAMES"), "{text}");
    }

    const LOW_HEAD: &str = "#EXTM3U\n\
         #EXT-X-VERSION:9\n\
         #EXT-X-TARGETDURATION:4\n\
         #EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:EVENT\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=36.0,PART-HOLD-BACK=1.650\n\
         #EXT-X-PART-INF:PART-TARGET=0.550\n";
    const LOW_TAIL: &str = "#EXT-X-PART:DURATION=0.500000,URI=\"v1.0.m4s\",INDEPENDENT=YES\n\
         #EXT-X-PART:DURATION=0.500011,URI=\"v1.1.m4s\"\n\
         #EXTINF:1.000011,\nv1.m4s\n\
         #EXT-X-MAP:URI=\"init-v1.mp4\"\n\
         #EXT-X-PART:DURATION=0.033345,URI=\"v2.0.m4s\",INDEPENDENT=YES\n\
         #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v2.1.m4s\"\n\
         #EXT-X-RENDITION-REPORT:URI=\"low-audio.m3u8\",LAST-MSN=2,LAST-PART=0\n";

    #[test]
    fn parts_stand_before_their_segment_and_those_of_the_open_one_alone() {
        let begin = "#EXT-X-MAP:URI=\"init-v0.mp4\"\n#EXTINF:4.000000,\nv0.m4s\n";
        assert_eq!(low(0).to_text(), format!("{LOW_HEAD}{begin}{LOW_TAIL}"));
        let skip = "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-MAP:URI=\"init-v0.mp4\"\n";
        assert_eq!(low(1).to_text(), format!("{LOW_HEAD}{skip}{LOW_TAIL}"), "the same durations and the init segment");
    }

    #[test]
    fn parts_the_hint_and_reports_can_be_somewhere_else() {
        for (skipped, written) in [(0, 9), (1, 8)] {
            let (mut moved, mut asked) = (low(skipped), 0);
            moved.each_uri(|uri| {
                asked += 1;
                format!("/x/{uri}?k=1")
            });
            let text = moved.to_text();
            assert_eq!((asked, text.matches("/x/").count(), text.matches("?k=1").count()), (written, written, written));
        }
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
