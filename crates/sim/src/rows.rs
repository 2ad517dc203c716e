//! A model of the catalog's rows: what the statements in `catalog::recordings` do, and its outbox.

use std::collections::BTreeMap;

use catalog::{NewRecording, OpenCycle, Recording, RecordingState};
use units::{AssetId, RecordingId, WallTime};

/// One thing to be written, as the recorder's ledger has it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Entry {
    Begin(Box<NewRecording>),
    OpenCycle(OpenCycle),
    Seal(Seal, Option<OpenCycle>),
    Interrupt { last_media: WallTime, end: i64, give_up_at: WallTime },
    Resume,
    End { end: Option<i64>, at: WallTime },
}

/// A cycle to become an asset.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Seal {
    pub(crate) cycle: u32,
    pub(crate) asset: AssetId,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) ended: WallTime,
}

/// An asset as the library shows it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Asset {
    pub(crate) recording: RecordingId,
    pub(crate) seal: Seal,
}

/// The rows. They survive everything: that a database keeps its word is not what is tested here.
#[derive(Default, Debug)]
pub(crate) struct Rows {
    pub(crate) recordings: BTreeMap<RecordingId, Recording>,
    pub(crate) assets: Vec<Asset>,
    /// The outbox: which asset each `AddLiveRecordVideoComplete` is about.
    pub(crate) events: Vec<AssetId>,
    /// Planted: a repetition makes another asset.
    pub(crate) seals_twice: bool,
    /// Planted: the event is written after the asset, in a transaction of its own.
    pub(crate) tells_later: Option<Vec<AssetId>>,
}

impl Rows {
    pub(crate) fn open_recordings(&self) -> Vec<Recording> {
        self.recordings.values().filter(|row| row.state != RecordingState::Ended).cloned().collect()
    }

    /// The process dies: what a planted error keeps in memory is gone.
    pub(crate) fn forget(&mut self) {
        if let Some(later) = &mut self.tells_later {
            later.clear();
        }
    }

    /// One transaction.
    pub(crate) fn apply(&mut self, id: RecordingId, entry: &Entry) -> Result<(), String> {
        if let Some(later) = &mut self.tells_later {
            self.events.append(later);
        }
        match entry {
            Entry::Begin(new) => {
                self.recordings.entry(id).or_insert_with(|| begun(new));
            }
            Entry::OpenCycle(open) => self.open_cycle(id, *open),
            Entry::Seal(seal, next) => {
                self.seal(id, *seal)?;
                if let Some(next) = next {
                    self.open_cycle(id, *next);
                }
            }
            Entry::Interrupt { last_media, end, give_up_at } => {
                if let Some(row) = self.unended(id) {
                    row.state = RecordingState::Interrupted;
                    row.last_media = Some(*last_media);
                    row.end_ticks = Some(*end);
                    row.give_up_at = Some(*give_up_at);
                }
            }
            Entry::Resume => {
                if let Some(row) = self.unended(id).filter(|row| row.state == RecordingState::Interrupted) {
                    row.state = RecordingState::Live;
                    row.give_up_at = None;
                }
            }
            Entry::End { end, at } => {
                if let Some(row) = self.unended(id) {
                    row.state = RecordingState::Ended;
                    row.ended = Some(*at);
                    row.give_up_at = None;
                    row.cycle = None;
                    row.end_ticks = end.or(row.end_ticks);
                }
            }
        }
        Ok(())
    }

    fn unended(&mut self, id: RecordingId) -> Option<&mut Recording> {
        self.recordings.get_mut(&id).filter(|row| row.state != RecordingState::Ended)
    }

    fn open_cycle(&mut self, id: RecordingId, open: OpenCycle) {
        if let Some(row) = self.unended(id).filter(|row| row.cycles <= open.number) {
            row.cycle = Some(open);
            row.cycles = open.number + 1;
        }
    }

    fn seal(&mut self, id: RecordingId, seal: Seal) -> Result<(), String> {
        let Some(row) = self.recordings.get_mut(&id) else { return Err(format!("{id:?} is sealed but was not begun")) };
        if row.cycle.is_some_and(|open| open.number == seal.cycle) {
            row.cycle = None;
        }
        let known = self.assets.iter().find(|asset| asset.recording == id && asset.seal.cycle == seal.cycle);
        if let Some(known) = known.filter(|_| !self.seals_twice) {
            if known.seal.asset != seal.asset {
                return Err(format!("cycle {} of {id:?} is sealed as two assets", seal.cycle));
            }
            return Ok(());
        }
        self.assets.push(Asset { recording: id, seal });
        match &mut self.tells_later {
            Some(later) => later.push(seal.asset),
            None => self.events.push(seal.asset),
        }
        Ok(())
    }
}

fn begun(new: &NewRecording) -> Recording {
    Recording {
        id: new.id,
        path: new.path.clone(),
        rule: new.rule.clone(),
        reel: new.reel,
        node: new.node.clone(),
        fence: 1,
        stopped: false,
        state: RecordingState::Live,
        cycle: None,
        cycles: 0,
        last_media: None,
        end_ticks: None,
        give_up_at: None,
        began: new.began,
        ended: None,
    }
}
