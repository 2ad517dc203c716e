//! What a process costs, by the kernel's own count.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// A look at some processes.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    cpu: Duration,
    resident_mib: f64,
    at: Instant,
}

/// What was used between two looks.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// User and system time.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
    /// Growth of resident memory.
    pub grown_mib: f64,
}

impl Look {
    /// Adds up the processes as they are now.
    pub fn at(pids: &[u32]) -> anyhow::Result<Self> {
        let mut look = Self { cpu: Duration::ZERO, resident_mib: 0.0, at: Instant::now() };
        for pid in pids {
            look.cpu += cpu(*pid).with_context(|| format!("process {pid}"))?;
            look.resident_mib += resident_mib(*pid).with_context(|| format!("process {pid}"))?;
        }
        Ok(look)
    }

    /// User and system time since the processes began.
    pub const fn cpu(&self) -> Duration {
        self.cpu
    }

    /// CPU and wall time since `earlier`, and growth of memory since `idle`.
    pub fn since(self, earlier: Self, idle: Self) -> Usage {
        Usage {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            wall: self.at - earlier.at,
            grown_mib: self.resident_mib - idle.resident_mib,
        }
    }
}

/// `utime` and `stime` of /proc/PID/stat (fields 14 and 15), in ticks of the kernel's user clock.
fn cpu(pid: u32) -> anyhow::Result<Duration> {
    cpu_fields(pid, 14..=15)
}

/// The sum of some fields of /proc/PID/stat that count ticks of the kernel's user clock.
fn cpu_fields(pid: u32, wanted: std::ops::RangeInclusive<usize>) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything, so count from behind it: field 3 is the first after it.
    let (_, fields) = stat.rsplit_once(") ").context("no name in stat")?;
    let fields: Vec<_> = fields.split(' ').collect();
    let ticks = |field: usize| fields.get(field - 3).context("a short stat")?.parse::<u64>().context("no number");
    let per_second = rustix::param::clock_ticks_per_second();
    let sum = wanted.map(ticks).sum::<anyhow::Result<u64>>()?;
    Ok(Duration::from_millis(sum * 1000 / per_second))
}

/// How long a core was busy so far, for whichever process or none: what the kernel does between processes is in it (`/proc/stat`,
/// all but idle, iowait and steal).
pub fn core_busy(core: &str) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let begin = format!("cpu{core} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&begin)).with_context(|| format!("no core {core}"))?;
    let ticks = line.split_ascii_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    let [user, nice, system, _idle, _iowait, irq, softirq, ..] = ticks.as_slice() else {
        bail!("a short line of {core}")
    };
    let busy = user + nice + system + irq + softirq;
    Ok(Duration::from_millis(busy * 1000 / rustix::param::clock_ticks_per_second()))
}

/// User and system time of a process with all that it started and that has ended (fields 14 to 17 of /proc/PID/stat).
pub fn cpu_with_children(pid: u32) -> anyhow::Result<Duration> {
    cpu_fields(pid, 14..=17)
}

/// Bytes that a process had written to the disk so far (`write_bytes` of /proc/PID/io).
pub fn written_bytes(pid: u32) -> anyhow::Result<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).context("no write_bytes")?;
    Ok(line.trim().parse()?)
}

/// Resident memory of a process, in MiB.
pub fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
