//! `cargo xtask bench deliver`: what views cost at the origin and at an edge, beside nginx that serves the same bytes as files.
//!
//! One server after the other has a core for itself, the load the other core. First all bytes are read over HTTP and written as files
//! for nginx, so the same names have the same bytes everywhere.

mod wrk;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use testkit::clips::{self, Recipe};
use testkit::customer::PLAY_DOMAIN;
use testkit::edge::EdgeProcess;
use testkit::ffmpeg::Pace;
use testkit::nginx::Nginx;
use testkit::process::{Look, core_busy};
use testkit::publisher::Publisher;
use testkit::server::{Server, until};
use testkit::tape::Tape;

use crate::wrk::{Load, Request, Seen};

/// How long what is waited for may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// The core of the server, and that of the load.
const CORES: [&str; 2] = ["0", "1"];
/// The loop that is pushed: whole numbers of pictures, of GOPs and of frames of sound.
const LOOP_SECONDS: u32 = 16;
/// What a player of an MP4 asks for at once.
const RANGE_BYTES: u64 = 1 << 20;
/// What decides when a packet goes, and so by whom it is sent: bbr and cubic give other figures.
const CONGESTION_CONTROL: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// What the origin and its edge share.
const SECRET: &str = "bench-0123456789abcdef";

/// Records a stream, serves it from everywhere, and prints what that costs.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// Connections at once; each number is measured
    #[arg(long, value_delimiter = ',', default_value = "1,100,1000")]
    clients: Vec<u32>,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// Seconds of the video
    #[arg(long, default_value_t = 160)]
    length: u32,
    /// Kilobits per second of the pictures
    #[arg(long, default_value_t = 4_000)]
    kbps: u32,
    /// Where everything lies; without it the folder for temporary files
    #[arg(long)]
    work: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deliver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Who is measured.
struct Target {
    name: &'static str,
    base: String,
    pids: Vec<u32>,
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores >= CORES.len(), "this bench wants two cores: one for the server, one for the load; here is {cores}");
    wrk::check()?;
    let work = options.work.clone().unwrap_or_else(std::env::temp_dir);
    let settings = [("REPRISE_LOG__LEVEL", "warn"), ("REPRISE_EDGE__SECRET", SECRET)];
    let mut server = Server::start_in(&options.server, &settings, &work, &["taskset", "-c", CORES[0]]).await?;
    let video = record(options, &server).await?;
    let base = server.http_url("");
    let plan = Plan::of(&base, &video).await?;
    let serves = |folder: &Path, address| {
        let path = folder.display();
        format!(
            "http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
             client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;\n\
             uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;\n\
             open_file_cache max=10000; server {{ listen {address}; root {path}/root; }} }}\n"
        )
    };
    let nginx = Nginx::start(&work, CORES[0], "", serves).await?;
    plan.write_files(&base, &nginx.folder().join("root")).await?;
    let edge = EdgeProcess::start(&options.server, &base, SECRET, &work, &["taskset", "-c", CORES[0]]).await?;
    plan.warm(&edge.url()).await?;
    println!(
        "{} s of {} kb/s: {} segments, {:.1} MiB as MP4; {} s each; server on core {}, wrk on core {}; TCP by {}\n",
        options.length,
        options.kbps,
        plan.hls.len(),
        gigabytes(plan.mp4_bytes) * 1_000_000_000.0 / f64::from(1 << 20),
        options.seconds,
        CORES[0],
        CORES[1],
        std::fs::read_to_string(CONGESTION_CONTROL)?.trim(),
    );
    let targets = [
        Target { name: "nginx, files", base: format!("http://{}", nginx.address()), pids: nginx.pids()? },
        Target { name: "origin, views", base, pids: vec![server.pid().context("the server runs")?] },
        Target { name: "edge, hits", base: edge.url(), pids: vec![edge.pid()?] },
    ];
    for (what, requests) in [("HLS segments", &plan.hls), ("MP4 in ranges of 1 MiB", &plan.mp4)] {
        for clients in &options.clients {
            println!("{what}, {clients} clients");
            println!(
                "  {:<16}{:>12}{:>10}{:>12}{:>10}{:>13}{:>10}{:>10}{:>9}",
                "", "requests/s", "MB/s", "CPU-s/GB", "×nginx", "core-s/GB", "×nginx", "p99 ms", "errors"
            );
            let load = Load { clients: *clients, seconds: options.seconds, core: CORES[1], folder: &work };
            let mut nginx_cost = None;
            for target in &targets {
                let (seen, cost) = one(&load, target, requests).await?;
                print_row(target.name, &seen, cost, *nginx_cost.get_or_insert(cost));
            }
            println!();
        }
    }
    edge.stop().await?;
    server.stop().await
}

/// Seconds that a gigabyte costs.
#[derive(Clone, Copy)]
struct Cost {
    /// Of the server's processes.
    process: f64,
    /// Of its core, with what the kernel does there beside them: with some congestion controls (BBR) it is the kernel's timers that send.
    core: f64,
}

/// Puts load on one target; what was seen, and what it cost.
async fn one(load: &Load<'_>, target: &Target, requests: &[Request]) -> anyhow::Result<(Seen, Cost)> {
    let (before, core_before) = (Look::at(&target.pids)?, core_busy(CORES[0])?);
    let seen = load.run(&target.base, requests).await?;
    let used = Look::at(&target.pids)?.since(before, before);
    let core = core_busy(CORES[0])?.saturating_sub(core_before);
    ensure!(seen.bytes > 0, "{} sent nothing", target.name);
    let of = |time: Duration| time.as_secs_f64() / gigabytes(seen.bytes);
    let cost = Cost { process: of(used.cpu), core: of(core) };
    Ok((seen, cost))
}

fn print_row(name: &str, seen: &Seen, cost: Cost, nginx: Cost) {
    let seconds = seen.took.as_secs_f64();
    let per_second = f64::from(u32::try_from(seen.requests).unwrap_or(u32::MAX)) / seconds;
    println!(
        "  {name:<16}{per_second:>12.0}{:>10.0}{:>12.3}{:>10.2}{:>13.3}{:>10.2}{:>10.1}{:>9}",
        gigabytes(seen.bytes) * 1_000.0 / seconds,
        cost.process,
        cost.process / nginx.process,
        cost.core,
        cost.core / nginx.core,
        seen.p99.as_secs_f64() * 1_000.0,
        seen.errors,
    );
}

#[allow(clippy::cast_precision_loss, reason = "to be read by people")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// Records a stream as one video, and gives its id.
async fn record(options: &Options, server: &Server) -> anyhow::Result<String> {
    let recipe = Recipe {
        seconds: LOOP_SECONDS + 1,
        size: "1280x720",
        bitrate: options.kbps * 1_000,
        b_frames: 0,
        ..Recipe::default()
    };
    let tape = Tape::from_flv(&clips::synthetic(&recipe).await?)?;
    let tape = tape.edited(|tag| (tag.at_ms < LOOP_SECONDS * 1_000).then_some(tag.at_ms));
    let tape = Tape { duration_ms: LOOP_SECONDS * 1_000, ..tape };
    let mut publisher = Publisher::connect(&server.push_url("bench", "deliver")).await?;
    publisher.play(&tape, Pace::Fast, Duration::from_secs(u64::from(options.length))).await?;
    publisher.unpublish().await?;
    let path = [("DomainName", PLAY_DOMAIN), ("AppName", "bench"), ("StreamName", "deliver")];
    for command in ["stop", "cancel_delay"] {
        server.api().live("RealTimeRecordCommand", &[&path[..], &[("Command", command)]].concat()).await?;
    }
    let listed = async || {
        let params = [("StreamName", "deliver"), ("DomainName", PLAY_DOMAIN)];
        let answer = server.api().vod("ListLiveRecordVideo", &params).await?;
        let video = &answer["LiveRecordVideoList"]["LiveRecordVideo"][0]["Video"];
        ensure!(video["Status"] == "Normal" && video["Size"].as_u64() > Some(0), "it is not ready");
        Ok(video["VideoId"].as_str().context("VideoId")?.to_owned())
    };
    until(PATIENCE, listed).await
}

/// What is asked for.
struct Plan {
    /// Every segment of the video's HLS.
    hls: Vec<Request>,
    /// The MP4 from its beginning to its end.
    mp4: Vec<Request>,
    mp4_bytes: u64,
}

impl Plan {
    async fn of(base: &str, video: &str) -> anyhow::Result<Self> {
        let mut hls = Vec::new();
        for playlist in ["video.m3u8", "audio.m3u8"] {
            let text = reqwest::get(format!("{base}/v/{video}/{playlist}")).await?.error_for_status()?.text().await?;
            let names = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            hls.extend(names.map(|name| Request { path: format!("/v/{video}/{name}"), range: None }));
        }
        let path = format!("/v/{video}/source.mp4");
        let head = reqwest::Client::new().head(format!("{base}{path}")).send().await?.error_for_status()?;
        let length = head.headers().get("content-length").context("no Content-Length")?;
        let mp4_bytes: u64 = length.to_str()?.parse()?;
        let begins = (0..mp4_bytes).step_by(usize::try_from(RANGE_BYTES)?);
        let part =
            |from: u64| Request { path: path.clone(), range: Some((from, (from + RANGE_BYTES).min(mp4_bytes) - 1)) };
        Ok(Self { hls, mp4: begins.map(part).collect(), mp4_bytes })
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.hls.iter().chain(self.mp4.first()).map(|request| request.path.as_str())
    }

    /// Writes all bytes as files under the same names.
    async fn write_files(&self, base: &str, root: &Path) -> anyhow::Result<()> {
        for path in self.paths() {
            let file = root.join(path.trim_start_matches('/'));
            std::fs::create_dir_all(file.parent().context("a folder")?)?;
            std::fs::write(&file, bytes_of(base, path).await?)?;
        }
        Ok(())
    }

    /// Asks for everything once, and once more until none of it comes from the origin.
    async fn warm(&self, base: &str) -> anyhow::Result<()> {
        for path in self.paths() {
            let warm = async || {
                let response = reqwest::get(format!("{base}{path}")).await?.error_for_status()?;
                let hit = response.headers().get("x-cache").is_some_and(|value| value == "HIT");
                response.bytes().await?;
                ensure!(hit, "{path} is not kept");
                Ok(())
            };
            until(PATIENCE, warm).await?;
        }
        Ok(())
    }
}

async fn bytes_of(base: &str, path: &str) -> anyhow::Result<Vec<u8>> {
    Ok(reqwest::get(format!("{base}{path}")).await?.error_for_status()?.bytes().await?.to_vec())
}
