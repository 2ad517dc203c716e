//! `cargo xtask bench ready`: a stream under a rule with a ladder ends; how soon everything is there.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use testkit::clips;
use testkit::customer::{self, PLAY_DOMAIN};
use testkit::ffmpeg::{Pace, Push};
use testkit::ladder::{self, RUNGS};
use testkit::receiver::Receiver;
use testkit::server::{Server, until_every};

/// How long what is waited for may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is asked what is there: hardly any work.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Streams in real time and prints how soon what is ready.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// Seconds of the stream
    #[arg(long, default_value_t = 100)]
    seconds: u32,
    /// How many of the rungs are made, from the smallest up
    #[arg(long, default_value_t = 3)]
    rungs: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ready: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let clip = clips::looped(&clips::real_or_synthetic().await?.path, options.seconds).await?;
    let server = Server::start_with(&options.server, &[("REPRISE_LOG__LEVEL", "warn")]).await?;
    let rungs = RUNGS.get(RUNGS.len().saturating_sub(options.rungs)..).unwrap_or_default();
    let group = ladder::add_group(&server.api(), rungs, "m3u8").await?;
    let rule = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "bench"),
        ("StreamName", "*"),
        ("VodTranscodeGroupId", &group),
        ("CycleDuration", "21600"),
        ("DelayTime", "60"),
    ];
    server.api().live("AddLiveRecordVodConfig", &rule).await?;
    let receiver = Receiver::start().await?;
    customer::call_back(&server.api(), receiver.url(), "Abcdefgh12345678").await?;
    println!("{} s in real time, rungs of (lines, kb/s) {rungs:?}\n", options.seconds);
    for (way, stream) in [("ended on request", "asked"), ("ended by its publisher, a grace of 60 s", "left")] {
        Push::start(&clip, &server.push_url("bench", stream), Pace::Times(1.0))?.finish().await?;
        let over = Instant::now();
        if stream == "asked" {
            let path = [("DomainName", PLAY_DOMAIN), ("AppName", "bench"), ("StreamName", stream)];
            for command in ["stop", "cancel_delay"] {
                server.api().live("RealTimeRecordCommand", &[&path[..], &[("Command", command)]].concat()).await?;
            }
        }
        let params = [("StreamName", stream), ("DomainName", PLAY_DOMAIN)];
        let listed = async || {
            let answer = server.api().vod("ListLiveRecordVideo", &params).await?;
            let id = answer["LiveRecordVideoList"]["LiveRecordVideo"][0]["Video"]["VideoId"].as_str();
            Ok(id.context("it is not listed")?.to_owned())
        };
        let video = until_every(LOOK_EVERY, PATIENCE, listed).await?;
        let listed = Instant::now();
        let status = async || {
            let answer = server.api().vod("GetVideoInfo", &[("VideoId", &video)]).await?;
            ensure!(answer["Video"]["Status"] == "Normal", "no output is there");
            Ok(())
        };
        until_every(LOOK_EVERY, PATIENCE, status).await?;
        let first = Instant::now();
        let all = receiver.wait(PATIENCE, |told| {
            told.iter().any(|one| one.event_type() == "TranscodeComplete" && one.body["VideoId"] == video.as_str())
        });
        let all = all.await?;
        let told = |kind: &str| {
            let found = all.iter().filter(|one| one.event_type() == kind && one.body["VideoId"] == video.as_str());
            found.map(|one| one.at).max().context("an event that did not come")
        };
        let since = |at: Instant| at.saturating_duration_since(over).as_secs_f64();
        println!(
            "{way}: listed {:.2} s after the last byte, AddLiveRecordVideoComplete {:.2} s, first output {:.2} s, TranscodeComplete {:.2} s \
             ({:.2} s after it was listed)",
            since(listed),
            since(told("AddLiveRecordVideoComplete")?),
            since(first),
            since(told("TranscodeComplete")?),
            told("TranscodeComplete")?.saturating_duration_since(listed).as_secs_f64(),
        );
    }
    Ok(())
}
