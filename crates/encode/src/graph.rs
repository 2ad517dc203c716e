//! What is done to pictures and sound between decoder and encoder, as a filter graph. One decode feeds all encodings.

use crate::command::{Paths, seconds};
use crate::input::{Input, Sounds};
use crate::marks::{Drawn, MarkFile, TextMark};
use crate::pictures::{PictureInput, Pictures};
use crate::profile::Turn;
use crate::resolve::{AudioEncoding, Encoding, VideoEncoding};
use crate::shots::Color;
use crate::sound::{Framing, frame_begin};
use crate::subtitles;

/// Pixels by which a picture may be off its frame before it gets bars: what rounding to even sides can make.
const SLACK: u32 = 2;
/// The shorter side, in pixels, from which on players take pictures for those of high definition (ITU-R BT.709).
const LARGE: u32 = 720;

/// The pictures of one file, for those of `encodings` that are made of it and wanted: each comes out as `v` and its number.
pub(crate) fn video_graph(
    number: usize,
    input: &Input,
    fed: &PictureInput,
    encodings: &[(usize, &Encoding)],
    overlays: &mut Overlays<'_>,
) -> Option<String> {
    let own: Vec<(usize, &VideoEncoding)> = encodings
        .iter()
        .filter(|(_, encoding)| input.pictures_of(encoding).is_some_and(|(made_of, _)| made_of == number))
        .filter_map(|(at, encoding)| Some((*at, encoding.video.as_ref()?)))
        .collect();
    if own.is_empty() {
        return None;
    }
    let mut graph = format!("[{number}:v:0]{},split={}", chosen(&fed.pictures), own.len());
    for (at, _) in &own {
        graph.push_str(&format!("[s{at}]"));
    }
    for (at, video) in &own {
        let marked = overlays.marked(*at, video, &fed.pictures);
        let subtitled = video.subtitles.as_ref().map_or_else(String::new, |_| subtitles::filter(*at));
        graph.push_str(&format!(";[s{at}]{}{marked}{subtitled}[v{at}]", shaped(video, &fed.pictures)));
    }
    Some(graph)
}

/// The images that are laid over pictures: each file is read once, however often it is wanted.
pub(crate) struct Overlays<'a> {
    /// The files of all marks.
    files: &'a [MarkFile<'a>],
    /// Of each file: in which sizes and formats it is wanted, and under which label.
    wanted: Vec<Vec<String>>,
}

impl<'a> Overlays<'a> {
    pub(crate) fn new(files: &'a [MarkFile<'a>]) -> Self {
        Self { files, wanted: files.iter().map(|_| Vec::new()).collect() }
    }

    /// What draws the marks of encoding `number`, as far as they are shown in the chunk; follows the filters of its shape.
    fn marked(&mut self, number: usize, video: &VideoEncoding, pictures: &Pictures) -> String {
        let mut filters = String::new();
        for (nth, mark) in video.marks.iter().enumerate() {
            let Some(window) = pictures.window(mark.from, mark.to) else { continue };
            let Some(file) = self.files.iter().position(|file| *file == mark.drawn.file()) else { continue };
            match &mark.drawn {
                Drawn::Text(text) => filters.push_str(&format!(",{}{}", words(file, text), enabled(window))),
                Drawn::Image { at: (x, y), size: (width, height), .. } => {
                    let label = format!("{number}m{nth}");
                    let (format, alpha) =
                        if video.ten_bit { ("yuv420p10", "yuva420p10le") } else { ("yuv420", "yuva420p") };
                    // Large pictures have other colours where nothing is said of them.
                    let large = pictures.size.0.min(pictures.size.1) >= LARGE;
                    let matrix = if large { "bt709" } else { "bt601" };
                    let fitted =
                        format!("scale={width}:{height}:flags=bicubic:out_color_matrix={matrix},format={alpha}");
                    if let Some(wanted) = self.wanted.get_mut(file) {
                        wanted.push(format!("{fitted}[o{label}]"));
                    }
                    filters.push_str(&format!(
                        "[b{label}];[b{label}][o{label}]overlay={x}:{y}:format={format}{}",
                        enabled(window)
                    ));
                }
            }
        }
        filters
    }

    /// The files that are read, in the order of their inputs.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (usize, &MarkFile<'a>)> {
        let used = self.wanted.iter().map(|wanted| !wanted.is_empty());
        self.files.iter().enumerate().zip(used).filter_map(|(file, used)| used.then_some(file))
    }

    /// What brings them to their sizes; the first of them is input `first`.
    pub(crate) fn graphs(&self, first: usize) -> impl Iterator<Item = String> {
        let used = self.wanted.iter().filter(|wanted| !wanted.is_empty()).zip(first..);
        used.map(|(wanted, input)| {
            let split: String = (0..wanted.len()).map(|nth| format!("[i{input}n{nth}]")).collect();
            let fitted: String = (0..).zip(wanted).map(|(nth, fitted)| format!(";[i{input}n{nth}]{fitted}")).collect();
            format!("[{input}:v:0]trim=end_frame=1,split={}{split}{fitted}", wanted.len())
        })
    }
}

/// What draws words. They are read from a file as they are; nothing else of it is free text.
fn words(file: usize, text: &TextMark) -> String {
    let color = |Color(red, green, blue): Color| format!("0x{red:02x}{green:02x}{blue:02x}@{}", share(text.opacity));
    let (font, size, left, top) = (&text.font, text.size, text.left, text.top);
    let border = match text.border {
        0 => String::new(),
        border => format!(":borderw={border}:bordercolor={}", color(text.border_color)),
    };
    format!(
        "drawtext=textfile={}:expansion=none:font={font}:fontsize={size}:fontcolor={}{border}:x={left}:y={top}",
        Paths::mark_in(file),
        color(text.color)
    )
}

/// Percent as a share of 1.
fn share(percent: u32) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

/// When a filter does its work.
fn enabled(window: (Option<i64>, Option<i64>)) -> String {
    match window {
        (None, None) => String::new(),
        (Some(from), None) => format!(":enable='gte(t,{})'", seconds(from)),
        (None, Some(to)) => format!(":enable='lt(t,{})'", seconds(to)),
        (Some(from), Some(to)) => format!(":enable='gte(t,{})*lt(t,{})'", seconds(from), seconds(to)),
    }
}

/// Only the pictures that are encoded, as often and in the order in which they are shown.
fn chosen(pictures: &Pictures) -> String {
    let skipped = pictures.skipped;
    let total = pictures.lead + pictures.own.len();
    let even = if pictures.treatment.deinterlace { ",yadif=mode=send_frame:deint=interlaced" } else { "" };
    match pictures.treatment.fps {
        None => format!("trim=start_frame={skipped}:end_frame={}{even}", skipped + total),
        Some(fps) => format!(
            "trim=start_frame={skipped}{even},fps=fps={}/{}:round=up,tpad=stop_mode=clone:stop={total},trim=end_frame={total}",
            fps.numerator, fps.denominator
        ),
    }
}

/// In the size that is wanted.
fn shaped(video: &VideoEncoding, pictures: &Pictures) -> String {
    let turned = match video.turn {
        Turn::None => "",
        Turn::Right => "transpose=clock,",
        Turn::Over => "hflip,vflip,",
        Turn::Left => "transpose=cclock,",
    };
    let (width, height) = (video.width, video.height);
    let (inner_width, inner_height) = match video.bars {
        true => within(video.turn.of(pictures.size), (width, height)),
        false => (width, height),
    };
    let bars = match (inner_width, inner_height) == (width, height) {
        true => String::new(),
        false => {
            let (x, y) = ((width - inner_width) / 4 * 2, (height - inner_height) / 4 * 2);
            format!(",pad={width}:{height}:{x}:{y}")
        }
    };
    let format = if video.ten_bit { "yuv420p10le" } else { "yuv420p" };
    format!("{turned}scale={inner_width}:{inner_height}:flags=bicubic,setsar=1,format={format}{bars}")
}

/// The largest picture of the source's ratio within a frame, its sides even. One that nearly fills the frame does.
fn within(source: (u32, u32), frame: (u32, u32)) -> (u32, u32) {
    let scaled = |side: u32, of: u32, to: u32| {
        let exact = u64::from(side) * u64::from(to) / u64::from(of.max(1));
        u32::try_from(exact).unwrap_or(u32::MAX)
    };
    let tall = scaled(frame.0, source.0, source.1);
    let inner = match tall <= frame.1 {
        true => (frame.0, tall),
        false => (scaled(frame.1, source.1, source.0).min(frame.0), frame.1),
    };
    if frame.0 - inner.0 <= SLACK && frame.1 - inner.1 <= SLACK {
        return frame;
    }
    (inner.0.max(2) & !1, inner.1.max(2) & !1)
}

/// The sound, for those of `encodings` that have any: each comes out as `a` and its number.
pub(crate) fn audio_graph(input: usize, fed: &Sounds, encodings: &[Encoding]) -> String {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_picture_of_another_ratio_has_bars_and_one_of_the_same_has_none() {
        assert_eq!(within((1280, 720), (852, 480)), (852, 480));
        assert_eq!(within((1920, 1088), (640, 362)), (640, 362));
        assert_eq!(within((640, 480), (1280, 720)), (960, 720));
        assert_eq!(within((1280, 720), (640, 480)), (640, 360));
        assert_eq!(within((720, 1280), (1280, 720)), (404, 720));
    }

    proptest! {
        #[test]
        fn a_picture_lies_within_its_frame(source in (1u32..5000, 1u32..5000), frame in (8u32..2048, 8u32..2048)) {
            let frame = (frame.0 * 2, frame.1 * 2);
            let inner = within(source, frame);
            prop_assert!(inner.0 <= frame.0 && inner.1 <= frame.1 && inner.0.is_multiple_of(2) && inner.1.is_multiple_of(2) && inner.0 > 0 && inner.1 > 0);
        }
    }
}
