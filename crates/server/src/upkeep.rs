//! `reprise check` and `reprise rebuild`: the catalog and storage against each other. Whatever changes something needs the
//! server to be stopped; a check that only reads goes on beside it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use archive::{Depth, Problem};
use blobs::Blobs;
use catalog::{Catalog, CatalogUrl, NewAuditEvent, Role, Subject};

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::serve::{NODE, catalog_url, now, open_catalog};

/// The exit status of a check that found something that is still wrong.
const FOUND: u8 = 1;
/// Between two looks at what seems wrong beside a running server: longer than anything is on its way there, such as the
/// description of what has just changed.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Runs the check; success when nothing is wrong, or all of it was mended.
pub fn check(config: &Config, depth: Depth, mend: bool) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let folder = Path::new(&config.storage.data_dir);
        let beside = !mend && DataDir::is_held(folder);
        let (held, catalog) = if beside {
            let url = catalog_url(config, folder)?;
            (None, Catalog::open_to_read(&url).await.context("cannot open the catalog beside the server")?)
        } else {
            let data = held(config)?;
            let catalog = open_catalog(config, data.path()).await?;
            (Some(data), catalog)
        };
        let blobs = open_media(folder)?;
        let report = match beside {
            true => archive::check_beside(&catalog, &blobs, depth, LOOK_AGAIN).await,
            false => archive::check(&catalog, &blobs, depth).await,
        };
        let report = report.context("the check cannot go on")?;
        let mended = match mend {
            true => {
                let mended = archive::mend(&catalog, &blobs, &report, NODE, now()).await;
                write_down(&catalog, "check --mend").await?;
                mended
            }
            false => Vec::new(),
        };
        let mut left = 0;
        for (at, problem) in report.problems.iter().enumerate() {
            let outcome = mended.iter().find(|(of, _)| *of == at).map(|(_, outcome)| outcome);
            let said = match outcome {
                Some(Ok(())) => "mended".to_owned(),
                Some(Err(error)) => format!("could not be mended: {}", chain(error)),
                None => problem.advice.clone(),
            };
            left += u64::from(!matches!(outcome, Some(Ok(()))));
            tell(&line(problem, &said))?;
        }
        let read = match depth {
            Depth::Media => format!(", {} bytes of media read", report.media_bytes),
            Depth::Index => String::new(),
        };
        tell(&format!(
            "{} videos, {} reels, {} segments{read}: {} wrong, {} mended\n",
            report.assets,
            report.reels,
            report.segments,
            report.problems.len(),
            u64::try_from(report.problems.len()).unwrap_or(u64::MAX) - left,
        ))?;
        if beside {
            tell("a server runs: open recordings, and what only storage knows, were not looked at\n")?;
        }
        catalog.close().await;
        drop(held);
        Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    })
}

/// Has the audit log tell that a command of this program changed rows.
pub async fn write_down(catalog: &Catalog, command: &str) -> anyhow::Result<()> {
    let at = now();
    let call = NewAuditEvent {
        request: catalog.ids().request(at).to_uuid(),
        at,
        access_key: String::new(),
        role: Role::Admin.as_str().to_owned(),
        address: String::new(),
        service: "reprise".to_owned(),
        action: command.to_owned(),
        params: "{}".to_owned(),
    };
    let mut tx = catalog.begin().await?;
    tx.begin_audit(&call).await?;
    tx.end_audit(&call.request, "OK").await?;
    tx.commit().await.context("cannot write to the audit log")
}

fn line(problem: &Problem, said: &str) -> String {
    format!("{}: {}\n    {said}\n", problem.place, problem.what)
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Makes the catalog anew. With SQLite the old file stays beside it under another name; a PostgreSQL database has to be
/// empty, the old one stays where it is.
pub fn rebuild(config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let data = held(config)?;
        let blobs = open_media(data.path())?;
        let (fresh, place) = match catalog_url(config, data.path())? {
            CatalogUrl::Sqlite(path) => {
                let aside = with_suffix(&path, ".rebuilt");
                remove_database(&aside)?;
                (CatalogUrl::Sqlite(aside), Some(path))
            }
            url @ CatalogUrl::Postgres(_) => (url, None),
        };
        let catalog = Catalog::open(&fresh).await.context("cannot open the new catalog")?;
        catalog.migrate().await.context("cannot make the new catalog's schema")?;
        if place.is_none() && !is_empty(&catalog).await? {
            bail!("the database is not empty: make a new one, name it in catalog.url, and run this again; the old one stays as it is");
        }
        let rebuilt = archive::rebuild(&catalog, &blobs, NODE, now()).await.context("the rebuild cannot go on")?;
        write_down(&catalog, "rebuild").await?;
        catalog.close().await;
        drop(catalog);
        for skipped in &rebuilt.skipped {
            tell(&format!("skipped: {skipped}\n"))?;
        }
        if let (Some(path), CatalogUrl::Sqlite(aside)) = (place, fresh) {
            put_in_place(&aside, &path)?;
        }
        tell(&format!(
            "{} videos and {} reels are back; {} of these reels were not finished: the next start makes their videos\n",
            rebuilt.assets, rebuilt.reels, rebuilt.unfinished
        ))?;
        Ok(if rebuilt.skipped.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    })
}

/// The data folder, held against a server. Unlike `serve`, this never makes one.
pub fn held(config: &Config) -> anyhow::Result<DataDir> {
    let path = Path::new(&config.storage.data_dir);
    if !path.is_dir() {
        bail!("there is no data folder {}", path.display());
    }
    DataDir::open(path).context("stop the server first")
}

fn open_media(data: &Path) -> anyhow::Result<Blobs> {
    Blobs::local(&data.join("media")).context("cannot open the media folder")
}

async fn is_empty(catalog: &Catalog) -> anyhow::Result<bool> {
    let none = catalog.audited_assets(None, 1).await?.is_empty() && catalog.all_reels().await?.is_empty();
    Ok(none && catalog.rows_of(Subject::Installation).await?.is_empty())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The files of a SQLite database: itself, its log, the log's index.
const DATABASE_FILES: [&str; 3] = ["", "-wal", "-shm"];

fn remove_database(path: &Path) -> anyhow::Result<()> {
    for suffix in DATABASE_FILES {
        let file = with_suffix(path, suffix);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Keeps a copy of the old database, then puts the new one where it was. A crash in between leaves the copy whole, and the
/// rebuild can be run again.
fn put_in_place(fresh: &Path, path: &Path) -> anyhow::Result<()> {
    let kept = with_suffix(path, &format!(".before-{}", now().unix_s()));
    for suffix in DATABASE_FILES {
        let old = with_suffix(path, suffix);
        if old.exists() {
            let copy = with_suffix(&kept, suffix);
            std::fs::copy(&old, &copy).with_context(|| format!("cannot keep a copy of {}", old.display()))?;
        }
    }
    for suffix in &DATABASE_FILES[1..] {
        let _ = std::fs::remove_file(with_suffix(path, suffix));
    }
    std::fs::rename(fresh, path).with_context(|| format!("cannot put the new catalog at {}", path.display()))?;
    let _ = std::fs::remove_file(with_suffix(fresh, ".lock"));
    if kept.exists() {
        tell(&format!("the old catalog is kept as {}\n", kept.display()))?;
    }
    Ok(())
}

fn tell(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
