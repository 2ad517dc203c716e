//! What ffprobe tells of a file.

use codec::{AudioCodec, VideoCodec};
use serde::Deserialize;
use thiserror::Error;

/// Why a file cannot be taken over; a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// ffprobe's answer is no answer.
    #[error("what is in the file cannot be told")]
    Answer,
    /// Text, pictures that do not move, an empty file.
    #[error("there is neither a moving picture nor sound in the file")]
    NoMedia,
    /// More pixels than are taken.
    #[error("its picture has {width}x{height} pixels; at most {max} in each direction are taken")]
    TooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// The most.
        max: u32,
    },
}

/// Most pixels in each direction: what the levels of H.265 end at, with room.
const PIXELS_MAX: u32 = 8_704;

/// What is in a file, as far as it is taken over: one track of pictures and one of sound.
#[derive(Clone, PartialEq, Debug)]
pub struct Probe {
    /// How the container is called: `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// The length that the container tells, in milliseconds; `None` when it tells none.
    pub duration_ms: Option<u64>,
    /// The length that its head tells of what is taken, in milliseconds: with it a file that was cut off is told from a whole one.
    pub promised_ms: Option<u64>,
    /// Its pictures.
    pub video: Option<ProbedVideo>,
    /// Its sound.
    pub sound: Option<ProbedSound>,
}

/// A track of pictures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbedVideo {
    /// Which stream of the file.
    pub index: u32,
    /// Its codec, when a reel can hold it.
    pub codec: Option<VideoCodec>,
    /// By how many degrees players turn it.
    pub rotation: i32,
}

/// A track of sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbedSound {
    /// Which stream of the file.
    pub index: u32,
    /// Its codec, when a reel can hold it.
    pub codec: Option<AudioCodec>,
    /// How many channels.
    pub channels: u32,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format_name: String,
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    profile: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    channels: u32,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    default: u8,
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

impl Stream {
    fn is(&self, kind: &str) -> bool {
        self.codec_type.as_deref() == Some(kind) && self.codec_name.as_deref().is_some_and(|name| name != "none")
    }

    fn video(&self) -> ProbedVideo {
        let codec = match self.codec_name.as_deref() {
            Some("h264") => Some(VideoCodec::H264),
            Some("hevc") => Some(VideoCodec::H265),
            _ => None,
        };
        let rotation = self.side_data_list.iter().find_map(|data| data.rotation).unwrap_or(0.0);
        // Degrees; what is no number of them is no rotation.
        let rotation = if rotation.is_finite() { rotation.rem_euclid(360.0).round() } else { 0.0 };
        let rotation = [90, 180, 270].into_iter().find(|degrees| f64::from(*degrees) == rotation).unwrap_or(0);
        ProbedVideo { index: self.index, codec, rotation }
    }

    fn sound(&self) -> ProbedSound {
        let codec = match (self.codec_name.as_deref(), self.profile.as_deref()) {
            // The others have cores that neither browsers nor phones take.
            (Some("aac"), Some("LC" | "HE-AAC" | "HE-AACv2") | None) => Some(AudioCodec::Aac),
            (Some("mp3"), _) => Some(AudioCodec::Mp3),
            _ => None,
        };
        ProbedSound { index: self.index, codec, channels: self.channels }
    }
}

impl Probe {
    /// Reads what ffprobe said.
    pub fn parse(json: &[u8]) -> Result<Self, ProbeError> {
        let told: Told = serde_json::from_slice(json).map_err(|_| ProbeError::Answer)?;
        let best = |kind: &str| {
            let fits = |stream: &&Stream| stream.is(kind) && stream.disposition.attached_pic == 0;
            let default = told.streams.iter().filter(fits).find(|stream| stream.disposition.default != 0);
            default.or_else(|| told.streams.iter().find(fits))
        };
        let (video, sound) = (best("video").filter(|video| video.width > 0), best("audio"));
        if let Some(Stream { width, height, .. }) = video
            && (*width > PIXELS_MAX || *height > PIXELS_MAX)
        {
            return Err(ProbeError::TooLarge { width: *width, height: *height, max: PIXELS_MAX });
        }
        let taken: Vec<&Stream> = [video, sound].into_iter().flatten().collect();
        let of_tracks = taken.iter().filter_map(|stream| milliseconds(stream.duration.as_deref()?)).max();
        let (video, sound) = (video.map(Stream::video), sound.map(Stream::sound));
        if video.is_none() && sound.is_none() {
            return Err(ProbeError::NoMedia);
        }
        let format = told.format.as_ref();
        let name = format.map(|format| format.format_name.clone()).unwrap_or_default();
        let duration_ms = format.and_then(|format| milliseconds(format.duration.as_deref()?));
        let promised_ms = match (of_tracks, taken.len() == told.streams.len()) {
            _ if !tells_its_length(&name) => None,
            (Some(of_tracks), _) => Some(of_tracks),
            (None, true) => duration_ms,
            // Words may go on when the picture has ended.
            (None, false) => None,
        };
        Ok(Self { format: name, duration_ms, promised_ms, video, sound })
    }
}

/// Whether a container says how long it is in its head. Of others the length is guessed from their ends.
fn tells_its_length(format: &str) -> bool {
    format.split(',').any(|name| matches!(name, "mov" | "matroska"))
}

/// Thousandths of a number of seconds with digits and a point.
fn milliseconds(seconds: &str) -> Option<u64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_tracks_are_taken_and_a_picture_of_the_cover_is_no_video() {
        let json = br#"{"streams":[
            {"index":0,"codec_type":"video","codec_name":"mjpeg","width":600,"height":600,"disposition":{"attached_pic":1}},
            {"index":1,"codec_type":"audio","codec_name":"ac3","channels":6,"disposition":{"default":0}},
            {"index":2,"codec_type":"audio","codec_name":"aac","profile":"LC","channels":2,"disposition":{"default":1}},
            {"index":3,"codec_type":"subtitle","codec_name":"subrip"}],
            "format":{"format_name":"matroska,webm","duration":"61.48"}}"#;
        let probe = Probe::parse(json).unwrap();
        assert_eq!(probe.video, None);
        assert_eq!(probe.sound, Some(ProbedSound { index: 2, codec: Some(AudioCodec::Aac), channels: 2 }));
        assert_eq!((probe.duration_ms, probe.promised_ms), (Some(61_480), None), "its words may be longer");
    }

    #[test]
    fn a_video_that_is_turned_is_told_from_one_that_is_not() {
        let file = |rotation: &str| {
            let json = format!(
                r#"{{"streams":[{{"index":0,"codec_type":"video","codec_name":"hevc","width":64,"height":64,
                "side_data_list":[{{}},{{"rotation":{rotation}}}]}}],"format":{{"format_name":"mpegts"}}}}"#
            );
            Probe::parse(json.as_bytes()).unwrap()
        };
        assert_eq!(file("-90").video.unwrap().rotation, 270);
        assert_eq!(file("0").video.unwrap(), ProbedVideo { index: 0, codec: Some(VideoCodec::H265), rotation: 0 });
    }

    #[test]
    fn the_head_promises_the_length_of_what_is_taken() {
        let promised = |format: &str, streams: &str| {
            let json = format!(r#"{{"streams":[{streams}],"format":{{"format_name":"{format}","duration":"61.5"}}}}"#);
            Probe::parse(json.as_bytes()).unwrap().promised_ms
        };
        let sound = r#"{"index":0,"codec_type":"audio","codec_name":"aac","channels":2}"#;
        let timed = r#"{"index":0,"codec_type":"audio","codec_name":"aac","duration":"12.25"}"#;
        assert_eq!(promised("matroska,webm", sound), Some(61_500));
        assert_eq!(promised("mov,mp4,m4a,3gp,3g2,mj2", timed), Some(12_250));
        assert_eq!(promised("mpegts", timed), None);
    }

    #[test]
    fn what_is_no_media_is_refused() {
        let empty = br#"{"streams":[],"format":{"format_name":"mov"}}"#;
        assert_eq!(Probe::parse(empty), Err(ProbeError::NoMedia));
        assert_eq!(Probe::parse(b"{"), Err(ProbeError::Answer));
        let huge = br#"{"streams":[{"index":0,"codec_type":"video","codec_name":"h264","width":100000,"height":8}]}"#;
        assert!(matches!(Probe::parse(huge), Err(ProbeError::TooLarge { width: 100_000, .. })));
    }

    proptest! {
        #[test]
        fn arbitrary_answers_never_panic(text in "\\PC{0,200}", rotation in any::<f64>()) {
            let _ = Probe::parse(text.as_bytes());
            let side = format!(r#"{{"streams":[{{"index":0,"codec_type":"video","codec_name":"h264","width":1,"height":1,"side_data_list":[{{"rotation":{rotation:?}}}]}}]}}"#);
            let _ = Probe::parse(side.as_bytes());
        }
    }
}
