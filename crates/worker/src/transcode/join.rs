//! Makes the renditions of a run whole: their indexes are put together from what the chunks add. No media is touched.

use blobs::Blobs;
use catalog::{Catalog, EncodeRun, RenditionState};
use encode::{Chunk, Encoding};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reel::{
    Epoch, PageRef, SegmentRow, encode_checks, encode_epoch, encode_row, samples_index_key, segments_index_key,
};
use serde::Deserialize;
use units::{JobId, ReelId};

use super::stored::{Stretch, Which, part, part_keys, stretch};
use crate::clock::now;

#[derive(Deserialize)]
struct Payload {
    run: JobId,
}

/// Joins chunks.
pub(crate) struct JoinRun {
    catalog: Catalog,
    blobs: Blobs,
}

impl JoinRun {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }

    /// The chunks that do not lie on their source. One that was encoded while the recording went on may have been made of
    /// media that a power loss took.
    async fn misfits(&self, run: &EncodeRun, source: &Stretch) -> Result<Vec<(u32, String)>, Failure> {
        let mut misfits = Vec::new();
        for (number, chunk) in (0u32..).zip(&source.chunks) {
            for rendition in &run.renditions {
                let part = part(&self.blobs, rendition.reel, number).await?;
                if let Err(why) = agree(&part.index.segments, source, chunk, &rendition.encoding) {
                    misfits.push((number, why));
                    break;
                }
            }
        }
        Ok(misfits)
    }

    async fn join(&self, reel: ReelId, source: &Stretch) -> Result<(), Failure> {
        let (mut rows, mut pages) = (Vec::new(), Vec::new());
        let mut epochs: Vec<Epoch> = Vec::new();
        let base = source.rows.first().map_or(0, |row| row.number);
        for (number, chunk) in (0u32..).zip(&source.chunks) {
            let part = part(&self.blobs, reel, number).await?;
            let own = source.own(chunk);
            let epoch = part.index.epochs.first().cloned().ok_or_else(|| differs("parameters"))?;
            let epoch = Epoch { number: chunk.epoch, ..epoch };
            match usize::try_from(chunk.epoch).ok().and_then(|at| epochs.get_mut(at)) {
                Some(known) => *known = agreed(known, &epoch).ok_or_else(|| differs("parameters"))?,
                None => epochs.push(epoch),
            }
            let at = u64::try_from(pages.len()).unwrap_or(u64::MAX);
            for ((row, checks), source) in part.index.segments.into_iter().zip(part.checks).zip(own) {
                let page = PageRef { at: row.page.at.saturating_add(at), ..row.page };
                let number = source.number.saturating_sub(base);
                rows.extend(encode_row(&SegmentRow { number, epoch: chunk.epoch, page, ..row }));
                rows.extend(encode_checks(number, &checks));
            }
            pages.extend_from_slice(&part.pages);
        }
        // Before the rows that name them.
        let rows = epochs.iter().flat_map(encode_epoch).chain(rows).collect::<Vec<u8>>();
        let put = async {
            // The pages before the rows that speak of them.
            self.blobs.put(&samples_index_key(reel), pages.into()).await?;
            self.blobs.put(&segments_index_key(reel), rows.into()).await
        };
        put.await.map_err(crate::WorkerError::Blobs)?;
        Ok(())
    }

    /// Removes what the chunks added: it is in the index by now.
    async fn tidy(&self, run: &EncodeRun) -> Result<(), Failure> {
        for rendition in &run.renditions {
            for key in (0..run.chunks).flat_map(|chunk| part_keys(rendition.reel, chunk)) {
                self.blobs.delete(&key).await.map_err(crate::WorkerError::Blobs)?;
            }
        }
        Ok(())
    }
}

/// The parameters of two chunks of one epoch; a chunk without pictures, or without sound, says nothing of them. `None`: encoders of
/// two kinds were at work.
fn agreed(one: &Epoch, other: &Epoch) -> Option<Epoch> {
    fn either<T: Clone + PartialEq>(one: &Option<T>, other: &Option<T>) -> Option<Option<T>> {
        let agree = one.is_none() || other.is_none() || one == other;
        agree.then(|| one.clone().or_else(|| other.clone()))
    }
    let (video, audio) = (either(&one.video, &other.video)?, either(&one.audio, &other.audio)?);
    Some(Epoch { number: one.number, video, audio })
}

fn differs(what: &str) -> Failure {
    Failure::GiveUp(format!("the chunks of the rendition have different {what}"))
}

/// Every segment of the source is there with its borders, and with as many pictures as follow from it.
fn agree(made: &[SegmentRow], source: &Stretch, chunk: &Chunk, encoding: &Encoding) -> Result<(), String> {
    let own = source.own(chunk);
    let borders = |rows: &[SegmentRow]| rows.iter().map(|row| (row.begin, row.end)).collect::<Vec<_>>();
    if borders(made) != borders(own) {
        return Err("the segments of the rendition do not lie on those of its source".to_owned());
    }
    let Some(video) = &encoding.video else { return Ok(()) };
    for (made, own) in made.iter().zip(own) {
        let has = made.video.map_or(0, |video| usize::try_from(video.samples).unwrap_or(usize::MAX));
        if let Some(wanted) = source.pictures(own, video).filter(|wanted| *wanted != has) {
            return Err(format!("a segment of the rendition has {has} pictures instead of {wanted}"));
        }
    }
    Ok(())
}

impl Handler for JoinRun {
    const KIND: &'static str = kind::JOIN_RUN;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { run: id } = attempt.payload()?;
        let Some(run) = self.catalog.encode_run(id).await? else {
            return Err(Failure::GiveUp(format!("there is no run {id}")));
        };
        if run.state != RenditionState::Encoding {
            // An earlier attempt came this far and not further, or it was given up.
            self.tidy(&run).await?;
            return Ok(Finish::Done);
        }
        let source = stretch(&self.blobs, Which::of(&run)).await?;
        let misfits = self.misfits(&run, &source).await?;
        if let Some((chunk, why)) = misfits.first() {
            tracing::warn!(run = %id, chunk, why, chunks = misfits.len(), "chunks do not fit their source");
            let chunks: Vec<u32> = misfits.iter().map(|(chunk, _)| *chunk).collect();
            return match self.catalog.mend_live_run(id, &chunks, now()).await? {
                true => Ok(Finish::Done),
                false => Err(Failure::GiveUp(why.clone())),
            };
        }
        for rendition in &run.renditions {
            self.join(rendition.reel, &source).await?;
        }
        let end = source.rows.last().map_or(run.to_ticks, |row| row.end);
        let mut tx = self.catalog.begin().await?;
        tx.finish_run(&run, end, now()).await?;
        tx.commit().await?;
        self.tidy(&run).await?;
        Ok(Finish::Done)
    }
}
