//! The torture run: a server that records many streams is killed again and again, and afterwards every promise is checked
//! against journals that it never saw.
//!
//! Each frame that is sent is marked (`media`), so that one look at an asset tells which frames it holds. What is checked:
//! every asset opens and decodes, runs without holes and in step, as MP4 and as HLS; no frame is in two assets; what a kill
//! costs is at the end of a push and at most a second; each asset has its `AddLiveRecordVideoComplete`, once, the same on
//! every repeat; no media is left that belongs to nothing.

mod dice;
mod judge;
mod kills;
mod ledger;
mod media;
mod pusher;
mod score;
mod shelf;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use score::Score;

use crate::customer::{self, PLAY_DOMAIN, Rule};
use crate::probe::{decode_complaints, probe};
use crate::process::resident_mib;
use crate::receiver::Receiver;
use crate::server::{Server, until};
use dice::Dice;
use judge::{Book, Seen};
use kills::Kills;
use ledger::Ledger;
use media::Media;
use pusher::{Ending, Push, Pusher};
use score::spread;
use shelf::{Shelved, checked, odd_files, shelved};

/// The app of everything that is pushed.
const APP: &str = "torture";
/// The key that events are signed with.
const CALLBACK_KEY: &str = "Torture0Key";
/// What each asset owes its customer.
const COMPLETE: &str = "AddLiveRecordVideoComplete";
/// How long everything may take to come to rest: the grace, the last cycle, and deliveries that are tried again.
const REST_PATIENCE: Duration = Duration::from_secs(180);
/// How far `RecordEndTime` may be from when the last frame was sent, in seconds: it is told in whole ones, and what a kill cost
/// lies between.
const END_TIME_OFF_MAX: f64 = 3.0;

/// How hard to torture.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often the server is killed.
    pub kills: u32,
    /// Streams at once.
    pub publishers: u32,
    /// Decides when and how everything happens.
    pub seed: u64,
    /// CycleDuration of the rule.
    pub cycle_seconds: u32,
    /// DelayTime of the rule.
    pub grace_seconds: u32,
    /// Decode every n-th asset; all of them are opened and read packet by packet.
    pub decode_every: usize,
    /// Where the server keeps its data.
    pub work: PathBuf,
    /// Leave the data and the log behind when the run fails.
    pub keep: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kills: 200,
            publishers: 20,
            seed: 1,
            cycle_seconds: 20,
            grace_seconds: 5,
            decode_every: 4,
            work: std::env::temp_dir(),
            keep: false,
        }
    }
}

/// Runs it. An error is a run that could not be judged; broken promises are in the score.
pub async fn run(binary: &Path, options: &Options, tell: &(dyn Fn(&str) + Sync)) -> anyhow::Result<Score> {
    let mut server = Server::start_in(binary, &[("REPRISE_LOG__LEVEL", "warn")], &options.work, &[]).await?;
    let ran = torture(&mut server, binary, options, tell).await;
    if options.keep && !ran.as_ref().is_ok_and(|score| score.failures.is_empty()) {
        tell(&format!("everything is left in {}", server.keep_folder().display()));
    }
    ran
}

async fn torture(
    server: &mut Server,
    binary: &Path,
    options: &Options,
    tell: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<Score> {
    let begun = std::time::Instant::now();
    let medias = [Arc::new(Media::make(2).await?), Arc::new(Media::make(0).await?)];
    let receiver = Receiver::start().await?;
    let rule = Rule { app: APP, cycle_seconds: options.cycle_seconds, grace_seconds: options.grace_seconds };
    customer::record(&server.api(), rule).await?;
    customer::call_back(&server.api(), receiver.url(), CALLBACK_KEY).await?;

    let (stop, stopping) = watch::channel(false);
    let grace = Duration::from_secs(options.grace_seconds.into());
    let mut pushers = JoinSet::new();
    for number in 0..options.publishers {
        let pusher = Pusher {
            number,
            url: server.push_url(APP, &stream_of(number)),
            media: Arc::clone(&medias[usize::from(number % 2 == 1)]),
            dice: Dice::new(options.seed, u64::from(number) + 1),
            long_pause: grace + Duration::from_secs(2),
        };
        let stopping = stopping.clone();
        pushers.spawn(async move { (pusher.number, pusher.run(stopping).await) });
    }
    tell(&format!("{} publishers, {} kills, seed {}", options.publishers, options.kills, options.seed));
    let mut dice = Dice::new(options.seed, 0);
    let killed = kills::kill_often(server, &receiver, &mut dice, options.kills, grace, tell).await?;
    // What goes on after the last kill is judged as well.
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.send_replace(true);
    let mut journals = BTreeMap::new();
    while let Some(journal) = pushers.join_next().await {
        let (number, pushes) = journal?;
        journals.insert(number, pushes);
    }
    tell("the publishers are gone; waiting until everything is at rest");
    let shelf = until(REST_PATIENCE, || at_rest(server, &receiver)).await?;
    // One more start: a server at rest owes nothing and changes nothing.
    server.kill().await?;
    server.restart().await?;
    let again = until(REST_PATIENCE, || at_rest(server, &receiver)).await?;

    tell(&format!("judging {} assets", shelf.len()));
    let mut score = Score::default();
    score.check(again == shelf, || "a restart at rest changed what is recorded".to_owned());
    count_up(&mut score, options, &killed, &journals, &shelf);
    let seen = judge_all(server, &medias, &journals, &shelf, options, &mut score).await?;
    settle(&mut score, &journals, &shelf, &seen, &killed);
    check_events(&mut score, &receiver, &shelf);
    let resident = resident_mib(server.pid().context("the server runs")?)?;
    score.row("resident memory of the server at rest", format!("{resident:.0} MiB"));
    server.stop().await?;
    let odd = odd_files(&server.data(), &shelf)?;
    score.row(
        "media that belongs to nothing; reels of pushes killed in their first second; half published files",
        format!("{}; {}; {}", odd.orphans.len(), odd.empty_reels, odd.half_published),
    );
    score.failures.extend(odd.orphans);
    let [first, mended] = checked(binary, &server.data()).await?;
    score.row("`reprise check`; after `--mend`", format!("{first}; {mended}"));
    score.row("took", format!("{} s", begun.elapsed().as_secs()));
    Ok(score)
}

fn stream_of(publisher: u32) -> String {
    format!("s{publisher:04}")
}

/// Everything that was recorded, once nothing is open, everything is normal, and every event was taken.
async fn at_rest(server: &Server, receiver: &Receiver) -> anyhow::Result<Vec<Shelved>> {
    let open = server.open_recordings().await?;
    ensure!(open == 0, "{open} recordings are open");
    let shelf = shelved(&server.api(), PLAY_DOMAIN, APP).await?;
    if let Some(unfinished) = shelf.iter().find(|asset| asset.status != "Normal") {
        bail!("{} is {}", unfinished.video_id, unfinished.status);
    }
    let told: Vec<_> = receiver.deliveries().into_iter().filter(|d| d.event_type() == COMPLETE).collect();
    for asset in &shelf {
        let of_it = told.iter().filter(|delivery| delivery.body["VideoId"] == asset.video_id.as_str());
        let answers: Vec<_> = of_it.map(|delivery| delivery.answered).collect();
        ensure!(answers.contains(&200), "{COMPLETE} of {} was not taken; answers: {answers:?}", asset.video_id);
    }
    Ok(shelf)
}

fn count_up(
    score: &mut Score,
    options: &Options,
    kills: &Kills,
    journals: &BTreeMap<u32, Vec<Push>>,
    shelf: &[Shelved],
) {
    score.row("publishers; seed", format!("{}; {}", options.publishers, options.seed));
    score.row(
        "kills -9: all; right after a cycle was sealed; during recovery",
        format!("{}; {}; {}", kills.at.len(), kills.at_seals, kills.in_recovery),
    );
    score.row("of these, away longer than the grace", kills.long_absences);
    score.row("from start to ready (least / middle / most)", spread(&mut kills.ready_ms.clone(), "ms"));
    let pushes = || journals.values().flatten();
    let ended = |ending| pushes().filter(|push| push.ending == ending).count();
    score.row(
        "pushes: broken; said goodbye; reset; superseded",
        [Ending::Lost, Ending::Left, Ending::Reset, Ending::Superseded].map(|e| ended(e).to_string()).join("; "),
    );
    let pictures: u64 = pushes().map(|push| u64::from(push.pictures)).sum();
    let sounds: u64 = pushes().map(|push| u64::from(push.sounds)).sum();
    score.row("sent: pictures; frames of sound", format!("{pictures}; {sounds}"));
    let mut recordings: Vec<_> = shelf.iter().map(|asset| &asset.playlist_id).collect();
    recordings.sort_unstable();
    recordings.dedup();
    score.row("recordings; assets", format!("{}; {}", recordings.len(), shelf.len()));
}

/// What both views of an asset hold, by the asset's id.
async fn judge_all(
    server: &Server,
    medias: &[Arc<Media>; 2],
    journals: &BTreeMap<u32, Vec<Push>>,
    shelf: &[Shelved],
    options: &Options,
    score: &mut Score,
) -> anyhow::Result<HashMap<String, Seen>> {
    let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let places = Arc::new(Semaphore::new(at_once));
    let mut books = HashMap::new();
    for (number, pushes) in journals {
        let media = &medias[usize::from(number % 2 == 1)];
        books.insert(stream_of(*number), (Arc::clone(media), Arc::new(Book::of(media, pushes))));
    }
    let mut judging = JoinSet::new();
    for (number, asset) in shelf.iter().enumerate() {
        let (media, book) = books.get(&asset.stream).cloned().context("an asset of a stream nobody pushed")?;
        let (id, places) = (asset.video_id.clone(), Arc::clone(&places));
        let urls = ["source.mp4", "index.m3u8"].map(|name| server.http_url(&format!("/v/{id}/{name}")));
        let (decode, said) = (number.is_multiple_of(options.decode_every.max(1)), asset.duration);
        judging.spawn(async move {
            let _place = places.acquire().await;
            let judged = judge_asset(&media, &book, &urls, decode, said).await;
            (id, judged)
        });
    }
    let mut seen = HashMap::new();
    let (mut skew, mut decoded) = (0.0f64, 0);
    while let Some(judged) = judging.join_next().await {
        let (id, judged) = judged?;
        match judged {
            Ok((asset, complaints)) => {
                skew = skew.max(asset.skew_ms);
                score.failures.extend(asset.wrong.iter().map(|wrong| format!("{id}: {wrong}")));
                if let Some(complaints) = complaints {
                    decoded += 1;
                    score.check(complaints.is_empty(), || format!("{id}: FFmpeg complains: {complaints}"));
                }
                seen.insert(id, asset);
            }
            Err(wrong) => score.failures.push(format!("{id}: {wrong:#}")),
        }
    }
    score.row("assets judged by every packet as MP4 and HLS; decoded to the end", format!("{}; {decoded}", seen.len()));
    score.row("furthest that sound is off against the picture", format!("{skew:.1} ms"));
    Ok(seen)
}

async fn judge_asset(
    media: &Media,
    book: &Book,
    [mp4, hls]: &[String; 2],
    decode: bool,
    said_seconds: f64,
) -> anyhow::Result<(Seen, Option<String>)> {
    let view = async |url: &String, filled| anyhow::Ok(judge::judge(media, book, &probe(url).await?, filled));
    let (mut as_mp4, as_hls) = (view(mp4, false).await?, view(hls, true).await?);
    if let Err(wrong) = judge::agree(&as_hls, &as_mp4) {
        as_mp4.wrong.push(wrong);
    }
    let off_ms = said_seconds * 1000.0 - as_mp4.length_ms;
    if !as_mp4.pictures.is_empty() && off_ms.abs() > f64::from(media::PICTURE_MS) {
        as_mp4.wrong.push(format!("the API says {said_seconds} s, its pictures last {:.0} ms", as_mp4.length_ms));
    }
    as_mp4.wrong.extend(as_hls.wrong.into_iter().map(|wrong| format!("HLS: {wrong}")));
    as_mp4.skew_ms = as_mp4.skew_ms.max(as_hls.skew_ms);
    if !decode {
        return Ok((as_mp4, None));
    }
    let complaints = [decode_complaints(mp4).await?, decode_complaints(hls).await?].concat();
    Ok((as_mp4, Some(complaints)))
}

/// Holds each push against what is kept of it, and each asset's end against when its last frame was sent.
fn settle(
    score: &mut Score,
    journals: &BTreeMap<u32, Vec<Push>>,
    shelf: &[Shelved],
    seen: &HashMap<String, Seen>,
    kills: &Kills,
) {
    let (mut by_kills, mut by_others, mut joins) = (Vec::new(), Vec::new(), 0);
    let mut end_off = 0.0f64;
    for (number, pushes) in journals {
        let mut ledger = Ledger::default();
        for asset in shelf.iter().filter(|asset| asset.stream == stream_of(*number)) {
            let Some(seen) = seen.get(&asset.video_id) else { continue };
            ledger.enter(&seen.pictures, &seen.sounds);
            let Some(sent) = last_sent(pushes, seen) else {
                score.failures.push(format!("{}: an empty asset", asset.video_id));
                continue;
            };
            let off = seconds_between(sent, asset.ended);
            end_off = end_off.max(off);
            score.check(off <= END_TIME_OFF_MAX, || {
                format!("{}: RecordEndTime is {off:.1} s from when its last frame was sent", asset.video_id)
            });
        }
        if let Some(twice) = ledger.doubled() {
            score.failures.push(format!("{twice:?} is in two assets"));
        }
        for push in pushes {
            match ledger.settle(push, &kills.at) {
                Ok(loss) if loss.killed => by_kills.push(loss.tail_ms),
                Ok(loss) if push.ending != Ending::Left => by_others.push(loss.tail_ms),
                Ok(_) => {}
                Err(wrong) => score.failures.push(wrong),
            }
            joins += usize::from(ledger.settle(push, &kills.at).is_ok_and(|loss| loss.sounds_at_join > 0));
        }
    }
    score.row("lost per push and kill (least / middle / most)", spread(&mut by_kills, "ms"));
    score.row("lost per reset or takeover (least / middle / most)", spread(&mut by_others, "ms"));
    score.row("pushes whose first sound lay over the last of the push before", joins);
    score.row("furthest of RecordEndTime from the last frame", format!("{end_off:.1} s"));
}

fn last_sent(pushes: &[Push], seen: &Seen) -> Option<SystemTime> {
    let sent = |push: u32, at_ms: u32| {
        let push = pushes.iter().find(|known| known.mark.push == push)?;
        Some(push.wall + Duration::from_millis(u64::from(at_ms)))
    };
    let picture = seen.pictures.last().and_then(|mark| sent(mark.push, Media::picture_at_ms(mark.number)));
    let sound = seen.sounds.last().and_then(|mark| sent(mark.push, mark.number * 64 / 3));
    picture.max(sound)
}

fn seconds_between(one: SystemTime, other: SystemTime) -> f64 {
    one.duration_since(other).or_else(|_| other.duration_since(one)).map_or(0.0, |apart| apart.as_secs_f64())
}

/// Each asset's event came, was taken, and said the same each time; there is none without an asset.
fn check_events(score: &mut Score, receiver: &Receiver, shelf: &[Shelved]) {
    let mut told: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for delivery in receiver.deliveries().into_iter().filter(|delivery| delivery.event_type() == COMPLETE) {
        if let Err(wrong) = delivery.check_signature(receiver.url(), CALLBACK_KEY) {
            score.failures.push(format!("{}: {wrong}", delivery.body));
        }
        let id = delivery.body["VideoId"].as_str().unwrap_or_default().to_owned();
        told.entry(id).or_default().push(delivery);
    }
    let (mut repeats, mut refused) = (0, 0);
    for (id, deliveries) in &told {
        repeats += deliveries.len() - 1;
        refused += deliveries.iter().filter(|delivery| delivery.answered >= 300).count();
        score.check(shelf.iter().any(|asset| asset.video_id == *id), || {
            format!("{COMPLETE} of {id}, which is no asset")
        });
        let same = deliveries.iter().all(|delivery| delivery.body == deliveries[0].body);
        score.check(same, || format!("{COMPLETE} of {id} says different things"));
    }
    for asset in shelf {
        score.check(told.contains_key(&asset.video_id), || format!("{COMPLETE} of {} never came", asset.video_id));
    }
    score.row(
        &format!("{COMPLETE}: assets told; deliveries refused by the receiver; repeats, all the same"),
        format!("{}; {refused}; {repeats}", told.len()),
    );
}
