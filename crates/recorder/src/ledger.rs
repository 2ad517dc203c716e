//! The catalog's side of one recording: rows are written in order, beside the recording, not in its way.
//!
//! While the catalog is down the recording goes on; what is owed to the catalog waits here and is written when it is back.
//! When the process dies first, the reel itself tells the next one what was owed.

use std::time::Duration;

use catalog::{Catalog, CommandAnswer, NewRecording, OpenCycle, SealOutcome, SealedCycle};
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
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    /// The recording has its first media, of this push.
    Begin(Box<NewRecording>, PushId),
    /// Another push feeds it.
    Attach {
        /// Which.
        push: PushId,
        /// Since when.
        at: WallTime,
    },
    /// What of a push found no place.
    LeftOut {
        /// Which.
        push: PushId,
        /// By reason, as JSON.
        left_out: String,
    },
    /// A cycle grows.
    OpenCycle(OpenCycle),
    /// A cycle is whole, and perhaps another follows at once.
    Seal(Box<SealedCycle>, Option<OpenCycle>),
    /// It waits for its publisher.
    Interrupt {
        /// When its last media arrived.
        last_media: WallTime,
        /// Where its media ends, in 90 kHz ticks.
        end: i64,
        /// How long it waits.
        give_up_at: WallTime,
    },
    /// It goes on.
    Resume {
        /// Since when.
        at: WallTime,
    },
    /// There is more to encode of the cycle that grows.
    Encode {
        /// Since when.
        at: WallTime,
    },
    /// What waits was stopped.
    Stop,
    /// What became of a command.
    Answer {
        /// Which.
        seq: i64,
        /// What.
        answer: CommandAnswer,
        /// When.
        at: WallTime,
    },
    /// It is over.
    End {
        /// Where its media ends, in 90 kHz ticks, if it had any.
        end: Option<i64>,
        /// When.
        at: WallTime,
    },
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

pub(crate) async fn try_write(catalog: &Catalog, recording: RecordingId, entry: &Entry) -> catalog::Result<()> {
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
            match catalog.seal_cycle(sealed, next.as_ref()).await? {
                SealOutcome::Made => {
                    tracing::info!(%recording, asset = %sealed.asset, cycle = sealed.cycle, "cycle sealed");
                }
                SealOutcome::Already => {}
                SealOutcome::Other(asset) => {
                    tracing::error!(%recording, cycle = sealed.cycle, %asset, not = %sealed.asset, "a cycle is another asset already");
                }
            }
            Ok(())
        }
        Entry::Interrupt { last_media, end, give_up_at } => {
            catalog.interrupt_recording(recording, *last_media, *end, *give_up_at).await
        }
        Entry::Resume { at } => catalog.resume_recording(recording, *at).await,
        Entry::Encode { at } => catalog.encode_more(recording, *at).await,
        Entry::Stop => catalog.stop_recording(recording).await,
        Entry::Answer { seq, answer, at } => catalog.answer_command(*seq, *answer, *at).await,
        Entry::End { end, at } => catalog.end_recording(recording, *end, *at).await,
    }
}

#[cfg(test)]
mod tests {
    use catalog::CatalogUrl;
    use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
    use units::StreamPath;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);

    /// A catalog with one recording, and the ledger of that recording with one entry that waits, because someone else
    /// holds the catalog.
    async fn held_up(folder: &tempfile::TempDir) -> (Catalog, RecordingId, Ledger, catalog::Tx) {
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        let path = StreamPath::new("play.example.org", "cup", "court1").unwrap();
        let rule = RecordRule {
            key: RuleKey { domain: path.domain().into(), app: "*".into(), stream: "*".into() },
            on_demand: OnDemand::Automatic,
            cycle_length: Duration::from_secs(3600),
            grace: Duration::from_secs(180),
            template_group: NO_TRANSCODE.into(),
            compose_group: None,
            safety_buffer: Duration::ZERO,
        };
        let began = WallTime::from_unix_s(1_772_359_200);
        let id = catalog.ids().recording(began);
        let reel = catalog.ids().reel(began);
        catalog.begin_recording(&NewRecording { id, path, rule, reel, node: "n1".into(), began }).await.unwrap();
        let hold = catalog.begin().await.unwrap();
        let ledger = Ledger::open(catalog.clone(), id);
        ledger.add(Entry::Attach { push: PushId::from_u128(7), at: began }).await;
        (catalog, id, ledger, hold)
    }

    #[tokio::test]
    async fn a_ledger_outwaits_a_catalog_that_does_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, id, ledger, hold) = held_up(&folder).await;
        let running = CancellationToken::new();
        let mut closed = std::pin::pin!(ledger.close(&running, Duration::ZERO));
        assert!(tokio::time::timeout(MOMENT, &mut closed).await.is_err(), "it gave up");
        drop(hold);
        closed.await;
        assert_eq!(catalog.pushes_of_recording(id).await.unwrap(), [PushId::from_u128(7)]);
    }

    #[tokio::test]
    async fn a_process_that_goes_down_does_not_wait_for_the_catalog() {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, id, ledger, hold) = held_up(&folder).await;
        let going_down = CancellationToken::new();
        going_down.cancel();
        ledger.close(&going_down, MOMENT).await;
        drop(hold);
        assert_eq!(catalog.pushes_of_recording(id).await.unwrap(), []);
    }
}
