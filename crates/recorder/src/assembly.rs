//! From frames of a push to segments of a reel: which frame goes where. Pure; the disk carries it out.
//!
//! The rules (design §1 and §3): a segment starts with a key frame; a cycle is cut at the first key frame at or after its
//! length; sound goes with the picture it sounds under, a frame that straddles a cut to the later side; a fragment holds at
//! most about a second of one track.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use codec::{AccessUnit, AudioConfig, Frame, Sample, TrackConfig, TrackKind, VideoCodec, VideoConfig};
use container::{SAMPLES_MAX, SampleRow};
use domain::recording::{At, Effect, Event, Recording, State};
use reel::{Epoch, Join, ORIGIN_SECONDS};
use units::{MediaTime, Mono, PushId, Timescale, WallTime};

use crate::timeline::{APART_MAX, Claims, Placed, SECOND, SoundClock, Timeline};

/// A segment ends at the first key frame after this much picture.
const SEGMENT_LENGTH: i64 = 4 * SECOND;
/// A segment without pictures ends after this much sound.
const SOUND_SEGMENT_LENGTH: i64 = 5 * SECOND;
/// A fragment is written when it has this much of a track. With the gathered read before it, the picture whose duration
/// is not known yet and the sound that waits for the picture, what a killed process loses stays below a second.
const FRAGMENT_LENGTH: i64 = SECOND / 2;
/// … or this many bytes: a second of 32 Mb/s.
const FRAGMENT_BYTES: usize = 4 * 1024 * 1024;
/// Sound that waits to learn on which side of a cut it lies waits at most this long; then the picture is taken to be late
/// for good.
const SOUND_WAIT: i64 = 3 * SECOND;
/// A cut waits for the sound before it while this much picture comes: more than encoders interleave.
const STALL_LENGTH: i64 = SECOND;
/// … and at most this many pictures.
const STALL_PICTURES_MAX: usize = 256;
/// When a push has sent this much sound and announced no pictures, it is taken to have none, until a key frame comes.
const PICTURE_WAIT: i64 = 2 * SECOND;
/// … and this much when it has announced them: more than most encoders leave between key frames. Until then the recording
/// can still begin with a picture, which players of playlists want.
const KEY_FRAME_WAIT: i64 = 10 * SECOND;
/// Sound with new parameters that waits for the key frame from which it can be stored, in frames: some twenty seconds. What
/// waits longer is lost, the oldest first.
const CHANGED_SOUND_SAMPLES_MAX: usize = 1_024;
/// When this much sound comes and no picture, segments are cut by sound. What stays away together comes back together.
const PICTURE_SILENCE: i64 = 6 * SECOND;
/// Sound kept while the first key frame is awaited.
const UNANCHORED_SAMPLES_MAX: usize = 1_024;
/// Longest duration of one picture; a longer pause is a leap and cut short.
const PICTURE_LENGTH_MAX: i64 = 10 * SECOND;
/// The duration of a picture of which nothing is known: 1/25 s.
const PICTURE_LENGTH_GUESS: i64 = SECOND / 25;

/// What the disk is to do, in order.
#[derive(Debug)]
pub(crate) enum Op {
    /// An effect of the recording machine.
    Effect(Effect),
    /// Begin a segment.
    OpenSegment {
        /// The parameters of its tracks.
        epoch: Epoch,
        /// How it follows the one before.
        join: Join,
        /// When its first frame arrived.
        wall: WallTime,
    },
    /// A track joins in the middle of the segment.
    Note(Epoch),
    /// Write fragments, together.
    Append(Vec<NewFragment>),
    /// Media is missing behind what was stored before: its push was kept waiting too long.
    Lost {
        /// As many fragments as it would have been, about.
        fragments: u64,
    },
    /// The segment is complete. `end`: where the next one begins, when it follows at once.
    SealSegment {
        /// On the recording's timeline.
        end: Option<i64>,
    },
}

/// A fragment to be written.
#[derive(Debug)]
pub(crate) struct NewFragment {
    /// Whose samples.
    pub(crate) track: TrackKind,
    /// Decode time of the first, in the stored scale of the track.
    pub(crate) dts: i64,
    /// One row per sample.
    pub(crate) rows: Vec<SampleRow>,
    /// Their bytes, in order; parameter sets are parts of their own.
    pub(crate) parts: Vec<Bytes>,
}

/// Frames that found no place, by cause. Told in the log and kept for the receipt when a push ends.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LeftOut {
    /// Pictures before the first key frame of a push.
    pub(crate) before_key_frame: u64,
    /// Sound before the first picture of a push, more than can be kept.
    pub(crate) early_sound: u64,
    /// Sound that would lie over sound that is there.
    pub(crate) overlapping_sound: u64,
    /// Samples of a track whose parameters are unknown, or that waited in vain for a segment that can have new ones.
    pub(crate) without_parameters: u64,
    /// Pictures that come after sound of a later segment is written.
    pub(crate) late_pictures: u64,
    /// Frames dropped while the disk did not follow.
    pub(crate) slow_disk: u64,
}

/// A picture that has come, on the recording's timeline.
#[derive(Debug)]
struct Picture {
    wall: WallTime,
    dts: i64,
    pts: i64,
    sync: bool,
    leapt: bool,
    parts: Vec<Bytes>,
}

/// One picture whose duration is not known until the next one comes.
#[derive(Debug)]
struct Held {
    dts: i64,
    pts: i64,
    sync: bool,
    parts: Vec<Bytes>,
}

/// Rows and bytes of a fragment that grows.
#[derive(Debug, Default)]
struct Growing {
    dts: i64,
    dts_end: i64,
    bytes: usize,
    rows: Vec<SampleRow>,
    parts: Vec<Bytes>,
}

impl Growing {
    fn push(&mut self, dts: i64, row: SampleRow, parts: impl IntoIterator<Item = Bytes>) {
        if self.rows.is_empty() {
            self.dts = dts;
        }
        self.dts_end = dts.saturating_add(i64::from(row.duration));
        self.bytes = self.bytes.saturating_add(usize::try_from(row.size).unwrap_or(usize::MAX));
        self.rows.push(row);
        self.parts.extend(parts);
    }

    fn take(&mut self, track: TrackKind) -> Option<NewFragment> {
        if self.rows.is_empty() {
            return None;
        }
        let full = std::mem::take(self);
        Some(NewFragment { track, dts: full.dts, rows: full.rows, parts: full.parts })
    }
}

/// Sound that waits for the picture which says where its push lies: when it is, in 90 kHz ticks of the push, or where it was on the
/// timeline before media was lost.
#[derive(Debug)]
struct Unanchored {
    at: i64,
    data: Bytes,
}

#[derive(Debug)]
struct SoundFrame {
    dts: i64,
    samples: u32,
    data: Bytes,
}

#[derive(Debug)]
struct OpenSegment {
    begin: i64,
    /// Has pictures: it is cut by pictures.
    pictures: bool,
}

/// Assembles one recording.
#[derive(Debug)]
pub(crate) struct Assembly {
    machine: Recording,
    ops: Vec<Op>,
    /// Where the recording's media ends so far: where a push that comes back goes on.
    end: i64,
    join: Join,
    epoch: Option<Epoch>,
    epochs: u32,
    segment: Option<OpenSegment>,
    left_out: LeftOut,

    push: PushParameters,
    timeline: Option<Timeline>,
    /// Media was lost: the timeline is followed, and the next key frame says where on it the push goes on.
    loose: bool,
    /// Sound that waits for an anchor.
    unanchored: VecDeque<Unanchored>,

    stalled: VecDeque<Picture>,
    last_dts: Option<i64>,
    held: Option<Held>,
    /// How long a picture usually lasts: the shorter of the last two, so that a pause is none.
    picture_length: i64,
    last_length: Option<i64>,
    /// There were pictures, and how much sound came after the last one.
    pictured: bool,
    sound_alone: i64,
    pictures: Growing,
    sound_clock: Option<SoundClock>,
    waiting_sound: VecDeque<SoundFrame>,
    sound: Growing,
}

/// Where the media of a recording found again ends.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Resume {
    /// Presentation, on the recording's timeline.
    pub(crate) pts: i64,
    /// Decode time of pictures: none may come before it.
    pub(crate) dts: Option<i64>,
    /// Sound: (rate, samples).
    pub(crate) sound: Option<(u32, i64)>,
}

/// What the current push has announced.
#[derive(Debug, Default)]
struct PushParameters {
    video: Option<VideoConfig>,
    audio: Option<AudioConfig>,
    /// Of `video`, to stand in front of a key frame that lacks them.
    parameter_sets: Bytes,
    /// A key frame has come: until then sound does not wait for pictures.
    pictured: bool,
    /// What its tracks claim.
    picture_claims: Claims,
    sound_claims: Claims,
}

impl Assembly {
    /// A recording that begins with this push.
    pub(crate) fn begin(machine: Recording) -> Self {
        Self::new(machine, i64::from(ORIGIN_SECONDS) * SECOND, 0, None)
    }

    /// A recording found again after a restart, with how many epochs it has.
    pub(crate) fn recover(machine: Recording, end: Resume, epochs: u32) -> Self {
        let sound_clock = end.sound.map(|(rate, next)| SoundClock::new(rate, Some(next)));
        Self { last_dts: end.dts, ..Self::new(machine, end.pts, epochs, sound_clock) }
    }

    fn new(machine: Recording, end: i64, epochs: u32, sound_clock: Option<SoundClock>) -> Self {
        Self {
            machine,
            ops: Vec::new(),
            end,
            join: Join::Start,
            epoch: None,
            epochs,
            segment: None,
            left_out: LeftOut::default(),
            push: PushParameters::default(),
            timeline: None,
            loose: false,
            unanchored: VecDeque::new(),
            stalled: VecDeque::new(),
            last_dts: None,
            held: None,
            picture_length: PICTURE_LENGTH_GUESS,
            last_length: None,
            pictured: false,
            sound_alone: 0,
            pictures: Growing::default(),
            sound_clock,
            waiting_sound: VecDeque::new(),
            sound: Growing::default(),
        }
    }

    /// Where the recording is in its life.
    pub(crate) const fn state(&self) -> State {
        self.machine.state()
    }

    /// When to call [`tick`](Self::tick).
    pub(crate) const fn deadline(&self) -> Option<Mono> {
        self.machine.deadline()
    }

    /// What is to be done since the last call, in order.
    pub(crate) fn take_ops(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.ops)
    }

    /// What of the push found no place.
    pub(crate) fn take_left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }

    /// Another push feeds the recording, `gap_ms` of wall time after the last media. The push before it has ended.
    pub(crate) fn push_started(&mut self, now: Mono, push: PushId, gap_ms: u64) {
        self.act(now, Event::PushStarted(push));
        self.begin_push(gap_ms);
    }

    /// What was stopped goes on with this push, `gap_ms` of wall time after the last media.
    pub(crate) fn start(&mut self, now: Mono, push: PushId, gap_ms: u64) {
        self.act(now, Event::StartAsked(push));
        self.begin_push(gap_ms);
    }

    fn begin_push(&mut self, gap_ms: u64) {
        if self.epochs > 0 {
            self.join = Join::Resumed { gap_ms };
        }
        self.push = PushParameters::default();
        self.timeline = None;
        self.loose = false;
        self.sound_alone = 0;
        self.unanchored.clear();
        if let Some(clock) = &mut self.sound_clock {
            clock.restart();
        }
    }

    /// The disk lost what came after `end`: the push goes on there with its next key frame, as if it had come back.
    pub(crate) fn go_on_from(&mut self, end: Resume) {
        self.segment = None;
        self.held = None;
        self.stalled.clear();
        self.waiting_sound.clear();
        self.pictures = Growing::default();
        self.sound = Growing::default();
        self.unanchor();
        self.end = end.pts;
        self.last_dts = end.dts;
        self.sound_clock = end.sound.map(|(rate, next)| SoundClock::new(rate, Some(next)));
        // A push without sound keeps the clock for the next one.
        if let Some(audio) = &self.push.audio {
            self.sound_clock = self.sound_clock.take().map(|clock| clock.at_rate(audio.sample_rate));
        }
    }

    /// The push goes on with its next key frame, wherever its clock is then.
    fn unanchor(&mut self) {
        self.unanchored.clear();
        self.loose = self.timeline.is_some();
        self.push.pictured = false;
        self.pictured = false;
        self.sound_alone = 0;
    }

    /// `frames` of the push, which lasted `length`, were dropped: what came before is placed, and the push goes on there with
    /// its next key frame, as if it had come back.
    pub(crate) fn shed(&mut self, now: Mono, wall: WallTime, frames: u64, length: Duration) {
        self.place_all(now, wall);
        self.left_out.slow_disk = self.left_out.slow_disk.saturating_add(frames);
        let tracks = u128::from(self.push.video.is_some()) + u128::from(self.push.audio.is_some());
        let fragment_ms = 1_000 * u128::from(FRAGMENT_LENGTH.unsigned_abs()) / u128::from(SECOND.unsigned_abs());
        let fragments = length.as_millis().div_ceil(fragment_ms).saturating_mul(tracks);
        self.ops.push(Op::Lost { fragments: u64::try_from(fragments).unwrap_or(u64::MAX) });
        self.unanchor();
        if let Some(clock) = &mut self.sound_clock {
            clock.restart();
        }
    }

    /// The push is over: all it sent is placed and the segment closed.
    pub(crate) fn push_lost(&mut self, now: Mono, wall: WallTime, push: PushId) {
        self.place_all(now, wall);
        self.act(now, Event::PushLost(push));
    }

    /// Nothing more is recorded for now: all that came is placed and the segment closed.
    pub(crate) fn stop(&mut self, now: Mono, wall: WallTime) {
        self.place_all(now, wall);
        self.act(now, Event::StopAsked);
    }

    /// The cycle is cut at the next possible point.
    pub(crate) fn restart(&mut self, now: Mono) {
        self.act(now, Event::RestartAsked);
    }

    /// The recording, which has no push now or was stopped, is over.
    pub(crate) fn end(&mut self, now: Mono) {
        self.act(now, Event::EndAsked);
    }

    fn place_all(&mut self, now: Mono, wall: WallTime) {
        self.anchor_by_sound(now, wall);
        self.place_pictures(now, true);
        self.place_changed_sound(now, wall);
        self.close_segment();
    }

    /// The time of [`deadline`](Self::deadline) has come.
    pub(crate) fn tick(&mut self, now: Mono) {
        self.act(now, Event::Tick);
    }

    fn act(&mut self, now: Mono, event: Event) {
        let effects = self.machine.handle(now, event);
        self.ops.extend(effects.into_iter().map(Op::Effect));
    }

    /// Writes what has its place, so that it is not lost with the process; called when a second has passed.
    pub(crate) fn flush(&mut self) {
        if self.segment.is_none() {
            return;
        }
        let fragments: Vec<_> =
            [self.pictures.take(TrackKind::Video), self.sound.take(TrackKind::Audio)].into_iter().flatten().collect();
        if !fragments.is_empty() {
            self.ops.push(Op::Append(fragments));
        }
    }

    /// Takes one frame of the push.
    pub(crate) fn frame(&mut self, now: Mono, wall: WallTime, frame: &Frame) {
        match frame {
            Frame::Config(TrackConfig::Video(config)) => {
                self.push.parameter_sets = config.parameter_sets().unwrap_or_default();
                self.push.video = Some(config.clone());
            }
            Frame::Config(TrackConfig::Audio(config)) => self.sound_announced(now, wall, config),
            Frame::Sample(sample) => match sample.track {
                TrackKind::Video => self.picture(now, wall, sample),
                TrackKind::Audio => self.sound_sample(now, wall, sample),
            },
        }
    }

    fn sound_announced(&mut self, now: Mono, wall: WallTime, config: &AudioConfig) {
        if self.push.audio.as_ref().is_some_and(|known| known.record != config.record) {
            self.place_old_sound(now, wall);
        }
        self.push.audio = Some(config.clone());
        self.sound_clock = self.sound_clock.take().map(|clock| clock.at_rate(config.sample_rate));
        let joins = self.segment.is_some() && self.epoch.as_ref().is_some_and(|epoch| epoch.audio.is_none());
        if joins && let Some(epoch) = self.epoch.clone() {
            let epoch = self.number(Epoch { audio: Some(config.clone()), ..epoch });
            self.flush();
            self.ops.push(Op::Note(epoch.clone()));
            self.epoch = Some(epoch);
        }
    }

    /// The sound that has come gets its place before other parameters hold: it is counted in their ticks.
    fn place_old_sound(&mut self, now: Mono, wall: WallTime) {
        self.anchor_by_sound(now, wall);
        self.place_pictures(now, true);
        self.release_sound(i64::MAX);
        // Parameters that changed twice between two key frames.
        let lost = std::mem::take(&mut self.waiting_sound).len();
        self.left_out.without_parameters += u64::try_from(lost).unwrap_or(u64::MAX);
    }

    /// The sound has other parameters than the open segment tells: it waits for the next one.
    fn sound_changed(&self) -> bool {
        let announced = self.push.audio.as_ref().map(|audio| &audio.record);
        let known = self.epoch.as_ref().and_then(|epoch| epoch.audio.as_ref()).map(|audio| &audio.record);
        self.segment.is_some() && announced != known
    }

    /// New sound for which no key frame has come any more has a segment of its own, behind the pictures.
    fn place_changed_sound(&mut self, now: Mono, wall: WallTime) {
        if self.sound_changed() && !self.waiting_sound.is_empty() {
            self.release_held(None);
            self.cut(now, wall, self.end, false);
            self.release_sound(i64::MAX);
        }
    }

    fn picture(&mut self, now: Mono, wall: WallTime, sample: &Sample) {
        let Some(config) = &self.push.video else {
            self.left_out.without_parameters += 1;
            return;
        };
        let dts = self.push.picture_claims.next(to_reel(sample.dts, config.scale), self.picture_length);
        let cto = to_reel(i64::from(sample.cto), config.scale);
        if !self.push.pictured {
            if !sample.sync {
                self.left_out.before_key_frame += 1;
                if let Some(timeline) = &mut self.timeline {
                    timeline.map(TrackKind::Video, dts, self.picture_length);
                }
                return;
            }
            self.push.pictured = true;
        }
        match &mut self.timeline {
            None => self.anchor(now, wall, dts.saturating_add(cto)),
            Some(timeline) if self.loose => {
                let at = timeline.map(TrackKind::Video, dts, self.picture_length).at;
                self.anchor(now, wall, at.saturating_add(cto));
            }
            Some(_) => {}
        }
        let Some(timeline) = &mut self.timeline else { return };
        let mapped = timeline.map(TrackKind::Video, dts, self.picture_length);
        let dts = self.last_dts.map_or(mapped.at, |last| mapped.at.max(last.saturating_add(1)));
        self.last_dts = Some(dts);
        let pts = dts.saturating_add(cto);
        self.stalled.push_back(Picture {
            wall,
            dts,
            pts,
            sync: sample.sync,
            leapt: mapped.leapt,
            parts: self.stored_parts(sample),
        });
        self.place_pictures(now, false);
    }

    /// Places the pictures that have come, up to a key frame that cuts while sound that belongs before it is still to come
    /// (interleaving goes by decode time, the cut by presentation time). `all`: nothing is waited for.
    fn place_pictures(&mut self, now: Mono, all: bool) {
        while let (Some(first), Some(last)) = (self.stalled.front(), self.stalled.back()) {
            let patient = !all && last.dts - first.dts <= STALL_LENGTH && self.stalled.len() <= STALL_PICTURES_MAX;
            if patient && first.sync && self.cut_wanted(first.pts, first.leapt) && self.sound_is_behind(first.pts) {
                return;
            }
            let Some(picture) = self.stalled.pop_front() else { return };
            self.place_picture(now, picture);
        }
    }

    /// Whether sound runs, but not yet up to `pts`.
    fn sound_is_behind(&self, pts: i64) -> bool {
        let (Some(audio), Some(clock)) = (&self.push.audio, &self.sound_clock) else { return false };
        let (Some(next), Some(rate)) = (clock.next(), Timescale::new(audio.sample_rate)) else { return false };
        let half = i64::from(audio.frame_samples / 2);
        let behind = pts - rescale(next + half, rate, Timescale::REEL);
        (0..SOUND_WAIT).contains(&behind)
    }

    fn place_picture(&mut self, now: Mono, picture: Picture) {
        let Picture { wall, dts, pts, sync, leapt, parts } = picture;
        if leapt {
            self.join = Join::Leapt;
        }
        if let Some(segment) = &self.segment
            && !segment.pictures
            && pts < segment.begin
        {
            self.left_out.late_pictures += 1;
            return;
        }
        self.release_held(Some(dts));
        if sync {
            if self.cut_wanted(pts, leapt) {
                self.cut(now, wall, pts, true);
            } else {
                // A key frame is the first of its fragment, so that it can be fetched alone.
                self.flush();
            }
        } else if self.segment.as_ref().is_none_or(|segment| !segment.pictures) {
            self.left_out.before_key_frame += 1;
            return;
        }
        self.held = Some(Held { dts, pts, sync, parts });
        self.pictured = true;
        self.sound_alone = 0;
        // A later key frame is presented no earlier than it is decoded, so sound that ends by now has its place.
        self.release_sound(dts);
        if self.pictures.dts_end - self.pictures.dts >= FRAGMENT_LENGTH || self.too_large() {
            self.flush();
        }
    }

    /// The picture's bytes; in front of a key frame its parameter sets, so that each is a safe place to start (design §3).
    fn stored_parts(&self, sample: &Sample) -> Vec<Bytes> {
        let codec = self.push.video.as_ref().map_or(VideoCodec::H264, |video| video.codec);
        let unit = || AccessUnit::parse(codec, sample.data.clone(), 4);
        let in_band = !sample.sync || unit().is_ok_and(|unit| unit.parameter_sets);
        if in_band { vec![sample.data.clone()] } else { vec![self.push.parameter_sets.clone(), sample.data.clone()] }
    }

    fn too_large(&self) -> bool {
        let rows = self.pictures.rows.len().max(self.sound.rows.len());
        self.pictures.bytes.saturating_add(self.sound.bytes) >= FRAGMENT_BYTES || rows >= SAMPLES_MAX / 2
    }

    fn sound_sample(&mut self, now: Mono, wall: WallTime, sample: &Sample) {
        let Some(config) = &self.push.audio else {
            self.left_out.without_parameters += 1;
            return;
        };
        let Some(rate) = Timescale::new(config.sample_rate) else { return };
        let step = sound_step(config, rate);
        let at = self.push.sound_claims.next(to_reel(sample.dts, config.scale), step);
        let at = match &mut self.timeline {
            None => at,
            Some(timeline) => timeline.map(TrackKind::Audio, at, step).at,
        };
        if self.timeline.is_none() || self.loose {
            self.unanchored.push_back(Unanchored { at, data: sample.data.clone() });
            if self.unanchored.len() > UNANCHORED_SAMPLES_MAX {
                self.unanchored.pop_front();
                self.left_out.early_sound += 1;
            }
            let wait = if self.push.video.is_some() { KEY_FRAME_WAIT } else { PICTURE_WAIT };
            if let Some(first) = self.unanchored.front()
                && at.saturating_sub(first.at) >= wait
            {
                self.anchor_by_sound(now, wall);
            }
            return;
        }
        self.place_sound(now, wall, at, sample.data.clone(), rate);
    }

    /// Places the sound that waits for a picture.
    fn anchor_by_sound(&mut self, now: Mono, wall: WallTime) {
        if let Some(first) = self.unanchored.front() {
            let first = first.at;
            self.anchor(now, wall, first);
        }
    }

    /// Ties the push's clock to the recording's timeline: `first` (90 kHz of the push, or where it would be had nothing been lost) goes
    /// on where the media ends. Sound that waited for it is placed.
    fn anchor(&mut self, now: Mono, wall: WallTime, first: i64) {
        let early = if self.epochs == 0 { first.saturating_sub(self.first_unanchored()) } else { 0 };
        // Tracks further apart than this have different clocks: a hole as long as that would be worse than the loss.
        let at = if early <= APART_MAX { self.end.max(early) } else { self.end };
        let by = at.saturating_sub(first);
        let lost = std::mem::take(&mut self.loose);
        let timeline = self.timeline.get_or_insert_with(|| Timeline::anchored(first, at));
        if lost {
            timeline.shift(by);
        }
        let Some(config) = &self.push.audio else { return };
        let Some(rate) = Timescale::new(config.sample_rate) else { return };
        let step = sound_step(config, rate);
        let mut waited = std::mem::take(&mut self.unanchored);
        for sound in &mut waited {
            sound.at = match lost {
                true => sound.at.saturating_add(by),
                false => timeline.map(TrackKind::Audio, sound.at, step).at,
            };
        }
        for sound in waited {
            self.place_sound(now, wall, sound.at, sound.data, rate);
        }
    }

    /// When the sound begins that waits for an anchor. The recording begins so much later that all of
    /// it has a place.
    fn first_unanchored(&self) -> i64 {
        self.unanchored.front().map_or(i64::MAX, |first| first.at)
    }

    /// Places a frame of sound that claims to be at `at` on the recording's timeline.
    fn place_sound(&mut self, now: Mono, wall: WallTime, at: i64, data: Bytes, rate: Timescale) {
        let Some(config) = &self.push.audio else { return };
        let samples = config.frame_samples;
        let step = sound_step(config, rate);
        let claimed = rescale(at, Timescale::REEL, rate);
        let clock = self.sound_clock.get_or_insert_with(|| SoundClock::new(rate.get(), None));
        let dts = match clock.place(claimed, samples) {
            Placed::At(dts) if dts >= 0 => dts,
            Placed::At(_) => {
                self.left_out.early_sound += 1;
                return;
            }
            Placed::Overlaps => {
                self.left_out.overlapping_sound += 1;
                return;
            }
        };
        self.waiting_sound.push_back(SoundFrame { dts, samples, data });
        if self.sound_changed() && self.waiting_sound.len() > CHANGED_SOUND_SAMPLES_MAX {
            self.waiting_sound.pop_front();
            self.left_out.without_parameters += 1;
        }
        self.place_pictures(now, false);
        let at = rescale(dts, rate, Timescale::REEL);
        self.sound_alone = self.sound_alone.saturating_add(step);
        if !self.push.pictured || (self.pictured && self.sound_alone > PICTURE_SILENCE) {
            self.lead_by_sound(now, wall, rate);
        } else if let Some(first) = self.waiting_sound.front()
            && self.segment.is_some()
            && rescale(dts - first.dts, rate, Timescale::REEL) > SOUND_WAIT
        {
            self.release_sound(at - SOUND_WAIT);
        }
    }

    /// Without pictures each sound frame is a place to cut.
    fn lead_by_sound(&mut self, now: Mono, wall: WallTime, rate: Timescale) {
        while let Some(frame) = self.waiting_sound.pop_front() {
            let at = rescale(frame.dts, rate, Timescale::REEL);
            let changed = self.sound_changed();
            let due = match &self.segment {
                None => true,
                Some(segment) => {
                    changed || at - segment.begin >= SOUND_SEGMENT_LENGTH || self.machine.would_cut(At(at))
                }
            };
            if due {
                self.release_held(None);
                // Sound that waited for a key frame in vain began under the pictures.
                let at = if changed { at.max(self.end) } else { at };
                self.cut(now, wall, at, false);
            }
            self.add_sound(frame);
            if rescale(self.sound.dts_end - self.sound.dts, rate, Timescale::REEL) >= FRAGMENT_LENGTH {
                self.flush();
            }
        }
    }

    fn cut_wanted(&self, pts: i64, leapt: bool) -> bool {
        let Some(segment) = &self.segment else { return true };
        let same_parameters = self.epoch.as_ref().is_some_and(|epoch| {
            epoch.video.as_ref().map(|v| &v.record) == self.push.video.as_ref().map(|v| &v.record)
                && epoch.audio.as_ref().map(|a| &a.record) == self.push.audio.as_ref().map(|a| &a.record)
        });
        leapt
            || !segment.pictures
            || !same_parameters
            || pts - segment.begin >= SEGMENT_LENGTH
            || self.machine.would_cut(At(pts))
    }

    /// Ends the segment before `at` and begins one there.
    fn cut(&mut self, now: Mono, wall: WallTime, at: i64, pictures: bool) {
        // New sound that waited for this cut sounds under the pictures before it. Were this a cut of the cycle, too, it would be in
        // no asset: that one waits for the next key frame.
        let waited = self.sound_changed() && !self.waiting_sound.is_empty();
        self.release_sound_before_cut(at);
        self.seal_segment(Some(at));
        if !waited {
            self.act(now, Event::CutPoint(At(at)));
        }
        let video = if pictures { self.push.video.clone() } else { None };
        let epoch = match &self.epoch {
            Some(epoch) if epoch.video == video && epoch.audio == self.push.audio => epoch.clone(),
            _ => self.number(Epoch { number: 0, video, audio: self.push.audio.clone() }),
        };
        self.epoch = Some(epoch.clone());
        let join = std::mem::replace(&mut self.join, Join::Continuous);
        self.segment = Some(OpenSegment { begin: at, pictures });
        self.ops.push(Op::OpenSegment { epoch, join, wall });
    }

    fn number(&mut self, epoch: Epoch) -> Epoch {
        let number = self.epochs;
        self.epochs += 1;
        Epoch { number, ..epoch }
    }

    /// Gives the held picture its duration and its place.
    fn release_held(&mut self, next_dts: Option<i64>) {
        let Some(held) = self.held.take() else { return };
        let length =
            next_dts.map_or(self.picture_length, |next| next.saturating_sub(held.dts)).clamp(1, PICTURE_LENGTH_MAX);
        if next_dts.is_some() {
            self.picture_length = self.last_length.map_or(length, |last| length.min(last));
            self.last_length = Some(length);
        }
        if next_dts.is_none() {
            // What comes next, from another push, must not be decoded before this one is over.
            self.last_dts = Some(held.dts.saturating_add(length).saturating_sub(1));
        }
        let size: usize = held.parts.iter().map(Bytes::len).sum();
        let row = SampleRow {
            duration: u32::try_from(length).unwrap_or(u32::MAX),
            size: u32::try_from(size).unwrap_or(u32::MAX),
            cto: i32::try_from(held.pts - held.dts).unwrap_or(0),
            sync: held.sync,
        };
        self.end = self.end.max(held.pts.saturating_add(length));
        self.pictures.push(held.dts, row, held.parts);
    }

    /// Gives sound that ends by `until` (90 kHz) its place in the open segment.
    fn release_sound(&mut self, until: i64) {
        self.release_sound_while(until, |frame| frame.dts + i64::from(frame.samples));
    }

    /// Gives sound of which the greater part lies before the cut its place in the segment that ends there. So the sound of
    /// a segment begins and ends within half a frame (11 ms) of its pictures.
    fn release_sound_before_cut(&mut self, at: i64) {
        self.release_sound_while(at, |frame| frame.dts + i64::from(frame.samples / 2));
    }

    fn release_sound_while(&mut self, until: i64, point: impl Fn(&SoundFrame) -> i64) {
        let Some(rate) = self.push.audio.as_ref().and_then(|audio| Timescale::new(audio.sample_rate)) else { return };
        if self.segment.is_none() || self.sound_changed() {
            return;
        }
        let until = rescale(until, Timescale::REEL, rate);
        while let Some(frame) = self.waiting_sound.pop_front_if(|frame| point(frame) <= until) {
            self.add_sound(frame);
            // Sound that waited long is no longer fragment than other sound.
            if rescale(self.sound.dts_end - self.sound.dts, rate, Timescale::REEL) >= SECOND {
                self.flush();
            }
        }
    }

    fn add_sound(&mut self, frame: SoundFrame) {
        if self.segment.is_none() || self.sound_changed() {
            self.left_out.without_parameters += 1;
            return;
        }
        // A hole begins a fragment of its own, whose decode time tells of it. So does the sound under the first picture,
        // when there is sound before it: a view that begins with the picture leaves the earlier fragment out.
        let hole = self.sound.dts_end != frame.dts;
        let picture_begins = self
            .begin_in_samples()
            .is_some_and(|begin| self.sound.dts_end <= begin && frame.dts + i64::from(frame.samples) > begin);
        if !self.sound.rows.is_empty() && (hole || picture_begins) {
            self.flush();
        }
        let size = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
        let row = SampleRow { duration: frame.samples, size, cto: 0, sync: true };
        self.sound.push(frame.dts, row, [frame.data]);
    }

    /// Where the open segment begins, in samples of the current sound.
    fn begin_in_samples(&self) -> Option<i64> {
        let rate = Timescale::new(self.push.audio.as_ref()?.sample_rate)?;
        Some(rescale(self.segment.as_ref()?.begin, Timescale::REEL, rate))
    }

    /// Places all that waits and ends the segment: nothing follows it for now.
    fn close_segment(&mut self) {
        self.release_held(None);
        self.release_sound(i64::MAX);
        self.waiting_sound.clear();
        if self.segment.as_ref().is_some_and(|segment| !segment.pictures)
            && let (Some(clock), Some(audio)) = (&self.sound_clock, &self.push.audio)
            && let (Some(next), Some(rate)) = (clock.next(), Timescale::new(audio.sample_rate))
        {
            self.end = self.end.max(rescale(next, rate, Timescale::REEL));
        }
        self.seal_segment(None);
    }

    fn seal_segment(&mut self, end: Option<i64>) {
        self.flush();
        if self.segment.take().is_some() {
            self.ops.push(Op::SealSegment { end });
        }
    }
}

/// How long a frame of sound lasts, in 90 kHz ticks.
fn sound_step(config: &AudioConfig, rate: Timescale) -> i64 {
    i64::from(config.frame_samples) * SECOND / i64::from(rate.get())
}

fn to_reel(ticks: i64, scale: Timescale) -> i64 {
    rescale(ticks, scale, Timescale::REEL)
}

/// To the nearest tick. Times of a push have at most 43 bits of milliseconds, so nothing overflows; what would saturates.
fn rescale(ticks: i64, from: Timescale, to: Timescale) -> i64 {
    MediaTime { ticks, scale: from }
        .rescale_round(to)
        .map_or(if ticks < 0 { i64::MIN } else { i64::MAX }, |time| time.ticks)
}

#[cfg(test)]
pub(crate) mod tests;
