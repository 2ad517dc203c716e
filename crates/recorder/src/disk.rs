//! The files of one reel while it grows. Runs on blocking threads; owned by one recording at a time.
//!
//! Order of writes (docs/design/storage.md): fragments are appended and synced at the stated interval; a segment is synced
//! before its page and row are appended to the index; the index is synced before the cycle is told to the catalog. What an
//! error left half-written is cut off, the frames in it are a gap, and the next segment begins afresh.

use std::time::{Duration, Instant};

use blobs::{AppendFile, Blobs};
use bytes::Bytes;
use codec::TrackKind;
use container::{fragment_head, head_bytes};
use domain::recording::{At, Cycle, Effect};
use reel::{
    Epoch, Fragment, Join, PageRef, ReelIndex, SamplePage, ScanEnd, SegmentHead, SegmentRow, encode_epoch, encode_row,
    note_box, samples_index_key, scan_segment, segment_head, segment_key, segments_index_key, track_id,
};
use units::{MediaTime, ReelId, Timescale, WallTime};

use crate::RecorderError;
use crate::assembly::{NewFragment, Op, Resume};

/// The files of a reel.
pub(crate) struct Disk {
    blobs: Blobs,
    reel: ReelId,
    rows: AppendFile,
    pages: AppendFile,
    /// Number of the next segment: how many rows there are.
    next: u32,
    /// Where the media ends so far.
    end: i64,
    /// The highest epoch in the index.
    epochs_written: Option<u32>,
    segment: Option<Segment>,
    cycle: Option<CycleSoFar>,
    sync_interval: Duration,
    last_sync: Instant,
    /// Something was appended since the last sync.
    unsynced: bool,
    /// Fragments that could not be written since the last time it was told.
    lost_fragments: u64,
}

struct Segment {
    file: AppendFile,
    number: u32,
    cycle: u32,
    epoch: Epoch,
    join: Join,
    wall: WallTime,
    page: SamplePage,
    sequence: u32,
}

/// What is known of the cycle that grows.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct CycleSoFar {
    pub(crate) cycle: Cycle,
    /// Where it begins: where the machine cut.
    pub(crate) from: i64,
    /// Where its media ends so far.
    pub(crate) to: i64,
    /// When its first frame arrived.
    pub(crate) began: WallTime,
    /// When its last segment's last frame arrived, as near as is known.
    pub(crate) ended: WallTime,
    pub(crate) segments: u32,
    pub(crate) bytes: u64,
    pub(crate) pictures: u64,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl CycleSoFar {
    fn new(cycle: Cycle, from: i64, began: WallTime) -> Self {
        Self { cycle, from, to: from, began, ended: began, segments: 0, bytes: 0, pictures: 0, width: 0, height: 0 }
    }

    fn add(&mut self, row: &SegmentRow, epoch: &Epoch) {
        self.segments += 1;
        self.bytes += row.bytes;
        self.to = self.to.max(row.end);
        self.pictures += row.video.map_or(0, |span| u64::from(span.samples));
        let length_ms = u64::try_from((row.end - row.begin).max(0) / 90).unwrap_or(0);
        self.ended = self.ended.max(row.wall.after(Duration::from_millis(length_ms)));
        if let Some(video) = &epoch.video {
            (self.width, self.height) = (video.width, video.height);
        }
    }
}

/// What was carried out, in order.
#[derive(Debug)]
pub(crate) enum Done {
    /// A cycle began.
    CycleOpened { cycle: Cycle, at: At, wall: WallTime },
    /// A cycle is whole and durable.
    CycleSealed(CycleSoFar),
    /// All that was taken is durable and waits.
    Interrupted { end: i64, last_media: WallTime },
    /// The publisher is back.
    Resumed,
    /// The recording is over.
    Ended { end: i64, cycles: u32 },
}

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
    /// Makes the files of a new reel.
    pub(crate) fn create(blobs: &Blobs, reel: ReelId, sync_interval: Duration) -> Result<Self, RecorderError> {
        let rows = blobs.append_file(&segments_index_key(reel))?;
        let pages = blobs.append_file(&samples_index_key(reel))?;
        Ok(Self {
            blobs: blobs.clone(),
            reel,
            rows,
            pages,
            next: 0,
            end: 0,
            epochs_written: None,
            segment: None,
            cycle: None,
            sync_interval,
            last_sync: Instant::now(),
            unsynced: false,
            lost_fragments: 0,
        })
    }

    /// Opens a reel again: cuts off what was torn, and makes the index of what it does not have yet.
    ///
    /// `read` gives the bytes of an object, `None` when there is none.
    pub(crate) fn recover(
        blobs: &Blobs,
        reel: ReelId,
        sync_interval: Duration,
        read: &dyn Fn(&str) -> Result<Option<Bytes>, RecorderError>,
    ) -> Result<Found, RecorderError> {
        let mut disk = Self::create(blobs, reel, sync_interval)?;
        let (mut index, whole, _) = ReelIndex::read(&read(&segments_index_key(reel))?.unwrap_or_default());
        let mut cut_off = disk.rows.len().saturating_sub(whole);
        disk.rows.truncate(whole)?;
        // A page is appended before its row: what lies behind the last row's page belongs to none.
        let pages_end = index.segments.last().map_or(0, |row| row.page.at + u64::from(row.page.len));
        if disk.pages.len() < pages_end {
            // The row outlived its page (both were unsynced when power was lost): begin again from the segments.
            index = ReelIndex::default();
            disk.rows.truncate(0)?;
            disk.pages.truncate(0)?;
        } else {
            disk.pages.truncate(pages_end)?;
        }
        disk.next = u32::try_from(index.segments.len()).unwrap_or(u32::MAX);
        disk.epochs_written = index.epochs.last().map(|epoch| epoch.number);
        while let Some(bytes) = read(&segment_key(reel, disk.next))? {
            let Some((torn, row, epochs)) = disk.adopt(&bytes)? else { break };
            cut_off += torn;
            for epoch in epochs {
                if index.epochs.iter().all(|known| known.number != epoch.number) {
                    index.epochs.push(epoch);
                }
            }
            match row {
                Some(row) => index.segments.push(row),
                None => break,
            }
        }
        disk.rows.sync_data()?;
        disk.pages.sync_data()?;
        Ok(Self::found(disk, &index, cut_off))
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
        }
        disk.end = index.segments.iter().map(|row| row.end).max().unwrap_or(0);
        let dts = index.segments.iter().filter_map(|row| Some(row.video?.dts_end)).max();
        let sound = index.segments.iter().rev().find_map(|row| {
            let rate = index.epoch(row.epoch)?.audio.as_ref()?.sample_rate;
            Some((rate, row.audio?.dts_end))
        });
        let epochs = u32::try_from(index.epochs.len()).unwrap_or(u32::MAX);
        Found { end: Resume { pts: disk.end, dts, sound }, disk, cycles, epochs, cut_off }
    }

    /// Takes the next segment's file into the index. Gives the bytes cut off, its row (`None` when nothing in it holds) and
    /// the epochs it speaks of.
    #[allow(clippy::type_complexity, reason = "used once, by its neighbour")]
    fn adopt(&mut self, bytes: &[u8]) -> Result<Option<(u64, Option<SegmentRow>, Vec<Epoch>)>, RecorderError> {
        let scanned = scan_segment(bytes);
        let torn = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_sub(scanned.whole_bytes);
        if let ScanEnd::Damaged { what } = scanned.end {
            tracing::warn!(reel = %self.reel, segment = self.next, at = scanned.whole_bytes, what, "segment damaged; what follows is cut off");
        }
        let mut file = self.blobs.append_file(&segment_key(self.reel, self.next))?;
        let (Some(first), Some(last)) = (scanned.heads.first(), scanned.heads.last()) else {
            file.truncate(0)?;
            return Ok(None);
        };
        file.truncate(scanned.whole_bytes)?;
        let epochs: Vec<Epoch> = scanned.heads.iter().map(|head| head.epoch.clone()).collect();
        if scanned.page.fragments.is_empty() {
            file.truncate(0)?;
            return Ok(Some((torn, None, epochs)));
        }
        file.sync_data()?;
        for epoch in &epochs {
            self.write_epoch(epoch)?;
        }
        let segment = Segment {
            file,
            number: self.next,
            cycle: first.cycle,
            epoch: last.epoch.clone(),
            join: first.join,
            wall: first.wall,
            page: scanned.page,
            sequence: 0,
        };
        let row = self.write_row(&segment, None)?;
        Ok(Some((torn, row, epochs)))
    }

    /// Goes on with a cycle found after a restart.
    pub(crate) fn go_on_with(&mut self, cycle: CycleSoFar) {
        self.cycle = Some(cycle);
    }

    /// How many fragments could not be written since the last call.
    pub(crate) fn take_lost_fragments(&mut self) -> u64 {
        std::mem::take(&mut self.lost_fragments)
    }

    /// Carries out `ops` in order. An error of the disk costs the fragments it struck and is logged; it never stops the
    /// recording.
    pub(crate) fn run(&mut self, ops: Vec<Op>) -> Vec<Done> {
        let mut done = Vec::new();
        let mut wall = WallTime::default();
        for op in ops {
            match op {
                Op::OpenSegment { epoch, join, wall: at } => {
                    wall = at;
                    if let Some(cycle) = &mut self.cycle
                        && cycle.segments == 0
                    {
                        cycle.began = at;
                        cycle.ended = at;
                    }
                    if let Some(Done::CycleOpened { wall, .. }) = done.last_mut() {
                        *wall = at;
                    }
                    self.open_segment(epoch, join, at);
                }
                Op::Note(epoch) => self.note(epoch),
                Op::Append(fragments) => self.append(fragments),
                Op::SealSegment { end } => self.seal_segment(end),
                Op::Effect(effect) => done.extend(self.effect(effect, wall)),
            }
        }
        // Writes come about once an interval: half of one decides, so that a write that comes a little early is not left
        // unsynced for two.
        if self.unsynced && self.last_sync.elapsed() * 2 >= self.sync_interval {
            self.sync_segment();
        }
        done
    }

    fn effect(&mut self, effect: Effect, wall: WallTime) -> Option<Done> {
        match effect {
            Effect::OpenCycle { cycle, at } => {
                self.cycle = Some(CycleSoFar::new(cycle, at.0, wall));
                Some(Done::CycleOpened { cycle, at, wall })
            }
            Effect::SealCycle { .. } => {
                self.sync_index();
                let cycle = self.cycle.take()?;
                // A cycle of which no segment could be written is no asset; the gap is in the log.
                (cycle.segments > 0).then_some(Done::CycleSealed(cycle))
            }
            Effect::Interrupt { .. } => {
                self.sync_index();
                let cycle = self.cycle.as_ref()?;
                Some(Done::Interrupted { end: cycle.to, last_media: cycle.ended })
            }
            Effect::Resume { .. } => Some(Done::Resumed),
            Effect::EndRecording { cycles } => {
                self.sync_index();
                Some(Done::Ended { end: self.end, cycles })
            }
        }
    }

    fn open_segment(&mut self, epoch: Epoch, join: Join, wall: WallTime) {
        let cycle = self.cycle.as_ref().map_or(0, |cycle| cycle.cycle.0);
        match self.try_open_segment(epoch, join, wall, cycle) {
            Ok(segment) => self.segment = Some(segment),
            Err(error) => {
                self.segment = None;
                tracing::error!(reel = %self.reel, segment = self.next, %error, "segment cannot be begun; its media is lost");
            }
        }
    }

    fn try_open_segment(
        &mut self,
        epoch: Epoch,
        join: Join,
        wall: WallTime,
        cycle: u32,
    ) -> Result<Segment, RecorderError> {
        self.write_epoch(&epoch)?;
        let number = self.next;
        let mut file = self.blobs.append_file(&segment_key(self.reel, number))?;
        // What an earlier attempt at this segment left.
        file.truncate(0)?;
        let head = SegmentHead { reel: self.reel, segment: number, cycle, wall, join, epoch: epoch.clone() };
        file.append(&[segment_head(&head)])?;
        self.unsynced = true;
        Ok(Segment { file, number, cycle, epoch, join, wall, page: SamplePage::default(), sequence: 0 })
    }

    fn write_epoch(&mut self, epoch: &Epoch) -> Result<(), RecorderError> {
        if self.epochs_written.is_none_or(|written| epoch.number > written) {
            self.rows.append(&[encode_epoch(epoch).into()])?;
            self.epochs_written = Some(epoch.number);
        }
        Ok(())
    }

    fn note(&mut self, epoch: Epoch) {
        let Some(mut segment) = self.segment.take() else { return };
        let head = SegmentHead {
            reel: self.reel,
            segment: segment.number,
            cycle: segment.cycle,
            wall: segment.wall,
            join: segment.join,
            epoch: epoch.clone(),
        };
        let written = self
            .write_epoch(&epoch)
            .and_then(|()| segment.file.append(&[note_box(&head)]).map_err(RecorderError::from));
        match written {
            Ok(()) => segment.epoch = epoch,
            Err(error) => {
                tracing::error!(reel = %self.reel, segment = segment.number, %error, "a joining track cannot be noted")
            }
        }
        self.segment = Some(segment);
    }

    fn append(&mut self, fragments: Vec<NewFragment>) {
        let Some(segment) = &mut self.segment else {
            self.lost_fragments += u64::try_from(fragments.len()).unwrap_or(u64::MAX);
            return;
        };
        let mut at = segment.file.len();
        let mut parts = Vec::new();
        let mut placed = Vec::with_capacity(fragments.len());
        for new in fragments {
            segment.sequence = segment.sequence.saturating_add(1);
            // Times before the timeline's zero do not occur: it begins a second before the first picture.
            let dts = u64::try_from(new.dts).unwrap_or(0);
            parts.push(fragment_head(segment.sequence, track_id(new.track), dts, &new.rows));
            let fragment = Fragment { track: new.track, at, dts: new.dts, samples: new.rows };
            debug_assert_eq!(fragment.head(), u64::try_from(head_bytes(fragment.samples.len())).unwrap_or(0));
            at += fragment.bytes();
            parts.extend(new.parts);
            placed.push(fragment);
        }
        match segment.file.append(&parts) {
            Ok(()) => {
                segment.page.fragments.extend(placed);
                self.unsynced = true;
            }
            Err(error) => {
                self.lost_fragments += u64::try_from(placed.len()).unwrap_or(u64::MAX);
                tracing::error!(reel = %self.reel, segment = segment.number, %error, "fragments cannot be written; they are lost");
            }
        }
    }

    fn seal_segment(&mut self, end: Option<i64>) {
        let Some(segment) = self.segment.take() else { return };
        if segment.page.fragments.is_empty() {
            return; // Its number is used again.
        }
        let sealed = segment.file.sync_data().map_err(RecorderError::from).and_then(|()| self.write_row(&segment, end));
        self.unsynced = false;
        self.last_sync = Instant::now();
        match sealed {
            Ok(Some(row)) => {
                if let Some(cycle) = &mut self.cycle {
                    cycle.add(&row, &segment.epoch);
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(reel = %self.reel, segment = segment.number, %error, "segment cannot be sealed; its media is lost");
            }
        }
    }

    /// Appends the page, then the row of a segment whose bytes are durable.
    fn write_row(&mut self, segment: &Segment, end: Option<i64>) -> Result<Option<SegmentRow>, RecorderError> {
        let (video, audio) = (segment.page.track_span(TrackKind::Video), segment.page.track_span(TrackKind::Audio));
        let first = |track| segment.page.fragments.iter().find(|fragment| fragment.track == track);
        let (begin, own_end) = match (&video, &audio, first(TrackKind::Video)) {
            // A segment begins with its key frame; pictures that lead it in presentation belong to it all the same.
            (Some(video), _, Some(first)) => {
                (first.dts + first.samples.first().map_or(0, |row| i64::from(row.cto)), video.pts_end)
            }
            (_, Some(audio), _) => {
                let rate = segment.epoch.audio.as_ref().map_or(1, |audio| audio.sample_rate);
                (sound_to_reel(audio.pts, rate), sound_to_reel(audio.pts_end, rate))
            }
            _ => return Ok(None),
        };
        let page = segment.page.encode();
        let page_ref = PageRef {
            at: self.pages.len(),
            len: u32::try_from(page.len()).unwrap_or(u32::MAX),
            crc: reel::checksum(&page),
        };
        self.pages.append(&[page.into()])?;
        let row = SegmentRow {
            number: segment.number,
            cycle: segment.cycle,
            epoch: segment.epoch.number,
            bytes: segment.file.len(),
            wall: segment.wall,
            join: segment.join,
            begin,
            end: end.unwrap_or(own_end).max(begin + 1),
            video,
            audio,
            page: page_ref,
        };
        if let Err(error) = self.rows.append(&[encode_row(&row).into()]) {
            self.pages.truncate(page_ref.at)?;
            return Err(error.into());
        }
        self.next += 1;
        self.end = self.end.max(row.end);
        Ok(Some(row))
    }

    fn sync_segment(&mut self) {
        if let Some(segment) = &self.segment
            && let Err(error) = segment.file.sync_data()
        {
            tracing::error!(reel = %self.reel, segment = segment.number, %error, "segment cannot be synced");
        }
        self.unsynced = false;
        self.last_sync = Instant::now();
    }

    fn sync_index(&mut self) {
        if let Err(error) = self.pages.sync_data().and_then(|()| self.rows.sync_data()) {
            tracing::error!(reel = %self.reel, %error, "index cannot be synced");
        }
    }
}

/// Samples to 90 kHz ticks, to the nearest.
fn sound_to_reel(samples: i64, rate: u32) -> i64 {
    let Some(scale) = Timescale::new(rate) else { return 0 };
    MediaTime { ticks: samples, scale }.rescale_round(Timescale::REEL).map_or(i64::MAX, |time| time.ticks)
}

#[cfg(test)]
mod tests;
