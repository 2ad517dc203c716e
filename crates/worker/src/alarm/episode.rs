//! Which words of a trouble are due, and when: pure, so that a test lives through days of it.

use std::time::Duration;

use blobs::Seen;
use catalog::Ids;
use serde::Serialize;
use tokio::time::Instant;
use units::WallTime;

/// What follows the first trouble within this time is told with it: a disk fails for all recordings at once.
pub(super) const GATHER: Duration = Duration::from_secs(1);
/// Trouble that comes back within this time is the same: a disk that fails now and then is told once.
pub(super) const QUIET: Duration = Duration::from_secs(10);
/// The pause before the second call; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause between two calls.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What is told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Media is not stored as it comes.
    Media,
    /// There is too little room to begin a new recording.
    Space,
}

/// What a look found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// Whose media, and why.
    Media(Seen),
    /// Bytes that are free.
    Space(u64),
}

/// One kind of trouble, as it comes and goes.
pub(super) struct Episodes {
    kind: Kind,
    node: String,
    ids: Ids,
    current: Option<Episode>,
}

struct Episode {
    id: String,
    since: WallTime,
    until: WallTime,
    began: Instant,
    last: Instant,
    seen: Seen,
    free_bytes: Option<u64>,
    raise: Word,
    clear: Word,
}

/// One of the two words of an episode.
#[derive(Default)]
struct Word {
    /// The text, the same in each call.
    body: Option<String>,
    calls: u32,
    again_at: Option<Instant>,
    heard: bool,
}

impl Word {
    fn is_due(&self, now: Instant) -> bool {
        !self.heard && self.again_at.is_none_or(|at| now >= at)
    }
}

/// Field by field, in a fixed order. Names and forms are those of the events of contract §3.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told<'a> {
    event_type: &'a str,
    event_time: String,
    status: &'a str,
    alarm_id: &'a str,
    node: &'a str,
    cause: String,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    free_bytes: Option<u64>,
}

impl Episodes {
    pub(super) fn new(kind: Kind, node: String, ids: Ids) -> Self {
        Self { kind, node, ids, current: None }
    }

    /// Takes a look into account, and gives the body of the call that is due, if one is. Tell [`called`](Self::called) how
    /// it went before the next step.
    pub(super) fn step(&mut self, now: Instant, wall: WallTime, trouble: Option<Trouble>) -> Option<String> {
        if let Some(trouble) = trouble {
            // Its end may have been heard already: then this is another one.
            let fresh = self.current.as_ref().is_none_or(|episode| episode.clear.calls > 0);
            if fresh {
                self.current = Some(Episode::begin(self.ids.event(wall).to_string(), now, wall));
            }
            if let Some(episode) = &mut self.current {
                episode.goes_on(now, wall, trouble);
            }
        }
        let episode = self.current.as_mut()?;
        let over = now.saturating_duration_since(episode.last) >= QUIET;
        if over && episode.clear.heard {
            self.current = None;
            return None;
        }
        let gathered = now.saturating_duration_since(episode.began) >= GATHER;
        let word = if over { &episode.clear } else { &episode.raise };
        if !gathered || !word.is_due(now) {
            return None;
        }
        let body = match &word.body {
            Some(body) => body.clone(),
            None => episode.told(self.kind, &self.node, over),
        };
        let word = if over { &mut episode.clear } else { &mut episode.raise };
        word.calls = word.calls.saturating_add(1);
        Some(word.body.insert(body).clone())
    }

    /// How the call of the last step went.
    pub(super) fn called(&mut self, now: Instant, heard: bool) {
        let Some(episode) = &mut self.current else { return };
        let word = if episode.clear.calls > 0 { &mut episode.clear } else { &mut episode.raise };
        word.heard = heard;
        let doublings = word.calls.saturating_sub(1).min(PAUSE_MAX.as_secs().ilog2() + 1);
        word.again_at = Some(now + PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX));
    }
}

impl Episode {
    fn begin(id: String, now: Instant, wall: WallTime) -> Self {
        let (raise, clear) = (Word::default(), Word::default());
        let seen = Seen::default();
        Self { id, since: wall, until: wall, began: now, last: now, seen, free_bytes: None, raise, clear }
    }

    fn goes_on(&mut self, now: Instant, wall: WallTime, trouble: Trouble) {
        (self.last, self.until) = (now, wall);
        match trouble {
            Trouble::Media(seen) => self.seen.add(seen),
            Trouble::Space(free) => self.free_bytes = Some(free),
        }
    }

    fn told(&self, kind: Kind, node: &str, over: bool) -> String {
        let causes: Vec<&str> = self.seen.causes.iter().map(|cause| cause.as_str()).collect();
        let media = kind == Kind::Media;
        let told = Told {
            event_type: if media { "RecorderDiskAlarm" } else { "StorageSpaceAlarm" },
            event_time: if over { self.until } else { self.since }.to_iso8601(),
            status: if over { "cleared" } else { "raised" },
            alarm_id: &self.id,
            node,
            cause: if media { causes.join(",") } else { "low".to_owned() },
            since: self.since.to_iso8601(),
            until: over.then(|| self.until.to_iso8601()),
            stream_count: media.then_some(self.seen.count),
            streams: media.then(|| self.seen.streams.iter().map(ToString::to_string).collect()),
            free_bytes: self.free_bytes,
        };
        // Strings and numbers always have a JSON form.
        serde_json::to_string(&told).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use reel::LossCause;
    use serde_json::Value;
    use units::StreamPath;

    use super::*;

    fn seen(stream: &str, cause: LossCause) -> Option<Trouble> {
        let streams = [StreamPath::new("play.example.org", "cup", stream).unwrap()].into();
        Some(Trouble::Media(Seen { causes: [cause].into(), streams, count: 1 }))
    }

    /// Time that passes as told, and a receiver that hears or does not.
    struct Life {
        episodes: Episodes,
        start: Instant,
        ms: u64,
        hears: bool,
        told: Vec<(u64, Value)>,
    }

    impl Life {
        fn new(kind: Kind) -> Self {
            let episodes = Episodes::new(kind, "n1".to_owned(), Ids::seeded(1));
            Self { episodes, start: Instant::now(), ms: 0, hears: true, told: Vec::new() }
        }

        fn pass(&mut self, ms: u64, trouble: Option<Trouble>) {
            for _ in 0..ms / 250 {
                let now = self.start + Duration::from_millis(self.ms);
                let wall = WallTime::from_unix_ms(1_772_359_200_000 + i64::try_from(self.ms).unwrap());
                if let Some(body) = self.episodes.step(now, wall, trouble.clone()) {
                    self.told.push((self.ms, serde_json::from_str(&body).unwrap()));
                    self.episodes.called(now, self.hears);
                }
                self.ms += 250;
            }
        }

        fn words(&self) -> Vec<(u64, &str)> {
            self.told.iter().map(|(ms, body)| (*ms, body["Status"].as_str().unwrap())).collect()
        }
    }

    #[test]
    fn an_episode_is_raised_once_and_cleared_once_with_all_that_it_was() {
        let mut life = Life::new(Kind::Media);
        life.pass(500, seen("a", LossCause::Slow));
        life.pass(60_000, seen("b", LossCause::Full));
        life.pass(60_000, None);
        assert_eq!(life.words(), [(1_000, "raised"), (70_250, "cleared")]);
        let (raised, cleared) = (&life.told[0].1, &life.told[1].1);
        assert_eq!(
            (raised["EventType"].as_str(), raised["Cause"].as_str()),
            (Some("RecorderDiskAlarm"), Some("full,slow"))
        );
        assert_eq!(raised["Streams"], serde_json::json!(["play.example.org/cup/a", "play.example.org/cup/b"]));
        assert_eq!((raised["Node"].as_str(), raised["Until"].as_str()), (Some("n1"), None));
        assert_eq!(raised["AlarmId"], cleared["AlarmId"]);
        assert_eq!(cleared["Since"], "2026-03-01T10:00:00Z");
        assert_eq!(cleared["Until"], "2026-03-01T10:01:00Z");
    }

    #[test]
    fn trouble_that_comes_and_goes_is_one_episode() {
        let mut life = Life::new(Kind::Space);
        for _ in 0..100 {
            life.pass(250, Some(Trouble::Space(7)));
            life.pass(9_000, None);
        }
        life.pass(2_000, None);
        assert_eq!(life.words().iter().map(|(_, word)| *word).collect::<Vec<_>>(), ["raised", "cleared"]);
        assert_eq!(life.told[0].1["FreeBytes"], 7);
        assert_eq!(life.told[0].1["EventType"], "StorageSpaceAlarm");
    }

    #[test]
    fn a_receiver_that_is_away_is_called_less_and_less_while_it_holds_and_hears_the_same_text() {
        let mut life = Life::new(Kind::Media);
        life.hears = false;
        life.pass(600_000, seen("a", LossCause::Full));
        let times: Vec<u64> = life.told.iter().map(|(ms, _)| *ms / 1_000).collect();
        assert_eq!(times[..8], [1, 2, 4, 8, 16, 32, 64, 124]);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 60));
        assert!(life.told.iter().all(|(_, body)| *body == life.told[0].1));
        life.hears = true;
        life.pass(120_000, seen("a", LossCause::Full));
        let raised = life.told.len();
        life.pass(30_000, None);
        assert_eq!(life.told.len(), raised + 1);
        assert_eq!(life.told[raised].1["Status"], "cleared");
    }

    #[test]
    fn trouble_after_an_end_that_may_have_been_heard_is_another_episode() {
        let mut life = Life::new(Kind::Media);
        life.pass(5_000, seen("a", LossCause::Full));
        life.hears = false;
        life.pass(20_000, None);
        life.hears = true;
        life.pass(5_000, seen("a", LossCause::Full));
        let last = life.told.last().unwrap();
        assert_eq!(last.1["Status"], "raised");
        assert_ne!(last.1["AlarmId"], life.told[0].1["AlarmId"]);
    }

    #[test]
    fn trouble_that_was_over_before_anybody_could_be_told_is_told_by_its_end() {
        let mut life = Life::new(Kind::Media);
        life.pass(250, seen("a", LossCause::Full));
        // As if a call for the episode before had taken so long.
        life.ms += 60_000;
        life.pass(1_000, None);
        assert_eq!(life.words(), [(60_250, "cleared")]);
    }
}
