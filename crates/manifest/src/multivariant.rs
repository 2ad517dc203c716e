//! The playlist of playlists (RFC 8216bis §4.4.6).

use std::fmt::Write;

use crate::VERSION;
use crate::escape::{quoted, uri};

/// One `EXT-X-MEDIA` of type `AUDIO` (§4.4.6.1). The first of a group is its default.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AudioRendition {
    /// `GROUP-ID`.
    pub group: String,
    /// `NAME`, for a menu.
    pub name: String,
    /// `CHANNELS`.
    pub channels: u16,
    /// Its media playlist.
    pub uri: String,
}

/// One `EXT-X-STREAM-INF` (§4.4.6.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    /// Its media playlist.
    pub uri: String,
    /// `BANDWIDTH`: the peak of any segment, its sound included, in bits per second.
    pub bandwidth_bps: u64,
    /// `AVERAGE-BANDWIDTH`, in bits per second.
    pub average_bps: u64,
    /// `CODECS` (RFC 6381), its sound included.
    pub codecs: Vec<String>,
    /// `RESOLUTION` in pixels; `None` without pictures.
    pub resolution: Option<(u16, u16)>,
    /// `FRAME-RATE` in thousandths of a picture per second.
    pub frame_rate_milli: Option<u64>,
    /// `AUDIO`: the group its sound comes from; `None` when it has none or its own playlist carries it.
    pub audio_group: Option<String>,
}

/// One `EXT-X-I-FRAME-STREAM-INF` (§4.4.6.3): the pictures of a variant that stand alone, to look through it fast.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IFrames {
    /// Its media playlist.
    pub uri: String,
    /// `BANDWIDTH`: no more than the peak of the variant's pictures, in bits per second.
    pub bandwidth_bps: u64,
    /// `CODECS` (RFC 6381).
    pub codec: Option<String>,
    /// `RESOLUTION` in pixels.
    pub resolution: (u16, u16),
}

/// A multivariant playlist.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Multivariant {
    /// Sound that variants refer to.
    pub audio: Vec<AudioRendition>,
    /// Best first: many players begin with the first.
    pub variants: Vec<Variant>,
    /// Of the variants with pictures.
    pub i_frames: Vec<IFrames>,
}

impl Multivariant {
    /// Changes where its playlists are. `change` gets each as it is written, and gives what takes its place.
    pub fn each_uri(&mut self, mut change: impl FnMut(&str) -> String) {
        let audio = self.audio.iter_mut().map(|audio| &mut audio.uri);
        let i_frames = self.i_frames.iter_mut().map(|i_frames| &mut i_frames.uri);
        for known in audio.chain(self.variants.iter_mut().map(|variant| &mut variant.uri)).chain(i_frames) {
            *known = change(&uri(known));
        }
    }

    /// The playlist as it is served.
    pub fn to_text(&self) -> String {
        let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        for (number, audio) in self.audio.iter().enumerate() {
            let first = self.audio.iter().take(number).all(|other| other.group != audio.group);
            let default = if first { "YES" } else { "NO" };
            // Writing to a string never fails; here and below.
            let _ = writeln!(
                out,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"{}\",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{}\",URI=\"{}\"",
                quoted(&audio.group),
                quoted(&audio.name),
                audio.channels,
                uri(&audio.uri)
            );
        }
        for variant in &self.variants {
            variant.write(&mut out);
        }
        for i_frames in &self.i_frames {
            i_frames.write(&mut out);
        }
        out
    }
}

impl Variant {
    fn write(&self, out: &mut String) {
        let average = self.average_bps;
        let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={average}", self.bandwidth_bps);
        if !self.codecs.is_empty() {
            let _ = write!(out, ",CODECS=\"{}\"", quoted(&self.codecs.join(",")));
        }
        if let Some((width, height)) = self.resolution {
            let _ = write!(out, ",RESOLUTION={width}x{height}");
        }
        if let Some(rate) = self.frame_rate_milli {
            let _ = write!(out, ",FRAME-RATE={}.{:03}", rate / 1_000, rate % 1_000);
        }
        if let Some(group) = &self.audio_group {
            let _ = write!(out, ",AUDIO=\"{}\"", quoted(group));
        }
        let _ = writeln!(out, "\n{}", uri(&self.uri));
    }
}

impl IFrames {
    fn write(&self, out: &mut String) {
        let _ = write!(out, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={}", self.bandwidth_bps);
        if let Some(codec) = &self.codec {
            let _ = write!(out, ",CODECS=\"{}\"", quoted(codec));
        }
        let (width, height) = self.resolution;
        let _ = writeln!(out, ",RESOLUTION={width}x{height},URI=\"{}\"", uri(&self.uri));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_names_its_sound_and_its_sizes() {
        let audio = |name: &str| AudioRendition {
            group: "audio".into(),
            name: name.into(),
            channels: 2,
            uri: format!("{name}.m3u8"),
        };
        let playlist = Multivariant {
            audio: vec![audio("main"), audio("other")],
            variants: vec![Variant {
                uri: "video.m3u8".into(),
                bandwidth_bps: 2_500_000,
                average_bps: 2_000_000,
                codecs: vec!["avc1.64001f".into(), "mp4a.40.2".into()],
                resolution: Some((1280, 720)),
                frame_rate_milli: Some(59_940),
                audio_group: Some("audio".into()),
            }],
            i_frames: vec![IFrames {
                uri: "i-frames.m3u8".into(),
                bandwidth_bps: 2_300_000,
                codec: Some("avc1.64001f".into()),
                resolution: (1280, 720),
            }],
        };
        let mut moved = playlist.clone();
        moved.each_uri(|uri| format!("{uri}?k=1"));
        let uris = [&moved.audio[0].uri, &moved.audio[1].uri, &moved.variants[0].uri, &moved.i_frames[0].uri];
        assert_eq!(uris, ["main.m3u8?k=1", "other.m3u8?k=1", "video.m3u8?k=1", "i-frames.m3u8?k=1"]);
        assert_eq!(
            playlist.to_text(),
            "#EXTM3U\n\
             #EXT-X-VERSION:7\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"main\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"main.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"other\",DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"other.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=59.940,AUDIO=\"audio\"\n\
             video.m3u8\n\
             #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2300000,CODECS=\"avc1.64001f\",RESOLUTION=1280x720,URI=\"i-frames.m3u8\"\n"
        );
    }
}
