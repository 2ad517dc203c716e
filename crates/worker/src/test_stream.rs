//! Pushes a moving picture with sound to this server itself, for people who have no stream yet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use catalog::{Catalog, ResolvedDomain, TestStream};
use jobs::{Attempt, Failure, Finish, Handler, kind};

use crate::child;
use crate::clock::now;
use crate::error::chain;

/// How long a signed push may take to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(60);

/// Pushes the test stream.
pub(crate) struct PushTest {
    catalog: Catalog,
    ffmpeg: PathBuf,
    /// Where this server is pushed to.
    ingest: SocketAddr,
}

impl PushTest {
    pub(crate) fn new(catalog: Catalog, ffmpeg: PathBuf, ingest: SocketAddr) -> Self {
        Self { catalog, ffmpeg, ingest }
    }
}

impl Handler for PushTest {
    const KIND: &'static str = kind::TEST_STREAM;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let test = TestStream::of(&attempt.job).map_err(|error| Failure::GiveUp(chain(&error)))?;
        let seconds = test.until.since(now()).as_secs();
        if seconds == 0 {
            return Ok(Finish::Done);
        }
        let domains =
            ResolvedDomain { push_domain: test.push_domain.clone(), play_domain: test.path.domain().to_owned() };
        let names = (test.path.app(), test.path.stream());
        let key = door::push_key(&self.catalog, &domains, names, Some(BEGINS_WITHIN), now()).await;
        let key = key.map_err(|error| Failure::Retry(chain(&error)))?;
        let key = key.map(|key| format!("&{}", key.query)).unwrap_or_default();
        let url = format!("rtmp://{}/{}/{}?vhost={}{key}", self.ingest, names.0, names.1, test.push_domain);
        child::run(&self.ffmpeg, &std::env::temp_dir(), &arguments(seconds, &url), |_| {})
            .await
            .map_err(|error| Failure::Retry(without(&chain(&error), &key)))?;
        Ok(Finish::Done)
    }
}

/// What FFmpeg complains of may have the URL in it: its key is left out.
fn without(text: &str, key: &str) -> String {
    if key.is_empty() { text.to_owned() } else { text.replace(key, "&***") }
}

/// A test card of 720p with a clock and a tone that beeps each second, as fast as it plays, and a key frame each two seconds.
fn arguments(seconds: u64, url: &str) -> Vec<String> {
    let line = "-hide_banner -nostdin -loglevel error -nostats -progress pipe:1 \
        -re -f lavfi -i testsrc2=size=1280x720:rate=25 -re -f lavfi -i sine=frequency=330:beep_factor=4:sample_rate=48000";
    let encoded = "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50 -b:v 1500k -maxrate 1500k \
        -bufsize 1500k -c:a aac -b:a 96k -ac 2 -f flv";
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    [words(line), vec!["-t".to_owned(), seconds.to_string()], words(encoded), vec![url.to_owned()]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_push_stands_in_no_error() {
        assert_eq!(
            without("rtmp://h/a/s?vhost=d&auth_key=1-0-0-ab: I/O error", "&auth_key=1-0-0-ab"),
            "rtmp://h/a/s?vhost=d&***: I/O error"
        );
        assert_eq!(without("I/O error", ""), "I/O error");
    }
}
