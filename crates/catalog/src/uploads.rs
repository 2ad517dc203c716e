//! Files that become videos: asked for with a video that waits for its source, until the reel that is made of them is whole.

use std::time::Duration;

use domain::event::{DescribeMode, Event, PullFailure};
use domain::rule::encodes;
use units::{AssetId, JobId, ReelId, WallTime};

use crate::assets::{Analysis, AssetStatus, Description, Span};
use crate::queue::NewJob;
use crate::sql::{Row, Sql, in_own_tx, words};
use crate::{Catalog, CatalogError, Result, Tx};

/// How long what is left of an upload that came to nothing is kept.
const FREE_AFTER: Duration = Duration::from_secs(60);

words! {
    /// Where an upload is in its life.
    pub enum UploadState {
        /// Its owner is to send the file.
        Waiting = "waiting",
        /// It is to be pulled.
        Pending = "pending",
        /// It is being pulled.
        Downloading = "downloading",
        /// The file is here; it is to be taken over into a reel.
        Stored = "stored",
        /// The video has its source.
        Done = "done",
        /// There will be none.
        Failed = "failed",
        /// Nobody wants it any more.
        Cancelled = "cancelled",
    }
}

impl UploadState {
    /// Whether nothing more happens.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// An upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    /// Its id; `JobId` on the wire.
    pub id: JobId,
    /// The video that it is for.
    pub asset: AssetId,
    /// The reel that is made of it.
    pub reel: ReelId,
    /// Where it is in its life.
    pub state: UploadState,
    /// Where it is pulled from; `None`: its owner sends it.
    pub source: Option<String>,
    /// How the file is called.
    pub file_name: String,
    /// Its bytes, once known.
    pub size_bytes: Option<u64>,
    /// What its server calls this version of it.
    pub validator: Option<String>,
    /// MD5 of the file, in hex, once it is here; of one in parts that of theirs, and their number.
    pub md5: Option<String>,
    /// What the customer wants told back.
    pub user_data: String,
    /// Why it failed: a code and a sentence.
    pub failure: Option<PullFailure>,
    /// When it was asked for.
    pub created: WallTime,
    /// When it ended.
    pub finished: Option<WallTime>,
}

/// An upload to be made, and the video that waits for it.
#[derive(Clone, PartialEq, Debug)]
pub struct NewUpload {
    /// Where it is pulled from; `None`: its owner sends it.
    pub source: Option<String>,
    /// The customer's name for a set of pulls.
    pub session: Option<String>,
    /// How the file is called.
    pub file_name: String,
    /// What is written on the video.
    pub description: Description,
    /// What becomes of it.
    pub template_group: String,
}

/// What became of a file that was taken over.
#[derive(Clone, PartialEq, Debug)]
pub struct TakenOver {
    /// Where its reel begins and ends, in 90 kHz ticks.
    pub span: (i64, i64),
    /// What was found in it.
    pub analysis: Analysis,
}

/// Key of the folder in which the file of an upload lies until it is taken over.
pub fn upload_folder(upload: JobId) -> String {
    format!("uploads/{upload}")
}

/// Key of the file itself.
pub fn upload_key(upload: JobId) -> String {
    format!("{}/file", upload_folder(upload))
}

/// Key of the list of the objects that the file is put together from, in their order, as JSON; not there when it came whole.
pub fn upload_parts_key(upload: JobId) -> String {
    format!("{}/parts.json", upload_folder(upload))
}

fn upload_of(row: &Row) -> Result<Upload> {
    let failure = row.opt_text("error_code")?.map(|code| {
        let message = row.opt_text("error")?.unwrap_or_default();
        Ok::<_, CatalogError>(PullFailure { code, message })
    });
    Ok(Upload {
        id: row.parsed("id")?,
        asset: row.parsed("asset")?,
        reel: row.parsed("reel")?,
        state: row.parsed("state")?,
        source: row.opt_text("source")?,
        file_name: row.text("file_name")?,
        size_bytes: row.opt_int("size_bytes")?.map(|_| row.count("size_bytes")).transpose()?,
        validator: row.opt_text("validator")?,
        md5: row.opt_text("digest")?,
        user_data: row.text("user_data")?,
        failure: failure.transpose()?,
        created: row.time("created")?,
        finished: row.opt_time("finished")?,
    })
}

impl Catalog {
    /// The upload of this id.
    pub async fn upload(&self, id: JobId) -> Result<Option<Upload>> {
        let row = Sql::new("SELECT * FROM upload WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(upload_of).transpose()
    }

    /// The upload that a video was, or is to be, made of.
    pub async fn upload_of_asset(&self, asset: AssetId) -> Result<Option<Upload>> {
        let row = Sql::new("SELECT * FROM upload WHERE asset = $1").arg(asset).row(self).await?;
        row.as_ref().map(upload_of).transpose()
    }

    /// The upload of which a reel is, or is to be, made.
    pub async fn upload_of_reel(&self, reel: ReelId) -> Result<Option<Upload>> {
        let row = Sql::new("SELECT * FROM upload WHERE reel = $1").arg(reel).row(self).await?;
        row.as_ref().map(upload_of).transpose()
    }

    /// The newest upload that was to be pulled from this URL.
    pub async fn upload_by_source(&self, url: &str) -> Result<Option<Upload>> {
        let sql = Sql::new("SELECT * FROM upload WHERE source = $1 ORDER BY created DESC, id DESC LIMIT 1").arg(url);
        sql.row(self).await?.as_ref().map(upload_of).transpose()
    }

    /// The uploads that were asked for under a name of the customer's since then, in order.
    pub async fn uploads_of_session(&self, session: &str, since: WallTime) -> Result<Vec<Upload>> {
        let sql = Sql::new("SELECT * FROM upload WHERE session = $1 AND created >= $2 ORDER BY id");
        sql.arg(session).arg(since).rows(self).await?.iter().map(upload_of).collect()
    }

    /// Uploads of which a job was given up, and why: nobody else would say so.
    pub async fn stuck_uploads(&self) -> Result<Vec<(JobId, String)>> {
        let rows = Sql::new(
            "SELECT u.id, (SELECT j.error FROM job j WHERE j.unique_key IN ('upload/' || u.id || '/pull', 'upload/' || u.id || '/take')
                 ORDER BY j.seq DESC LIMIT 1) AS error
             FROM upload u WHERE u.state IN ('pending', 'downloading', 'stored') AND NOT EXISTS (SELECT 1 FROM job j
               WHERE j.unique_key IN ('upload/' || u.id || '/pull', 'upload/' || u.id || '/take')
                 AND j.state IN ('ready', 'running'))",
        );
        let rows = rows.rows(self).await?;
        rows.iter().map(|row| Ok((row.parsed("id")?, row.opt_text("error")?.unwrap_or_default()))).collect()
    }
}

impl Tx {
    /// Makes a video that waits for its source, and has the source pulled when it says from where; owes its
    /// `MediaBaseChangeComplete`. `AlreadyExists` when the reference id is another video's.
    pub async fn begin_upload(&mut self, new: &NewUpload, now: WallTime) -> Result<Upload> {
        let (id, asset, reel) = (self.ids().job(now), self.ids().asset(now), self.ids().reel(now));
        Sql::new(
            "INSERT INTO asset (id, status, title, template_group, duration_ticks, size_bytes, width, height, fps,
               bitrate_kbps, created, modified) VALUES ($1, $2, '', $3, 0, 0, 0, 0, $4, 0, $5, $5)",
        )
        .arg(asset)
        .arg(AssetStatus::Uploading)
        .arg(&new.template_group)
        .arg(0.0)
        .arg(now)
        .run(self)
        .await?;
        let state = if new.source.is_some() { UploadState::Pending } else { UploadState::Waiting };
        Sql::new(
            "INSERT INTO upload (id, asset, reel, state, source, session, file_name, user_data, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        )
        .arg(id)
        .arg(asset)
        .arg(reel)
        .arg(state)
        .arg(new.source.clone())
        .arg(new.session.clone())
        .arg(&new.file_name)
        .arg(new.description.user_data.as_deref().unwrap_or_default())
        .arg(now)
        .run(self)
        .await?;
        self.write_on_asset(asset, &new.description, DescribeMode::Create, now).await?;
        if new.source.is_some() {
            self.enqueue(NewJob::pull(id), now).await?;
        }
        let row = Sql::new("SELECT * FROM upload WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(upload_of).transpose()?.ok_or(CatalogError::NotFound { what: "upload", key: id.to_string() })
    }

    /// The upload as it stands, locked against other writers until the transaction ends; `None` when it is not there, or has ended.
    async fn hold_upload(&mut self, id: JobId) -> Result<Option<Upload>> {
        let sql = Sql::new("UPDATE upload SET modified = modified WHERE id = $1 RETURNING *").arg(id);
        let upload = sql.row(self).await?.as_ref().map(upload_of).transpose()?;
        Ok(upload.filter(|upload| !upload.state.has_ended()))
    }

    /// Notes that a file is being pulled, how large it is, and what its server calls this version of it.
    pub async fn upload_begun(
        &mut self,
        id: JobId,
        size_bytes: Option<u64>,
        validator: Option<&str>,
        now: WallTime,
    ) -> Result<()> {
        Sql::new(
            "UPDATE upload SET state = 'downloading', size_bytes = $2, validator = $3, modified = $4
             WHERE id = $1 AND state IN ('pending', 'downloading')",
        )
        .arg(id)
        .arg(size_bytes)
        .arg(validator)
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    /// Notes that the file of an upload is here, whole, and has it taken over. Whether it was waited for.
    pub async fn upload_stored(&mut self, id: JobId, size_bytes: u64, md5: &str, now: WallTime) -> Result<bool> {
        let stored = Sql::new(
            "UPDATE upload SET state = 'stored', size_bytes = $2, digest = $3, modified = $4
             WHERE id = $1 AND state IN ('waiting', 'pending', 'downloading')",
        );
        let stored = stored.arg(id).arg(size_bytes).arg(md5).arg(now).run(self).await? > 0;
        if stored {
            self.enqueue(NewJob::take(id), now).await?;
        }
        Ok(stored)
    }

    /// Notes that an uploaded file is being taken over by this node: its reel grows. Whether it is still wanted.
    pub async fn begin_take(&mut self, id: JobId, node: &str, now: WallTime) -> Result<bool> {
        let Some(upload) = self.hold_upload(id).await? else { return Ok(false) };
        self.insert_reel(upload.reel, node, now).await?;
        Ok(true)
    }

    /// Gives a video its source: the whole reel that was made of its file. Owes its `FileUploadComplete`, its
    /// `UploadByURLComplete` when it was pulled, and what follows from its template group. Whether it is still wanted.
    pub async fn finish_take(&mut self, id: JobId, taken: &TakenOver, now: WallTime) -> Result<bool> {
        let Some(upload) = self.hold_upload(id).await? else { return Ok(false) };
        let asset = match self.hold_asset(upload.asset).await {
            Ok(asset) => asset,
            Err(CatalogError::NotFound { .. }) => {
                self.end_upload(&upload, UploadState::Cancelled, None, now).await?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let (from_ticks, to_ticks) = taken.span;
        self.seal_reel(upload.reel, Some(to_ticks), now).await?;
        self.insert_span(&Span { asset: asset.id, position: 0, reel: upload.reel, from_ticks, to_ticks }).await?;
        Sql::new("UPDATE asset SET status = $2, modified = $3 WHERE id = $1")
            .arg(asset.id)
            .arg(AssetStatus::of_new(&asset.template_group))
            .arg(now)
            .run(self)
            .await?;
        self.end_upload(&upload, UploadState::Done, None, now).await?;
        let size_bytes = Some(taken.analysis.size_bytes);
        self.tell_for(&upload.user_data, asset.id, now, Event::SourceInPlace { size_bytes }).await?;
        self.tell_pulled(&upload, None, now).await?;
        self.set_analysis(asset.id, &taken.analysis, now).await?;
        self.begin_cover(asset.id, now).await?;
        if encodes(&asset.template_group) {
            self.begin_transcode(asset.id, &asset.template_group, now).await?;
        }
        Ok(true)
    }

    /// Ends an upload of which nothing comes; owes its `UploadByURLComplete` when it was to be pulled. Whether it was unfinished.
    pub async fn fail_upload(&mut self, id: JobId, failure: &PullFailure, now: WallTime) -> Result<bool> {
        let Some(upload) = self.hold_upload(id).await? else { return Ok(false) };
        self.end_upload(&upload, UploadState::Failed, Some(failure), now).await?;
        self.fail_asset(upload.asset, now).await?;
        self.tell_pulled(&upload, Some(failure), now).await?;
        Ok(true)
    }

    /// Ends an upload that nobody wants any more, and tells nobody. Whether it was unfinished.
    pub async fn cancel_upload(&mut self, id: JobId, now: WallTime) -> Result<bool> {
        let Some(upload) = self.hold_upload(id).await? else { return Ok(false) };
        self.end_upload(&upload, UploadState::Cancelled, None, now).await?;
        self.fail_asset(upload.asset, now).await?;
        let jobs = "unique_key IN ('upload/' || $1 || '/pull', 'upload/' || $1 || '/take')";
        self.cancel_jobs(Sql::new(jobs).arg(id)).await?;
        Ok(true)
    }

    /// The same for what a deleted video waits for.
    pub(crate) async fn cancel_upload_of(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        let row = Sql::new("SELECT id FROM upload WHERE asset = $1").arg(asset).row(&mut *self).await?;
        if let Some(row) = row {
            self.cancel_upload(row.parsed("id")?, now).await?;
        }
        Ok(())
    }

    async fn end_upload(
        &mut self,
        upload: &Upload,
        state: UploadState,
        failure: Option<&PullFailure>,
        now: WallTime,
    ) -> Result<()> {
        Sql::new(
            "UPDATE upload SET state = $2, error_code = $3, error = $4, modified = $5, finished = $5 WHERE id = $1",
        )
        .arg(upload.id)
        .arg(state)
        .arg(failure.map(|failure| failure.code.as_str()))
        .arg(failure.map(|failure| failure.message.as_str()))
        .arg(now)
        .run(self)
        .await?;
        if state != UploadState::Done {
            // No media of it will be there.
            self.seal_reel(upload.reel, None, now).await?;
            self.mark_reel_deleted(upload.reel).await?;
        }
        // A worker that was at it has noticed by then.
        let delay = if state == UploadState::Done { Duration::ZERO } else { FREE_AFTER };
        self.enqueue(NewJob { delay, ..NewJob::free_upload(upload.id) }, now).await?;
        Ok(())
    }

    async fn fail_asset(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        Sql::new(
            "UPDATE asset SET status = $2, modified = $3 WHERE id = $1 AND deleted IS NULL AND status = 'Uploading'",
        )
        .arg(asset)
        .arg(AssetStatus::UploadFail)
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    async fn tell_pulled(&mut self, upload: &Upload, failure: Option<&PullFailure>, now: WallTime) -> Result<()> {
        let Some(url) = upload.source.clone() else { return Ok(()) };
        let failure = failure.cloned();
        let event = Event::Pulled { job: upload.id, url, size_bytes: upload.size_bytes, failure };
        self.tell_for(&upload.user_data, upload.asset, now, event).await?;
        Ok(())
    }

    /// Has an upload of a video done that has not ended, as after a rebuild.
    pub async fn upload_again(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        let row = Sql::new("SELECT * FROM upload WHERE asset = $1").arg(asset).row(&mut *self).await?;
        let Some(upload) = row.as_ref().map(upload_of).transpose()? else { return Ok(()) };
        let job = match upload.state {
            UploadState::Pending | UploadState::Downloading => NewJob::pull(upload.id),
            UploadState::Stored => NewJob::take(upload.id),
            UploadState::Waiting | UploadState::Done | UploadState::Failed | UploadState::Cancelled => return Ok(()),
        };
        self.enqueue(job, now).await?;
        Ok(())
    }
}

in_own_tx! {
    begin_upload(new: &NewUpload, now: WallTime) -> Upload;
    upload_begun(id: JobId, size_bytes: Option<u64>, validator: Option<&str>, now: WallTime) -> ();
    upload_stored(id: JobId, size_bytes: u64, md5: &str, now: WallTime) -> bool;
    begin_take(id: JobId, node: &str, now: WallTime) -> bool;
    finish_take(id: JobId, taken: &TakenOver, now: WallTime) -> bool;
    fail_upload(id: JobId, failure: &PullFailure, now: WallTime) -> bool;
    cancel_upload(id: JobId, now: WallTime) -> bool;
}
