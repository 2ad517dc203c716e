//! What the encoder of a host can do.

use std::collections::BTreeSet;

use codec::{AudioCodec, VideoCodec};

use crate::profile::Profile;

/// What an FFmpeg can encode, of what is needed here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// H.264.
    pub h264: bool,
    /// H.265.
    pub h265: bool,
    /// AAC.
    pub aac: bool,
    /// MP3.
    pub mp3: bool,
    /// Still pictures.
    pub jpeg: bool,
    /// Moving pictures of 256 colours.
    pub gif: bool,
    /// Moving pictures as WebP.
    pub webp: bool,
    /// Words over pictures: this takes a font as well.
    pub text: bool,
    /// Subtitles on pictures: this takes a font as well.
    pub subtitles: bool,
}

impl Default for Capabilities {
    /// Everything.
    fn default() -> Self {
        Self {
            h264: true,
            h265: true,
            aac: true,
            mp3: true,
            jpeg: true,
            gif: true,
            webp: true,
            text: true,
            subtitles: true,
        }
    }
}

impl Capabilities {
    /// Those of a host without an encoder.
    pub const NONE: Self = Self {
        h264: false,
        h265: false,
        aac: false,
        mp3: false,
        jpeg: false,
        gif: false,
        webp: false,
        text: false,
        subtitles: false,
    };

    /// Reads what `ffmpeg -encoders` prints: a legend, a line of dashes, then an encoder in each line, its flags first. What it
    /// draws on pictures is not said there.
    pub fn of_listing(listing: &str) -> Self {
        let rows = listing.lines().skip_while(|line| !line.trim_start().starts_with("---")).skip(1);
        let names: BTreeSet<&str> = rows.filter_map(|row| row.split_whitespace().nth(1)).collect();
        let has = |name| names.contains(name);
        // What moving pictures, and sheets of still ones, are made of.
        let png = has("png");
        Self {
            h264: has("libx264"),
            h265: has("libx265"),
            aac: has("aac"),
            mp3: has("libmp3lame"),
            jpeg: png && has("mjpeg"),
            gif: png && has("gif"),
            webp: png && has("libwebp_anim"),
            text: false,
            subtitles: false,
        }
    }

    /// What of a profile cannot be encoded here: the key that asks for it, and words that follow "this server has no encoder
    /// for ".
    pub fn lacks(self, profile: &Profile) -> Option<(&'static str, &'static str)> {
        match profile.video.as_ref().map(|video| video.codec) {
            Some(VideoCodec::H264) if !self.h264 => {
                return Some(("Video.Codec", "H.264: its FFmpeg lacks libx264, or there is no FFmpeg"));
            }
            Some(VideoCodec::H265) if !self.h265 => {
                return Some(("Video.Codec", "H.265: its FFmpeg lacks libx265, or there is no FFmpeg"));
            }
            Some(VideoCodec::H264 | VideoCodec::H265) | None => {}
        }
        match profile.audio.as_ref().map(|audio| audio.codec) {
            Some(AudioCodec::Aac) if !self.aac => {
                Some(("Audio.Codec", "AAC: its FFmpeg lacks aac, or there is no FFmpeg"))
            }
            Some(AudioCodec::Mp3) if !self.mp3 => {
                Some(("Audio.Codec", "MP3: its FFmpeg lacks libmp3lame, or there is no FFmpeg"))
            }
            Some(AudioCodec::Aac | AudioCodec::Mp3) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AudioProfile;

    const LISTING: &str = "Encoders:\n V..... = Video\n A..... = Audio\n ------\n V....D libx264rgb           RGB (codec h264)\n V....D libx265 H.265\n \
                           A....D aac                  AAC (Advanced Audio Coding)\n A....D libmp3lame MP3 (codec mp3)\n";

    #[test]
    fn an_encoder_is_there_when_its_whole_name_is_listed() {
        let found = Capabilities::of_listing(LISTING);
        let some = Capabilities { h265: true, aac: true, mp3: true, ..Capabilities::NONE };
        assert_eq!(found, some);
        let more = format!("{LISTING} V....D libx264              H.264 (codec h264)\n V..... gif GIF\n");
        let found = Capabilities::of_listing(&more);
        assert_eq!(found, Capabilities { h264: true, ..some }, "moving pictures are made of PNG");
        let more = format!("{more} V..... png PNG\n V..... mjpeg JPEG\n V..... libwebp_anim WebP\n");
        assert_eq!(
            Capabilities::of_listing(&more),
            Capabilities { text: false, subtitles: false, ..Capabilities::default() }
        );
        assert_eq!(Capabilities::of_listing("no such program"), Capabilities::NONE);
    }

    #[test]
    fn what_is_not_asked_for_is_not_lacking() {
        let sound = |codec| AudioProfile { codec, kbps: 96, sample_rate: 44_100, channels: 2, volume_db: 0 };
        let profile = |codec| Profile { video: None, audio: Some(sound(codec)), ..Profile::default() };
        let some = Capabilities { aac: true, ..Capabilities::NONE };
        assert_eq!(some.lacks(&profile(AudioCodec::Aac)), None);
        assert!(
            some.lacks(&profile(AudioCodec::Mp3))
                .is_some_and(|(key, what)| key == "Audio.Codec" && what.starts_with("MP3"))
        );
        assert!(Capabilities::NONE.lacks(&profile(AudioCodec::Aac)).is_some_and(|(_, what)| what.starts_with("AAC")));
    }
}
