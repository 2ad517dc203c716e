//! A model of the catalog's rows: what the statements in `catalog::recordings` do, and its outbox.

use std::collections::BTreeMap;

use catalog::{CommandAnswer, NewRecording, OpenCycle, RecordCommand, Recording, RecordingState, SealedCycle};
use recorder::bare::Entry;
use units::{AssetId, RecordingId};

/// The rows. They survive everything: that a database keeps its word is not what is tested here.
#[derive(Default, Debug)]
pub(crate) struct Rows {
    pub(crate) recordings: BTreeMap<RecordingId, Recording>,
    pub(crate) assets: Vec<SealedCycle>,
    /// The outbox: which asset each `AddLiveRecordVideoComplete` is about.
    pub(crate) events: Vec<AssetId>,
    /// What was asked, by its number; and the last that was answered as done, by recording.
    pub(crate) asked: Vec<RecordCommand>,
    pub(crate) answered: BTreeMap<RecordingId, RecordCommand>,
    /// How much had been asked when a recording went on.
    pub(crate) resumed: BTreeMap<RecordingId, i64>,
    /// Planted: a repetition makes another asset.
    pub(crate) seals_twice: bool,
    /// Planted: the event is written after the asset, in a transaction of its own.
    pub(crate) tells_later: Option<Vec<AssetId>>,
}

impl Rows {
    pub(crate) fn open_recordings(&self) -> Vec<Recording> {
        let mut open: Vec<Recording> =
            self.recordings.values().filter(|row| row.state != RecordingState::Ended).cloned().collect();
        open.sort_by_key(|row| (row.began, row.id));
        open
    }

    /// The process dies: what a planted error keeps in memory is gone.
    pub(crate) fn forget(&mut self) {
        if let Some(later) = &mut self.tells_later {
            later.clear();
        }
    }

    /// A command is given; its number.
    pub(crate) fn ask(&mut self, command: RecordCommand) -> i64 {
        self.asked.push(command);
        i64::try_from(self.asked.len()).unwrap_or(i64::MAX) - 1
    }

    /// What was answered holds, whatever came after.
    pub(crate) fn check_answered(&self) -> Result<(), String> {
        for (id, command) in &self.answered {
            let Some(row) = self.recordings.get(id) else { continue };
            let ended = row.state == RecordingState::Ended;
            let holds = match command {
                RecordCommand::Stop => ended || row.stopped,
                RecordCommand::CancelDelay => ended,
                RecordCommand::Start | RecordCommand::Restart => true,
            };
            if !holds {
                return Err(format!("{command:?} of {id:?} was answered and is not in its row: {row:?}"));
            }
        }
        Ok(())
    }

    /// One transaction.
    pub(crate) fn apply(&mut self, id: RecordingId, entry: &Entry) -> Result<(), String> {
        if let Some(later) = &mut self.tells_later {
            self.events.append(later);
        }
        match entry {
            Entry::Begin(new, _) => {
                self.recordings.entry(id).or_insert_with(|| begun(new));
            }
            Entry::Attach { .. } | Entry::LeftOut { .. } | Entry::Encode { .. } => {}
            Entry::OpenCycle(open) => self.open_cycle(id, *open),
            Entry::Seal(sealed, next) => {
                self.seal(id, sealed)?;
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
            Entry::Stop => {
                if let Some(row) = self.unended(id).filter(|row| row.state == RecordingState::Interrupted) {
                    row.stopped = true;
                }
            }
            Entry::Resume { .. } => {
                if let Some(row) = self.unended(id).filter(|row| row.state == RecordingState::Interrupted) {
                    row.state = RecordingState::Live;
                    row.give_up_at = None;
                    row.stopped = false;
                    // Started, which is still to be answered, or given a push.
                    self.answered.remove(&id);
                    self.resumed.insert(id, i64::try_from(self.asked.len()).unwrap_or(i64::MAX));
                }
            }
            Entry::Answer { seq, answer, .. } => {
                let asked = usize::try_from(*seq).ok().and_then(|seq| self.asked.get(seq));
                let holds = self.resumed.get(&id).is_none_or(|by_then| by_then <= seq);
                if let Some(command) = asked.filter(|_| holds && *answer == CommandAnswer::Done) {
                    self.answered.insert(id, *command);
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

    fn seal(&mut self, id: RecordingId, sealed: &SealedCycle) -> Result<(), String> {
        let Some(row) = self.recordings.get_mut(&id) else { return Err(format!("{id:?} is sealed but was not begun")) };
        if row.cycle.is_some_and(|open| open.number == sealed.cycle) {
            row.cycle = None;
        }
        row.cycles = row.cycles.max(sealed.cycle + 1);
        let known = self.assets.iter().find(|asset| asset.recording == id && asset.cycle == sealed.cycle);
        if let Some(known) = known.filter(|_| !self.seals_twice) {
            if known.asset != sealed.asset {
                return Err(format!("cycle {} of {id:?} is sealed as two assets", sealed.cycle));
            }
            return Ok(());
        }
        self.assets.push(sealed.clone());
        match &mut self.tells_later {
            Some(later) => later.push(sealed.asset),
            None => self.events.push(sealed.asset),
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
