//! The segment that grows.

use blobs::{AppendFile, BlobError, Blobs};
use bytes::Bytes;
use codec::TrackKind;
use container::{fragment_head, head_bytes};
use reel::{
    Epoch, Fragment, PageRef, SamplePage, Scanned, SegmentHead, SegmentRow, checksum_of, fragment_checks, note_box,
    segment_head, segment_key, track_id,
};

use crate::RecorderError;
use crate::assembly::NewFragment;

/// A segment's file and what is known of it.
pub(super) struct Segment {
    file: AppendFile,
    /// As it stands in the file; its epoch is the one that holds by now.
    head: SegmentHead,
    page: SamplePage,
    /// The checksum of each fragment.
    checks: Vec<u32>,
    sequence: u32,
    /// Epochs described in this file, each with where its description ends.
    epochs: Vec<(u64, Epoch)>,
    /// What a power loss leaves.
    synced: Synced,
    /// What is behind that could not be cut off.
    uncut: bool,
}

#[derive(Clone, Copy, Default)]
struct Synced {
    bytes: u64,
    fragments: usize,
}

/// A segment that takes no more; all its bytes are durable.
#[derive(Debug)]
pub(super) struct Closed {
    /// All but where its page lies.
    pub(super) row: SegmentRow,
    pub(super) page: SamplePage,
    /// The checksum of each fragment.
    pub(super) checks: Vec<u32>,
    /// Epochs described in its file, in order.
    pub(super) epochs: Vec<Epoch>,
}

impl Segment {
    /// Makes the file and writes its head.
    pub(super) fn open(blobs: &Blobs, head: SegmentHead) -> Result<Self, RecorderError> {
        let mut file = blobs.append_file(&segment_key(head.reel, head.segment))?;
        // What an earlier attempt at this segment left.
        file.truncate(0)?;
        file.append(&[segment_head(&head)])?;
        let epochs = vec![(file.len(), head.epoch.clone())];
        Ok(Self {
            file,
            head,
            page: SamplePage::default(),
            checks: Vec::new(),
            sequence: 0,
            epochs,
            synced: Synced::default(),
            uncut: false,
        })
    }

    /// Takes up a file found after a restart: cuts off what does not hold, and writes the rest again where it is, since a sync
    /// of the last life may have failed. `None` when nothing in it holds.
    pub(super) fn adopt(
        blobs: &Blobs,
        key: &str,
        bytes: &[u8],
        scanned: Scanned,
    ) -> Result<Option<Self>, RecorderError> {
        let mut file = blobs.append_file(key)?;
        let (Some(first), Some(last)) = (scanned.heads.first(), scanned.heads.last()) else {
            file.truncate(0)?;
            return Ok(None);
        };
        if scanned.page.fragments.is_empty() {
            file.truncate(0)?;
            return Ok(None);
        }
        file.truncate(scanned.whole_bytes)?;
        file.rewrite(0)?;
        let epochs = scanned.heads.iter().map(|head| (0, head.epoch.clone())).collect();
        let head = SegmentHead { epoch: last.epoch.clone(), ..first.clone() };
        let checks = fragment_checks(bytes, &scanned.page.fragments);
        Ok(Some(Self {
            file,
            head,
            page: scanned.page,
            checks,
            sequence: 0,
            epochs,
            synced: Synced::default(),
            uncut: false,
        }))
    }

    pub(super) const fn epoch(&self) -> &Epoch {
        &self.head.epoch
    }

    /// Notes parameters that hold from here on.
    pub(super) fn note(&mut self, epoch: Epoch) -> std::io::Result<()> {
        let head = SegmentHead { epoch: epoch.clone(), ..self.head.clone() };
        self.file.append(&[note_box(&head)])?;
        self.epochs.push((self.file.len(), epoch));
        self.head = head;
        Ok(())
    }

    /// Writes fragments with one call. When it fails, nothing of them stays.
    pub(super) fn append(&mut self, fragments: Vec<NewFragment>) -> std::io::Result<()> {
        let mut at = self.file.len();
        let mut parts: Vec<Bytes> = Vec::new();
        let mut placed = Vec::with_capacity(fragments.len());
        let mut checks = Vec::with_capacity(fragments.len());
        let mut sequence = self.sequence;
        for new in fragments {
            sequence = sequence.saturating_add(1);
            // Times before the timeline's zero do not occur: it begins a second before the first picture.
            let dts = u64::try_from(new.dts).unwrap_or(0);
            let head = fragment_head(sequence, track_id(new.track), dts, &new.rows);
            checks.push(checksum_of(std::iter::once(&head).chain(&new.parts)));
            parts.push(head);
            let fragment = Fragment { track: new.track, at, dts: new.dts, samples: new.rows };
            debug_assert_eq!(fragment.head(), u64::try_from(head_bytes(fragment.samples.len())).unwrap_or(0));
            at += fragment.bytes();
            parts.extend(new.parts);
            placed.push(fragment);
        }
        self.file.append(&parts)?;
        self.sequence = sequence;
        self.page.fragments.extend(placed);
        self.checks.extend(checks);
        Ok(())
    }

    /// Makes what was written survive a power loss.
    ///
    /// After an error the disk may have lost what was written since the last sync, and a later sync would not tell
    /// (Linux marks such pages clean): it is cut off. Gives how many fragments that cost.
    pub(super) fn sync(&mut self) -> Result<(), (std::io::Error, u64)> {
        let failed = match self.file.sync_data() {
            Ok(()) => {
                self.synced = Synced { bytes: self.file.len(), fragments: self.page.fragments.len() };
                return Ok(());
            }
            Err(error) => error,
        };
        let lost = self.page.fragments.len() - self.synced.fragments;
        self.page.fragments.truncate(self.synced.fragments);
        self.checks.truncate(self.synced.fragments);
        self.epochs.retain(|(end, _)| *end <= self.synced.bytes);
        if let Some((_, epoch)) = self.epochs.last() {
            self.head.epoch = epoch.clone();
        }
        self.uncut = self.cut().is_err();
        Err((failed, u64::try_from(lost).unwrap_or(u64::MAX)))
    }

    /// Cuts the file to what is synced.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.truncate(self.synced.bytes)?;
        self.file.sync_data()
    }

    /// Ends the segment; call it after [`sync`](Self::sync). `end`: where the next one begins, when it follows at once.
    /// `None` when nothing of it is durable, or no picture where there should be some: its number is free again.
    pub(super) fn close(&mut self, end: Option<i64>) -> Option<Closed> {
        // Sound whose pictures were lost is half a second at most, and a segment starts with a picture where there are any.
        let borders = self.page.borders(&self.head.epoch)?;
        let row = SegmentRow {
            number: self.head.segment,
            cycle: self.head.cycle,
            epoch: self.head.epoch.number,
            bytes: self.synced.bytes,
            wall: self.head.wall,
            join: self.head.join,
            begin: borders.begin,
            end: end.unwrap_or(borders.end).max(borders.begin.saturating_add(1)),
            video: self.page.track_span(TrackKind::Video),
            audio: self.page.track_span(TrackKind::Audio),
            page: PageRef { at: 0, len: 0, crc: 0 },
        };
        let epochs = std::mem::take(&mut self.epochs).into_iter().map(|(_, epoch)| epoch).collect();
        let (page, checks) = (std::mem::take(&mut self.page), std::mem::take(&mut self.checks));
        Some(Closed { row, page, checks, epochs })
    }

    /// The file, and how long it has to be, when it could not be cut to what is durable.
    pub(super) fn into_uncut(self) -> Option<(AppendFile, u64)> {
        self.uncut.then_some((self.file, self.synced.bytes))
    }
}

impl Closed {
    /// A segment of sound alone begins no earlier than the media before it ends: sound whose parameters changed may have
    /// waited for a key frame that never came, and began under the pictures before.
    pub(super) fn begin_behind(&mut self, end: i64) {
        if self.row.video.is_none() && self.row.begin < end {
            self.row.begin = end;
            self.row.end = self.row.end.max(end + 1);
        }
    }
}

/// Whether an error says that there is no space left.
pub(super) fn is_full(error: &RecorderError) -> bool {
    match error {
        RecorderError::Blobs(BlobError::Full { .. }) => true,
        RecorderError::Io(error) => {
            matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        }
        RecorderError::Blobs(_) | RecorderError::Catalog(_) | RecorderError::Task(_) => false,
    }
}
