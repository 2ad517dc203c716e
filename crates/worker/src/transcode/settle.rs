//! Ends the outputs of a task whose renditions have ended, and the task with the last of them.

use blobs::Blobs;
use catalog::{Catalog, Output, OutputEnd, OutputFacts, OutputState, RenditionState, TaskState};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::JobId;
use view::{CutSpan, ViewError};

use crate::analyse::measure;
use crate::clock::now;
use crate::error::{WorkerError, chain};

#[derive(Deserialize)]
struct Payload {
    task: JobId,
}

/// Settles tasks.
pub(crate) struct Settle {
    catalog: Catalog,
    blobs: Blobs,
}

impl Settle {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }

    /// What an output has come to; `None` while something of it is being made.
    async fn end(&self, output: &Output) -> Result<Option<OutputEnd>, Failure> {
        if let Some(error) = &output.error {
            return Ok(Some(OutputEnd::Failed(error.clone())));
        }
        let renditions = self.catalog.renditions_of_output(output.id).await?;
        if let Some(failed) = renditions.iter().find(|rendition| rendition.state == RenditionState::Failed) {
            return Ok(Some(OutputEnd::Failed(failed.error.clone().unwrap_or_default())));
        }
        if renditions.iter().any(|rendition| rendition.state != RenditionState::Ready) {
            return Ok(None);
        }
        let spans = self.catalog.output_spans(output.id).await?;
        let cut: Vec<CutSpan> = spans
            .iter()
            .map(|one| CutSpan {
                span: reel::Span { reel: one.reel, from: one.from_ticks, to: one.to_ticks },
                sound: one.sound_reel,
            })
            .collect();
        let analysis = match measure(&self.blobs, &cut, output.template.format).await {
            Ok(analysis) => analysis,
            // What is delivered as it is need not fit the format.
            Err(WorkerError::View(error @ (ViewError::Format { .. } | ViewError::NoSuch { .. }))) => {
                return Ok(Some(OutputEnd::Failed(chain(&error))));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(OutputEnd::Made(OutputFacts {
            width: analysis.width,
            height: analysis.height,
            fps: analysis.fps,
            bitrate_kbps: analysis.bitrate_kbps,
            duration_ticks: analysis.duration_ticks,
            size_bytes: analysis.size_bytes,
            tracks: analysis.tracks,
        })))
    }
}

impl Handler for Settle {
    const KIND: &'static str = kind::SETTLE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { task: id } = attempt.payload()?;
        let Some(task) = self.catalog.transcode_task(id).await?.filter(|task| task.state == TaskState::Running) else {
            return Ok(Finish::Done);
        };
        let mut ends = Vec::new();
        for output in self.catalog.outputs_of_task(id).await? {
            if output.state == OutputState::Running
                && let Some(end) = self.end(&output).await?
            {
                ends.push((output, end));
            }
        }
        let mut tx = self.catalog.begin().await?;
        for (output, end) in ends {
            tx.finish_output(&output, end, now()).await?;
        }
        tx.finish_task(&task, now()).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(Finish::Committed)
    }
}
