//! What the server says it has, and what lies on its disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use serde_json::Value;
use units::WallTime;

use crate::api::Api;

/// Assets on one page of the list.
const PAGE: usize = 100;
/// Files of a reel that are no segments.
const OF_A_REEL: [&str; 4] = ["reel.json", "recording.json", "segments.idx", "samples.idx"];

/// What a kill may cost a push that has just begun: a second of both tracks, in fragments of half a second.
const LOST_FRAGMENTS_MAX: usize = 4;

/// An asset as ListLiveRecordVideo tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelved {
    /// Its id.
    pub video_id: String,
    /// The stream it was recorded of.
    pub stream: String,
    /// The recording it is a cycle of.
    pub playlist_id: String,
    /// "Normal" when it is done.
    pub status: String,
    /// Seconds.
    pub duration: f64,
    /// `RecordEndTime`.
    pub ended: SystemTime,
}

/// Everything that was recorded of an app.
pub async fn shelved(api: &Api, domain: &str, app: &str) -> anyhow::Result<Vec<Shelved>> {
    let mut all = Vec::new();
    for page in 1.. {
        let (page, size) = (page.to_string(), PAGE.to_string());
        let params = [
            ("DomainName", domain),
            ("AppName", app),
            ("SortBy", "CreationTime:Asc"),
            ("PageNo", page.as_str()),
            ("PageSize", size.as_str()),
        ];
        let answer = api.vod("ListLiveRecordVideo", &params).await?;
        let list = answer["LiveRecordVideoList"]["LiveRecordVideo"].as_array().context("LiveRecordVideo")?;
        for entry in list {
            all.push(read(entry).with_context(|| entry.to_string())?);
        }
        if list.len() < PAGE {
            break;
        }
    }
    Ok(all)
}

fn read(entry: &Value) -> anyhow::Result<Shelved> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no string");
    let ended = WallTime::parse_iso8601(&text(&entry["RecordEndTime"])?).context("no time")?;
    Ok(Shelved {
        video_id: text(&entry["Video"]["VideoId"])?,
        stream: text(&entry["StreamName"])?,
        playlist_id: text(&entry["PlaylistId"])?,
        status: text(&entry["Video"]["Status"])?,
        duration: entry["Video"]["Duration"].as_f64().context("no duration")?,
        ended: SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(u64::try_from(ended.unix_ms)?),
    })
}

/// What is odd about the store's files.
#[derive(Debug, Default)]
pub struct Odd {
    /// Media, or files of no known name, that belong to no asset.
    pub orphans: Vec<String>,
    /// Reels with at most a second of media that no asset has: of pushes that were killed before the catalog knew them.
    pub empty_reels: usize,
    /// Files that were being published when the process died: written aside, and never given their name.
    pub half_published: usize,
}

/// Looks for files below the store that belong to no asset.
pub fn odd_files(data: &Path, shelf: &[Shelved]) -> anyhow::Result<Odd> {
    let mut odd = Odd::default();
    let known: BTreeSet<_> = shelf.iter().map(|asset| asset.video_id.as_str()).collect();
    let mut in_reels: BTreeMap<String, u32> = BTreeMap::new();
    let reels = data.join("media/reels");
    for reel in std::fs::read_dir(&reels).with_context(|| reels.display().to_string())? {
        let reel = reel?.path();
        let mut media = 0;
        for file in std::fs::read_dir(&reel)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            let segment = name.strip_suffix(".m4s").is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
            if segment {
                let bytes = std::fs::read(file.path())?;
                media += bytes.windows(4).filter(|window| *window == b"moof").count();
            } else if OF_A_REEL.iter().any(|known| name.strip_prefix(known).is_some_and(|rest| rest.starts_with('#'))) {
                odd.half_published += 1;
            } else if !OF_A_REEL.contains(&name.as_str()) {
                odd.orphans.push(format!("{}: what is {name}?", reel.display()));
            }
        }
        let assets = assets_of(&reel).unwrap_or_default();
        if !assets.iter().any(|asset| known.contains(asset.as_str())) {
            if media <= LOST_FRAGMENTS_MAX {
                odd.empty_reels += 1;
                continue;
            }
            odd.orphans.push(format!("{}: {media} fragments of media of no asset", reel.display()));
        }
        for asset in assets {
            *in_reels.entry(asset).or_default() += 1;
        }
    }
    for id in known {
        match in_reels.get(id).copied().unwrap_or(0) {
            1 => {}
            count => odd.orphans.push(format!("{id} is in the description of {count} reels")),
        }
    }
    Ok(odd)
}

/// What `reprise check` says of a data folder whose server is stopped: first, and after it has mended what it can.
pub async fn checked(binary: &Path, data: &Path) -> anyhow::Result<[String; 2]> {
    let check = async |mend: Option<&str>| {
        let mut check = tokio::process::Command::new(binary);
        check.args(["check", "--data"]).arg(data).args(mend).stdin(std::process::Stdio::null());
        let output = check.output().await.context("cannot run the check")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        anyhow::Ok(said.lines().last().unwrap_or_default().to_owned())
    };
    let first = check(None).await?;
    check(Some("--mend")).await?;
    Ok([first, check(None).await?])
}

/// The assets that a reel's description names.
fn assets_of(reel: &Path) -> anyhow::Result<Vec<String>> {
    let path = reel.join("reel.json");
    let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let story: Value = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let cycles = story["cycles"].as_array().cloned().unwrap_or_default();
    Ok(cycles.iter().filter_map(|cycle| cycle["asset"].as_str().map(str::to_owned)).collect())
}
