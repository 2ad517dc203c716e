//! Runs jobs: callbacks, live notifications, analysis, uploads, transcoding, pictures, freeing media. Calls the operator when the disk is
//! in trouble.
//!
//! Each kind of job has a module with its handler. All are safe to run twice and to be dropped in the middle; what a job
//! leaves in the catalog is written in the transaction that ends it.

mod alarm;
mod analyse;
mod callback;
mod child;
mod clock;
mod compose;
mod describe;
mod encoder;
mod entries;
mod error;
mod free;
mod live_notify;
mod pictures;
mod receiver;
mod record_notify;
mod record_question;
mod scratch;
mod stuck;
mod sweep;
mod test_stream;
mod transcode;
mod uploads;

use std::net::SocketAddr;
use std::time::Duration;

use blobs::Blobs;
use catalog::{Catalog, CleanAfter};
use jobs::{KindLimits, Runner, RunnerSettings};
use outbound::Outbound;
use tokio_util::sync::CancellationToken;

pub use alarm::AlarmReceiver;
pub use encoder::encoder_capabilities;
pub use error::WorkerError;
pub use transcode::TranscodeSettings;
pub use uploads::UploadSettings;

use crate::analyse::Analyse;
use crate::callback::Callback;
use crate::compose::Compose;
use crate::free::FreeReel;
use crate::live_notify::Notify;
use crate::pictures::{FreePictures, Studio};
use crate::receiver::Receivers;
use crate::record_notify::NotifyOfRecordings;
use crate::record_question::Question;
use crate::test_stream::PushTest;
use crate::transcode::{EncodeChunk, EncodeLive, JoinRun, Plan, Settle};
use crate::uploads::{FreeFile, FreeUpload, Pull, Take};

/// Requests to customers at once, per kind: they wait for others, not for us.
const REQUESTS_AT_ONCE: u32 = 32;
/// Longer than a request with all that the catalog may take around it.
const REQUEST_LEASE: Duration = Duration::from_secs(30);
/// Jobs that read or remove much at once, per kind; those that take pictures have a child each.
const DISK_JOBS_AT_ONCE: u32 = 2;
/// How long a node that reads an index may be silent.
const DISK_LEASE: Duration = Duration::from_secs(60);
/// How long a server from which a file is pulled may say nothing.
const SOURCE_SILENCE: Duration = Duration::from_secs(60);
/// The application that events of this installation belong to (contract §2.11).
pub const DEFAULT_APP_ID: &str = "app-1000000";

/// A weekend and a day.
const KEEP_TELLING: Duration = Duration::from_secs(3 * 86_400);
/// As long as for a video that somebody deleted.
const UNDELETE_WINDOW: Duration = Duration::from_secs(3 * 86_400);

/// As many as the vendor says (contract §6).
const COMPOSE_CYCLES_MAX: u32 = 40;

/// How the worker behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Names this process in leases: the same over restarts, and no other process's.
    pub node: String,
    /// Whether callbacks may go to private, loopback and other addresses that are not public. `false` checks the address
    /// that is connected to, not only the name.
    pub private_receivers: bool,
    /// How long an event is offered to a receiver that does not take it, over the contract's three attempts; zero: those alone.
    pub keep_telling: Duration,
    /// What URLs of media in events begin with: `https://vod.example.org`.
    pub public_url: String,
    /// Most cycles of a recording that are joined to one video (contract §6); of a recording with more none is.
    pub compose_cycles_max: u32,
    /// How long the media of videos that their rule does not keep can be restored.
    pub undelete_window: Duration,
    /// How long it is kept who wrote what.
    pub audit_kept: Duration,
    /// Who is called when the disk is in trouble.
    pub alarm: Option<AlarmReceiver>,
    /// How transcoding behaves.
    pub transcode: TranscodeSettings,
    /// How uploads behave.
    pub uploads: UploadSettings,
    /// Where streams are pushed to, from here: the test stream goes there.
    pub ingest: SocketAddr,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: "local".to_owned(),
            private_receivers: true,
            keep_telling: KEEP_TELLING,
            public_url: "http://127.0.0.1:8080".to_owned(),
            compose_cycles_max: COMPOSE_CYCLES_MAX,
            undelete_window: UNDELETE_WINDOW,
            audit_kept: CleanAfter::default().audit,
            alarm: None,
            transcode: TranscodeSettings::default(),
            uploads: UploadSettings::default(),
            ingest: SocketAddr::from(([127, 0, 0, 1], 1935)),
        }
    }
}

/// Runs jobs until `shutdown`, then lets those that run end within 5 s and gives the others back. While the catalog is
/// down, it waits.
///
/// Errors: only when an HTTP client cannot be made.
pub async fn run(
    catalog: Catalog,
    blobs: Blobs,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let public_url = settings.public_url.trim_end_matches('/').to_owned();
    let receivers = Receivers::new(settings.private_receivers)?;
    let requests = KindLimits { at_once: REQUESTS_AT_ONCE, lease: REQUEST_LEASE };
    let disk = KindLimits { at_once: DISK_JOBS_AT_ONCE, lease: DISK_LEASE };
    // Ends after the jobs, so that what they changed last is described as well.
    let jobs_done = CancellationToken::new();
    let clean_after = CleanAfter { audit: settings.audit_kept, ..CleanAfter::default() };
    let sweeping = sweep::run(catalog.clone(), settings.undelete_window, clean_after, shutdown.clone());
    let describing = describe::run(catalog.clone(), blobs.clone(), jobs_done.clone());
    let alarming = alarm::run(blobs.alarm().clone(), settings.alarm, settings.node.clone(), shutdown.clone());
    let encoding = KindLimits { at_once: settings.transcode.at_once.max(1), lease: DISK_LEASE };
    transcode::clear_scratch(&settings.transcode);
    let watching = stuck::watch(catalog.clone(), shutdown.clone());
    let studio = Studio::new(catalog.clone(), blobs.clone(), settings.transcode.clone());
    let covering = pictures::cover_what_has_none(catalog.clone(), settings.transcode.clone(), shutdown.clone());
    let pulling = KindLimits { at_once: settings.uploads.pulls_at_once.max(1), lease: DISK_LEASE };
    let sources = Outbound::patient(settings.uploads.private_sources, SOURCE_SILENCE).map_err(WorkerError::Client)?;
    let pull = Pull::new(catalog.clone(), blobs.clone(), sources, settings.uploads);
    let take = Take::new(catalog.clone(), blobs.clone(), settings.transcode.clone(), settings.node.clone());
    let test = PushTest::new(catalog.clone(), settings.transcode.ffmpeg.clone(), settings.ingest);
    let running = Runner::new(catalog.clone(), RunnerSettings::new(settings.node))
        .handle(Callback::new(catalog.clone(), receivers.clone(), settings.keep_telling, public_url), requests)
        .handle(Notify::new(catalog.clone(), receivers.clone()), requests)
        .handle(NotifyOfRecordings::new(catalog.clone(), receivers.clone()), requests)
        .handle(Question::new(catalog.clone(), receivers), requests)
        .handle(Compose::new(catalog.clone(), blobs.clone(), settings.compose_cycles_max), disk)
        .handle(Analyse::new(catalog.clone(), blobs.clone()), disk)
        .handle(Plan::new(catalog.clone(), blobs.clone()), disk)
        .handle(EncodeChunk::new(catalog.clone(), blobs.clone(), settings.transcode), encoding)
        .handle(EncodeLive::new(catalog.clone(), blobs.clone()), disk)
        .handle(JoinRun::new(catalog.clone(), blobs.clone()), disk)
        .handle(Settle::new(catalog.clone(), blobs.clone()), disk)
        .handle(pull, pulling)
        .handle(take, disk)
        .handle(test, disk)
        .handle(FreeUpload::new(catalog.clone(), blobs.clone()), disk)
        .handle(FreeFile::new(catalog.clone(), blobs.clone()), disk)
        .handle(studio.covers(), disk)
        .handle(studio.pictures(), disk)
        .handle(FreePictures::new(catalog.clone(), blobs.clone()), disk)
        .handle(FreeReel::new(catalog, blobs), disk)
        .run(shutdown);
    let running = async {
        running.await;
        jobs_done.cancel();
    };
    let ((), (), (), (), (), alarmed) = tokio::join!(running, describing, sweeping, watching, covering, alarming);
    alarmed
}
