//! Recordings and their cycles: what the recorder must find again after a crash.

use std::time::Duration;

use domain::event::Event;
use domain::rule::{RecordRule, encodes};
use units::{AssetId, PushId, RecordingId, ReelId, StreamPath, WallTime};

use crate::assets::{AssetStatus, Span};
use crate::blocks::path_of;
use crate::pushes::Push;
use crate::queue::NewJob;
use crate::record_notify::RecordStatus;
use crate::sql::{Row, Sql, in_own_tx, to_json, words};
use crate::{Catalog, CatalogError, Result, Tx};

words! {
    /// Where a recording is in its life.
    pub enum RecordingState {
        /// A push feeds it.
        Live = "live",
        /// Its push is lost and may come back.
        Interrupted = "interrupted",
        /// It is over.
        Ended = "ended",
    }
}

/// A recording to be begun.
#[derive(Clone, PartialEq, Debug)]
pub struct NewRecording {
    /// Its id.
    pub id: RecordingId,
    /// What it records.
    pub path: StreamPath,
    /// How; it keeps this rule to its end.
    pub rule: RecordRule,
    /// The reel that it writes.
    pub reel: ReelId,
    /// The node that writes it.
    pub node: String,
    /// When.
    pub began: WallTime,
}

/// A cycle that grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCycle {
    /// From 0.
    pub number: u32,
    /// The asset that it will become.
    pub asset: AssetId,
    /// Where it starts on the reel's timeline.
    pub from_ticks: i64,
    /// Wall time of its first media.
    pub began: WallTime,
}

/// A recording.
#[derive(Clone, PartialEq, Debug)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// What it records.
    pub path: StreamPath,
    /// The rule that it began with.
    pub rule: RecordRule,
    /// The reel that it writes.
    pub reel: ReelId,
    /// The node that writes it.
    pub node: String,
    /// Rises whenever another writer takes over.
    pub fence: i64,
    /// Where it is in its life.
    pub state: RecordingState,
    /// The cycle that grows, if one does.
    pub cycle: Option<OpenCycle>,
    /// Cycles opened so far: the number of the next one.
    pub cycles: u32,
    /// Wall time of its last media, as of the last interruption.
    pub last_media: Option<WallTime>,
    /// Where its media stopped on the reel's timeline, as of the last interruption.
    pub end_ticks: Option<i64>,
    /// While interrupted: when it is given up.
    pub give_up_at: Option<WallTime>,
    /// While interrupted: it was stopped, and only a command goes on with it.
    pub stopped: bool,
    /// When it began.
    pub began: WallTime,
    /// When it ended.
    pub ended: Option<WallTime>,
}

/// A cycle that is complete on disk and shall become an asset.
#[derive(Clone, PartialEq, Debug)]
pub struct SealedCycle {
    /// Whose.
    pub recording: RecordingId,
    /// Which, from 0.
    pub cycle: u32,
    /// The asset's id, the same at every repetition.
    pub asset: AssetId,
    /// The asset's title.
    pub title: String,
    /// What becomes of the asset.
    pub template_group: String,
    /// The asset's state from the start.
    pub status: AssetStatus,
    /// The reel.
    pub reel: ReelId,
    /// First tick.
    pub from_ticks: i64,
    /// One past the last tick.
    pub to_ticks: i64,
    /// Wall time of its first media.
    pub began: WallTime,
    /// Wall time of its last media.
    pub ended: WallTime,
    /// Length in 90 kHz ticks.
    pub duration_ticks: i64,
    /// Bytes of the progressive MP4, or as near as is known by now.
    pub size_bytes: u64,
    /// Pixels; 0 without video.
    pub width: u32,
    /// Pixels; 0 without video.
    pub height: u32,
    /// Frames per second; 0 without video.
    pub fps: f64,
    /// All tracks together.
    pub bitrate_kbps: u64,
    /// When it was sealed: the asset's birth and the event's time.
    pub sealed_at: WallTime,
}

/// A push as part of a recording.
#[derive(Clone, PartialEq, Debug)]
pub struct Feed {
    /// The push.
    pub id: PushId,
    /// When it began to feed the recording.
    pub attached: WallTime,
    /// Frames of it that the recording has not, by reason, as JSON; empty until it ends.
    pub left_out: String,
    /// What else is known of it; `None`: its row is gone.
    pub push: Option<Push>,
}

/// What sealing a cycle did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealOutcome {
    /// The asset was made.
    Made,
    /// It was there already: this was a repetition.
    Already,
    /// The cycle is this other asset already, which keeps its media. Nothing was made.
    Other(AssetId),
}

pub(crate) fn recording_of(row: &Row) -> Result<Recording> {
    let cycle = match row.opt_parsed::<AssetId>("cycle_asset")? {
        Some(asset) => Some(OpenCycle {
            number: row.small("cycle_number")?,
            asset,
            from_ticks: row.int("cycle_from_ticks")?,
            began: row.time("cycle_began")?,
        }),
        None => None,
    };
    Ok(Recording {
        id: row.parsed("id")?,
        path: path_of(row)?,
        rule: row.json("rule")?,
        reel: row.parsed("reel")?,
        node: row.text("node")?,
        fence: row.int("fence")?,
        state: row.parsed("state")?,
        cycle,
        cycles: row.small("cycles")?,
        last_media: row.opt_time("last_media")?,
        end_ticks: row.opt_int("end_ticks")?,
        give_up_at: row.opt_time("give_up_at")?,
        stopped: row.flag("stopped")?,
        began: row.time("began")?,
        ended: row.opt_time("ended")?,
    })
}

impl Catalog {
    /// The recording of this id.
    pub async fn recording(&self, id: RecordingId) -> Result<Option<Recording>> {
        let row = Sql::new("SELECT * FROM recording WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(recording_of).transpose()
    }

    /// The recording that writes, or wrote, a reel.
    pub async fn recording_of_reel(&self, reel: ReelId) -> Result<Option<Recording>> {
        let row = Sql::new("SELECT * FROM recording WHERE reel = $1").arg(reel).row(self).await?;
        row.as_ref().map(recording_of).transpose()
    }

    /// The recordings of a node that have not ended, oldest first: what it picks up when it starts.
    pub async fn open_recordings(&self, node: &str) -> Result<Vec<Recording>> {
        let rows =
            Sql::new("SELECT * FROM recording WHERE node = $1 AND state <> 'ended' ORDER BY began, id").arg(node);
        rows.rows(self).await?.iter().map(recording_of).collect()
    }

    /// The recording of `path` that has not ended; the newest, while an older one is still being sealed.
    pub async fn live_recording(&self, path: &StreamPath) -> Result<Option<Recording>> {
        let row = Sql::new(
            "SELECT * FROM recording WHERE domain = $1 AND app = $2 AND stream = $3 AND state <> 'ended'
             ORDER BY began DESC, id DESC LIMIT 1",
        )
        .arg(path.domain())
        .arg(path.app())
        .arg(path.stream())
        .row(self)
        .await?;
        row.as_ref().map(recording_of).transpose()
    }

    /// The pushes that fed a recording, in order, with what is known of them.
    pub async fn feeds_of_recording(&self, id: RecordingId) -> Result<Vec<Feed>> {
        let sql = Sql::new("SELECT * FROM recording_push WHERE recording = $1 ORDER BY attached, push").arg(id);
        let mut feeds = Vec::new();
        for row in sql.rows(self).await? {
            let push: PushId = row.parsed("push")?;
            feeds.push(Feed {
                id: push,
                attached: row.time("attached")?,
                left_out: row.text("left_out")?,
                push: self.push(push).await?,
            });
        }
        Ok(feeds)
    }

    /// The pushes that fed a recording, in order.
    pub async fn pushes_of_recording(&self, id: RecordingId) -> Result<Vec<PushId>> {
        let rows = Sql::new("SELECT push FROM recording_push WHERE recording = $1 ORDER BY attached, push").arg(id);
        rows.rows(self).await?.iter().map(|row| row.parsed("push")).collect()
    }
}

impl Tx {
    /// Begins a recording and its reel. Repeating it changes nothing.
    pub async fn begin_recording(&mut self, new: &NewRecording) -> Result<()> {
        let begun = Sql::new(
            "INSERT INTO recording (id, domain, app, stream, rule, reel, node, fence, state, began)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9) ON CONFLICT (id) DO NOTHING",
        )
        .arg(new.id)
        .arg(new.path.domain())
        .arg(new.path.app())
        .arg(new.path.stream())
        .arg(to_json(&new.rule)?)
        .arg(new.reel)
        .arg(&new.node)
        .arg(RecordingState::Live)
        .arg(new.began)
        .run(self)
        .await?;
        if begun > 0 {
            self.tell_record_status(new.id, &new.path, RecordStatus::Started, new.began).await?;
        }
        self.insert_reel(new.reel, &new.node, new.began).await
    }

    /// Notes that a push feeds a recording. Repeating it changes nothing.
    pub async fn attach_push(&mut self, recording: RecordingId, push: PushId, now: WallTime) -> Result<()> {
        Sql::new("INSERT INTO recording_push (recording, push, attached) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .arg(recording)
            .arg(push)
            .arg(now)
            .run(self)
            .await?;
        Ok(())
    }

    /// Notes which frames of a push the recording has not, by reason, as JSON.
    pub async fn note_left_out(&mut self, recording: RecordingId, push: PushId, left_out: &str) -> Result<()> {
        Sql::new("UPDATE recording_push SET left_out = $3 WHERE recording = $1 AND push = $2")
            .arg(recording)
            .arg(push)
            .arg(left_out)
            .run(self)
            .await?;
        Ok(())
    }

    /// Opens a cycle of a recording that has not ended. Repeating it changes nothing; a cycle that was sealed already is
    /// not opened again.
    pub async fn open_cycle(&mut self, recording: RecordingId, cycle: &OpenCycle) -> Result<()> {
        Sql::new(
            "UPDATE recording SET cycle_number = $2, cycle_asset = $3, cycle_from_ticks = $4, cycle_began = $5,
               cycles = $2 + 1
             WHERE id = $1 AND state <> 'ended' AND cycles <= $2",
        )
        .arg(recording)
        .arg(cycle.number)
        .arg(cycle.asset)
        .arg(cycle.from_ticks)
        .arg(cycle.began)
        .run(self)
        .await?;
        Ok(())
    }

    /// Notes that a recording lost its push: where and when its media stopped, and when it is given up.
    pub async fn interrupt_recording(
        &mut self,
        id: RecordingId,
        last_media: WallTime,
        end_ticks: i64,
        give_up_at: WallTime,
    ) -> Result<()> {
        let was = Sql::new("SELECT domain, app, stream FROM recording WHERE id = $1 AND state = 'live'").arg(id);
        let was = was.row(&mut *self).await?;
        Sql::new(
            "UPDATE recording SET state = 'interrupted', last_media = $2, end_ticks = $3, give_up_at = $4
             WHERE id = $1 AND state <> 'ended'",
        )
        .arg(id)
        .arg(last_media)
        .arg(end_ticks)
        .arg(give_up_at)
        .run(&mut *self)
        .await?;
        match was {
            Some(row) => self.tell_record_status(id, &path_of(&row)?, RecordStatus::Paused, last_media).await,
            None => Ok(()),
        }
    }

    /// Notes that an interrupted recording was stopped: a push that comes back is not recorded.
    pub async fn stop_recording(&mut self, id: RecordingId) -> Result<()> {
        Sql::new("UPDATE recording SET stopped = 1 WHERE id = $1 AND state = 'interrupted'").arg(id).run(self).await?;
        Ok(())
    }

    /// Notes that a recording goes on: it has a push again, or was started again.
    pub async fn resume_recording(&mut self, id: RecordingId, now: WallTime) -> Result<()> {
        let resumed = Sql::new(
            "UPDATE recording SET state = 'live', give_up_at = NULL, stopped = 0
             WHERE id = $1 AND state = 'interrupted' RETURNING domain, app, stream",
        );
        match resumed.arg(id).row(&mut *self).await? {
            Some(row) => self.tell_record_status(id, &path_of(&row)?, RecordStatus::Resumed, now).await,
            None => Ok(()),
        }
    }

    /// Makes a cycle an asset: the asset with its span, its `AddLiveRecordVideoComplete` in the outbox, the jobs that
    /// analyse it and take its cover, and the recording's next open cycle, all or nothing.
    ///
    /// Idempotent by (recording, cycle): a repetition makes nothing. `NotFound` when there is no such recording.
    pub async fn seal_cycle(&mut self, sealed: &SealedCycle, next: Option<&OpenCycle>) -> Result<SealOutcome> {
        let held = Sql::new("UPDATE recording SET cycles = cycles WHERE id = $1 RETURNING domain, app, stream");
        let Some(row) = held.arg(sealed.recording).row(&mut *self).await? else {
            return Err(CatalogError::NotFound { what: "recording", key: sealed.recording.to_string() });
        };
        let path = path_of(&row)?;
        let outcome = self.insert_recorded_asset(sealed, &path).await?;
        if outcome == SealOutcome::Made {
            let span = Span {
                asset: sealed.asset,
                position: 0,
                reel: sealed.reel,
                from_ticks: sealed.from_ticks,
                to_ticks: sealed.to_ticks,
            };
            self.insert_span(&span).await?;
            let event = Event::CycleBecameAsset { path: path.clone(), began: sealed.began, ended: sealed.ended };
            self.tell(sealed.asset, sealed.sealed_at, event).await?;
            self.tell_record_file(sealed.asset, &path, sealed.sealed_at).await?;
            self.enqueue(NewJob::analyse(sealed.asset), sealed.sealed_at).await?;
            self.begin_cover(sealed.asset, sealed.sealed_at).await?;
            self.end_live_run(sealed.asset, sealed.to_ticks).await?;
            if encodes(&sealed.template_group) {
                self.begin_transcode(sealed.asset, &sealed.template_group, sealed.sealed_at).await?;
            }
        }
        Sql::new(
            "UPDATE recording SET cycle_number = NULL, cycle_asset = NULL, cycle_from_ticks = NULL, cycle_began = NULL
             WHERE id = $1 AND cycle_number = $2",
        )
        .arg(sealed.recording)
        .arg(sealed.cycle)
        .run(self)
        .await?;
        // It may not have been written that it was opened: what is sealed is not owed again.
        Sql::new("UPDATE recording SET cycles = $2 + 1 WHERE id = $1 AND cycles <= $2")
            .arg(sealed.recording)
            .arg(sealed.cycle)
            .run(self)
            .await?;
        if let Some(next) = next {
            self.open_cycle(sealed.recording, next).await?;
        }
        Ok(outcome)
    }

    /// Makes the row of the asset, unless this cycle has one.
    async fn insert_recorded_asset(&mut self, sealed: &SealedCycle, path: &StreamPath) -> Result<SealOutcome> {
        let made = Sql::new(
            "INSERT INTO asset (id, status, title, template_group, recording, cycle, domain, app, stream, began, ended,
               duration_ticks, size_bytes, width, height, fps, bitrate_kbps, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
             ON CONFLICT (recording, cycle) WHERE cycle IS NOT NULL DO NOTHING",
        )
        .arg(sealed.asset)
        .arg(sealed.status)
        .arg(&sealed.title)
        .arg(&sealed.template_group)
        .arg(sealed.recording)
        .arg(sealed.cycle)
        .arg(path.domain())
        .arg(path.app())
        .arg(path.stream())
        .arg(sealed.began)
        .arg(sealed.ended)
        .arg(sealed.duration_ticks)
        .arg(sealed.size_bytes)
        .arg(sealed.width)
        .arg(sealed.height)
        .arg(sealed.fps)
        .arg(sealed.bitrate_kbps)
        .arg(sealed.sealed_at)
        .run(self)
        .await?;
        if made > 0 {
            return Ok(SealOutcome::Made);
        }
        let row = Sql::new("SELECT id FROM asset WHERE recording = $1 AND cycle = $2")
            .arg(sealed.recording)
            .arg(sealed.cycle)
            .row(self)
            .await?;
        match row.map(|row| row.parsed("id")).transpose()? {
            Some(other) if other != sealed.asset => Ok(SealOutcome::Other(other)),
            _ => Ok(SealOutcome::Already),
        }
    }

    /// Ends a recording, seals its reel, and has its cycles joined where its rule asks for it. Call it after its last cycle is
    /// sealed; a cycle that is still open is given up without an asset, but its media stays. Repeating it changes nothing.
    pub async fn end_recording(&mut self, id: RecordingId, end_ticks: Option<i64>, now: WallTime) -> Result<()> {
        let row = Sql::new(
            "UPDATE recording SET state = 'ended', ended = $2, give_up_at = NULL, cycle_number = NULL,
               cycle_asset = NULL, cycle_from_ticks = NULL, cycle_began = NULL, end_ticks = COALESCE($3, end_ticks)
             WHERE id = $1 AND state <> 'ended' RETURNING reel, end_ticks, rule",
        )
        .arg(id)
        .arg(now)
        .arg(end_ticks)
        .row(&mut *self)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let reel = row.parsed("reel")?;
        self.seal_reel(reel, row.opt_int("end_ticks")?, now).await?;
        if row.json::<RecordRule>("rule")?.compose_group.is_some() {
            self.enqueue(NewJob::compose(id), now).await?;
        }
        // A reel that grows is left alone, so what was deleted meanwhile is due now.
        if self.has_garbage(reel).await? {
            self.enqueue(NewJob::free_reel(reel, None, Duration::ZERO), now).await?;
        }
        Ok(())
    }
}

impl Tx {
    /// Ends a recording that has no media, and has the files of its reel removed.
    pub async fn end_empty_recording(&mut self, id: RecordingId, now: WallTime) -> Result<()> {
        self.end_recording(id, None, now).await?;
        let row = Sql::new("SELECT reel FROM recording WHERE id = $1").arg(id).row(&mut *self).await?;
        if let Some(row) = row {
            self.enqueue(NewJob::free_reel(row.parsed("reel")?, None, Duration::ZERO), now).await?;
        }
        Ok(())
    }
}

in_own_tx! {
    end_empty_recording(id: RecordingId, now: WallTime) -> ();
    begin_recording(new: &NewRecording) -> ();
    attach_push(recording: RecordingId, push: PushId, now: WallTime) -> ();
    note_left_out(recording: RecordingId, push: PushId, left_out: &str) -> ();
    open_cycle(recording: RecordingId, cycle: &OpenCycle) -> ();
    interrupt_recording(id: RecordingId, last_media: WallTime, end_ticks: i64, give_up_at: WallTime) -> ();
    stop_recording(id: RecordingId) -> ();
    resume_recording(id: RecordingId, now: WallTime) -> ();
    seal_cycle(sealed: &SealedCycle, next: Option<&OpenCycle>) -> SealOutcome;
    end_recording(id: RecordingId, end_ticks: Option<i64>, now: WallTime) -> ();
}
