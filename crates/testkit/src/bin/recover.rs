//! `cargo xtask bench recover`: a server with many open recordings is killed; how long until all of them go on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use testkit::clips::{self, Recipe};
use testkit::customer::{self, PLAY_DOMAIN, Rule};
use testkit::ffmpeg::Pace;
use testkit::process::{Look, resident_mib};
use testkit::publisher::Publisher;
use testkit::server::{Server, until};
use testkit::tape::Tape;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// The app of what is pushed.
const APP: &str = "bench";
/// Between two tries of a publisher to connect again.
const TRY_AGAIN: Duration = Duration::from_millis(50);
/// Longer than any run.
const LONG: Duration = Duration::from_secs(86_400);
/// Longer than any recovery: what comes later is another recording, and the run fails.
const GRACE_SECONDS: u32 = 120;
/// How long the server may take to have all recordings open, or going on.
const PATIENCE: Duration = Duration::from_secs(120);

/// Kills a server that records many streams and measures how it comes back.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// Streams at once
    #[arg(long, default_value_t = 500)]
    streams: u32,
    /// Seconds that are recorded before the kill
    #[arg(long, default_value_t = 30)]
    before: u32,
    /// Kilobits per second of each stream's pictures
    #[arg(long, default_value_t = 2_000)]
    kbps: u32,
    /// The core of the server, as taskset takes it; without it all of them
    #[arg(long)]
    cpu: Option<String>,
    /// Where the server records to; without it the folder for temporary files
    #[arg(long)]
    work: Option<PathBuf>,
}

/// What the publishers tell.
#[derive(Default)]
struct Told {
    /// Pushes that were let in, but for each publisher's first.
    again: AtomicU32,
    /// Tries after the kill that were refused, with a word or without.
    refused: AtomicU32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("recover: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let recipe =
        Recipe { seconds: 10, rate: "30", size: "1280x720", bitrate: options.kbps * 1000, ..Recipe::default() };
    let tape = Tape::from_flv(&clips::synthetic(&recipe).await?)?;
    let work = options.work.clone().unwrap_or_else(std::env::temp_dir);
    let runner: Vec<&str> = options.cpu.iter().flat_map(|cpu| ["taskset", "-c", cpu]).collect();
    let settings = [("REPRISE_RTMP__PUSHES_MAX", "10000"), ("REPRISE_LOG__LEVEL", "warn")];
    let mut server = Server::start_in(&options.server, &settings, &work, &runner).await?;
    let rule = Rule { app: APP, cycle_seconds: 3600, grace_seconds: GRACE_SECONDS };
    customer::record(&server.api(), rule).await?;

    let (stop, stopping) = watch::channel(false);
    let told = Arc::new(Told::default());
    let mut publishers = tokio::task::JoinSet::new();
    for number in 0..options.streams {
        let (url, tape) = (server.push_url(APP, &format!("s{number}")), tape.clone());
        publishers.spawn(publish(url, tape, Arc::clone(&told), stopping.clone()));
        // Their key frames do not fall together, as in life.
        sleep(Duration::from_millis(11)).await;
    }
    until(PATIENCE, || all_live(&server, options.streams)).await.context("before the kill")?;
    sleep(Duration::from_secs(options.before.into())).await;
    all_live(&server, options.streams).await?;

    server.kill().await?;
    told.refused.store(0, Ordering::Relaxed);
    let began = Instant::now();
    server.spawn()?;
    server.ready().await?;
    let ready = began.elapsed();
    server.api().live("DescribeLiveStreamsOnlineList", &[("DomainName", PLAY_DOMAIN)]).await.context("the API")?;
    let answered = began.elapsed();
    let pid = server.pid().context("the server runs")?;
    let at_ready = resident_mib(pid)?;
    until(PATIENCE, || all_live(&server, options.streams)).await.context("after the kill")?;
    let resumed = began.elapsed();
    let cpu = Look::at(&[pid])?.cpu();
    let at_resumed = resident_mib(pid)?;
    println!(
        "{} streams of {} kb/s, killed after {} s of recording, server on {}",
        options.streams,
        options.kbps,
        options.before,
        options.cpu.as_deref().map_or_else(|| "all cores".to_owned(), |cpu| format!("core {cpu}"))
    );
    println!("from the start of the process to");
    println!("  /readyz says ready                        {:>6} ms, {at_ready:.0} MiB resident", ready.as_millis());
    println!("  the API answers                           {:>6} ms", answered.as_millis());
    println!("  each publisher is back and recorded       {:>6} ms, {at_resumed:.0} MiB resident", resumed.as_millis());
    println!("  processor time until then                 {:>6} ms", cpu.as_millis());
    println!("tries of publishers that were not let in: {}", told.refused.load(Ordering::Relaxed));

    stop.send_replace(true);
    while let Some(ended) = publishers.join_next().await {
        ended?;
    }
    let recordings = server.open_recordings().await?;
    ensure!(recordings == options.streams, "{recordings} recordings are open: not every one went on");
    ensure!(told.again.load(Ordering::Relaxed) >= options.streams, "not every publisher came back");
    server.stop().await
}

/// Whether every stream is live and recorded.
async fn all_live(server: &Server, streams: u32) -> anyhow::Result<()> {
    let live: u32 = server.metric("recorder_live_recordings").await?;
    ensure!(live == streams, "{live} of {streams} streams are recorded");
    Ok(())
}

/// Plays until it is told to stop; comes back as soon as it is let in again.
async fn publish(url: String, tape: Tape, told: Arc<Told>, mut stop: watch::Receiver<bool>) {
    let mut first = true;
    while !*stop.borrow() {
        let Ok(mut publisher) = Publisher::connect(&url).await else {
            told.refused.fetch_add(1, Ordering::Relaxed);
            sleep(TRY_AGAIN).await;
            continue;
        };
        told.again.fetch_add(u32::from(!std::mem::take(&mut first)), Ordering::Relaxed);
        let stopped = tokio::select! {
            _ = publisher.play(&tape, Pace::Times(1.0), LONG) => false,
            _ = stop.changed() => true,
        };
        if stopped {
            // A goodbye in the middle of a message is none that the server needs.
            let _cut_either_way = publisher.reset();
        }
    }
}
