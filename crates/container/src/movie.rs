//! `ftyp` and `moov` (ISO/IEC 14496-12 §4.3, §8.2): init segments, and the head of a progressive MP4.

use bytes::{Bytes, BytesMut};
use codec::{AudioCodec, VideoCodec};
use units::Timescale;

use crate::boxes::{BoxWriter, UNITY_MATRIX};

/// Ticks per second of movie durations and edit durations: fine enough that an edit falls on a sample of 48 kHz sound.
pub const MOVIE_SCALE: Timescale = Timescale::REEL;

/// `objectTypeIndication` (ISO/IEC 14496-1 table 5, as the registration authority keeps it).
const OBJECT_MPEG4_AUDIO: u8 = 0x40;
const OBJECT_MPEG2_LAYERS: u8 = 0x69;
const OBJECT_MPEG1_LAYERS: u8 = 0x6b;

/// What a track holds, for its sample entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrackEntry {
    /// H.264 or H.265. `in_band`: parameter sets also lie in the samples and may change there (`avc3`, `hev1`, ISO/IEC 14496-15
    /// §5.4.2, §8.4.1).
    Video {
        /// Which.
        codec: VideoCodec,
        /// `AVCDecoderConfigurationRecord` or `HEVCDecoderConfigurationRecord`, copied as it is.
        record: Bytes,
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
        /// `avc3` instead of `avc1`, `hev1` instead of `hvc1`.
        in_band: bool,
    },
    /// AAC or MP3, both as `mp4a`.
    Audio {
        /// Which.
        codec: AudioCodec,
        /// AAC: `AudioSpecificConfig`, copied as it is. MP3 has nothing beside its frames.
        record: Bytes,
        /// Samples per second of the core coder.
        sample_rate: u32,
        /// Number of channels.
        channels: u16,
    },
}

/// One entry of an edit list (§8.6.6), version 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edit {
    /// How long it lasts, in [`MOVIE_SCALE`]; 0 in an init segment means "to the end".
    pub duration: u64,
    /// Where in the media it begins, in the track's ticks of *composition* time; `None` is an empty edit.
    pub media_time: Option<u64>,
}

/// The sample table of a track in a progressive MP4 (§8.5), run-length coded where the format is.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct SampleTables {
    /// `stts`: (count, duration).
    pub durations: Vec<(u32, u32)>,
    /// `ctts`: (count, offset). Left out of the file when every offset is 0; version 1 when one is negative.
    pub offsets: Vec<(u32, i32)>,
    /// `stss`: numbers of the sync samples, from 1. `None`: all are.
    pub syncs: Option<Vec<u32>>,
    /// `stsz`.
    pub sizes: Vec<u32>,
    /// `stsc`: (first chunk from 1, samples per chunk).
    pub chunk_runs: Vec<(u32, u32)>,
    /// `co64`: where each chunk begins, counted from the first byte of the `mdat`'s *body*.
    pub chunk_offsets: Vec<u64>,
}

/// One track of a movie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Track {
    /// `track_ID`, from 1.
    pub id: u32,
    /// Its sample entry.
    pub entry: TrackEntry,
    /// Ticks of its media.
    pub scale: Timescale,
    /// Its edit list; empty for none.
    pub edits: Vec<Edit>,
    /// Length of the presentation of this track, in [`MOVIE_SCALE`]; 0 in an init segment.
    pub duration: u64,
    /// Length of its media, in its own ticks; 0 in an init segment.
    pub media_duration: u64,
    /// Its samples; empty in an init segment.
    pub tables: SampleTables,
}

/// The init segment of a fragmented movie with these tracks.
pub fn init_segment(tracks: &[Track]) -> Bytes {
    let mut w = BoxWriter::default();
    w.boxed(b"ftyp", |w| {
        w.slice(b"iso6");
        w.u32(0);
        for brand in [b"iso6", b"cmfc", b"mp41"] {
            w.slice(brand);
        }
    });
    write_moov(&mut w, tracks, true);
    w.into_bytes()
}

/// Everything of a progressive MP4 before the body of its `mdat`, whose size is `body` bytes: `ftyp`, `moov` and the
/// 64-bit `mdat` header. Chunk offsets are moved from the body's start to the file's.
pub fn progressive_head(tracks: &[Track], body: u64) -> Bytes {
    // `avc1` as a brand promises H.264 whose parameter sets are only in the sample entry.
    let other = |entry: &TrackEntry| match entry {
        TrackEntry::Video { codec, in_band, .. } => *in_band || *codec != VideoCodec::H264,
        TrackEntry::Audio { .. } => false,
    };
    let other = tracks.iter().any(|track| other(&track.entry));
    let mut w = BoxWriter::default();
    w.boxed(b"ftyp", |w| {
        w.slice(b"isom");
        w.u32(0x200);
        for brand in [b"isom", b"iso2", if other { b"iso6" } else { b"avc1" }, b"mp41"] {
            w.slice(brand);
        }
    });
    let tables = write_moov(&mut w, tracks, false);
    w.u32(1);
    w.slice(b"mdat");
    w.u64(body.saturating_add(16));
    let base = u64::try_from(w.len()).unwrap_or(u64::MAX);
    let mut bytes = w.into_mut();
    for (at, count) in tables {
        move_offsets(&mut bytes, at, count, base);
    }
    bytes.freeze()
}

/// Adds `base` to the `count` 64-bit numbers from `at` on.
fn move_offsets(bytes: &mut BytesMut, at: usize, count: usize, base: u64) {
    let Some(table) = bytes.get_mut(at..at + 8 * count) else { return };
    for field in table.chunks_exact_mut(8) {
        let mut value = [0; 8];
        value.copy_from_slice(field);
        field.copy_from_slice(&u64::from_be_bytes(value).saturating_add(base).to_be_bytes());
    }
}

/// Writes the `moov` and tells where its `co64` tables lie: (offset of the first number, how many).
fn write_moov(w: &mut BoxWriter, tracks: &[Track], fragmented: bool) -> Vec<(usize, usize)> {
    let mut tables = Vec::new();
    let duration = tracks.iter().map(|track| track.duration).max().unwrap_or(0);
    let next_id = tracks.iter().map(|track| track.id).max().unwrap_or(0).saturating_add(1);
    w.boxed(b"moov", |w| {
        w.full(b"mvhd", 1, 0, |w| {
            w.u64(0);
            w.u64(0);
            w.u32(MOVIE_SCALE.get());
            w.u64(duration);
            w.u32(0x0001_0000);
            w.u16(0x0100);
            w.slice(&[0; 10]);
            UNITY_MATRIX.iter().for_each(|value| w.u32(*value));
            w.slice(&[0; 24]);
            w.u32(next_id);
        });
        for track in tracks {
            tables.push(write_trak(w, track));
        }
        if fragmented {
            w.boxed(b"mvex", |w| {
                for track in tracks {
                    w.full(b"trex", 0, 0, |w| [track.id, 1, 0, 0, 0].iter().for_each(|value| w.u32(*value)));
                }
            });
        }
    });
    tables
}

fn write_trak(w: &mut BoxWriter, track: &Track) -> (usize, usize) {
    let (width, height, volume) = match track.entry {
        TrackEntry::Video { width, height, .. } => (width, height, 0),
        TrackEntry::Audio { .. } => (0, 0, 0x0100),
    };
    let mut table = (0, 0);
    w.boxed(b"trak", |w| {
        w.full(b"tkhd", 1, 3, |w| {
            w.u64(0);
            w.u64(0);
            w.u32(track.id);
            w.u32(0);
            w.u64(track.duration);
            w.u64(0);
            w.u16(0);
            w.u16(0);
            w.u16(volume);
            w.u16(0);
            UNITY_MATRIX.iter().for_each(|value| w.u32(*value));
            w.u32(u32::from(width) << 16);
            w.u32(u32::from(height) << 16);
        });
        if !track.edits.is_empty() {
            w.boxed(b"edts", |w| {
                w.full(b"elst", 1, 0, |w| {
                    w.u32(u32::try_from(track.edits.len()).unwrap_or(u32::MAX));
                    for edit in &track.edits {
                        w.u64(edit.duration);
                        w.i64(edit.media_time.map_or(-1, |time| i64::try_from(time).unwrap_or(i64::MAX)));
                        w.u32(0x0001_0000);
                    }
                });
            });
        }
        w.boxed(b"mdia", |w| table = write_mdia(w, track));
    });
    table
}

fn write_mdia(w: &mut BoxWriter, track: &Track) -> (usize, usize) {
    let video = matches!(track.entry, TrackEntry::Video { .. });
    let mut table = (0, 0);
    w.full(b"mdhd", 1, 0, |w| {
        w.u64(0);
        w.u64(0);
        w.u32(track.scale.get());
        w.u64(track.media_duration);
        w.u16(0x55c4); // "und"
        w.u16(0);
    });
    w.full(b"hdlr", 0, 0, |w| {
        w.u32(0);
        w.slice(if video { b"vide" } else { b"soun" });
        w.slice(&[0; 12]);
        w.slice(if video { b"Video\0" } else { b"Audio\0" });
    });
    w.boxed(b"minf", |w| {
        match video {
            true => w.full(b"vmhd", 0, 1, |w| w.u64(0)),
            false => w.full(b"smhd", 0, 0, |w| w.u32(0)),
        }
        w.boxed(b"dinf", |w| {
            w.full(b"dref", 0, 0, |w| {
                w.u32(1);
                w.full(b"url ", 0, 1, |_| {});
            });
        });
        w.boxed(b"stbl", |w| table = write_stbl(w, track));
    });
    table
}

fn write_stbl(w: &mut BoxWriter, track: &Track) -> (usize, usize) {
    let tables = &track.tables;
    let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    w.full(b"stsd", 0, 0, |w| {
        w.u32(1);
        write_entry(w, &track.entry);
    });
    w.full(b"stts", 0, 0, |w| {
        w.u32(count(tables.durations.len()));
        for (samples, duration) in &tables.durations {
            w.u32(*samples);
            w.u32(*duration);
        }
    });
    if tables.offsets.iter().any(|(_, offset)| *offset != 0) {
        let version = u8::from(tables.offsets.iter().any(|(_, offset)| *offset < 0));
        w.full(b"ctts", version, 0, |w| {
            w.u32(count(tables.offsets.len()));
            for (samples, offset) in &tables.offsets {
                w.u32(*samples);
                w.i32(*offset);
            }
        });
    }
    if let Some(syncs) = &tables.syncs {
        w.full(b"stss", 0, 0, |w| {
            w.u32(count(syncs.len()));
            syncs.iter().for_each(|number| w.u32(*number));
        });
    }
    w.full(b"stsc", 0, 0, |w| {
        w.u32(count(tables.chunk_runs.len()));
        for (first, samples) in &tables.chunk_runs {
            w.u32(*first);
            w.u32(*samples);
            w.u32(1);
        }
    });
    w.full(b"stsz", 0, 0, |w| {
        w.u32(0);
        w.u32(count(tables.sizes.len()));
        tables.sizes.iter().for_each(|size| w.u32(*size));
    });
    let mut at = 0;
    w.full(b"co64", 0, 0, |w| {
        w.u32(count(tables.chunk_offsets.len()));
        at = w.len();
        tables.chunk_offsets.iter().for_each(|offset| w.u64(*offset));
    });
    (at, tables.chunk_offsets.len())
}

fn write_entry(w: &mut BoxWriter, entry: &TrackEntry) {
    match entry {
        TrackEntry::Video { codec, record, width, height, in_band } => {
            let (entry, config) = match (codec, in_band) {
                (VideoCodec::H264, false) => (b"avc1", b"avcC"),
                (VideoCodec::H264, true) => (b"avc3", b"avcC"),
                (VideoCodec::H265, false) => (b"hvc1", b"hvcC"),
                (VideoCodec::H265, true) => (b"hev1", b"hvcC"),
            };
            w.boxed(entry, |w| {
                w.slice(&[0; 6]);
                w.u16(1);
                w.slice(&[0; 16]);
                w.u16(*width);
                w.u16(*height);
                w.u32(0x0048_0000);
                w.u32(0x0048_0000);
                w.u32(0);
                w.u16(1);
                w.slice(&[0; 32]);
                w.u16(0x0018);
                w.u16(0xffff);
                w.boxed(config, |w| w.slice(record));
            });
        }
        TrackEntry::Audio { codec, record, sample_rate, channels } => {
            w.boxed(b"mp4a", |w| {
                w.slice(&[0; 6]);
                w.u16(1);
                w.u64(0);
                w.u16(*channels);
                w.u16(16);
                w.u32(0);
                // 16.16; rates of 65 536 and more do not fit and are read from the configuration anyway.
                w.u32(u16::try_from(*sample_rate).map_or(0, |rate| u32::from(rate) << 16));
                w.full(b"esds", 0, 0, |w| match codec {
                    AudioCodec::Aac => write_es_descriptor(w, OBJECT_MPEG4_AUDIO, record),
                    AudioCodec::Mp3 if *sample_rate < 32_000 => write_es_descriptor(w, OBJECT_MPEG2_LAYERS, &[]),
                    AudioCodec::Mp3 => write_es_descriptor(w, OBJECT_MPEG1_LAYERS, &[]),
                });
            });
        }
    }
}

/// `ES_Descriptor` (ISO/IEC 14496-1 §7.2.6.5) around an `AudioSpecificConfig`, if there is one.
fn write_es_descriptor(w: &mut BoxWriter, object: u8, config: &[u8]) {
    let config_len = u8::try_from(config.len()).unwrap_or(u8::MAX).min(64);
    let config = config.get(..usize::from(config_len)).unwrap_or_default();
    let specific_len = if config.is_empty() { 0 } else { 2 + config_len };
    let decoder_len = 13 + specific_len;
    w.slice(&[0x03, 3 + 2 + decoder_len + 3, 0, 0, 0]);
    // The object type, stream type 5 (audio), then buffer size and bit rates, unknown.
    w.slice(&[0x04, decoder_len, object, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    if !config.is_empty() {
        w.slice(&[0x05, config_len]);
        w.slice(config);
    }
    w.slice(&[0x06, 1, 2]);
}

#[cfg(test)]
mod tests {
    use mp4_atom::{Atom, Codec, Decode, Moov, ReadAtom, ReadFrom};

    use super::*;

    fn video(tables: SampleTables, edits: Vec<Edit>) -> Track {
        let record =
            Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee]);
        let entry = TrackEntry::Video { codec: VideoCodec::H264, record, width: 1280, height: 720, in_band: false };
        Track { id: 1, entry, scale: Timescale::REEL, edits, duration: 180_000, media_duration: 180_000, tables }
    }

    fn audio() -> Track {
        let record = Bytes::from_static(&[0x11, 0x90]);
        let entry = TrackEntry::Audio { codec: AudioCodec::Aac, record, sample_rate: 48_000, channels: 2 };
        let scale = Timescale::new(48_000).unwrap();
        Track { id: 2, entry, scale, edits: vec![], duration: 0, media_duration: 0, tables: SampleTables::default() }
    }

    fn moov_of(bytes: &[u8]) -> Moov {
        let mut rest = bytes;
        loop {
            let header = <Option<mp4_atom::Header> as ReadFrom>::read_from(&mut rest).unwrap().expect("a moov");
            if header.kind == Moov::KIND {
                return Moov::read_atom(&header, &mut rest).unwrap();
            }
            rest = &rest[header.size.unwrap()..];
        }
    }

    #[test]
    fn a_second_reader_sees_the_init_segment() {
        let moov = moov_of(&init_segment(&[video(SampleTables::default(), vec![]), audio()]));
        assert_eq!(moov.mvex.unwrap().trex.len(), 2);
        assert!(matches!(&moov.trak[0].mdia.minf.stbl.stsd.codecs[0], Codec::Avc1(avc1) if avc1.visual.width == 1280));
        assert!(
            matches!(&moov.trak[1].mdia.minf.stbl.stsd.codecs[0], Codec::Mp4a(mp4a) if mp4a.audio.channel_count == 2)
        );
    }

    #[test]
    fn chunk_offsets_point_into_the_file() {
        let tables = SampleTables {
            durations: vec![(2, 3000)],
            offsets: vec![(1, 6000), (1, 0)],
            syncs: Some(vec![1]),
            sizes: vec![10, 20],
            chunk_runs: vec![(1, 1)],
            chunk_offsets: vec![100, 5_000_000_000],
        };
        let head =
            progressive_head(&[video(tables, vec![Edit { duration: 180_000, media_time: Some(6000) }])], 6_000_000_000);
        let stbl = &moov_of(&head).trak[0].mdia.minf.stbl;
        let base = head.len() as u64;
        assert_eq!(stbl.co64.as_ref().unwrap().entries, vec![base + 100, base + 5_000_000_000]);
        assert_eq!(u64::from_be_bytes(head[head.len() - 8..].try_into().unwrap()), 6_000_000_016);
        let _ = Moov::decode(&mut &head[32..]).unwrap();
    }
}
