//! How the encoder is told: FFmpeg's arguments for one chunk. One decode feeds all encodings.
//!
//! All names are relative: the encoder runs in a folder of its own. Nothing in the arguments comes from a customer but
//! numbers and the words of closed sets.

use codec::{AudioCodec, VideoCodec};

use crate::input::{Input, Pictures, Sounds};
use crate::resolve::{AudioEncoding, Encoding, VideoEncoding};
use crate::sound::{Framing, frame_begin};
use crate::{H264Profile, Rate};

/// Pictures per second that a level has to allow for, whatever the source has in one chunk or another: the level is part
/// of the parameters, which are the same in all chunks.
const LEVEL_FPS: u32 = 60;
/// Level, largest picture in macroblocks, macroblocks per second (ISO/IEC 14496-10 table A-1).
const H264_LEVELS: [(&str, u32, u32); 7] = [
    ("3.0", 1_620, 40_500),
    ("3.1", 3_600, 108_000),
    ("3.2", 5_120, 216_000),
    ("4.0", 8_192, 245_760),
    ("4.2", 8_704, 522_240),
    ("5.1", 36_864, 983_040),
    ("5.2", 36_864, 2_073_600),
];

/// Level, largest picture in samples, samples per second, kilobits per second in the Main tier (ISO/IEC 23008-2 tables A.8, A.9).
const H265_LEVELS: [(&str, u64, u64, u32); 10] = [
    ("3.0", 552_960, 16_588_800, 6_000),
    ("3.1", 983_040, 33_177_600, 10_000),
    ("4.0", 2_228_224, 66_846_720, 12_000),
    ("4.1", 2_228_224, 133_693_440, 20_000),
    ("5.0", 8_912_896, 267_386_880, 25_000),
    ("5.1", 8_912_896, 534_773_760, 40_000),
    ("5.2", 8_912_896, 1_069_547_520, 60_000),
    ("6.0", 35_651_584, 1_069_547_520, 60_000),
    ("6.1", 35_651_584, 2_139_095_040, 120_000),
    ("6.2", 35_651_584, 4_278_190_080, 240_000),
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
        let format = if video.ten_bit { "yuv420p10le" } else { "yuv420p" };
        graph
            .push_str(&format!(";[s{number}]scale={width}:{height}:flags=bicubic,setsar=1,format={format}[v{number}]"));
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
        match video.rate {
            Rate::Kbps(kbps) => self.all(&["-b:v", &format!("{kbps}k")]),
            Rate::Quality(quality) => self.all(&["-crf", &quality.to_string()]),
        }
        if let (Some(most), Some(buffer)) = (video.max_kbps, video.buffer_kbit) {
            self.all(&["-maxrate", &format!("{most}k"), "-bufsize", &format!("{buffer}k")]);
        }
        let times: Vec<String> = pictures.key_times.iter().map(|ticks| seconds(*ticks)).collect();
        self.all(&["-force_key_frames", &times.join(",")]);
        match video.codec {
            VideoCodec::H264 => self.h264(video),
            VideoCodec::H265 => self.h265(video, pictures.picture_ticks),
        }
        self.all(&["-video_track_timescale", "90000"]);
        self.movie(&out);
    }

    fn h264(&mut self, video: &VideoEncoding) {
        self.all(&["-c:v", "libx264", "-preset", video.preset.as_str(), "-threads", "1"]);
        self.all(&["-profile:v", video.profile.as_str(), "-level:v", h264_level(video)]);
        let gop = video.gop.map_or_else(|| "infinite".to_owned(), |gop| gop.to_string());
        self.all(&["-x264-params", &format!("keyint={gop}:scenecut=0:open-gop=0")]);
        if video.profile == H264Profile::Baseline {
            self.all(&["-bf", "0"]);
        }
    }

    /// x265 shares out its bits by the frame rate that it is told, not by times. It stands in none of the parameter sets, so that
    /// sources of different rates have the same.
    fn h265(&mut self, video: &VideoEncoding, picture_ticks: i64) {
        let profile = if video.ten_bit { "main10" } else { "main" };
        self.all(&["-c:v", "libx265", "-preset", video.preset.as_str(), "-profile:v", profile, "-forced-idr", "1"]);
        let gop = video.gop.map_or(-1, i64::from);
        let level = h265_level(video, picture_ticks);
        self.all(&[
            "-x265-params",
            &format!(
                "keyint={gop}:scenecut=0:open-gop=0:pools=none:frame-threads=1:info=0:vui-timing-info=0:\
                 fps=90000/{picture_ticks}:level-idc={level}:high-tier=0:log-level=error"
            ),
        ]);
        self.all(&["-tag:v", "hvc1"]);
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

fn h264_level(video: &VideoEncoding) -> &'static str {
    let blocks = video.width.div_ceil(16).saturating_mul(video.height.div_ceil(16));
    let per_second = blocks.saturating_mul(LEVEL_FPS);
    let fits = H264_LEVELS.iter().find(|(_, size, speed)| blocks <= *size && per_second <= *speed);
    fits.map_or("5.2", |(level, ..)| level)
}

/// x265 holds itself to its level, and encodes nothing that is too fast for it.
fn h265_level(video: &VideoEncoding, picture_ticks: i64) -> &'static str {
    let samples = u64::from(video.width).saturating_mul(u64::from(video.height));
    let fps = 90_000_u64.div_ceil(u64::try_from(picture_ticks).unwrap_or(1).max(1)).max(u64::from(LEVEL_FPS));
    let kbps = video.max_kbps.max(video.buffer_kbit).unwrap_or(0);
    let fits = H265_LEVELS
        .iter()
        .find(|(_, size, speed, most)| samples <= *size && samples.saturating_mul(fps) <= *speed && kbps <= *most);
    fits.map_or("6.2", |(level, ..)| level)
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
            codec: VideoCodec::H264,
            width,
            height,
            rate: Rate::Kbps(900),
            max_kbps: Some(1350),
            buffer_kbit: Some(1800),
            gop: None,
            preset: Preset::Veryfast,
            profile: H264Profile::High,
            ten_bit: false,
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
            picture_ticks: 3_000,
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
    fn h265_is_told_its_rate_and_to_begin_anew_at_key_frames() {
        let video = VideoEncoding { codec: VideoCodec::H265, ten_bit: true, gop: Some(50), ..video(640, 360) };
        let pictures = Pictures { skipped: 0, lead: 0, own: vec![], key_times: vec![89_955], picture_ticks: 3_003 };
        let input = Input { pictures: Some(pictures), ..Input::default() };
        let line = arguments(&input, &[Encoding { video: Some(video), audio: None }]).join(" ");
        for part in
            ["format=yuv420p10le", "-profile:v main10", "-forced-idr 1", "keyint=50:", "fps=90000/3003:", "-tag:v hvc1"]
        {
            assert!(line.contains(part), "{part} in {line}");
        }
    }

    #[test]
    fn a_level_allows_for_the_size() {
        let found =
            [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (4096, 4096)].map(|(w, h)| h264_level(&video(w, h)));
        assert_eq!(found, ["3.1", "3.2", "4.2", "5.2", "5.2"]);
        let found = [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (4096, 4096)];
        let found = found.map(|(w, h)| h265_level(&video(w, h), 3_600));
        assert_eq!(found, ["3.0", "4.0", "4.1", "5.1", "6.0"]);
        assert_eq!(h265_level(&video(1920, 1080), 750), "5.0", "120 pictures a second");
        let many = VideoEncoding { max_kbps: Some(30_000), buffer_kbit: Some(40_000), ..video(640, 360) };
        assert_eq!(h265_level(&many, 3_600), "5.1");
    }
}
