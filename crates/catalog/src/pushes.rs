//! Pushes: who publishes now, and who did.

use units::{PushId, StreamPath, WallTime};

use crate::blocks::path_of;
use crate::queue::NewJob;
use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Listed, Order, Page, Result, Search, Tx};

/// A push that was just accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct NewPush {
    /// Its id.
    pub id: PushId,
    /// What it publishes.
    pub path: StreamPath,
    /// The domain it was pushed to: a push domain, or the play domain itself.
    pub publish_domain: String,
    /// The query of the push URL without its secrets.
    pub params: String,
    /// The publisher's address.
    pub client: String,
    /// The address it connected to.
    pub server: String,
    /// The node that took it.
    pub node: String,
    /// When.
    pub began: WallTime,
}

/// What is known of the media of a push by now.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PushStats {
    /// Pixels; 0 without video.
    pub width: u32,
    /// Pixels; 0 without video.
    pub height: u32,
    /// Frames per second over the last seconds.
    pub fps: f64,
    /// Over the last seconds.
    pub video_kbps: u32,
    /// Over the last seconds.
    pub audio_kbps: u32,
    /// `h264`, or empty.
    pub video_codec: String,
    /// `aac`, or empty.
    pub audio_codec: String,
    /// Between the last two key frames by the publisher's clock, in milliseconds; 0: not known yet.
    pub key_frame_ms: u32,
    /// Frames that were dropped here since it began, because the disk did not follow.
    pub dropped_frames: u64,
    /// Pictures that came more than a second later than their times say, since it began.
    pub late_frames: u64,
}

/// A push.
#[derive(Clone, PartialEq, Debug)]
pub struct Push {
    /// What was known when it was accepted.
    pub info: NewPush,
    /// What is known of its media.
    pub stats: PushStats,
    /// When it ended; `None`: it is live.
    pub ended: Option<WallTime>,
    /// Why it ended, in a word.
    pub end_reason: Option<String>,
}

/// Which live pushes are wanted; absent fields fit all.
#[derive(Clone, Debug, Default)]
pub struct PushFilter {
    /// The play domain.
    pub domain: Option<String>,
    /// The app, letter for letter or searched for.
    pub app: Option<(Search, String)>,
    /// The stream, letter for letter or searched for.
    pub stream: Option<(Search, String)>,
}

/// What a list of past and present pushes is sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PublishOrder {
    /// When they began.
    #[default]
    Began,
    /// The stream's name.
    Stream,
}

/// Which past and present pushes are wanted.
#[derive(Clone, Debug)]
pub struct PublishFilter {
    /// By path.
    pub of: PushFilter,
    /// Began at or after.
    pub from: WallTime,
    /// Began before.
    pub to: WallTime,
    /// Sorted by.
    pub by: PublishOrder,
    /// Which way.
    pub order: Order,
}

impl PushFilter {
    fn narrow(&self, sql: Sql) -> Sql {
        let part = |sql: Sql, exact: &'static str, like: &'static str, part: &Option<(Search, String)>| match part {
            Some((Search::Exact, name)) => sql.with(exact, name),
            Some((search, name)) => sql.with(like, search.pattern(name)).text(" ESCAPE '\\'"),
            None => sql,
        };
        let sql = sql.with_some(" AND domain = ", self.domain.as_deref());
        let sql = part(sql, " AND app = ", " AND lower(app) LIKE ", &self.app);
        part(sql, " AND stream = ", " AND lower(stream) LIKE ", &self.stream)
    }
}

pub(crate) fn push_of(row: &Row) -> Result<Push> {
    Ok(Push {
        info: NewPush {
            id: row.parsed("id")?,
            path: path_of(row)?,
            publish_domain: row.text("publish_domain")?,
            params: row.text("params")?,
            client: row.text("client")?,
            server: row.text("server")?,
            node: row.text("node")?,
            began: row.time("began")?,
        },
        stats: PushStats {
            width: row.small("width")?,
            height: row.small("height")?,
            fps: row.real("fps")?,
            video_kbps: row.small("video_kbps")?,
            audio_kbps: row.small("audio_kbps")?,
            video_codec: row.text("video_codec")?,
            audio_codec: row.text("audio_codec")?,
            key_frame_ms: row.small("key_frame_ms")?,
            dropped_frames: row.count("dropped_frames")?,
            late_frames: row.count("late_frames")?,
        },
        ended: row.opt_time("ended")?,
        end_reason: row.opt_text("end_reason")?,
    })
}

impl Catalog {
    /// The push of this id.
    pub async fn push(&self, id: PushId) -> Result<Option<Push>> {
        let row = Sql::new("SELECT * FROM push WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(push_of).transpose()
    }

    /// Live pushes, by path.
    pub async fn live_pushes(&self, filter: &PushFilter, page: Page) -> Result<Listed<Push>> {
        let total =
            filter.narrow(Sql::new("SELECT COUNT(*) AS total FROM push WHERE ended IS NULL")).total(self).await?;
        let rows = filter
            .narrow(Sql::new("SELECT * FROM push WHERE ended IS NULL"))
            .text(" ORDER BY domain, app, stream, began, id")
            .with(" LIMIT ", page.limit())
            .with(" OFFSET ", page.offset())
            .rows(self)
            .await?;
        Ok(Listed { rows: rows.iter().map(push_of).collect::<Result<_>>()?, total })
    }

    /// Past and present pushes that began in a window.
    pub async fn publishes(&self, filter: &PublishFilter, page: Page) -> Result<Listed<Push>> {
        let narrowed =
            |sql: Sql| filter.of.narrow(sql.with(" WHERE began >= ", filter.from).with(" AND began < ", filter.to));
        let total = narrowed(Sql::new("SELECT COUNT(*) AS total FROM push")).total(self).await?;
        let order = match (filter.by, filter.order) {
            (PublishOrder::Began, Order::Ascending) => " ORDER BY began, id",
            (PublishOrder::Began, Order::Descending) => " ORDER BY began DESC, id DESC",
            (PublishOrder::Stream, Order::Ascending) => " ORDER BY stream, began, id",
            (PublishOrder::Stream, Order::Descending) => " ORDER BY stream DESC, began DESC, id DESC",
        };
        let rows = narrowed(Sql::new("SELECT * FROM push"))
            .text(order)
            .with(" LIMIT ", page.limit())
            .with(" OFFSET ", page.offset())
            .rows(self)
            .await?;
        Ok(Listed { rows: rows.iter().map(push_of).collect::<Result<_>>()?, total })
    }

    /// The push of `path` that goes on; of two, of which one is about to end, the newer.
    pub async fn live_push(&self, path: &StreamPath) -> Result<Option<Push>> {
        let row = Sql::new(
            "SELECT * FROM push WHERE ended IS NULL AND domain = $1 AND app = $2 AND stream = $3
             ORDER BY began DESC, id DESC LIMIT 1",
        )
        .arg(path.domain())
        .arg(path.app())
        .arg(path.stream())
        .row(self)
        .await?;
        row.as_ref().map(push_of).transpose()
    }

    /// Whether somebody publishes `path` now.
    pub async fn is_live(&self, path: &StreamPath) -> Result<bool> {
        let row =
            Sql::new("SELECT 1 AS one FROM push WHERE ended IS NULL AND domain = $1 AND app = $2 AND stream = $3")
                .arg(path.domain())
                .arg(path.app())
                .arg(path.stream());
        Ok(row.row(self).await?.is_some())
    }

    /// The live pushes of a node that somebody wants cut.
    pub async fn cuts_requested(&self, node: &str) -> Result<Vec<PushId>> {
        let rows = Sql::new("SELECT id FROM push WHERE node = $1 AND ended IS NULL AND cut_requested = 1").arg(node);
        rows.rows(self).await?.iter().map(|row| row.parsed("id")).collect()
    }
}

impl Tx {
    /// Notes an accepted push. When the domain has a callback, it is told in 2 s, if the push is still there. Repeating
    /// it changes nothing.
    pub async fn insert_push(&mut self, push: &NewPush) -> Result<()> {
        let added = Sql::new(
            "INSERT INTO push (id, domain, app, stream, publish_domain, params, client, server, node, began)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
        )
        .arg(push.id)
        .arg(push.path.domain())
        .arg(push.path.app())
        .arg(push.path.stream())
        .arg(&push.publish_domain)
        .arg(&push.params)
        .arg(&push.client)
        .arg(&push.server)
        .arg(&push.node)
        .arg(push.began)
        .run(self)
        .await?;
        if added > 0 && self.has_live_notify_for(&push.publish_domain, push.path.domain()).await? {
            self.enqueue(NewJob::live_notify(push.id, true, &push.path.to_string()), push.began).await?;
        }
        Ok(())
    }

    /// Notes what is known of the media of live pushes, many at once. Unknown and ended pushes are left alone.
    pub async fn update_push_stats(&mut self, all: &[(PushId, PushStats)]) -> Result<()> {
        for (id, stats) in all {
            Sql::new(
                "UPDATE push SET width = $2, height = $3, fps = $4, video_kbps = $5, audio_kbps = $6,
                   video_codec = $7, audio_codec = $8, key_frame_ms = $9, dropped_frames = $10, late_frames = $11
                 WHERE id = $1 AND ended IS NULL",
            )
            .arg(*id)
            .arg(stats.width)
            .arg(stats.height)
            .arg(stats.fps)
            .arg(stats.video_kbps)
            .arg(stats.audio_kbps)
            .arg(&stats.video_codec)
            .arg(&stats.audio_codec)
            .arg(stats.key_frame_ms)
            .arg(stats.dropped_frames)
            .arg(stats.late_frames)
            .run(self)
            .await?;
        }
        Ok(())
    }

    /// Notes the end of a push, and tells the domain's callback. Whether the push was live.
    pub async fn end_push(&mut self, id: PushId, reason: &str, now: WallTime) -> Result<bool> {
        let row = Sql::new("UPDATE push SET ended = $2, end_reason = $3 WHERE id = $1 AND ended IS NULL RETURNING *")
            .arg(id)
            .arg(now)
            .arg(reason)
            .row(&mut *self)
            .await?;
        let Some(row) = row else { return Ok(false) };
        let push = push_of(&row)?.info;
        if self.has_live_notify_for(&push.publish_domain, push.path.domain()).await? {
            self.enqueue(NewJob::live_notify(id, false, &push.path.to_string()), now).await?;
        }
        Ok(true)
    }

    /// Asks the node that holds the push of `path` to cut it. How many pushes that concerns.
    pub async fn request_cut(&mut self, path: &StreamPath) -> Result<u64> {
        Sql::new("UPDATE push SET cut_requested = 1 WHERE ended IS NULL AND domain = $1 AND app = $2 AND stream = $3")
            .arg(path.domain())
            .arg(path.app())
            .arg(path.stream())
            .run(self)
            .await
    }

    /// Ends the pushes that a node had when it died; called when it starts. How many.
    pub async fn close_orphan_pushes(&mut self, node: &str, now: WallTime) -> Result<u64> {
        let orphans =
            Sql::new("SELECT id FROM push WHERE node = $1 AND ended IS NULL").arg(node).rows(&mut *self).await?;
        let mut closed = 0;
        for row in &orphans {
            closed += u64::from(self.end_push(row.parsed("id")?, "lost", now).await?);
        }
        Ok(closed)
    }
}

in_own_tx! {
    insert_push(push: &NewPush) -> ();
    update_push_stats(all: &[(PushId, PushStats)]) -> ();
    end_push(id: PushId, reason: &str, now: WallTime) -> bool;
    request_cut(path: &StreamPath) -> u64;
    close_orphan_pushes(node: &str, now: WallTime) -> u64;
}
