//! A publisher that comes back whatever happens to it, and keeps a journal of every frame it sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::dice::Dice;
use super::media::{Mark, Media, PICTURE_MS};
use crate::publisher::Publisher;

/// Between two tries to connect.
const TRY_AGAIN: Duration = Duration::from_millis(150);
/// How many of its last writes a push remembers the time of: some three seconds.
const REMEMBERED: usize = 256;
/// Where the clocks of pushes begin, in milliseconds: at zero, late, and shortly before the three places where they wrap.
const CLOCKS: [u32; 5] = [0, 3_600_000, 0x00ff_ffff - 4_000, 0x7fff_ffff - 4_000, 0xffff_ffff - 4_000];

/// How a push ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It said goodbye, and the server had taken all of it.
    Left,
    /// Its connection was cut from this side.
    Reset,
    /// Another push took over while its connection stood.
    Superseded,
    /// Its connection broke from the other side.
    Lost,
}

/// One push as its publisher remembers it.
#[derive(Debug, Clone)]
pub struct Push {
    /// The publisher, and which of its pushes; the number is that of its first frame.
    pub mark: Mark,
    /// When its first frame was sent.
    pub begun: Instant,
    /// The same on the wall's clock.
    pub wall: SystemTime,
    /// Pictures written to the socket.
    pub pictures: u32,
    /// Frames of sound written to the socket.
    pub sounds: u32,
    /// When it ended, and how.
    pub ended: Instant,
    /// How it ended.
    pub ending: Ending,
    /// The last writes: when each was done, and how much had been sent with it.
    writes: VecDeque<(Instant, u32, u32)>,
}

impl Push {
    /// A push that was sent in no time.
    #[cfg(test)]
    pub(super) fn of_size(mark: Mark, pictures: u32, sounds: u32, ending: Ending) -> Self {
        let begun = Instant::now();
        let wall = SystemTime::now();
        Self { mark, begun, wall, pictures, sounds, ended: begun, ending, writes: VecDeque::new() }
    }

    /// How many pictures and frames of sound had been written at a moment.
    pub fn sent_by(&self, at: Instant) -> (u32, u32) {
        if self.writes.back().is_none_or(|last| last.0 <= at) {
            return (self.pictures, self.sounds);
        }
        self.writes.iter().rev().find(|write| write.0 <= at).map_or((0, 0), |write| (write.1, write.2))
    }
}

/// What a push intends.
struct Plan {
    /// How long it goes on; without one, to the end.
    length: Option<Duration>,
    ending: Ending,
    /// How long its publisher stays away afterwards.
    pause: Duration,
    clock_ms: u32,
}

/// A publisher of one stream.
#[derive(Debug)]
pub struct Pusher {
    /// Its number.
    pub number: u32,
    /// Where it pushes to.
    pub url: String,
    /// What it sends.
    pub media: Arc<Media>,
    /// What decides about its moods.
    pub dice: Dice,
    /// A pause that is longer than the grace.
    pub long_pause: Duration,
}

impl Pusher {
    /// Publishes until `stop` becomes true, then says goodbye; returns all its pushes.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Vec<Push> {
        let mut pushes = Vec::new();
        while !*stop.borrow() {
            let plan = self.plan();
            let mut next = tokio::select! {
                publisher = Publisher::connect(&self.url) => publisher.ok(),
                _ = stop.changed() => break,
            };
            let Some(publisher) = &mut next else {
                sleep(TRY_AGAIN).await;
                continue;
            };
            publisher.offset_ms = plan.clock_ms;
            let number = u32::try_from(pushes.len()).unwrap_or(u32::MAX);
            let mut push = self.play(publisher, number, &plan, &mut stop).await;
            if let (Some(publisher), Ending::Left | Ending::Reset | Ending::Superseded) = (next, push.ending) {
                push.ending = finish(publisher, push.ending).await;
                push.ended = Instant::now();
            }
            let pause = if push.ending == plan.ending { plan.pause } else { Duration::ZERO };
            pushes.push(push);
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
        pushes
    }

    fn plan(&mut self) -> Plan {
        let clock_ms = CLOCKS[usize::try_from(self.dice.between(0, 5)).unwrap_or(0)];
        let (length, ending, pause) = match self.dice.between(0, 10) {
            0..6 => (None, Ending::Left, Duration::ZERO),
            6 => (Some(self.dice.millis(3_000, 20_000)), Ending::Left, self.dice.millis(0, 2_000)),
            7 => (Some(self.dice.millis(3_000, 20_000)), Ending::Left, self.long_pause),
            8 => (Some(self.dice.millis(1_000, 20_000)), Ending::Reset, self.dice.millis(0, 2_000)),
            _ => (Some(self.dice.millis(1_000, 20_000)), Ending::Superseded, Duration::ZERO),
        };
        Plan { length, ending, pause, clock_ms }
    }

    async fn play(&self, to: &mut Publisher, number: u32, plan: &Plan, stop: &mut watch::Receiver<bool>) -> Push {
        let begun = Instant::now();
        let mark = Mark { publisher: self.number, push: number, number: 0 };
        let mut push = Push {
            mark,
            begun,
            wall: SystemTime::now(),
            pictures: 0,
            sounds: 0,
            ended: begun,
            ending: plan.ending,
            writes: VecDeque::with_capacity(REMEMBERED),
        };
        let until = plan.length.map(|length| begun + length);
        for header in self.media.headers() {
            if to.send_at(header, 0).await.is_err() {
                push.ending = Ending::Lost;
                return push;
            }
        }
        while !*stop.borrow() && until.is_none_or(|until| Instant::now() < until) {
            let (picture_at, sound_at) = (push.pictures * PICTURE_MS, self.media.sound_at_ms(push.sounds));
            let (at_ms, is_picture) = if picture_at <= sound_at { (picture_at, true) } else { (sound_at, false) };
            sleep_until(begun + Duration::from_millis(u64::from(at_ms))).await;
            let tag = if is_picture {
                self.media.picture(Mark { number: push.pictures, ..mark })
            } else {
                self.media.sound(Mark { number: push.sounds, ..mark })
            };
            if to.send_at(&tag, at_ms).await.is_err() {
                push.ending = Ending::Lost;
                break;
            }
            if is_picture {
                push.pictures += 1;
            } else {
                push.sounds += 1;
            }
            if push.writes.len() == REMEMBERED {
                push.writes.pop_front();
            }
            push.writes.push_back((Instant::now(), push.pictures, push.sounds));
        }
        push.ended = Instant::now();
        if *stop.borrow() && push.ending != Ending::Lost {
            push.ending = Ending::Left;
        }
        push
    }
}

/// Ends a push as planned; says how it really ended.
async fn finish(publisher: Publisher, planned: Ending) -> Ending {
    match planned {
        Ending::Left => match publisher.unpublish().await {
            Ok(()) => Ending::Left,
            Err(_) => Ending::Lost,
        },
        Ending::Reset => {
            let _cut_either_way = publisher.reset();
            Ending::Reset
        }
        ending => {
            // A server that is away or goes meanwhile is judged by its kill.
            let _delivered_or_killed = publisher.delivered().await;
            // The old connection stands until the server ends it.
            tokio::spawn(async move {
                let mut publisher = publisher;
                publisher.closed().await
            });
            ending
        }
    }
}
