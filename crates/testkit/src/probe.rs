//! What ffprobe sees in a file or behind a URL.

use std::process::Stdio;

use anyhow::{Context, bail};
use serde::Deserialize;

/// Everything ffprobe says about one source: its streams, and each packet in the order of the container.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The elementary streams.
    pub streams: Vec<Stream>,
    /// Every packet, in the order of the container.
    pub packets: Vec<Packet>,
    /// Seconds, from the container.
    pub duration: f64,
}

/// One elementary stream.
#[derive(Debug, Clone, Deserialize)]
pub struct Stream {
    /// Its number in the container; packets refer to it.
    pub index: usize,
    /// "video" or "audio".
    pub codec_type: String,
    /// For example "h264".
    pub codec_name: String,
    /// Pixels; 0 for sound.
    #[serde(default)]
    pub width: u32,
    /// Pixels; 0 for sound.
    #[serde(default)]
    pub height: u32,
    /// Hertz; empty for pictures.
    #[serde(default)]
    pub sample_rate: String,
    /// Channels; 0 for pictures.
    #[serde(default)]
    pub channels: u32,
    /// How many frames a picture may be moved by reordering.
    #[serde(default)]
    pub has_b_frames: u32,
}

/// One packet: a picture, or one frame of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// The index of its stream.
    pub stream: usize,
    /// Presentation time in seconds.
    pub pts: f64,
    /// Decode time in seconds.
    pub dts: f64,
    /// Seconds; 0 when the container does not say.
    pub duration: f64,
    /// Bytes.
    pub size: u64,
    /// Starts with a key frame.
    pub key: bool,
    /// To be decoded and not shown: it lies before the beginning of an edit list.
    pub discarded: bool,
    /// A hash of its bytes.
    pub hash: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    packets: Vec<RawPacket>,
    #[serde(default)]
    streams: Vec<Stream>,
    format: RawFormat,
}

#[derive(Deserialize)]
struct RawFormat {
    duration: Option<String>,
}

#[derive(Deserialize)]
struct RawPacket {
    stream_index: usize,
    pts_time: Option<String>,
    dts_time: Option<String>,
    duration_time: Option<String>,
    size: String,
    flags: String,
    data_hash: Option<String>,
}

impl Probe {
    /// The packets of the first stream of `kind` ("video" or "audio"), in the order of the container.
    pub fn track(&self, kind: &str) -> Vec<&Packet> {
        let Some(stream) = self.stream(kind) else { return Vec::new() };
        self.packets.iter().filter(|packet| packet.stream == stream.index).collect()
    }

    /// The first stream of `kind`.
    pub fn stream(&self, kind: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.codec_type == kind)
    }
}

/// Asks ffprobe about a path or URL, packet by packet.
pub async fn probe(source: &str) -> anyhow::Result<Probe> {
    let mut ffprobe = tokio::process::Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-of", "json", "-show_streams", "-show_packets", "-show_format"]);
    ffprobe.args(["-show_data_hash", "md5", source]).stdin(Stdio::null()).kill_on_drop(true);
    let output = ffprobe.output().await.context("cannot run ffprobe")?;
    if !output.status.success() {
        bail!("ffprobe {source}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let answer: Answer = serde_json::from_slice(&output.stdout).with_context(|| format!("ffprobe {source}"))?;
    let packets = answer.packets.into_iter().map(packet).collect::<anyhow::Result<_>>()?;
    let duration = answer.format.duration.as_deref().unwrap_or("0").parse()?;
    Ok(Probe { streams: answer.streams, packets, duration })
}

fn packet(raw: RawPacket) -> anyhow::Result<Packet> {
    let time = |text: Option<String>| text.as_deref().unwrap_or("0").parse::<f64>();
    Ok(Packet {
        stream: raw.stream_index,
        pts: time(raw.pts_time.clone().or_else(|| raw.dts_time.clone()))?,
        dts: time(raw.dts_time.or(raw.pts_time))?,
        duration: time(raw.duration_time)?,
        size: raw.size.parse()?,
        key: raw.flags.contains('K'),
        discarded: raw.flags.contains('D'),
        hash: raw.data_hash.unwrap_or_default(),
    })
}

/// What ffmpeg complains of when it decodes all of a source; empty when it is silent.
pub async fn decode_complaints(source: &str) -> anyhow::Result<String> {
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-xerror", "-i", source, "-f", "null", "-"]);
    let output = ffmpeg.kill_on_drop(true).output().await.context("cannot run ffmpeg")?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match (output.status.success(), said.is_empty()) {
        (false, true) => Ok(format!("ffmpeg: {}", output.status)),
        _ => Ok(said),
    }
}

/// How many pictures and how many samples of sound (per channel) come out of the decoder.
pub async fn decoded(source: &str) -> anyhow::Result<(u64, u64)> {
    let mut ffprobe = tokio::process::Command::new("ffprobe");
    ffprobe.args([
        "-v",
        "error",
        "-of",
        "json",
        "-show_frames",
        "-show_entries",
        "frame=media_type,nb_samples",
        source,
    ]);
    let output = ffprobe.stdin(Stdio::null()).kill_on_drop(true).output().await.context("cannot run ffprobe")?;
    if !output.status.success() {
        bail!("ffprobe {source}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let frames = answer["frames"].as_array().context("frames")?;
    let pictures = frames.iter().filter(|frame| frame["media_type"] == "video").count();
    let samples = frames.iter().filter_map(|frame| frame["nb_samples"].as_u64()).sum();
    Ok((u64::try_from(pictures)?, samples))
}

/// How like the pictures of `source` are to those of `reference` after this filter, picture by picture: the peak signal-to-noise ratio
/// of each in decibels. Both are brought to the same size; what differs by a picture is some 10 dB.
pub async fn likeness(source: &str, reference: &str, filter: &str) -> anyhow::Result<Vec<f64>> {
    let told = compared(source, reference, filter, "psnr", "psnr_avg:").await?;
    // Equal pictures are infinitely alike.
    told.iter().map(|value| if value == "inf" { Ok(f64::INFINITY) } else { Ok(value.parse()?) }).collect()
}

/// How like the pictures of `source` are to those of `reference` to the eye, picture by picture: SSIM of all planes, 1 is equal.
pub async fn similarity(source: &str, reference: &str) -> anyhow::Result<Vec<f64>> {
    let told = compared(source, reference, "null", "ssim", "All:").await?;
    told.iter().map(|value| Ok(value.parse()?)).collect()
}

/// What one of FFmpeg's judges tells behind `field` of each pair of pictures, in the size of `source`.
async fn compared(
    source: &str,
    reference: &str,
    filter: &str,
    judge: &str,
    field: &str,
) -> anyhow::Result<Vec<String>> {
    // Pairs by number: the clocks of two files differ, and their numbers only count the same on the same clock.
    let form = "settb=1/25,setpts=N,setsar=1,format=yuv420p";
    let graph = format!(
        "[1:v]{filter}[wanted];[0:v]{form}[seen];[wanted]{form}[numbered];\
         [numbered][seen]scale2ref=flags=bicubic[fitted][same];[same][fitted]{judge}=stats_file=-"
    );
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    ffmpeg.args([
        "-nostdin",
        "-v",
        "error",
        "-i",
        source,
        "-i",
        reference,
        "-lavfi",
        &graph,
        "-f",
        "null",
        "/dev/null",
    ]);
    let output = ffmpeg.stdin(Stdio::null()).kill_on_drop(true).output().await.context("cannot run ffmpeg")?;
    if !output.status.success() {
        bail!("ffmpeg {source}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let values = said.lines().filter_map(|line| line.split(field).nth(1)?.split_whitespace().next());
    Ok(values.map(str::to_owned).collect())
}

/// The brightness of each pixel, row by row, of picture number `number` of a source (from 0).
pub async fn brightness(source: &str, number: u64) -> anyhow::Result<Vec<u8>> {
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    let chosen = format!("select=eq(n\\,{number}),format=gray");
    ffmpeg.args(["-nostdin", "-v", "error", "-i", source, "-vf", &chosen, "-frames:v", "1", "-f", "rawvideo", "-"]);
    let output = ffmpeg.stdin(Stdio::null()).kill_on_drop(true).output().await.context("cannot run ffmpeg")?;
    if !output.status.success() || output.stdout.is_empty() {
        bail!("ffmpeg {source}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}
