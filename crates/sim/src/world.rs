//! What happens, drawn from a seed.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use blobs::{Blow, Death, Draw, FaultDisk};
use catalog::{CommandAnswer, RecordCommand};
use codec::{Frame, TrackKind};
use domain::rule::{OnDemand, RecordRule, RuleKey};
use recorder::bare::{Fault, Standing};
use units::{IdSource, Mono, PushId, RecordingId, WallTime};

use crate::audit;
use crate::media::{Media, Sent};
use crate::rows::Rows;
use crate::service::{Instant, Service};

/// So soon after the disk works again media is stored again: a key frame comes, and the segment it begins is complete.
const RECOVERY_MS: i64 = 20_000;

/// So often what has its place is written while nothing comes.
const FLUSH_MS: i64 = 500;

/// An error put in on purpose: the simulation has to find it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plant {
    /// Sealing a cycle again makes another asset.
    SealTwice,
    /// The recording goes on after a loss as if nothing were missing.
    ForgetGap,
    /// A recording that is taken up goes on before its end.
    StepBack,
    /// A recording that was stopped goes on when it is taken up.
    ForgetStop,
    /// The event is told after the asset is made, not with it.
    TellLater,
    /// The disk tells that it has synced, and has not.
    TrustUnsynced,
}

/// What is wrong, and in which world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Runs that world again.
    pub seed: u64,
    /// In plain words.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIM_SEED={}: {}", self.seed, self.what)
    }
}

impl std::error::Error for Broken {}

/// What a world went through, so that one sees that it did.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Virtual time.
    pub lasted: Duration,
    /// Pictures that a recording took.
    pub pictures: u64,
    /// Pictures that are in an asset.
    pub kept: u64,
    /// Deaths of the process.
    pub deaths: u64,
    /// Times at which the disk began to fail.
    pub strikes: u64,
    /// Recordings that ended.
    pub recordings: u64,
    /// Assets that were made.
    pub assets: u64,
    /// Commands that were given.
    pub commands: u64,
    /// Furthest that sound was off against the picture.
    pub skew_max: Duration,
}

impl std::ops::AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.lasted += other.lasted;
        self.pictures += other.pictures;
        self.kept += other.kept;
        self.deaths += other.deaths;
        self.strikes += other.strikes;
        self.recordings += other.recordings;
        self.assets += other.assets;
        self.commands += other.commands;
        self.skew_max = self.skew_max.max(other.skew_max);
    }
}

/// A picture that a recording took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) number: u32,
    pub(crate) recording: RecordingId,
    pub(crate) at_ms: i64,
    pub(crate) life: u32,
    /// Media was being lost at that time.
    pub(crate) trouble: bool,
    /// No key frame had come since the recording took its push.
    pub(crate) awaited_key_frame: bool,
}

/// How the catalog answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CatalogState {
    Up,
    /// A row now and then.
    Slow,
    Down,
}

/// Something after which the last moments before it may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blown {
    pub(crate) at_ms: i64,
    pub(crate) life: u32,
    /// The process died in it.
    pub(crate) death: Option<Death>,
}

pub(crate) struct World {
    pub(crate) disk: FaultDisk,
    pub(crate) rows: Rows,
    /// Every frame that was sent, by its number.
    pub(crate) sent: Vec<Sent>,
    pub(crate) taken: Vec<Taken>,
    pub(crate) blows: Vec<Blown>,
    draw: Draw,
    ids: IdSource,
    fault: Option<Fault>,
    service: Option<Service>,
    /// Virtual time since the world began.
    now_ms: i64,
    booted_ms: i64,
    /// How much of it everything stood still.
    stood_ms: i64,
    wall_offset_ms: i64,
    life: u32,
    /// The rule of the stream, if it has one.
    rule: Option<RecordRule>,
    catalog: CatalogState,
    /// This world's publishers send as cameras do.
    fine: bool,
    /// What was asked last of a recording, and done, in this life.
    obeyed: Option<(RecordingId, RecordCommand)>,
    /// How long was pushed since nothing is wrong with the disk.
    well_ms: Option<i64>,
    /// In this life the disk failed call after call.
    failed_on: bool,
    pushes: u128,
    wrong: Option<String>,
}

/// Lives through the world of `seed`.
///
/// Errors: an invariant does not hold.
pub fn run(seed: u64, plant: Option<Plant>) -> Result<Outcome, Broken> {
    let mut world = World::new(seed, plant);
    let lived = world.live().and_then(|()| world.heal()).and_then(|()| audit::check(&world));
    lived.map_err(|what| Broken { seed, what })
}

impl World {
    fn new(seed: u64, plant: Option<Plant>) -> Self {
        let mut draw = Draw::new(seed);
        let disk = FaultDisk::new(draw.below(u64::MAX));
        disk.lie_about_syncs(plant == Some(Plant::TrustUnsynced));
        let rows = Rows {
            seals_twice: plant == Some(Plant::SealTwice),
            tells_later: (plant == Some(Plant::TellLater)).then(Vec::new),
            ..Rows::default()
        };
        let fault = match plant {
            Some(Plant::ForgetGap) => Some(Fault::ForgetLoss),
            Some(Plant::StepBack) => Some(Fault::StepBack),
            Some(Plant::SealTwice) => Some(Fault::TellAgain),
            Some(Plant::ForgetStop) => Some(Fault::ForgetStop),
            _ => None,
        };
        Self {
            disk,
            rows,
            sent: Vec::new(),
            taken: Vec::new(),
            blows: Vec::new(),
            ids: IdSource::new(draw.below(u64::MAX)),
            rule: draw_rule(&mut draw),
            catalog: CatalogState::Up,
            fine: draw.once_in(16),
            obeyed: None,
            draw,
            fault,
            service: None,
            now_ms: 0,
            booted_ms: 0,
            stood_ms: 0,
            wall_offset_ms: 1_700_000_000_000,
            life: 0,
            well_ms: Some(0),
            failed_on: false,
            pushes: 0,
            wrong: None,
        }
    }

    fn live(&mut self) -> Result<(), String> {
        self.boot();
        // What is sent as densely as cameras do is sent less often.
        let acts = if self.fine { 2 + self.draw.below(2) } else { 6 + self.draw.below(8) };
        for _ in 0..acts {
            match self.draw.below(13) {
                0..=5 => self.push(),
                6 => {
                    let seconds = if self.draw.once_in(3) { self.draw.below(4_000) } else { self.draw.below(60) };
                    self.wait(seconds);
                }
                7 => {
                    let death = self.draw_death();
                    self.die(death);
                }
                8 => {
                    // A day back, an hour ahead, or anything between.
                    let step = self.draw.below(90_000_000);
                    self.wall_offset_ms += 3_600_000 - i64::try_from(step).unwrap_or(0);
                }
                9 => self.rule = draw_rule(&mut self.draw),
                10 => self.change_catalog(),
                11 => self.command(),
                _ => self.change_disk(),
            }
            if let Some(wrong) = self.wrong.take() {
                return Err(wrong);
            }
        }
        Ok(())
    }

    /// All that was broken works again, and nobody pushes: everything comes to rest.
    fn heal(&mut self) -> Result<(), String> {
        self.catalog = CatalogState::Up;
        self.disk.mend();
        self.disk.set_capacity(u64::MAX);
        if self.service.is_none() {
            self.boot();
        }
        self.wait(600);
        if !self.service.as_ref().is_some_and(Service::rests) {
            let open = self.rows.open_recordings().len();
            return Err(format!("what is left does not come to rest; {open} recordings are open"));
        }
        self.end_life(Death::Process);
        self.wrong.take().map_or(Ok(()), Err)
    }

    fn now(&self) -> Instant {
        let mono = u64::try_from(self.now_ms - self.booted_ms).unwrap_or(0);
        Instant {
            mono: Mono(Duration::from_millis(mono)),
            wall: WallTime::from_unix_ms(self.now_ms + self.wall_offset_ms),
        }
    }

    /// Time in which something could have been done.
    fn active_ms(&self) -> i64 {
        self.now_ms - self.stood_ms
    }

    fn boot(&mut self) {
        loop {
            self.booted_ms = self.now_ms;
            self.life += 1;
            if self.draw.once_in(6) {
                self.disk.plan(self.draw.below(20), Blow::Die);
            }
            let now = self.now();
            self.service = Some(Service::boot(&self.disk, &self.rows, &mut self.ids, now, self.fault));
            self.after_step();
            if self.service.is_some() {
                self.disk.mend();
                return;
            }
        }
    }

    /// After every step of the service: the catalog takes what it is told, and a death in a call is one.
    fn after_step(&mut self) {
        let lost = self.service.as_mut().is_some_and(|service| std::mem::take(&mut service.lost));
        let noted = |last: &Blown| last.at_ms == self.active_ms() && last.life == self.life;
        if lost && !self.blows.last().is_some_and(noted) {
            self.blows.push(Blown { at_ms: self.active_ms(), life: self.life, death: None });
        }
        self.note_fed(lost);
        if self.disk.is_dead() {
            let death = self.draw_death();
            self.end_life(death);
            return;
        }
        while self.catalog == CatalogState::Up || (self.catalog == CatalogState::Slow && self.draw.once_in(8)) {
            let Some((id, entry)) = self.service.as_mut().and_then(|service| service.owed.pop_front()) else { break };
            // Now and then it was written, and the writer heard of an error.
            for _ in 0..=u8::from(self.draw.once_in(16)) {
                if let Err(wrong) = self.rows.apply(id, &entry) {
                    self.wrong.get_or_insert(wrong);
                }
            }
        }
        if let Err(wrong) = self.rows.check_answered() {
            self.wrong.get_or_insert(wrong);
        }
    }

    fn change_catalog(&mut self) {
        self.catalog = match self.draw.below(4) {
            0 => CatalogState::Slow,
            1 => CatalogState::Down,
            _ => CatalogState::Up,
        };
    }

    /// Notes what recordings took.
    fn note_fed(&mut self, trouble: bool) {
        let Some(service) = &mut self.service else { return };
        let fed = std::mem::take(&mut service.fed);
        if fed.is_empty() {
            return;
        }
        for (recording, number, awaited_key_frame) in fed {
            let (at_ms, life) = (self.active_ms(), self.life);
            self.taken.push(Taken { number, recording, at_ms, life, trouble, awaited_key_frame });
            let last = self.obeyed.filter(|(of, _)| *of == recording).map(|(_, command)| command);
            if last.or(self.rows.answered.get(&recording).copied()) == Some(RecordCommand::Stop) {
                self.wrong.get_or_insert(format!("{recording:?} was stopped, and takes picture {number}"));
            }
        }
    }

    /// Somebody asks something of the stream's recording.
    fn command(&mut self) {
        use RecordCommand::{CancelDelay, Restart, Start, Stop};
        let command = match self.draw.below(6) {
            0 | 1 => Start,
            2 | 3 => Stop,
            4 => CancelDelay,
            _ => Restart,
        };
        let reach = Duration::from_secs(if self.draw.once_in(2) { 0 } else { self.draw.below(20) });
        let (seq, rule) = (self.rows.ask(command), self.rule.clone());
        let mut answered = (None, CommandAnswer::Failed);
        let now = self.now();
        if let Some(service) = &mut self.service {
            answered = service.command(now, (seq, command), reach, rule.as_ref(), &mut self.ids);
        }
        if let (Some(recording), CommandAnswer::Done) = answered {
            self.obeyed = Some((recording, command));
        }
        self.after_step();
    }

    fn draw_death(&mut self) -> Death {
        if self.draw.once_in(2) { Death::Process } else { Death::Power }
    }

    fn end_life(&mut self, death: Death) {
        // Bytes whose sync failed, that could not be cut off either, and that were taken up by a next process before the
        // power went, are beyond help: docs/design/recovery.md.
        let death = if std::mem::take(&mut self.failed_on) { Death::Power } else { death };
        self.blows.push(Blown { at_ms: self.active_ms(), life: self.life, death: Some(death) });
        self.service = None;
        self.obeyed = None;
        self.rows.forget();
        self.disk.restart(death);
    }

    /// The process dies, and is started again: soon, when the grace is over, or days later.
    fn die(&mut self, death: Death) {
        if self.service.is_some() {
            self.end_life(death);
        }
        let seconds = match self.draw.below(4) {
            0 => 86_400,
            1 => 300 + self.draw.below(300),
            _ => self.draw.below(10),
        };
        self.now_ms += i64::try_from(seconds * 1_000).unwrap_or(0);
        self.boot();
    }

    fn change_disk(&mut self) {
        self.disk.mend();
        self.disk.set_capacity(u64::MAX);
        self.well_ms = None;
        match self.draw.below(8) {
            0 => self.disk.set_capacity(self.disk.used() + self.draw.below(4_000)),
            1 => {
                self.failed_on = true;
                self.disk.plan(self.draw.below(40), Blow::FailOn(ErrorKind::Other));
            }
            2 => self.disk.plan(self.draw.below(40), Blow::Fail(ErrorKind::Other)),
            3 => self.disk.plan(self.draw.below(40), Blow::Fail(ErrorKind::StorageFull)),
            _ => self.well_ms = Some(0),
        }
    }

    /// Nobody pushes for a while.
    fn wait(&mut self, seconds: u64) {
        let until = self.now_ms + i64::try_from(seconds * 1_000).unwrap_or(0);
        // A disk that stays broken is asked so often, not once a second for hours.
        let mut patience = 50;
        while self.now_ms < until {
            let now = self.now();
            let deadline = self.service.as_ref().and_then(|service| service.deadline(now));
            let next = deadline.map_or(until, |at| self.booted_ms + i64::try_from(at.0.as_millis()).unwrap_or(0));
            self.now_ms = if patience > 0 { next.clamp(self.now_ms + 1, until) } else { until };
            patience -= 1;
            self.step(|service, now, ids| service.tick(now, ids));
            if self.service.is_none() {
                self.boot();
            }
        }
    }

    fn step(&mut self, act: impl FnOnce(&mut Service, Instant, &mut IdSource)) {
        let now = self.now();
        if let Some(service) = &mut self.service {
            act(service, now, &mut self.ids);
        }
        self.after_step();
    }

    /// A publisher comes, sends, perhaps loses its connection, is taken over, or sees the server die.
    fn push(&mut self) {
        for _ in 0..=self.draw.below(3) {
            let push = self.connect();
            let mut media = Media::new(push, self.fine, &mut self.draw);
            if self.draw.once_in(3) {
                self.disk.plan(self.draw.below(60), Blow::Die);
            }
            let seconds = 1 + self.draw.below(25);
            let alive = self.send(&mut media, i64::try_from(seconds * 1_000).unwrap_or(0));
            if !alive {
                let death = self.draw_death();
                self.die(death);
                continue;
            }
            let grace = self.rule.as_ref().map_or(60, |rule| rule.grace.as_secs());
            match self.draw.below(5) {
                // Taken over at once by the next one, or lost for a while.
                0 | 1 => self.lose(push),
                2 => {
                    self.lose(push);
                    let seconds = self.draw.below(grace + 3);
                    self.wait(seconds);
                }
                3 => {
                    let death = self.draw_death();
                    self.die(death);
                }
                _ => {
                    self.lose(push);
                    self.wait(grace + 1);
                }
            }
        }
    }

    fn connect(&mut self) -> PushId {
        self.pushes += 1;
        let push = PushId::from_u128(self.pushes);
        let rule = self.rule.clone();
        self.step(|service, now, ids| service.push_started(now, push, rule.as_ref(), ids));
        push
    }

    fn lose(&mut self, push: PushId) {
        self.step(|service, now, ids| service.push_lost(now, push, ids));
        if self.service.is_none() {
            self.boot();
        }
    }

    /// Sends for so long; `false` when the process died.
    fn send(&mut self, media: &mut Media, for_ms: i64) -> bool {
        let until = self.now_ms + for_ms;
        for frame in media.configs() {
            self.step(|service, now, ids| service.frame(now, &frame, ids));
        }
        // The same troubles in an hour, however densely is sent.
        let calm = if self.fine { 1_000 } else { 120 };
        while self.now_ms < until {
            match self.draw.below(calm) {
                0 if self.service.as_ref().is_some_and(Service::is_settled) => media.disturb(&mut self.draw),
                1 => {
                    let frame = media.resize();
                    self.step(|service, now, ids| service.frame(now, &frame, ids));
                }
                // The disk, or the machine, stands still.
                2 => {
                    self.now_ms += 30_000;
                    self.stood_ms += 30_000;
                }
                3 => self.change_disk(),
                4 => self.change_catalog(),
                5 | 6 => self.command(),
                7 => self.rule = draw_rule(&mut self.draw),
                _ => {}
            }
            let number = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
            let (frame, sent, wait_ms) = media.next(number, &mut self.draw);
            let mut wait_ms = wait_ms;
            // The service does not wait for the publisher; by the third time all is synced.
            for _ in 0..3 {
                if wait_ms > FLUSH_MS {
                    self.now_ms += FLUSH_MS;
                    wait_ms -= FLUSH_MS;
                    self.step(Service::flush);
                }
            }
            if self.service.is_none() {
                return false;
            }
            self.now_ms += wait_ms;
            self.sent.push(Sent { sent_ms: self.now_ms, ..sent });
            self.step(|service, now, ids| service.frame(now, &frame, ids));
            self.check_recovers(&frame, wait_ms);
            if self.service.is_none() {
                return false;
            }
        }
        true
    }

    /// Once the disk works again, media is stored again, and soon.
    fn check_recovers(&mut self, frame: &Frame, waited_ms: i64) {
        if !matches!(frame, Frame::Sample(sample) if sample.track == TrackKind::Video) {
            return;
        }
        let current = self.service.as_mut().and_then(Service::current);
        let trouble = current.is_some_and(|active| active.trouble().is_some() && active.standing() == Standing::Fed);
        if let Some(well) = &mut self.well_ms {
            // A publisher that pauses sends no key frame either.
            *well = if trouble { *well + waited_ms.min(500) } else { 0 };
            if *well > RECOVERY_MS {
                self.wrong.get_or_insert(format!("media is still lost {RECOVERY_MS} ms after the disk works again"));
            }
        }
    }

    pub(crate) fn lasted(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now_ms).unwrap_or(0))
    }
}

fn draw_rule(draw: &mut Draw) -> Option<RecordRule> {
    // Now and then there is none: it was deleted.
    if draw.once_in(12) {
        return None;
    }
    let name = |name: &str| name.to_owned();
    Some(RecordRule {
        key: RuleKey { domain: name("sim.example.org"), app: name("*"), stream: name("*") },
        on_demand: if draw.once_in(5) { OnDemand::Manual } else { OnDemand::Automatic },
        cycle_length: Duration::from_secs(5 + draw.below(20)),
        grace: Duration::from_secs([15, 60, 180][usize::try_from(draw.below(3)).unwrap_or(0)]),
        template_group: domain::rule::NO_TRANSCODE.to_owned(),
        compose_group: None,
        safety_buffer: Duration::from_secs(if draw.once_in(3) { draw.below(30) } else { 0 }),
    })
}
