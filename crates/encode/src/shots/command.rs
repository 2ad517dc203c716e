//! How FFmpeg is told: its arguments for pictures. All names are relative to a folder of its own, and nothing in the arguments
//! comes from a customer but numbers.

use super::feed::Feed;
use super::looks::{LOOK_HEIGHT, LOOK_WIDTH};
use super::order::AnimationFormat;
use super::sheet::Sheet;

/// Of 1 to 31, where 1 is best: pictures that nobody can tell from their source, at a tenth of its bytes.
const JPEG_QUALITY: &str = "3";
/// Of 1 to 100, where 100 is best.
const WEBP_QUALITY: &str = "75";

/// The names of files in the folder of one call.
#[derive(Clone, Copy, Debug)]
pub struct ShotPaths;

impl ShotPaths {
    /// What is decoded.
    pub const FEED: &'static str = "feed.mp4";
    /// Small grey copies, end to end, of all pictures that came out.
    pub const LOOKS: &'static str = "looks.gray";
    /// A sheet.
    pub const SHEET: &'static str = "sheet.jpg";
    /// An animation.
    pub const ANIMATION: &'static str = "animation";

    /// The snapshot of a picture, by its time in the feed.
    pub fn snapshot(pts: i64) -> String {
        format!("p{pts}.jpg")
    }

    /// The small copy of a picture, without loss.
    pub fn cell(pts: i64) -> String {
        format!("c{pts}.png")
    }

    /// One of the pictures that a sheet or an animation is made of, from 1.
    pub fn step(number: usize) -> String {
        format!("s{number:06}.png")
    }
}

/// What comes out for each picture that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShotOutputs {
    /// A snapshot of this size.
    pub snapshot: Option<(u32, u32)>,
    /// A copy of this size for a sheet or an animation.
    pub cell: Option<(u32, u32)>,
    /// A small grey copy.
    pub look: bool,
}

/// The arguments that take the wanted pictures out of a feed. The time of a picture is in the name of its file.
pub fn shot_arguments(feed: &Feed, outputs: ShotOutputs) -> Vec<String> {
    let wanted: Vec<String> = feed.wanted.keys().map(|pts| format!("eq(pts,{pts})")).collect();
    let mut scaled: Vec<(&str, String)> = Vec::new();
    if let Some(size) = outputs.snapshot {
        scaled.push(("p", format!("{},format=yuvj420p", scale(size))));
    }
    if let Some(size) = outputs.cell {
        scaled.push(("c", format!("{},format=rgb24", scale(size))));
    }
    if outputs.look {
        scaled.push(("l", format!("scale={LOOK_WIDTH}:{LOOK_HEIGHT}:flags=area:out_range=pc,format=gray")));
    }
    let mut graph = format!("[0:v:0]select='{}',split={}", wanted.join("+"), scaled.len());
    for (name, _) in &scaled {
        graph.push_str(&format!("[s{name}]"));
    }
    for (name, filter) in &scaled {
        graph.push_str(&format!(";[s{name}]{filter}[{name}]"));
    }
    let mut words = Words::begin(&["-copyts"]);
    words.all(&["-threads", "1", "-i", ShotPaths::FEED, "-filter_complex_threads", "1", "-filter_complex", &graph]);
    for (name, _) in &scaled {
        words.all(&["-map", &format!("[{name}]"), "-fps_mode", "passthrough", "-enc_time_base", "1:90000"]);
        match *name {
            "p" => words.all(&["-c:v", "mjpeg", "-q:v", JPEG_QUALITY, "-f", "image2", "-frame_pts", "1", "p%d.jpg"]),
            "c" => words.all(&["-c:v", "png", "-f", "image2", "-frame_pts", "1", "c%d.png"]),
            _ => words.all(&["-c:v", "rawvideo", "-f", "rawvideo", ShotPaths::LOOKS]),
        }
    }
    words.0
}

/// The arguments that put the first `sheet.cells` steps on a sheet.
pub fn sheet_arguments(sheet: &Sheet) -> Vec<String> {
    let Sheet { cells, columns, lines, padding, margin, .. } = sheet;
    let color = sheet.color.to_hex();
    let graph = format!(
        "[0:v:0]tile=layout={columns}x{lines}:nb_frames={cells}:padding={padding}:margin={margin}:color={color},\
         scale=out_range=pc,format=yuvj420p[s]"
    );
    let mut words = Words::begin(&[]);
    words.steps(1);
    words.all(&["-filter_complex", &graph, "-map", "[s]", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", JPEG_QUALITY]);
    words.all(&["-f", "image2", "-update", "1", ShotPaths::SHEET]);
    words.0
}

/// The arguments that make all steps an animation of `fps` pictures a second, which is repeated for ever.
pub fn animation_arguments(format: AnimationFormat, fps: u32) -> Vec<String> {
    let mut words = Words::begin(&[]);
    words.steps(fps);
    match format {
        AnimationFormat::Gif => {
            let palette =
                "[0:v:0]split[a][b];[a]palettegen=stats_mode=diff[p];[b][p]paletteuse=dither=bayer:bayer_scale=4[g]";
            words.all(&["-filter_complex", palette, "-map", "[g]", "-c:v", "gif", "-loop", "0", "-f", "gif"]);
        }
        AnimationFormat::Webp => {
            words.all(&["-map", "0:v:0", "-c:v", "libwebp_anim", "-q:v", WEBP_QUALITY, "-loop", "0", "-f", "webp"]);
        }
    }
    words.all(&[ShotPaths::ANIMATION]);
    words.0
}

fn scale((width, height): (u32, u32)) -> String {
    format!("scale={width}:{height}:flags=bicubic:out_range=pc,setsar=1")
}

struct Words(Vec<String>);

impl Words {
    fn begin(more: &[&str]) -> Self {
        let mut words = Self(Vec::new());
        words.all(&["-nostdin", "-hide_banner", "-v", "error", "-progress", "pipe:1"]);
        words.all(more);
        words.all(&["-protocol_whitelist", "file"]);
        words
    }

    fn all(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn steps(&mut self, rate: u32) {
        self.all(&["-f", "image2", "-framerate", &rate.to_string(), "-start_number", "1", "-i", "s%06d.png"]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sheet::tests::order;
    use super::*;

    #[test]
    fn one_decode_gives_all_that_is_wanted_of_a_picture() {
        let feed = Feed { video: Vec::new(), wanted: [(3_000, vec![0]), (9_000, vec![1, 2])].into() };
        let outputs = ShotOutputs { snapshot: Some((1280, 720)), cell: Some((160, 90)), look: true };
        let line = shot_arguments(&feed, outputs).join(" ");
        for part in [
            "[0:v:0]select='eq(pts,3000)+eq(pts,9000)',split=3[sp][sc][sl];[sp]scale=1280:720:",
            "[sc]scale=160:90:",
            "-frame_pts 1 p%d.jpg",
            "-frame_pts 1 c%d.png",
            "looks.gray",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        let alone = shot_arguments(&feed, ShotOutputs { look: false, cell: None, ..outputs }).join(" ");
        assert!(alone.contains("split=1[sp]") && !alone.contains("c%d") && !alone.contains("gray"), "{alone}");
        assert_eq!((ShotPaths::snapshot(3_000), ShotPaths::cell(9_000)), ("p3000.jpg".into(), "c9000.png".into()));
    }

    #[test]
    fn a_sheet_says_how_many_cells_it_has_and_its_color_is_a_number() {
        let sheet = order(4, 3).sheets(5, (160, 90)).unwrap()[0];
        let line = sheet_arguments(&sheet).join(" ");
        assert!(line.contains("tile=layout=4x2:nb_frames=5:padding=2:margin=3:color=0xFF0010,"), "{line}");
    }

    #[test]
    fn steps_are_named_as_they_are_read() {
        assert_eq!(ShotPaths::step(7), "s000007.png");
        for format in [AnimationFormat::Gif, AnimationFormat::Webp] {
            let line = animation_arguments(format, 12).join(" ");
            assert!(line.contains("-framerate 12 -start_number 1 -i s%06d.png"), "{line}");
        }
    }
}
