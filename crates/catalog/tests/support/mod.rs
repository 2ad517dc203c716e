//! A fresh catalog on either database. Shared with the tests of `jobs`.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use catalog::{Catalog, CatalogUrl, Ids};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

const INSTALL: &str = "PostgreSQL's server programs are needed for this test: apt-get install postgresql";

/// A migrated catalog in a folder of its own.
pub async fn sqlite() -> (Catalog, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = sqlite_in(folder.path()).await;
    (catalog, folder)
}

/// The migrated catalog in this folder.
pub async fn sqlite_in(folder: &Path) -> Catalog {
    let url = CatalogUrl::Sqlite(folder.join("catalog.sqlite"));
    let catalog = Catalog::open_with(&url, Ids::seeded(1)).await.unwrap();
    catalog.migrate().await.unwrap();
    catalog
}

/// A PostgreSQL server that lives as long as this value, reachable over its Unix socket only.
pub struct Postgres {
    server: Child,
    folder: TempDir,
    databases: u32,
}

impl Postgres {
    pub async fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let data = folder.path().join("data");
        // The server refuses to run as root.
        let user = (std::fs::metadata("/proc/self").unwrap().uid() == 0).then(postgres_user);
        let run = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        // A collation unlike byte order, to show that no list depends on it.
        let mut initdb = run("initdb");
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]);
        let made = initdb.args(["--locale-provider=icu", "--icu-locale=en", "--locale=C"]).status().unwrap();
        assert!(made.success(), "initdb failed: {made}");
        let mut postgres = run("postgres");
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        let server = postgres.args(["-c", "listen_addresses=", "-c", "fsync=off"]).spawn().unwrap();
        let postgres = Self { server, folder, databases: 0 };
        postgres.wait_until_ready().await;
        postgres
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = PgConnection::connect(&self.url("postgres")).await {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.folder.path().display())
    }

    /// The URL of a new and empty database.
    pub async fn database(&mut self) -> String {
        self.databases += 1;
        let name = format!("case{}", self.databases);
        let mut admin = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
        self.url(&name)
    }

    /// A migrated catalog in a database of its own.
    pub async fn catalog(&mut self) -> Catalog {
        let url = CatalogUrl::Postgres(self.database().await);
        let catalog = Catalog::open_with(&url, Ids::seeded(1)).await.unwrap();
        catalog.migrate().await.unwrap();
        catalog
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: a fast shutdown, which also takes its shared memory away.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap_or_else(|_| panic!("{INSTALL}"));
    let mut found: Vec<_> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists() && bin.join("postgres").exists());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{INSTALL}"))
}

fn postgres_user() -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let entry = passwd.lines().find_map(|line| line.strip_prefix("postgres:")).unwrap_or_else(|| panic!("{INSTALL}"));
    let mut fields = entry.split(':').skip(1).map(|field| field.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}

/// Declares each case as a test on SQLite, and one test that runs them all on PostgreSQL (one server for all: a server
/// per case would take longer than the cases).
macro_rules! contract {
    ($($case:ident)+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                let (catalog, _folder) = super::support::sqlite().await;
                super::$case(catalog).await;
            })+
        }

        #[tokio::test]
        async fn postgres_behaves_the_same() {
            let mut server = support::Postgres::start().await;
            $({
                let catalog = server.catalog().await;
                // The case's own task: a panic names it and ends the test, after the server is stopped.
                let case = tokio::spawn($case(catalog.clone())).await;
                assert!(case.is_ok(), "on PostgreSQL: {}", stringify!($case));
                catalog.close().await;
            })+
        }
    };
}
pub(crate) use contract;
