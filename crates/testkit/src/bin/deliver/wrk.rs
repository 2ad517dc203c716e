//! wrk, which asks as many connections as it is told for one thing after the other.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::process::Command;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The path.
    pub path: String,
    /// The first and the last byte, where not all is wanted.
    pub range: Option<(u64, u64)>,
}

/// How much load.
pub struct Load<'a> {
    /// Connections at once.
    pub clients: u32,
    /// For so long.
    pub seconds: u32,
    /// The core that it has.
    pub core: &'a str,
    /// For its script.
    pub folder: &'a Path,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Answers.
    pub requests: u64,
    /// Bytes of them, with their heads.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
    /// In which 99 % of them came.
    pub p99: Duration,
    /// Connections that failed, requests without an answer, and answers that were none of 200 and 206.
    pub errors: u64,
}

/// Fails when there is none, and says what to install.
pub fn check() -> anyhow::Result<()> {
    let found = std::process::Command::new("wrk").arg("-v").output();
    ensure!(found.is_ok(), "missing: wrk. Install with: sudo apt-get install wrk");
    Ok(())
}

impl Load<'_> {
    /// Asks the server at `base` for `requests`, again and again.
    pub async fn run(&self, base: &str, requests: &[Request]) -> anyhow::Result<Seen> {
        let script = tempfile::Builder::new().suffix(".lua").tempfile_in(self.folder)?;
        std::fs::write(script.path(), lua(requests)?)?;
        let mut command = Command::new("taskset");
        command.args(["-c", self.core, "wrk", "-t1", "--timeout", "30s"]);
        command.arg(format!("-c{}", self.clients)).arg(format!("-d{}s", self.seconds));
        command.arg("-s").arg(script.path()).arg(base);
        let done = command.output().await.context("cannot run wrk")?;
        let said = String::from_utf8_lossy(&done.stdout);
        if !done.status.success() {
            bail!("wrk failed: {said}{}", String::from_utf8_lossy(&done.stderr));
        }
        read(&said).with_context(|| format!("wrk said {said}"))
    }
}

/// A script that asks for one after the other, and says at the end what it has counted.
fn lua(requests: &[Request]) -> anyhow::Result<String> {
    // Only in init, which wrk calls when it has resolved it, the Host of the requests is known.
    let mut script = String::from("local requests\ninit = function(args)\nrequests = {\n");
    for Request { path, range } in requests {
        match range {
            None => writeln!(script, "wrk.format('GET', '{path}'),")?,
            Some((from, to)) => writeln!(script, "wrk.format('GET', '{path}', {{['Range'] = 'bytes={from}-{to}'}}),")?,
        }
    }
    script.push_str(
        "}
end
local at = 0
request = function()
    at = at % #requests + 1
    return requests[at]
end
done = function(summary, latency)
    local e = summary.errors
    local failed = e.connect + e.read + e.write + e.status + e.timeout
    io.write(string.format('seen %d %d %d %d %d\\n', summary.requests, summary.bytes, summary.duration, latency:percentile(99), failed))
end
",
    );
    Ok(script)
}

fn read(said: &str) -> anyhow::Result<Seen> {
    let line = said.lines().find_map(|line| line.strip_prefix("seen ")).context("it counted nothing")?;
    let numbers: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, bytes, took, p99, errors] = numbers[..] else { bail!("five numbers are wanted") };
    Ok(Seen { requests, bytes, took: Duration::from_micros(took), p99: Duration::from_micros(p99), errors })
}
