//! How the encoder is told: FFmpeg's arguments for one chunk. One decode feeds all encodings.
//!
//! All names are relative: the encoder runs in a folder of its own. Nothing in the arguments comes from a customer but
//! numbers, the words of closed sets, and the name of a font, which has letters, digits and spaces.

use codec::{AudioCodec, ImageKind, VideoCodec};

use crate::graph::{Overlays, audio_graph, video_graph};
use crate::input::Input;
use crate::level::{h264_level, h265_level};
use crate::marks::{MarkFile, mark_files};
use crate::pictures::Pictures;
use crate::profile::{H264Profile, Passes, Rate};
use crate::resolve::{AudioEncoding, Encoding, VideoEncoding};

/// The names of the encoder's files, within its folder.
#[derive(Clone, Copy, Debug)]
pub struct Paths;

impl Paths {
    /// The `number`th file of pictures that it gets.
    pub fn video_in(number: usize) -> String {
        format!("pictures{number}.mp4")
    }

    /// The sound that it gets.
    pub const AUDIO_IN: &'static str = "sound.mp4";

    /// The `number`th file of a mark that it gets.
    pub fn mark_in(number: usize) -> String {
        format!("mark{number}")
    }

    /// The script of the subtitles on the pictures of encoding `number`.
    pub fn subtitles_in(number: usize) -> String {
        format!("subtitles{number}.ass")
    }

    /// The pictures that it makes of encoding `number`.
    pub fn video_out(number: usize) -> String {
        format!("v{number}.mp4")
    }

    /// The sound that it makes of encoding `number`.
    pub fn audio_out(number: usize) -> String {
        format!("a{number}.mp4")
    }
}

/// Which of the passes over a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pass {
    /// Only looks, for those encodings that are made in two.
    First,
    /// Makes all of them.
    Last,
}

impl Pass {
    /// The passes that `input` takes for `encodings`.
    pub fn of(input: &Input, encodings: &[Encoding]) -> &'static [Self] {
        match encodings.iter().any(|encoding| in_two(encoding) && input.pictures_of(encoding).is_some()) {
            true => &[Self::First, Self::Last],
            false => &[Self::Last],
        }
    }
}

fn in_two(encoding: &Encoding) -> bool {
    encoding.video.as_ref().is_some_and(|video| video.passes == Passes::Two)
}

/// The arguments for one pass over `input` into `encodings`.
pub fn arguments(input: &Input, encodings: &[Encoding], pass: Pass) -> Vec<String> {
    let mut arguments = Arguments::default();
    let subtitled = |encoding: &Encoding| encoding.video.as_ref().is_some_and(|video| video.subtitles.is_some());
    // That letters are in no font is a warning.
    let level = if encodings.iter().any(subtitled) { "warning" } else { "error" };
    arguments.all(&["-nostdin", "-hide_banner", "-v", level, "-progress", "pipe:1", "-copyts"]);
    let wanted = encodings.iter().enumerate().filter(|(_, encoding)| pass == Pass::Last || in_two(encoding));
    let wanted: Vec<(usize, &Encoding)> = wanted.collect();
    let files = mark_files(encodings);
    let mut overlays = Overlays::new(&files);
    let mut graphs = Vec::new();
    for (number, fed) in input.pictures.iter().enumerate() {
        arguments.all(&["-protocol_whitelist", "file", "-threads", "1", "-i", &Paths::video_in(number)]);
        graphs.extend(video_graph(number, input, fed, &wanted, &mut overlays));
    }
    if let (Some(fed), Pass::Last) = (&input.sounds, pass) {
        arguments.all(&["-protocol_whitelist", "file", "-threads", "1", "-i", Paths::AUDIO_IN]);
        graphs.push(audio_graph(input.pictures.len(), fed, encodings));
    }
    let fed = input.pictures.len() + usize::from(input.sounds.is_some() && pass == Pass::Last);
    for (number, file) in overlays.inputs() {
        if let MarkFile::Image { kind, .. } = file {
            let (reader, name) = (reader(*kind), Paths::mark_in(number));
            arguments.all(&["-protocol_whitelist", "file", "-threads", "1", "-f", reader, "-i", &name]);
        }
    }
    graphs.extend(overlays.graphs(fed));
    arguments.all(&["-filter_complex_threads", "1", "-filter_complex", &graphs.join(";")]);
    for (number, encoding) in &wanted {
        if let (Some(video), Some((_, pictures))) = (&encoding.video, input.pictures_of(encoding)) {
            arguments.video(*number, video, pictures, pass);
        }
        if let (Some(audio), true, Pass::Last) = (&encoding.audio, input.sounds.is_some(), pass) {
            arguments.audio(*number, audio);
        }
    }
    arguments.0
}

/// What FFmpeg calls its reader of an image.
const fn reader(kind: ImageKind) -> &'static str {
    match kind {
        ImageKind::Png => "png_pipe",
        ImageKind::Jpeg => "jpeg_pipe",
        ImageKind::Gif => "gif",
    }
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn all(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn video(&mut self, number: usize, video: &VideoEncoding, pictures: &Pictures, pass: Pass) {
        let (map, out) = (format!("[v{number}]"), Paths::video_out(number));
        let tick =
            video.fps.map_or_else(|| "1:90000".to_owned(), |fps| format!("{}:{}", fps.denominator, fps.numerator));
        self.all(&["-map", &map, "-map_metadata", "-1", "-fps_mode", "passthrough", "-enc_time_base", &tick]);
        match video.rate {
            Rate::Kbps(kbps) => self.all(&["-b:v", &format!("{kbps}k")]),
            Rate::Quality(quality) => self.all(&["-crf", &quality.to_string()]),
        }
        if let (Some(most), Some(buffer)) = (video.max_kbps, video.buffer_kbit) {
            self.all(&["-maxrate", &format!("{most}k"), "-bufsize", &format!("{buffer}k")]);
        }
        let times: Vec<String> = pictures.key_times.iter().map(|ticks| seconds(*ticks)).collect();
        self.all(&["-force_key_frames", &times.join(",")]);
        let more = match (video.passes, pass) {
            (Passes::One, _) => String::new(),
            (Passes::Two, Pass::First) => format!(":pass=1:stats=p{number}.log"),
            (Passes::Two, Pass::Last) => format!(":pass=2:stats=p{number}.log"),
            (Passes::Constant, _) => match video.codec {
                VideoCodec::H264 => ":nal-hrd=cbr".to_owned(),
                VideoCodec::H265 => ":strict-cbr=1".to_owned(),
            },
        };
        match video.codec {
            VideoCodec::H264 => self.h264(video, &more),
            VideoCodec::H265 => self.h265(video, pictures.picture_ticks, &more),
        }
        if pass == Pass::First {
            self.all(&["-f", "null", "-"]);
            return;
        }
        self.all(&["-video_track_timescale", "90000"]);
        self.movie(&out);
    }

    fn h264(&mut self, video: &VideoEncoding, more: &str) {
        self.all(&["-c:v", "libx264", "-preset", video.preset.as_str(), "-threads", "1"]);
        self.all(&["-profile:v", video.profile.as_str(), "-level:v", h264_level(video)]);
        let gop = video.gop.map_or_else(|| "infinite".to_owned(), |gop| gop.to_string());
        self.all(&["-x264-params", &format!("keyint={gop}:scenecut=0:open-gop=0:stitchable=1{more}")]);
        if video.profile == H264Profile::Baseline {
            self.all(&["-bf", "0"]);
        }
    }

    /// x265 shares out its bits by the frame rate that it is told, not by times. It stands in none of the parameter sets, so that
    /// sources of different rates have the same.
    fn h265(&mut self, video: &VideoEncoding, picture_ticks: i64, more: &str) {
        let profile = if video.ten_bit { "main10" } else { "main" };
        self.all(&["-c:v", "libx265", "-preset", video.preset.as_str(), "-profile:v", profile, "-forced-idr", "1"]);
        let gop = video.gop.map_or(-1, i64::from);
        let level = h265_level(video, picture_ticks);
        self.all(&[
            "-x265-params",
            &format!(
                "keyint={gop}:scenecut=0:open-gop=0:pools=none:frame-threads=1:info=0:vui-timing-info=0:\
                 fps=90000/{picture_ticks}:level-idc={level}:high-tier=0:log-level=error{more}"
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

/// 90 kHz ticks in seconds, to the microsecond, not later.
pub(crate) fn seconds(ticks: i64) -> String {
    let micros = i128::from(ticks.max(0)) * 1_000_000 / 90_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Color, Drawn, Fps, Mark, Picture, PictureInput, Preset, Sounds, TextMark, Treatment, Turn};

    pub(crate) fn video(width: u32, height: u32) -> VideoEncoding {
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
            fps: None,
            turn: Turn::None,
            deinterlace: false,
            passes: Passes::One,
            bars: true,
            marks: Vec::new(),
            subtitles: None,
        }
    }

    fn of(video: VideoEncoding) -> Encoding {
        Encoding { video: Some(video), audio: None, exact: false }
    }

    fn fed(treatment: Treatment) -> PictureInput {
        let pictures = Pictures {
            skipped: 3,
            lead: 60,
            own: vec![Picture { pts: 90_000, segment: 0 }],
            next: 93_000,
            key_times: vec![89_955, 449_955],
            picture_ticks: 3_003,
            treatment,
            size: (1280, 720),
        };
        PictureInput { file: vec![], pictures }
    }

    fn check(line: &str, parts: &[&str]) {
        for part in parts {
            assert!(line.contains(part), "{part} in {line}");
        }
    }

    #[test]
    fn one_decode_feeds_all() {
        let sound = |codec, volume_db| {
            let audio = AudioEncoding { codec, kbps: 64, sample_rate: 44_100, channels: 2, volume_db };
            Encoding { video: None, audio: Some(audio), exact: false }
        };
        let encodings =
            [of(video(640, 360)), sound(AudioCodec::Aac, 0), of(video(320, 180)), sound(AudioCodec::Mp3, -6)];
        let sounds = Sounds { begin: 0, rate: 48_000, chunk: (90_000, 2_250_000) };
        let input = Input { pictures: vec![fed(Treatment::default())], sounds: Some(sounds), ..Input::default() };
        let line = arguments(&input, &encodings, Pass::Last).join(" ");
        check(
            &line,
            &[
                "[0:v:0]trim=start_frame=3:end_frame=64,split=2[s0][s2];[s0]scale=640:360",
                "[1:a:0]asplit=2[t1][t3]",
                "-force_key_frames 0.999500,4.999500",
                "[a1] -map_metadata -1 -c:a aac",
                "volume=-6dB",
                "[a3] -map_metadata -1 -c:a libmp3lame -reservoir 0",
                "v0.mp4",
                "v2.mp4",
                "a1.mp4",
                "a3.mp4",
            ],
        );
        assert_eq!((line.matches("volume=").count(), Pass::of(&input, &encodings)), (1, &[Pass::Last][..]));
    }

    #[test]
    fn marks_are_drawn_on_the_pictures_of_their_time_and_each_file_is_read_once() {
        let image = |from, to| Mark {
            drawn: Drawn::Image { hash: "ab".into(), kind: ImageKind::Png, at: (10, 20), size: (64, 32) },
            from,
            to,
        };
        let text = TextMark {
            content: "50 % off: 'now'".into(),
            font: "DejaVu Sans".into(),
            size: 24,
            color: Color(255, 0, 16),
            opacity: 85,
            border_color: Color(0, 0, 0),
            border: 2,
            left: 5,
            top: 6,
        };
        let marks = vec![
            image(Some(93_003), Some(96_006)),
            Mark { drawn: Drawn::Text(text), from: None, to: None },
            image(Some(100_000), None),
            image(None, Some(90_000)),
        ];
        let encodings = [
            of(VideoEncoding { marks, ..video(640, 360) }),
            of(VideoEncoding { marks: vec![image(None, None)], ten_bit: true, ..video(320, 180) }),
            of(video(160, 90)),
        ];
        let mut fed = fed(Treatment::default());
        let times = [90_000, 93_003, 96_006, 99_009];
        fed.pictures.own = times.map(|pts| Picture { pts, segment: 0 }).into();
        let input = Input { pictures: vec![fed], ..Input::default() };
        let line = arguments(&input, &encodings, Pass::Last).join(" ");
        check(
            &line,
            &[
                "-f png_pipe -i mark0",
                "format=yuv420p[b0m0];[b0m0][o0m0]overlay=10:20:format=yuv420:enable='gte(t,1.032866)*lt(t,1.066233)',\
                 drawtext=textfile=mark1:expansion=none:font=DejaVu Sans:fontsize=24:fontcolor=0xff0010@0.85:\
                 borderw=2:bordercolor=0x000000@0.85:x=5:y=6[v0]",
                "[b1m0];[b1m0][o1m0]overlay=10:20:format=yuv420p10[v1]",
                "format=yuv420p[v2]",
                "[1:v:0]trim=end_frame=1,split=2[i1n0][i1n1];\
                 [i1n0]scale=64:32:flags=bicubic:out_color_matrix=bt709,format=yuva420p[o0m0];\
                 [i1n1]scale=64:32:flags=bicubic:out_color_matrix=bt709,format=yuva420p10le[o1m0]",
            ],
        );
        assert!(!line.contains("now"), "words come from a file: {line}");
        assert_eq!((line.matches(" -i ").count(), line.matches("overlay").count()), (2, 2), "{line}");
        let files = mark_files(&encodings);
        assert_eq!(files, [MarkFile::Image { hash: "ab", kind: ImageKind::Png }, MarkFile::Text("50 % off: 'now'")]);
    }

    #[test]
    fn what_has_another_rate_or_one_picture_of_two_fields_has_a_decode_of_its_own() {
        let (fps, deinterlace) = (Fps::parse("29.97"), true);
        let encodings = [
            of(video(640, 360)),
            of(VideoEncoding { fps, ..video(640, 360) }),
            of(VideoEncoding { deinterlace, ..video(320, 180) }),
        ];
        let treatments = encodings.each_ref().map(|one| Treatment::of(one.video.as_ref().unwrap()));
        let input = Input { pictures: treatments.map(fed).into(), ..Input::default() };
        check(
            &arguments(&input, &encodings, Pass::Last).join(" "),
            &[
                "-i pictures2.mp4",
                "[0:v:0]trim=start_frame=3:end_frame=64,split=1[s0]",
                "[1:v:0]trim=start_frame=3,fps=fps=30000/1001:round=up,tpad=stop_mode=clone:stop=61,trim=end_frame=61,split=1[s1]",
                "[2:v:0]trim=start_frame=3:end_frame=64,yadif=mode=send_frame:deint=interlaced,split=1[s2]",
                "-enc_time_base 1001:30000",
            ],
        );
    }

    #[test]
    fn a_first_pass_looks_at_those_that_are_made_in_two() {
        let two = VideoEncoding { passes: Passes::Two, turn: Turn::Right, ..video(360, 640) };
        let encodings = [of(video(640, 360)), of(two)];
        let input = Input { pictures: vec![fed(Treatment::default())], ..Input::default() };
        assert_eq!(Pass::of(&input, &encodings), [Pass::First, Pass::Last]);
        assert_eq!(Pass::of(&Input::default(), &encodings), [Pass::Last], "there is nothing to look at");
        let first = arguments(&input, &encodings, Pass::First).join(" ");
        check(&first, &["split=1[s1];[s1]transpose=clock,scale=360:640", ":pass=1:stats=p1.log", "-f null -"]);
        assert!(!first.contains("v0"));
        let last = arguments(&input, &encodings, Pass::Last).join(" ");
        check(&last, &[":pass=2:stats=p1.log", "v0.mp4", "v1.mp4"]);
        assert_eq!(last.matches("pass=").count(), 1);
    }

    #[test]
    fn h265_is_told_its_rate_and_to_begin_anew_at_key_frames() {
        let video = VideoEncoding {
            codec: VideoCodec::H265,
            ten_bit: true,
            gop: Some(50),
            passes: Passes::Constant,
            ..video(640, 480)
        };
        let input = Input { pictures: vec![fed(Treatment::default())], ..Input::default() };
        check(
            &arguments(&input, &[of(video)], Pass::Last).join(" "),
            &[
                "scale=640:360:flags=bicubic,setsar=1,format=yuv420p10le,pad=640:480:0:60",
                "-profile:v main10",
                "-forced-idr 1",
                "keyint=50:",
                "fps=90000/3003:",
                ":strict-cbr=1",
                "-tag:v hvc1",
            ],
        );
    }
}
