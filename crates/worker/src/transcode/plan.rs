//! What a transcode task has to make.

use blobs::Blobs;
use catalog::{
    Analysis, AssetStatus, Catalog, MediaFacts, OutputState, PlannedOutput, PlannedPiece, PlannedSpan, RenditionState,
    TaskState, TranscodeTask,
};
use encode::{Content, Encoding, Format, Laid, SourceFacts, Template};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::JobId;
use view::CutSpan;

use super::marks::{Watermarks, named};
use super::piece::{Piece, lay_pieces};
use crate::analyse::{lay_out, measure};
use crate::clock::now;
use crate::error::chain;

/// Why a clip comes to nothing.
const BEHIND_ALL: &str = "the template's clip begins behind the end of the video";

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

    /// What a task makes: its outputs that are not made yet, or, before it has any, the templates of its group as they are now.
    async fn wanted(&self, task: &TranscodeTask) -> Result<Vec<(Option<JobId>, Template)>, Failure> {
        let outputs = self.catalog.outputs_of_task(task.id).await?;
        if !outputs.is_empty() {
            let open = outputs.into_iter().filter(|output| output.state == OutputState::Running);
            return Ok(open.map(|output| (Some(output.id), output.template)).collect());
        }
        // A group that is gone, like an empty one, makes nothing: the task ends as failed.
        let group = self.catalog.template_group(&task.template_group).await?;
        let templates = group.map_or_else(Vec::new, |group| group.templates);
        Ok(templates.into_iter().map(|stored| (None, stored.template)).collect())
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
            let renditions = self.catalog.renditions_of_reel(span.reel).await?;
            // A clip's end lies inside a segment, and matters to nobody else.
            for rendition in renditions.iter().filter(|rendition| !rendition.encoding.exact) {
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

    /// What a stretch is, or is being, encoded as already.
    async fn made_of(&self, span: &PlannedSpan) -> Result<Vec<Encoding>, Failure> {
        let all = self.catalog.renditions_of_reel(span.source).await?;
        let of_this = all.into_iter().filter(|made| {
            made.state != RenditionState::Failed
                && (made.from_ticks, made.to_ticks, made.encoding.exact) == (span.from_ticks, span.to_ticks, span.exact)
        });
        Ok(of_this.map(|made| made.encoding).collect())
    }

    /// What a template comes to, or why it cannot be made.
    async fn planned(
        &self,
        template: &Template,
        pieces: &[Piece],
        facts: &SourceFacts,
        watermarks: &Watermarks,
    ) -> Result<Result<Vec<PlannedPiece>, String>, Failure> {
        let encoding = match template.content {
            // What it offers is planned for itself.
            Content::Package { .. } => return Ok(Ok(Vec::new())),
            Content::Remuxed => Ok(None),
            Content::Encoded => template.profile.resolve(facts).map(Some).map_err(|error| chain(&error)),
        };
        let encoding = match encoding {
            Ok(encoding) => encoding,
            Err(why) => return Ok(Err(why)),
        };
        let mut taken = Vec::with_capacity(pieces.len());
        // Where the output begins, on the asset's timeline.
        let mut zero = None;
        for piece in pieces {
            let span = match template.clip {
                Some(clip) => piece.clipped(&self.blobs, clip).await?,
                None => Some(piece.span),
            };
            if let Some(span) = span {
                let (begin, on_asset) = piece.begin_of(&span);
                let before = on_asset.saturating_sub(*zero.get_or_insert(on_asset));
                let laid = Laid { zero: begin.saturating_sub(before), begin };
                let encoding = match &encoding {
                    Some(encoding) => {
                        let made = self.made_of(&span).await?;
                        let encoding = Encoding { exact: span.exact, ..encoding.clone() };
                        let encoding = watermarks.over(&template.profile, encoding, laid);
                        Some(template.profile.reuse(encoding, &made))
                    }
                    None => None,
                };
                taken.push(PlannedPiece { span, encoding });
            }
        }
        Ok(if taken.is_empty() { Err(BEHIND_ALL.to_owned()) } else { Ok(taken) })
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
            // Planned or ended already, or its asset was deleted before its turn came.
            return Ok(Finish::Done);
        }
        let wanted = self.wanted(&task).await?;
        let cut: Vec<reel::Span> =
            found.iter().map(|span| reel::Span { reel: span.reel, from: span.from_ticks, to: span.to_ticks }).collect();
        let whole: Vec<CutSpan> = cut.iter().copied().map(CutSpan::from).collect();
        let facts = match self.catalog.live_run(task.asset).await? {
            Some(live) => live.facts,
            None => source_facts(&measure(&self.blobs, &whole, Format::Mp4).await?),
        };
        let timeline = lay_out(&self.blobs, &whole).await?;
        let pieces = lay_pieces(&self.blobs, &self.pieces(&cut).await?, &timeline).await?;
        let named = named(wanted.iter().map(|(_, template)| template));
        let watermarks = Watermarks::of(&self.catalog, named).await?;
        let mut outputs = Vec::with_capacity(wanted.len());
        for (id, template) in wanted {
            let pieces = self.planned(&template, &pieces, &facts, &watermarks).await?;
            outputs.push(PlannedOutput { id, template, pieces });
        }
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
