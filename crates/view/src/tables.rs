//! The sample tables of one track of a progressive MP4, filled sample by sample.

use container::{Edit, MOVIE_SCALE, SampleRow, SampleTables, Track, TrackEntry};
use units::{MediaTime, Timescale};

use crate::timeline::rescale;

/// The tables of one track, on the asset's timeline.
#[derive(Debug)]
pub(crate) struct TrackTables {
    tables: SampleTables,
    /// Numbers of the sync samples; kept apart because they are only written when some sample is none.
    syncs: Vec<u32>,
    /// Decode time of the first and the last sample as written, and the last one's duration.
    first: Option<i64>,
    last: i64,
    last_duration: u32,
    /// Smallest presentation time, largest presentation time plus duration.
    shown: (i64, i64),
}

impl TrackTables {
    pub(crate) fn new() -> Self {
        Self {
            tables: SampleTables::default(),
            syncs: Vec::new(),
            first: None,
            last: 0,
            last_duration: 0,
            shown: (i64::MAX, i64::MIN),
        }
    }

    /// Adds a chunk: `rows` lie end to end from `offset` of the `mdat`'s body on. The first is decoded at `dts`;
    /// presentation times are decode times plus `row.cto` plus `cto_shift`.
    pub(crate) fn add_chunk(&mut self, offset: u64, mut dts: i64, cto_shift: i64, rows: &[SampleRow]) {
        for row in rows {
            let shown = dts.saturating_add(i64::from(row.cto)).saturating_add(cto_shift);
            self.add_sample(dts, shown, row);
            dts = dts.saturating_add(i64::from(row.duration));
        }
        self.tables.chunk_offsets.push(offset);
        let samples = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        if self.tables.chunk_runs.last().is_none_or(|(_, last)| *last != samples) {
            let chunk = u32::try_from(self.tables.chunk_offsets.len()).unwrap_or(u32::MAX);
            self.tables.chunk_runs.push((chunk, samples));
        }
    }

    fn add_sample(&mut self, dts: i64, shown: i64, row: &SampleRow) {
        // Decode times rise strictly, whatever a join brings; the time of showing stays what it is.
        let written = match self.first {
            None => {
                self.first = Some(dts);
                dts
            }
            Some(_) => {
                let written = dts.max(self.last.saturating_add(1));
                let delta = u32::try_from(written.saturating_sub(self.last)).unwrap_or(u32::MAX);
                push_run(&mut self.tables.durations, delta);
                written
            }
        };
        let offset = shown.saturating_sub(written);
        push_run(
            &mut self.tables.offsets,
            i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX }),
        );
        self.last = written;
        self.last_duration = row.duration;
        let end = shown.saturating_add(i64::from(row.duration));
        self.shown = (self.shown.0.min(shown), self.shown.1.max(end));
        self.tables.sizes.push(row.size);
        if row.sync {
            self.syncs.push(u32::try_from(self.tables.sizes.len()).unwrap_or(u32::MAX));
        }
    }

    /// The track, and how many samples it has; `None` when it has none.
    pub(crate) fn finish(mut self, id: u32, entry: TrackEntry, scale: Timescale) -> Option<(Track, u64)> {
        let first = self.first?;
        push_run(&mut self.tables.durations, self.last_duration);
        if self.syncs.len() != self.tables.sizes.len() {
            self.tables.syncs = Some(self.syncs);
        }
        let media_end = self.last.saturating_add(i64::from(self.last_duration));
        let ticks = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        let in_movie = |ticks: u64| {
            let time = MediaTime { ticks: i64::try_from(ticks).unwrap_or(i64::MAX), scale };
            u64::try_from(rescale(time, MOVIE_SCALE)).unwrap_or(0)
        };
        // What lies before 0 is hidden; what begins later waits behind an empty edit.
        let begin = self.shown.0.max(0);
        let wait = in_movie(ticks(0, begin));
        let length = in_movie(ticks(begin, self.shown.1));
        let media_time = ticks(first, begin);
        let mut edits = Vec::new();
        if wait > 0 {
            edits.push(Edit { duration: wait, media_time: None });
        }
        if wait > 0 || media_time > 0 {
            edits.push(Edit { duration: length, media_time: Some(media_time) });
        }
        let samples = u64::try_from(self.tables.sizes.len()).unwrap_or(u64::MAX);
        let track = Track {
            id,
            entry,
            scale,
            edits,
            duration: wait.saturating_add(length),
            media_duration: ticks(first, media_end),
            tables: self.tables,
        };
        Some((track, samples))
    }
}

fn push_run<T: PartialEq>(runs: &mut Vec<(u32, T)>, value: T) {
    match runs.last_mut() {
        Some((count, last)) if *last == value && *count < u32::MAX => *count += 1,
        _ => runs.push((1, value)),
    }
}
