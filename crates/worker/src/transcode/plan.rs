//! What a transcode task has to make.

use blobs::Blobs;
use catalog::{Analysis, AssetStatus, Catalog, MediaFacts, PlannedOutput, PlannedPiece, PlannedSpan, TaskState};
use encode::{Format, SourceFacts, Template};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::JobId;
use view::CutSpan;

use super::stored::stretch;
use crate::analyse::measure;
use crate::clock::now;
use crate::error::chain;

#[derive(Deserialize)]
struct Payload {
    task: JobId,
}

/// Plans tasks.
pub(crate) struct Plan {
    catalog: Catalog,
    blobs: Blobs,
}

impl Plan {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }

    /// The spans of an asset, cut where others begin and end, and where renditions do: what is joined of several videos takes
    /// the renditions that these have.
    async fn pieces(&self, cut: &[reel::Span]) -> Result<Vec<reel::Span>, Failure> {
        let mut pieces = Vec::new();
        for span in cut {
            let mut borders = vec![span.from, span.to];
            for other in self.catalog.spans_on_reel(span.reel).await? {
                borders.extend([other.from_ticks, other.to_ticks]);
            }
            for rendition in self.catalog.renditions_of_reel(span.reel).await? {
                borders.extend([rendition.from_ticks, rendition.to_ticks]);
            }
            borders.retain(|border| (span.from..=span.to).contains(border));
            borders.sort_unstable();
            borders.dedup();
            pieces.extend(borders.windows(2).filter_map(|pair| match pair {
                [from, to] => Some(reel::Span { from: *from, to: *to, ..*span }),
                _ => None,
            }));
        }
        Ok(pieces)
    }
}

impl Handler for Plan {
    const KIND: &'static str = kind::TRANSCODE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { task: id } = attempt.payload()?;
        let Some(task) = self.catalog.transcode_task(id).await? else {
            return Err(Failure::GiveUp(format!("there is no transcode task {id}")));
        };
        let asset = self.catalog.asset(task.asset).await?;
        let found = self.catalog.spans(task.asset).await?;
        if task.state != TaskState::Planning || found.is_empty() {
            // Planned already, or its asset was deleted before its turn came.
            return Ok(Finish::Done);
        }
        // A group that is gone, like an empty one, makes nothing: the task ends as failed.
        let group = self.catalog.template_group(&task.template_group).await?;
        let templates = group.map_or_else(Vec::new, |group| group.templates);
        let cut: Vec<reel::Span> =
            found.iter().map(|span| reel::Span { reel: span.reel, from: span.from_ticks, to: span.to_ticks }).collect();
        let whole: Vec<CutSpan> = cut.iter().copied().map(CutSpan::from).collect();
        let facts = match self.catalog.live_run(task.asset).await? {
            Some(live) => live.facts,
            None => source_facts(&measure(&self.blobs, &whole, Format::Mp4).await?),
        };
        let mut spans = Vec::with_capacity(cut.len());
        for span in self.pieces(&cut).await? {
            let chunks = stretch(&self.blobs, span.reel, span.from, span.to).await?.chunks.len();
            if chunks > 0 {
                spans.push(PlannedSpan {
                    source: span.reel,
                    from_ticks: span.from,
                    to_ticks: span.to,
                    chunks: u32::try_from(chunks).unwrap_or(u32::MAX),
                });
            }
        }
        let outputs: Vec<PlannedOutput> =
            templates.into_iter().map(|stored| planned(stored.template, &spans, &facts)).collect();
        tracing::info!(
            asset = %task.asset, task = %id, outputs = outputs.len(), first = asset.is_some_and(|asset| asset.status == AssetStatus::UploadSucc),
            "transcoding begins"
        );
        let mut tx = self.catalog.begin().await?;
        tx.plan_transcode(&task, &outputs, now()).await?;
        tx.forsake_live_run(task.asset, now()).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(Finish::Committed)
    }
}

fn planned(template: Template, spans: &[PlannedSpan], facts: &SourceFacts) -> PlannedOutput {
    let pieces = match template.profile.resolve(facts) {
        Ok(encoding) => Ok(spans.iter().map(|span| PlannedPiece { span: *span, encoding: encoding.clone() }).collect()),
        Err(error) => Err(chain(&error)),
    };
    PlannedOutput { template, pieces }
}

pub(super) fn source_facts(analysis: &Analysis) -> SourceFacts {
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let mut facts = SourceFacts { width: analysis.width, height: analysis.height, ..SourceFacts::default() };
    for track in &analysis.tracks {
        match track.media {
            MediaFacts::Video { .. } => facts.video_kbps = small(track.bitrate_kbps),
            MediaFacts::Audio { .. } => {
                facts.audio_kbps = small(track.bitrate_kbps);
                facts.has_audio = true;
            }
        }
    }
    facts
}
