//! Deleting the source of an asset, and having it back: what was made of it stays.

use std::time::Duration;

use domain::event::Event;
use domain::rule::NO_TRANSCODE;
use units::{AssetId, JobId, WallTime};

use crate::assets::{AssetStatus, Restored};
use crate::sql::{Sql, in_own_tx};
use crate::{CatalogError, Result, Tx};

/// What became of the wish to be rid of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceDeletion {
    /// It is deleted, now or before.
    Deleted,
    /// It is played itself, something is being made of it, or it is not complete.
    Needed,
}

/// Outputs of an asset that show the stored media of its source itself.
const SHOWS_THE_SOURCE: &str = "asset = $1 AND state = 'done' AND EXISTS (SELECT 1 FROM output_span s
    JOIN span o ON o.asset = $1 AND (o.reel = s.reel OR o.reel = s.sound_reel) WHERE s.output = output.id)";

impl Tx {
    /// Deletes the source of an asset: its spans become garbage, whose media is freed after `free_after` where nothing else needs it, and
    /// its `DeleteMediaComplete` is owed. Its outputs and pictures stay. [`restore_asset`](Self::restore_asset) brings it back until then.
    ///
    /// One that is played itself stays, unless `force` is set; outputs that show it are deleted with it then. One of which something is
    /// being made, or that is not complete, stays in any case. `NotFound` when there is no such asset.
    pub async fn delete_source(
        &mut self,
        id: AssetId,
        force: bool,
        free_after: Duration,
        now: WallTime,
    ) -> Result<SourceDeletion> {
        let asset = self.hold_asset(id).await?;
        if asset.source_deleted.is_some() {
            return Ok(SourceDeletion::Deleted);
        }
        if asset.analysed.is_none() || self.source_is_in_use(id).await? {
            return Ok(SourceDeletion::Needed);
        }
        let shown = Sql::new("SELECT id FROM output WHERE ").text(SHOWS_THE_SOURCE).text(" ORDER BY id").arg(id);
        let shown = shown.rows(&mut *self).await?;
        let shown = shown.iter().map(|row| row.parsed("id")).collect::<Result<Vec<JobId>>>()?;
        let is_played = asset.template_group == NO_TRANSCODE || !shown.is_empty();
        if is_played && !force {
            return Ok(SourceDeletion::Needed);
        }
        if !shown.is_empty() {
            self.delete_streams(id, &shown, now).await?;
        }
        Sql::new("UPDATE asset SET source_deleted = $2, modified = $2 WHERE id = $1")
            .arg(id)
            .arg(now)
            .run(self)
            .await?;
        let reels = Sql::new("SELECT DISTINCT reel FROM span WHERE asset = $1 ORDER BY reel").arg(id);
        self.give_up_spans(id, reels, free_after, now).await?;
        self.tell(id, now, Event::SourceDeleted).await?;
        Ok(SourceDeletion::Deleted)
    }

    /// Something is being made of the source of an asset, or it has none.
    async fn source_is_in_use(&mut self, id: AssetId) -> Result<bool> {
        let open = Sql::new(
            "SELECT 1 AS one FROM transcode_task WHERE asset = $1 AND state <> 'done'
             UNION ALL SELECT 1 FROM picture_job WHERE asset = $1 AND state = 'running'
             UNION ALL SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM span WHERE asset = $1)",
        );
        Ok(open.arg(id).row(&mut *self).await?.is_some())
    }

    /// Brings the deleted source of an asset back that is not deleted itself.
    pub(crate) async fn restore_source(&mut self, id: AssetId, now: WallTime) -> Result<Restored> {
        let asset = match self.hold_asset(id).await {
            Ok(asset) if asset.source_deleted.is_some() => asset,
            Ok(_) | Err(CatalogError::NotFound { .. }) => return Ok(Restored::Unknown),
            Err(error) => return Err(error),
        };
        if !self.take_garbage(id, false).await? {
            return Ok(Restored::TooLate);
        }
        self.spans_from_garbage(id).await?;
        let back = Sql::new("UPDATE asset SET source_deleted = NULL, modified = $2 WHERE id = $1");
        back.arg(id).arg(now).run(self).await?;
        if asset.width > 0 && asset.status != AssetStatus::Blocked {
            self.have_cover(id, now).await?;
        }
        Ok(Restored::Back)
    }
}

in_own_tx! {
    delete_source(id: AssetId, force: bool, free_after: Duration, now: WallTime) -> SourceDeletion;
}
