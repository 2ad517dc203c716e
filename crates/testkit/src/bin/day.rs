//! `cargo xtask bench day`: a day of media recorded as fast as it is taken; memory and answers, hour by hour.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use testkit::clips::{self, Recipe};
use testkit::customer::{self, PLAY_DOMAIN, Rule};
use testkit::ffmpeg::Pace;
use testkit::probe::decode_complaints;
use testkit::process::{Look, resident_mib};
use testkit::publisher::Publisher;
use testkit::server::{Server, until};
use testkit::tape::Tape;

/// Every stream has this name; the rules differ by app.
const STREAM: &str = "day";
/// Many short videos, and as few long ones as a rule may ask for (contract §2.1); the recording is one either way.
const RULES: [Rule<'_>; 2] = [
    Rule { app: "short", cycle_seconds: 1_200, grace_seconds: 1 },
    Rule { app: "long", cycle_seconds: 21_600, grace_seconds: 1 },
];
/// The loop that is pushed: whole numbers of pictures, of GOPs and of frames of sound.
const LOOP_SECONDS: u32 = 16;
/// How long the server may take to have everything closed and analysed.
const PATIENCE: Duration = Duration::from_secs(120);
const HOUR: Duration = Duration::from_secs(3_600);
/// Of an MP4: what a player asks for first.
const HEAD_BYTES: u64 = 64 * 1024;
/// Looks of which the best is told: others may want the processor, too.
const LOOKS: u32 = 5;

/// Records a day and prints what it costs by the hour.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// Hours of media
    #[arg(long, default_value_t = 24)]
    hours: u32,
    /// Kilobits per second of the pictures
    #[arg(long, default_value_t = 100)]
    kbps: u32,
    /// Where the server records to; without it the folder for temporary files
    #[arg(long)]
    work: Option<PathBuf>,
    /// Nobody looks while it is recorded: what grows then is the recorder's own
    #[arg(long)]
    unwatched: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("day: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let tape = tape(options.kbps).await?;
    let work = options.work.clone().unwrap_or_else(std::env::temp_dir);
    let mut server = Server::start_in(&options.server, &[("REPRISE_LOG__LEVEL", "warn")], &work, &[]).await?;
    let mut publishers = Vec::new();
    for rule in RULES {
        customer::record(&server.api(), rule).await?;
        publishers.push(Publisher::connect(&server.push_url(rule.app, STREAM)).await?);
    }
    let pid = server.pid().context("the server runs")?;
    println!("{} h of {} kb/s twice, with cycles of 20 min and of 6 h, at full speed\n", options.hours, options.kbps);
    println!("hour   resident   CPU of this hour   live playlist: first, again, bytes   newest segment");
    let mut cpu = Look::at(&[pid])?.cpu();
    let mut played = 0;
    for hour in 1..=options.hours {
        let (one, other) = publishers.split_at_mut(1);
        let (first, second) =
            tokio::try_join!(one[0].play(&tape, Pace::Fast, HOUR), other[0].play(&tape, Pace::Fast, HOUR))?;
        played += first.video + first.audio + second.video + second.audio;
        until(PATIENCE, async || {
            let came: u64 = server.metric("hub_frames_total").await?;
            // Parameters count as well.
            ensure!(came >= played, "{came} of {played} frames came");
            Ok(())
        })
        .await?;
        let now = Look::at(&[pid])?.cpu();
        if options.unwatched {
            println!("{hour:>4} {:>6.1} MiB {:>16.1} s", resident_mib(pid)?, now.saturating_sub(cpu).as_secs_f64());
            cpu = now;
            continue;
        }
        let live = Playlist::load(&server.http_url(&format!("/l/{PLAY_DOMAIN}/short/{STREAM}.m3u8"))).await?;
        let again = best(&live.url).await?;
        let newest = best(&live.last_segment).await?;
        println!(
            "{hour:>4} {:>6.1} MiB {:>16.1} s {:>13.1} ms {:>6.1} ms {:>9} {:>13.1} ms",
            resident_mib(pid)?,
            (now.saturating_sub(cpu)).as_secs_f64(),
            ms(live.took),
            ms(again.took),
            live.bytes,
            ms(newest.took),
        );
        cpu = now;
    }
    for publisher in publishers {
        publisher.unpublish().await?;
    }
    until(PATIENCE, async || {
        let open = server.open_recordings().await?;
        ensure!(open == 0, "{open} recordings are open");
        Ok(())
    })
    .await?;
    for rule in RULES {
        videos(&server, rule.app, options.hours).await?;
    }
    println!("\nresident at the end: {:.1} MiB", resident_mib(pid)?);
    server.stop().await
}

/// Sixteen seconds that follow on themselves.
async fn tape(kbps: u32) -> anyhow::Result<Tape> {
    let recipe =
        Recipe { seconds: LOOP_SECONDS + 1, size: "160x90", bitrate: kbps * 1000, b_frames: 0, ..Recipe::default() };
    let tape = Tape::from_flv(&clips::synthetic(&recipe).await?)?;
    let looped = tape.edited(|tag| (tag.at_ms < LOOP_SECONDS * 1000).then_some(tag.at_ms));
    Ok(Tape { duration_ms: LOOP_SECONDS * 1000, ..looped })
}

/// Tells what the videos of an app are, how fast the first and the last of them answer, and that the last plays.
async fn videos(server: &Server, app: &str, hours: u32) -> anyhow::Result<()> {
    let params = [("AppName", app), ("DomainName", PLAY_DOMAIN), ("SortBy", "CreationTime:Asc"), ("PageSize", "100")];
    let all = async || {
        let answer = server.api().vod("ListLiveRecordVideo", &params).await?;
        let list = answer["LiveRecordVideoList"]["LiveRecordVideo"].as_array().context("LiveRecordVideo")?.clone();
        ensure!(list.iter().all(|entry| entry["Video"]["Status"] == "Normal"), "not every video is analysed");
        Ok(list)
    };
    let list = until(PATIENCE, all).await?;
    let seconds: f64 = list.iter().filter_map(|entry| entry["Video"]["Duration"].as_f64()).sum();
    println!("\n{app}: {} videos, {seconds:.2} s of {} s", list.len(), u64::from(hours) * HOUR.as_secs());
    let id = |entry: Option<&serde_json::Value>| {
        anyhow::Ok(entry.context("no video")?["Video"]["VideoId"].as_str().context("VideoId")?.to_owned())
    };
    let last = id(list.last())?;
    for (name, id) in [("first", id(list.first())?), ("last", last.clone())] {
        let playlist = Playlist::load(&server.http_url(&format!("/v/{id}/index.m3u8"))).await?;
        let again = best(&playlist.url).await?;
        let segment = best(&playlist.last_segment).await?;
        let mp4 = server.http_url(&format!("/v/{id}/source.mp4"));
        let (head, head_again) = (head(&mp4).await?, head(&mp4).await?);
        println!(
            "  {name:>5}: playlist {:.1} ms, again {:.1} ms, {} bytes; last segment {:.1} ms; MP4 head {:.1} ms, again {:.1} ms",
            ms(playlist.took),
            ms(again.took),
            playlist.bytes,
            ms(segment.took),
            ms(head),
            ms(head_again),
        );
    }
    let complaints = decode_complaints(&server.http_url(&format!("/v/{last}/source.mp4"))).await?;
    ensure!(complaints.is_empty(), "FFmpeg complains of the last: {complaints}");
    println!("  the last decodes without a complaint");
    Ok(())
}

/// An answer, and how long it took.
struct Answer {
    body: Vec<u8>,
    took: Duration,
}

/// A media playlist.
struct Playlist {
    url: String,
    last_segment: String,
    bytes: usize,
    /// From asking for the multivariant playlist to the end of the media playlist.
    took: Duration,
}

impl Playlist {
    async fn load(multivariant: &str) -> anyhow::Result<Self> {
        let answer = get(multivariant).await?;
        let url = reqwest::Url::parse(multivariant)?.join(uri(&answer.body, false)?)?;
        let media = get(url.as_str()).await?;
        let last_segment = url.join(uri(&media.body, true)?)?.to_string();
        Ok(Self { url: url.to_string(), last_segment, bytes: media.body.len(), took: answer.took + media.took })
    }
}

/// The first or the last URI of a playlist.
fn uri(playlist: &[u8], last: bool) -> anyhow::Result<&str> {
    let mut uris = std::str::from_utf8(playlist)?.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    if last { uris.next_back() } else { uris.next() }.context("a playlist without a URI")
}

async fn get(url: &str) -> anyhow::Result<Answer> {
    let began = Instant::now();
    let body = reqwest::get(url).await?.error_for_status()?.bytes().await?.to_vec();
    Ok(Answer { body, took: began.elapsed() })
}

async fn best(url: &str) -> anyhow::Result<Answer> {
    let mut best = get(url).await?;
    for _ in 1..LOOKS {
        let next = get(url).await?;
        if next.took < best.took {
            best = next;
        }
    }
    Ok(best)
}

/// How long the beginning of a file takes.
async fn head(url: &str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let range = format!("bytes=0-{}", HEAD_BYTES - 1);
    let answer = reqwest::Client::new().get(url).header("range", range).send().await?.error_for_status()?;
    answer.bytes().await?;
    Ok(began.elapsed())
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
