//! The description of a whole presentation in DASH (ISO/IEC 23009-1): numbered segments of fragmented MP4 on a common timeline.
//!
//! Each representation has a whole `SegmentTemplate`, folders and all: there are players that know nothing of what templates and base
//! URLs inherit (decision 0048).

use std::fmt::Write;

use units::Timescale;

use crate::escape::{uri, xml};

/// A presentation (§5.3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mpd {
    /// Ticks of all times in it.
    pub scale: Timescale,
    /// End to end.
    pub periods: Vec<Period>,
}

/// A stretch in which every representation has one init segment (§5.3.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Period {
    /// Its segments: when each begins in the presentation, and how long it lasts. All representations have these.
    pub segments: Vec<(u64, u64)>,
    /// The number of the first segment in names.
    pub first: usize,
    /// Pictures and sound.
    pub sets: Vec<AdaptationSet>,
}

/// Representations between which players switch (§5.3.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdaptationSet {
    /// Pictures or sound.
    pub content: ContentType,
    /// One at least.
    pub representations: Vec<Representation>,
}

/// What is in a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentType {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// One of several that show the same (§5.3.5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Representation {
    /// Its name, of which there is one in a period.
    pub id: String,
    /// The folder of its parts, with `/` at its end; empty where the description itself is.
    pub folder: String,
    /// The name of its init segment.
    pub init: String,
    /// The name of a segment, with `$Number$` in the place of its number.
    pub media: String,
    /// The peak of any segment, in bits per second.
    pub bandwidth_bps: u64,
    /// RFC 6381.
    pub codec: String,
    /// What else players choose by.
    pub shape: Shape,
}

/// How large pictures are, or how many channels sound has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Of pictures.
    Pictures {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
        /// Thousandths of a picture per second.
        frame_rate_milli: u64,
    },
    /// Of sound.
    Sound {
        /// Samples per second.
        sample_rate: u32,
        /// How many.
        channels: u16,
    },
}

impl Mpd {
    /// Changes where the parts of its representations are. `change` gets each folder as it is written, and gives what takes its
    /// place, and a query for all parts in it.
    pub fn each_folder(&mut self, mut change: impl FnMut(&str) -> (String, Option<String>)) {
        let sets = self.periods.iter_mut().flat_map(|period| &mut period.sets);
        for one in sets.flat_map(|set| &mut set.representations) {
            let (folder, query) = change(&written(&one.folder));
            one.folder = folder;
            if let Some(query) = query {
                one.init = format!("{}?{query}", one.init);
                one.media = format!("{}?{query}", one.media);
            }
        }
    }

    /// The description as it is served. Periods begin where the one before ends.
    pub fn to_text(&self) -> String {
        let all = || self.periods.iter().flat_map(|period| &period.segments);
        let end = all().last().map_or(0, |(begin, length)| begin.saturating_add(*length));
        let longest = all().map(|(_, length)| *length).max().unwrap_or(0);
        let mut out = String::with_capacity(1_000 + self.periods.len() * 1_000);
        // Writing to a string never fails; here and below.
        let _ = writeln!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" \
             mediaPresentationDuration=\"{}\" minBufferTime=\"{}\">",
            self.seconds(end),
            self.seconds(longest)
        );
        for (number, period) in self.periods.iter().enumerate() {
            let begin = period.segments.first().map_or(0, |(begin, _)| *begin);
            let next = self.periods.get(number + 1).and_then(|next| next.segments.first());
            let length = next.map_or(end, |(next, _)| *next).saturating_sub(begin);
            let (start, duration) = (self.seconds(begin), self.seconds(length));
            let _ = writeln!(out, " <Period id=\"p{number}\" start=\"{start}\" duration=\"{duration}\">");
            let timeline = Timeline {
                places: format!(
                    "timescale=\"{}\" presentationTimeOffset=\"{begin}\" startNumber=\"{}\"",
                    self.scale.get(),
                    period.first
                ),
                segments: timeline(&period.segments),
            };
            for (id, set) in period.sets.iter().enumerate() {
                let _ = writeln!(out, "  <AdaptationSet id=\"{id}\" {}>", set.content.attributes());
                set.representations.iter().for_each(|one| one.write(&mut out, &timeline));
                out.push_str("  </AdaptationSet>\n");
            }
            out.push_str(" </Period>\n");
        }
        out.push_str("</MPD>\n");
        out
    }

    /// A duration in microseconds (XML Schema part 2, §3.2.6), rounded to the nearest.
    fn seconds(&self, ticks: u64) -> String {
        let scale = u128::from(self.scale.get());
        let micros = (u128::from(ticks) * 2_000_000 + scale) / (2 * scale);
        format!("PT{}.{:06}S", micros / 1_000_000, micros % 1_000_000)
    }
}

/// What all templates of a period have in common.
struct Timeline {
    /// Attributes: how times and numbers are counted.
    places: String,
    /// The lines of its segments.
    segments: String,
}

/// Segments by their begin and length, a line for as many as follow each other and are as long (§5.3.9.6). Long videos have
/// thousands, so nothing stands before them.
fn timeline(segments: &[(u64, u64)]) -> String {
    let mut out = String::new();
    let mut end = None;
    let mut rest = segments;
    while let Some(((time, length), _)) = rest.split_first() {
        let alike = |(place, segment): (u64, &&(u64, u64))| {
            segment.1 == *length && segment.0 == time.saturating_add(length.saturating_mul(place))
        };
        let run = (0u64..).zip(rest).take_while(|(place, segment)| alike((*place, segment))).count().max(1);
        out.push_str("<S");
        if end != Some(*time) {
            let _ = write!(out, " t=\"{time}\"");
        }
        let _ = write!(out, " d=\"{length}\"");
        if run > 1 {
            let _ = write!(out, " r=\"{}\"", run - 1);
        }
        out.push_str("/>\n");
        end = rest.get(run - 1).map(|(time, length)| time.saturating_add(*length));
        rest = rest.get(run..).unwrap_or_default();
    }
    out
}

/// A folder as it stands in a template, in which a dollar sign begins the name of a value (§5.3.9.4.4).
fn written(folder: &str) -> String {
    uri(folder).replace('$', "%24")
}

impl ContentType {
    const fn attributes(self) -> &'static str {
        match self {
            Self::Video => "contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\"",
            Self::Audio => "contentType=\"audio\" mimeType=\"audio/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\"",
        }
    }
}

impl Representation {
    fn write(&self, out: &mut String, timeline: &Timeline) {
        let (id, codec) = (xml(&self.id), xml(&self.codec));
        let _ = write!(out, "   <Representation id=\"{id}\" bandwidth=\"{}\" codecs=\"{codec}\"", self.bandwidth_bps);
        match self.shape {
            Shape::Pictures { width, height, frame_rate_milli } => {
                let _ = write!(out, " width=\"{width}\" height=\"{height}\"");
                let _ = match (frame_rate_milli / 1_000, frame_rate_milli % 1_000) {
                    (0, 0) => Ok(()),
                    (whole, 0) => write!(out, " frameRate=\"{whole}\""),
                    _ => write!(out, " frameRate=\"{frame_rate_milli}/1000\""),
                };
                out.push_str(">\n");
            }
            Shape::Sound { sample_rate, channels } => {
                let _ = writeln!(
                    out,
                    " audioSamplingRate=\"{sample_rate}\">\n    <AudioChannelConfiguration \
                     schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" value=\"{channels}\"/>"
                );
            }
        }
        let name = |name: &str| xml(&format!("{}{}", written(&self.folder), uri(name)));
        let _ = writeln!(
            out,
            "    <SegmentTemplate {} initialization=\"{}\" media=\"{}\">\n     <SegmentTimeline>",
            timeline.places,
            name(&self.init),
            name(&self.media)
        );
        out.push_str(&timeline.segments);
        out.push_str("     </SegmentTimeline>\n    </SegmentTemplate>\n");
        out.push_str("   </Representation>\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn representation(id: &str, shape: Shape) -> Representation {
        Representation {
            id: id.into(),
            folder: format!("{id}&/"),
            init: "init-v0.mp4".into(),
            media: "v$Number$.m4s".into(),
            bandwidth_bps: 640_000,
            codec: "avc1.64001e".into(),
            shape,
        }
    }

    #[test]
    fn a_presentation_of_two_periods() {
        let pictures = Shape::Pictures { width: 640, height: 360, frame_rate_milli: 29_970 };
        let sound = Shape::Sound { sample_rate: 44_100, channels: 2 };
        let video =
            AdaptationSet { content: ContentType::Video, representations: vec![representation("v0", pictures)] };
        let audio = AdaptationSet {
            content: ContentType::Audio,
            representations: vec![Representation {
                codec: "mp4a.40.2".into(),
                media: "a$Number$.m4s".into(),
                ..representation("a0", sound)
            }],
        };
        let mpd = Mpd {
            scale: Timescale::REEL,
            periods: vec![
                Period {
                    segments: vec![(0, 360_000), (360_000, 360_000), (720_000, 90_045)],
                    first: 0,
                    sets: vec![video.clone(), audio],
                },
                Period { segments: vec![(810_045, 90_000), (910_045, 90_000)], first: 3, sets: vec![video] },
            ],
        };
        assert_eq!(
            mpd.to_text(),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT11.111611S" minBufferTime="PT4.000000S">
 <Period id="p0" start="PT0.000000S" duration="PT9.000500S">
  <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
   <Representation id="v0" bandwidth="640000" codecs="avc1.64001e" width="640" height="360" frameRate="29970/1000">
    <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="0" initialization="v0&amp;/init-v0.mp4" media="v0&amp;/v$Number$.m4s">
     <SegmentTimeline>
<S t="0" d="360000" r="1"/>
<S d="90045"/>
     </SegmentTimeline>
    </SegmentTemplate>
   </Representation>
  </AdaptationSet>
  <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
   <Representation id="a0" bandwidth="640000" codecs="mp4a.40.2" audioSamplingRate="44100">
    <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
    <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="0" initialization="a0&amp;/init-v0.mp4" media="a0&amp;/a$Number$.m4s">
     <SegmentTimeline>
<S t="0" d="360000" r="1"/>
<S d="90045"/>
     </SegmentTimeline>
    </SegmentTemplate>
   </Representation>
  </AdaptationSet>
 </Period>
 <Period id="p1" start="PT9.000500S" duration="PT2.111111S">
  <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
   <Representation id="v0" bandwidth="640000" codecs="avc1.64001e" width="640" height="360" frameRate="29970/1000">
    <SegmentTemplate timescale="90000" presentationTimeOffset="810045" startNumber="3" initialization="v0&amp;/init-v0.mp4" media="v0&amp;/v$Number$.m4s">
     <SegmentTimeline>
<S t="810045" d="90000"/>
<S t="910045" d="90000"/>
     </SegmentTimeline>
    </SegmentTemplate>
   </Representation>
  </AdaptationSet>
 </Period>
</MPD>
"#
        );
    }

    #[test]
    fn folders_can_be_somewhere_else_and_their_parts_have_a_query() {
        let pictures = Shape::Pictures { width: 640, height: 360, frame_rate_milli: 25_000 };
        let set = AdaptationSet {
            content: ContentType::Video,
            representations: vec![representation("a b$Number$", pictures), representation("c", pictures)],
        };
        let mut mpd = Mpd {
            scale: Timescale::REEL,
            periods: vec![Period { segments: vec![(0, 90_000)], first: 0, sets: vec![set] }],
        };
        mpd.each_folder(|folder| match folder {
            "a%20b%24Number%24&/" => ("/x/".to_owned(), None),
            folder => (folder.to_owned(), Some("k=1&l=2".to_owned())),
        });
        let text = mpd.to_text();
        assert!(text.contains(" initialization=\"/x/init-v0.mp4\" media=\"/x/v$Number$.m4s\">"), "{text}");
        let template = " initialization=\"c&amp;/init-v0.mp4?k=1&amp;l=2\" media=\"c&amp;/v$Number$.m4s?k=1&amp;l=2\">";
        assert!(text.contains(template), "{text}");
    }

    #[test]
    fn a_folder_is_no_name_of_a_value() {
        let pictures = Shape::Pictures { width: 640, height: 360, frame_rate_milli: 25_000 };
        let set =
            AdaptationSet { content: ContentType::Video, representations: vec![representation("a$Number$", pictures)] };
        let periods = vec![Period { segments: vec![(0, 90_000)], first: 0, sets: vec![set] }];
        let text = Mpd { scale: Timescale::REEL, periods }.to_text();
        assert!(text.contains(" media=\"a%24Number%24&amp;/v$Number$.m4s\">"), "{text}");
    }

    /// The segments that a reader finds in the first timeline.
    fn read(text: &str) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        let mut at = 0;
        for line in text.lines().filter(|line| line.trim_start().starts_with("<S ")) {
            let value = |key: &str| -> Option<u64> {
                let (_, rest) = line.split_once(&format!(" {key}=\""))?;
                rest.split('"').next()?.parse().ok()
            };
            at = value("t").unwrap_or(at);
            for _ in 0..=value("r").unwrap_or(0) {
                found.push((at, value("d").unwrap()));
                at += value("d").unwrap();
            }
        }
        found
    }

    proptest! {
        #[test]
        fn runs_of_alike_segments_are_read_back(lengths in prop::collection::vec((1u64..4, 0u64..2), 1..60)) {
            let mut at = 0;
            let mut segments = Vec::new();
            for (length, hole) in lengths {
                segments.push((at + hole, length));
                at += hole + length;
            }
            let set = AdaptationSet { content: ContentType::Video, representations: vec![representation("v0", Shape::Sound { sample_rate: 1, channels: 1 })] };
            let period = Period { segments: segments.clone(), first: 0, sets: vec![set] };
            prop_assert_eq!(read(&Mpd { scale: Timescale::REEL, periods: vec![period] }.to_text()), segments);
        }
    }
}
