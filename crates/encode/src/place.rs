//! Puts what the encoder made on the reel's timeline.
//!
//! The encoder's clock is not to be trusted: its files begin at zero, later by a delay that differs from chunk to chunk.
//! What holds is the order. The n-th picture shown takes the time of the n-th picture of the source; the n-th frame of sound
//! the n-th place on the grid.

use bytes::Bytes;
use codec::{AccessUnit, AudioCodec, Mp3Config, VideoCodec};

use crate::error::{EncodeError, Result};
use crate::movie::EncodedSample;
use crate::pictures::Pictures;
use crate::resolve::AudioEncoding;
use crate::sound::{Framing, first_frame};

/// An encoded picture in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedPicture {
    /// In which segment of the chunk, by position.
    pub segment: usize,
    /// On the reel's timeline.
    pub pts: i64,
    /// On the reel's timeline; never later than `pts`.
    pub dts: i64,
    /// A key frame.
    pub sync: bool,
    /// Its bytes.
    pub bytes: Bytes,
}

/// An encoded frame of sound in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedFrame {
    /// Which frame of the grid.
    pub frame: i64,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What of a rendition one chunk has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Placed {
    /// In decode order.
    pub pictures: Vec<PlacedPicture>,
    /// When the first picture after them is shown, where that is not where they end.
    pub next: Option<i64>,
    /// In order.
    pub frames: Vec<PlacedFrame>,
}

/// Places the pictures of a chunk. `delay`: how much earlier than shown pictures are decoded, in 90 kHz ticks, the same for all
/// chunks of a rendition.
///
/// Errors: [`EncodeError::Count`] when there are not as many as in the source; [`EncodeError::NoKeyFrame`] when a segment
/// would not begin with a key frame, or not contain all that is shown in it; [`EncodeError::Output`] for a key frame that is none.
pub fn place_pictures(
    source: &Pictures,
    codec: VideoCodec,
    encoded: &[EncodedSample],
    delay: i64,
) -> Result<Vec<PlacedPicture>> {
    let expected = source.lead + source.own.len();
    if encoded.len() != expected {
        return Err(EncodeError::Count { what: "pictures", expected, found: encoded.len() });
    }
    let mut shown: Vec<(i64, usize)> = encoded.iter().zip(0..).map(|(sample, at)| (sample.pts, at)).collect();
    shown.sort_unstable();
    let mut places = vec![None; encoded.len()];
    for ((_, at), picture) in shown.iter().skip(source.lead).zip(&source.own) {
        if let Some(place) = places.get_mut(*at) {
            *place = Some(*picture);
        }
    }
    let mut placed: Vec<PlacedPicture> = Vec::with_capacity(source.own.len());
    for (sample, picture) in encoded.iter().zip(places).filter_map(|(sample, place)| Some((sample, place?))) {
        let begun = placed.last().map(|last| last.segment);
        // A segment is decoded as a whole, from a key frame that is also the first shown of it.
        if begun != Some(picture.segment) {
            let first = source.own.iter().find(|own| own.segment == picture.segment);
            let next = begun.map_or(0, |segment| segment + 1);
            if !sample.sync || picture.segment != next || first != Some(&picture) {
                let segment = u32::try_from(next).unwrap_or(u32::MAX);
                return Err(EncodeError::NoKeyFrame { segment });
            }
        }
        if sample.sync && !AccessUnit::parse(codec, sample.bytes.clone(), 4).is_ok_and(|unit| unit.idr) {
            return Err(EncodeError::Output { what: "a key frame that needs what comes before it" });
        }
        placed.push(PlacedPicture {
            segment: picture.segment,
            pts: picture.pts,
            dts: 0,
            sync: sample.sync,
            bytes: sample.bytes.clone(),
        });
    }
    let mut next = i64::MAX;
    for (picture, source) in placed.iter_mut().zip(&source.own).rev() {
        picture.dts = (source.pts - delay).min(picture.pts).min(next.saturating_sub(1));
        next = picture.dts;
    }
    Ok(placed)
}

/// Places the sound of a chunk that lasts from `begin` to `end` (90 kHz ticks).
///
/// Errors: [`EncodeError::Count`] when there is too little; [`EncodeError::Output`] for frames of MP3 that are not what was asked
/// for, or need others to be decoded.
pub fn place_frames(
    encoded: &[EncodedSample],
    begin: i64,
    end: i64,
    audio: &AudioEncoding,
) -> Result<Vec<PlacedFrame>> {
    let framing = Framing::of(audio);
    let first = first_frame(begin, audio.sample_rate, framing.frame);
    let last = first_frame(end, audio.sample_rate, framing.frame);
    let before = usize::try_from(framing.lead + framing.priming).unwrap_or(usize::MAX);
    let count = usize::try_from(last.saturating_sub(first)).unwrap_or(0);
    let own = encoded.get(before..before.saturating_add(count));
    let own = own.ok_or(EncodeError::Count {
        what: "sound frames",
        expected: before.saturating_add(count),
        found: encoded.len(),
    })?;
    if audio.codec == AudioCodec::Mp3 {
        let config = Mp3Config::parse(&audio.config()?.record);
        let fits = |sample: &EncodedSample| config.as_ref().is_ok_and(|config| config.has_frame(&sample.bytes));
        if !own.iter().all(fits) {
            return Err(EncodeError::Output { what: "a frame of MP3 that is not as it was asked for" });
        }
    }
    Ok(own.iter().zip(first..).map(|(sample, frame)| PlacedFrame { frame, bytes: sample.bytes.clone() }).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Picture, Treatment};

    /// A slice of H.264 with this in it.
    fn nal(idr: bool, text: &str) -> Bytes {
        let length = u32::try_from(text.len() + 1).unwrap().to_be_bytes();
        [&length[..], &[if idr { 0x65 } else { 0x41 }], text.as_bytes()].concat().into()
    }

    /// A source of two segments, and an encoder that reorders pictures in groups and whose clock is off.
    fn encoded(source: &Pictures, reorder: bool, drift: i64) -> Vec<EncodedSample> {
        let total = source.lead + source.own.len();
        let sync = |shown: usize| {
            shown == 0
                || shown >= source.lead
                    && source.own[shown - source.lead].segment
                        != shown.checked_sub(source.lead + 1).map_or(usize::MAX, |at| source.own[at].segment)
        };
        let mut order: Vec<usize> = (0..total).collect();
        if reorder {
            for pair in order.chunks_mut(3) {
                // I P B B in decode order, unless a key frame is among them.
                if pair.len() == 3 && !pair.iter().skip(1).any(|shown| sync(*shown)) && !sync(pair[0]) {
                    pair.rotate_right(1);
                }
            }
        }
        order
            .into_iter()
            .map(|shown| EncodedSample {
                pts: i64::try_from(shown).unwrap() * 2999 + drift,
                sync: sync(shown),
                bytes: nal(sync(shown), &shown.to_string()),
            })
            .collect()
    }

    fn source(lead: usize, gaps: &[i64]) -> Pictures {
        let mut pts = 90_000;
        let own: Vec<Picture> = gaps
            .iter()
            .enumerate()
            .map(|(at, gap)| {
                pts += gap;
                Picture { pts, segment: at * 2 / gaps.len() }
            })
            .collect();
        Pictures {
            skipped: 0,
            lead,
            own,
            next: pts,
            key_times: vec![],
            picture_ticks: 3_000,
            treatment: Treatment::default(),
            size: (1280, 720),
        }
    }

    proptest! {
        #[test]
        fn the_nth_picture_shown_has_the_time_of_the_nth_of_the_source(
            lead in 0usize..40, gaps in prop::collection::vec(1i64..9000, 2..120), reorder: bool, drift in 0i64..100_000,
        ) {
            let source = source(lead, &gaps);
            let placed = place_pictures(&source, VideoCodec::H264, &encoded(&source, reorder, drift), 6000).unwrap();
            prop_assert_eq!(placed.len(), source.own.len());
            for picture in &placed {
                let shown: usize = std::str::from_utf8(&picture.bytes[5..]).unwrap().parse().unwrap();
                prop_assert_eq!(picture.pts, source.own[shown - lead].pts);
                prop_assert!(picture.dts <= picture.pts);
            }
            prop_assert!(placed.windows(2).all(|pair| pair[0].dts < pair[1].dts));
            prop_assert!(placed.windows(2).all(|pair| pair[0].segment <= pair[1].segment));
            prop_assert!(placed.windows(2).filter(|pair| pair[0].segment != pair[1].segment).all(|pair| pair[1].sync));
        }

        #[test]
        fn a_picture_too_few_or_too_many_is_never_placed(gaps in prop::collection::vec(1i64..9000, 2..50), more: bool) {
            let source = source(3, &gaps);
            let mut made = encoded(&source, false, 0);
            if more { made.push(made[0].clone()) } else { made.pop(); }
            let refused = matches!(place_pictures(&source, VideoCodec::H264, &made, 0), Err(EncodeError::Count { .. }));
            prop_assert!(refused);
        }

        #[test]
        fn chunks_of_sound_meet_without_gap_or_overlap(
            cuts in prop::collection::vec(90_000i64..2_700_000, 1..20), mp3: bool,
            sample_rate in prop::sample::select(&[22_050u32, 32_000, 44_100, 48_000][..]),
        ) {
            let codec = if mp3 { AudioCodec::Mp3 } else { AudioCodec::Aac };
            let audio = AudioEncoding { codec, kbps: 128, sample_rate, channels: 2, volume_db: 0 };
            let bytes = Mp3Config::new(sample_rate, 2, 128).unwrap().silent_frame();
            let (mut begin, mut next) = (90_000, None);
            for length in cuts {
                let sample = EncodedSample { pts: 0, sync: true, bytes: bytes.clone() };
                let frames = place_frames(&vec![sample; 4_000], begin, begin + length, &audio).unwrap();
                if let (Some(next), Some(first)) = (next, frames.first()) {
                    prop_assert_eq!(first.frame, next);
                }
                next = frames.last().map(|last| last.frame + 1).or(next);
                begin += length;
            }
        }
    }

    #[test]
    fn a_frame_of_mp3_that_needs_the_one_before_it_is_refused() {
        let audio = AudioEncoding { codec: AudioCodec::Mp3, kbps: 128, sample_rate: 44_100, channels: 2, volume_db: 0 };
        let mut bytes = Mp3Config::new(44_100, 2, 128).unwrap().silent_frame().to_vec();
        bytes[4] = 1;
        let sample = EncodedSample { pts: 0, sync: true, bytes: bytes.into() };
        let placed = place_frames(&vec![sample; 100], 90_000, 180_000, &audio);
        assert!(matches!(placed, Err(EncodeError::Output { .. })));
    }

    #[test]
    fn a_segment_that_does_not_begin_with_a_key_frame_is_refused() {
        let source = source(0, &[3000; 10]);
        let mut made = encoded(&source, false, 0);
        made[5].sync = false;
        let placed = |made: &[EncodedSample]| place_pictures(&source, VideoCodec::H264, made, 0);
        assert_eq!(placed(&made), Err(EncodeError::NoKeyFrame { segment: 1 }));
        // Nor is one that only says that it is a key frame.
        made[5] = EncodedSample { sync: true, bytes: nal(false, "5"), ..made[5].clone() };
        assert!(matches!(placed(&made), Err(EncodeError::Output { .. })));
    }
}
