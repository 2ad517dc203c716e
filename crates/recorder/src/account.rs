//! What a recording owes to the catalog for what was carried out: which rows, in which order. Pure; the ledger writes them.

use std::time::Duration;

use blobs::Blobs;
use catalog::{AssetStatus, CommandAnswer, NewRecording, OpenCycle, SealedCycle};
use domain::rule::{RecordRule, encodes};
use encode::GROWING_CHUNK_TICKS_MIN;
use units::{AssetId, PushId, RecordingId, ReelId, StreamPath, WallTime};

use crate::assembly::LeftOut;
use crate::disk::{CycleSoFar, Done};
use crate::ledger::Entry;
use crate::story::{Story, StoryCycle};

/// One recording as the catalog knows it, or will.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: RecordingId,
    pub(crate) reel: ReelId,
    pub(crate) rule: RecordRule,
    path: StreamPath,
    node: String,
    pub(crate) story: Story,
    /// Who feeds it, or did last.
    push: Option<PushId>,
    /// The row was begun: there is media.
    begun: bool,
    open: Option<OpenCycle>,
    last_media: Option<WallTime>,
    /// Answers to commands, behind what the disk has not carried out yet.
    answers: Vec<Entry>,
    /// Where the chunk begins that grows, when the cycle is encoded while it does.
    chunk: i64,
}

/// What is to be done, in order.
#[derive(Debug)]
pub(crate) enum Owing {
    /// Publish the reel's description: a cycle has its asset.
    Describe,
    /// Write a row.
    Enter(Entry),
    /// Nothing was recorded: the reel's files go.
    RemoveEmptyReel,
}

impl Account {
    /// Of a recording that begins with this push.
    pub(crate) fn begin(new: NewRecording, push: PushId) -> Self {
        let NewRecording { id, path, rule, reel, node, began } = new;
        let story = Story::new(id, reel, path.clone(), rule.clone(), began);
        let (open, last_media, answers) = (None, None, Vec::new());
        Self { id, reel, rule, path, node, story, push: Some(push), begun: false, open, last_media, answers, chunk: 0 }
    }

    /// Of a recording found open after a restart, its cycle `open` waiting.
    pub(crate) fn take_up(row: catalog::Recording, story: Story, open: OpenCycle, last_media: WallTime) -> Self {
        let catalog::Recording { id, path, rule, reel, node, .. } = row;
        let (chunk, answers) = (open.from_ticks, Vec::new());
        let (open, last_media) = (Some(open), Some(last_media));
        Self { id, reel, rule, path, node, story, push: None, begun: true, open, last_media, answers, chunk }
    }

    /// What the last run owes: `owed` cycles that are whole on disk and perhaps not in the catalog, the cycle that waits, and
    /// how long, unless `told` already. `at`: now.
    pub(crate) fn taken_up(&self, owed: &[(CycleSoFar, AssetId)], told: bool, at: WallTime) -> Vec<Entry> {
        let seal = |(cycle, asset): &(CycleSoFar, AssetId)| {
            Entry::Seal(Box::new(self.sealed(cycle, *asset, cycle.ended)), None)
        };
        let mut entries: Vec<Entry> = owed.iter().map(seal).collect();
        let Some((open, last_media)) = self.open.zip(self.last_media) else { return entries };
        entries.push(Entry::OpenCycle(open));
        if !told {
            let give_up_at = last_media.after(self.rule.grace);
            entries.push(Entry::Interrupt { last_media, end: open.from_ticks, give_up_at });
        }
        entries.extend(self.encode(at));
        entries
    }

    /// A push feeds it, from `at` on. Gives the wall time since the last media, in milliseconds.
    pub(crate) fn gap_ms(&self, at: WallTime) -> u64 {
        let gap = self.last_media.map_or(Duration::ZERO, |last| at.since(last));
        u64::try_from(gap.as_millis()).unwrap_or(u64::MAX)
    }

    /// Another push feeds it, since `at`.
    pub(crate) fn attach(&mut self, push: PushId, at: WallTime) -> Entry {
        self.push = Some(push);
        Entry::Attach { push, at }
    }

    /// Media arrived.
    pub(crate) const fn heard(&mut self, arrived: WallTime) {
        self.last_media = Some(arrived);
    }

    /// What of its push found no place.
    pub(crate) fn left_out(&self, left_out: LeftOut) -> Option<Entry> {
        let push = self.push.filter(|_| self.begun)?;
        // Counts always have a JSON form.
        Some(Entry::LeftOut { push, left_out: serde_json::to_string(&left_out).unwrap_or_default() })
    }

    /// Its id, when it has a row, or will.
    pub(crate) fn begun(&self) -> Option<RecordingId> {
        self.begun.then_some(self.id)
    }

    /// Who feeds it, or did last.
    pub(crate) const fn push(&self) -> Option<PushId> {
        self.push
    }

    /// Answers a command with the next [`settle`](Self::settle) that owes nothing: whoever reads the answer finds the rows of
    /// what was done, whatever fails then.
    pub(crate) fn answer(&mut self, seq: i64, answer: CommandAnswer, at: WallTime) {
        self.answers.push(Entry::Answer { seq, answer, at });
    }

    /// What follows from what was carried out. `owes`: more is to be carried out when the disk lets.
    pub(crate) fn settle(
        &mut self,
        now: WallTime,
        done: Vec<Done>,
        owes: bool,
        new_asset: &mut dyn FnMut(WallTime) -> AssetId,
    ) -> Vec<Owing> {
        let mut owing = Vec::new();
        let mut sealed: Option<Box<SealedCycle>> = None;
        let seal = |sealed, next| Owing::Enter(Entry::Seal(sealed, next));
        for one in done {
            match one {
                Done::CycleSealed(cycle) => {
                    let asset = self.open.take().map_or_else(|| new_asset(now), |open| open.asset);
                    sealed = Some(Box::new(self.sealed(&cycle, asset, now)));
                }
                Done::CycleOpened { cycle, at, wall } => {
                    let open = OpenCycle { number: cycle.0, asset: new_asset(wall), from_ticks: at.0, began: wall };
                    self.open = Some(open);
                    self.chunk = at.0;
                    owing.extend(self.begin_row());
                    let told = StoryCycle { cycle: cycle.0, asset: open.asset, from: at.0, began: wall };
                    self.story.tell(told);
                    owing.push(Owing::Describe);
                    owing.push(match sealed.take() {
                        Some(sealed) => seal(sealed, Some(open)),
                        None => Owing::Enter(Entry::OpenCycle(open)),
                    });
                    tracing::info!(recording = %self.id, cycle = cycle.0, asset = %open.asset, "cycle opened");
                }
                Done::Interrupted { end, last_media } => {
                    let last_media = self.last_media.unwrap_or(last_media);
                    let give_up_at = now.after(self.rule.grace);
                    owing.push(Owing::Enter(Entry::Interrupt { last_media, end, give_up_at }));
                    // Whoever comes back begins a chunk of its own, so the last one is whole by now.
                    owing.extend(self.encode(now).map(Owing::Enter));
                }
                Done::SegmentStored { begin } => {
                    if begin.saturating_sub(self.chunk) >= GROWING_CHUNK_TICKS_MIN {
                        self.chunk = begin;
                        owing.extend(self.encode(now).map(Owing::Enter));
                    }
                }
                Done::Stopped => owing.push(Owing::Enter(Entry::Stop)),
                Done::Resumed => owing.push(Owing::Enter(Entry::Resume { at: now })),
                Done::Ended { end, cycles } => {
                    owing.extend(sealed.take().map(|sealed| seal(sealed, None)));
                    if self.begun {
                        owing.push(Owing::Enter(Entry::End { end: Some(end), at: now }));
                        tracing::info!(recording = %self.id, cycles, "recording ended");
                    } else {
                        owing.push(Owing::RemoveEmptyReel);
                    }
                }
            }
        }
        owing.extend(sealed.map(|sealed| seal(sealed, None)));
        if !owes {
            owing.extend(self.answers.drain(..).map(Owing::Enter));
        }
        owing
    }

    /// There may be another chunk to encode of the cycle that grows.
    fn encode(&self, at: WallTime) -> Option<Entry> {
        (self.open.is_some() && encodes(&self.rule.template_group)).then_some(Entry::Encode { at })
    }

    /// Begins the recording's row with its first media, so that a push without any leaves nothing.
    fn begin_row(&mut self) -> Option<Owing> {
        let push = self.push.filter(|_| !self.begun)?;
        let new = NewRecording {
            id: self.id,
            path: self.path.clone(),
            rule: self.rule.clone(),
            reel: self.reel,
            node: self.node.clone(),
            began: self.story.began,
        };
        self.begun = true;
        Some(Owing::Enter(Entry::Begin(Box::new(new), push)))
    }

    fn sealed(&self, cycle: &CycleSoFar, asset: AssetId, sealed_at: WallTime) -> SealedCycle {
        let duration_ticks = (cycle.to - cycle.from).max(0);
        let seconds = units::MediaTime::reel(duration_ticks).seconds().max(0.001);
        #[allow(clippy::cast_precision_loss, reason = "labels until the analysis has exact ones")]
        let (pictures, bits) = (cycle.pictures as f64, cycle.bytes as f64 * 8.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate in kbit/s, never negative")]
        let bitrate_kbps = (bits / seconds / 1000.0) as u64;
        SealedCycle {
            recording: self.id,
            cycle: cycle.cycle.0,
            asset,
            title: domain::title::of_cycle(self.path.stream(), cycle.began),
            template_group: self.rule.template_group.clone(),
            status: AssetStatus::of_new(&self.rule.template_group),
            reel: self.reel,
            from_ticks: cycle.from,
            to_ticks: cycle.to,
            began: cycle.began,
            ended: cycle.ended,
            duration_ticks,
            size_bytes: cycle.bytes,
            width: u32::from(cycle.width),
            height: u32::from(cycle.height),
            fps: if cycle.pictures == 0 { 0.0 } else { pictures / seconds },
            bitrate_kbps,
            sealed_at,
        }
    }
}

/// A push that had no media leaves no files either.
pub(crate) async fn remove_empty_reel(blobs: &Blobs, reel: ReelId) {
    for key in [reel::segments_index_key(reel), reel::samples_index_key(reel)] {
        if let Err(error) = blobs.delete(&key).await {
            tracing::warn!(%reel, %error, "an empty reel cannot be removed");
        }
    }
}
