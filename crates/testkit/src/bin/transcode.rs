//! `cargo xtask bench transcode`: a ladder made chunk by chunk, by one worker and by two, beside one FFmpeg over the same source.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use testkit::clips;
use testkit::customer::{self, PLAY_DOMAIN, Rule};
use testkit::ffmpeg::{Pace, push};
use testkit::ladder::{self, RUNGS, Took};
use testkit::process::cpu_with_children;
use testkit::server::{Server, until, until_every};

/// How long one ladder may take.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How often it is asked whether it has ended: less than a hundredth of what is measured, and hardly any work.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Transcodes and prints what it costs.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// Seconds of video
    #[arg(long, default_value_t = 120)]
    seconds: u32,
    /// How often each is measured, in turn
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Instead of the real clip, which needs the registry it comes from: a file with H.264 and AAC
    #[arg(long)]
    clip: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transcode: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let clip = match &options.clip {
        Some(clip) => clip.clone(),
        None => clips::looped(&clips::real_or_synthetic().await?.path, options.seconds).await?,
    };
    let folder = tempfile::tempdir()?;
    println!(
        "{} s, rungs of (lines, kb/s) {RUNGS:?}, H.264 veryfast and AAC, {} rounds\n",
        options.seconds, options.rounds
    );
    println!(
        "round   one FFmpeg: CPU, wall     chunks, 1 worker: CPU, wall, CPU ratio     2 workers: CPU, wall, CPU ratio, speed-up"
    );
    let (mut ratios, mut speedups) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        let one = chunked(options, &clip, folder.path(), 1).await?;
        let plain = ladder::plain(&folder.path().join("source-1.mp4"), folder.path(), &RUNGS).await?;
        let two = chunked(options, &clip, folder.path(), 2).await?;
        let ratio = |took: Took| took.cpu.as_secs_f64() / plain.cpu.as_secs_f64();
        let speedup = one.wall.as_secs_f64() / two.wall.as_secs_f64();
        println!(
            "{round:>5}   {:>8.1} s {:>8.1} s   {:>12.1} s {:>8.1} s {:>10.3}   {:>12.1} s {:>8.1} s {:>10.3} {:>8.2}",
            plain.cpu.as_secs_f64(),
            plain.wall.as_secs_f64(),
            one.cpu.as_secs_f64(),
            one.wall.as_secs_f64(),
            ratio(one),
            two.cpu.as_secs_f64(),
            two.wall.as_secs_f64(),
            ratio(two),
            speedup,
        );
        ratios.extend([ratio(one), ratio(two)]);
        speedups.push(speedup);
    }
    println!(
        "\nin the middle: CPU {:.3} of one FFmpeg, speed-up of two workers {:.2}",
        middle(&mut ratios),
        middle(&mut speedups)
    );
    println!("\nlikeness to the source (SSIM): mean, least second");
    for (height, _) in RUNGS {
        // Each beside what it was made of.
        let (of_plain, of_chunked) = (path(folder.path(), "source-1.mp4")?, path(folder.path(), "source-2.mp4")?);
        let (plain, chunked) = (format!("plain-{height}.mp4"), format!("chunked-{height}.mp4"));
        let (plain, plain_least) = ladder::likeness(&path(folder.path(), &plain)?, &of_plain).await?;
        let (chunked, chunked_least) = ladder::likeness(&path(folder.path(), &chunked)?, &of_chunked).await?;
        println!("{height:>5}   one FFmpeg {plain:.4} {plain_least:.4}   chunks {chunked:.4} {chunked_least:.4}");
    }
    Ok(())
}

fn path(folder: &Path, name: &str) -> anyhow::Result<String> {
    Ok(folder.join(name).to_str().context("a path in UTF-8")?.to_owned())
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// A new server records the clip and transcodes it on request. Its files are left in `folder`.
async fn chunked(options: &Options, clip: &Path, folder: &Path, workers: u32) -> anyhow::Result<Took> {
    let workers = workers.to_string();
    let settings = [("REPRISE_LOG__LEVEL", "warn"), ("REPRISE_TRANSCODE__CHUNKS_AT_ONCE", workers.as_str())];
    let mut server = Server::start_with(&options.server, &settings).await?;
    customer::record(&server.api(), Rule { app: "bench", cycle_seconds: 21_600, grace_seconds: 1 }).await?;
    push(clip, &server.push_url("bench", "clip"), Pace::Fast).await?;
    let look = async || {
        let params = [("AppName", "bench"), ("DomainName", PLAY_DOMAIN)];
        let answer = server.api().vod("ListLiveRecordVideo", &params).await?;
        let id = answer["LiveRecordVideoList"]["LiveRecordVideo"][0]["Video"]["VideoId"].as_str();
        Ok(id.context("it is not recorded yet")?.to_owned())
    };
    let video = until(PATIENCE, look).await?;
    fetch(&server.http_url(&format!("/v/{video}/source.mp4")), &folder.join(format!("source-{workers}.mp4"))).await?;
    let group = ladder::add_group(&server.api(), &RUNGS, "mp4").await?;
    let pid = server.pid().context("the server runs")?;
    let (cpu, began) = (cpu_with_children(pid)?, Instant::now());
    let params = [("VideoId", video.as_str()), ("TemplateGroupId", &group)];
    let task = server.api().vod("SubmitTranscodeJobs", &params).await?;
    let task = task["TranscodeTaskId"].as_str().context("TranscodeTaskId")?.to_owned();
    let ended = async || {
        let answer = server.api().vod("GetTranscodeTask", &[("TranscodeTaskId", &task)]).await?;
        let status = answer["TranscodeTask"]["TaskStatus"].as_str().context("TaskStatus")?.to_owned();
        ensure!(status.starts_with("Complete"), "it is {status}");
        Ok(status)
    };
    let status = until_every(LOOK_EVERY, PATIENCE, ended).await?;
    let took = Took { cpu: cpu_with_children(pid)?.saturating_sub(cpu), wall: began.elapsed() };
    if status != "CompleteAllSucc" {
        bail!("the task ended as {status}\n{}", server.log());
    }
    let params = [("VideoId", video.as_str()), ("ResultType", "Multiple"), ("Formats", "mp4")];
    let told = server.api().vod("GetPlayInfo", &params).await?;
    for info in told["PlayInfoList"]["PlayInfo"].as_array().context("PlayInfo")? {
        if info["Definition"] != "OD" {
            let url = info["PlayURL"].as_str().context("PlayURL")?;
            fetch(url, &folder.join(format!("chunked-{}.mp4", info["Height"]))).await?;
        }
    }
    server.stop().await?;
    Ok(took)
}

async fn fetch(url: &str, to: &Path) -> anyhow::Result<()> {
    let body = reqwest::get(url).await?.error_for_status()?.bytes().await?;
    tokio::fs::write(to, body).await?;
    Ok(())
}
