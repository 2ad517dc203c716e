//! Subtitles that are drawn on pictures: read from SubRip or WebVTT, and written as a script for the encoder.
//!
//! A cue is shown on pictures of the source, not at times of the encoder's clock: a chunk finds those in the index, as it does for a
//! [`Mark`](crate::Mark). Where cues overlap they are written as one with the lines of all, so that what is drawn at a time depends on that
//! time alone, and chunks that know nothing of each other draw it alike.

use serde::{Deserialize, Serialize};

use crate::command::Paths;
use crate::input::Input;
use crate::marks::TICKS_PER_MS;
use crate::pictures::Pictures;
use crate::resolve::Encoding;

/// Most cues of a file: those of a day, one a second, are fewer.
const CUES_MAX: usize = 100_000;
/// Longest text of a cue, in bytes.
const TEXT_BYTES_MAX: usize = 2_000;
/// Letters are this share of the shorter side high, in percent, and at least so many pixels.
const HEIGHT_PERCENT: u32 = 7;
const HEIGHT_MIN: u32 = 12;

/// Which subtitles are drawn on the pictures of an encoding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subtitles {
    /// The SHA-256 of their files in hex.
    pub files: Vec<String>,
    /// Where their times begin, in 90 kHz ticks of the source's reel.
    pub zero: i64,
}

/// A line of text, or some, for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subtitle {
    /// From when on, in milliseconds of the output.
    pub begin_ms: u64,
    /// Until when.
    pub end_ms: u64,
    /// What is shown, in the encoder's own notation.
    text: String,
}

/// Why a file of subtitles cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SubtitleError {
    /// Of the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Reads SubRip or WebVTT.
///
/// Bold, italic and underlined letters stay so, other markup is left out, and so are the positions of WebVTT.
///
/// Errors: where a time cannot be read, ends before it begins, or text comes before the first one; a file without a cue; more than
/// 100 000 cues, or 2000 bytes in one.
pub fn read_subtitles(text: &str) -> Result<Vec<Subtitle>, SubtitleError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_webvtt = text.starts_with("WEBVTT");
    let mut cues: Vec<Subtitle> = Vec::new();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if line.trim().is_empty() {
            at += 1;
            continue;
        }
        let block = lines.iter().skip(at).take_while(|line| !line.trim().is_empty()).count();
        let own = lines.get(at..at + block).unwrap_or_default();
        let timing = own.iter().take(2).position(|line| line.contains("-->"));
        let wrong = |behind: usize, what| SubtitleError { line: at + behind + 1, what };
        let has_no_cue = ["WEBVTT", "NOTE", "STYLE", "REGION"].iter().any(|word| line.starts_with(word));
        match (timing, cues.last_mut()) {
            (Some(behind), _) => {
                let line = own.get(behind).copied().unwrap_or_default();
                let (begin_ms, end_ms) = times(line)
                    .ok_or_else(|| wrong(behind, "two times are wanted, as in 00:00:01,000 --> 00:00:02,500"))?;
                if end_ms <= begin_ms {
                    return Err(wrong(behind, "it ends before it begins"));
                }
                let text = drawn(own.get(behind + 1..).unwrap_or_default());
                cues.push(Subtitle { begin_ms, end_ms, text });
            }
            (None, _) if is_webvtt && has_no_cue => {}
            // A line of the text may be empty.
            (None, Some(cue)) if !is_webvtt => cue.text.extend(["\\N", &drawn(own)]),
            (None, _) => return Err(wrong(0, "a line with two times is wanted before the text")),
        }
        if cues.last().is_some_and(|cue| cue.text.len() > TEXT_BYTES_MAX) {
            return Err(wrong(0, "its text has more than 2000 bytes"));
        }
        if cues.len() > CUES_MAX {
            return Err(wrong(0, "there are more than 100000 subtitles"));
        }
        at += block;
    }
    if cues.is_empty() {
        return Err(SubtitleError { line: lines.len().max(1), what: "there is no subtitle" });
    }
    Ok(cues)
}

/// Both times of a line, in milliseconds; what follows them is left out.
fn times(line: &str) -> Option<(u64, u64)> {
    let (begin, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((time(begin.trim())?, time(end)?))
}

/// `[hh:]mm:ss` with up to three digits behind a comma or point, in milliseconds.
fn time(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let number = |text: &str| {
        let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| digits)
    };
    let parts: Vec<u64> = whole.split(':').map(number).collect::<Option<_>>()?;
    let seconds = match parts.as_slice() {
        [minutes, seconds] if *seconds < 60 => minutes * 60 + seconds,
        [hours, minutes, seconds] if *minutes < 60 && *seconds < 60 => (hours * 60 + minutes) * 60 + seconds,
        _ => return None,
    };
    let millis = number(fraction)? * [100, 10, 1].get(fraction.len() - 1)?;
    Some(seconds * 1_000 + millis)
}

/// Lines in the encoder's notation.
fn drawn(lines: &[&str]) -> String {
    lines.iter().map(|line| drawn_line(line)).collect::<Vec<_>>().join("\\N")
}

/// Tags of bold, italic and underlined letters become the encoder's, all else in angle brackets and all codes in braces go; what the
/// encoder would take for a code of its own is made harmless.
fn drawn_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        match first {
            '<' => {
                if let Some((tag, behind)) = after.split_once('>') {
                    out.push_str(style(tag));
                    rest = behind;
                    continue;
                }
                out.push('<');
            }
            '{' if after.starts_with('\\') => {
                if let Some((_, behind)) = after.split_once('}') {
                    rest = behind;
                    continue;
                }
                out.push_str("\\{");
            }
            '{' => out.push_str("\\{"),
            // A word joiner has no width: what follows is no code any more.
            '\\' => out.push_str("\\\u{2060}"),
            '&' => match ENTITIES.iter().find_map(|(name, is)| Some((is, after.strip_prefix(name)?))) {
                Some((is, behind)) => {
                    out.push_str(is);
                    rest = behind;
                    continue;
                }
                None => out.push('&'),
            },
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
        rest = after;
    }
    out
}

/// Those of WebVTT (section 1.4 of the standard), behind their `&`.
const ENTITIES: [(&str, &str); 6] =
    [("amp;", "&"), ("lt;", "<"), ("gt;", ">"), ("nbsp;", "\u{a0}"), ("lrm;", "\u{200e}"), ("rlm;", "\u{200f}")];

fn style(tag: &str) -> &'static str {
    let name = tag.split(['.', ' ']).next().unwrap_or_default();
    match name.to_ascii_lowercase().as_str() {
        "b" => "{\\b1}",
        "/b" => "{\\b0}",
        "i" => "{\\i1}",
        "/i" => "{\\i0}",
        "u" => "{\\u1}",
        "/u" => "{\\u0}",
        _ => "",
    }
}

impl Input {
    /// The script that draws `cues` on the pictures of encoding, of which they are the subtitles. `None`: it has none, or no pictures here.
    pub fn subtitle_script(&self, encoding: &Encoding, cues: &[Subtitle]) -> Option<String> {
        let video = encoding.video.as_ref()?;
        let zero = video.subtitles.as_ref()?.zero;
        let (_, pictures) = self.pictures_of(encoding)?;
        Some(script(cues, zero, (video.width, video.height), pictures))
    }
}

/// In the format of Advanced SubStation Alpha, on the encoder's clock.
fn script(cues: &[Subtitle], zero: i64, (width, height): (u32, u32), pictures: &Pictures) -> String {
    let letters = (width.min(height) * HEIGHT_PERCENT / 100).max(HEIGHT_MIN);
    let (outline, beside, below) = ((letters / 12).max(1), width / 20, height / 20);
    let mut script = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 0\nScaledBorderAndShadow: yes\n\n\
         [V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, Outline, Shadow, \
         Alignment, MarginL, MarginR, MarginV\n\
         Style: Default,Sans,{letters},&H00FFFFFF,&H00000000,&H00000000,0,1,{outline},0,2,{beside},{beside},{below}\n\n\
         [Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    );
    let on_reel = |ms: u64| zero.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(TICKS_PER_MS));
    let shown = cues.iter().map(|cue| (on_reel(cue.begin_ms), on_reel(cue.end_ms), cue.text.as_str()));
    let shown: Vec<(i64, i64, &str)> =
        shown.filter(|(from, to, _)| pictures.window(Some(*from), Some(*to)).is_some()).collect();
    let mut bounds: Vec<i64> = shown.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    for (from, to) in bounds.iter().zip(bounds.iter().skip(1)) {
        let lines: Vec<&str> =
            shown.iter().filter(|(begin, end, _)| begin <= from && to <= end).map(|(.., text)| *text).collect();
        let Some(window) = pictures.window(Some(*from), Some(*to)).filter(|_| !lines.is_empty()) else { continue };
        let begin = window.0.map_or_else(|| clock_time(0), clock_time);
        let end = window.1.map_or_else(|| FAR.to_owned(), clock_time);
        // A style ends with its cue.
        let lines = lines.join("{\\r}\\N");
        script.push_str(&format!("Dialogue: 0,{begin},{end},Default,,0,0,0,,{lines}\n"));
    }
    script
}

/// Later than any picture.
const FAR: &str = "999:00:00.00";

/// Ticks as `h:mm:ss.cc`, not later.
fn clock_time(ticks: i64) -> String {
    let hundredths = ticks.max(0) / 900;
    let (seconds, rest) = (hundredths / 100, hundredths % 100);
    format!("{}:{:02}:{:02}.{rest:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// What draws the script of encoding `number`.
pub(crate) fn filter(number: usize) -> String {
    format!(",ass={}", Paths::subtitles_in(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pictures::{Picture, Treatment};

    fn cue(begin_ms: u64, end_ms: u64, text: &str) -> Subtitle {
        Subtitle { begin_ms, end_ms, text: text.to_owned() }
    }

    #[test]
    fn subrip_is_read_with_its_styles_and_without_anybody_elses() {
        let text = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>One</i> &amp; <font color=red>{\\an8}two</font>\r\n\r\n\
                    2\r\n01:00:00,5 --> 01:00:01,25 X1:1\r\n{a} \\N b < c\r\nsecond\r\n\r\nthird, after an empty line\r\n";
        let found = read_subtitles(text).unwrap();
        let second = "\\{a} \\\u{2060}N b < c\\Nsecond\\Nthird, after an empty line";
        assert_eq!(found, [cue(1_000, 2_500, "{\\i1}One{\\i0} & two"), cue(3_600_500, 3_601_250, second)]);
    }

    #[test]
    fn webvtt_is_read_without_its_notes_and_places() {
        let text = "WEBVTT - title\nX-TIMESTAMP-MAP=LOCAL:0\n\nSTYLE\n::cue { color: red }\n\nNOTE nobody sees it\n\n\
                    intro\n00:01.000 --> 00:02.000 line:0 align:start\n<v Ann>Hello <b.loud>there</b>\n- you\n\n\
                    00:00:03.000 --> 00:00:04.000\n\n";
        assert_eq!(
            read_subtitles(text).unwrap(),
            [cue(1_000, 2_000, "Hello {\\b1}there{\\b0}\\N- you"), cue(3_000, 4_000, "")]
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let of = |text: &str| read_subtitles(text).unwrap_err().to_string();
        let wanted = "two times are wanted, as in 00:00:01,000 --> 00:00:02,500";
        assert_eq!(of(""), "line 1: there is no subtitle");
        assert_eq!(of("WEBVTT\n"), "line 1: there is no subtitle");
        assert_eq!(of("[Script Info]\nTitle: x"), "line 1: a line with two times is wanted before the text");
        assert_eq!(of("#EXTM3U\n"), "line 1: a line with two times is wanted before the text");
        assert_eq!(of("1\n00:00:01,000 --> 00:00:0x,000\na"), format!("line 2: {wanted}"));
        assert_eq!(of("1\n00:00:61,000 --> 00:01:02,000\na"), format!("line 2: {wanted}"));
        assert_eq!(of("\n\n1\n00:00:02,000 --> 00:00:02,000\na"), "line 4: it ends before it begins");
        let long = format!("1\n00:00:01,000 --> 00:00:02,000\n{}", "x".repeat(TEXT_BYTES_MAX + 1));
        assert_eq!(of(&long), "line 1: its text has more than 2000 bytes");
    }

    /// Pictures at 25 a second from `begin` on.
    fn pictures(begin: i64, count: i64) -> Pictures {
        let own = (0..count).map(|n| Picture { pts: begin + n * 3_600, segment: 0 }).collect();
        Pictures {
            skipped: 0,
            lead: 0,
            own,
            next: begin + count * 3_600,
            key_times: Vec::new(),
            picture_ticks: 3_600,
            treatment: Treatment::default(),
            size: (640, 360),
        }
    }

    fn dialogues(script: &str) -> Vec<String> {
        script.lines().filter_map(|line| line.strip_prefix("Dialogue: 0,")).map(str::to_owned).collect()
    }

    #[test]
    fn a_cue_is_on_the_pictures_of_its_time_and_overlapping_ones_are_one() {
        // The output begins a second into the reel, the chunk five seconds later.
        let cues = [cue(0, 5_500, "a"), cue(5_400, 6_000, "{\\b1}b"), cue(5_600, 5_700, "c"), cue(90_000, 91_000, "d")];
        let script = script(&cues, 90_000, (640, 360), &pictures(540_000, 250));
        assert!(script.contains("PlayResX: 640\nPlayResY: 360\n"), "{script}");
        assert_eq!(
            dialogues(&script),
            [
                "0:00:00.00,0:00:06.39,Default,,0,0,0,,a",
                "0:00:06.39,0:00:06.51,Default,,0,0,0,,a{\\r}\\N{\\b1}b",
                "0:00:06.51,0:00:06.59,Default,,0,0,0,,{\\b1}b",
                "0:00:06.59,0:00:06.71,Default,,0,0,0,,{\\b1}b{\\r}\\Nc",
                "0:00:06.71,0:00:06.99,Default,,0,0,0,,{\\b1}b",
            ]
        );
    }

    proptest! {
        /// Wherever a chunk ends, its pictures show what they would show in one.
        #[test]
        fn chunks_draw_what_a_whole_draws(cut in 1i64..100, cues in prop::collection::vec((0u64..4_200, 1u64..1_000), 1..6)) {
            let cues: Vec<Subtitle> =
                (0..).zip(cues).map(|(n, (begin, length))| cue(begin, begin + length, &format!("c{n}"))).collect();
            let text_at = |script: &str, pts: i64| {
                let now = pts / 90;
                let millis = |text: &str| match text.split(':').collect::<Vec<_>>()[..] {
                    [h, m, s] => {
                        let hundredths: i64 = s.replace('.', "").parse().unwrap();
                        (h.parse::<i64>().unwrap() * 60 + m.parse::<i64>().unwrap()) * 60_000 + hundredths * 10
                    }
                    _ => panic!("{text}"),
                };
                let shown = dialogues(script).into_iter().filter_map(|line| {
                    let mut fields = line.splitn(9, ',');
                    let (begin, end) = (millis(fields.next().unwrap()), millis(fields.next().unwrap()));
                    (begin <= now && now < end).then(|| fields.last().unwrap().to_owned())
                });
                shown.collect::<Vec<_>>()
            };
            let of = |begin: i64, count: i64| script(&cues, 0, (640, 360), &pictures(begin, count));
            let (whole, first, second) = (of(0, 100), of(0, cut), of(cut * 3_600, 100 - cut));
            for n in 0..100 {
                let part = if n < cut { &first } else { &second };
                let (whole, part) = (text_at(&whole, n * 3_600), text_at(part, n * 3_600));
                prop_assert!(whole.len() <= 1);
                prop_assert_eq!(whole, part, "picture {}", n);
            }
        }

        #[test]
        fn nothing_that_is_sent_breaks_the_reader(text in "(?s)(WEBVTT\n\n)?([0-9:, .<>{}\\\\&;a-z\n-]|-->|\n\n|00:0[0-9]:0[0-9],000){0,80}") {
            if let Ok(cues) = read_subtitles(&text) {
                for cue in cues {
                    prop_assert!(cue.begin_ms < cue.end_ms && !cue.text.contains('\n'));
                }
            }
        }
    }
}
