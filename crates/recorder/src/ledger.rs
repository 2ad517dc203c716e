//! The catalog's side of one recording: rows are written in order, beside the recording, not in its way.
//!
//! While the catalog is down the recording goes on; what is owed to the catalog waits here and is written when it is back.
//! When the process dies first, the reel itself tells the next one what was owed.

use std::time::Duration;

use catalog::{Catalog, NewRecording, OpenCycle, SealOutcome, SealedCycle};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use units::{PushId, RecordingId, WallTime};

/// Entries that may wait: cycles, interruptions and returns of some hours without a catalog. A full ledger makes its
/// recording wait, and with it, in the end, the publisher.
const ENTRIES_MAX: usize = 1_024;
/// Pause before the first repetition.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// Longest pause between repetitions.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// One thing to be written.
#[derive(Debug)]
pub(crate) enum Entry {
    Begin(Box<NewRecording>, PushId),
    Attach { push: PushId, at: WallTime },
    LeftOut { push: PushId, left_out: String },
    OpenCycle(OpenCycle),
    Seal(Box<SealedCycle>, Option<OpenCycle>),
    Interrupt { last_media: WallTime, end: i64, give_up_at: WallTime },
    Resume,
    End { end: Option<i64>, at: WallTime },
}

/// Writes the entries of one recording, in order.
pub(crate) struct Ledger {
    entries: mpsc::Sender<Entry>,
    writer: JoinHandle<()>,
}

impl Ledger {
    pub(crate) fn open(catalog: Catalog, recording: RecordingId) -> Self {
        let (entries, mut inbox) = mpsc::channel(ENTRIES_MAX);
        let writer = tokio::spawn(async move {
            while let Some(entry) = inbox.recv().await {
                write(&catalog, recording, &entry).await;
            }
        });
        Self { entries, writer }
    }

    /// Adds an entry. A future dropped while it waits has added nothing.
    pub(crate) async fn add(&self, entry: Entry) {
        if self.entries.send(entry).await.is_err() {
            tracing::error!("the ledger of a recording is gone; the next start mends the catalog from the reel");
        }
    }

    /// Waits until all is written, however long the catalog takes: a recording that has ended must not wait for the next
    /// start to be listed. Only when the process is going down it waits no longer than `patience`; what is still owed then
    /// is found again at the next start.
    pub(crate) async fn close(self, shutdown: &CancellationToken, patience: Duration) {
        drop(self.entries);
        let mut writer = self.writer;
        let given_up = async {
            shutdown.cancelled().await;
            tokio::time::sleep(patience).await;
        };
        tokio::select! {
            biased;
            written = &mut writer => {
                if let Err(error) = written {
                    tracing::error!(%error, "the ledger of a recording failed; the next start mends the catalog from the reel");
                }
            }
            () = given_up => {
                tracing::warn!("the catalog does not answer; what it is owed is written at the next start");
                writer.abort();
            }
        }
    }
}

async fn write(catalog: &Catalog, recording: RecordingId, entry: &Entry) {
    let mut pause = RETRY_FIRST;
    loop {
        match try_write(catalog, recording, entry).await {
            Ok(()) => return,
            Err(error) if error.is_transient() => {
                tracing::warn!(%recording, %error, "catalog unavailable; tried again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_MAX);
            }
            Err(error) => {
                tracing::error!(%recording, ?entry, error = &error as &dyn std::error::Error, "catalog refuses a recording's row");
                return;
            }
        }
    }
}

async fn try_write(catalog: &Catalog, recording: RecordingId, entry: &Entry) -> catalog::Result<()> {
    match entry {
        Entry::Begin(new, push) => {
            let mut tx = catalog.begin().await?;
            tx.begin_recording(new).await?;
            tx.attach_push(recording, *push, new.began).await?;
            tx.commit().await
        }
        Entry::Attach { push, at } => catalog.attach_push(recording, *push, *at).await,
        Entry::LeftOut { push, left_out } => catalog.note_left_out(recording, *push, left_out).await,
        Entry::OpenCycle(cycle) => catalog.open_cycle(recording, cycle).await,
        Entry::Seal(sealed, next) => {
            if catalog.seal_cycle(sealed, next.as_ref()).await? == SealOutcome::Made {
                tracing::info!(%recording, asset = %sealed.asset, cycle = sealed.cycle, "cycle sealed");
            }
            Ok(())
        }
        Entry::Interrupt { last_media, end, give_up_at } => {
            catalog.interrupt_recording(recording, *last_media, *end, *give_up_at).await
        }
        Entry::Resume => catalog.resume_recording(recording).await,
        Entry::End { end, at } => catalog.end_recording(recording, *end, *at).await,
    }
}
