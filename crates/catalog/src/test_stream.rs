//! The stream that the server pushes to itself, for people who have none yet: a job, so that there is one at a time and it can be ended.

use std::time::Duration;

use serde_json::json;
use units::{StreamPath, WallTime};

use crate::queue::{JobRow, NewJob, Retry, kind};
use crate::sql::corrupt;
use crate::{Catalog, Result, Tx};

/// A node that is restarted takes it up again; what fails otherwise will do so again.
const RETRY: Retry = Retry::fixed(2, Duration::from_secs(2));

/// The test stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestStream {
    /// The ingest domain that it is pushed to.
    pub push_domain: String,
    /// What it is.
    pub path: StreamPath,
    /// When it ends by itself.
    pub until: WallTime,
}

impl TestStream {
    /// That of a job.
    ///
    /// # Errors
    /// `Corrupt`: the job is no such one.
    pub fn of(job: &JobRow) -> Result<Self> {
        let text = |name: &str| job.payload[name].as_str().unwrap_or_default();
        let wrong = || corrupt("job.payload", &job.payload, "a test stream");
        let path = StreamPath::new(text("domain"), text("app"), text("stream")).map_err(|_| wrong())?;
        let until = job.payload["until"].as_i64().map(WallTime::from_unix_ms).ok_or_else(wrong)?;
        Ok(Self { push_domain: text("push_domain").to_owned(), path, until })
    }

    fn job(&self) -> NewJob {
        let payload = json!({
            "push_domain": self.push_domain,
            "domain": self.path.domain(),
            "app": self.path.app(),
            "stream": self.path.stream(),
            "until": self.until.unix_ms,
        });
        NewJob { unique_key: Some(kind::TEST_STREAM.to_owned()), ..NewJob::new(kind::TEST_STREAM, payload, RETRY) }
    }
}

impl Catalog {
    /// The test stream that goes on, if one does.
    pub async fn test_stream(&self) -> Result<Option<TestStream>> {
        let job = self.unfinished_job(kind::TEST_STREAM).await?.filter(|job| !job.cancel_requested);
        job.as_ref().map(TestStream::of).transpose()
    }
}

impl Tx {
    /// Begins a test stream, unless one goes on.
    pub async fn begin_test_stream(&mut self, test: &TestStream, now: WallTime) -> Result<()> {
        self.enqueue(test.job(), now).await?;
        Ok(())
    }

    /// Ends the test stream. Whether there was one.
    pub async fn end_test_stream(&mut self) -> Result<bool> {
        Ok(self.cancel_jobs(crate::sql::Sql::new("unique_key = $1").arg(kind::TEST_STREAM)).await? > 0)
    }
}

crate::sql::in_own_tx! {
    begin_test_stream(test: &TestStream, now: WallTime) -> ();
    end_test_stream() -> bool;
}
