//! What edges keep of a file: forgetting it, and getting it beforehand.

use catalog::{CacheTask, CacheTaskFilter, CacheTaskKind, CacheTaskState, NewCacheTask};
use door::{Plain, media_path};
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Int, Raw, Time};
use schemars::JsonSchema;
use serde::Serialize;
use units::WallTime;

use super::videos::end_of_second;
use crate::codes::{Answer, Code};
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{DomainText, PageNumber, page};

/// Most files of one call.
const FILES_MAX: usize = 1_000;
/// Most folders, expressions, or files to get of one call.
const OTHERS_MAX: usize = 100;
/// Longest URL, in bytes.
const URL_BYTES_MAX: usize = 4_096;
/// Largest regular expression, in bytes when compiled; edges have the same limit.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Files that may be refreshed a day (UTC).
const URL_QUOTA: u64 = 10_000;
/// Folders.
const DIRECTORY_QUOTA: u64 = 100;
/// Regular expressions. Edges try each on every request for a week.
const REGEX_QUOTA: u64 = 10;
/// Files that may be preloaded.
const PRELOAD_QUOTA: u64 = 1_000;
/// For so long tasks are told of, in milliseconds.
const TOLD_MS: i64 = 3 * 86_400_000;

choice! {
    /// What a URL to refresh names.
    Refreshed {
        /// One file.
        File = "File",
        /// Everything below a folder.
        Directory = "Directory",
        /// All files whose path, without the domain, a regular expression fits.
        Regex = "Regex",
        /// One file, whatever its query. Edges look at no query, so it is a file as well.
        IgnoreParams = "IgnoreParams",
    }
}

choice! {
    /// What a task does.
    TaskType {
        /// A file is forgotten.
        File = "file",
        /// A folder is forgotten.
        Directory = "directory",
        /// What an expression fits is forgotten.
        Regex = "regex",
        /// A file is got.
        Preload = "preload",
    }
}

choice! {
    /// How far a task is.
    TaskStatus {
        /// All edges have done it.
        Complete = "Complete",
        /// Some have not.
        Refreshing = "Refreshing",
        /// Some could not, or were not heard of in time.
        Failed = "Failed",
    }
}

impl TaskType {
    const ALL: [(Self, CacheTaskKind); 4] = [
        (Self::File, CacheTaskKind::File),
        (Self::Directory, CacheTaskKind::Directory),
        (Self::Regex, CacheTaskKind::Regex),
        (Self::Preload, CacheTaskKind::Preload),
    ];

    fn kind(self) -> CacheTaskKind {
        Self::ALL.into_iter().find(|(word, _)| *word == self).map_or(CacheTaskKind::File, |(_, kind)| kind)
    }

    fn of(kind: CacheTaskKind) -> Self {
        Self::ALL.into_iter().find(|(_, known)| *known == kind).map_or(Self::File, |(word, _)| word)
    }
}

operations! {
    /// Has all edges forget files: the next who asks gets them from the origin. Deleted and blocked videos are forgotten without it.
    /// Caches of others in front are not told.
    Vod T2 RefreshVodObjectCaches => refresh_vod_object_caches {
        /// URLs, one a line: at most 1000 files, or 100 of another type. Signatures and queries in them are not looked at. A folder
        /// ends with a slash.
        ObjectPath => object_path: Raw,
        /// What the URLs name.
        ObjectType => object_type: Refreshed = Refreshed::File,
    }

    /// Has all edges get files before somebody asks for them.
    Vod T2 PreloadVodObjectCaches => preload_vod_object_caches {
        /// URLs of files, one a line, at most 100.
        ObjectPath => object_path: Raw,
    }

    /// Lists what was to be refreshed and preloaded in the last three days, the last first, one task for each URL.
    Vod T2 DescribeVodRefreshTasks => describe_vod_refresh_tasks {
        /// Only these, joined by commas.
        TaskId => ids: Option<CommaList<Filled<64>, 50>>,
        /// Only of this URL, as it was given.
        ObjectPath => object_path: Option<Filled<4096>>,
        /// Only of this kind.
        ObjectType => object_type: Option<TaskType>,
        /// Only of URLs of this domain.
        DomainName => domain: Option<DomainText>,
        /// Only those that are so far.
        Status => status: Option<TaskStatus>,
        /// Given at or after.
        StartTime => start: Option<Time>,
        /// Given at or before.
        EndTime => end: Option<Time>,
        /// Which page.
        PageNumber => page_number: PageNumber = 1,
        /// Tasks on a page.
        PageSize => page_size: Int<1, 50> = 20,
    }

    /// Tells how much may be refreshed and preloaded a day (UTC), and how much of that is left.
    Vod T3 DescribeVodRefreshQuota => describe_vod_refresh_quota {}
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Refresh {
    refresh_task_id: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Preload {
    preload_task_id: String,
}

fn malformed(line: &str, why: &str) -> crate::codes::ApiError {
    let shown: String = line.chars().take(200).collect();
    Code::InvalidObjectPathMalformed.because(format!("{shown:?} in ObjectPath cannot be meant: {why}."))
}

/// The host of a URL, lower case and without a port, and what stands behind it.
fn split(line: &str) -> Answer<(String, &str)> {
    let rest = match line.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => rest,
        Some(_) => return Err(malformed(line, "it is no URL of HTTP")),
        None => line,
    };
    let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "/"));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    if host.is_empty() || host.contains(['@', '?', '#', ' ']) {
        return Err(malformed(line, "it names no domain"));
    }
    Ok((host.to_ascii_lowercase(), path))
}

/// The path that edges know a URL by: without a signature and a query, its escapes taken back, and of a live stream with the domain.
fn path_of(line: &str, host: &str, path: &str) -> Answer<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path == "/" {
        return Ok("/".to_owned());
    }
    let whole = match media_path(path) {
        Some(media) => media.to_owned(),
        None => format!("/l/{host}{path}"),
    };
    Plain::parse(&whole).map(|plain| plain.decoded).map_err(|refusal| malformed(line, &refusal.to_string()))
}

/// Adds a task for each line, and gives their ids.
async fn add(context: &Context, object_path: &str, most: usize, kind: CacheTaskKind) -> Answer<String> {
    let mut tasks = Vec::new();
    for line in object_path.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.len() > URL_BYTES_MAX {
            return Err(malformed(line, "it is too long"));
        }
        let (domain, rest) = split(line)?;
        let path = match kind {
            CacheTaskKind::Regex => {
                let read = regex::RegexBuilder::new(rest).size_limit(REGEX_BYTES_MAX).build();
                read.map_err(|_| malformed(line, "its path is no regular expression, or one that is too large"))?;
                rest.to_owned()
            }
            CacheTaskKind::File | CacheTaskKind::Directory | CacheTaskKind::Preload => path_of(line, &domain, rest)?,
        };
        match (kind, path.ends_with('/')) {
            (CacheTaskKind::Directory, false) => return Err(malformed(line, "a folder ends with a slash")),
            (CacheTaskKind::File | CacheTaskKind::Preload, true) => {
                return Err(malformed(line, "it is a folder, and a file is wanted"));
            }
            _ => {}
        }
        let id = context.catalog.ids().request(context.now).to_string();
        tasks.push(NewCacheTask { id, kind, domain, path, object_path: line.to_owned() });
    }
    if tasks.is_empty() {
        return Err(ParamError::missing("ObjectPath").into());
    }
    if tasks.len() > most {
        return Err(Code::InvalidObjectPathMalformed.because(format!("ObjectPath has more than {most} URLs.")));
    }
    let mut tx = context.catalog.begin().await?;
    if !tx.add_cache_tasks(&tasks, quota, day(context.now), context.now).await? {
        return Err(match kind {
            CacheTaskKind::Preload => Code::QuotaExceededPreload.into(),
            _ => Code::QuotaExceededRefresh.into(),
        });
    }
    tx.commit().await?;
    Ok(tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>().join(","))
}

/// The beginning of the day.
fn day(now: WallTime) -> WallTime {
    WallTime::from_unix_s(now.unix_s().div_euclid(86_400).saturating_mul(86_400))
}

fn quota(kind: CacheTaskKind) -> u64 {
    match kind {
        CacheTaskKind::File => URL_QUOTA,
        CacheTaskKind::Directory => DIRECTORY_QUOTA,
        CacheTaskKind::Regex => REGEX_QUOTA,
        CacheTaskKind::Preload => PRELOAD_QUOTA,
    }
}

async fn refresh_vod_object_caches(context: &Context, input: RefreshVodObjectCaches) -> Answer<Refresh> {
    let (kind, most) = match input.object_type {
        Refreshed::File | Refreshed::IgnoreParams => (CacheTaskKind::File, FILES_MAX),
        Refreshed::Directory => (CacheTaskKind::Directory, OTHERS_MAX),
        Refreshed::Regex => (CacheTaskKind::Regex, OTHERS_MAX),
    };
    Ok(Refresh { refresh_task_id: add(context, &input.object_path, most, kind).await? })
}

async fn preload_vod_object_caches(context: &Context, input: PreloadVodObjectCaches) -> Answer<Preload> {
    let preload_task_id = add(context, &input.object_path, OTHERS_MAX, CacheTaskKind::Preload).await?;
    Ok(Preload { preload_task_id })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Tasks {
    page_number: i64,
    page_size: i64,
    tasks: TaskList,
    total_count: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct TaskList {
    task: Vec<Task>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Task {
    creation_time: String,
    description: String,
    object_path: String,
    object_type: &'static str,
    process: String,
    status: &'static str,
    task_id: String,
}

fn told(task: CacheTask) -> Task {
    let status = match task.state {
        CacheTaskState::Refreshing => TaskStatus::Refreshing,
        CacheTaskState::Complete => TaskStatus::Complete,
        CacheTaskState::Failed => TaskStatus::Failed,
    };
    Task {
        creation_time: task.created.to_iso8601(),
        description: task.note,
        object_path: task.object_path,
        object_type: TaskType::of(task.kind).as_str(),
        process: format!("{}%", task.percent),
        status: status.as_str(),
        task_id: task.id,
    }
}

async fn describe_vod_refresh_tasks(context: &Context, input: DescribeVodRefreshTasks) -> Answer<Tasks> {
    let since = WallTime::from_unix_ms(context.now.unix_ms.saturating_sub(TOLD_MS));
    let state = input.status.map(|status| match status {
        TaskStatus::Complete => CacheTaskState::Complete,
        TaskStatus::Refreshing => CacheTaskState::Refreshing,
        TaskStatus::Failed => CacheTaskState::Failed,
    });
    let filter = CacheTaskFilter {
        ids: input.ids.unwrap_or_default(),
        object_path: input.object_path,
        domain: input.domain.map(|domain| domain.to_ascii_lowercase()),
        kind: input.object_type.map(TaskType::kind),
        state,
        from: Some(input.start.map_or(since, |start| if start < since { since } else { start })),
        to: input.end.map(end_of_second),
    };
    // Numbered first: what has no place in the order is not asked of anybody.
    context.catalog.cache_feed(context.now).await?;
    context.catalog.settle_cache_tasks(context.now).await?;
    let listed = context.catalog.cache_tasks(&filter, page(input.page_number, input.page_size)).await?;
    Ok(Tasks {
        page_number: input.page_number,
        page_size: input.page_size,
        tasks: TaskList { task: listed.rows.into_iter().map(told).collect() },
        total_count: listed.total,
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Quota {
    block_quota: String,
    dir_quota: String,
    dir_remain: String,
    preload_quota: String,
    preload_remain: String,
    url_quota: String,
    url_remain: String,
    #[serde(rename = "blockRemain")]
    block_remain: String,
}

async fn describe_vod_refresh_quota(context: &Context, _input: DescribeVodRefreshQuota) -> Answer<Quota> {
    let mut left = Vec::new();
    for kind in [CacheTaskKind::Directory, CacheTaskKind::Preload, CacheTaskKind::File] {
        let given = context.catalog.cache_tasks_since(kind, day(context.now)).await?;
        left.push(quota(kind).saturating_sub(given).to_string());
    }
    let [dir_remain, preload_remain, url_remain] = <[String; 3]>::try_from(left).unwrap_or_default();
    Ok(Quota {
        // Nothing is blocked at edges: that is a matter of domains.
        block_quota: "0".to_owned(),
        dir_quota: DIRECTORY_QUOTA.to_string(),
        dir_remain,
        preload_quota: PRELOAD_QUOTA.to_string(),
        preload_remain,
        url_quota: URL_QUOTA.to_string(),
        url_remain,
        block_remain: "0".to_owned(),
    })
}
