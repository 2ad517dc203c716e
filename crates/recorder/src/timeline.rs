//! From the clock of one push to the timeline of its recording.
//!
//! A recording's timeline never runs backwards and never jumps: a push that comes back goes on where the picture stopped,
//! and so does a publisher whose clock leaps.

use std::collections::VecDeque;

use codec::TrackKind;

/// Ticks a second of the recording's timeline.
pub(crate) const SECOND: i64 = 90_000;
/// A step back of a track's decode time by more than this is a leap of the publisher's clock, not disorder. (What steps back less
/// is squeezed where it lies, and its sound left out.)
const LEAP_BACK: i64 = SECOND / 2;
/// A step ahead by more than this is a leap, not a pause: players stall over longer holes.
const LEAP_AHEAD: i64 = 10 * SECOND;
/// Tracks of one push that begin further apart than this have different clocks: as they come, so they go.
pub(crate) const APART_MAX: i64 = 20 * SECOND;
/// Sound whose claimed time keeps this far from the count of its samples is moved: with a jitter of some milliseconds still below
/// what is seen as out of sync (20 ms).
const SOUND_DRIFT_MS: i64 = 14;
/// Sound this far off is moved at once.
const SOUND_STEP_MS: i64 = 100;
/// How many frames in a row must be off before sound is moved (two thirds of a second): encoders' clocks jitter.
const SOUND_WINDOW: usize = 32;

/// Maps one push.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// Added to the push's ticks.
    offset: i64,
    /// Where the push was anchored.
    anchor: i64,
    /// What was added before the last leap, and the track that has not followed it yet.
    before_leap: Option<(i64, TrackKind)>,
    last_video: Option<Last>,
    last_audio: Option<Last>,
}

/// The last frame of a track: what it claimed, and where it was put.
#[derive(Clone, Copy, Debug)]
struct Last {
    claimed: i64,
    at: i64,
}

/// The times that a track of a push claims, in 90 kHz ticks. One that repeats the one before it tells of a clock that stands
/// still: the track goes on by frames until it runs again. Kept for the whole push, wherever its frames are put meanwhile.
#[derive(Clone, Default, Debug)]
pub(crate) struct Claims {
    /// What was claimed last, and what that was taken for.
    last: Option<(i64, i64)>,
}

impl Claims {
    /// What the next claim is taken for; `step` is the usual distance of two frames of the track.
    pub(crate) fn next(&mut self, claimed: i64, step: i64) -> i64 {
        let taken = match self.last {
            Some((last, taken)) if last == claimed => taken.saturating_add(step),
            Some(_) | None => claimed,
        };
        self.last = Some((claimed, taken));
        taken
    }
}

/// Where a frame lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mapped {
    /// On the recording's timeline, 90 kHz.
    pub(crate) at: i64,
    /// The publisher's clock leapt here.
    pub(crate) leapt: bool,
}

impl Timeline {
    /// A push whose time `push_ticks` is the recording's `at`.
    pub(crate) const fn anchored(push_ticks: i64, at: i64) -> Self {
        Self {
            offset: at.saturating_sub(push_ticks),
            anchor: at,
            before_leap: None,
            last_video: None,
            last_audio: None,
        }
    }

    /// Moves all of the push, what was mapped and what comes: media between was lost. How its tracks lie to each other stays.
    pub(crate) fn shift(&mut self, by: i64) {
        self.offset = self.offset.saturating_add(by);
        self.anchor = self.anchor.saturating_add(by);
        self.before_leap = self.before_leap.map(|(offset, waits)| (offset.saturating_add(by), waits));
        for last in [&mut self.last_video, &mut self.last_audio].into_iter().flatten() {
            last.at = last.at.saturating_add(by);
        }
    }

    /// Maps a frame's decode time (90 kHz ticks of the push, as [`Claims`] takes it). `step` is the usual distance of two frames
    /// of the track, by which it goes on after a leap.
    pub(crate) fn map(&mut self, track: TrackKind, push_ticks: i64, step: i64) -> Mapped {
        let (last, other) = match track {
            TrackKind::Video => (self.last_video, self.last_audio),
            TrackKind::Audio => (self.last_audio, self.last_video),
        };
        // The first frame of a track is held against the other track: one that is hours off has a clock of its own.
        let (from, back, ahead) = match last {
            Some(last) => (last.at, LEAP_BACK, LEAP_AHEAD),
            None => (other.map_or(self.anchor, |other| other.at), APART_MAX, APART_MAX),
        };
        let near = |offset: i64| {
            let at = push_ticks.saturating_add(offset);
            let distance = at.saturating_sub(from);
            (-back..=ahead).contains(&distance).then_some((at, distance.abs_diff(step)))
        };
        let new = near(self.offset);
        // A track that has not followed a leap is on the side on which it goes on more evenly.
        let old = self.before_leap.filter(|(_, waits)| *waits == track).and_then(|(offset, _)| near(offset));
        let mapped = match (new, old) {
            (Some((_, new_off)), Some((at, old_off))) if old_off < new_off => Mapped { at, leapt: false },
            (Some((at, _)), _) => {
                self.before_leap = self.before_leap.filter(|(_, waits)| *waits != track);
                Mapped { at, leapt: false }
            }
            (None, Some((at, _))) => Mapped { at, leapt: false },
            (None, None) => {
                let at = last.map_or(from, |last| last.at.saturating_add(step));
                let before = std::mem::replace(&mut self.offset, at.saturating_sub(push_ticks));
                let waits = if track == TrackKind::Video { TrackKind::Audio } else { TrackKind::Video };
                let follows = other.is_some_and(|other| self.has_leapt(other, at));
                self.before_leap = (!follows).then_some((before, waits));
                Mapped { at, leapt: true }
            }
        };
        let last_now = Some(Last { claimed: push_ticks, at: mapped.at });
        match track {
            TrackKind::Video => self.last_video = last_now,
            TrackKind::Audio => self.last_audio = last_now,
        }
        mapped
    }

    /// Whether the other track leapt before the one that now goes on at `at` did: its first frame may have come between the two, and
    /// was taken for one that begins apart. On the new side the tracks are together.
    fn has_leapt(&self, other: Last, at: i64) -> bool {
        let apart_now = other.claimed.saturating_add(self.offset).abs_diff(at);
        apart_now < other.at.abs_diff(at) && apart_now <= LEAP_BACK.unsigned_abs()
    }
}

/// Places sound frames end to end by counting samples, as long as that agrees with what the publisher claims.
#[derive(Clone, Debug)]
pub(crate) struct SoundClock {
    rate: i64,
    next: Option<i64>,
    deviations: VecDeque<i64>,
    /// The last frame was left out: others are, until one fits.
    leaves_out: bool,
}

/// What becomes of a sound frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    /// It begins here, in samples on the recording's timeline.
    At(i64),
    /// It would lie over the frame before it: sound is ahead of its clock by a frame.
    Overlaps,
}

impl SoundClock {
    /// A clock of `rate` samples a second, on which nothing lies yet before `next`.
    pub(crate) fn new(rate: u32, next: Option<i64>) -> Self {
        Self { rate: i64::from(rate), next, deviations: VecDeque::with_capacity(SOUND_WINDOW), leaves_out: false }
    }

    /// The same clock counting `rate` samples a second.
    pub(crate) fn at_rate(self, rate: u32) -> Self {
        if self.rate == i64::from(rate) {
            return self;
        }
        // Rounded up: nothing may lie over the sound that is there.
        let convert = |next: i64| {
            let ticks = i128::from(next) * i128::from(rate);
            let whole = ticks.div_euclid(i128::from(self.rate));
            let next = if ticks.rem_euclid(i128::from(self.rate)) > 0 { whole + 1 } else { whole };
            i64::try_from(next).unwrap_or(i64::MAX)
        };
        Self::new(rate, self.next.map(convert))
    }

    /// A push begins: its first frame is placed where it says, unless something lies there.
    pub(crate) fn restart(&mut self) {
        self.deviations.clear();
    }

    /// Where the sample after the last one lies.
    pub(crate) const fn next(&self) -> Option<i64> {
        self.next
    }

    /// Places a frame of `samples` samples that claims to begin at `claimed` (in samples).
    pub(crate) fn place(&mut self, claimed: i64, samples: u32) -> Placed {
        let Some(next) = self.next else {
            self.deviations.push_back(0);
            return self.put(claimed, samples);
        };
        let deviation = claimed.saturating_sub(next);
        let first = self.deviations.is_empty();
        if self.deviations.len() == SOUND_WINDOW {
            self.deviations.pop_front();
        }
        self.deviations.push_back(deviation);
        let drift = self.rate * SOUND_DRIFT_MS / 1000;
        let step = self.rate * SOUND_STEP_MS / 1000;
        let full = self.deviations.len() == SOUND_WINDOW;
        let late =
            (full && self.deviations.iter().all(|d| *d >= drift)) || deviation >= step || (first && deviation > 0);
        // The first frame of a push goes to the nearer side, so that what follows need not be moved later.
        let nearer = drift.min(i64::from(samples) / 2);
        let early = (full && self.deviations.iter().all(|d| *d <= -drift))
            || deviation <= -step
            || ((first || self.leaves_out) && deviation < -nearer);
        self.leaves_out = early && !late;
        if late {
            self.deviations.clear();
            self.deviations.push_back(0);
            self.put(claimed, samples)
        } else if early {
            // Leaving the frame out brings what follows nearer to its claim by one frame.
            let length = i64::from(samples);
            self.deviations.iter_mut().for_each(|d| *d = d.saturating_add(length));
            if first {
                self.deviations.clear();
            }
            Placed::Overlaps
        } else {
            self.put(next, samples)
        }
    }

    fn put(&mut self, at: i64, samples: u32) -> Placed {
        self.next = Some(at.saturating_add(i64::from(samples)));
        Placed::At(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_of_ten_hours_goes_on_by_one_frame_for_both_tracks() {
        let mut timeline = Timeline::anchored(0, SECOND);
        let hours = 36_000 * SECOND;
        assert_eq!(timeline.map(TrackKind::Video, 0, 3000), Mapped { at: SECOND, leapt: false });
        assert_eq!(timeline.map(TrackKind::Audio, 0, 1920).at, SECOND);
        assert_eq!(timeline.map(TrackKind::Video, hours, 3000), Mapped { at: SECOND + 3000, leapt: true });
        // The sound is still on the old side of the leap, then follows on the new one, in step with the picture.
        assert_eq!(timeline.map(TrackKind::Audio, 1920, 1920), Mapped { at: SECOND + 1920, leapt: false });
        assert_eq!(timeline.map(TrackKind::Audio, hours + 840, 1920), Mapped { at: SECOND + 3840, leapt: false });
        assert_eq!(timeline.map(TrackKind::Video, hours + 3000, 3000).at, SECOND + 6000);
    }

    #[test]
    fn a_small_step_back_is_followed_by_both_tracks_and_a_later_pause_is_a_pause() {
        let mut timeline = Timeline::anchored(0, 0);
        let frames = |n: i64| n * 3600;
        for n in 0..25 {
            timeline.map(TrackKind::Video, frames(n), 3600);
            timeline.map(TrackKind::Audio, frames(n), 3600);
        }
        let back = 2 * SECOND / 3;
        assert_eq!(timeline.map(TrackKind::Video, frames(25) - back, 3600), Mapped { at: frames(25), leapt: true });
        assert_eq!(timeline.map(TrackKind::Audio, frames(25), 3600).at, frames(25), "the sound has not followed yet");
        assert_eq!(timeline.map(TrackKind::Audio, frames(26) - back, 3600).at, frames(26), "now it has");
        assert_eq!(
            timeline.map(TrackKind::Video, frames(26), 3600).at,
            frames(26) + back,
            "a pause, not the old clock"
        );
        assert_eq!(timeline.map(TrackKind::Audio, frames(27), 3600).at, frames(27) + back);
    }

    #[test]
    fn a_clock_that_stands_still_goes_on_by_frames_until_it_runs_again() {
        let mut claims = Claims::default();
        assert_eq!(claims.next(0, 3600), 0);
        for n in 1..=25 {
            assert_eq!(claims.next(3600, 3600), n * 3600);
        }
        assert_eq!(claims.next(26 * 3600, 3600), 26 * 3600);
    }

    #[test]
    fn a_leap_between_the_first_picture_and_the_first_sound_is_one_of_both() {
        let mut timeline = Timeline::anchored(500 * SECOND, 10 * SECOND);
        timeline.map(TrackKind::Video, 500 * SECOND, 3000);
        let back = 5 * SECOND;
        // Taken for sound that begins early, until the picture leaps as well.
        assert_eq!(timeline.map(TrackKind::Audio, 500 * SECOND + 1920 - back, 1920).at, 10 * SECOND + 1920 - back);
        assert!(timeline.map(TrackKind::Video, 500 * SECOND + 3000 - back, 3000).leapt);
        for n in 2..50 {
            let sound = timeline.map(TrackKind::Audio, 500 * SECOND + n * 1920 - back, 1920);
            assert_eq!(sound, Mapped { at: 10 * SECOND + n * 1920, leapt: false });
        }
    }

    #[test]
    fn a_clock_that_leaps_while_media_is_lost_leaves_the_tracks_in_step() {
        let mut timeline = Timeline::anchored(0, 0);
        for n in 0..100 {
            timeline.map(TrackKind::Video, n * 3000, 3000);
            timeline.map(TrackKind::Audio, n * 3000, 3000);
        }
        // Half a second is lost, the last picture before the leap goes on, and the sound that comes next has leapt.
        let picture = timeline.map(TrackKind::Video, 115 * 3000, 3000).at;
        timeline.shift(100 * 3000 - picture);
        let hours = 36_000 * SECOND;
        assert_eq!(timeline.map(TrackKind::Audio, 115 * 3000, 3000).at, 100 * 3000);
        assert!(timeline.map(TrackKind::Audio, 116 * 3000 + hours, 3000).leapt);
        assert_eq!(timeline.map(TrackKind::Video, 116 * 3000 + hours, 3000).at, 101 * 3000);
    }

    #[test]
    fn tracks_with_clocks_of_their_own_begin_together_and_go_on_side_by_side() {
        for apart in [-36_000 * SECOND, 36_000 * SECOND] {
            let mut timeline = Timeline::anchored(500 * SECOND, SECOND);
            assert_eq!(timeline.map(TrackKind::Video, 500 * SECOND, 3000).at, SECOND);
            let sound = 500 * SECOND + apart;
            assert_eq!(timeline.map(TrackKind::Audio, sound, 1920), Mapped { at: SECOND, leapt: true });
            for step in 1..100 {
                let picture = timeline.map(TrackKind::Video, 500 * SECOND + step * 3000, 3000);
                assert_eq!(picture, Mapped { at: SECOND + step * 3000, leapt: false });
                let frame = timeline.map(TrackKind::Audio, sound + step * 1920, 1920);
                assert_eq!(frame, Mapped { at: SECOND + step * 1920, leapt: false });
            }
        }
    }

    #[test]
    fn an_encoder_that_restarts_at_zero_goes_on() {
        let mut timeline = Timeline::anchored(500 * SECOND, SECOND);
        timeline.map(TrackKind::Video, 505 * SECOND, 3000);
        assert_eq!(timeline.map(TrackKind::Video, 0, 3000), Mapped { at: 6 * SECOND + 3000, leapt: true });
    }

    #[test]
    fn a_clock_of_milliseconds_does_not_move_sound() {
        let mut clock = SoundClock::new(44_100, None);
        for frame in 0..10_000i64 {
            let millis = frame * 1024 * 1000 / 44_100;
            assert_eq!(clock.place(millis * 44_100 / 1000, 1024), Placed::At(frame * 1024), "frame {frame}");
        }
    }

    #[test]
    fn jitter_of_thirty_milliseconds_does_not_move_sound() {
        let mut clock = SoundClock::new(48_000, None);
        for frame in 0..1000i64 {
            let jitter = if frame % 2 == 1 { 1440 } else { 0 };
            assert_eq!(clock.place(frame * 1024 + jitter, 1024), Placed::At(frame * 1024), "frame {frame}");
        }
    }

    #[test]
    fn sound_that_runs_slow_or_fast_stays_within_a_frame_of_its_claim() {
        for drift_per_mille in [-3i64, 3] {
            let mut clock = SoundClock::new(48_000, None);
            for frame in 0..20_000i64 {
                let claimed = frame * 1024 + frame * 1024 * drift_per_mille / 1000;
                if let Placed::At(at) = clock.place(claimed, 1024) {
                    assert!((at - claimed).abs() <= 48 * 21, "frame {frame}: {at} for {claimed}");
                }
            }
        }
    }

    #[test]
    fn sound_whose_clock_steps_back_is_in_step_again_with_the_first_frame_that_is_kept() {
        for back_ms in (100..500).step_by(7) {
            let mut clock = SoundClock::new(48_000, None);
            for frame in 0..200i64 {
                let claimed = frame * 1024 - if frame < 100 { 0 } else { back_ms * 48 };
                if let Placed::At(at) = clock.place(claimed, 1024) {
                    assert!((at - claimed).abs() <= 48 * 16, "{back_ms} ms back, frame {frame}: {at} for {claimed}");
                }
            }
        }
    }

    #[test]
    fn a_hole_in_the_sound_is_kept_as_a_hole() {
        let mut clock = SoundClock::new(48_000, None);
        assert_eq!(clock.place(0, 1024), Placed::At(0));
        assert_eq!(clock.place(48_000, 1024), Placed::At(48_000));
    }

    #[test]
    fn sound_that_returns_at_another_rate_goes_on_where_it_stopped() {
        let ten_seconds = SoundClock::new(48_000, Some(480_000));
        assert_eq!(ten_seconds.at_rate(44_100).place(441_000, 1024), Placed::At(441_000));
        let mut half_a_tick = SoundClock::new(44_100, Some(441_001)).at_rate(22_050);
        assert_eq!(half_a_tick.place(220_501, 1024), Placed::At(220_501));
    }

    #[test]
    fn a_push_whose_sound_joins_within_a_frame_loses_at_most_its_first() {
        for over_ms in 0..=21i64 {
            let mut clock = SoundClock::new(48_000, Some(480_000));
            clock.restart();
            // A clock of milliseconds, rounded down.
            let claimed = |frame: i64| 480_000 + (frame * 64 / 3 - over_ms) * 48;
            let left_out = (0..200).filter(|frame| clock.place(claimed(*frame), 1024) == Placed::Overlaps);
            assert!(left_out.into_iter().all(|frame| frame == 0), "{over_ms} ms over");
        }
    }

    #[test]
    fn sound_of_a_returned_push_never_lies_over_what_is_there() {
        let mut clock = SoundClock::new(48_000, Some(10_000));
        clock.restart();
        assert_eq!(clock.place(8_000, 1024), Placed::Overlaps);
        assert_eq!(clock.place(9_024, 1024), Placed::Overlaps);
        assert_eq!(clock.place(10_048, 1024), Placed::At(10_048));
    }
}
