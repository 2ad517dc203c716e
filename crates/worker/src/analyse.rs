//! Measures a cut from its index, without reading media: exact size of its file, length, rates, tracks.

use std::collections::BTreeMap;

use blobs::Blobs;
use bytes::Bytes;
use catalog::{Analysis, Catalog, MediaFacts, TrackFacts};
use codec::{AacConfig, AudioCodec, AudioConfig, AvcConfig, HevcConfig, TrackKind, VideoCodec, VideoConfig};
use encode::Format;
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reel::{ReelIndex, SamplePage, samples_index_key, segments_index_key};
use serde::Deserialize;
use units::{AssetId, MediaTime, ReelId, Timescale};
use view::{CutSpan, Facts, FlvBuilder, Growth, Mp3Builder, Mp4Builder, SoundView, SpanView, StoredFile, Timeline};

use crate::clock::now;
use crate::error::WorkerError;

/// Sample pages read in one go: some 1 KiB each.
const PAGES_AT_ONCE: usize = 256;

#[derive(Deserialize)]
struct Payload {
    asset: AssetId,
}

/// Analyses assets.
pub(crate) struct Analyse {
    catalog: Catalog,
    blobs: Blobs,
}

impl Analyse {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }
}

impl Handler for Analyse {
    const KIND: &'static str = kind::ANALYSE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { asset } = attempt.payload()?;
        let spans = self.catalog.spans(asset).await?;
        let spans = spans.iter().map(|span| reel::Span { reel: span.reel, from: span.from_ticks, to: span.to_ticks });
        let cut: Vec<CutSpan> = spans.map(CutSpan::from).collect();
        if cut.is_empty() {
            // Deleted before its turn came.
            return Ok(Finish::Done);
        }
        let analysis = measure(&self.blobs, &cut, Format::Mp4).await?;
        let mut tx = self.catalog.begin().await?;
        tx.set_analysis(asset, &analysis, now()).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(Finish::Committed)
    }
}

/// The indexes of the reels of a cut, as far as the cut goes.
pub(crate) async fn indexes_of(blobs: &Blobs, cut: &[CutSpan]) -> Result<BTreeMap<ReelId, ReelIndex>, WorkerError> {
    let mut reaches: BTreeMap<ReelId, (i64, i64)> = BTreeMap::new();
    for one in cut {
        for reel in [Some(one.span.reel), one.sound].into_iter().flatten() {
            let (from, to) = reaches.entry(reel).or_insert((one.span.from, one.span.to));
            (*from, *to) = ((*from).min(one.span.from), (*to).max(one.span.to));
        }
    }
    let mut indexes = BTreeMap::new();
    for (reel, (from, to)) in reaches {
        let file = blobs.get(&segments_index_key(reel)).await?;
        indexes.insert(reel, ReelIndex::read_between(&file, from, to));
    }
    Ok(indexes)
}

/// What the index tells of a cut; its size is that of its file in `format`, and of its MP4 where that has no one file.
pub(crate) async fn measure(blobs: &Blobs, cut: &[CutSpan], format: Format) -> Result<Analysis, WorkerError> {
    let timeline = lay_out(blobs, cut).await?;
    let mut b_frames = false;
    let look = |page: &SamplePage| b_frames = b_frames || page.fragments.iter().any(reorders);
    let size_bytes = match format {
        Format::Mp4 | Format::M3u8 | Format::Mpd => {
            let mut builder = Mp4Builder::new(&timeline);
            fill(blobs, &timeline, look, |position, page| builder.push(position, page)).await?;
            builder.finish()?.size()
        }
        Format::Flv => {
            let mut builder = FlvBuilder::new(&timeline)?;
            fill(blobs, &timeline, look, |position, page| builder.push(position, page)).await?;
            builder.finish()?.size()
        }
        Format::Mp3 => {
            let mut builder = Mp3Builder::new(&timeline)?;
            fill(blobs, &timeline, look, |position, page| builder.push(position, page)).await?;
            builder.finish()?.size()
        }
    };
    Ok(analysis(&timeline, &timeline.facts(), size_bytes, b_frames))
}

/// A cut on its own timeline.
pub(crate) async fn lay_out(blobs: &Blobs, cut: &[CutSpan]) -> Result<Timeline, WorkerError> {
    let indexes = indexes_of(blobs, cut).await?;
    let views = cut.iter().filter_map(|one| {
        let sound = one.sound.and_then(|reel| Some(SoundView { reel, index: indexes.get(&reel)? }));
        Some(SpanView { span: one.span, index: indexes.get(&one.span.reel)?, sound })
    });
    Ok(Timeline::new(&views.collect::<Vec<_>>(), Growth::Whole)?)
}

/// Gives all pages of the cut to both.
async fn fill(
    blobs: &Blobs,
    timeline: &Timeline,
    mut look: impl FnMut(&SamplePage),
    mut push: impl FnMut(usize, &SamplePage) -> view::Result<()>,
) -> Result<(), WorkerError> {
    let files: Vec<StoredFile> = timeline.files().collect();
    let mut position = 0;
    for some in files.chunks(PAGES_AT_ONCE) {
        let pages = read_pages(blobs, some).await?;
        for (file, bytes) in some.iter().zip(pages) {
            let decoded = SamplePage::decode(&bytes, file.page.crc);
            let page = decoded.map_err(|source| WorkerError::Index { reel: file.reel, source })?;
            look(&page);
            push(position, &page)?;
            position += 1;
        }
    }
    Ok(())
}

/// The pages of these files, in their order; those of one reel in one read.
async fn read_pages(blobs: &Blobs, files: &[StoredFile]) -> Result<Vec<Bytes>, WorkerError> {
    let mut reels: Vec<ReelId> = files.iter().map(|file| file.reel).collect();
    reels.sort_unstable();
    reels.dedup();
    let mut pages = vec![Bytes::new(); files.len()];
    for reel in reels {
        let own = || files.iter().enumerate().filter(|(_, file)| file.reel == reel);
        let ranges: Vec<_> =
            own().map(|(_, file)| file.page.at..file.page.at.saturating_add(u64::from(file.page.len))).collect();
        let read = blobs.get_ranges(&samples_index_key(reel), &ranges).await?;
        for ((place, _), bytes) in own().zip(read) {
            if let Some(page) = pages.get_mut(place) {
                *page = bytes;
            }
        }
    }
    Ok(pages)
}

fn reorders(fragment: &reel::Fragment) -> bool {
    fragment.track == TrackKind::Video
        && fragment.samples.windows(2).any(|pair| matches!(pair, [a, b] if a.cto != b.cto))
}

fn analysis(timeline: &Timeline, facts: &Facts, size_bytes: u64, b_frames: bool) -> Analysis {
    let duration_ticks = i64::try_from(facts.duration).unwrap_or(i64::MAX);
    let duration_s = MediaTime::reel(duration_ticks).seconds();
    let mut tracks = Vec::new();
    if let (Some(video), Some(config)) = (&facts.video, timeline.first_video()) {
        let (profile, level) = video_profile(config);
        tracks.push(TrackFacts {
            codec: config.codec.as_str().to_owned(),
            profile: profile.to_owned(),
            timescale: Timescale::REEL.get(),
            duration_s,
            bitrate_kbps: kilo(video.bitrate_bps),
            frames: video.frames,
            media: MediaFacts::Video {
                width: u32::from(video.width),
                height: u32::from(video.height),
                fps: fps(video.frame_rate_milli),
                level,
                b_frames,
            },
        });
    }
    if let (Some(audio), Some(config)) = (&facts.audio, timeline.first_audio()) {
        tracks.push(TrackFacts {
            codec: config.codec.as_str().to_owned(),
            profile: audio_profile(config).to_owned(),
            timescale: audio.sample_rate,
            duration_s,
            bitrate_kbps: kilo(audio.bitrate_bps),
            frames: audio.frames,
            media: MediaFacts::Audio { sample_rate: audio.sample_rate, channels: u32::from(audio.channels) },
        });
    }
    let video = facts.video.as_ref();
    Analysis {
        size_bytes,
        duration_ticks,
        width: video.map_or(0, |video| u32::from(video.width)),
        height: video.map_or(0, |video| u32::from(video.height)),
        fps: video.map_or(0.0, |video| fps(video.frame_rate_milli)),
        bitrate_kbps: kbps(size_bytes, facts.duration),
        tracks,
    }
}

/// The profile's name, and the level as the codec writes it.
fn video_profile(config: &VideoConfig) -> (&'static str, u32) {
    match config.codec {
        VideoCodec::H264 => {
            let avc = AvcConfig::parse(&config.record).ok();
            (avc.as_ref().map(avc_profile).unwrap_or_default(), avc.map_or(0, |avc| u32::from(avc.level)))
        }
        VideoCodec::H265 => {
            let hevc = HevcConfig::parse(&config.record).ok();
            (hevc.as_ref().map(hevc_profile).unwrap_or_default(), hevc.map_or(0, |hevc| u32::from(hevc.level)))
        }
    }
}

/// The profile's name (ISO/IEC 14496-10 annex A).
fn avc_profile(avc: &AvcConfig) -> &'static str {
    /// `constraint_set1_flag`.
    const CONSTRAINED: u8 = 0x40;
    match avc.profile {
        66 if avc.compatibility & CONSTRAINED != 0 => "Constrained Baseline",
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4 Predictive",
        _ => "",
    }
}

/// The profile's name (ISO/IEC 23008-2 annex A).
fn hevc_profile(hevc: &HevcConfig) -> &'static str {
    match hevc.profile {
        1 => "Main",
        2 => "Main 10",
        3 => "Main Still Picture",
        4 => "Rext",
        _ => "",
    }
}

fn audio_profile(config: &AudioConfig) -> &'static str {
    match config.codec {
        AudioCodec::Aac => AacConfig::parse(&config.record).as_ref().map(aac_profile).unwrap_or_default(),
        AudioCodec::Mp3 => "",
    }
}

fn aac_profile(aac: &AacConfig) -> &'static str {
    match (aac.sbr_rate, aac.parametric_stereo) {
        (_, true) => "HE-AACv2",
        (Some(_), false) => "HE-AAC",
        (None, false) => "LC",
    }
}

/// Thousands, rounded to the nearest.
fn kilo(bits: u64) -> u64 {
    bits.saturating_add(500) / 1_000
}

/// Kilobits per second of `bytes` in `ticks` of 90 kHz, rounded down, as ffprobe does for a file.
fn kbps(bytes: u64, ticks: u64) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(Timescale::REEL.get());
    u64::try_from(bits / u128::from(ticks.max(1)) / 1_000).unwrap_or(u64::MAX)
}

/// Pictures per second from thousandths of them.
fn fps(milli: u64) -> f64 {
    f64::from(u32::try_from(milli).unwrap_or(u32::MAX)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_bits_over_seconds_and_never_divides_by_nothing() {
        assert_eq!(kbps(250_000, 90_000), 2_000);
        assert_eq!(kbps(1, 0), 720);
        assert_eq!((kilo(1_499), kilo(1_500)), (1, 2));
    }
}
