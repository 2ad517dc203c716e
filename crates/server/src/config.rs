//! The configuration: every key is declared once, here, with its type, its default and its comment.
//!
//! From the declaration follow the typed structs, the check for unknown keys, the names in the environment, and the text that
//! `reprise config` prints, which is also the shipped `reprise.toml`. Later wins: defaults, then the file, then the environment.

mod source;
mod value;

use std::time::Duration;

pub use ingest::Takeover;
pub use source::{ConfigError, load};
pub use value::{Listen, LogFormat, Secret, Setting};

/// Declares sections and keys. A key's doc comment is its comment in `reprise.toml`.
macro_rules! configuration {
    ($(
        $(#[doc = $section_doc:literal])*
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])* $key:ident: $type:ty = $default:expr; )*
        }
    )*) => {
        $(
            $(#[doc = $section_doc])*
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Section {
                $( $(#[doc = $doc])* pub $key: $type, )*
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $key: $default, )* }
                }
            }
        )*

        /// The whole configuration, checked.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Config {
            $( $(#[doc = $section_doc])* pub $section: $Section, )*
        }

        /// Every key there is, as (section, key), in the order of the file.
        pub(crate) const KEYS: &[(&str, &str)] = &[ $( $( (stringify!($section), stringify!($key)), )* )* ];

        impl Config {
            /// Sets one key from a TOML value; the error is what is wrong with the value.
            ///
            /// # Panics
            /// Never for a pair that is in `KEYS`.
            pub(crate) fn set(&mut self, section: &str, key: &str, value: &toml::Value) -> Result<(), String> {
                match (section, key) {
                    $( $( (stringify!($section), stringify!($key)) => self.$section.$key = Setting::from_toml(value)?, )* )*
                    _ => unreachable!("{section}.{key} is not a key"),
                }
                Ok(())
            }

            /// Sets one key from the text of an environment variable.
            ///
            /// # Panics
            /// Never for a pair that is in `KEYS`.
            pub(crate) fn set_text(&mut self, section: &str, key: &str, text: &str) -> Result<(), String> {
                match (section, key) {
                    $( $( (stringify!($section), stringify!($key)) => self.$section.$key = Setting::from_text(text)?, )* )*
                    _ => unreachable!("{section}.{key} is not a key"),
                }
                Ok(())
            }

            /// The configuration as a commented TOML file. Secrets that are set are printed as `***`.
            pub fn to_toml(&self) -> String {
                let mut out = String::from(HEADER);
                $(
                    out.push('\n');
                    $( comment(&mut out, $section_doc); )*
                    out.push_str(concat!("[", stringify!($section), "]\n"));
                    $(
                        $( comment(&mut out, $doc); )*
                        out.push_str(concat!(stringify!($key), " = "));
                        out.push_str(&self.$section.$key.to_toml());
                        out.push('\n');
                    )*
                )*
                out
            }
        }
    };
}

/// How the shipped file begins.
const HEADER: &str = "\
# The configuration of Reprise, with every key at its default: `reprise serve` needs none of it.
# Use it with `reprise serve --config reprise.toml`. In the environment a key is REPRISE_<SECTION>__<KEY>, for example
# REPRISE_HTTP__LISTEN=127.0.0.1:8080, which wins over the file. Unknown keys are refused.
";

fn comment(out: &mut String, line: &str) {
    out.push('#');
    out.push_str(line);
    out.push('\n');
}

configuration! {
    /// The HTTP side: the API on `/`, media under `/v/` and `/l/`, the web console, `/livez`, `/readyz` and `/metrics`.
    http: Http {
        /// Address and port to listen on. Port 0 takes a free one.
        listen: Listen = Listen::new("0.0.0.0:8080");
        /// How the outside reaches this server, for the URLs in answers and events: "https://vod.example.org".
        /// Empty: the Host header of the request, and in events the listen address.
        public_url: String = String::new();
        /// Whether a proxy or a CDN stands before this server and nothing reaches it otherwise. Then the last X-Forwarded-Host and
        /// X-Forwarded-For of a request for media say which domain it is for, and where it comes from.
        behind_proxy: bool = false;
        /// Connections served at once; further ones wait to be accepted. Each may hold a few hundred KiB.
        connections_max: u32 = 10_000;
        /// Address and port for HTTPS, with HTTP/2 and HTTP/1.1, "0.0.0.0:8443". Empty: there is none.
        tls_listen: String = String::new();
        /// Its certificate, a PEM file with the whole chain, the server's own first. It and the key are looked at every two seconds:
        /// a renewed pair is taken without a restart, and while a new pair is no good the old one is kept.
        tls_certificate: String = String::new();
        /// The private key of the certificate, a PEM file.
        tls_key: String = String::new();
        /// In the place of the two files: the names for which this server gets and renews a certificate by itself (ACME), as
        /// ["video.example.org"]; in the environment "video.example.org,live.example.org". Port 443 of each has to lead to
        /// tls_listen. The account and the certificate are kept in the data folder, at an edge in that of its cache.
        acme_domains: Vec<String> = Vec::new();
        /// The address that the authority gets of you, "ops@example.org". Empty: none.
        acme_contact: String = String::new();
        /// The authority: the URL of its directory. That of Let's Encrypt for trials, whose certificates nobody trusts, is
        /// "https://acme-staging-v02.api.letsencrypt.org/directory".
        acme_directory: String = "https://acme-v02.api.letsencrypt.org/directory".to_owned();
        /// Whether you agree to the terms of the authority; without that there is no account.
        acme_terms_agreed: bool = false;
        /// For a private authority: a PEM file with the certificate by which its own server is trusted. Empty: those of the system.
        acme_root: String = String::new();
    }

    /// The RTMP side, where streams are pushed to.
    rtmp: Rtmp {
        /// Address and port to listen on. Port 0 takes a free one.
        listen: Listen = Listen::new("0.0.0.0:1935");
        /// How publishers reach this server, for the addresses that the console and GetPushAddress tell: "rtmp://live.example.org".
        /// Empty: the host of the request or of http.public_url, and the port of `listen`.
        public_url: String = String::new();
        /// Pushes taken at once; one more is refused with a reason, and the running ones stay whole.
        pushes_max: u32 = 1_000;
        /// Percent of the time in which the threads that carry pushes may be busy, from 1 to 100. A new push that would make
        /// it more waits 3 s for room and is then refused with a reason.
        busy_max_percent: u32 = 70;
        /// Who wins when two publishers push the same stream: "newest", who takes over at once, or "refuse", which keeps the
        /// first one. Then a publisher whose connection was cut is kept out until the old one has been silent for 20 s.
        takeover: Takeover = Takeover::Newest;
        /// How long a connection may take from its first byte to its publish.
        publish_timeout: Duration = Duration::from_secs(10);
    }

    /// Where recordings are kept.
    storage: Storage {
        /// The data folder, made when missing (mode 0700). `--data` on the command line wins over it.
        data_dir: String = "./reprise-data".to_owned();
        /// How long the media of a deleted video is kept, and the video can be restored, before it is removed for good.
        undelete_window: Duration = Duration::from_secs(72 * 3600);
        /// Free MiB on the disk of the data folder below which no new recording is begun; running ones go on. Where 5 % of the
        /// disk is less, that counts. 0 never refuses.
        free_min_mib: u32 = 2048;
    }

    /// Encoding, under rules with a template group that encodes.
    transcode: Transcode {
        /// The encoder: FFmpeg 5.1 or newer with libx264, by name or path.
        ffmpeg: String = "ffmpeg".to_owned();
        /// Chunks (some 30 s of video each) encoded at once; each takes one core and some hundred MiB. 0: one per core.
        chunks_at_once: u32 = 0;
    }

    /// The database of everything but media.
    catalog: Catalog {
        /// "postgres://user:password@host/database". Empty: SQLite in the data folder.
        url: Secret = Secret::default();
    }

    /// The root access key of the API. Both empty: a pair is made at the first start, printed once, and kept in
    /// access-key.json in the data folder (mode 0600). It may do everything; others are made with `reprise key create`.
    auth: Auth {
        /// The id, which requests name.
        access_key_id: String = String::new();
        /// The secret, with which they are signed.
        access_key_secret: Secret = Secret::default();
        /// The master key, under which secrets are sealed in the database: 64 hex digits, as `openssl rand -hex 32` prints
        /// them. All nodes have the same. Empty: secret.key in the data folder (mode 0600), made at the first start.
        master_key: Secret = Secret::default();
        /// How many calls of one key that only read are answered in a second, on this node; ten seconds' worth may come at
        /// once. More are refused with Throttling.User. 0: any number.
        reads_per_second: u32 = 200;
        /// The same for calls that write.
        writes_per_second: u32 = 100;
        /// How many wrong signatures for one key, and how many unknown keys, are taken from one address in a minute. Then
        /// that key, and unknown ones, are refused from there for a while. 0: any number.
        failures_per_minute: u32 = 300;
        /// How long it is kept who wrote what (ListAuditEvents).
        audit_kept: Duration = Duration::from_secs(180 * 86_400);
    }

    /// What a recording rule may ask for, and how recordings are written.
    recording: Recording {
        /// The least CycleDuration of a rule, in seconds. The contract's own minimum is the default.
        cycle_seconds_min: u32 = 300;
        /// The least DelayTime of a rule, in seconds. The contract's own minimum is the default.
        delay_seconds_min: u32 = 15;
        /// Most cycles of one recording that are joined to one video where its rule asks for it; of a recording with more none
        /// is, and LiveRecordVideoComposeStart says so. The contract's own maximum is the default.
        compose_cycles_max: u32 = 40;
        /// How often open recordings are synced to disk: what a power cut may cost.
        sync_interval: Duration = Duration::from_secs(1);
        /// How long publishers are kept waiting for a disk that does not follow. Then what they send is dropped, a group of
        /// pictures at a time, until it follows again; encoders give a connection up after some 30 s.
        disk_patience: Duration = Duration::from_secs(20);
    }

    /// The domain pair made at the first start. A push to a host that is no known domain goes here, and a rule, which can
    /// be deleted, records it.
    live: Live {
        /// Its ingest domain.
        default_push_domain: String = "push.localhost".to_owned();
        /// Its play domain.
        default_play_domain: String = "play.localhost".to_owned();
    }

    /// What is sent to customers' servers.
    callbacks: Callbacks {
        /// Whether receivers in private and loopback networks may be called. Turn it off where customers are strangers.
        private_receivers: bool = true;
        /// How long an event is offered again to a receiver that does not take it, at most hourly; later events of the same
        /// video wait for it. "0s": three attempts, as ApsaraVideo does.
        keep_telling: Duration = Duration::from_secs(72 * 3600);
    }

    /// Files that are uploaded to become videos.
    uploads: Uploads {
        /// Whether files may be pulled from private and loopback addresses (UploadMediaByURL). Turn it off where customers are
        /// strangers.
        private_sources: bool = true;
        /// Largest file that is taken, in GiB.
        size_max_gib: u32 = 100;
        /// How long a file may take to come, with all attempts.
        time_max: Duration = Duration::from_secs(24 * 3600);
        /// Files that are pulled at once.
        pulls_at_once: u32 = 4;
    }

    /// The web console, on the same addresses as the API, under /console/.
    console: Console {
        /// Whether there is one.
        enabled: bool = true;
    }

    /// Who is called when the disk is in trouble, and when it is over: "RecorderDiskAlarm" while media cannot be stored, or
    /// not in time, and "StorageSpaceAlarm" while it is too full for new recordings.
    alarm: Alarm {
        /// Where to POST it to, "https://ops.example.org/alarm". Empty: nobody is called, the metrics and the log tell it.
        url: String = String::new();
        /// With which the calls are signed, as callbacks are. Empty: they are not.
        key: Secret = Secret::default();
    }

    /// Edges: servers that stand between viewers and this one, and keep what is watched (`reprise edge`). An edge has this section,
    /// `http` for its viewers, and `log`.
    edge: Edge {
        /// What edges show to their origin, the same in both configurations: at least 16 letters or digits. Who has it gets all media
        /// and what domains ask of their viewers, so lead it over TLS or a private network. Empty: no edges.
        secret: Secret = Secret::default();
        /// For `reprise edge`: where the origin is, "http://10.0.0.1:8080".
        origin: String = String::new();
        /// How the edge is called in reports, as no other is. Empty: a name is made at its first start.
        name: String = String::new();
        /// The folder of the cache, made when missing. It belongs to one edge.
        cache_dir: String = "./reprise-edge".to_owned();
        /// MiB of media that are kept in memory; some hundred more are used besides.
        memory_mib: u32 = 512;
        /// GiB on disk. 0: nothing is kept over a restart.
        disk_gib: u32 = 20;
        /// Requests of one domain that are answered at once; one more is told to come again. 0: any number.
        domain_requests_max: u32 = 0;
        /// MiB a second that the viewers of one domain get together. 0: any number.
        domain_mib_per_second_max: u32 = 0;
    }

    /// What is told on standard error.
    log: Log {
        /// A level (error, warn, info, debug, trace), or directives such as "info,recorder=debug".
        level: String = "info".to_owned();
        /// "text" for people, "json" for machines.
        format: LogFormat = LogFormat::Text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_the_defaults() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../reprise.toml");
        let expected = Config::default().to_toml();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &expected).unwrap();
        }
        let shipped = std::fs::read_to_string(path).unwrap();
        assert_eq!(shipped, expected, "run the test with UPDATE_GOLDEN=1 and look at the difference");
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let mut config = Config::default();
        config.http.public_url = "https://vod.example.org/\"quoted\"\\".to_owned();
        config.http.acme_domains = vec!["a.example".to_owned(), "b.example".to_owned()];
        (config.http.tls_listen, config.http.acme_terms_agreed) = ("0.0.0.0:8443".to_owned(), true);
        config.recording.sync_interval = Duration::from_millis(250);
        config.rtmp.publish_timeout = Duration::from_secs(180);
        config.log.format = LogFormat::Json;
        let read = source::merge(Config::default(), Some(("x.toml", &config.to_toml())), []).unwrap();
        assert_eq!(read, config);
    }

    #[test]
    fn secrets_are_never_printed() {
        let mut config = Config::default();
        config.auth.access_key_secret = Secret::new("do-not-tell");
        config.catalog.url = Secret::new("postgres://u:do-not-tell@h/d");
        assert!(!config.to_toml().contains("do-not-tell"));
        assert!(!format!("{config:?}").contains("do-not-tell"));
        assert!(config.to_toml().contains("access_key_secret = \"***\""));
    }
}
