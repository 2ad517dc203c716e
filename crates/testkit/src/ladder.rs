//! A ladder of three, as template groups have it and as one FFmpeg makes it: for measurements.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::api::Api;
use crate::probe;

/// One rung: height in pixels, kilobits per second.
pub const RUNGS: [(u32, u32); 3] = [(720, 2_500), (480, 1_200), (360, 700)];
/// Kilobits per second of the sound.
const SOUND_KBPS: u32 = 96;
/// Seconds from key frame to key frame of the one FFmpeg, as long as our segments of a source with a key frame every 2 s.
const KEY_SECONDS: u32 = 4;

/// Adds a template group with these rungs, each delivered in this format; gives its id.
pub async fn add_group(api: &Api, rungs: &[(u32, u32)], format: &str) -> anyhow::Result<String> {
    let template = |(height, kbps): &(u32, u32)| {
        json!({
            "TemplateName": format!("{height}p"), "Definition": "LD",
            "Video": {"Codec": "H.264", "Height": height, "Bitrate": kbps, "Preset": "veryfast"},
            "Audio": {"Codec": "AAC", "Bitrate": SOUND_KBPS, "Samplerate": 48_000},
            "Container": {"Format": format},
        })
    };
    let list = Value::from(rungs.iter().map(template).collect::<Vec<_>>()).to_string();
    let params = [("Name", "ladder"), ("TranscodeTemplateList", list.as_str())];
    let added = api.vod("AddTranscodeTemplateGroup", &params).await?;
    Ok(added["TranscodeTemplateGroupId"].as_str().context("TranscodeTemplateGroupId")?.to_owned())
}

/// What a run of FFmpeg took.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// User and system time.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
}

/// Encodes a file into all rungs with one FFmpeg, one decode, its default threads, the same rates and the same effort. The files are
/// `plain-720.mp4` and so on, in `folder`.
pub async fn plain(source: &Path, folder: &Path, rungs: &[(u32, u32)]) -> anyhow::Result<Took> {
    let mut graph = format!("[0:v]split={}", rungs.len());
    let mut outputs: Vec<String> = Vec::new();
    for (height, _) in rungs {
        graph.push_str(&format!("[s{height}]"));
    }
    for (height, kbps) in rungs {
        graph.push_str(&format!(";[s{height}]scale=-2:{height}:flags=bicubic,setsar=1,format=yuv420p[v{height}]"));
        let (most, buffer) = (kbps + kbps / 2, kbps * 2);
        outputs.extend(
            format!(
                "-map [v{height}] -map 0:a:0 -fps_mode passthrough -c:v libx264 -preset veryfast -b:v {kbps}k -maxrate {most}k -bufsize \
                 {buffer}k -force_key_frames expr:gte(t,n_forced*{KEY_SECONDS}) -x264-params keyint=infinite:scenecut=0 -c:a aac -b:a \
                 {SOUND_KBPS}k -ar 48000 -y plain-{height}.mp4"
            )
            .split_whitespace()
            .map(str::to_owned),
        );
    }
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "info", "-nostats", "-benchmark", "-i"]).arg(source);
    ffmpeg.args(["-filter_complex", &graph]).args(outputs).current_dir(folder);
    let began = Instant::now();
    let output = ffmpeg.stdin(Stdio::null()).kill_on_drop(true).output().await.context("cannot run ffmpeg")?;
    let wall = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("ffmpeg: {said}");
    }
    let told = |name: &str| -> anyhow::Result<f64> {
        let line =
            said.lines().rev().find(|line| line.starts_with("bench: utime=")).context("ffmpeg tells no times")?;
        let value = line.split([' ', '=']).skip_while(|word| *word != name).nth(1).context("a short line")?;
        Ok(value.trim_end_matches('s').parse()?)
    };
    Ok(Took { cpu: Duration::from_secs_f64(told("utime")? + told("stime")?), wall })
}

/// How alike a video is to its source, picture by picture, in its own size (SSIM of all planes, 1 is equal): the mean, and the least of
/// any second.
pub async fn likeness(one: &str, source: &str) -> anyhow::Result<(f64, f64)> {
    let all = probe::similarity(one, source).await?;
    let mean = |some: &[f64]| some.iter().sum::<f64>() / f64::from(u32::try_from(some.len()).unwrap_or(1).max(1));
    let least = all.chunks(25).map(mean).fold(1.0, f64::min);
    Ok((mean(&all), least))
}
