//! What somebody asks of the recording of one stream: a row that the node which holds the stream answers.
//!
//! The row is the way between two services that never meet: the API makes it, the recorder of the stream's node takes it,
//! carries it out and writes the answer, in order with the other rows of the recording.

use std::time::Duration;

use tokio::sync::futures::Notified;
use units::{StreamPath, WallTime};

use crate::blocks::path_of;
use crate::queue::millis;
use crate::sql::{Row, Sql, in_own_tx, words};
use crate::{Catalog, Result, Tx};

/// How long a command is remembered after it was given.
const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);

words! {
    /// What is asked.
    pub enum RecordCommand {
        /// Record what is pushed, from its next key frame or from further back.
        Start = "start",
        /// Record no more; the video is made when the grace is over.
        Stop = "stop",
        /// Make the video of what was stopped now.
        CancelDelay = "cancel_delay",
        /// Make a video of what was recorded, and begin another.
        Restart = "restart",
    }

    /// What became of a command.
    pub enum CommandAnswer {
        /// It was carried out.
        Done = "done",
        /// The stream is recorded already.
        AlreadyStarted = "already_started",
        /// The stream is not recorded.
        NotStarted = "not_started",
        /// The stream is recorded and was not stopped.
        NotStopped = "not_stopped",
        /// Nobody pushes the stream.
        NotLive = "not_live",
        /// No rule says how to record the stream.
        NoRule = "no_rule",
        /// It cannot be recorded now: the log has more.
        Failed = "failed",
    }
}

/// A command that waits for its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenCommand {
    /// The order of commands.
    pub seq: i64,
    /// Which stream.
    pub path: StreamPath,
    /// What is asked.
    pub command: RecordCommand,
    /// A start begins so long before now, as far as a safety buffer has it.
    pub reach_back: Duration,
}

fn command_of(row: &Row) -> Result<OpenCommand> {
    Ok(OpenCommand {
        seq: row.int("seq")?,
        path: path_of(row)?,
        command: row.parsed("command")?,
        reach_back: Duration::from_millis(row.count("reach_back_ms")?),
    })
}

impl Catalog {
    /// Resolves when this process makes or answers a command, or answers a question about a push. Ask before looking for
    /// them, wait after; other processes are not heard, so look now and then all the same.
    pub fn command_news(&self) -> Notified<'_> {
        self.inner.command_news.notified()
    }

    /// The commands that a node has not answered, in order.
    pub async fn open_commands(&self, node: &str) -> Result<Vec<OpenCommand>> {
        let rows = Sql::new("SELECT * FROM record_command WHERE node = $1 AND answer IS NULL ORDER BY seq").arg(node);
        rows.rows(self).await?.iter().map(command_of).collect()
    }

    /// What became of a command; `None`: nothing yet.
    pub async fn command_answer(&self, seq: i64) -> Result<Option<CommandAnswer>> {
        let row = Sql::new("SELECT answer FROM record_command WHERE seq = $1 AND answer IS NOT NULL").arg(seq);
        row.row(self).await?.map(|row| row.parsed("answer")).transpose()
    }

    /// Whether the last command for a stream was a start that was carried out at or after `since`, and no recording came of
    /// it: the publisher was lost before its first media, or this process was.
    pub async fn start_stands(&self, path: &StreamPath, since: WallTime) -> Result<bool> {
        let last = Sql::new(
            "SELECT command, answer, created FROM record_command WHERE domain = $1 AND app = $2 AND stream = $3
             ORDER BY seq DESC LIMIT 1",
        );
        let Some(last) = last.arg(path.domain()).arg(path.app()).arg(path.stream()).row(self).await? else {
            return Ok(false);
        };
        let created = last.time("created")?;
        let started: RecordCommand = last.parsed("command")?;
        let done = last.opt_parsed("answer")? == Some(CommandAnswer::Done);
        if created < since || started != RecordCommand::Start || !done {
            return Ok(false);
        }
        let came = Sql::new(
            "SELECT 1 AS one FROM recording WHERE domain = $1 AND app = $2 AND stream = $3 AND began >= $4 LIMIT 1",
        );
        let came = came.arg(path.domain()).arg(path.app()).arg(path.stream()).arg(created);
        Ok(came.row(self).await?.is_none())
    }
}

impl Tx {
    /// Asks something of the recording of `path`. Gives the command's number; `None` when nobody pushes the stream and no
    /// recording of it is open, so that there is nobody to ask.
    pub async fn give_command(
        &mut self,
        path: &StreamPath,
        command: RecordCommand,
        reach_back: Duration,
        now: WallTime,
    ) -> Result<Option<i64>> {
        let of_path = |sql: Sql| sql.arg(path.domain()).arg(path.app()).arg(path.stream());
        let forgotten = Sql::new("DELETE FROM record_command WHERE domain = $1 AND app = $2 AND stream = $3");
        of_path(forgotten)
            .with(" AND created < ", WallTime::from_unix_ms(now.unix_ms.saturating_sub(millis(REMEMBERED))))
            .run(&mut *self)
            .await?;
        let holder = Sql::new(
            "SELECT node FROM push WHERE domain = $1 AND app = $2 AND stream = $3 AND ended IS NULL
             ORDER BY began DESC, id DESC LIMIT 1",
        );
        let mut node = of_path(holder).row(&mut *self).await?;
        if node.is_none() {
            let waiting = Sql::new(
                "SELECT node FROM recording WHERE domain = $1 AND app = $2 AND stream = $3 AND state <> 'ended'
                 ORDER BY began DESC, id DESC LIMIT 1",
            );
            node = of_path(waiting).row(&mut *self).await?;
        }
        let Some(node) = node else { return Ok(None) };
        let made = Sql::new(
            "INSERT INTO record_command (domain, app, stream, node, command, reach_back_ms, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING seq",
        );
        let made = of_path(made).arg(node.text("node")?).arg(command).arg(millis(reach_back)).arg(now);
        self.command_news = true;
        made.row(&mut *self).await?.map(|row| row.int("seq")).transpose()
    }

    /// Answers a command. One that was withdrawn, or answered before, stays as it is.
    pub async fn answer_command(&mut self, seq: i64, answer: CommandAnswer, now: WallTime) -> Result<()> {
        self.command_news = true;
        Sql::new("UPDATE record_command SET answer = $2, answered = $3 WHERE seq = $1 AND answer IS NULL")
            .arg(seq)
            .arg(answer)
            .arg(now)
            .run(self)
            .await?;
        Ok(())
    }

    /// Takes back a command that nobody answers. `false` when it was answered in the end.
    pub async fn withdraw_command(&mut self, seq: i64) -> Result<bool> {
        let withdrawn = Sql::new("DELETE FROM record_command WHERE seq = $1 AND answer IS NULL").arg(seq).run(self);
        Ok(withdrawn.await? > 0)
    }
}

in_own_tx! {
    give_command(path: &StreamPath, command: RecordCommand, reach_back: Duration, now: WallTime) -> Option<i64>;
    answer_command(seq: i64, answer: CommandAnswer, now: WallTime) -> ();
    withdraw_command(seq: i64) -> bool;
}
