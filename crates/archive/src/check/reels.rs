//! A reel against its rows: every segment that an asset needs is there, whole, and where the index says.

use std::collections::{BTreeMap, BTreeSet};

use blobs::{BlobError, Blobs};
use bytes::Bytes;
use catalog::{AuditedRecording, Claim, ClaimState, Reel, ReelState, RenditionState, Subject, UploadState};
use codec::TrackKind;
use reel::{
    Epoch, ReelIndex, SamplePage, ScanEnd, SegmentRow, fragment_checks, read_checks, reel_key, samples_index_key,
    scan_segment, segment_key, segments_index_key,
};
use units::{MediaTime, ReelId};

use super::{BY_MENDING, Check, Depth, FROM_A_COPY, Mend};
use crate::description::description_key;
use crate::error::Result;

/// A reel while it is looked at.
struct Looked<'a> {
    id: ReelId,
    sealed: bool,
    claims: &'a [Claim],
    checks: BTreeMap<u32, Vec<u32>>,
    /// Ticks per second of each track, by epoch.
    scales: BTreeMap<(u32, TrackKind), i64>,
    pages: Bytes,
    files: BTreeMap<String, u64>,
}

pub(super) async fn check_reel(check: &mut Check<'_>, reel: &Reel, recording: Option<&AuditedRecording>) -> Result<()> {
    check.report.reels += 1;
    let claims = check.catalog.claims_on_reel(reel.id).await?;
    let place = format!("reel {}", reel.id);
    super::assets::check_description(check, Subject::Reel(reel.id), &place).await?;
    if reel.state == ReelState::Deleted {
        for claim in claims.iter().filter(|claim| claim.state == ClaimState::Live) {
            let what = format!("asset {} is made of it, but it is marked as removed", claim.asset);
            check.found(&place, what, "bring the catalog back from storage with `reprise rebuild`", None);
        }
        return Ok(());
    }
    if recording.is_none() {
        match check.catalog.rendition(reel.id).await? {
            Some(rendition) if rendition.state == RenditionState::Ready => {}
            // It is being made, or was given up: nothing needs it.
            Some(_) => return Ok(()),
            None => match check.catalog.upload_of_reel(reel.id).await? {
                Some(upload) if upload.state == UploadState::Done => {}
                // Its file is being taken over, or nothing came of it.
                Some(_) => return Ok(()),
                None => {
                    check.found(
                        &place,
                        "neither a recording, a rendition nor an uploaded file belongs to it",
                        "bring the catalog back from storage with `reprise rebuild`",
                        None,
                    );
                    return Ok(());
                }
            },
        }
    }
    let sealed = reel.state == ReelState::Sealed;
    if let Some(recording) = recording
        && recording.ended != sealed
    {
        let (one, other) = if sealed { ("complete", "not over") } else { ("still growing", "over") };
        let what = format!("it is {one}, but its recording {} is {other}", recording.id);
        check.found(
            &place,
            what,
            "start the server: it takes the recording up",
            recording.ended.then_some(Mend::Reopen(recording.id, u32::MAX)),
        );
    }
    let listed = check.blobs.list(&reel_key(reel.id)).await?;
    let files: BTreeMap<String, u64> = listed.into_iter().map(|object| (object.key, object.size)).collect();
    let index_file = get(check.blobs, &segments_index_key(reel.id)).await?;
    let (index, whole, _) = ReelIndex::read(&index_file);
    let pages = get(check.blobs, &samples_index_key(reel.id)).await?;
    let checks = if check.depth == Depth::Media { read_checks(&index_file) } else { BTreeMap::new() };
    let scales = scales(&index);
    let mut looked = Looked { id: reel.id, sealed, claims: &claims, checks, scales, pages, files };
    if sealed && whole < u64::try_from(index_file.len()).unwrap_or(u64::MAX) {
        let what = format!("its index is damaged from byte {whole} on");
        check.found(&place, what, BY_MENDING, Some(Mend::Reindex(reel.id)));
    }
    for row in &index.segments {
        check_segment(check, &mut looked, row).await?;
    }
    check_claims(check, &looked, &index);
    if sealed {
        check_leftovers(check, &looked, &index);
        if let Some(recording) = recording {
            check_cycles(check, recording, &index).await?;
        }
    }
    Ok(())
}

fn scales(index: &ReelIndex) -> BTreeMap<(u32, TrackKind), i64> {
    let tracks = [TrackKind::Video, TrackKind::Audio];
    let of = |epoch: &Epoch, track| Some(((epoch.number, track), i64::from(epoch.scale(track)?.get())));
    index.epochs.iter().flat_map(|epoch| tracks.map(|track| of(epoch, track))).flatten().collect()
}

/// An object, or nothing when it is not there.
async fn get(blobs: &Blobs, key: &str) -> Result<Bytes> {
    match blobs.get(key).await {
        Ok(bytes) => Ok(bytes),
        Err(BlobError::NotFound { .. }) => Ok(Bytes::new()),
        Err(error) => Err(error.into()),
    }
}

impl Looked<'_> {
    fn claim_of(&self, row: &SegmentRow) -> Option<&Claim> {
        let within = |claim: &&Claim| (claim.from_ticks..claim.to_ticks).contains(&row.begin);
        // The one that needs it most.
        self.claims.iter().filter(within).min_by_key(|claim| match claim.state {
            ClaimState::Live => 0,
            ClaimState::Deleted => 1,
            ClaimState::Freed => 2,
        })
    }

    /// `asset 6f0c…, from second 12.0 to 16.0`, with the segment.
    fn place_of(&self, row: &SegmentRow, from: i64, to: i64) -> String {
        let segment = format!("reel {}, segment {}", self.id, row.number);
        match self.claim_of(row) {
            Some(claim) => {
                let second = |ticks: i64| MediaTime::reel(ticks - claim.from_ticks + claim.before_ticks).seconds();
                let (from, to) = (second(from.max(claim.from_ticks)), second(to.min(claim.to_ticks)));
                format!("asset {}, from second {from:.1} to {to:.1} ({segment})", claim.asset)
            }
            None => format!("{segment} (of no asset)"),
        }
    }
}

async fn check_segment(check: &mut Check<'_>, looked: &mut Looked<'_>, row: &SegmentRow) -> Result<()> {
    check.report.segments += 1;
    let key = segment_key(looked.id, row.number);
    let place = looked.place_of(row, row.begin, row.end);
    let freed = looked.claim_of(row).is_some_and(|claim| claim.state == ClaimState::Freed);
    let Some(size) = looked.files.remove(&key) else {
        if !freed {
            check.found(place, format!("{key} is not there"), FROM_A_COPY, None);
        }
        return Ok(());
    };
    if size < row.bytes {
        check.found(&place, format!("{key} has {size} bytes instead of {}", row.bytes), FROM_A_COPY, None);
        return Ok(());
    }
    if size > row.bytes && looked.sealed {
        let what = format!("{key} has {} bytes behind its end", size - row.bytes);
        check.found(&place, what, "nothing is lost: players do not see them", None);
    }
    let reindex = || Some(Mend::Reindex(looked.id));
    let from = usize::try_from(row.page.at).unwrap_or(usize::MAX);
    let to = from.saturating_add(usize::try_from(row.page.len).unwrap_or(usize::MAX));
    let page = match looked.pages.get(from..to).map(|bytes| SamplePage::decode(bytes, row.page.crc)) {
        Some(Ok(page)) => page,
        Some(Err(error)) => {
            check.found(&place, error.to_string(), BY_MENDING, reindex());
            return Ok(());
        }
        None => {
            check.found(&place, "its sample page is not there", BY_MENDING, reindex());
            return Ok(());
        }
    };
    if check.depth == Depth::Media {
        check_media(check, looked, row, &page).await?;
    }
    Ok(())
}

/// Reads a whole segment: it says of itself what its row says, and no bit of it has changed.
async fn check_media(check: &mut Check<'_>, looked: &Looked<'_>, row: &SegmentRow, page: &SamplePage) -> Result<()> {
    let bytes = get(check.blobs, &segment_key(looked.id, row.number)).await?;
    let end = usize::try_from(row.bytes).unwrap_or(usize::MAX).min(bytes.len());
    let bytes = bytes.slice(..end);
    check.report.media_bytes += row.bytes;
    // The checksums first: they say where, to the fragment.
    let found = fragment_checks(&bytes, &page.fragments);
    if let Some(expected) = looked.checks.get(&row.number) {
        for (number, fragment) in page.fragments.iter().enumerate() {
            if expected.get(number) == found.get(number) {
                continue;
            }
            let scale = looked.scales.get(&(row.epoch, fragment.track)).copied().unwrap_or(90_000);
            let ticks = |time: i64| i64::try_from(i128::from(time) * 90_000 / i128::from(scale)).unwrap_or(i64::MAX);
            let (pts, pts_end) = fragment.pts_range();
            let place = looked.place_of(row, ticks(pts), ticks(pts_end));
            let what = format!(
                "the stored {} is damaged: its checksum does not fit",
                if fragment.track == TrackKind::Video { "picture" } else { "sound" }
            );
            check.found(place, what, FROM_A_COPY, None);
        }
    }
    let scanned = scan_segment(&bytes);
    let place = || looked.place_of(row, row.begin, row.end);
    if scanned.end != ScanEnd::Whole {
        let what = format!("it cannot be read beyond byte {}", scanned.whole_bytes);
        check.found(place(), what, FROM_A_COPY, None);
    } else if scanned.page != *page {
        check.found(
            place(),
            "its index says something else than its media",
            BY_MENDING,
            Some(Mend::Reindex(looked.id)),
        );
    } else if !scanned.heads.first().is_some_and(|head| head.reel == looked.id && head.segment == row.number) {
        check.found(place(), "it is the file of another segment", FROM_A_COPY, None);
    }
    Ok(())
}

/// Every claim has media.
fn check_claims(check: &mut Check<'_>, looked: &Looked<'_>, index: &ReelIndex) {
    for claim in looked.claims.iter().filter(|claim| claim.state == ClaimState::Live) {
        if index.between(claim.from_ticks, claim.to_ticks).is_empty() {
            let place = format!("asset {}", claim.asset);
            let what = format!("no media of it is in the index of reel {}", looked.id);
            check.found(place, what, BY_MENDING, Some(Mend::Reindex(looked.id)));
        }
    }
}

/// Files of a complete reel that its index does not have.
fn check_leftovers(check: &mut Check<'_>, looked: &Looked<'_>, index: &ReelIndex) {
    let own = [
        segments_index_key(looked.id),
        samples_index_key(looked.id),
        reel::reel_description_key(looked.id),
        description_key(Subject::Reel(looked.id)),
    ];
    for (key, size) in looked.files.iter().filter(|(key, _)| !own.contains(*key)) {
        let next = u32::try_from(index.segments.len()).unwrap_or(u32::MAX);
        let place = format!("reel {}", looked.id);
        if *key == segment_key(looked.id, next) && *size > 0 {
            check.found(place, format!("{key} is not in its index"), BY_MENDING, Some(Mend::Reindex(looked.id)));
        } else if *size > 0 || !key.ends_with(".m4s") {
            check.found(place, format!("{key} belongs to nothing"), "remove it when you do not know it either", None);
        }
    }
}

/// Every cycle that has media is an asset, be it a deleted one.
async fn check_cycles(check: &mut Check<'_>, recording: &AuditedRecording, index: &ReelIndex) -> Result<()> {
    let made = check.catalog.assets_by_cycle(recording.id).await?;
    let stored: BTreeSet<u32> = index.segments.iter().map(|row| row.cycle).collect();
    if let Some(missing) = stored.iter().find(|cycle| !made.contains_key(cycle)) {
        let what = format!("its cycle {missing} has media but never became a video");
        let advice = "run the check with --mend, then start the server: it makes the video and tells it";
        let place = format!("recording {}", recording.id);
        check.found(place, what, advice, Some(Mend::Reopen(recording.id, *missing)));
    }
    Ok(())
}
