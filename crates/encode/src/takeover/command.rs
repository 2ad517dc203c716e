//! How FFmpeg and ffprobe are asked about a file that somebody else made.
//!
//! **Invariant:** they read that one file and nothing that it names: no network, no other files, no playlists.

use codec::{AudioCodec, VideoCodec};

use super::probe::Probe;

/// Containers that are read. Those that name other files (playlists, concatenations) are not among them, nor still pictures.
const FORMATS: &str =
    "mov,matroska,webm,mpegts,mpeg,flv,avi,asf,ogg,wav,w64,mp3,aac,flac,aiff,caf,mxf,h264,hevc,rm,dv,ivf,nut,amr";
/// How much of a file is read to find its tracks, in bytes and microseconds: tracks of broadcasts come late.
const PROBE_BYTES: &str = "50000000";
const PROBE_MICROSECONDS: &str = "30000000";
/// Seconds between key frames of what is encoded on the way; segments begin there.
const KEY_SECONDS: u32 = 4;
/// Kilobits per second of sound that is encoded on the way, per pair of channels.
const SOUND_KBPS_PER_PAIR: u32 = 192;
/// Channels of sound that are kept; of more a pair is made.
const CHANNELS_MAX: u32 = 6;

/// What becomes of one track of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taking {
    /// Each frame as it is.
    Copied,
    /// A reel cannot hold it.
    Encoded,
}

/// What is taken of a file, and how.
#[derive(Clone, PartialEq, Debug)]
pub struct TakePlan {
    /// What is in the file.
    pub probe: Probe,
    /// What becomes of its pictures.
    pub video: Taking,
    /// What becomes of its sound.
    pub sound: Taking,
}

impl TakePlan {
    /// As it is, wherever that is possible. Pictures that players turn are encoded turned: a reel has no place to say so.
    pub fn new(probe: Probe) -> Self {
        let video = match &probe.video {
            Some(video) if video.codec.is_none() || video.rotation != 0 => Taking::Encoded,
            _ => Taking::Copied,
        };
        let sound = match &probe.sound {
            Some(sound) if sound.codec.is_none() => Taking::Encoded,
            _ => Taking::Copied,
        };
        Self { probe, video, sound }
    }

    /// The same with encoded pictures, or with encoded sound; `None` when they are already.
    pub fn encoding(&self, pictures: bool) -> Option<Self> {
        match (pictures, self.video, self.sound) {
            (true, Taking::Copied, _) if self.probe.video.is_some() => {
                Some(Self { video: Taking::Encoded, ..self.clone() })
            }
            (false, _, Taking::Copied) if self.probe.sound.is_some() => {
                Some(Self { sound: Taking::Encoded, ..self.clone() })
            }
            _ => None,
        }
    }

    /// Whether anything is encoded.
    pub fn encodes(&self) -> bool {
        self.video == Taking::Encoded || self.sound == Taking::Encoded
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// What both programs are told of the file: to read it, and nothing else.
fn input(file: &str) -> Vec<String> {
    let mut line = words(&["-protocol_whitelist", "file", "-format_whitelist", FORMATS]);
    line.extend(words(&["-probesize", PROBE_BYTES, "-analyzeduration", PROBE_MICROSECONDS, "-i"]));
    // The name is one of a file, whatever it looks like.
    line.push(format!("file:{file}"));
    line
}

/// The arguments with which ffprobe tells what is in a file.
pub fn probe_arguments(file: &str) -> Vec<String> {
    const ENTRIES: &str = "format=format_name,duration:stream=index,codec_type,codec_name,profile,duration,width,height,channels\
        :stream_disposition=default,attached_pic:stream_side_data=rotation";
    let mut line = words(&["-v", "error", "-of", "json", "-show_entries", ENTRIES]);
    line.extend(input(file));
    line
}

/// The arguments with which FFmpeg puts the frames of a file out, as a fragmented MP4 on standard output: fragments of one track and
/// about a second, in the order of their times, under the times that they have in the file, counted from its beginning.
pub fn take_arguments(file: &str, plan: &TakePlan) -> Vec<String> {
    let mut line = words(&["-nostdin", "-v", "error", "-fflags", "+genpts"]);
    line.extend(input(file));
    if let Some(video) = &plan.probe.video {
        line.extend(words(&["-map", &format!("0:{}", video.index)]));
        match plan.video {
            Taking::Copied => line.extend(words(&["-c:v", "copy"])),
            Taking::Encoded => {
                let keys = format!("expr:gte(t,n_forced*{KEY_SECONDS})");
                line.extend(words(&["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]));
                line.extend(words(&["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2", "-fps_mode", "passthrough"]));
                line.extend(words(&["-force_key_frames", &keys, "-x264-params", "open-gop=0"]));
            }
        }
        line.extend(words(&["-video_track_timescale", "90000"]));
        if video.codec == Some(VideoCodec::H265) && plan.video == Taking::Copied {
            line.extend(words(&["-tag:v", "hvc1"]));
        }
    }
    if let Some(sound) = &plan.probe.sound {
        line.extend(words(&["-map", &format!("0:{}", sound.index)]));
        match plan.sound {
            Taking::Copied => {
                line.extend(words(&["-c:a", "copy"]));
                if sound.codec == Some(AudioCodec::Aac) {
                    // Transport streams have a header before each frame, and none before all of them.
                    line.extend(words(&["-bsf:a", "aac_adtstoasc"]));
                }
            }
            Taking::Encoded => {
                let channels = if sound.channels > CHANNELS_MAX { 2 } else { sound.channels.max(1) };
                let kbps = channels.div_ceil(2) * SOUND_KBPS_PER_PAIR;
                line.extend(words(&["-c:a", "aac", "-ac", &channels.to_string(), "-b:a", &format!("{kbps}k")]));
                // Gaps in the times stay gaps.
                line.extend(words(&["-af", "aresample=async=1000"]));
            }
        }
    }
    line.extend(words(&["-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]));
    // Times as they are in the file, those before 0 too.
    line.extend(words(&["-use_editlist", "0", "-avoid_negative_ts", "disabled"]));
    line.extend(words(&["-movflags", "delay_moov+default_base_moof+separate_moof+frag_discont+skip_trailer"]));
    line.extend(words(&["-frag_duration", "1000000", "-f", "mp4", "pipe:1"]));
    line
}

#[cfg(test)]
mod tests {
    use super::super::probe::{ProbedSound, ProbedVideo};
    use super::*;

    fn probe(video: Option<VideoCodec>, rotation: i32, sound: Option<AudioCodec>) -> Probe {
        Probe {
            format: "mov,mp4".to_owned(),
            duration_ms: None,
            promised_ms: None,
            video: Some(ProbedVideo { index: 0, codec: video, rotation }),
            sound: Some(ProbedSound { index: 3, codec: sound, channels: 2 }),
        }
    }

    #[test]
    fn only_what_a_reel_cannot_hold_is_encoded() {
        let plan = |video, rotation, sound| {
            let plan = TakePlan::new(probe(video, rotation, sound));
            (plan.video, plan.sound)
        };
        let (h264, aac) = (Some(VideoCodec::H264), Some(AudioCodec::Aac));
        assert_eq!(plan(h264, 0, aac), (Taking::Copied, Taking::Copied));
        assert_eq!(plan(h264, 0, None), (Taking::Copied, Taking::Encoded));
        assert_eq!(plan(None, 0, aac), (Taking::Encoded, Taking::Copied));
        assert_eq!(plan(h264, 90, aac), (Taking::Encoded, Taking::Copied));
    }

    #[test]
    fn what_did_not_fit_is_encoded_once() {
        let plan = TakePlan::new(probe(Some(VideoCodec::H265), 0, Some(AudioCodec::Aac)));
        let encoding = plan.encoding(true).unwrap();
        assert_eq!((encoding.video, encoding.sound, encoding.encodes()), (Taking::Encoded, Taking::Copied, true));
        assert_eq!(encoding.encoding(true), None);
        assert_eq!(encoding.encoding(false).unwrap().sound, Taking::Encoded);
    }

    #[test]
    fn the_file_is_a_file_whatever_its_name_looks_like() {
        let plan = TakePlan::new(probe(Some(VideoCodec::H264), 0, None));
        for line in [take_arguments("http://x/y", &plan), probe_arguments("http://x/y")] {
            let at = line.iter().position(|word| word == "-i").unwrap();
            assert_eq!(line[at + 1], "file:http://x/y");
            assert!(line[..at].windows(2).any(|pair| pair == ["-protocol_whitelist", "file"]));
        }
    }
}
