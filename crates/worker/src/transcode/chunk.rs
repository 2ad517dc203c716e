//! Encodes one chunk of a run into the segments of all its renditions.

use std::path::Path;
use std::time::{Duration, Instant};

use blobs::Blobs;
use bytes::Bytes;
use catalog::{Catalog, EncodeRun, RenditionState};
use encode::{
    EncodeError, Encoding, Input, Loaded, Movie, Pass, Paths, Placed, SegmentPlan, Source, WrittenSegment, arguments,
    place_frames, place_pictures, read_movie, write_segments,
};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reel::{Epoch, SegmentRow};
use serde::Deserialize;
use units::{JobId, ReelId};

use super::TranscodeSettings;
use super::marks::write_marks;
use super::stored::{Stretch, Which, load, load_if_there, put_part, stretch};
use crate::child;
use crate::clock::now;
use crate::error::chain;
use crate::scratch::{Folder, read, write};

/// How often the progress of a chunk is written down.
const NOTE_PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// What libass says when it has not a single font, or cannot read the one it chose.
const NO_FONT: [&str; 3] = ["with glyph 0x0 ", "find selected font provider", "Error opening font"];
/// What it says of letters that none has.
const NO_LETTER: &str = "failed to find any fallback";

#[derive(Deserialize)]
struct Payload {
    run: JobId,
    chunk: u32,
}

/// Encodes chunks.
pub(crate) struct EncodeChunk {
    catalog: Catalog,
    blobs: Blobs,
    settings: TranscodeSettings,
}

impl EncodeChunk {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs, settings: TranscodeSettings) -> Self {
        Self { catalog, blobs, settings }
    }

    async fn encode(&self, attempt: &Attempt, folder: &Path, job: &Job<'_>) -> Result<Vec<Movies>, Failure> {
        for (number, input) in job.input.pictures.iter().enumerate() {
            write(&folder.join(Paths::video_in(number)), &input.file).await?;
        }
        write(&folder.join(Paths::AUDIO_IN), &job.input.audio).await?;
        write_marks(&self.blobs, folder, &job.input, &job.encodings).await?;
        for pass in Pass::of(&job.input, &job.encodings) {
            self.run_pass(attempt, folder, job, *pass).await?;
        }
        let mut all = Vec::with_capacity(job.encodings.len());
        for (number, encoding) in job.encodings.iter().enumerate() {
            let video = match job.input.pictures_of(encoding) {
                Some(_) => Some(read(&folder.join(Paths::video_out(number))).await?),
                None => None,
            };
            let audio = match (&encoding.audio, &job.input.sounds) {
                (Some(_), Some(_)) => Some(read(&folder.join(Paths::audio_out(number))).await?),
                _ => None,
            };
            all.push(Movies { video, audio });
        }
        Ok(all)
    }

    /// One pass, with its progress noted.
    async fn run_pass(&self, attempt: &Attempt, folder: &Path, job: &Job<'_>, pass: Pass) -> Result<(), Failure> {
        let frames = job.input.pictures.iter().map(|input| input.pictures.lead + input.pictures.own.len()).max();
        let total = u64::try_from(frames.unwrap_or(0)).unwrap_or(u64::MAX).max(1);
        let (tell, mut told) = tokio::sync::watch::channel(0u64);
        let line = arguments(&job.input, &job.encodings, pass);
        let running = child::run(&self.settings.ffmpeg, folder, &line, |count| {
            tell.send_replace(count);
        });
        let noting = async {
            let mut noted = Instant::now();
            while told.changed().await.is_ok() {
                let count = *told.borrow_and_update();
                if noted.elapsed() >= NOTE_PROGRESS_EVERY {
                    let percent = u32::try_from(count.saturating_mul(99) / total).unwrap_or(99).min(99);
                    attempt.progress(percent).await?;
                    noted = Instant::now();
                }
            }
            std::future::pending::<Result<(), Failure>>().await
        };
        tokio::select! {
            ended = running => {
                let complaints = ended.map_err(|error| Failure::Retry(chain(&error)))?;
                with_all_letters(&complaints)
            }
            lost = noting => lost,
        }
    }
}

/// Where FFmpeg draws subtitles it goes on without the letters that it has no font for: that is told, and where it found no font at
/// all, tried again.
fn with_all_letters(complaints: &str) -> Result<(), Failure> {
    if NO_FONT.iter().any(|words| complaints.contains(words)) {
        return Err(Failure::Retry(format!("the subtitles were drawn without a font: {complaints}")));
    }
    if complaints.contains(NO_LETTER) {
        tracing::warn!(%complaints, "subtitles have letters that are in no font of this host; install fonts for them");
    }
    Ok(())
}

/// The encoder's files for one rendition.
struct Movies {
    video: Option<Bytes>,
    audio: Option<Bytes>,
}

/// All that is known of a chunk.
struct Job<'a> {
    input: Input,
    encodings: Vec<Encoding>,
    /// The source's parameters.
    epoch: &'a Epoch,
    /// Number of the renditions' parameters.
    number: u32,
    plan: Vec<SegmentPlan>,
}

impl Handler for EncodeChunk {
    const KIND: &'static str = kind::ENCODE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { run: id, chunk: number } = attempt.payload()?;
        let Some(run) = self.catalog.encode_run(id).await?.filter(|run| run.state == RenditionState::Encoding) else {
            // Given up meanwhile.
            return Ok(Finish::Done);
        };
        let stretch = stretch(&self.blobs, Which::of(&run)).await?;
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let chunk = *stretch.chunks.get(at).ok_or_else(|| Failure::GiveUp("the source has changed".to_owned()))?;
        let rows = stretch.own(&chunk);
        let (before, after) = stretch.around(&chunk);
        let lead = load_if_there(&self.blobs, run.source, before).await?;
        let tail = load_if_there(&self.blobs, run.source, after).await?;
        let mut own = Vec::with_capacity(rows.len());
        for row in rows {
            let (begins_inside, ends_inside) = stretch.is_inside(row);
            let loaded = load(&self.blobs, run.source, row).await?;
            own.push(Loaded { begins_inside, ends_inside, ..loaded });
        }
        let job = prepare(&run, &stretch, rows, chunk.epoch, &own, lead.as_ref(), tail.as_ref())?;
        let folder = Folder::of(&self.settings.scratch, attempt).await?;
        let movies = match job.input.is_empty() {
            // The source has nothing here of the tracks that are wanted.
            true => job.encodings.iter().map(|_| Movies { video: None, audio: None }).collect(),
            false => self.encode(attempt, folder.path(), &job).await?,
        };
        for ((rendition, encoding), movies) in run.renditions.iter().zip(&job.encodings).zip(&movies) {
            let (epoch, segments) = assemble(rendition.reel, encoding, &job, movies).map_err(failure)?;
            put_part(&self.blobs, rendition.reel, number, &epoch, segments).await?;
        }
        let mut tx = self.catalog.begin().await?;
        attempt.complete_in(&mut tx).await?;
        tx.chunk_done(id, now()).await?;
        tx.commit().await?;
        metrics::counter!("worker_encoded_chunks_total").increment(1);
        Ok(Finish::Committed)
    }
}

fn failure(error: EncodeError) -> Failure {
    let text = chain(&error);
    if error.is_transient() { Failure::Retry(text) } else { Failure::GiveUp(text) }
}

fn prepare<'a>(
    run: &EncodeRun,
    stretch: &'a Stretch,
    rows: &[SegmentRow],
    number: u32,
    own: &[Loaded],
    lead: Option<&Loaded>,
    tail: Option<&Loaded>,
) -> Result<Job<'a>, Failure> {
    let unknown = || Failure::GiveUp("the index names parameters that it does not have".to_owned());
    let base = stretch.rows.first().map_or(0, |row| row.number);
    let epoch = rows.last().and_then(|row| stretch.index.epoch(row.epoch)).ok_or_else(unknown)?;
    let encodings: Vec<Encoding> = run.renditions.iter().map(|rendition| rendition.encoding.clone()).collect();
    let (anchor, picture_ticks) = (stretch.anchor(), stretch.picture_ticks());
    let input = Input::new(&Source { epoch, lead, own, tail, anchor, picture_ticks }, &encodings).map_err(failure)?;
    let plan = rows.iter().map(|row| SegmentPlan { number: row.number.saturating_sub(base), source: row.clone() });
    Ok(Job { input, encodings, epoch, number, plan: plan.collect() })
}

/// Puts what the encoder made of one rendition on the timeline, and into segments.
fn assemble(
    reel: ReelId,
    encoding: &Encoding,
    job: &Job<'_>,
    movies: &Movies,
) -> encode::Result<(Epoch, Vec<WrittenSegment>)> {
    let mut placed = Placed::default();
    let mut epoch = Epoch { number: job.number, video: None, audio: None };
    let mut delay = 0;
    if let (Some(file), Some((_, pictures))) = (&movies.video, job.input.pictures_of(encoding)) {
        let Movie { video, samples } = read_movie(file)?;
        let config = video.ok_or(EncodeError::Output { what: "the parameters of its pictures" })?;
        delay = pictures.delay();
        placed.pictures = place_pictures(pictures, config.codec, &samples, delay)?;
        placed.next = Some(pictures.next);
        epoch.video = Some(config);
    }
    if let Some(audio) = &encoding.audio
        && job.epoch.audio.is_some()
    {
        // Told also where a chunk has no sound, so that all chunks of these parameters agree.
        epoch.audio = Some(audio.config()?);
        if let (Some(file), Some(sounds)) = (&movies.audio, job.input.sounds) {
            let samples = read_movie(file)?.samples;
            placed.frames = place_frames(&samples, sounds.chunk.0, sounds.chunk.1, audio)?;
        }
    }
    let segments = write_segments(reel, &job.plan, &epoch, placed, delay)?;
    Ok((epoch, segments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_font_it_is_tried_again_and_without_a_letter_it_goes_on() {
        let said = |glyph| {
            format!(
                "[Parsed_ass_4 @ 0x5593d8] fontselect: failed to find any fallback with glyph {glyph} for font: (Sans, 400, 0)"
            )
        };
        assert!(with_all_letters("").is_ok());
        assert!(with_all_letters(&said("0x6D4B")).is_ok());
        assert!(matches!(with_all_letters(&said("0x0")), Err(Failure::Retry(_))));
        let unread = "[Parsed_ass_4 @ 0x5593d8] Error opening font: '/usr/share/fonts/a.ttf', 0";
        assert!(matches!(with_all_letters(unread), Err(Failure::Retry(_))));
    }
}
