//! A reel after a restart.

use std::time::Duration;

use blobs::Blobs;
use codec::TrackKind;
use domain::recording::Cycle;
use reel::{Join, ReelIndex, ScanEnd, scan_segment, segment_key};
use units::ReelId;

use super::holes::cut_at_hole;
use super::index::{FoundIndex, IndexFiles};
use super::segment::Segment;
use super::{CycleSoFar, Disk, Owed, ReadObject};
use crate::RecorderError;
use crate::assembly::Resume;

/// How a reel was found after a restart.
pub(crate) struct Found {
    pub(crate) disk: Disk,
    /// The cycles that have media, in order; the last one may go on.
    pub(crate) cycles: Vec<CycleSoFar>,
    /// Where the media ends.
    pub(crate) end: Resume,
    pub(crate) epochs: u32,
    /// Bytes of torn writes that were cut off.
    pub(crate) cut_off: u64,
}

impl Disk {
    /// Opens a reel again: cuts off what was torn, and makes the index of what it does not have yet. An index that cannot
    /// be written (the disk is full) is owed.
    ///
    /// Errors: a file cannot be opened, read or cut. Nothing that holds is changed then.
    pub(crate) fn recover(
        blobs: &Blobs,
        reel: ReelId,
        sync_interval: Duration,
        read: &ReadObject<'_>,
    ) -> Result<Found, RecorderError> {
        let FoundIndex { files, mut index, mut cut_off } = IndexFiles::recover(blobs, reel, read)?;
        let mut disk = Self::with_index(blobs, reel, sync_interval, files);
        disk.next = u32::try_from(index.segments.len()).unwrap_or(u32::MAX);
        disk.epochs = u32::try_from(index.epochs.len()).unwrap_or(u32::MAX);
        disk.epoch = index.epochs.last().cloned();
        while disk.adopt(&mut index, &mut cut_off, read)? {}
        disk.pay();
        disk.sync_index();
        Ok(Self::found(disk, &index, cut_off))
    }

    /// Takes the next segment's file into the index; `false` when there is none, or nothing in it holds.
    fn adopt(
        &mut self,
        index: &mut ReelIndex,
        cut_off: &mut u64,
        read: &ReadObject<'_>,
    ) -> Result<bool, RecorderError> {
        let key = segment_key(self.reel, self.next);
        let Some(bytes) = read(&key, None)? else { return Ok(false) };
        let mut scanned = scan_segment(&bytes);
        cut_at_hole(&bytes, &mut scanned);
        *cut_off += u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_sub(scanned.whole_bytes);
        if let ScanEnd::Damaged { what } = scanned.end {
            tracing::warn!(reel = %self.reel, segment = self.next, at = scanned.whole_bytes, what, "segment damaged; what follows is cut off");
        }
        let Some(mut segment) = Segment::adopt(&self.blobs, &key, &bytes, scanned)? else { return Ok(false) };
        segment.sync().map_err(|(error, _)| error)?;
        let Some(mut closed) = segment.close(None) else { return Ok(false) };
        closed.begin_behind(index.segments.last().map_or(i64::MIN, |before| before.end));
        if let Some(Owed::Row(before)) = self.owed.back_mut() {
            // As when it was cut: a segment ends where the one that goes on begins, to the tick.
            let begin = closed.row.begin.max(before.row.begin + 1);
            before.row.end = match closed.row.join {
                Join::Continuous | Join::Leapt => begin,
                Join::Start | Join::Resumed { .. } | Join::Lost { .. } => before.row.end.min(begin),
            };
            if let Some(row) = index.segments.last_mut() {
                row.end = before.row.end;
            }
        }
        for epoch in &closed.epochs {
            if index.epochs.iter().all(|known| known.number != epoch.number) {
                index.epochs.push(epoch.clone());
            }
        }
        index.segments.push(closed.row.clone());
        self.next = self.next.saturating_add(1);
        if let Some(last) = index.epochs.last() {
            self.epochs = self.epochs.max(last.number.saturating_add(1));
            self.epoch = Some(last.clone());
        }
        self.owed.push_back(Owed::Row(Box::new(closed)));
        Ok(true)
    }

    fn found(mut disk: Self, index: &ReelIndex, cut_off: u64) -> Found {
        let mut cycles: Vec<CycleSoFar> = Vec::new();
        for row in &index.segments {
            let Some(epoch) = index.epoch(row.epoch) else { continue };
            if cycles.last().is_none_or(|last| last.cycle != Cycle(row.cycle)) {
                cycles.push(CycleSoFar::new(Cycle(row.cycle), row.begin, row.wall));
            }
            if let Some(last) = cycles.last_mut() {
                last.add(row, epoch);
            }
            disk.advance(row);
        }
        // The sound's clock is that of the parameters it came with, which need not be the last ones.
        let sound = index.segments.iter().rev().find_map(|row| {
            let rate = index.epoch(row.epoch)?.audio.as_ref()?.sample_rate;
            Some((rate, row.track(TrackKind::Audio)?.dts_end))
        });
        if let Some(end) = &mut disk.end {
            end.sound = sound;
        }
        Found { end: disk.resume(), epochs: disk.epochs, disk, cycles, cut_off }
    }
}
