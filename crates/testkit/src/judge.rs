//! Whether what plays is what was pushed: every coded frame once, in order, with sound and picture where they belong.
//!
//! Recording copies frames, so a frame of an asset is found in the source by its bytes. Key frames get parameter sets put before
//! them, so their bytes differ; they are found by their place.

use crate::probe::{Packet, Probe};

/// The furthest that sound may move against the picture, in seconds.
pub const SKEW_MAX: f64 = 0.020;
/// Bytes of a frame of silence, with which a playlist fills what the sound lacks. Of what was sent few frames are as short.
pub const SILENCE_BYTES_MAX: u64 = 8;
/// How far one frame's time may be off by rounding: RTMP counts milliseconds, once for each of decode and presentation time.
const ROUNDING: f64 = 0.0025;

/// How one asset's frames lie in the source.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The numbers of the source's frames that it has, per track: from, to (exclusive).
    pub video: (usize, usize),
    /// The same for sound.
    pub audio: (usize, usize),
    /// Source time minus asset time of sound, minus the same of the picture, at the beginning; seconds.
    pub skew_at_start: f64,
    /// The same at the end.
    pub skew_at_end: f64,
}

/// Checks that `assets`, in order, have every frame of `source` from the first frame recorded on, each once and in order, and that
/// sound and picture stay together within [`SKEW_MAX`]. Returns where each asset lies, or the first thing that is wrong.
pub fn covers(source: &Probe, assets: &[Probe]) -> Result<Vec<Placed>, String> {
    let (mut video_at, mut audio_at) = (0, 0);
    let mut placed = Vec::new();
    for (number, asset) in assets.iter().enumerate() {
        let place = place(source, asset, video_at, audio_at).map_err(|what| format!("asset {number}: {what}"))?;
        (video_at, audio_at) = (place.video.1, place.audio.1);
        placed.push(place);
    }
    let (video, audio) = (source.track("video").len(), source.track("audio").len());
    if (video_at, audio_at) != (video, audio) {
        return Err(format!("{video_at} of {video} pictures and {audio_at} of {audio} sound frames are there"));
    }
    Ok(placed)
}

/// Finds one asset's frames in the source, the first at exactly `video_at` and `audio_at`. A playlist leaves out sound of which
/// the greater part comes before its first picture; nothing else may be missing.
pub fn place(source: &Probe, asset: &Probe, video_at: usize, audio_at: usize) -> Result<Placed, String> {
    let audio_at = audio_at + left_out_at_front(source, asset, video_at, audio_at);
    let video = follow("picture", &source.track("video"), &asset.track("video"), video_at)?;
    let (sent, mut sound) = (source.track("audio"), asset.track("audio"));
    // The silence that a playlist made is not what was sent.
    sound.retain(|packet| packet.size > SILENCE_BYTES_MAX || sent.iter().any(|sent| sent.hash == packet.hash));
    let audio = follow("sound frame", &sent, &sound, audio_at)?;
    let skew = |video: Option<f64>, audio: Option<f64>| match (video, audio) {
        (Some(video), Some(audio)) => audio - video,
        _ => 0.0,
    };
    let skew_at_start = skew(video.first, audio.first);
    let skew_at_end = skew(video.last, audio.last);
    for (skew, where_) in [(skew_at_start, "start"), (skew_at_end, "end")] {
        if skew.abs() > SKEW_MAX {
            return Err(format!("sound is {:.1} ms off against the picture at the {where_}", skew * 1000.0));
        }
    }
    let range = |from: usize, count: usize| (from, from + count);
    Ok(Placed { video: range(video_at, video.count), audio: range(audio_at, audio.count), skew_at_start, skew_at_end })
}

/// How many sound frames from `audio_at` on lie before the asset's first picture and are not in the asset.
fn left_out_at_front(source: &Probe, asset: &Probe, video_at: usize, audio_at: usize) -> usize {
    let (pictures, sound) = (source.track("video"), source.track("audio"));
    let (Some(picture), Some(sent)) = (pictures.get(video_at), sound.get(audio_at)) else { return 0 };
    if asset.track("audio").first().is_none_or(|first| first.hash == sent.hash) {
        return 0;
    }
    let early = |frame: &&&Packet| frame.pts + frame.duration / 2.0 < picture.pts;
    sound.iter().skip(audio_at).take_while(early).count()
}

/// How one track of an asset lies against the source: source time minus asset time of the first and the last frame.
struct Track {
    count: usize,
    first: Option<f64>,
    last: Option<f64>,
}

fn follow(what: &str, source: &[&Packet], asset: &[&Packet], at: usize) -> Result<Track, String> {
    let mut offsets = Vec::with_capacity(asset.len());
    for (number, packet) in asset.iter().enumerate() {
        let Some(sent) = source.get(at + number) else {
            return Err(format!("{what} {number} was never sent: there are only {}", source.len()));
        };
        // Parameter sets may stand before a key frame, so it is as long as it was or longer.
        let same = if packet.key && what == "picture" { packet.size >= sent.size } else { packet.hash == sent.hash };
        if !same || (packet.key != sent.key && what == "picture") {
            return Err(format!(
                "{what} {number} is not the sent one, number {}: {packet:?} against {sent:?}",
                at + number
            ));
        }
        offsets.push(sent.pts - packet.pts);
    }
    // Inside an asset time runs as it did in the source.
    if let Some(first) = offsets.first() {
        let off = |offset: &f64| (offset - first).abs() > ROUNDING;
        if let Some(number) = offsets.iter().position(off) {
            let moved = (offsets[number] - first) * 1000.0;
            return Err(format!("{what} {number} is {moved:.2} ms off against the first of its asset"));
        }
    }
    Ok(Track { count: asset.len(), first: offsets.first().copied(), last: offsets.last().copied() })
}
