//! `cargo xtask bench record`: many streams at once against a server on one core, from another core.

mod streams;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use rustix::thread::CpuSet;
use testkit::clips::{self, Recipe};
use testkit::customer::{self, Rule};
use testkit::nginx::Nginx;
use testkit::process::Usage;
use testkit::server::{Server, until};
use testkit::tape::Tape;

use streams::{Load, Sent};

/// The core of the server.
const SERVER_CPU: &str = "0";
/// The core of the load generator.
const LOAD_CPU: usize = 1;
/// Streams whose recordings are counted packet by packet after the run.
const COUNTED: u32 = 20;
/// Lines of the server's log that are shown when it failed.
const LOG_LINES_SHOWN: usize = 20;
/// How long the server may take to finish its recordings after the streams ended.
const FINISH_PATIENCE: Duration = Duration::from_secs(60);

/// Records many streams with each server and prints what it cost.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// Streams at once
    #[arg(long, default_value_t = 500)]
    streams: u32,
    /// Milliseconds between the starts of two streams: their key frames do not fall together, as in life
    #[arg(long, default_value_t = 11)]
    stagger_ms: u32,
    /// Seconds of the measured window, after all streams are up
    #[arg(long, default_value_t = 25)]
    window: u32,
    /// Kilobits per second of each stream's pictures
    #[arg(long, default_value_t = 2_000)]
    kbps: u32,
    /// Where the servers record to; tmpfs takes the disk out of the comparison
    #[arg(long, default_value = "/dev/shm")]
    work: PathBuf,
    /// Measure only Reprise, not nginx-rtmp beside it
    #[arg(long)]
    alone: bool,
}

/// One server's line of the table.
struct Measured {
    name: &'static str,
    usage: Usage,
    sent: Sent,
    /// Frames that are not in the recording, and frames that were sent, of the counted streams.
    lost: (u64, u64),
}

fn main() -> ExitCode {
    match measure(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> anyhow::Result<()> {
    ensure!(std::thread::available_parallelism()?.get() >= 2, "two cores are needed, one for each side");
    let mut cpus = CpuSet::new();
    cpus.set(LOAD_CPU);
    // Before there are threads, so that each of them is born with it.
    rustix::thread::sched_setaffinity(None, &cpus).context("cannot move the load generator to its core")?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(compare(options))
}

async fn compare(options: &Options) -> anyhow::Result<()> {
    let recipe =
        Recipe { seconds: 10, rate: "30", size: "1280x720", bitrate: options.kbps * 1000, ..Recipe::default() };
    let tape = Tape::from_flv(&clips::synthetic(&recipe).await?)?;
    let bytes: usize = tape.tags.iter().map(|tag| tag.body.len()).sum();
    let kbps = bytes * 8 / usize::try_from(tape.duration_ms)?;
    let (window, stagger) =
        (Duration::from_secs(options.window.into()), Duration::from_millis(options.stagger_ms.into()));
    let load = Load { streams: options.streams, stagger, window, tape };
    println!(
        "{} streams of {kbps} kb/s (720p30, B-frames, a key frame every 2 s, AAC), {} s, server on core {SERVER_CPU}, \
         load on core {LOAD_CPU}, recording to {}\n",
        options.streams,
        options.window,
        options.work.display()
    );
    let mut measured = vec![reprise(options, &load).await.context("reprise")?];
    if !options.alone {
        measured.push(nginx_rtmp(options, &load).await.context("nginx-rtmp")?);
    }
    print_table(&measured);
    Ok(())
}

async fn reprise(options: &Options, load: &Load) -> anyhow::Result<Measured> {
    // What it can take is for the server to find out.
    let settings = [("REPRISE_RTMP__PUSHES_MAX", "10000"), ("REPRISE_LOG__LEVEL", "warn")];
    let runner = ["taskset", "-c", SERVER_CPU];
    let mut server = Server::start_in(&options.server, &settings, &options.work, &runner).await?;
    // The default length of a cycle; a grace that a run can wait for.
    customer::record(&server.api(), Rule { app: "bench", cycle_seconds: 3600, grace_seconds: 1 }).await?;
    let pid = server.pid().context("the server runs")?;
    let address = server.rtmp().context("the server listens")?;
    let (usage, sent) = load.run(address, "bench", &[pid]).await?;
    let finished = || async {
        ensure!(server.open_recordings().await? == 0, "recordings are still open");
        Ok(())
    };
    let ended = Instant::now();
    if let Err(error) = until(FINISH_PATIENCE, finished).await {
        let log = server.log();
        let tail: Vec<_> = log.lines().rev().take(LOG_LINES_SHOWN).collect();
        println!("the server's last words:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        return Err(error);
    }
    println!(
        "reprise: every recording was closed {:.1} s after the last stream, a grace of 1 s included",
        ended.elapsed().as_secs_f64()
    );
    let mut lost = (0, 0);
    for (stream, sent) in sent.sample(COUNTED) {
        let answer = server.api().vod("ListLiveRecordVideo", &[("StreamName", &stream)]).await?;
        let list = answer["LiveRecordVideoList"]["LiveRecordVideo"].as_array().context("LiveRecordVideo")?;
        let mut found = 0;
        for entry in list {
            let asset = entry["Video"]["VideoId"].as_str().context("VideoId")?;
            found += count_packets(&server.http_url(&format!("/v/{asset}/source.mp4"))).await?;
        }
        lost = (lost.0 + sent.abs_diff(found), lost.1 + sent);
    }
    server.stop().await?;
    Ok(Measured { name: "reprise", usage, sent, lost })
}

async fn nginx_rtmp(options: &Options, load: &Load) -> anyhow::Result<Measured> {
    let modules = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n";
    let records = |folder: &Path, address| {
        format!(
            "rtmp {{ access_log off; server {{ listen {address}; chunk_size 4096;\n\
             application bench {{ live on; record all; record_path {}; record_unique off; }} }} }}\n",
            folder.display()
        )
    };
    let mut nginx = Nginx::start(&options.work, SERVER_CPU, modules, records).await?;
    let (usage, sent) = load.run(nginx.address(), "bench", &nginx.pids()?).await?;
    nginx.stop().await?;
    let mut lost = (0, 0);
    for (stream, sent) in sent.sample(COUNTED) {
        let found = count_packets(path_text(&nginx.folder().join(format!("{stream}.flv")))?).await?;
        lost = (lost.0 + sent.abs_diff(found), lost.1 + sent);
    }
    Ok(Measured { name: "nginx-rtmp", usage, sent, lost })
}

/// How many packets of all tracks ffprobe finds.
async fn count_packets(source: &str) -> anyhow::Result<u64> {
    let mut ffprobe = tokio::process::Command::new("ffprobe");
    ffprobe.args([
        "-v",
        "error",
        "-count_packets",
        "-show_entries",
        "stream=nb_read_packets",
        "-of",
        "csv=p=0",
        source,
    ]);
    let output = ffprobe.output().await.context("cannot run ffprobe")?;
    if !output.status.success() {
        bail!("ffprobe {source}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8(output.stdout)?;
    let counts = text.lines().map(|line| line.trim_end_matches(',').parse::<u64>());
    counts.sum::<Result<u64, _>>().with_context(|| format!("ffprobe {source} counted {text:?}"))
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the work folder's path is no text")
}

fn print_table(measured: &[Measured]) {
    println!(
        "\n{:<11} {:>17} {:>11} {:>11} {:>15} {:>16} {:>12} {:>12}",
        "server",
        "CPU-s/stream-min",
        "of one core",
        "MiB/stream",
        "refused/broken",
        "lost/sent",
        "worst stall",
        "worst delay"
    );
    for Measured { name, usage, sent, lost } in measured {
        let streams = f64::from(u32::try_from(sent.count()).unwrap_or(u32::MAX));
        let minutes = usage.wall.as_secs_f64() / 60.0;
        println!(
            "{name:<11} {:>17.4} {:>11.2} {:>11.3} {:>15} {:>16} {:>9} ms {:>9} ms",
            usage.cpu.as_secs_f64() / minutes / streams,
            usage.cpu.as_secs_f64() / usage.wall.as_secs_f64(),
            usage.grown_mib / streams,
            format!("{}/{}", sent.refused, sent.broken),
            format!("{}/{}", lost.0, lost.1),
            sent.worst_stall.as_millis(),
            sent.worst_delay.as_millis(),
        );
    }
    println!(
        "\nCPU: user and system time within the window. MiB/stream: resident memory at its end less that before the first stream.\n\
         refused: publishers not let in; broken: let in and lost later. lost/sent: frames of up to {COUNTED} streams, counted by\n\
         ffprobe. Stall: the longest write of any publisher. Delay: the latest frame, by the load generator's own clock."
    );
}
