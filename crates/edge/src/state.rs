//! What an edge remembers over restarts besides its cache: how it is called, and what the feed told.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use door::feed::FeedDomains;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::error::EdgeError;
use crate::purges::Purge;

/// The file in the edge's folder. It has the keys of domains in it.
const FILE: &str = "feed.json";

/// What is remembered.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// How this edge is called.
    pub(crate) edge: String,
    /// The last task that was carried out.
    pub(crate) after: u64,
    pub(crate) purges: Vec<Purge>,
    /// Preloads that have not ended: the task, and the path.
    pub(crate) preloads: Vec<(u64, String)>,
    pub(crate) domains: Option<FeedDomains>,
}

/// The file, and what it has in it.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    state: Mutex<State>,
}

impl StateFile {
    /// Reads the file in `folder`, which is made when it is not there. The edge is called `name`, or as it was before, or as nobody
    /// else.
    pub(crate) async fn open(folder: &Path, name: &str) -> Result<Self, EdgeError> {
        let path = folder.join(FILE);
        let (folder, file) = (folder.to_owned(), path.clone());
        let read = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            match std::fs::read(&file) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        });
        let failed = |source| EdgeError::Folder { path: path.clone(), source };
        let bytes = read.await.map_err(|error| failed(error.into()))?.map_err(failed)?;
        let mut state: State = match bytes.as_deref().map(serde_json::from_slice) {
            None => State::default(),
            Some(Ok(state)) => state,
            // It is told everything again; what is in the cache was asked for before that, and is asked for anew.
            Some(Err(error)) => {
                tracing::error!(%error, path = %path.display(), "what the feed told before cannot be read");
                State::default()
            }
        };
        if !name.is_empty() {
            name.clone_into(&mut state.edge);
        } else if state.edge.is_empty() {
            state.edge = format!("edge-{}", uuid::Uuid::new_v4().simple());
        }
        let file = Self { path, state: Mutex::new(state) };
        file.change(|_| ()).await.map_err(|source| EdgeError::Folder { path: file.path.clone(), source })?;
        Ok(file)
    }

    /// What is remembered now.
    pub(crate) async fn read(&self) -> State {
        self.state.lock().await.clone()
    }

    /// Changes it, and makes it last before it comes back. On failure nothing is changed.
    pub(crate) async fn change(&self, change: impl FnOnce(&mut State)) -> std::io::Result<()> {
        let mut state = self.state.lock().await;
        let mut changed = state.clone();
        change(&mut changed);
        let json = Arc::new(serde_json::to_vec(&changed)?);
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || publish(&path, &json)).await??;
        *state = changed;
        Ok(())
    }
}

/// Written aside, synced, renamed: a crash leaves the old or the new.
fn publish(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let aside = path.with_extension("new");
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
