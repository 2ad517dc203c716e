//! Reads a fragmented MP4 as it comes, box by box.

use bytes::{Bytes, BytesMut};
use codec::{AudioConfig, TrackKind, VideoConfig};
use container::read_box_header;
use units::Timescale;

use crate::error::{EncodeError, Result};
use crate::movie::{MovieTrack, Row, broken, rows_of, tracks_of};

/// Largest box that is waited for, in bytes: a fragment of a second at 2 Gb/s.
const BOX_BYTES_MAX: usize = 256 << 20;
/// Samples of one fragment that are read.
const SAMPLES_MAX: usize = 65_536;

/// One frame of a file, and its parameters where they are told first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileSample {
    /// Whose frame.
    pub track: TrackKind,
    /// Decode time, in ticks of its file.
    pub dts: i64,
    /// Presentation time minus decode time.
    pub cto: i64,
    /// Ticks, as far as its file says.
    pub duration: u32,
    /// A key frame, as its file says.
    pub sync: bool,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Reads what FFmpeg puts out, whatever the pieces in which it comes.
#[derive(Default)]
pub struct MovieReader {
    buffer: BytesMut,
    video: Option<MovieTrack>,
    sound: Option<MovieTrack>,
    /// Of the `moof` whose `mdat` is still to come.
    pending: Option<(TrackKind, Vec<Row>)>,
}

impl MovieReader {
    /// Takes the next bytes; the samples that are whole by now.
    ///
    /// Errors: [`EncodeError::Output`] for what FFmpeg does not write when it is asked as it is.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<FileSample>> {
        self.buffer.extend_from_slice(bytes);
        let mut samples = Vec::new();
        while let Some((kind, body)) = self.next_box()? {
            match &kind {
                b"moov" => self.begin(&body)?,
                b"moof" => {
                    let (id, rows) = rows_of(&body, SAMPLES_MAX)?;
                    let is = |track: &Option<MovieTrack>| track.as_ref().is_some_and(|track| track.id == id);
                    let track = match (is(&self.video), is(&self.sound)) {
                        (true, _) => TrackKind::Video,
                        (_, true) => TrackKind::Audio,
                        (false, false) => return Err(broken("a fragment of a track that is not there")),
                    };
                    self.pending = Some((track, rows));
                }
                b"mdat" => self.cut(&body, &mut samples)?,
                _ => {}
            }
        }
        Ok(samples)
    }

    /// Whether nothing is left of a box that did not come whole.
    pub fn is_at_rest(&self) -> bool {
        self.buffer.is_empty() && self.pending.is_none()
    }

    /// The parameters of the pictures; `None` when there are none, or the file has not said so yet.
    ///
    /// Errors: [`EncodeError::Output`] for parameters that cannot be read.
    pub fn video(&self) -> Result<Option<VideoConfig>> {
        self.video.as_ref().map_or(Ok(None), MovieTrack::video)
    }

    /// The parameters of the sound, of which `first` is the first frame, and the ticks of its times.
    ///
    /// Errors: [`EncodeError::Output`] for parameters that cannot be read.
    pub fn sound(&self, first: &Bytes) -> Result<Option<(AudioConfig, Timescale)>> {
        let Some(track) = &self.sound else { return Ok(None) };
        Ok(track.audio(first)?.map(|config| (config, track.scale)))
    }

    /// The ticks of the sound's times, when there is sound.
    pub fn sound_scale(&self) -> Option<Timescale> {
        self.sound.as_ref().map(|track| track.scale)
    }

    fn begin(&mut self, moov: &Bytes) -> Result<()> {
        for track in tracks_of(moov)? {
            let of_its_kind = if track.has_pictures() { &mut self.video } else { &mut self.sound };
            of_its_kind.get_or_insert(track);
        }
        Ok(())
    }

    fn next_box(&mut self) -> Result<Option<([u8; 4], Bytes)>> {
        // A size of 1 says that the real one stands behind the type.
        let head = if self.buffer.starts_with(&[0, 0, 0, 1]) { 16 } else { 8 };
        if self.buffer.len() < head {
            return Ok(None);
        }
        let span = read_box_header(&self.buffer, 0).ok_or(broken("a box is wanted"))?;
        let size = usize::try_from(span.size).ok().filter(|size| *size <= BOX_BYTES_MAX);
        let size = size.ok_or(broken("a box is too large"))?;
        let header = usize::try_from(span.header).map_err(|_| broken("a box is wanted"))?;
        if self.buffer.len() < size {
            return Ok(None);
        }
        let whole = self.buffer.split_to(size).freeze();
        Ok(Some((span.kind, whole.slice(header.min(size)..))))
    }

    fn cut(&mut self, mdat: &Bytes, samples: &mut Vec<FileSample>) -> Result<()> {
        let (track, rows) = self.pending.take().ok_or(EncodeError::Output { what: "samples without a table" })?;
        let mut at = 0usize;
        for row in rows {
            let end = at.saturating_add(row.size);
            if end > mdat.len() {
                return Err(broken("its samples do not fit their box"));
            }
            let bytes = mdat.slice(at..end);
            let Row { dts, cto, duration, sync, .. } = row;
            samples.push(FileSample { track, dts, cto, duration, sync, bytes });
            at = end;
        }
        Ok(())
    }
}
