//! What the encoder of a host can do.

use std::collections::BTreeSet;

use crate::profile::Profile;

/// The encoder of pictures that renditions are made with.
const VIDEO_ENCODER: &str = "libx264";
/// The encoder of sound that renditions are made with.
const AUDIO_ENCODER: &str = "aac";

/// What an FFmpeg can encode, of what is needed here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// H.264.
    pub h264: bool,
    /// AAC.
    pub aac: bool,
}

impl Default for Capabilities {
    /// Everything.
    fn default() -> Self {
        Self { h264: true, aac: true }
    }
}

impl Capabilities {
    /// Those of a host without an encoder.
    pub const NONE: Self = Self { h264: false, aac: false };

    /// Reads what `ffmpeg -encoders` prints: a legend, a line of dashes, then an encoder in each line, its flags first.
    pub fn of_listing(listing: &str) -> Self {
        let rows = listing.lines().skip_while(|line| !line.trim_start().starts_with("---")).skip(1);
        let names: BTreeSet<&str> = rows.filter_map(|row| row.split_whitespace().nth(1)).collect();
        Self { h264: names.contains(VIDEO_ENCODER), aac: names.contains(AUDIO_ENCODER) }
    }

    /// What of a profile cannot be encoded here, in words that follow "This server has no encoder for ".
    pub fn lacks(self, profile: &Profile) -> Option<&'static str> {
        if profile.video.is_some() && !self.h264 {
            return Some("H.264: its FFmpeg lacks libx264, or there is no FFmpeg");
        }
        if profile.audio.is_some() && !self.aac {
            return Some("AAC: its FFmpeg lacks aac, or there is no FFmpeg");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AudioProfile;

    const LISTING: &str = "Encoders:\n V..... = Video\n A..... = Audio\n ------\n V....D libx264rgb           RGB (codec h264)\n \
                           A....D aac                  AAC (Advanced Audio Coding)\n";

    #[test]
    fn an_encoder_is_there_when_its_whole_name_is_listed() {
        let found = Capabilities::of_listing(LISTING);
        assert_eq!(found, Capabilities { h264: false, aac: true });
        let more = format!("{LISTING} V....D libx264              H.264 (codec h264)\n");
        assert_eq!(Capabilities::of_listing(&more), Capabilities::default());
        assert_eq!(Capabilities::of_listing("no such program"), Capabilities::NONE);
    }

    #[test]
    fn what_is_not_asked_for_is_not_lacking() {
        let sound = AudioProfile { kbps: 96, sample_rate: 44_100, channels: 2 };
        let profile = Profile { video: None, audio: Some(sound), ..Profile::default() };
        assert_eq!(Capabilities { h264: false, aac: true }.lacks(&profile), None);
        assert!(Capabilities::NONE.lacks(&profile).is_some_and(|what| what.starts_with("AAC")));
    }
}
