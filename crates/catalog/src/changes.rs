//! Whether something has changed, asked once a second by whoever shows it: also what other processes wrote is noticed.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::sql::{Sql, words};
use crate::{Catalog, Result};

words! {
    /// What somebody may look at.
    pub enum Topic {
        /// Who pushes what.
        Streams = "streams",
        /// Recordings that go on.
        Recordings = "recordings",
        /// Videos.
        Videos = "videos",
        /// The queue.
        Jobs = "jobs",
        /// Events, and what became of them.
        Events = "events",
    }
}

/// A number for each topic, which is another one when something of it has changed. Numbers of different versions of the program cannot be
/// compared.
pub type Marks = [(Topic, u64); 5];

impl Catalog {
    /// The marks of now. Each is read from the end of an index, or from the rows of what goes on.
    pub async fn marks(&self) -> Result<Marks> {
        let pushes =
            Sql::new("SELECT id, width, height, video_codec, audio_codec FROM push WHERE ended IS NULL ORDER BY id");
        let mut streams = DefaultHasher::new();
        for row in pushes.rows(self).await? {
            let size = (row.int("width")?, row.int("height")?);
            (row.text("id")?, size, row.text("video_codec")?, row.text("audio_codec")?).hash(&mut streams);
        }
        let open =
            Sql::new("SELECT id, state, stopped, cycles, give_up_at FROM recording WHERE state <> 'ended' ORDER BY id");
        let mut recordings = DefaultHasher::new();
        for row in open.rows(self).await? {
            let counts = (row.int("stopped")?, row.int("cycles")?, row.opt_int("give_up_at")?);
            (row.text("id")?, row.text("state")?, counts).hash(&mut recordings);
        }
        let modified = self.last("SELECT MAX(modified) AS last FROM asset WHERE deleted IS NULL").await?;
        let event = self.last("SELECT MAX(seq) AS last FROM event").await?;
        let delivery = self.last("SELECT MAX(seq) AS last FROM delivery").await?;
        let job = self.last("SELECT MAX(seq) AS last FROM job").await?;
        let finished = self.last("SELECT MAX(finished) AS last FROM job WHERE finished IS NOT NULL").await?;
        let running = Sql::new(
            "SELECT COUNT(*) AS total, CAST(COALESCE(SUM(fence + progress), 0) AS BIGINT) AS sum FROM job
             WHERE state = 'running'",
        );
        let running = match running.row(self).await? {
            Some(row) => Some((row.int("total")?, row.int("sum")?)),
            None => None,
        };
        Ok([
            (Topic::Streams, streams.finish()),
            (Topic::Recordings, recordings.finish()),
            // What is deleted is told of by an event.
            (Topic::Videos, mark((modified, event))),
            (Topic::Jobs, mark((job, finished, running))),
            (Topic::Events, mark((event, delivery, finished))),
        ])
    }

    async fn last(&self, sql: &'static str) -> Result<Option<i64>> {
        match Sql::new(sql).row(self).await? {
            Some(row) => row.opt_int("last"),
            None => Ok(None),
        }
    }
}

fn mark(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
