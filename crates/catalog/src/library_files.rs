//! Files that are kept as they were sent: pictures, and what is attached to media, such as subtitles.
//!
//! A file lies in the folder of its id among those of the assets, and storage tells of it in the same way. Its events are numbered as
//! those of an asset are.

use domain::event::{Event, FileKind};
use units::{AssetId, JobId, WallTime};

use crate::assets::Description;
use crate::queue::NewJob;
use crate::search::narrowed;
use crate::sql::{Row, Sql, in_own_tx, words};
use crate::uploads::upload_folder;
use crate::{AssetMatch, AssetSortKey, Catalog, CatalogError, Listed, Order, Page, Result, Tx};

/// How many files that fit are counted.
const COUNTED_MAX: u32 = 5_000;

words! {
    /// Where a file is in its life (contract §5.2). The words are those of the wire.
    pub enum FileStatus {
        /// Its owner is to send it.
        Uploading = "Uploading",
        /// It is here.
        Normal = "Normal",
        /// Deleted; only the row is left.
        Deleted = "Deleted",
    }
}

/// A file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LibraryFile {
    /// Its id; `ImageId` or `MediaId` on the wire.
    pub id: AssetId,
    /// What it is.
    pub kind: FileKind,
    /// What its customer says that it is for.
    pub purpose: String,
    /// Where it is in its life.
    pub status: FileStatus,
    /// Its title.
    pub title: String,
    /// Its description; may be empty.
    pub description: String,
    /// Its category, which may be deleted by now.
    pub category: Option<i64>,
    /// Comma list; may be empty.
    pub tags: String,
    /// What the customer wants told back; may be empty.
    pub user_data: String,
    /// How its owner calls it.
    pub file_name: String,
    /// What its name ends with, in lower case, without a dot.
    pub extension: String,
    /// Bytes; 0 until it is here.
    pub size_bytes: u64,
    /// Pixels; 0 of what is no picture.
    pub width: u32,
    /// Pixels; 0 of what is no picture.
    pub height: u32,
    /// MD5 in hex, once it is here; of one in parts that of theirs, and their number.
    pub md5: Option<String>,
    /// When it was asked for.
    pub created: WallTime,
    /// When it was last changed.
    pub modified: WallTime,
}

impl LibraryFile {
    /// What it is called in its folder.
    pub fn name(&self) -> String {
        format!("file.{}", self.extension)
    }

    /// Where it lies in the store.
    pub fn key(&self) -> String {
        format!("assets/{}/{}", self.id, self.name())
    }

    /// The folder of the parts that it comes in.
    pub fn parts_folder(&self) -> String {
        upload_folder(JobId::from_u128(self.id.as_u128()))
    }
}

/// A file that is to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewLibraryFile {
    /// What it is.
    pub kind: FileKind,
    /// What its customer says that it is for.
    pub purpose: String,
    /// What is written on it; of a cover and an own id nothing is kept.
    pub description: Description,
    /// How its owner calls it.
    pub file_name: String,
    /// What its name ends with, in lower case, without a dot.
    pub extension: String,
}

/// What was found in a file that came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    /// Bytes.
    pub size_bytes: u64,
    /// MD5 in hex; of one in parts that of theirs, and their number.
    pub md5: String,
    /// Pixels; 0 of what is no picture.
    pub width: u32,
    /// Pixels; 0 of what is no picture.
    pub height: u32,
}

fn file_of(row: &Row) -> Result<LibraryFile> {
    let kind = match row.text("kind")?.as_str() {
        "image" => FileKind::Image,
        _ => FileKind::Attached,
    };
    Ok(LibraryFile {
        id: row.parsed("id")?,
        kind,
        purpose: row.text("purpose")?,
        status: row.parsed("status")?,
        title: row.text("title")?,
        description: row.text("description")?,
        category: row.opt_int("category")?,
        tags: row.text("tags")?,
        user_data: row.text("user_data")?,
        file_name: row.text("file_name")?,
        extension: row.text("extension")?,
        size_bytes: row.count("size_bytes")?,
        width: row.small("width")?,
        height: row.small("height")?,
        md5: row.opt_text("digest")?,
        created: row.time("created")?,
        modified: row.time("modified")?,
    })
}

impl Catalog {
    /// The file of this id, unless it is deleted.
    pub async fn find_library_file(&self, id: AssetId) -> Result<Option<LibraryFile>> {
        let row = Sql::new("SELECT * FROM library_file WHERE id = $1 AND deleted IS NULL").arg(id).row(self).await?;
        row.as_ref().map(file_of).transpose()
    }

    /// All files that are here after `after` by id.
    pub async fn stored_library_files(&self, after: Option<AssetId>, limit: u32) -> Result<Vec<LibraryFile>> {
        let sql = Sql::new("SELECT * FROM library_file WHERE status = 'Normal'").with_some(" AND id > ", after);
        sql.text(" ORDER BY id").with(" LIMIT ", limit).rows(self).await?.iter().map(file_of).collect()
    }

    /// The files of some kinds that fit, sorted by one key, then by id; those that fit are counted up to 5000. What is asked of the
    /// fields that only videos have (their length, whether they were recorded) is the caller's to answer.
    pub async fn search_library_files(
        &self,
        kinds: &[FileKind],
        wanted: &AssetMatch,
        (key, order): (AssetSortKey, Order),
        page: Page,
    ) -> Result<Listed<LibraryFile>> {
        let from = |sql: Sql| {
            let sql = sql.text(" FROM library_file WHERE deleted IS NULL");
            let sql = sql.with_list(" AND kind IN ", kinds.iter().map(|kind| kind.as_str()));
            narrowed(sql.text(" AND "), wanted)
        };
        let counted = from(Sql::new("SELECT COUNT(*) AS total FROM (SELECT id")).with(" LIMIT ", COUNTED_MAX);
        let total = counted.text(") counted").total(self).await?;
        let sorted = match (key, order) {
            (AssetSortKey::Created, Order::Ascending) => " ORDER BY created, id",
            (AssetSortKey::Created, Order::Descending) => " ORDER BY created DESC, id DESC",
            (AssetSortKey::Modified, Order::Ascending) => " ORDER BY modified, id",
            (AssetSortKey::Modified, Order::Descending) => " ORDER BY modified DESC, id DESC",
        };
        let sql = from(Sql::new("SELECT *")).text(sorted).with(" LIMIT ", page.limit()).with(" OFFSET ", page.offset());
        Ok(Listed { rows: sql.rows(self).await?.iter().map(file_of).collect::<Result<_>>()?, total })
    }
}

impl Tx {
    /// Makes a file that its owner is to send.
    pub async fn begin_library_file(&mut self, new: &NewLibraryFile, now: WallTime) -> Result<LibraryFile> {
        let id = self.ids().asset(now);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Sql::new(
            "INSERT INTO library_file (id, kind, purpose, status, title, description, category, tags, user_data, file_name,
               extension, created, modified) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        )
        .arg(id)
        .arg(new.kind.as_str())
        .arg(&new.purpose)
        .arg(FileStatus::Uploading)
        .arg(text(&new.description.title))
        .arg(text(&new.description.description))
        .arg(new.description.category.flatten())
        .arg(text(&new.description.tags))
        .arg(text(&new.description.user_data))
        .arg(&new.file_name)
        .arg(&new.extension)
        .arg(now)
        .run(self)
        .await?;
        self.hold_library_file(id).await
    }

    /// The file as it stands, locked against other writers until the transaction ends.
    async fn hold_library_file(&mut self, id: AssetId) -> Result<LibraryFile> {
        let sql = Sql::new("UPDATE library_file SET modified = modified WHERE id = $1 AND deleted IS NULL RETURNING *");
        match sql.arg(id).row(self).await? {
            Some(row) => file_of(&row),
            None => Err(CatalogError::NotFound { what: "file", key: id.to_string() }),
        }
    }

    /// Notes that a file is here, whole, and owes its `ImageUploadComplete` or `AttachedMediaUploadComplete`. Whether it was waited for.
    pub async fn finish_library_file(&mut self, id: AssetId, stored: &StoredFile, now: WallTime) -> Result<bool> {
        let sql = Sql::new(
            "UPDATE library_file SET status = 'Normal', size_bytes = $2, digest = $3, width = $4, height = $5, modified = $6
             WHERE id = $1 AND status = 'Uploading' RETURNING *",
        );
        let sql = sql.arg(id).arg(stored.size_bytes).arg(&stored.md5).arg(stored.width).arg(stored.height).arg(now);
        let Some(row) = sql.row(&mut *self).await? else { return Ok(false) };
        let file = file_of(&row)?;
        let LibraryFile { size_bytes, extension, .. } = file;
        let event = match file.kind {
            FileKind::Image => Event::ImageStored { size_bytes, extension },
            FileKind::Attached => Event::AttachedStored { size_bytes, extension },
        };
        self.tell_for(&file.user_data, id, now, event).await?;
        // Whatever parts it came in.
        self.enqueue(NewJob::free_file(id), now).await?;
        Ok(true)
    }

    /// Writes on a file; what is absent stays as it is. `NotFound` when it is not there.
    pub async fn describe_library_file(&mut self, id: AssetId, new: &Description, now: WallTime) -> Result<()> {
        let old = self.hold_library_file(id).await?;
        let text = |new: &Option<String>, old: String| new.clone().unwrap_or(old);
        Sql::new(
            "UPDATE library_file SET title = $2, description = $3, category = $4, tags = $5, user_data = $6, modified = $7
             WHERE id = $1",
        )
        .arg(id)
        .arg(text(&new.title, old.title))
        .arg(text(&new.description, old.description))
        .arg(new.category.unwrap_or(old.category))
        .arg(text(&new.tags, old.tags))
        .arg(text(&new.user_data, old.user_data))
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    /// Deletes a file and has it removed from the store; owes its `DeleteMediaComplete`. It does not come back. Whether it was there.
    pub async fn delete_library_file(&mut self, id: AssetId, now: WallTime) -> Result<bool> {
        let file = match self.hold_library_file(id).await {
            Ok(file) => file,
            Err(CatalogError::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let sql = Sql::new("UPDATE library_file SET status = $2, deleted = $3, modified = $3 WHERE id = $1").arg(id);
        sql.arg(FileStatus::Deleted).arg(now).run(self).await?;
        self.tell(id, now, Event::FileDeleted { file: file.kind }).await?;
        self.enqueue(NewJob::free_file(id), now).await?;
        Ok(true)
    }
}

in_own_tx! {
    begin_library_file(new: &NewLibraryFile, now: WallTime) -> LibraryFile;
    finish_library_file(id: AssetId, stored: &StoredFile, now: WallTime) -> bool;
    describe_library_file(id: AssetId, new: &Description, now: WallTime) -> ();
    delete_library_file(id: AssetId, now: WallTime) -> bool;
}
