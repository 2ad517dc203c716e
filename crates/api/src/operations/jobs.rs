//! The queue, for whoever looks after it: an operation of our own.

use catalog::{JobFilter, JobRow, JobState};
use rpc::ParamError;
use rpc::param::{Filled, Int};
use schemars::JsonSchema;
use serde::Serialize;
use units::{JobId, WallTime};

use crate::codes::Answer;
use crate::declare::{choice, operations};
use crate::state::Context;

choice! {
    /// Where a job is in its life.
    State {
        /// It waits for its time and its turn.
        Ready = "Ready",
        /// A worker is at it.
        Running = "Running",
        /// Done.
        Done = "Done",
        /// Failed for good.
        Dead = "Dead",
        /// Ended on request.
        Cancelled = "Cancelled",
    }
}

operations! {
    /// Lists jobs of the queue, newest first: what waits, what runs, what failed for good and why. Those that have ended are kept
    /// for a week.
    Vod Own ListJobs => list_jobs {
        /// Only jobs in this state. `Dead` are the failed ones.
        State => state: Option<State>,
        /// Only jobs of this kind: `callback`, `encode` and so on.
        Kind => kind: Option<Filled<64>>,
        /// Jobs in the answer.
        MaxResults => max: Int<1, 100> = 50,
        /// Where the answer before this one ended.
        NextToken => token: Option<Filled<32>>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    job_list: Vec<Job>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Job {
    job_id: JobId,
    kind: String,
    state: State,
    /// What it is about, as JSON text.
    about: String,
    priority: i64,
    progress: u32,
    attempts: u32,
    attempts_max: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    /// Not before, when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_time: Option<String>,
}

impl State {
    fn of(state: JobState) -> Self {
        match state {
            JobState::Ready => Self::Ready,
            JobState::Running => Self::Running,
            JobState::Done => Self::Done,
            JobState::Dead => Self::Dead,
            JobState::Cancelled => Self::Cancelled,
        }
    }

    fn stored(self) -> JobState {
        match self {
            Self::Ready => JobState::Ready,
            Self::Running => JobState::Running,
            Self::Done => JobState::Done,
            Self::Dead => JobState::Dead,
            Self::Cancelled => JobState::Cancelled,
        }
    }
}

async fn list_jobs(context: &Context, input: ListJobs) -> Answer<Listed> {
    let wrong = |_| ParamError::invalid("NextToken", "it is none that this operation gave");
    let before = input.token.map(|token| token.parse::<i64>()).transpose().map_err(wrong)?;
    let filter = JobFilter { state: input.state.map(State::stored), kind: input.kind, before };
    let wanted = u32::try_from(input.max).unwrap_or(u32::MAX);
    let mut jobs = context.catalog.jobs(&filter, wanted.saturating_add(1)).await?;
    let more = jobs.len() > usize::try_from(wanted).unwrap_or(usize::MAX);
    jobs.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    let next_token = jobs.last().filter(|_| more).map(|job| job.seq.to_string());
    Ok(Listed { job_list: jobs.into_iter().map(told).collect(), next_token })
}

fn told(job: JobRow) -> Job {
    Job {
        job_id: job.id,
        state: State::of(job.state),
        about: job.payload.to_string(),
        priority: job.priority,
        progress: job.progress,
        attempts: job.attempt,
        attempts_max: job.retry.attempts_max,
        error: job.error,
        creation_time: job.created.to_iso8601(),
        start_time: job.started.map(WallTime::to_iso8601),
        complete_time: job.finished.map(WallTime::to_iso8601),
        next_attempt_time: (job.state == JobState::Ready).then(|| job.run_at.to_iso8601()),
        kind: job.kind,
    }
}
