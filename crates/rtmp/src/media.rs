//! From message bodies to frames: the parameters of each track, and its samples on unwrapped time.

use bytes::Bytes;
use codec::{AacConfig, AccessUnit, AvcConfig, CodecError, Frame, Sample, TrackConfig, TrackKind, VideoCodec};
use container::flv::{AudioTag, FileTags, FlvError, TagKind, VideoTag};
use units::Timescale;

use crate::timestamp::Unwrap;

/// Why media is not taken; it ends the push.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MediaError {
    /// The tag around it.
    #[error(transparent)]
    Tag(#[from] FlvError),
    /// The parameters or samples in it.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// What was not handed on, since the session began.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Left {
    /// Samples before the parameters of their track: nothing can decode them.
    pub without_config: u64,
    /// Video samples without a picture: only delimiters, SEI or parameter sets.
    pub without_picture: u64,
}

#[derive(Default)]
pub(crate) struct Media {
    video: Option<(Bytes, AvcConfig)>,
    audio: Option<Bytes>,
    video_time: Unwrap,
    audio_time: Unwrap,
    pub(crate) left: Left,
}

impl Media {
    /// A message of type 9.
    pub(crate) fn video(&mut self, timestamp: u32, body: &Bytes, out: &mut Vec<Frame>) -> Result<(), MediaError> {
        match VideoTag::parse(body)? {
            VideoTag::Nothing => {}
            VideoTag::Config(record) => {
                // Sequence headers are repeated; the same again is nothing new.
                if self.video.as_ref().is_some_and(|(known, _)| *known == record) {
                    return Ok(());
                }
                let config = AvcConfig::parse(&record)?;
                out.push(Frame::Config(TrackConfig::Video(config.video_config(record.clone(), Timescale::MILLIS))));
                self.video = Some((record, config));
            }
            VideoTag::Frame { composition_ms, data } => {
                self.video_time.follow(self.audio_time);
                let dts = self.video_time.next(timestamp);
                let Some((_, config)) = &self.video else {
                    self.left.without_config += 1;
                    return Ok(());
                };
                let unit = AccessUnit::parse(VideoCodec::H264, data, config.length_size)?;
                if !unit.picture {
                    self.left.without_picture += 1;
                    return Ok(());
                }
                let (track, cto, sync) = (TrackKind::Video, composition_ms, unit.idr);
                out.push(Frame::Sample(Sample { track, dts, cto, sync, data: unit.data }));
            }
        }
        Ok(())
    }

    /// A message of type 8.
    pub(crate) fn audio(&mut self, timestamp: u32, body: &Bytes, out: &mut Vec<Frame>) -> Result<(), MediaError> {
        match AudioTag::parse(body)? {
            AudioTag::Nothing => {}
            AudioTag::Config(record) => {
                if self.audio.as_ref() == Some(&record) {
                    return Ok(());
                }
                let config = AacConfig::parse(&record)?;
                out.push(Frame::Config(TrackConfig::Audio(config.audio_config(record.clone(), Timescale::MILLIS))));
                self.audio = Some(record);
            }
            AudioTag::Frame(data) => {
                self.audio_time.follow(self.video_time);
                let dts = self.audio_time.next(timestamp);
                if self.audio.is_none() {
                    self.left.without_config += 1;
                    return Ok(());
                }
                out.push(Frame::Sample(Sample { track: TrackKind::Audio, dts, cto: 0, sync: true, data }));
            }
        }
        Ok(())
    }

    /// A message of type 22 (§7.1.6): tags as in a file. Their times count from the first, which is the message's.
    pub(crate) fn aggregate(&mut self, timestamp: u32, body: Bytes, out: &mut Vec<Frame>) -> Result<(), MediaError> {
        let mut offset = None;
        for tag in FileTags::of_tags(body) {
            let offset = *offset.get_or_insert_with(|| timestamp.wrapping_sub(tag.timestamp_ms));
            let at = tag.timestamp_ms.wrapping_add(offset);
            match tag.kind {
                TagKind::Video => self.video(at, &tag.body, out)?,
                TagKind::Audio => self.audio(at, &tag.body, out)?,
                TagKind::Script => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = &[
        0x01, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x03, 0x60, 0xf7, 0x9b, 0xc0,
        0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x01, 0xe0, 0x3c, 0x60, 0xca, 0x80, 0x01, 0x00, 0x04,
        0x68, 0xce, 0x0f, 0xc8,
    ];

    fn body(head: &[u8], data: &[u8]) -> Bytes {
        Bytes::from([head, data].concat())
    }

    #[test]
    fn a_repeated_sequence_header_is_told_once() {
        let (mut media, mut out) = (Media::default(), Vec::new());
        let header = body(&[0x17, 0, 0, 0, 0], RECORD);
        media.video(0, &header, &mut out).unwrap();
        media.video(40, &header, &mut out).unwrap();
        media.audio(0, &Bytes::from_static(&[0xaf, 0, 0x11, 0x90]), &mut out).unwrap();
        media.audio(9, &Bytes::from_static(&[0xaf, 0, 0x11, 0x90]), &mut out).unwrap();
        media.audio(9, &Bytes::from_static(&[0xaf, 0, 0x12, 0x10]), &mut out).unwrap();
        assert_eq!(out.len(), 3);
        assert!(
            matches!(&out[0], Frame::Config(TrackConfig::Video(video)) if (video.width, video.height) == (854, 480))
        );
        assert!(matches!(&out[2], Frame::Config(TrackConfig::Audio(audio)) if audio.sample_rate == 44_100));
    }

    #[test]
    fn samples_keep_their_time_and_those_without_a_picture_are_counted() {
        let (mut media, mut out) = (Media::default(), Vec::new());
        let idr = body(&[0x17, 1, 0, 0, 80], &[0, 0, 0, 2, 0x65, 0x88]);
        let sei = body(&[0x27, 1, 0, 0, 0], &[0, 0, 0, 2, 0x06, 0x05]);
        media.video(0, &idr, &mut out).unwrap();
        assert_eq!(media.left.without_config, 1);
        media.video(0, &body(&[0x17, 0, 0, 0, 0], RECORD), &mut out).unwrap();
        media.video(40, &idr, &mut out).unwrap();
        media.video(80, &sei, &mut out).unwrap();
        assert_eq!(media.left.without_picture, 1);
        let [_, Frame::Sample(sample)] = &out[..] else { panic!("{out:?}") };
        assert_eq!((sample.dts, sample.cto, sample.sync), (40, 80, true));
    }

    #[test]
    fn an_aggregate_is_its_tags_at_the_time_of_the_message() {
        let (mut media, mut out) = (Media::default(), Vec::new());
        media.audio(0, &Bytes::from_static(&[0xaf, 0, 0x11, 0x90]), &mut out).unwrap();
        let tag = |at: u8| [&[8, 0, 0, 3, 0, 0, at, 0, 0, 0, 0, 0xaf, 1, at, 0, 0, 0, 14][..]].concat();
        media.aggregate(1_000, Bytes::from([tag(5), tag(26)].concat()), &mut out).unwrap();
        let times: Vec<_> =
            out.iter().filter_map(|frame| if let Frame::Sample(s) = frame { Some(s.dts) } else { None }).collect();
        assert_eq!(times, [1_000, 1_021]);
    }
}
