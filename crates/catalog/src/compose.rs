//! The cycles of an ended recording as one video: the same media once more, in one transaction, without a byte copied.

use domain::event::Event;
use domain::rule::{RecordRule, encodes};
use units::{AssetId, RecordingId, ReelId, StreamPath, WallTime};

use crate::assets::{Analysis, AssetStatus, Span};
use crate::blocks::path_of;
use crate::queue::NewJob;
use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, CatalogError, Result, Tx};

/// A recording whose cycles are to be joined.
#[derive(Clone, PartialEq, Debug)]
pub struct Composable {
    /// The stream.
    pub path: StreamPath,
    /// What becomes of the joined video.
    pub template_group: String,
    /// Its cycles that are not deleted, in order; at least one.
    pub cycles: Vec<ComposableCycle>,
}

/// A cycle that is to be joined with the others.
#[derive(Clone, PartialEq, Debug)]
pub struct ComposableCycle {
    /// The asset that it is.
    pub asset: AssetId,
    /// Wall time of its first media.
    pub began: WallTime,
    /// Wall time of its last media.
    pub ended: WallTime,
    /// The reel.
    pub reel: ReelId,
    /// First tick.
    pub from_ticks: i64,
    /// One past the last tick.
    pub to_ticks: i64,
}

/// A joined video to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Composed {
    /// Whose cycles.
    pub recording: RecordingId,
    /// The assets that the caller saw as its cycles.
    pub cycles: Vec<AssetId>,
    /// The video's id.
    pub asset: AssetId,
    /// Its title.
    pub title: String,
    /// What becomes of it.
    pub template_group: String,
    /// Wall time of its first media.
    pub began: WallTime,
    /// Wall time of its last media.
    pub ended: WallTime,
    /// What it is made of, in order: reel, first tick, one past the last; `None`: it cannot be made, and stays as a
    /// failed one.
    pub content: Option<Vec<(ReelId, i64, i64)>>,
    /// What was found in it; `None`: it is analysed later.
    pub analysis: Option<Analysis>,
}

fn cycle_of(row: &Row) -> Result<ComposableCycle> {
    Ok(ComposableCycle {
        asset: row.parsed("id")?,
        began: row.time("began")?,
        ended: row.time("ended")?,
        reel: row.parsed("reel")?,
        from_ticks: row.int("from_ticks")?,
        to_ticks: row.int("to_ticks")?,
    })
}

impl Catalog {
    /// What is to be joined of a recording; `None` when nothing is (any more): it has not ended, its rule does not ask for it,
    /// it was done already, or no cycle is there.
    pub async fn composable(&self, id: RecordingId) -> Result<Option<Composable>> {
        let Some(recording) = self.recording(id).await?.filter(|recording| recording.ended.is_some()) else {
            return Ok(None);
        };
        let Some(template_group) = recording.rule.compose_group else { return Ok(None) };
        let done = Sql::new("SELECT 1 AS one FROM asset WHERE recording = $1 AND cycle IS NULL").arg(id);
        if done.row(self).await?.is_some() {
            return Ok(None);
        }
        let rows = Sql::new(
            "SELECT a.id, a.began, a.ended, s.reel, s.from_ticks, s.to_ticks FROM asset a JOIN span s ON s.asset = a.id
             WHERE a.recording = $1 AND a.cycle IS NOT NULL AND a.deleted IS NULL ORDER BY a.cycle, s.position",
        );
        let cycles: Vec<_> = rows.arg(id).rows(self).await?.iter().map(cycle_of).collect::<Result<_>>()?;
        Ok((!cycles.is_empty()).then_some(Composable { path: recording.path, template_group, cycles }))
    }

    /// Ended recordings whose rule asks for a joined video, that have cycles, no such video, and no job that will make it.
    pub async fn forgotten_composes(&self) -> Result<Vec<RecordingId>> {
        let rows = Sql::new(
            "SELECT id, rule FROM recording WHERE state = 'ended'
               AND EXISTS (SELECT 1 FROM asset c JOIN span s ON s.asset = c.id
                 WHERE c.recording = recording.id AND c.cycle IS NOT NULL AND c.deleted IS NULL)
               AND NOT EXISTS (SELECT 1 FROM asset w WHERE w.recording = recording.id AND w.cycle IS NULL)
               AND NOT EXISTS (SELECT 1 FROM job
                 WHERE unique_key = 'compose/' || recording.id AND state IN ('ready', 'running'))
             ORDER BY began, id",
        );
        let mut forgotten = Vec::new();
        for row in rows.rows(self).await? {
            if row.json::<RecordRule>("rule")?.compose_group.is_some() {
                forgotten.push(row.parsed("id")?);
            }
        }
        Ok(forgotten)
    }
}

impl Tx {
    /// Makes the joined video of a recording: the asset with its spans, its `LiveRecordVideoComposeStart`, and, when it can
    /// be made, its `FileUploadComplete` and what is found in it, all or nothing.
    ///
    /// A recording has at most one; whether it was made now. `Changed` when a cycle was deleted or restored since the
    /// caller looked: then look again. `NotFound` when there is no such recording.
    pub async fn compose(&mut self, composed: &Composed, now: WallTime) -> Result<bool> {
        // Held, so that whoever deletes one of them does it before or after.
        let held = Sql::new(
            "UPDATE asset SET modified = modified WHERE recording = $1 AND cycle IS NOT NULL AND deleted IS NULL
               AND source_deleted IS NULL RETURNING id",
        );
        let held: Vec<AssetId> = held
            .arg(composed.recording)
            .rows(&mut *self)
            .await?
            .iter()
            .map(|row| row.parsed("id"))
            .collect::<Result<_>>()?;
        if held.len() != composed.cycles.len() || held.iter().any(|id| !composed.cycles.contains(id)) {
            return Err(CatalogError::Changed { what: "cycles of recording", key: composed.recording.to_string() });
        }
        let row = Sql::new("SELECT domain, app, stream FROM recording WHERE id = $1").arg(composed.recording);
        let Some(row) = row.row(&mut *self).await? else {
            return Err(CatalogError::NotFound { what: "recording", key: composed.recording.to_string() });
        };
        let path = path_of(&row)?;
        if !self.insert_composed(composed, &path, now).await? {
            return Ok(false);
        }
        self.tell(composed.asset, now, Event::ComposeBegan { path, possible: composed.content.is_some() }).await?;
        let Some(content) = &composed.content else { return Ok(true) };
        for (position, (reel, from_ticks, to_ticks)) in (0..).zip(content.iter().copied()) {
            self.insert_span(&Span { asset: composed.asset, position, reel, from_ticks, to_ticks }).await?;
        }
        let size_bytes = composed.analysis.as_ref().map(|analysis| analysis.size_bytes);
        self.tell(composed.asset, now, Event::SourceInPlace { size_bytes }).await?;
        match &composed.analysis {
            Some(analysis) => {
                self.set_analysis(composed.asset, analysis, now).await?;
            }
            None => {
                self.enqueue(NewJob::analyse(composed.asset), now).await?;
            }
        }
        self.begin_cover(composed.asset, now).await?;
        if encodes(&composed.template_group) {
            self.begin_transcode(composed.asset, &composed.template_group, now).await?;
        }
        Ok(true)
    }

    async fn insert_composed(&mut self, composed: &Composed, path: &StreamPath, now: WallTime) -> Result<bool> {
        let status = match composed.content {
            Some(_) => AssetStatus::of_new(&composed.template_group),
            None => AssetStatus::ProduceFail,
        };
        let ticks: i64 = composed.content.iter().flatten().map(|(_, from, to)| to.saturating_sub(*from)).sum();
        let made = Sql::new(
            "INSERT INTO asset (id, status, title, template_group, recording, domain, app, stream, began, ended,
               duration_ticks, size_bytes, width, height, fps, bitrate_kbps, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, $12, 0, $13, $13)
             ON CONFLICT (recording) WHERE cycle IS NULL AND recording IS NOT NULL DO NOTHING",
        )
        .arg(composed.asset)
        .arg(status)
        .arg(&composed.title)
        .arg(&composed.template_group)
        .arg(composed.recording)
        .arg(path.domain())
        .arg(path.app())
        .arg(path.stream())
        .arg(composed.began)
        .arg(composed.ended)
        .arg(ticks)
        .arg(0.0)
        .arg(now)
        .run(self)
        .await?;
        Ok(made > 0)
    }

    /// Has the joined video of an ended recording made, as after its end. Nothing happens when its rule asks for none.
    pub async fn compose_again(&mut self, recording: RecordingId, now: WallTime) -> Result<()> {
        self.enqueue(NewJob::compose(recording), now).await?;
        Ok(())
    }
}

in_own_tx! {
    compose(composed: &Composed, now: WallTime) -> bool;
    compose_again(recording: RecordingId, now: WallTime) -> ();
}
