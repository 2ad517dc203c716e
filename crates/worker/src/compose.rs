//! Joins the cycles of an ended recording to one video: rows and index are read, no byte of media is touched.

use blobs::Blobs;
use catalog::{Catalog, Composable, Composed};
use domain::title;
use encode::Format;
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reel::{Span, joined};
use serde::Deserialize;
use units::RecordingId;
use view::CutSpan;

use crate::analyse::measure;
use crate::clock::now;
use crate::error::{WorkerError, chain};

#[derive(Deserialize)]
struct Payload {
    recording: RecordingId,
}

/// Composes recordings.
pub(crate) struct Compose {
    catalog: Catalog,
    blobs: Blobs,
    cycles_max: u32,
}

impl Compose {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs, cycles_max: u32) -> Self {
        Self { catalog, blobs, cycles_max }
    }

    /// The joined video of these cycles; without content when they are more than may be joined.
    async fn composed(&self, recording: RecordingId, of: &Composable) -> Result<Composed, WorkerError> {
        let at = now();
        let began = of.cycles.first().map_or(at, |cycle| cycle.began);
        let ended = of.cycles.last().map_or(at, |cycle| cycle.ended);
        let mut composed = Composed {
            recording,
            cycles: of.cycles.iter().map(|cycle| cycle.asset).collect(),
            asset: self.catalog.ids().asset(at),
            title: title::of_composed(of.path.stream(), began, ended),
            template_group: of.template_group.clone(),
            began,
            ended,
            content: None,
            analysis: None,
        };
        if u32::try_from(of.cycles.len()).unwrap_or(u32::MAX) > self.cycles_max {
            tracing::warn!(%recording, cycles = of.cycles.len(), max = self.cycles_max, "too many cycles to be joined");
            return Ok(composed);
        }
        let pieces =
            of.cycles.iter().map(|cycle| Span { reel: cycle.reel, from: cycle.from_ticks, to: cycle.to_ticks });
        let spans = joined(pieces);
        let cut: Vec<CutSpan> = spans.iter().copied().map(CutSpan::from).collect();
        composed.analysis = match measure(&self.blobs, &cut, Format::Mp4).await {
            Ok(analysis) => Some(analysis),
            // What is damaged is no reason against a video of the rest: the analysis tries again, and tells.
            Err(error @ (WorkerError::Index { .. } | WorkerError::View(_))) => {
                tracing::warn!(%recording, error = chain(&error), "the joined video cannot be measured yet");
                None
            }
            Err(error) => return Err(error),
        };
        composed.content = Some(spans.iter().map(|span| (span.reel, span.from, span.to)).collect());
        Ok(composed)
    }
}

impl Handler for Compose {
    const KIND: &'static str = kind::COMPOSE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { recording } = attempt.payload()?;
        let Some(composable) = self.catalog.composable(recording).await? else { return Ok(Finish::Done) };
        let composed = self.composed(recording, &composable).await?;
        let mut tx = self.catalog.begin().await?;
        let made = tx.compose(&composed, now()).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        if made {
            tracing::info!(%recording, asset = %composed.asset, cycles = composed.cycles.len(), "recording composed");
        }
        Ok(Finish::Committed)
    }
}
