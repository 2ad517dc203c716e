//! The encoder as a child process: limited, watched, and gone when nobody waits for it any more.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::process::{Pid, Signal, kill_process_group, setpriority_pgrp};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Address space of an encoder, in bytes: 8 GiB. A ladder of four up to 2160p takes less than 3.
const MEMORY_MAX: u64 = 8 << 30;
/// CPU time of an encoder, in seconds: an hour, for half a minute of video.
const CPU_SECONDS_MAX: u64 = 3_600;
/// Bytes of its output that are read at a time.
const OUTPUT_BYTES: usize = 256 << 10;
/// How long an encoder may say nothing. It tells its progress twice a second, and on a machine that is overloaded a hundred
/// times later.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// How much nicer than we are.
const NICENESS: i32 = 10;
/// What a shell ends with when there is no such program, POSIX 2.8.2.
const NO_PROGRAM: i32 = 127;
/// What is kept of what an encoder complains about, in bytes; the rest is read and dropped.
const COMPLAINTS_BYTES_MAX: usize = 2_000;

/// Why an encoder did not end well; a sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChildError {
    #[error("the encoder cannot be started")]
    Start(#[source] std::io::Error),
    /// Not now and not later.
    #[error("the encoder cannot be started: {complaints}")]
    NoProgram { complaints: String },
    #[error("the encoder said nothing for {} s and was ended", SILENCE_MAX.as_secs())]
    Silent,
    #[error("the encoder cannot be followed")]
    Follow(#[source] std::io::Error),
    #[error("the encoder ended with {status}: {complaints}")]
    Failed { status: std::process::ExitStatus, complaints: String },
}

/// Ends the whole process group when it is dropped, whatever the reason.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended by itself; then there is nothing to end.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Starts the encoder, `"$@"`, with its limits, and ends it when nobody holds the other end of standard input any more: a server that is
/// killed takes its encoders with it. `$0` is not used.
const WATCHED: &str = r#"
ulimit -c 0; ulimit -v "$1"; ulimit -t "$2"; shift 2
exec 3<&0
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
"$@" </dev/null 3<&-
ended=$?
kill "$!" 2>/dev/null
exit "$ended"
"#;

/// An encoder that runs. Dropped, or killed with this process, it and all that it started are ended.
pub(crate) struct Running {
    child: Child,
    output: Option<ChildStdout>,
    complaints: JoinHandle<String>,
    _group: Group,
    /// Held open as long as somebody waits for the encoder.
    _held: Option<ChildStdin>,
}

/// Starts an encoder in `folder` that may take so much CPU time.
pub(crate) fn start(
    program: &Path,
    folder: &Path,
    arguments: &[String],
    cpu_seconds: u64,
) -> Result<Running, ChildError> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", WATCHED, "encoder", &(MEMORY_MAX / 1024).to_string(), &cpu_seconds.to_string()])
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(ChildError::Start)?;
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let group = Group(pid);
    let held = child.stdin.take();
    be_nice(pid);
    let (output, complaints) = (child.stdout.take(), child.stderr.take());
    let complaints = tokio::spawn(read_complaints(complaints));
    Ok(Running { child, output, complaints, _group: group, _held: held })
}

impl Running {
    /// The next bytes that it puts out; `None` when there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ChildError> {
        let Some(output) = &mut self.output else { return Ok(None) };
        let mut read = BytesMut::with_capacity(OUTPUT_BYTES);
        let count = timeout(SILENCE_MAX, output.read_buf(&mut read)).await.map_err(|_| ChildError::Silent)?;
        count.map_err(ChildError::Follow)?;
        Ok((!read.is_empty()).then(|| read.freeze()))
    }

    /// Waits for its end, and gives the first words of what it complained about all the same.
    pub(crate) async fn end(mut self) -> Result<String, ChildError> {
        let status = timeout(SILENCE_MAX, self.child.wait()).await.map_err(|_| ChildError::Silent)?;
        let status = status.map_err(ChildError::Follow)?;
        let complaints = self.complaints.await.unwrap_or_default();
        match status.code() {
            Some(0) => Ok(complaints),
            Some(NO_PROGRAM) => Err(ChildError::NoProgram { complaints }),
            _ => Err(ChildError::Failed { status, complaints }),
        }
    }
}

/// Runs the encoder in `folder` to its end, and gives the first words of what it complained about all the same; `pictures` is told
/// how many it has put out, about twice a second. Dropped in the middle, or killed with this process, the encoder and all that it
/// started are ended.
pub(crate) async fn run(
    program: &Path,
    folder: &Path,
    arguments: &[String],
    mut pictures: impl FnMut(u64),
) -> Result<String, ChildError> {
    let mut running = start(program, folder, arguments, CPU_SECONDS_MAX)?;
    if let Some(progress) = running.output.take() {
        let mut lines = BufReader::new(progress).lines();
        loop {
            let line = timeout(SILENCE_MAX, lines.next_line()).await.map_err(|_| ChildError::Silent)?;
            let Some(line) = line.map_err(ChildError::Follow)? else { break };
            if let Some(count) = line.strip_prefix("frame=").and_then(|count| count.trim().parse().ok()) {
                pictures(count);
            }
        }
    }
    running.end().await
}

/// Live streams come first. The whole group, so that it does not matter what has been started by now.
fn be_nice(group: Option<Pid>) {
    if let Err(error) = setpriority_pgrp(group, NICENESS) {
        tracing::debug!(%error, "the encoder is as important as we are");
    }
}

/// The first words of what the encoder complains about; all of it is read, so that it never waits for us.
async fn read_complaints(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let room = COMPLAINTS_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(buffer.get(..read.min(room)).unwrap_or_default());
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> (Result<String, ChildError>, Vec<u64>) {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Vec::new();
        let arguments = ["-c".to_owned(), script.to_owned()];
        let ended = run(Path::new("/bin/sh"), folder.path(), &arguments, |count| told.push(count)).await;
        (ended, told)
    }

    #[tokio::test]
    async fn an_encoder_that_ends_well_has_told_its_progress() {
        let (ended, told) = shell("echo frame=3; echo other=1; echo all the same >&2; echo frame= 7").await;
        assert_eq!(ended.unwrap(), "all the same");
        assert_eq!(told, [3, 7]);
    }

    #[tokio::test]
    async fn an_encoder_that_fails_is_quoted_briefly() {
        let (ended, _) = shell("yes 'no such codec' | head -c 100000 >&2; exit 3").await;
        let text = ended.unwrap_err().to_string();
        assert!(text.contains("no such codec") && text.len() < 3_000, "{text}");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let ended = run(Path::new("/nonexistent/ffmpeg"), folder.path(), &[], |_| {}).await;
        assert!(
            matches!(&ended, Err(ChildError::NoProgram { complaints }) if complaints.contains("/nonexistent/ffmpeg")),
            "{ended:?}"
        );
        let (ended, _) = shell("exit 1").await;
        assert!(matches!(ended, Err(ChildError::Failed { .. })));
    }

    #[tokio::test]
    async fn an_encoder_has_its_limits() {
        let (ended, told) = shell("sleep 0.2; echo frame=$(ulimit -v); echo frame=$(nice)").await;
        ended.unwrap();
        assert_eq!(told, [MEMORY_MAX / 1024, 10]);
    }

    /// A script that starts something and says so, and the process that it started.
    const STARTS: &str = "sleep 600 & echo $! > started; echo frame=1; wait";

    fn started(folder: &Path) -> i32 {
        std::fs::read_to_string(folder.join("started")).unwrap().trim().parse().unwrap()
    }

    async fn is_gone(process: i32) -> bool {
        let runs = || {
            // It may have ended and not yet been buried by the process that adopts orphans.
            std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
        };
        for _ in 0..3_000 {
            if !runs() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn an_encoder_that_nobody_waits_for_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c".to_owned(), STARTS.to_owned()];
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let path = folder.path().to_owned();
        let running = tokio::spawn(async move {
            run(Path::new("/bin/sh"), &path, &arguments, |count| tell.send(count).unwrap()).await
        });
        assert_eq!(told.recv().await, Some(1));
        let started = started(folder.path());
        running.abort();
        let _ = running.await;
        assert!(is_gone(started).await, "what the encoder started still runs");
    }

    /// What a killed server leaves is an end of a pipe that is closed, and nothing else.
    #[tokio::test]
    async fn an_encoder_whose_server_is_killed_ends_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("/bin/sh")
            .args(["-c", WATCHED, "encoder", "8388608", "3600", "/bin/sh", "-c", STARTS])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("frame=1"));
        let started = started(folder.path());
        drop(child.stdin.take());
        assert!(!child.wait().await.unwrap().success());
        assert!(is_gone(started).await, "what the encoder started still runs");
    }
}
