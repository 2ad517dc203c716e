//! Encodes a cycle while it grows: each chunk as soon as no later media can change it.
//!
//! What is encoded follows from what is known when the first chunk is whole, and stays so to the end of the cycle: the task that is
//! made when the cycle is sealed finds these renditions, and has only the tail encoded.

use blobs::Blobs;
use catalog::{Catalog, NewLiveRun, OPEN_END, Recording, RenditionState};
use encode::{Chunk, Content, Encoding, Format, Growth, Laid, SourceFacts, chunks};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::RecordingId;

use super::marks::{Watermarks, named};
use super::plan::source_facts;
use super::stored::{Stretch, Which, stretch};
use crate::analyse::measure;
use crate::clock::now;

#[derive(Deserialize)]
struct Payload {
    recording: RecordingId,
}

/// Encodes growing cycles.
pub(crate) struct EncodeLive {
    catalog: Catalog,
    blobs: Blobs,
}

impl EncodeLive {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }

    /// What the template group of the recording comes to for what has been recorded, from `begin` on its reel: each encoding once, of
    /// one track.
    async fn encodings(&self, group: &str, facts: &SourceFacts, begin: i64) -> Result<Vec<Encoding>, Failure> {
        let group = self.catalog.template_group(group).await?;
        let templates = group.map_or_else(Vec::new, |group| group.templates);
        let named = named(templates.iter().map(|stored| &stored.template));
        let watermarks = Watermarks::of(&self.catalog, named).await?;
        let mut encodings: Vec<Encoding> = Vec::new();
        for stored in templates {
            // Which part a clip is of is known at the end.
            if stored.template.content != Content::Encoded || stored.template.clip.is_some() {
                continue;
            }
            // What cannot be made of this source is told by the task.
            let Ok(encoding) = stored.template.profile.resolve(facts) else { continue };
            let encoding = watermarks.over(&stored.template.profile, encoding, Laid { zero: begin, begin });
            for track in encoding.tracks().into_iter().flatten() {
                if !encodings.contains(&track) {
                    encodings.push(track);
                }
            }
        }
        Ok(encodings)
    }
}

/// The chunks of a growing cycle that are whole: another segment follows, or the recording was interrupted behind them. Who comes
/// back after an interruption begins a chunk of their own.
fn whole_chunks(stretch: &Stretch, recording: &Recording) -> Vec<Chunk> {
    let last = stretch.rows.last().zip(recording.end_ticks);
    let interrupted = last.is_some_and(|(row, end)| row.begin < end);
    chunks(&stretch.rows, if interrupted { Growth::Over } else { Growth::On })
}

impl Handler for EncodeLive {
    const KIND: &'static str = kind::ENCODE_LIVE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { recording: id } = attempt.payload()?;
        let recording = self.catalog.recording(id).await?;
        let Some((recording, cycle)) = recording.and_then(|recording| Some((recording.clone(), recording.cycle?)))
        else {
            // Sealed meanwhile: the task of its asset has the rest encoded.
            return Ok(Finish::Done);
        };
        let stretch = stretch(&self.blobs, Which::whole(recording.reel, cycle.from_ticks, OPEN_END)).await?;
        let chunks = whole_chunks(&stretch, &recording);
        let Some(last) = chunks.last() else { return Ok(Finish::Done) };
        let run = match self.catalog.live_run(cycle.asset).await? {
            Some(run) => Some(run),
            None => {
                let to = stretch.own(last).last().map_or(cycle.from_ticks, |row| row.end);
                let so_far = reel::Span { reel: recording.reel, from: cycle.from_ticks, to };
                let facts = source_facts(&measure(&self.blobs, &[so_far.into()], Format::Mp4).await?);
                let encodings = self.encodings(&recording.rule.template_group, &facts, stretch.anchor()).await?;
                if encodings.is_empty() {
                    return Ok(Finish::Done);
                }
                let new = NewLiveRun {
                    asset: cycle.asset,
                    source: recording.reel,
                    from_ticks: cycle.from_ticks,
                    facts,
                    encodings: &encodings,
                };
                if self.catalog.begin_live_run(&new, now()).await? {
                    tracing::info!(recording = %id, asset = %cycle.asset, renditions = encodings.len(), "encoding begins while the cycle grows");
                }
                self.catalog.live_run(cycle.asset).await?
            }
        };
        let Some(run) = run.filter(|run| !run.whole && run.state == RenditionState::Encoding) else {
            return Ok(Finish::Done);
        };
        let mut tx = self.catalog.begin().await?;
        tx.grow_live_run(run.id, u32::try_from(chunks.len()).unwrap_or(u32::MAX), now()).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(Finish::Committed)
    }
}
