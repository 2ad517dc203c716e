//! Reads the fragmented MP4 that the encoder writes (ISO/IEC 14496-12 §8.8): one track, its parameters and samples.

use bytes::Bytes;
use codec::{AacConfig, AudioConfig, Mp3Config, VideoCodec, VideoConfig};
use container::read_box_header;
use units::Timescale;

use crate::error::{EncodeError, Result};

/// Samples of a file that are read: five minutes at 240 pictures a second; a chunk has a tenth.
const SAMPLES_MAX: usize = 72_000;
/// `sample_is_non_sync_sample` (§8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// One sample of the encoder's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodedSample {
    /// By the encoder's clock, in ticks of its file: good for its order, not for its place.
    pub pts: i64,
    /// A key frame.
    pub sync: bool,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What the encoder wrote.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Movie {
    /// The parameters of its pictures, where it has any.
    pub video: Option<VideoConfig>,
    /// In decode order.
    pub samples: Vec<EncodedSample>,
}

pub(crate) fn broken(what: &'static str) -> EncodeError {
    EncodeError::Output { what }
}

/// Reads a whole file. Errors: [`EncodeError::Output`] for what no encoder of ours writes, or what is cut off.
pub fn read_movie(file: &Bytes) -> Result<Movie> {
    let mut movie = Movie::default();
    let mut pending: Vec<Row> = Vec::new();
    for (kind, body) in boxes(file.clone())? {
        match &kind {
            b"moov" => {
                let track = tracks_of(&body)?.into_iter().next().ok_or(broken("no track"))?;
                movie.video = track.video()?;
            }
            b"moof" => pending = rows_of(&body, SAMPLES_MAX)?.1,
            b"mdat" => {
                let mut at = 0;
                for row in pending.drain(..) {
                    let end = at + row.size;
                    if end > body.len() || movie.samples.len() >= SAMPLES_MAX {
                        return Err(broken("its samples do not fit their box"));
                    }
                    let pts = row.dts.saturating_add(row.cto);
                    movie.samples.push(EncodedSample { pts, sync: row.sync, bytes: body.slice(at..end) });
                    at = end;
                }
            }
            _ => {}
        }
    }
    if !pending.is_empty() {
        return Err(broken("it is cut off"));
    }
    Ok(movie)
}

/// The boxes that lie end to end in `bytes`.
fn boxes(bytes: Bytes) -> Result<Vec<([u8; 4], Bytes)>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let span = read_box_header(bytes.get(at..).unwrap_or_default(), 0).ok_or(broken("a box is wanted"))?;
        let (header, size) = (usize::try_from(span.header).ok(), usize::try_from(span.size).ok());
        let (Some(header), Some(end)) = (header, size.and_then(|size| at.checked_add(size))) else {
            return Err(broken("a box is too large"));
        };
        if end > bytes.len() {
            return Err(broken("it is cut off"));
        }
        found.push((span.kind, bytes.slice(at + header..end)));
        at = end;
    }
    Ok(found)
}

fn child(body: &Bytes, kind: [u8; 4]) -> Result<Option<Bytes>> {
    Ok(boxes(body.clone())?.into_iter().find(|(found, _)| *found == kind).map(|(_, body)| body))
}

/// A track of a file: how it counts, and what its samples are.
pub(crate) struct MovieTrack {
    pub(crate) id: u32,
    pub(crate) scale: Timescale,
    entry: Entry,
}

/// A sample entry, as far as it is of a codec that can be stored.
enum Entry {
    Video { codec: VideoCodec, record: Bytes },
    Aac { record: Bytes },
    Mp3,
    Other,
}

impl MovieTrack {
    /// The parameters of its pictures, when it has any. They count in 90 kHz, whatever the file does.
    pub(crate) fn video(&self) -> Result<Option<VideoConfig>> {
        let Entry::Video { codec, record } = &self.entry else { return Ok(None) };
        let config = VideoConfig::parse(*codec, record.clone(), Timescale::REEL);
        config.map(Some).map_err(|_| broken("the parameters of its pictures"))
    }

    /// Whether it has pictures.
    pub(crate) const fn has_pictures(&self) -> bool {
        matches!(self.entry, Entry::Video { .. })
    }

    /// The parameters of its sound, of which MP3 has those of its first frame; `None` when it has no sound.
    pub(crate) fn audio(&self, first: &Bytes) -> Result<Option<AudioConfig>> {
        let unread = |_| broken("the parameters of its sound");
        let config = match &self.entry {
            Entry::Aac { record } => AacConfig::parse(record).map_err(unread)?.audio_config(record.clone(), self.scale),
            Entry::Mp3 => Mp3Config::parse(first).map_err(unread)?.audio_config(self.scale),
            Entry::Video { .. } | Entry::Other => return Ok(None),
        };
        // Both count in the samples of the core, whatever the file does.
        let scale = Timescale::new(config.sample_rate).ok_or(broken("the parameters of its sound"))?;
        Ok(Some(AudioConfig { scale, ..config }))
    }
}

/// The tracks of a `moov`, in their order.
pub(crate) fn tracks_of(moov: &Bytes) -> Result<Vec<MovieTrack>> {
    let tracks = boxes(moov.clone())?.into_iter().filter(|(kind, _)| kind == b"trak");
    tracks.map(|(_, trak)| track_of(&trak)).collect()
}

fn track_of(trak: &Bytes) -> Result<MovieTrack> {
    /// In version 0 and 1 of `tkhd` and `mdhd` (§8.3.2, §8.4.2), behind two times of 32 and 64 bits.
    fn behind_times(body: &Bytes) -> Result<u32> {
        let mut fields = Fields(body);
        let times = if fields.u32()? >> 24 == 1 { 4 } else { 2 };
        for _ in 0..times {
            fields.u32()?;
        }
        fields.u32()
    }
    let within = |path: &[[u8; 4]]| {
        path.iter().try_fold(trak.clone(), |body, kind| child(&body, *kind)?.ok_or(broken("a track lacks a box")))
    };
    let id = behind_times(&within(&[*b"tkhd"])?)?;
    let scale =
        Timescale::new(behind_times(&within(&[*b"mdia", *b"mdhd"])?)?).ok_or(broken("a track without ticks"))?;
    let stsd = within(&[*b"mdia", *b"minf", *b"stbl", *b"stsd"])?;
    Ok(MovieTrack { id, scale, entry: entry_of(&stsd)? })
}

/// Of `stsd` the first entry: `avc1/avcC`, `hvc1/hvcC` or `mp4a/esds`.
fn entry_of(stsd: &Bytes) -> Result<Entry> {
    /// Version, flags and count of `stsd`; the fixed fields of a visual and of an audio sample entry (§12.1.3, §12.2.3).
    const STSD_FIELDS: usize = 8;
    const VISUAL_FIELDS: usize = 78;
    const AUDIO_FIELDS: usize = 28;
    let rest = |bytes: &Bytes, from: usize| bytes.slice(from.min(bytes.len())..);
    let entries = rest(stsd, STSD_FIELDS);
    for (codec, entry, record) in [(VideoCodec::H264, *b"avc1", *b"avcC"), (VideoCodec::H265, *b"hvc1", *b"hvcC")] {
        let Some(entry) = child(&entries, entry)? else { continue };
        let record = child(&rest(&entry, VISUAL_FIELDS), record)?.ok_or(broken("no parameters of its pictures"))?;
        return Ok(Entry::Video { codec, record });
    }
    let Some(entry) = child(&entries, *b"mp4a")? else { return Ok(Entry::Other) };
    match child(&rest(&entry, AUDIO_FIELDS), *b"esds")? {
        Some(esds) => Ok(read_descriptors(&esds).unwrap_or(Entry::Other)),
        None => Ok(Entry::Other),
    }
}

/// What the descriptors of an `esds` say (ISO/IEC 14496-1 §7.2.6): the object type, and of AAC its configuration.
fn read_descriptors(esds: &Bytes) -> Option<Entry> {
    /// Behind their tags and sizes: of the stream its id and flags, of the decoder all but its object type.
    const STREAM_FIELDS: usize = 3;
    const DECODER_FIELDS: usize = 12;
    /// A descriptor of this tag: where its body begins, and its bytes.
    fn descriptor(bytes: &Bytes, at: usize, tag: u8) -> Option<(usize, usize)> {
        if *bytes.get(at)? != tag {
            return None;
        }
        let (mut at, mut size) = (at + 1, 0usize);
        loop {
            let byte = *bytes.get(at)?;
            (at, size) = (at + 1, (size << 7) | usize::from(byte & 0x7f));
            if byte & 0x80 == 0 {
                return (at.checked_add(size)? <= bytes.len()).then_some((at, size));
            }
        }
    }
    // Version and flags are before them.
    let (stream, _) = descriptor(esds, 4, 3)?;
    let (decoder, _) = descriptor(esds, stream + STREAM_FIELDS, 4)?;
    match *esds.get(decoder)? {
        0x40 => {
            let (config, size) = descriptor(esds, decoder + 1 + DECODER_FIELDS, 5)?;
            Some(Entry::Aac { record: esds.slice(config..config + size) })
        }
        0x69 | 0x6b => Some(Entry::Mp3),
        _ => None,
    }
}

/// One sample in the tables of a fragment.
pub(crate) struct Row {
    pub(crate) dts: i64,
    pub(crate) cto: i64,
    pub(crate) duration: u32,
    pub(crate) size: usize,
    pub(crate) sync: bool,
}

/// Big-endian fields in order.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&mut self) -> Result<u32> {
        let (field, rest) = self.0.split_first_chunk::<4>().ok_or(broken("a box is too short"))?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*field))
    }

    fn u32_if(&mut self, there: bool) -> Result<Option<u32>> {
        if there { self.u32().map(Some) } else { Ok(None) }
    }
}

/// The track of a `moof` of one, and its samples, at most so many.
pub(crate) fn rows_of(moof: &Bytes, limit: usize) -> Result<(u32, Vec<Row>)> {
    let traf = child(moof, *b"traf")?.ok_or(broken("a fragment without a track"))?;
    let (mut track, mut rows, mut dts) = (0, Vec::new(), 0i64);
    let mut defaults = (0, 0, 0);
    for (kind, body) in boxes(traf)? {
        let mut fields = Fields(&body);
        match &kind {
            b"tfhd" => {
                let flags = fields.u32()?;
                track = fields.u32()?;
                if flags & 0x1 != 0 {
                    return Err(broken("a fragment with a base of its own"));
                }
                fields.u32_if(flags & 0x2 != 0)?;
                let duration = fields.u32_if(flags & 0x8 != 0)?.unwrap_or(0);
                let size = fields.u32_if(flags & 0x10 != 0)?.unwrap_or(0);
                let sample_flags = fields.u32_if(flags & 0x20 != 0)?.unwrap_or(0);
                defaults = (duration, size, sample_flags);
            }
            b"tfdt" => {
                let high = if fields.u32()? >> 24 == 1 { fields.u32()? } else { 0 };
                // Signed, as FFmpeg writes what is decoded before 0.
                dts = ((u64::from(high) << 32) | u64::from(fields.u32()?)).cast_signed();
            }
            b"trun" => read_run(&mut fields, defaults, limit, &mut dts, &mut rows)?,
            _ => {}
        }
    }
    Ok((track, rows))
}

fn read_run(
    fields: &mut Fields<'_>,
    defaults: (u32, u32, u32),
    limit: usize,
    dts: &mut i64,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let flags = fields.u32()?;
    let count = fields.u32()?;
    fields.u32_if(flags & 0x1 != 0)?;
    let first_flags = fields.u32_if(flags & 0x4 != 0)?;
    for number in 0..count {
        if rows.len() >= limit {
            return Err(broken("more samples than a fragment has"));
        }
        let duration = fields.u32_if(flags & 0x100 != 0)?.unwrap_or(defaults.0);
        let size = fields.u32_if(flags & 0x200 != 0)?.unwrap_or(defaults.1);
        let own = fields.u32_if(flags & 0x400 != 0)?;
        let offset = fields.u32_if(flags & 0x800 != 0)?.unwrap_or(0).cast_signed();
        let sample_flags = match (number, first_flags) {
            (0, Some(first)) => first,
            _ => own.unwrap_or(defaults.2),
        };
        rows.push(Row {
            dts: *dts,
            cto: i64::from(offset),
            duration,
            size: usize::try_from(size).map_err(|_| broken("a sample is too large"))?,
            sync: sample_flags & NON_SYNC == 0,
        });
        *dts = dts.saturating_add(i64::from(duration));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use container::{SampleRow, fragment_head};
    use proptest::prelude::*;

    use super::*;

    fn file(rows: &[SampleRow]) -> Bytes {
        let body: Vec<u8> = rows.iter().flat_map(|row| vec![7u8; row.size as usize]).collect();
        [fragment_head(1, 1, 90_000, rows).as_ref(), &body].concat().into()
    }

    #[test]
    fn times_come_from_the_decode_time_and_the_offsets() {
        let row = |cto, sync| SampleRow { duration: 3000, size: 5, cto, sync };
        let movie = read_movie(&file(&[row(6000, true), row(-3000, false)])).unwrap();
        let told: Vec<_> = movie.samples.iter().map(|sample| (sample.pts, sample.sync, sample.bytes.len())).collect();
        assert_eq!(told, [(96_000, true, 5), (90_000, false, 5)]);
    }

    proptest! {
        #[test]
        fn a_file_that_is_cut_off_is_told_from_a_whole_one(cut in any::<prop::sample::Index>()) {
            let whole = file(&[SampleRow { duration: 1, size: 40, cto: 0, sync: true }]);
            let at = 1 + cut.index(whole.len() - 1);
            prop_assert!(read_movie(&whole.slice(..at)).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_movie(&bytes.into());
        }

        #[test]
        fn a_damaged_file_never_panics(at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = file(&[SampleRow { duration: 1, size: 40, cto: 0, sync: true }]).to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = read_movie(&bytes.into());
        }
    }
}
