//! `cargo xtask demo`: a live push becomes videos that play, shown step by step and checked by a stranger (ffprobe).

use std::io::{IsTerminal, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use testkit::clips;
use testkit::customer::{self, PLAY_DOMAIN, Rule};
use testkit::ffmpeg::{Pace, Push};
use testkit::judge::{self, SKEW_MAX};
use testkit::probe::{decode_complaints, probe};
use testkit::receiver::{Delivery, Receiver};
use testkit::server::{Server, until};

/// Seconds that are pushed, in real time.
const PUSH_SECONDS: u32 = 24;
/// Two full cycles and a rest; the recording waits a little for the publisher after the end.
const RULE: Rule<'_> = Rule { app: APP, cycle_seconds: 10, grace_seconds: 3 };
/// How long any step may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two lines of progress where they cannot be written over.
const QUIET: Duration = Duration::from_secs(4);
/// The key that events are signed with.
const CALLBACK_KEY: &str = "Demo0Callback0Key";
/// The app of what is pushed.
const APP: &str = "demo";
/// The stream of what is pushed.
const STREAM: &str = "bunny";

/// Shows the path from a push to videos that play.
#[derive(Parser)]
struct Options {
    /// The reprise binary
    #[arg(long)]
    server: PathBuf,
    /// Exit after the checks
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match show(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn show(options: &Options) -> anyhow::Result<()> {
    let mut story = Story::begin();
    let clip = clips::real_or_synthetic().await?;
    let source = clips::looped(&clip.path, PUSH_SECONDS).await?;
    match clip.credit {
        Some(credit) => story.tell(&format!("clip: {credit}; looped to {PUSH_SECONDS} s")),
        None => story.tell("clip: made by FFmpeg, because the real one could not be fetched"),
    }

    let (http, rtmp) = (address(8080), address(1935));
    let settings = [("REPRISE_HTTP__LISTEN", http.as_str()), ("REPRISE_RTMP__LISTEN", rtmp.as_str())];
    let mut server = Server::start_with(&options.server, &settings).await?;
    story.tell(&format!("server ready: {}", server.http_url("/")));
    let receiver = Receiver::start().await?;
    customer::record(&server.api(), RULE).await?;
    customer::call_back(&server.api(), receiver.url(), CALLBACK_KEY).await?;
    story.tell(&format!("rule: each stream of app {APP:?} is recorded in cycles of {} s", RULE.cycle_seconds));
    story.tell(&format!("callbacks go to the demo's own receiver at {}", receiver.url()));

    let push_url = server.push_url(APP, STREAM);
    let push = Push::start(&source, &push_url, Pace::Times(1.0))?;
    until(PATIENCE, || online(&server)).await?;
    story.tell(&format!("push accepted: {push_url}"));
    let live_url = server.http_url(&format!("/l/{PLAY_DOMAIN}/{APP}/{STREAM}.m3u8"));
    story.tell(&format!("watch it while it grows: {live_url}"));
    let assets = follow(&mut story, &server, &receiver, &live_url, push).await?;

    check(&story, &server, &source, &assets).await?;
    println!("\nPlay it:");
    for (number, asset) in assets.iter().enumerate() {
        println!("  video {}   HLS {}", number + 1, server.http_url(&format!("/v/{asset}/index.m3u8")));
        println!("            MP4 {}", server.http_url(&format!("/v/{asset}/source.mp4")));
    }
    if !options.once {
        println!("\nPush your own: ffmpeg -re -i FILE -c copy -f flv {}", server.push_url(APP, "mine"));
        println!("The server runs until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
        println!();
    }
    server.stop().await
}

/// The usual port where it is free, else any.
fn address(port: u16) -> String {
    let address = format!("127.0.0.1:{port}");
    if TcpListener::bind(&address).is_ok() { address } else { "127.0.0.1:0".to_owned() }
}

async fn online(server: &Server) -> anyhow::Result<()> {
    let answer = server.api().live("DescribeLiveStreamsOnlineList", &[("DomainName", PLAY_DOMAIN)]).await?;
    let list = answer["OnlineInfo"]["LiveStreamOnlineInfo"].as_array().cloned().unwrap_or_default();
    ensure!(list.iter().any(|info| info["StreamName"] == STREAM), "the stream is not online");
    Ok(())
}

/// Tells what happens until the push is over and every asset was announced. Returns the assets in order.
async fn follow(
    story: &mut Story,
    server: &Server,
    receiver: &Receiver,
    live_url: &str,
    push: Push,
) -> anyhow::Result<Vec<String>> {
    let mut push = std::pin::pin!(push.finish());
    let mut pushing = true;
    let mut told = 0;
    let mut ends_by = Instant::now() + PATIENCE;
    loop {
        tokio::select! {
            ended = push.as_mut(), if pushing => {
                ended.context("the push failed")?;
                pushing = false;
                ends_by = Instant::now() + PATIENCE;
                story.tell(&format!("push over; the recording waits {} s for it to come back", RULE.grace_seconds));
            }
            () = tokio::time::sleep(Duration::from_millis(250)) => {}
        }
        let deliveries = receiver.deliveries();
        for delivery in deliveries.iter().skip(told) {
            announce(story, receiver, delivery)?;
        }
        told = deliveries.len();
        if pushing {
            // Between two looks the stream may end; then there is nothing to show.
            if let Ok(seconds) = live_seconds(live_url).await {
                let complete = deliveries.iter().filter(|d| d.event_type() == "AddLiveRecordVideoComplete").count();
                story.progress(&format!("cycle {} growing; {seconds:.0} s can be watched", complete + 1));
            }
            continue;
        }
        let assets = recorded(server).await?;
        let analysed = deliveries.iter().filter(|d| d.event_type() == "VideoAnalysisComplete").count();
        if server.open_recordings().await? == 0 && !assets.is_empty() && analysed == assets.len() {
            return Ok(assets);
        }
        ensure!(Instant::now() < ends_by, "not every video was announced within {PATIENCE:?}");
    }
}

fn announce(story: &Story, receiver: &Receiver, delivery: &Delivery) -> anyhow::Result<()> {
    if let Err(wrong) = delivery.check_signature(receiver.url(), CALLBACK_KEY) {
        bail!("a callback is not signed right: {wrong}");
    }
    let body = &delivery.body;
    let text = |name: &str| body[name].as_str().unwrap_or("?").to_owned();
    let what = match delivery.event_type() {
        "AddLiveRecordVideoComplete" => {
            format!("video {} made: {} to {}", text("VideoId"), text("RecordStartTime"), text("RecordEndTime"))
        }
        "VideoAnalysisComplete" => {
            format!("video {}: {}x{}, {} s", text("VideoId"), text("Width"), text("Height"), text("Duration"))
        }
        other => other.to_owned(),
    };
    story.tell(&format!("callback {}, signature right: {what}", delivery.event_type()));
    Ok(())
}

async fn recorded(server: &Server) -> anyhow::Result<Vec<String>> {
    let params = [("StreamName", STREAM), ("SortBy", "CreationTime:Asc"), ("PageSize", "100")];
    let answer = server.api().vod("ListLiveRecordVideo", &params).await?;
    let list = answer["LiveRecordVideoList"]["LiveRecordVideo"].as_array().context("no LiveRecordVideoList")?;
    list.iter().map(|entry| Ok(entry["Video"]["VideoId"].as_str().context("no VideoId")?.to_owned())).collect()
}

/// How many seconds the live playlist offers.
async fn live_seconds(url: &str) -> anyhow::Result<f64> {
    let mut url = reqwest::Url::parse(url)?;
    loop {
        let list = reqwest::get(url.clone()).await?.error_for_status()?.text().await?;
        if !list.contains("#EXT-X-STREAM-INF") {
            let durations =
                list.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.split(',').next()?.parse::<f64>().ok());
            return Ok(durations.sum());
        }
        let variant = list.lines().find(|line| !line.is_empty() && !line.starts_with('#')).context("no variant")?;
        url = url.join(variant)?;
    }
}

/// What plays must be what was pushed.
async fn check(story: &Story, server: &Server, source: &std::path::Path, assets: &[String]) -> anyhow::Result<()> {
    let sent = probe(source.to_str().context("the clip's path is no text")?).await?;
    for (form, file) in [("MP4", "source.mp4"), ("HLS", "index.m3u8")] {
        let mut seen = Vec::new();
        for asset in assets {
            let url = server.http_url(&format!("/v/{asset}/{file}"));
            seen.push(probe(&url).await?);
            let complaints = decode_complaints(&url).await?;
            ensure!(complaints.is_empty(), "ffmpeg complains about {url}: {complaints}");
        }
        judge::covers(&sent, &seen).map_err(|wrong| anyhow::anyhow!("{form}: {wrong}"))?;
        let count = |kind: &str| seen.iter().map(|asset| asset.track(kind).len()).sum::<usize>();
        story.tell(&format!(
            "ffprobe, {form}: all {} pictures and {} frames of sound that were pushed are there once, in step within {} ms",
            count("video"),
            count("audio"),
            SKEW_MAX * 1000.0
        ));
    }
    Ok(())
}

/// Tells what happens, with the time since the beginning.
struct Story {
    began: Instant,
    progressed: Instant,
    terminal: bool,
}

impl Story {
    fn begin() -> Self {
        Self { began: Instant::now(), progressed: Instant::now(), terminal: std::io::stdout().is_terminal() }
    }

    /// A line that stays.
    fn tell(&self, what: &str) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        println!("{clear}{:6.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// A line that is written over by the next one; where nothing can be written over, one now and then.
    fn progress(&mut self, what: &str) {
        if self.terminal {
            print!("\r\x1b[K{:6.1} s  {what}", self.began.elapsed().as_secs_f64());
            // Nothing is lost when the terminal is gone.
            let _ = std::io::stdout().flush();
        } else if self.progressed.elapsed() > QUIET {
            self.progressed = Instant::now();
            self.tell(what);
        }
    }
}
