//! Ends the outputs of a task whose renditions have ended, and the task with the last of them.

use blobs::Blobs;
use catalog::{Catalog, Output, OutputEnd, OutputFacts, OutputState, RenditionState, TaskState};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::JobId;
use view::{CutSpan, Member, Package, ViewError};

use crate::analyse::{lay_out, measure};
use crate::clock::now;
use crate::error::{WorkerError, chain};

/// Why a package comes to nothing.
const NOTHING_TO_OFFER: &str = "none of the outputs that the package would offer was made";

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
        let cut = self.cut(output).await?;
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

    async fn cut(&self, output: &Output) -> Result<Vec<CutSpan>, Failure> {
        let spans = self.catalog.output_spans(output.id).await?;
        let cut = spans.iter().map(|one| CutSpan {
            span: reel::Span { reel: one.reel, from: one.from_ticks, to: one.to_ticks },
            sound: one.sound_reel,
        });
        Ok(cut.collect())
    }

    /// What a package has come to, now that all other outputs of its task have ended: the facts of the best that it offers, and
    /// the bytes of all.
    async fn end_of_package(&self, others: &[Output]) -> Result<OutputEnd, Failure> {
        let offered: Vec<&Output> = others.iter().filter(|output| output.is_packed()).collect();
        let pixels = |facts: &OutputFacts| u64::from(facts.width) * u64::from(facts.height);
        let best = offered.iter().filter_map(|output| output.facts.as_ref());
        let Some(best) = best.max_by_key(|facts| (pixels(facts), facts.bitrate_kbps)) else {
            return Ok(OutputEnd::Failed(NOTHING_TO_OFFER.to_owned()));
        };
        let mut laid = Vec::with_capacity(offered.len());
        for output in &offered {
            laid.push(lay_out(&self.blobs, &self.cut(output).await?).await?);
        }
        let members = offered.iter().zip(&laid).map(|(output, timeline)| Member {
            bandwidth_bps: output.template.bandwidth_bps,
            ..Member::new(timeline, "")
        });
        Ok(match Package::new(members.collect()) {
            Ok(package) => OutputEnd::Made(OutputFacts { size_bytes: package.stored_bytes(), ..best.clone() }),
            Err(error) => OutputEnd::Failed(chain(&error)),
        })
    }
}

impl Handler for Settle {
    const KIND: &'static str = kind::SETTLE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { task: id } = attempt.payload()?;
        let Some(task) = self.catalog.transcode_task(id).await?.filter(|task| task.state == TaskState::Running) else {
            return Ok(Finish::Done);
        };
        let (packages, mut others): (Vec<Output>, Vec<Output>) =
            self.catalog.outputs_of_task(id).await?.into_iter().partition(|output| output.template.is_package());
        let mut ends = Vec::new();
        for output in others.iter_mut().filter(|output| output.state == OutputState::Running) {
            if let Some(end) = self.end(output).await? {
                ends.push((output.clone(), end.clone()));
                (output.state, output.facts) = match end {
                    OutputEnd::Made(facts) => (OutputState::Done, Some(facts)),
                    OutputEnd::Failed(_) | OutputEnd::Cancelled => (OutputState::Failed, None),
                };
            }
        }
        if others.iter().all(|output| output.state != OutputState::Running) {
            for package in packages.into_iter().filter(|package| package.state == OutputState::Running) {
                ends.push((package, self.end_of_package(&others).await?));
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
