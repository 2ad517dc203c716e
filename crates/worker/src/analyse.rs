//! Measures the source of an asset from its index, without reading media: exact size of its MP4, length, rates, tracks.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use blobs::Blobs;
use bytes::Bytes;
use catalog::{Analysis, Catalog, MediaFacts, TrackFacts};
use codec::{AacConfig, AvcConfig, TrackKind};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reel::{PageRef, ReelIndex, SamplePage, samples_index_key, segments_index_key};
use serde::Deserialize;
use units::{AssetId, MediaTime, ReelId, Timescale};
use view::{Facts, Growth, Mp4Builder, SpanView, Timeline};

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
        let spans: Vec<reel::Span> = self
            .catalog
            .spans(asset)
            .await?
            .iter()
            .map(|span| reel::Span { reel: span.reel, from: span.from_ticks, to: span.to_ticks })
            .collect();
        if spans.is_empty() {
            // Deleted before its turn came.
            return Ok(Finish::Done);
        }
        let analysis = measure(&self.blobs, &spans).await?;
        let mut tx = self.catalog.begin().await?;
        tx.set_analysis(asset, &analysis, now()).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(Finish::Committed)
    }
}

/// What the index tells of a cut.
pub(crate) async fn measure(blobs: &Blobs, spans: &[reel::Span]) -> Result<Analysis, WorkerError> {
    let mut indexes: BTreeMap<ReelId, ReelIndex> = BTreeMap::new();
    for span in spans {
        if let Entry::Vacant(place) = indexes.entry(span.reel) {
            let file = blobs.get(&segments_index_key(span.reel)).await?;
            place.insert(ReelIndex::read(&file).0);
        }
    }
    let views: Vec<_> =
        spans.iter().filter_map(|span| Some(SpanView { span: *span, index: indexes.get(&span.reel)? })).collect();
    let timeline = Timeline::new(&views, Growth::Whole)?;
    let facts = timeline.facts();
    let (builder, b_frames) = fill(blobs, &timeline, Mp4Builder::new(&timeline)).await?;
    let size_bytes = builder.finish()?.size();
    Ok(analysis(&timeline, &indexes, &facts, size_bytes, b_frames))
}

/// Gives the builder all pages of the cut. Also whether pictures are stored in another order than shown.
async fn fill<'a>(
    blobs: &Blobs,
    timeline: &Timeline,
    mut builder: Mp4Builder<'a>,
) -> Result<(Mp4Builder<'a>, bool), WorkerError> {
    let refs: Vec<(ReelId, PageRef)> = (0..timeline.parts().len()).filter_map(|at| timeline.page(at)).collect();
    let mut b_frames = false;
    let mut position = 0;
    // Runs of one reel, so that each is one read of its file.
    for run in refs.chunk_by(|a, b| a.0 == b.0).flat_map(|run| run.chunks(PAGES_AT_ONCE)) {
        for (reel, page, bytes) in read_pages(blobs, run).await? {
            let page = SamplePage::decode(&bytes, page.crc).map_err(|source| WorkerError::Index { reel, source })?;
            b_frames = b_frames || page.fragments.iter().any(reorders);
            builder.push(position, &page)?;
            position += 1;
        }
    }
    Ok((builder, b_frames))
}

async fn read_pages(blobs: &Blobs, run: &[(ReelId, PageRef)]) -> Result<Vec<(ReelId, PageRef, Bytes)>, WorkerError> {
    let Some((reel, _)) = run.first() else { return Ok(Vec::new()) };
    let ranges: Vec<_> = run.iter().map(|(_, page)| page.at..page.at.saturating_add(u64::from(page.len))).collect();
    let read = blobs.get_ranges(&samples_index_key(*reel), &ranges).await?;
    Ok(run.iter().zip(read).map(|((reel, page), bytes)| (*reel, *page, bytes)).collect())
}

fn reorders(fragment: &reel::Fragment) -> bool {
    fragment.track == TrackKind::Video
        && fragment.samples.windows(2).any(|pair| matches!(pair, [a, b] if a.cto != b.cto))
}

fn analysis(
    timeline: &Timeline,
    indexes: &BTreeMap<ReelId, ReelIndex>,
    facts: &Facts,
    size_bytes: u64,
    b_frames: bool,
) -> Analysis {
    let duration_ticks = i64::try_from(facts.duration).unwrap_or(i64::MAX);
    let duration_s = MediaTime::reel(duration_ticks).seconds();
    let mut tracks = Vec::new();
    if let Some(video) = &facts.video {
        let record = first_epoch(timeline, indexes, |epoch| epoch.video.as_ref().map(|video| video.record.clone()));
        let avc = record.and_then(|record| AvcConfig::parse(&record).ok());
        tracks.push(TrackFacts {
            codec: "h264".to_owned(),
            profile: avc.as_ref().map(avc_profile).unwrap_or_default().to_owned(),
            timescale: Timescale::REEL.get(),
            duration_s,
            bitrate_kbps: kilo(video.bitrate_bps),
            frames: video.frames,
            media: MediaFacts::Video {
                width: u32::from(video.width),
                height: u32::from(video.height),
                fps: fps(video.frame_rate_milli),
                level: avc.map_or(0, |avc| u32::from(avc.level)),
                b_frames,
            },
        });
    }
    if let Some(audio) = &facts.audio {
        let record = first_epoch(timeline, indexes, |epoch| epoch.audio.as_ref().map(|audio| audio.record.clone()));
        let aac = record.and_then(|record| AacConfig::parse(&record).ok());
        tracks.push(TrackFacts {
            codec: "aac".to_owned(),
            profile: aac.as_ref().map(aac_profile).unwrap_or_default().to_owned(),
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

/// What `pick` finds in the parameters of the first segment that has it.
fn first_epoch<T>(
    timeline: &Timeline,
    indexes: &BTreeMap<ReelId, ReelIndex>,
    pick: impl Fn(&reel::Epoch) -> Option<T>,
) -> Option<T> {
    timeline.parts().iter().find_map(|part| pick(indexes.get(&part.reel)?.epoch(part.row.epoch)?))
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
