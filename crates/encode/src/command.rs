//! How the encoder is told: FFmpeg's arguments for one chunk. One decode feeds all encodings.
//!
//! All names are relative: the encoder runs in a folder of its own. Nothing in the arguments comes from a customer but
//! numbers and the words of closed sets.

use codec::AudioCodec;

use crate::input::{Input, Pictures, Sounds};
use crate::resolve::{AudioEncoding, Encoding, VideoEncoding};
use crate::sound::{Framing, frame_begin};
use crate::{H264Profile, Rate};

/// Pictures per second that a level has to allow for, whatever the source has in one chunk or another: the level is part
/// of the parameters, which are the same in all chunks.
const LEVEL_FPS: u32 = 60;
/// Level, largest picture in macroblocks, macroblocks per second (ISO/IEC 14496-10 table A-1).
const LEVELS: [(&str, u32, u32); 7] = [
    ("3.0", 1_620, 40_500),
    ("3.1", 3_600, 108_000),
    ("3.2", 5_120, 216_000),
    ("4.0", 8_192, 245_760),
    ("4.2", 8_704, 522_240),
    ("5.1", 36_864, 983_040),
    ("5.2", 36_864, 2_073_600),
];

/// The names of the encoder's files, within its folder.
#[derive(Clone, Copy, Debug)]
pub struct Paths;

impl Paths {
    /// The pictures that it gets.
    pub const VIDEO_IN: &'static str = "pictures.mp4";
    /// The sound that it gets.
    pub const AUDIO_IN: &'static str = "sound.mp4";

    /// The pictures that it makes of encoding `number`.
    pub fn video_out(number: usize) -> String {
        format!("v{number}.mp4")
    }

    /// The sound that it makes of encoding `number`.
    pub fn audio_out(number: usize) -> String {
        format!("a{number}.mp4")
    }
}

/// The arguments that encode `input` into all `encodings`.
pub fn arguments(input: &Input, encodings: &[Encoding]) -> Vec<String> {
    let mut arguments = Arguments::default();
    arguments.all(&["-nostdin", "-hide_banner", "-v", "error", "-progress", "pipe:1", "-copyts"]);
    let mut graphs = Vec::new();
    let mut inputs = 0;
    if let Some(pictures) = &input.pictures {
        arguments.all(&["-protocol_whitelist", "file", "-threads", "1", "-i", Paths::VIDEO_IN]);
        graphs.push(video_graph(inputs, pictures, encodings));
        inputs += 1;
    }
    if let Some(fed) = &input.sounds {
        arguments.all(&["-protocol_whitelist", "file", "-threads", "1", "-i", Paths::AUDIO_IN]);
        graphs.push(audio_graph(inputs, fed, encodings));
    }
    arguments.all(&["-filter_complex_threads", "1", "-filter_complex", &graphs.join(";")]);
    if let Some(pictures) = &input.pictures {
        for (number, encoding) in encodings.iter().enumerate() {
            if let Some(video) = &encoding.video {
                arguments.video(number, video, pictures);
            }
        }
    }
    if input.sounds.is_some() {
        for (number, encoding) in encodings.iter().enumerate() {
            if let Some(audio) = &encoding.audio {
                arguments.audio(number, audio);
            }
        }
    }
    arguments.0
}

fn video_graph(input: usize, pictures: &Pictures, encodings: &[Encoding]) -> String {
    let with_video: Vec<(usize, &VideoEncoding)> =
        encodings.iter().enumerate().filter_map(|(number, one)| Some((number, one.video.as_ref()?))).collect();
    let mut graph = format!("[{input}:v:0]trim=start_frame={},split={}", pictures.skipped, with_video.len());
    for (number, _) in &with_video {
        graph.push_str(&format!("[s{number}]"));
    }
    for (number, video) in &with_video {
        let (width, height) = (video.width, video.height);
        graph.push_str(&format!(";[s{number}]scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p[v{number}]"));
    }
    graph
}

fn audio_graph(input: usize, fed: &Sounds, encodings: &[Encoding]) -> String {
    let with_audio: Vec<(usize, &AudioEncoding)> =
        encodings.iter().enumerate().filter_map(|(number, one)| Some((number, one.audio.as_ref()?))).collect();
    let mut graph = format!("[{input}:a:0]asplit={}", with_audio.len());
    for (number, _) in &with_audio {
        graph.push_str(&format!("[t{number}]"));
    }
    for (number, audio) in &with_audio {
        let rate = audio.sample_rate;
        let framing = Framing::of(audio);
        let (first, end) = framing.encoded(fed.chunk, rate);
        let samples = frame_begin(end.saturating_sub(first), framing.frame).saturating_add(i64::from(framing.early));
        // The first sample that the graph sees lies here, at the rate that it is brought to.
        let begin = i128::from(fed.begin) * i128::from(rate) * 2 + i128::from(fed.rate);
        let begin = i64::try_from(begin.div_euclid(i128::from(fed.rate.max(1)) * 2)).unwrap_or(0);
        let from = frame_begin(first, framing.frame).saturating_sub(i64::from(framing.early));
        let from = from.saturating_sub(begin).max(0);
        let layout = if audio.channels == 1 { "mono" } else { "stereo" };
        let louder = if audio.volume_db == 0 { String::new() } else { format!(",volume={}dB", audio.volume_db) };
        graph.push_str(&format!(
            ";[t{number}]aresample={rate},aformat=sample_fmts=fltp:channel_layouts={layout}{louder},\
             atrim=start_sample={from}:end_sample={},asetpts=N/SR/TB,apad=whole_len={samples}[a{number}]",
            from.saturating_add(samples)
        ));
    }
    graph
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn all(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn video(&mut self, number: usize, video: &VideoEncoding, pictures: &Pictures) {
        let (map, out) = (format!("[v{number}]"), Paths::video_out(number));
        self.all(&["-map", &map, "-map_metadata", "-1", "-fps_mode", "passthrough", "-enc_time_base", "1:90000"]);
        self.all(&["-c:v", "libx264", "-preset", video.preset.as_str(), "-threads", "1"]);
        self.all(&["-profile:v", video.profile.as_str(), "-level:v", level(video)]);
        match video.rate {
            Rate::Kbps(kbps) => self.all(&["-b:v", &format!("{kbps}k")]),
            Rate::Quality(quality) => self.all(&["-crf", &quality.to_string()]),
        }
        if let (Some(most), Some(buffer)) = (video.max_kbps, video.buffer_kbit) {
            self.all(&["-maxrate", &format!("{most}k"), "-bufsize", &format!("{buffer}k")]);
        }
        let times: Vec<String> = pictures.key_times.iter().map(|ticks| seconds(*ticks)).collect();
        self.all(&["-force_key_frames", &times.join(",")]);
        let gop = video.gop.map_or_else(|| "infinite".to_owned(), |gop| gop.to_string());
        self.all(&["-x264-params", &format!("keyint={gop}:scenecut=0:open-gop=0")]);
        if video.profile == H264Profile::Baseline {
            self.all(&["-bf", "0"]);
        }
        self.all(&["-video_track_timescale", "90000"]);
        self.movie(&out);
    }

    fn audio(&mut self, number: usize, audio: &AudioEncoding) {
        let (map, out) = (format!("[a{number}]"), Paths::audio_out(number));
        self.all(&["-map", &map, "-map_metadata", "-1"]);
        match audio.codec {
            AudioCodec::Aac => self.all(&["-c:a", "aac", "-profile:a", "aac_low"]),
            // Without a reservoir no frame needs bits of the one before it, which may be another chunk's.
            AudioCodec::Mp3 => self.all(&["-c:a", "libmp3lame", "-reservoir", "0"]),
        }
        self.all(&["-b:a", &format!("{}k", audio.kbps), "-threads", "1"]);
        self.movie(&out);
    }

    fn movie(&mut self, out: &str) {
        self.all(&["-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof", out]);
    }
}

fn level(video: &VideoEncoding) -> &'static str {
    let blocks = video.width.div_ceil(16).saturating_mul(video.height.div_ceil(16));
    let per_second = blocks.saturating_mul(LEVEL_FPS);
    let fits = LEVELS.iter().find(|(_, size, speed)| blocks <= *size && per_second <= *speed);
    fits.map_or("5.2", |(level, ..)| level)
}

/// 90 kHz ticks in seconds, to the microsecond, not later.
fn seconds(ticks: i64) -> String {
    let micros = i128::from(ticks.max(0)) * 1_000_000 / 90_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Picture, Preset};

    fn video(width: u32, height: u32) -> VideoEncoding {
        VideoEncoding {
            width,
            height,
            rate: Rate::Kbps(900),
            max_kbps: Some(1350),
            buffer_kbit: Some(1800),
            gop: None,
            preset: Preset::Veryfast,
            profile: H264Profile::High,
        }
    }

    #[test]
    fn one_decode_feeds_all() {
        let of = |width, height| Encoding { video: Some(video(width, height)), audio: None };
        let sound = |codec, volume_db| {
            let audio = AudioEncoding { codec, kbps: 64, sample_rate: 44_100, channels: 2, volume_db };
            Encoding { video: None, audio: Some(audio) }
        };
        let encodings = [of(640, 360), sound(AudioCodec::Aac, 0), of(320, 180), sound(AudioCodec::Mp3, -6)];
        let pictures = Pictures {
            skipped: 3,
            lead: 60,
            own: vec![Picture { pts: 90_000, segment: 0 }],
            key_times: vec![89_955, 449_955],
        };
        let sounds = Sounds { begin: 0, rate: 48_000, chunk: (90_000, 2_250_000) };
        let input = Input { pictures: Some(pictures), sounds: Some(sounds), ..Input::default() };
        let line = arguments(&input, &encodings).join(" ");
        for part in [
            "[0:v:0]trim=start_frame=3,split=2[s0][s2];[s0]scale=640:360",
            "[1:a:0]asplit=2[t1][t3]",
            "-force_key_frames 0.999500,4.999500",
            "[a1] -map_metadata -1 -c:a aac",
            "volume=-6dB",
            "[a3] -map_metadata -1 -c:a libmp3lame -reservoir 0",
            "v0.mp4",
            "v2.mp4",
            "a1.mp4",
            "a3.mp4",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert_eq!(line.matches("volume=").count(), 1);
    }

    #[test]
    fn a_level_allows_for_the_size() {
        let found =
            [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (4096, 4096)].map(|(w, h)| level(&video(w, h)));
        assert_eq!(found, ["3.1", "3.2", "4.2", "5.2", "5.2"]);
    }
}
