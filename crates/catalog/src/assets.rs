//! Media assets: what they are made of, what is known of them, what customers wrote on them.

use std::time::Duration;

use domain::event::{Change, DescribeMode, DescribedField, Event};
use domain::rule::NO_TRANSCODE;
use serde::{Deserialize, Serialize};
use units::{AssetId, RecordingId, ReelId, StreamPath, WallTime};

use crate::blocks::path_of;
use crate::queue::{NewJob, millis};
use crate::search::Wanted;
use crate::sql::{Row, Sql, in_own_tx, to_json, words};
use crate::{AssetPart, AssetSort, AssetSortKey, Catalog, CatalogError, Listed, Order, Page, Result, Tx};

words! {
    /// Where an asset is in its life (contract §5.1). The words are those of the wire.
    pub enum AssetStatus {
        /// Its source is not complete.
        Uploading = "Uploading",
        /// Its source is in place, nothing is playable.
        UploadSucc = "UploadSucc",
        /// It is being transcoded for the first time.
        Transcoding = "Transcoding",
        /// All renditions failed.
        TranscodeFail = "TranscodeFail",
        /// It waits for review.
        Checking = "Checking",
        /// A review refused it.
        Blocked = "Blocked",
        /// Playable.
        Normal = "Normal",
        /// Production or compose failed.
        ProduceFail = "ProduceFail",
        /// The file that it was to be made of did not come, or is none.
        UploadFail = "UploadFail",
        /// Deleted; only the row is left.
        Deleted = "Deleted",
    }
}

impl AssetStatus {
    /// Of an asset whose source is in place and of which nothing else is made yet: what is not to be transcoded is playable at
    /// once (contract §5.1).
    pub fn of_new(template_group: &str) -> Self {
        if template_group == NO_TRANSCODE { Self::Normal } else { Self::UploadSucc }
    }

    /// Whether somebody may ask for outputs of an asset in this state (contract §2.7).
    pub fn may_be_transcoded(self) -> bool {
        match self {
            Self::UploadSucc | Self::Checking | Self::Normal => true,
            Self::Uploading
            | Self::Transcoding
            | Self::TranscodeFail
            | Self::Blocked
            | Self::ProduceFail
            | Self::UploadFail
            | Self::Deleted => false,
        }
    }
}

/// Where a recorded asset came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The recording; `PlaylistId` on the wire.
    pub recording: RecordingId,
    /// Which of its cycles, from 0; `None`: all of them, composed.
    pub cycle: Option<u32>,
    /// The stream.
    pub path: StreamPath,
    /// Wall time of its first media.
    pub began: WallTime,
    /// Wall time of its last media.
    pub ended: WallTime,
}

/// An asset.
#[derive(Clone, PartialEq, Debug)]
pub struct Asset {
    /// Its id; `VideoId` on the wire.
    pub id: AssetId,
    /// Where it is in its life.
    pub status: AssetStatus,
    /// Its title.
    pub title: String,
    /// Its description; may be empty.
    pub description: String,
    /// The URL of the cover that its customer gave it; may be empty.
    pub cover_url: String,
    /// The file of the cover that was taken of it; empty while there is none.
    pub taken_cover: String,
    /// Its category, which may be deleted by now.
    pub category: Option<i64>,
    /// Comma list; may be empty.
    pub tags: String,
    /// What the customer wants told back; may be empty.
    pub user_data: String,
    /// The customer's own id of it.
    pub reference_id: Option<String>,
    /// What becomes of it.
    pub template_group: String,
    /// Where it came from, when it was recorded.
    pub origin: Option<Origin>,
    /// Length in 90 kHz ticks.
    pub duration_ticks: i64,
    /// Bytes of its progressive MP4; before the analysis as near as was known.
    pub size_bytes: u64,
    /// Pixels; 0 without video.
    pub width: u32,
    /// Pixels; 0 without video.
    pub height: u32,
    /// Frames per second; 0 without video.
    pub fps: f64,
    /// All tracks together.
    pub bitrate_kbps: u64,
    /// What the analysis found in each track.
    pub tracks: Vec<TrackFacts>,
    /// When it was analysed.
    pub analysed: Option<WallTime>,
    /// When its source was deleted: what was made of it stays.
    pub source_deleted: Option<WallTime>,
    /// Until when it is kept; `None`: its rule decides.
    pub keep_until: Option<WallTime>,
    /// When it was made.
    pub created: WallTime,
    /// When it was last changed.
    pub modified: WallTime,
}

/// What is told of one track of a source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TrackFacts {
    /// `h264`, `aac`.
    pub codec: String,
    /// `High`, `LC`; empty when unknown.
    pub profile: String,
    /// Ticks per second of the stored track.
    pub timescale: u32,
    /// Length in seconds, for display.
    pub duration_s: f64,
    /// Bits of its frames per second.
    pub bitrate_kbps: u64,
    /// Coded frames.
    pub frames: u64,
    /// Whether it has pictures or sound.
    pub media: MediaFacts,
}

/// What is told of pictures or sound.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum MediaFacts {
    /// Pictures.
    Video {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Frames per second, on average.
        fps: f64,
        /// Ten times the level: 31 for 3.1.
        level: u32,
        /// Whether frames are stored in another order than shown.
        b_frames: bool,
    },
    /// Sound.
    Audio {
        /// Samples per second.
        sample_rate: u32,
        /// Channels.
        channels: u32,
    },
}

/// One piece of an asset's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Whose.
    pub asset: AssetId,
    /// Which piece, from 0.
    pub position: u32,
    /// The reel.
    pub reel: ReelId,
    /// First tick on the reel's timeline.
    pub from_ticks: i64,
    /// One past the last tick.
    pub to_ticks: i64,
}

impl Span {
    pub(crate) fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            asset: row.parsed("asset")?,
            position: row.small("position")?,
            reel: row.parsed("reel")?,
            from_ticks: row.int("from_ticks")?,
            to_ticks: row.int("to_ticks")?,
        })
    }
}

/// Which assets are wanted; absent fields fit all. Deleted ones never are.
#[derive(Clone, Debug, Default)]
pub struct AssetFilter {
    /// One of these; empty: any.
    pub statuses: Vec<AssetStatus>,
    /// The category; in one that is deleted there is nothing.
    pub category: Option<i64>,
    /// Made at or after.
    pub created_from: Option<WallTime>,
    /// Made at or before.
    pub created_to: Option<WallTime>,
    /// The customer's own ids; empty: any.
    pub reference_ids: Vec<String>,
}

/// Which recorded assets are wanted; absent fields fit all. Deleted ones never are.
#[derive(Clone, Debug, Default)]
pub struct RecordedFilter {
    /// The play domain.
    pub domain: Option<String>,
    /// The app.
    pub app: Option<String>,
    /// The stream.
    pub stream: Option<String>,
    /// First media at or after.
    pub began_from: Option<WallTime>,
    /// First media at or before.
    pub began_to: Option<WallTime>,
}

/// What a customer writes on an asset; absent fields stay as they are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Description {
    /// Its title.
    pub title: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The URL of its cover.
    pub cover_url: Option<String>,
    /// Its category; `Some(None)`: none any more.
    pub category: Option<Option<i64>>,
    /// Comma list.
    pub tags: Option<String>,
    /// What the customer wants told back.
    pub user_data: Option<String>,
    /// The customer's own id of it, unique among assets that are not deleted.
    pub reference_id: Option<String>,
}

/// What the analysis of a source found.
#[derive(Clone, PartialEq, Debug)]
pub struct Analysis {
    /// Bytes of the progressive MP4, exact.
    pub size_bytes: u64,
    /// Length in 90 kHz ticks.
    pub duration_ticks: i64,
    /// Pixels; 0 without video.
    pub width: u32,
    /// Pixels; 0 without video.
    pub height: u32,
    /// Frames per second; 0 without video.
    pub fps: f64,
    /// All tracks together.
    pub bitrate_kbps: u64,
    /// Each track.
    pub tracks: Vec<TrackFacts>,
}

pub(crate) fn asset_of(row: &Row) -> Result<Asset> {
    let origin = match row.opt_parsed::<RecordingId>("recording")? {
        Some(recording) => Some(Origin {
            recording,
            cycle: row.opt_int("cycle")?.map(|_| row.small("cycle")).transpose()?,
            path: path_of(row)?,
            began: row.time("began")?,
            ended: row.time("ended")?,
        }),
        None => None,
    };
    Ok(Asset {
        id: row.parsed("id")?,
        status: row.parsed("status")?,
        title: row.text("title")?,
        description: row.text("description")?,
        cover_url: row.text("cover_url")?,
        taken_cover: row.text("taken_cover")?,
        category: row.opt_int("category")?,
        tags: row.text("tags")?,
        user_data: row.text("user_data")?,
        reference_id: row.opt_text("reference_id")?,
        template_group: row.text("template_group")?,
        origin,
        duration_ticks: row.int("duration_ticks")?,
        size_bytes: row.count("size_bytes")?,
        width: row.small("width")?,
        height: row.small("height")?,
        fps: row.real("fps")?,
        bitrate_kbps: row.count("bitrate_kbps")?,
        tracks: row.json("tracks")?,
        analysed: row.opt_time("analysed")?,
        source_deleted: row.opt_time("source_deleted")?,
        keep_until: row.opt_time("keep_until")?,
        created: row.time("created")?,
        modified: row.time("modified")?,
    })
}

impl Catalog {
    /// The asset of this id, unless it is deleted.
    pub async fn asset(&self, id: AssetId) -> Result<Option<Asset>> {
        let row = Sql::new("SELECT * FROM asset WHERE id = $1 AND deleted IS NULL").arg(id).row(self).await?;
        row.as_ref().map(asset_of).transpose()
    }

    /// The asset with the customer's own id, unless it is deleted.
    pub async fn asset_by_reference(&self, reference_id: &str) -> Result<Option<Asset>> {
        let sql = Sql::new("SELECT * FROM asset WHERE reference_id = $1 AND deleted IS NULL").arg(reference_id);
        sql.row(self).await?.as_ref().map(asset_of).transpose()
    }

    /// Those of these assets that are there, in the order of `ids`.
    pub async fn assets_by_id(&self, ids: &[AssetId]) -> Result<Vec<Asset>> {
        let sql = Sql::new("SELECT * FROM asset WHERE deleted IS NULL").with_list(" AND id IN ", ids.iter().copied());
        let mut found: Vec<Asset> = sql.rows(self).await?.iter().map(asset_of).collect::<Result<_>>()?;
        found.sort_by_key(|asset| ids.iter().position(|id| *id == asset.id));
        Ok(found)
    }

    /// The assets of a recording that are not deleted, cycles in order.
    pub async fn assets_of_recording(&self, recording: RecordingId) -> Result<Vec<Asset>> {
        let sql = Sql::new("SELECT * FROM asset WHERE recording = $1 AND deleted IS NULL ORDER BY cycle, id");
        sql.arg(recording).rows(self).await?.iter().map(asset_of).collect()
    }

    /// Assets by time of creation; how many there are in all is counted up to 5000.
    pub async fn assets(&self, filter: &AssetFilter, order: Order, page: Page) -> Result<Listed<Asset>> {
        let condition = |mut sql: Sql| {
            sql = sql.text("1 = 1");
            if !filter.statuses.is_empty() {
                sql = sql.with_list(" AND status IN ", filter.statuses.iter().copied());
            }
            if !filter.reference_ids.is_empty() {
                sql = sql.with_list(" AND reference_id IN ", &filter.reference_ids);
            }
            sql.with_some(" AND category = (SELECT id FROM category WHERE id = ", filter.category)
                .text(if filter.category.is_some() { ")" } else { "" })
                .with_some(" AND created >= ", filter.created_from)
                .with_some(" AND created <= ", filter.created_to)
        };
        let in_order = filter.statuses.len() == 1 || filter.category.is_some();
        self.page_of_assets(&condition, in_order, order, page).await
    }

    /// Recorded assets by time of creation; how many there are in all is counted up to 5000.
    pub async fn recorded_assets(&self, filter: &RecordedFilter, order: Order, page: Page) -> Result<Listed<Asset>> {
        let condition = |sql: Sql| {
            sql.text("recording IS NOT NULL")
                .with_some(" AND domain = ", filter.domain.as_deref())
                .with_some(" AND app = ", filter.app.as_deref())
                .with_some(" AND stream = ", filter.stream.as_deref())
                .with_some(" AND began >= ", filter.began_from)
                .with_some(" AND began <= ", filter.began_to)
        };
        let in_order = filter.domain.is_some() && filter.app.is_some() && filter.stream.is_some();
        self.page_of_assets(&condition, in_order, order, page).await
    }

    async fn page_of_assets(
        &self,
        condition: &(dyn Fn(Sql) -> Sql + Sync),
        in_order: bool,
        order: Order,
        page: Page,
    ) -> Result<Listed<Asset>> {
        let sort = AssetSort::by(&[(AssetSortKey::Created, order)]);
        Wanted::without_texts(condition, in_order, &sort, AssetPart::Page(page)).find(self).await
    }

    /// What an asset is made of, in order. Empty for one that is deleted or not there.
    pub async fn spans(&self, asset: AssetId) -> Result<Vec<Span>> {
        let rows = Sql::new("SELECT * FROM span WHERE asset = $1 ORDER BY position").arg(asset).rows(self).await?;
        rows.iter().map(Span::of).collect()
    }
}

impl Tx {
    /// Makes garbage of what is shown under an id, to be freed after `free_after`. `reels` selects those in which something may be
    /// freed then.
    pub(crate) async fn give_up_spans(
        &mut self,
        id: AssetId,
        reels: Sql,
        free_after: Duration,
        now: WallTime,
    ) -> Result<()> {
        let reels = reels.rows(&mut *self).await?;
        Sql::new(
            "INSERT INTO garbage (asset, position, reel, from_ticks, to_ticks, free_at)
             SELECT asset, position, reel, from_ticks, to_ticks, {now} + $2 FROM span WHERE asset = $1",
        )
        .arg(id)
        .arg(millis(free_after))
        .run(self)
        .await?;
        Sql::new("DELETE FROM span WHERE asset = $1").arg(id).run(self).await?;
        for row in &reels {
            self.enqueue(NewJob::free_reel(row.parsed("reel")?, Some((id, now)), free_after), now).await?;
        }
        Ok(())
    }

    pub(crate) async fn insert_span(&mut self, span: &Span) -> Result<()> {
        Sql::new("INSERT INTO span (asset, position, reel, from_ticks, to_ticks) VALUES ($1, $2, $3, $4, $5)")
            .arg(span.asset)
            .arg(span.position)
            .arg(span.reel)
            .arg(span.from_ticks)
            .arg(span.to_ticks)
            .run(self)
            .await?;
        Ok(())
    }

    /// The asset as it stands, locked against other writers until the transaction ends.
    pub(crate) async fn hold_asset(&mut self, id: AssetId) -> Result<Asset> {
        let row = Sql::new("UPDATE asset SET modified = modified WHERE id = $1 AND deleted IS NULL RETURNING *")
            .arg(id)
            .row(self)
            .await?;
        match row {
            Some(row) => asset_of(&row),
            None => Err(CatalogError::NotFound { what: "asset", key: id.to_string() }),
        }
    }

    /// Writes on an asset, and owes its `MediaBaseChangeComplete` when something changed. `NotFound` when it is not
    /// there, `AlreadyExists` when the reference id is another one's.
    pub async fn describe_asset(&mut self, id: AssetId, description: &Description, now: WallTime) -> Result<()> {
        self.write_on_asset(id, description, DescribeMode::Update, now).await
    }

    pub(crate) async fn write_on_asset(
        &mut self,
        id: AssetId,
        description: &Description,
        mode: DescribeMode,
        now: WallTime,
    ) -> Result<()> {
        let old = self.hold_asset(id).await?;
        if let Some(reference) = &description.reference_id {
            let taken = Sql::new("SELECT 1 AS one FROM asset WHERE reference_id = $1 AND id <> $2 AND deleted IS NULL")
                .arg(reference)
                .arg(id);
            if taken.row(&mut *self).await?.is_some() {
                return Err(CatalogError::AlreadyExists { what: "reference id", key: reference.clone() });
            }
        }
        let changes = changes(&old, description);
        let text = |new: &Option<String>, old: String| new.clone().unwrap_or(old);
        Sql::new(
            "UPDATE asset SET title = $2, description = $3, cover_url = $4, category = $5, tags = $6, user_data = $7,
               reference_id = $8, modified = $9 WHERE id = $1",
        )
        .arg(id)
        .arg(text(&description.title, old.title))
        .arg(text(&description.description, old.description))
        .arg(text(&description.cover_url, old.cover_url))
        .arg(description.category.unwrap_or(old.category))
        .arg(text(&description.tags, old.tags))
        .arg(text(&description.user_data, old.user_data))
        .arg(description.reference_id.clone().or(old.reference_id))
        .arg(now)
        .run(self)
        .await?;
        if !changes.is_empty() {
            self.tell(id, now, Event::AssetDescribed { mode, changes }).await?;
        }
        Ok(())
    }

    /// Stores what the analysis of an asset's source found, and owes its `VideoAnalysisComplete`. Whether it did: the
    /// second time, and for an asset that is gone, nothing happens.
    pub async fn set_analysis(&mut self, id: AssetId, analysis: &Analysis, now: WallTime) -> Result<bool> {
        let changed = Sql::new(
            "UPDATE asset SET size_bytes = $2, duration_ticks = $3, width = $4, height = $5, fps = $6,
               bitrate_kbps = $7, tracks = $8, analysed = $9
             WHERE id = $1 AND deleted IS NULL AND analysed IS NULL",
        )
        .arg(id)
        .arg(analysis.size_bytes)
        .arg(analysis.duration_ticks)
        .arg(analysis.width)
        .arg(analysis.height)
        .arg(analysis.fps)
        .arg(analysis.bitrate_kbps)
        .arg(to_json(&analysis.tracks)?)
        .arg(now)
        .run(self)
        .await?;
        if changed > 0 {
            let event = Event::SourceAnalysed {
                width: analysis.width,
                height: analysis.height,
                duration_s: units::MediaTime::reel(analysis.duration_ticks).seconds(),
                bitrate_kbps: analysis.bitrate_kbps,
                fps: analysis.fps,
                size_bytes: analysis.size_bytes,
            };
            self.tell(id, now, event).await?;
        }
        Ok(changed > 0)
    }

    /// Deletes an asset: its spans become garbage, its media is freed after `free_after` where no other asset needs it,
    /// and its `DeleteMediaComplete` and `MediaBaseChangeComplete` are owed. Until then [`restore_asset`](Self::restore_asset)
    /// brings it back. What is being transcoded of it is ended, and nothing more is told of it. Whether it was there.
    pub async fn delete_asset(&mut self, id: AssetId, free_after: Duration, now: WallTime) -> Result<bool> {
        let old = match self.hold_asset(id).await {
            Ok(old) => old,
            Err(CatalogError::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        Sql::new("UPDATE asset SET status_before = status, status = $2, deleted = $3, modified = $3 WHERE id = $1")
            .arg(id)
            .arg(AssetStatus::Deleted)
            .arg(now)
            .run(self)
            .await?;
        if old.source_deleted.is_some() {
            // Its source is garbage already: these say how long its outputs can come back.
            Sql::new(
                "INSERT INTO garbage (asset, position, reel, from_ticks, to_ticks, free_at)
                 SELECT asset, -1 - position, reel, from_ticks, to_ticks, {now} + $2 FROM garbage
                 WHERE asset = $1 AND position >= 0",
            )
            .arg(id)
            .arg(millis(free_after))
            .run(self)
            .await?;
        }
        let reels = Sql::new(
            "SELECT reel FROM span WHERE asset = $1 UNION SELECT reel FROM garbage WHERE asset = $1 ORDER BY reel",
        );
        self.give_up_spans(id, reels.arg(id), free_after, now).await?;
        self.enqueue(NewJob::free_pictures(id, Some((now, free_after))), now).await?;
        self.hold_tasks(id, now).await?;
        self.cancel_upload_of(id, now).await?;
        self.tell(id, now, Event::AssetDeleted).await?;
        let gone = Description {
            title: Some(String::new()),
            description: Some(String::new()),
            cover_url: Some(String::new()),
            category: None,
            tags: Some(String::new()),
            user_data: None,
            reference_id: None,
        };
        let changes = changes(&old, &gone);
        self.tell(id, now, Event::AssetDescribed { mode: DescribeMode::Delete, changes }).await?;
        Ok(true)
    }
}

/// What became of the wish to have a deleted asset back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restored {
    /// It is back as it was.
    Back,
    /// There is no deleted asset of this id.
    Unknown,
    /// Its media is being removed, or gone.
    TooLate,
}

/// A deleted asset that can be restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedAsset {
    /// Its id.
    pub id: AssetId,
    /// Its title.
    pub title: String,
    /// When it was deleted.
    pub deleted: WallTime,
    /// Until when it can be restored at least.
    pub until: WallTime,
}

impl Catalog {
    /// Deleted assets that can be restored, last deleted first.
    pub async fn deleted_assets(&self, page: Page) -> Result<Listed<DeletedAsset>> {
        // Of one whose source was deleted before, how long its outputs are kept counts.
        const FROM: &str = " FROM asset JOIN (SELECT asset, MIN(free_at) AS until, MAX(freed) AS freed FROM garbage
            WHERE position < 0 OR asset NOT IN (SELECT id FROM asset WHERE source_deleted IS NOT NULL)
            GROUP BY asset) g ON g.asset = asset.id WHERE deleted IS NOT NULL AND g.freed IS NULL";
        let total = Sql::new("SELECT COUNT(*) AS total").text(FROM).total(self).await?;
        let rows = Sql::new("SELECT id, title, deleted, until")
            .text(FROM)
            .text(" ORDER BY deleted DESC, id DESC")
            .with(" LIMIT ", page.limit())
            .with(" OFFSET ", page.offset())
            .rows(self)
            .await?;
        let one = |row: &Row| {
            Ok(DeletedAsset {
                id: row.parsed("id")?,
                title: row.text("title")?,
                deleted: row.time("deleted")?,
                until: row.time("until")?,
            })
        };
        Ok(Listed { rows: rows.iter().map(one).collect::<Result<_>>()?, total })
    }
}

impl Tx {
    /// Brings a deleted asset back as it was, unless its media is being removed; owes its `MediaBaseChangeComplete`. What was
    /// being transcoded of it goes on. Of one that is not deleted it brings a deleted source back, and nobody is told.
    /// `AlreadyExists` when another asset has its reference id by now.
    pub async fn restore_asset(&mut self, id: AssetId, now: WallTime) -> Result<Restored> {
        let sql = Sql::new("UPDATE asset SET modified = $2 WHERE id = $1 AND deleted IS NOT NULL RETURNING *");
        let Some(row) = sql.arg(id).arg(now).row(&mut *self).await? else {
            return self.restore_source(id, now).await;
        };
        let asset = asset_of(&row)?;
        if !self.take_garbage(id, asset.source_deleted.is_some()).await? {
            return Ok(Restored::TooLate);
        }
        if let Some(reference) = &asset.reference_id {
            let taken = Sql::new("SELECT 1 AS one FROM asset WHERE reference_id = $1 AND deleted IS NULL");
            if taken.arg(reference).row(&mut *self).await?.is_some() {
                return Err(CatalogError::AlreadyExists { what: "reference id", key: reference.clone() });
            }
        }
        match asset.source_deleted {
            Some(_) => {
                Sql::new("DELETE FROM garbage WHERE asset = $1 AND position < 0").arg(id).run(self).await?;
            }
            None => self.spans_from_garbage(id).await?,
        }
        Sql::new(
            "UPDATE asset SET status = COALESCE(status_before, 'Normal'), status_before = NULL, deleted = NULL WHERE id = $1",
        )
        .arg(id)
        .run(self)
        .await?;
        if asset.analysed.is_none() {
            self.enqueue(NewJob::analyse(id), now).await?;
        }
        if asset.source_deleted.is_none() {
            self.have_cover(id, now).await?;
        }
        self.plan_again(id, now).await?;
        let told = Description {
            title: Some(asset.title.clone()),
            description: Some(asset.description.clone()),
            cover_url: Some(asset.cover_url.clone()),
            category: None,
            tags: Some(asset.tags.clone()),
            user_data: None,
            reference_id: None,
        };
        let empty = Asset {
            title: String::new(),
            description: String::new(),
            cover_url: String::new(),
            tags: String::new(),
            ..asset
        };
        let changes = changes(&empty, &told);
        self.tell(id, now, Event::AssetDescribed { mode: DescribeMode::Create, changes }).await?;
        Ok(Restored::Back)
    }

    /// Takes what is left of an asset from whoever would free it; of one without source that of its outputs. `false` when some of it is
    /// being removed, or there is nothing.
    pub(crate) async fn take_garbage(&mut self, id: AssetId, of_outputs: bool) -> Result<bool> {
        let which = if of_outputs { " AND position < 0" } else { " AND position >= 0" };
        // Taken first: whoever frees media takes it the same way, so only one of the two has it.
        let back =
            Sql::new("UPDATE garbage SET free_at = free_at WHERE asset = $1 AND freed IS NULL").text(which).arg(id);
        let all = Sql::new("SELECT COUNT(*) AS total FROM garbage WHERE asset = $1").text(which).arg(id);
        let back = back.run(self).await?;
        Ok(back > 0 && back == all.total(&mut *self).await?)
    }

    pub(crate) async fn spans_from_garbage(&mut self, id: AssetId) -> Result<()> {
        Sql::new(
            "INSERT INTO span (asset, position, reel, from_ticks, to_ticks)
             SELECT asset, position, reel, from_ticks, to_ticks FROM garbage WHERE asset = $1",
        )
        .arg(id)
        .run(self)
        .await?;
        Sql::new("DELETE FROM garbage WHERE asset = $1").arg(id).run(self).await?;
        Ok(())
    }
}

/// What `new` changes of what customers see, field by field.
fn changes(old: &Asset, new: &Description) -> Vec<Change> {
    let category = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    [
        (DescribedField::Title, old.title.clone(), new.title.clone()),
        (DescribedField::Description, old.description.clone(), new.description.clone()),
        (DescribedField::Cover, old.cover_url.clone(), new.cover_url.clone()),
        (DescribedField::Category, category(old.category), new.category.map(category)),
        (DescribedField::Tags, old.tags.clone(), new.tags.clone()),
    ]
    .into_iter()
    .filter_map(|(field, old, new)| Some(Change { field, new: new.filter(|new| *new != old)?, old }))
    .collect()
}

in_own_tx! {
    describe_asset(id: AssetId, description: &Description, now: WallTime) -> ();
    set_analysis(id: AssetId, analysis: &Analysis, now: WallTime) -> bool;
    delete_asset(id: AssetId, free_after: Duration, now: WallTime) -> bool;
    restore_asset(id: AssetId, now: WallTime) -> Restored;
}
