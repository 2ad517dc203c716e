//! When the server dies, for how long it stays away, and how soon it dies again.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

use super::dice::Dice;
use crate::receiver::Receiver;
use crate::server::Server;

/// A kill that waits for a sealed cycle waits this long at most.
const SEAL_PATIENCE: Duration = Duration::from_secs(12);

/// What happened to the server.
#[derive(Debug, Default)]
pub struct Kills {
    /// The moments right before each kill.
    pub at: Vec<Instant>,
    /// Kills right after a cycle was told to be sealed: while others are cut and written down.
    pub at_seals: u32,
    /// Kills of a server that had only begun to start.
    pub in_recovery: u32,
    /// Absences longer than the grace.
    pub long_absences: u32,
    /// From the start of the process to "ready", in milliseconds.
    pub ready_ms: Vec<u32>,
}

/// Kills `server` `count` times and always starts it again.
pub async fn kill_often(
    server: &mut Server,
    receiver: &Receiver,
    dice: &mut Dice,
    count: u32,
    grace: Duration,
    tell: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<Kills> {
    let mut kills = Kills::default();
    while kills.count() < count {
        if dice.happens(40) {
            let told = receiver.deliveries_of("AddLiveRecordVideoComplete");
            let sealed = receiver.wait_count("AddLiveRecordVideoComplete", told + 1, SEAL_PATIENCE).await;
            kills.at_seals += u32::from(sealed);
            sleep(dice.millis(0, 60)).await;
        } else {
            sleep(dice.millis(300, 6_000)).await;
        }
        if dice.happens(30) {
            // Also more often than an event is offered at first.
            receiver.fail_next(dice.between(1, 5));
        }
        kills.kill(server).await?;
        let absence = match dice.between(0, 10) {
            0..7 => dice.millis(0, 1_000),
            7 | 8 => dice.millis(1_000, 4_000),
            _ => {
                kills.long_absences += 1;
                grace + dice.millis(500, 3_000)
            }
        };
        sleep(absence).await;
        let mut begun = Instant::now();
        server.spawn()?;
        while kills.count() < count && dice.happens(25) {
            // In the middle of finding and mending what the last kill left.
            sleep(dice.millis(0, 500)).await;
            kills.in_recovery += 1;
            kills.kill(server).await?;
            begun = Instant::now();
            server.spawn()?;
        }
        server.ready().await.with_context(|| format!("after kill {}", kills.at.len()))?;
        kills.ready_ms.push(u32::try_from(begun.elapsed().as_millis())?);
        if kills.at.len().is_multiple_of(10) {
            tell(&format!("{} of {count} kills", kills.at.len()));
        }
    }
    Ok(kills)
}

impl Kills {
    fn count(&self) -> u32 {
        u32::try_from(self.at.len()).unwrap_or(u32::MAX)
    }

    async fn kill(&mut self, server: &mut Server) -> anyhow::Result<()> {
        self.at.push(Instant::now());
        server.kill().await
    }
}
