//! The load: publishers that start one after the other, play in real time, and say goodbye together.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use testkit::ffmpeg::Pace;
use testkit::publisher::{Played, Publisher};
use testkit::tape::Tape;
use tokio::time::Instant;

use crate::process::{Look, Usage};

/// Time between the starts of two publishers: key frames of the streams do not fall together, as in life.
const STAGGER: Duration = Duration::from_millis(11);
/// Time between the last start and the window, and between the window and the end.
const SETTLE: Duration = Duration::from_secs(3);

/// What to send.
pub struct Load {
    /// Streams at once.
    pub streams: u32,
    /// The measured time.
    pub window: Duration,
    /// What each plays, again and again.
    pub tape: Tape,
}

/// What was sent.
pub struct Sent {
    /// Per stream, its name and its frames.
    streams: Vec<(String, u64)>,
    /// The longest write of any publisher.
    pub worst_stall: Duration,
    /// The latest frame of any publisher.
    pub worst_delay: Duration,
}

impl Sent {
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
        let up = STAGGER * self.streams;
        let begun = Instant::now();
        let end = up + SETTLE + self.window + SETTLE;
        let publishers: Vec<_> = (0..self.streams)
            .map(|number| {
                let (name, app, tape) = (format!("s{number}"), app.to_owned(), self.tape.clone());
                tokio::spawn(async move {
                    let start = STAGGER * number;
                    tokio::time::sleep_until(begun + start).await;
                    let played = publish(address, &app, &name, &tape, end - start).await;
                    played.map(|played| (name.clone(), played)).with_context(|| name)
                })
            })
            .collect();
        tokio::time::sleep_until(begun + up + SETTLE).await;
        let from = Look::at(pids)?;
        tokio::time::sleep_until(begun + up + SETTLE + self.window).await;
        let usage = Look::at(pids)?.since(from, idle);

        let mut sent = Sent { streams: Vec::new(), worst_stall: Duration::ZERO, worst_delay: Duration::ZERO };
        let mut failed = Vec::new();
        for publisher in publishers {
            match publisher.await? {
                Ok((name, played)) => {
                    sent.streams.push((name, played.video + played.audio));
                    sent.worst_stall = sent.worst_stall.max(played.worst_stall);
                    sent.worst_delay = sent.worst_delay.max(played.worst_delay);
                }
                Err(error) => failed.push(format!("{error:#}")),
            }
        }
        if let Some(first) = failed.first() {
            bail!("{} of {} publishers failed, the first: {first}", failed.len(), self.streams);
        }
        Ok((usage, sent))
    }
}

async fn publish(address: SocketAddr, app: &str, name: &str, tape: &Tape, length: Duration) -> anyhow::Result<Played> {
    let mut publisher = Publisher::connect(&format!("rtmp://{address}/{app}/{name}")).await?;
    let played = publisher.play(tape, Pace::Times(1.0), length).await?;
    publisher.unpublish().await?;
    Ok(played)
}
