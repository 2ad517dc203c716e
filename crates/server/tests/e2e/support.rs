//! What the end-to-end tests share.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::browser::Player;
pub use testkit::customer::PLAY_DOMAIN;
use testkit::customer::{self, Rule};
use testkit::probe::{Probe, probe};
use testkit::server::{Server, until};
use tokio::process::Command;

/// How long anything that should follow at once may take on a loaded machine.
pub const SOON: Duration = Duration::from_secs(20);

/// The binary under test.
pub fn reprise() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_reprise"))
}

/// A server that records app `app` in cycles of `cycle` seconds and waits `grace` seconds for a lost push.
pub async fn server_recording(app: &str, cycle: u32, grace: u32) -> Server {
    let server = Server::start(reprise()).await.unwrap();
    add_rule(&server.api(), app, cycle, grace).await;
    server
}

/// Adds a rule for an app.
pub async fn add_rule(api: &Api, app: &str, cycle: u32, grace: u32) {
    customer::record(api, Rule { app, cycle_seconds: cycle, grace_seconds: grace }).await.unwrap();
}

/// Adds a rule for an app with an OnDemand of its own.
pub async fn add_rule_on_demand(api: &Api, app: &str, on_demand: &str, grace: u32) {
    add_rule(api, app, 60, grace).await;
    let params = [("DomainName", PLAY_DOMAIN), ("AppName", app), ("OnDemand", on_demand)];
    api.live("UpdateLiveRecordVodConfig", &params).await.unwrap();
}

/// Has a domain that videos are played from ask for signatures of type A.
pub async fn ask_for_signatures(api: &Api, domain: &str) {
    let sources = json!([{"content": "192.0.2.1", "type": "ipaddr", "priority": "20", "port": 80}]).to_string();
    api.vod("AddVodDomain", &[("DomainName", domain), ("Sources", &sources)]).await.unwrap();
    let functions = json!([{"functionName": "aliauth", "functionArgs": [
        {"argName": "auth_type", "argValue": "type_a"}, {"argName": "auth_key1", "argValue": "firstkey12345678"},
    ]}])
    .to_string();
    let params = [("DomainNames", domain), ("Functions", functions.as_str())];
    api.vod("BatchSetVodDomainConfigs", &params).await.unwrap();
}

/// One recorded asset, as ListLiveRecordVideo tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub video_id: String,
    /// The recording it is a cycle of.
    pub playlist_id: String,
    pub status: String,
    pub duration: f64,
    pub began: String,
    pub ended: String,
}

/// Everything recorded of a stream so far, oldest first.
pub async fn recorded(server: &Server, stream: &str) -> anyhow::Result<Vec<Recorded>> {
    let params = [("StreamName", stream), ("SortBy", "CreationTime:Asc"), ("PageSize", "100")];
    let answer = server.api().vod("ListLiveRecordVideo", &params).await?;
    let list = answer["LiveRecordVideoList"]["LiveRecordVideo"].as_array().context("LiveRecordVideo")?.clone();
    let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("{value} is no string"));
    let one = |entry: &Value| {
        Ok(Recorded {
            video_id: text(&entry["Video"]["VideoId"])?,
            playlist_id: text(&entry["PlaylistId"])?,
            status: text(&entry["Video"]["Status"])?,
            duration: entry["Video"]["Duration"].as_f64().context("Duration is no float")?,
            began: text(&entry["RecordStartTime"])?,
            ended: text(&entry["RecordEndTime"])?,
        })
    };
    list.iter().map(one).collect()
}

/// Waits until exactly `count` assets of a stream are there and normal.
pub async fn wait_recorded(server: &Server, stream: &str, count: usize) -> Vec<Recorded> {
    let look = || async {
        let found = recorded(server, stream).await?;
        if found.len() != count || found.iter().any(|asset| asset.status != "Normal") {
            bail!("{count} normal assets are wanted, these are there: {found:#?}");
        }
        Ok(found)
    };
    until(SOON, look).await.unwrap()
}

/// Where an asset's MP4 is.
pub fn mp4(server: &Server, asset: &Recorded) -> String {
    server.http_url(&format!("/v/{}/source.mp4", asset.video_id))
}

/// Where an asset's HLS is.
pub fn hls(server: &Server, asset: &Recorded) -> String {
    server.http_url(&format!("/v/{}/index.m3u8", asset.video_id))
}

/// What a player plays of an asset.
pub fn view(server: &Server, asset: &Recorded, player: Player) -> String {
    match player {
        Player::Hls | Player::Shaka => hls(server, asset),
        Player::Dash => server.http_url(&format!("/v/{}/index.mpd", asset.video_id)),
        Player::Mp4 => mp4(server, asset),
    }
}

/// What ffprobe sees of a file.
pub async fn probe_file(file: &Path) -> Probe {
    probe(file.to_str().unwrap()).await.unwrap()
}

/// What ffprobe sees of several URLs.
pub async fn probe_all(urls: impl IntoIterator<Item = String>) -> Vec<Probe> {
    let mut seen = Vec::new();
    for url in urls {
        seen.push(probe(&url).await.unwrap());
    }
    seen
}

/// Waits until everything of a stream is recorded: something is there, all of it is normal, and the server says that it neither
/// records nor waits for the stream any more.
pub async fn wait_settled(server: &Server, stream: &str) -> Vec<Recorded> {
    let look = || async {
        let found = recorded(server, stream).await?;
        let open = server.open_recordings().await?;
        if found.is_empty() || found.iter().any(|asset| asset.status != "Normal") || open > 0 {
            bail!("{open} recordings are open, these assets are there: {found:#?}");
        }
        // What was sealed between the two looks is in a third.
        recorded(server, stream).await
    };
    until(SOON, look).await.unwrap()
}

/// What curl gets of this machine, whatever host `url` names, when it trusts only `certificate`: the version of HTTP, and the body.
pub async fn fetched(url: &str, certificate: &Path, version: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--fail",
        "--noproxy",
        "*",
        version,
        "--connect-to",
        "::127.0.0.1:",
        "--cacert",
    ])
    .arg(certificate);
    curl.args(["--write-out", "%{stderr}%{http_version}", url]).stdin(Stdio::null());
    let output = curl.output().await.context("cannot run curl")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "curl {version} {url}: {said}");
    Ok((said, output.stdout))
}
