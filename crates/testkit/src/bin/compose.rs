//! `cargo xtask bench compose`: the cycles of an hour, and of a day, joined to one video, beside FFmpeg that copies them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use serde_json::Value;
use testkit::clips::{self, Recipe};
use testkit::customer::PLAY_DOMAIN;
use testkit::ffmpeg::Pace;
use testkit::process::written_bytes;
use testkit::publisher::Publisher;
use testkit::server::{Server, until};
use testkit::tape::Tape;

/// How long what is waited for may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// Seconds of a cycle.
const CYCLE_SECONDS: u32 = 1_200;
/// The loop that is pushed: whole numbers of pictures, of GOPs and of frames of sound.
const LOOP_SECONDS: u32 = 16;

/// Records, composes, and prints what it costs.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// How many cycles of 20 minutes are joined; each is measured
    #[arg(long, value_delimiter = ',', default_value = "3,72")]
    cycles: Vec<u32>,
    /// Kilobits per second of the pictures
    #[arg(long, default_value_t = 500)]
    kbps: u32,
    /// Where the server records to; without it the folder for temporary files
    #[arg(long)]
    work: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compose: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let recipe = Recipe {
        seconds: LOOP_SECONDS + 1,
        size: "160x90",
        bitrate: options.kbps * 1000,
        b_frames: 0,
        ..Recipe::default()
    };
    let tape = Tape::from_flv(&clips::synthetic(&recipe).await?)?;
    let tape = tape.edited(|tag| (tag.at_ms < LOOP_SECONDS * 1000).then_some(tag.at_ms));
    let tape = Tape { duration_ms: LOOP_SECONDS * 1000, ..tape };
    println!("cycles of {CYCLE_SECONDS} s of {} kb/s", options.kbps);
    for cycles in &options.cycles {
        one(options, &tape, *cycles).await?;
    }
    Ok(())
}

async fn one(options: &Options, tape: &Tape, cycles: u32) -> anyhow::Result<()> {
    let work = options.work.clone().unwrap_or_else(std::env::temp_dir);
    let most = cycles.max(40).to_string();
    let settings = [("REPRISE_LOG__LEVEL", "warn"), ("REPRISE_RECORDING__COMPOSE_CYCLES_MAX", most.as_str())];
    let mut server = Server::start_in(&options.server, &settings, &work, &[]).await?;
    let rule = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "bench"),
        ("StreamName", "*"),
        ("VodTranscodeGroupId", "VOD_NO_TRANSCODE"),
        ("AutoCompose", "ON"),
        ("ComposeVodTranscodeGroupId", "VOD_NO_TRANSCODE"),
        ("CycleDuration", &CYCLE_SECONDS.to_string()),
        ("DelayTime", "20"),
    ];
    server.api().live("AddLiveRecordVodConfig", &rule).await?;
    let mut publisher = Publisher::connect(&server.push_url("bench", "long")).await?;
    let length = Duration::from_secs(u64::from(CYCLE_SECONDS) * u64::from(cycles) - 1);
    publisher.play(tape, Pace::Fast, length).await?;
    publisher.unpublish().await?;
    // All cycles but the last are videos by now, and analysed.
    let analysed = async |count: usize| {
        let list = videos(&server, count).await?;
        ensure!(list.iter().all(|video| video["Size"].as_u64() > Some(0)), "not every video is analysed");
        Ok(list)
    };
    until(PATIENCE, || analysed(usize::try_from(cycles - 1).unwrap_or_default())).await?;
    let pid = server.pid().context("the server runs")?;
    let (written, began) = (written_bytes(pid)?, Instant::now());
    let path = [("DomainName", PLAY_DOMAIN), ("AppName", "bench"), ("StreamName", "long")];
    for command in ["stop", "cancel_delay"] {
        server.api().live("RealTimeRecordCommand", &[&path[..], &[("Command", command)]].concat()).await?;
    }
    let wanted = usize::try_from(cycles + 1)?;
    let list = until(PATIENCE, || async { videos(&server, wanted).await }).await?;
    let (seen, written) = (began.elapsed(), written_bytes(pid)?.saturating_sub(written));
    let longest = list.iter().max_by(|one, other| duration(one).total_cmp(&duration(other))).context("no video")?;
    let composed = longest["VideoId"].as_str().context("VideoId")?.to_owned();
    let playable = Instant::now();
    let mp4 = server.http_url(&format!("/v/{composed}/source.mp4"));
    let index = server.http_url(&format!("/v/{composed}/index.m3u8"));
    reqwest::get(&index).await?.error_for_status()?.bytes().await?;
    let playlist = playable.elapsed();
    println!("\n{cycles} cycles: {:.2} s, {:.1} MiB as MP4", duration(longest), size_mib(longest));
    let late = length.as_secs().saturating_sub(20);
    seek(&mp4, late).await?;
    println!("  the MP4 plays from second {late} on: 10 s decode without a complaint");
    // FFmpeg copies the same cycles.
    let folder = tempfile::tempdir_in(&work)?;
    let mut names = String::new();
    for (number, video) in list.iter().filter(|video| video["VideoId"] != composed.as_str()).enumerate() {
        let id = video["VideoId"].as_str().context("VideoId")?;
        let file = folder.path().join(format!("{number}.mp4"));
        let body = reqwest::get(server.http_url(&format!("/v/{id}/source.mp4"))).await?.error_for_status()?;
        tokio::fs::write(&file, body.bytes().await?).await?;
        names.push_str(&format!("file '{number}.mp4'\n"));
    }
    let job: f64 = server.metric("jobs_run_seconds_sum{kind=\"compose\"}").await?;
    let (copied, bytes) = copy(folder.path(), &names).await?;
    server.stop().await?;
    println!("  compose itself, from the start of its job to the end of its transaction: {:.1} ms", job * 1000.0);
    println!(
        "  from the request that ends the recording to the video in the list: {:.0} ms, its playlist {:.0} ms; {:.1} MiB written to the disk \
         meanwhile, the seal of the last cycle and all rows included",
        seen.as_secs_f64() * 1000.0,
        playlist.as_secs_f64() * 1000.0,
        mib(written),
    );
    println!("  ffmpeg -f concat -c copy: {:.0} ms, {:.1} MiB written", copied.as_secs_f64() * 1000.0, mib(bytes));
    Ok(())
}

/// The videos of the stream, when there are so many.
async fn videos(server: &Server, count: usize) -> anyhow::Result<Vec<Value>> {
    let params =
        [("StreamName", "long"), ("DomainName", PLAY_DOMAIN), ("PageSize", "100"), ("SortBy", "CreationTime:Asc")];
    let answer = server.api().vod("ListLiveRecordVideo", &params).await?;
    let list = answer["LiveRecordVideoList"]["LiveRecordVideo"].as_array().context("LiveRecordVideo")?;
    ensure!(list.len() >= count, "{} of {count} videos", list.len());
    ensure!(list.iter().all(|entry| entry["Video"]["Status"] == "Normal"), "not every video is ready");
    Ok(list.iter().map(|entry| entry["Video"].clone()).collect())
}

fn duration(video: &Value) -> f64 {
    video["Duration"].as_f64().unwrap_or_default()
}

fn size_mib(video: &Value) -> f64 {
    mib(video["Size"].as_u64().unwrap_or_default())
}

#[allow(clippy::cast_precision_loss, reason = "bytes of some gigabytes, to be read by people")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Decodes ten seconds from so many seconds on.
async fn seek(mp4: &str, seconds: u64) -> anyhow::Result<()> {
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-xerror", "-ss", &seconds.to_string(), "-i", mp4, "-t", "10"]);
    let output = ffmpeg.args(["-f", "null", "-"]).kill_on_drop(true).output().await.context("cannot run ffmpeg")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || !said.trim().is_empty() {
        bail!("ffmpeg: {} {said}", output.status);
    }
    Ok(())
}

async fn copy(folder: &Path, names: &str) -> anyhow::Result<(Duration, u64)> {
    tokio::fs::write(folder.join("list"), names).await?;
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-f", "concat", "-i", "list", "-c", "copy", "joined.mp4"]);
    let began = Instant::now();
    let output = ffmpeg.current_dir(folder).kill_on_drop(true).output().await.context("cannot run ffmpeg")?;
    let took = began.elapsed();
    if !output.status.success() {
        bail!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok((took, tokio::fs::metadata(folder.join("joined.mp4")).await?.len()))
}
