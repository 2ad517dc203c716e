//! Cues: which picture a player shows while somebody looks for a place in a video.

/// From when to when which picture is shown, in milliseconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cue {
    /// From here.
    pub from_ms: u64,
    /// To here, not included.
    pub to_ms: u64,
    /// The picture's file, as the cues' own folder has it.
    pub file: String,
    /// The part of it: left, top, width, height; `None`: all.
    pub part: Option<(u32, u32, u32, u32)>,
}

/// The cues as WebVTT. The part of a picture is a media fragment (`#xywh=`), which players of thumbnails read.
pub fn webvtt(cues: &[Cue]) -> String {
    let mut text = String::from("WEBVTT\n");
    for cue in cues {
        text.push_str(&format!("\n{} --> {}\n{}", clock(cue.from_ms), clock(cue.to_ms), cue.file));
        if let Some((left, top, width, height)) = cue.part {
            text.push_str(&format!("#xywh={left},{top},{width},{height}"));
        }
        text.push('\n');
    }
    text
}

/// Cues as [`webvtt`] writes them, with other names of the files. `change` gets each name, and gives what takes its place.
pub fn each_cue_file(text: &str, mut change: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare.is_empty() || bare == "WEBVTT" || bare.contains(" --> ") {
            out.push_str(line);
            continue;
        }
        let (file, part) = bare.find('#').and_then(|at| bare.split_at_checked(at)).unwrap_or((bare, ""));
        out.push_str(&change(file));
        out.push_str(part);
        out.push('\n');
    }
    out
}

/// `hh:mm:ss.ttt`.
fn clock(ms: u64) -> String {
    let seconds = ms / 1_000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cue_names_a_time_a_file_and_a_part_of_it() {
        let cue = |from_ms, to_ms, part| Cue { from_ms, to_ms, file: "a-00001.jpg".into(), part };
        let text = webvtt(&[cue(0, 1_500, Some((0, 90, 160, 90))), cue(1_500, 90_061_007, None)]);
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na-00001.jpg#xywh=0,90,160,90\n\
                        \n00:00:01.500 --> 25:01:01.007\na-00001.jpg\n";
        assert_eq!(text, expected);
        assert_eq!(each_cue_file(&text, str::to_owned), text);
        let signed = each_cue_file(&text, |file| format!("/x/{file}?k=1"));
        assert_eq!(signed, expected.replace("a-00001.jpg", "/x/a-00001.jpg?k=1"));
    }
}
