//! The receipt of an asset: what was sent, what of it is kept, and what is not and why.

use std::collections::BTreeMap;
use std::time::Duration;

use blobs::{BlobError, Blobs};
use catalog::{Asset, Catalog, Feed, Span};
use reel::{Epoch, Join, LossCause, ReelIndex, SegmentRow, segments_index_key};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use units::{AssetId, MediaTime, PushId, RecordingId, ReelId, WallTime};

use crate::description::{describe_first, put_json};
use crate::error::Result;

/// The story of an asset. Times are ISO 8601 in UTC; `At` counts seconds from the asset's beginning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Receipt {
    /// The asset.
    pub video_id: AssetId,
    /// The recording it comes from; `None`: it was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording_id: Option<RecordingId>,
    /// Which cycle of the recording it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle: Option<u32>,
    /// When its first media arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When its last media arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Its length in seconds.
    pub duration: f64,
    /// The pushes that it is made of, in order.
    pub pushes: Vec<ReceiptPush>,
    /// Where media is missing, in order.
    pub gaps: Vec<ReceiptGap>,
    /// The parameters it begins with, and each change of them.
    pub parameters: Vec<ReceiptParameters>,
    /// All cycles of its recording that are assets.
    pub cycles: Vec<ReceiptCycle>,
}

/// One push.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiptPush {
    /// Its id.
    pub push_id: PushId,
    /// The publisher's address.
    pub client: String,
    /// When it was accepted.
    pub from: String,
    /// When it ended; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_cause: Option<String>,
    /// Frames of it that are in no asset, by reason; absent until it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Json>,
}

/// One place where media is missing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiptGap {
    /// Seconds from the asset's beginning to the first media after it.
    pub at: f64,
    /// When media was there again.
    pub time: String,
    /// `interruption`: the push was lost and came back, or the server did; `leap`: the publisher's clock leapt;
    /// `disk-full`, `disk-failed`, `disk-slow`: media that came could not be stored. A loss at the very end has the time and
    /// place of the last stored media.
    pub cause: String,
    /// Wall time without media in milliseconds; absent when nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_ms: Option<u64>,
}

/// The parameters of the tracks from some point on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiptParameters {
    /// Seconds from the asset's beginning.
    pub at: f64,
    /// `h264 1280x720`; absent without pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
    /// `aac 48000 Hz, 2 channels`; absent without sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
}

/// One cycle of the recording.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiptCycle {
    /// Which.
    pub cycle: u32,
    /// The asset that it became.
    pub video_id: AssetId,
    /// When its first media arrived.
    pub from: String,
    /// When its last media arrived.
    pub to: String,
}

/// Key of the stored receipt of an asset.
pub fn receipt_key(asset: AssetId) -> String {
    format!("assets/{asset}/receipt.json")
}

/// The receipt of an asset as it stands now; `None` when there is no such asset, or it is deleted.
pub async fn receipt_of(catalog: &Catalog, blobs: &Blobs, id: AssetId) -> Result<Option<Receipt>> {
    let Some(asset) = catalog.asset(id).await? else { return Ok(None) };
    compose(catalog, blobs, &asset, &mut BTreeMap::new()).await.map(Some)
}

/// Stores the receipt of an asset.
pub async fn write_receipt(catalog: &Catalog, blobs: &Blobs, asset: &Asset) -> Result<()> {
    let receipt = compose(catalog, blobs, asset, &mut BTreeMap::new()).await?;
    describe_first(catalog, blobs, asset.id).await?;
    put_json(blobs, &receipt_key(asset.id), &receipt).await
}

/// Stores the receipts of the assets of a recording that are not deleted. The index of the reel is read once.
pub async fn write_receipts(catalog: &Catalog, blobs: &Blobs, recording: RecordingId) -> Result<()> {
    let mut indexes = BTreeMap::new();
    let assets = catalog.assets_of_recording(recording).await?;
    // Of a source that was deleted the receipt that was written before tells more.
    for asset in assets.into_iter().filter(|asset| asset.source_deleted.is_none()) {
        let receipt = compose(catalog, blobs, &asset, &mut indexes).await?;
        describe_first(catalog, blobs, asset.id).await?;
        put_json(blobs, &receipt_key(asset.id), &receipt).await?;
    }
    Ok(())
}

/// What of a recording is stored by now.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SoFar {
    /// Seconds of media in its sealed segments; the one that grows, of some four seconds, is not counted.
    pub seconds: f64,
    /// Bytes of these segments.
    pub bytes: u64,
    /// Where media is missing, in order; `at` counts from the recording's beginning.
    pub gaps: Vec<ReceiptGap>,
}

/// What of the recording that writes a reel is stored by now; `None`: there is no index of it yet, or not here.
pub async fn recorded_so_far(blobs: &Blobs, reel: ReelId) -> Result<Option<SoFar>> {
    let index = index_of(blobs, reel).await?;
    let (Some(first), Some(last)) = (index.segments.first(), index.segments.last()) else { return Ok(None) };
    let bytes = index.segments.iter().fold(0u64, |all, row| all.saturating_add(row.bytes));
    let seconds = MediaTime::reel(last.end.saturating_sub(first.begin)).seconds();
    let mut gaps: Vec<ReceiptGap> =
        index.segments.iter().filter_map(|row| gap_at(row, row.begin.saturating_sub(first.begin))).collect();
    gaps.extend(lost_end_at(&index, last, last.end.saturating_sub(first.begin)));
    Ok(Some(SoFar { seconds, bytes, gaps }))
}

async fn compose(
    catalog: &Catalog,
    blobs: &Blobs,
    asset: &Asset,
    indexes: &mut BTreeMap<ReelId, ReelIndex>,
) -> Result<Receipt> {
    let mut receipt = Receipt {
        video_id: asset.id,
        recording_id: None,
        cycle: None,
        from: None,
        to: None,
        duration: MediaTime::reel(asset.duration_ticks).seconds(),
        pushes: Vec::new(),
        gaps: Vec::new(),
        parameters: Vec::new(),
        cycles: Vec::new(),
    };
    if let Some(origin) = &asset.origin {
        receipt.recording_id = Some(origin.recording);
        receipt.cycle = origin.cycle;
        receipt.from = Some(origin.began.to_iso8601());
        receipt.to = Some(origin.ended.to_iso8601());
        let feeds = catalog.feeds_of_recording(origin.recording).await?;
        receipt.pushes = feeds.iter().filter(|feed| touches(feed, origin.began, origin.ended)).map(push_told).collect();
        for cycle in catalog.assets_of_recording(origin.recording).await? {
            let Some((of, number)) = cycle.origin.and_then(|origin| Some((origin.clone(), origin.cycle?))) else {
                continue;
            };
            let (from, to) = (of.began.to_iso8601(), of.ended.to_iso8601());
            receipt.cycles.push(ReceiptCycle { cycle: number, video_id: cycle.id, from, to });
        }
    }
    let mut before = 0;
    for span in catalog.spans(asset.id).await? {
        if let std::collections::btree_map::Entry::Vacant(place) = indexes.entry(span.reel) {
            place.insert(index_of(blobs, span.reel).await?);
        }
        if let Some(index) = indexes.get(&span.reel) {
            read_span(index, &span, before, &mut receipt);
        }
        before += span.to_ticks.saturating_sub(span.from_ticks);
    }
    Ok(receipt)
}

/// The index of a reel as far as it holds; empty when there is none.
pub(crate) async fn index_of(blobs: &Blobs, reel: ReelId) -> Result<ReelIndex> {
    match blobs.get(&segments_index_key(reel)).await {
        Ok(file) => Ok(ReelIndex::read(&file).0),
        Err(BlobError::NotFound { .. }) => Ok(ReelIndex::default()),
        Err(error) => Err(error.into()),
    }
}

fn touches(feed: &Feed, began: WallTime, ended: WallTime) -> bool {
    feed.attached <= ended && feed.push.as_ref().and_then(|push| push.ended).is_none_or(|at| at >= began)
}

fn push_told(feed: &Feed) -> ReceiptPush {
    let push = feed.push.as_ref();
    ReceiptPush {
        push_id: feed.id,
        client: push.map(|push| push.info.client.clone()).unwrap_or_default(),
        from: push.map_or(feed.attached, |push| push.info.began).to_iso8601(),
        to: push.and_then(|push| push.ended).map(WallTime::to_iso8601),
        end_cause: push.and_then(|push| push.end_reason.clone()),
        left_out: serde_json::from_str(&feed.left_out).ok(),
    }
}

/// Adds what the index tells of one span, whose asset has `before` ticks of others before it.
fn read_span(index: &ReelIndex, span: &Span, before: i64, receipt: &mut Receipt) {
    let mut epoch = None;
    for row in index.between(span.from_ticks, span.to_ticks) {
        let ticks = row.begin.saturating_sub(span.from_ticks).saturating_add(before);
        let at = MediaTime::reel(ticks).seconds();
        receipt.gaps.extend(gap_at(row, ticks));
        if epoch != Some(row.epoch) {
            epoch = Some(row.epoch);
            if let Some(parameters) = index.epoch(row.epoch) {
                let told = parameters_told(at, parameters);
                let same = |last: &ReceiptParameters| (&last.video, &last.audio) == (&told.video, &told.audio);
                if !receipt.parameters.last().is_some_and(same) {
                    receipt.parameters.push(told);
                }
            }
        }
    }
    read_lost_end(index, span, before, receipt);
}

/// Adds what was lost after the last segment of the reel, when the span goes that far.
fn read_lost_end(index: &ReelIndex, span: &Span, before: i64, receipt: &mut Receipt) {
    let Some(last) = index.segments.last() else { return };
    if (span.from_ticks..span.to_ticks).contains(&last.begin) {
        let ticks = last.end.saturating_sub(span.from_ticks).saturating_add(before);
        receipt.gaps.extend(lost_end_at(index, last, ticks));
    }
}

/// The gap before a segment that stands at `ticks`.
fn gap_at(row: &SegmentRow, ticks: i64) -> Option<ReceiptGap> {
    let (cause, length_ms) = gap_before(row)?;
    let (at, time) = (MediaTime::reel(ticks).seconds(), row.wall.to_iso8601());
    Some(ReceiptGap { at, time, cause: cause.to_owned(), length_ms })
}

/// What was lost after the last segment, which ends at `ticks`.
fn lost_end_at(index: &ReelIndex, last: &SegmentRow, ticks: i64) -> Option<ReceiptGap> {
    let lost = index.lost_end.as_ref()?;
    let length_ms = u64::try_from((last.end - last.begin).max(0) / 90).unwrap_or(0);
    Some(ReceiptGap {
        at: MediaTime::reel(ticks).seconds(),
        time: last.wall.after(Duration::from_millis(length_ms)).to_iso8601(),
        cause: lost_word(lost.cause).to_owned(),
        length_ms: Some(lost.gap_ms),
    })
}

fn gap_before(row: &SegmentRow) -> Option<(&'static str, Option<u64>)> {
    match row.join {
        Join::Start | Join::Continuous => None,
        Join::Resumed { gap_ms } => Some(("interruption", Some(gap_ms))),
        Join::Leapt => Some(("leap", None)),
        Join::Lost { gap_ms, cause } => Some((lost_word(cause), Some(gap_ms))),
    }
}

const fn lost_word(cause: LossCause) -> &'static str {
    match cause {
        LossCause::Full => "disk-full",
        LossCause::Failed => "disk-failed",
        LossCause::Slow => "disk-slow",
    }
}

fn parameters_told(at: f64, epoch: &Epoch) -> ReceiptParameters {
    ReceiptParameters {
        at,
        video: epoch
            .video
            .as_ref()
            .map(|video| format!("{} {}x{}", format!("{:?}", video.codec).to_lowercase(), video.width, video.height)),
        audio: epoch.audio.as_ref().map(|audio| {
            let codec = format!("{:?}", audio.codec).to_lowercase();
            format!("{codec} {} Hz, {} channels", audio.sample_rate, audio.channels)
        }),
    }
}
