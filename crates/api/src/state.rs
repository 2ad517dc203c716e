//! What all calls share, and what one call has.

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use blobs::{Blobs, Space};
use catalog::Catalog;
use encode::Capabilities;
use rpc::play_auth::Issuer;
use units::{Mono, WallTime};

use crate::delivery::Delivery;
use crate::oss::Writing;
use crate::throttle::{Limits, Throttle};

/// A key pair that requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Public.
    pub id: String,
    /// Secret: `Debug` prints `***`.
    pub secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("secret", &"***").finish()
    }
}

/// Where streams are pushed to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushSettings {
    /// How publishers reach this server, such as `rtmp://live.example.org`; empty: at the host of the API, and the port.
    pub public_url: String,
    /// The port.
    pub port: u16,
    /// The ingest domain of pushes to hosts that are no domain.
    pub default_domain: String,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self { public_url: String::new(), port: 1935, default_domain: "push.localhost".to_owned() }
    }
}

/// What the operator set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where clients reach this server, such as `https://vod.example.org`; empty: `http://` and the Host of the request.
    pub public_url: String,
    /// Smallest CycleDuration that a rule may have, in seconds.
    pub cycle_seconds_min: u32,
    /// Smallest DelayTime that a rule may have, in seconds.
    pub delay_seconds_min: u32,
    /// What answers name as the region and the store of an asset.
    pub region: String,
    /// How long the media of a deleted video is kept.
    pub undelete_window: Duration,
    /// What the encoder of this host can do.
    pub encoder: Capabilities,
    /// Servers of customers may have addresses that are not public.
    pub private_receivers: bool,
    /// Largest file that is uploaded, in bytes.
    pub upload_size_max: u64,
    /// A proxy stands before this server, and what it tells of the address of a request is believed.
    pub behind_proxy: bool,
    /// How often somebody may ask.
    pub limits: Limits,
    /// Where streams are pushed to.
    pub push: PushSettings,
    /// The name of this process in rows.
    pub node: String,
}

/// The media of a deleted video is kept for three days: a mistake made on a Friday can be undone on Monday.
const UNDELETE_WINDOW: Duration = Duration::from_secs(3 * 86_400);

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            cycle_seconds_min: 300,
            delay_seconds_min: 15,
            region: "local".to_owned(),
            undelete_window: UNDELETE_WINDOW,
            encoder: Capabilities::default(),
            private_receivers: true,
            upload_size_max: 100 << 30,
            behind_proxy: false,
            limits: Limits::default(),
            push: PushSettings::default(),
            node: "local".to_owned(),
        }
    }
}

/// What all calls share. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) catalog: Catalog,
    pub(crate) blobs: Blobs,
    pub(crate) settings: Arc<Settings>,
    pub(crate) keys: Arc<[AccessKey]>,
    /// Keys for one video each; their secret follows from that of the first key.
    pub(crate) issuer: Option<Arc<Issuer>>,
    pub(crate) clock: fn() -> WallTime,
    pub(crate) mono: fn() -> Mono,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) nonces_purged_ms: Arc<AtomicI64>,
    pub(crate) writing: Writing,
    pub(crate) space: Option<Space>,
}

impl ApiState {
    /// `keys` are the key pairs that may do everything: the root pair.
    pub fn new(catalog: Catalog, blobs: Blobs, settings: Settings, keys: impl IntoIterator<Item = AccessKey>) -> Self {
        let keys: Arc<[AccessKey]> = keys.into_iter().collect();
        Self {
            catalog,
            blobs,
            issuer: keys.first().map(|key| Arc::new(Issuer::new(&key.secret))),
            keys,
            clock: system_clock,
            mono: system_mono,
            throttle: Arc::new(Throttle::new(settings.limits)),
            settings: Arc::new(settings),
            nonces_purged_ms: Arc::new(AtomicI64::new(0)),
            writing: Writing::default(),
            space: None,
        }
    }

    /// With the room on the disk, where somebody looks at it.
    pub fn with_space(self, space: Space) -> Self {
        Self { space: Some(space), ..self }
    }

    /// With a clock of the caller's: for requests that were recorded at another time.
    pub fn with_clock(self, clock: fn() -> WallTime) -> Self {
        Self { clock, ..self }
    }

    /// With another clock by which is measured how often somebody asks.
    pub fn with_mono(self, mono: fn() -> Mono) -> Self {
        Self { mono, ..self }
    }
}

fn system_mono() -> Mono {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Mono(BEGAN.elapsed())
}

fn system_clock() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What an operation has besides its parameters.
#[derive(Clone)]
pub struct Context {
    pub(crate) catalog: Catalog,
    pub(crate) blobs: Blobs,
    pub(crate) settings: Arc<Settings>,
    /// What temporary keys follow from.
    pub(crate) keys: Arc<[AccessKey]>,
    /// One reading of the clock for the whole call.
    pub(crate) now: WallTime,
    /// Without a slash at the end.
    pub(crate) public_url: String,
    /// Where videos are played, and how their URLs are signed.
    pub(crate) delivery: Delivery,
    /// The room on the disk; `None`: nobody looks at it here.
    pub(crate) space: Option<Space>,
    pub(crate) issuer: Option<Arc<Issuer>>,
}
