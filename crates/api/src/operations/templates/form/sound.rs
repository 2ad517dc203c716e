//! `Audio`: the sound of a template.

use encode::{AudioCodec, AudioProfile, Format};

use super::Asked;
use super::fields::{Fields, Place};
use crate::codes::Answer;

/// Kilobits per second when nothing is asked for.
const KBPS: u32 = 128;
/// Samples per second when nothing is asked for.
const SAMPLE_RATE: u32 = 44_100;
/// Samples per second that can be asked for.
const SAMPLE_RATES: [u32; 5] = [22_050, 32_000, 44_100, 48_000, 96_000];
/// Decibels by which sound can be made softer or louder.
const VOLUME_DB: i32 = 20;
/// Most kilobits per second of MP3, and with sampling rates below 32 kHz.
const MP3_KBPS_MAX: u32 = 320;
const MP3_LOW_KBPS_MAX: u32 = 160;

impl Asked {
    pub(super) fn sound(&self, place: Place, format: Format) -> Answer<Option<AudioProfile>> {
        if self.audio.is_none() {
            return Err(place.wrong("Audio", "it is missing; {\"Remove\":\"true\"} takes the sound away"));
        }
        let audio = Fields::new(place, "Audio", self.audio.as_ref());
        if audio.flag("Remove")? {
            return Ok(None);
        }
        let codec = audio.one_of("Codec", &[("AAC", AudioCodec::Aac), ("MP3", AudioCodec::Mp3)])?;
        let codec = codec.unwrap_or(if format == Format::Mp3 { AudioCodec::Mp3 } else { AudioCodec::Aac });
        audio.one_of("Profile", &[("aac_low", ())])?;
        let sample_rate = audio.number("Samplerate", 1, 96_000)?.unwrap_or(SAMPLE_RATE);
        if !SAMPLE_RATES.contains(&sample_rate) {
            return Err(audio.wrong("Samplerate", "one of 22050, 32000, 44100, 48000, 96000 is wanted"));
        }
        let kbps = audio.number("Bitrate", 8, 1_000)?.unwrap_or(KBPS);
        match (codec, format) {
            (AudioCodec::Aac, Format::Mp3) => return Err(audio.wrong("Codec", "an mp3 has sound in MP3")),
            (AudioCodec::Mp3, Format::M3u8) => {
                let why = "browsers do not play MP3 in the segments of a playlist; AAC is possible";
                return Err(audio.wrong("Codec", why));
            }
            (AudioCodec::Mp3, Format::Flv) if sample_rate == 32_000 => {
                return Err(audio.wrong("Samplerate", "an flv cannot say that its MP3 has 32000; 44100 is possible"));
            }
            (AudioCodec::Mp3, _) if sample_rate > 48_000 => {
                return Err(audio.wrong("Samplerate", "MP3 has at most 48000"));
            }
            (AudioCodec::Mp3, _) if kbps > if sample_rate < 32_000 { MP3_LOW_KBPS_MAX } else { MP3_KBPS_MAX } => {
                return Err(audio.wrong("Bitrate", "MP3 has at most 320, and 160 at 22050 samples per second"));
            }
            (AudioCodec::Aac | AudioCodec::Mp3, _) => {}
        }
        Ok(Some(AudioProfile {
            codec,
            kbps,
            sample_rate,
            channels: audio.number("Channels", 1, 2)?.unwrap_or(2),
            volume_db: audio.number("Volume", -VOLUME_DB, VOLUME_DB)?.unwrap_or(0),
        }))
    }
}
