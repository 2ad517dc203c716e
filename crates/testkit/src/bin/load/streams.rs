//! The load: publishers that start one after the other, play in real time, and say goodbye together.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use testkit::ffmpeg::Pace;
use testkit::process::{Look, Usage};
use testkit::publisher::{Played, Publisher};
use testkit::tape::Tape;
use tokio::time::Instant;

/// Time between the last start and the window, and between the window and the end.
const SETTLE: Duration = Duration::from_secs(3);

/// What to send.
pub struct Load {
    /// Streams at once.
    pub streams: u32,
    /// Time between the starts of two publishers.
    pub stagger: Duration,
    /// The measured time.
    pub window: Duration,
    /// What each plays, again and again.
    pub tape: Tape,
}

/// What was sent.
pub struct Sent {
    /// Per stream that was let in and played to its end, its name and its frames.
    streams: Vec<(String, u64)>,
    /// The longest write of any publisher.
    pub worst_stall: Duration,
    /// The latest frame of any publisher.
    pub worst_delay: Duration,
    /// Publishers that were not let in: past its capacity a server refuses.
    pub refused: u32,
    /// Publishers that were let in and lost later: this must not happen.
    pub broken: u32,
}

/// How one publisher fared.
enum Fared {
    Played(Played),
    Refused(anyhow::Error),
    Broken(anyhow::Error),
}

impl Sent {
    /// How many streams were let in and played to their end.
    pub fn count(&self) -> usize {
        self.streams.len()
    }

    /// `count` streams spread over all, with the frames that each sent.
    pub fn sample(&self, count: u32) -> Vec<(String, u64)> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let step = self.streams.len().div_ceil(count).max(1);
        self.streams.iter().step_by(step).cloned().collect()
    }
}

impl Load {
    /// Runs it against a server and measures the processes `pids` in the window.
    pub async fn run(&self, address: SocketAddr, app: &str, pids: &[u32]) -> anyhow::Result<(Usage, Sent)> {
        let idle = Look::at(pids)?;
        let stagger = self.stagger;
        let up = stagger * self.streams;
        let begun = Instant::now();
        let end = up + SETTLE + self.window + SETTLE;
        let publishers: Vec<_> = (0..self.streams)
            .map(|number| {
                let (name, app, tape) = (format!("s{number}"), app.to_owned(), self.tape.clone());
                tokio::spawn(async move {
                    let start = stagger * number;
                    tokio::time::sleep_until(begun + start).await;
                    let fared = publish(address, &app, &name, &tape, end - start).await;
                    (name, fared)
                })
            })
            .collect();
        tokio::time::sleep_until(begun + up + SETTLE).await;
        let from = Look::at(pids)?;
        tokio::time::sleep_until(begun + up + SETTLE + self.window).await;
        let usage = Look::at(pids)?.since(from, idle);

        let (worst_stall, worst_delay) = (Duration::ZERO, Duration::ZERO);
        let mut sent = Sent { streams: Vec::new(), worst_stall, worst_delay, refused: 0, broken: 0 };
        for publisher in publishers {
            let (name, fared) = publisher.await?;
            match fared {
                Fared::Played(played) => {
                    sent.streams.push((name, played.video + played.audio));
                    sent.worst_stall = sent.worst_stall.max(played.worst_stall);
                    sent.worst_delay = sent.worst_delay.max(played.worst_delay);
                }
                Fared::Refused(error) => sent.refused += tell_first(sent.refused, &name, "refused", &error),
                Fared::Broken(error) => sent.broken += tell_first(sent.broken, &name, "lost", &error),
            }
        }
        ensure!(!sent.streams.is_empty(), "no stream was recorded");
        Ok((usage, sent))
    }
}

/// Tells the first of a kind, and counts it: one more.
fn tell_first(before: u32, name: &str, what: &str, error: &anyhow::Error) -> u32 {
    if before == 0 {
        println!("{name} was {what}: {error:#}");
    }
    1
}

async fn publish(address: SocketAddr, app: &str, name: &str, tape: &Tape, length: Duration) -> Fared {
    let mut publisher = match Publisher::connect(&format!("rtmp://{address}/{app}/{name}")).await {
        Ok(publisher) => publisher,
        Err(error) => return Fared::Refused(error),
    };
    match publisher.play(tape, Pace::Times(1.0), length).await {
        Ok(played) => publisher.unpublish().await.map_or_else(Fared::Broken, |()| Fared::Played(played)),
        Err(error) => Fared::Broken(error),
    }
}
