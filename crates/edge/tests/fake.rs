//! An edge before an origin that answers what a test wants it to.

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get as route, post};
use common::{Running, SECRET, Watch, get, get_with, settings, until};
use door::feed::{FeedAnswer, FeedAsked, FeedDomains, FeedTask, FeedWork};
use door::{Keep, Wanted, wanted};
use edge::SLICE_BYTES;

/// What the origin has, and what its feed told.
#[derive(Clone, Default)]
struct Fake {
    files: Arc<Mutex<BTreeMap<String, File>>>,
    tasks: Arc<Mutex<Vec<FeedTask>>>,
    heard: Arc<Mutex<Vec<FeedAsked>>>,
    version: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct File {
    bytes: Vec<u8>,
    keep: Keep,
    form: Option<&'static str>,
    etag: String,
}

impl Fake {
    fn put(&self, name: &str, bytes: Vec<u8>, keep: Keep, form: Option<&'static str>) {
        let etag = format!("\"{}\"", self.version.fetch_add(1, Ordering::Relaxed));
        self.files.lock().unwrap().insert(name.to_owned(), File { bytes, keep, form, etag });
    }

    fn task(&self, what: FeedWork, path: &str) -> u64 {
        let mut tasks = self.tasks.lock().unwrap();
        let seq = tasks.len() as u64 + 1;
        tasks.push(FeedTask { seq, what, path: path.to_owned() });
        seq
    }

    async fn start(&self) -> (Watch, String) {
        let app =
            Router::new().route("/edge/feed", post(feed)).route("/v/a/{name}", route(serve)).with_state(self.clone());
        let watch = Watch::default();
        let url = watch.clone().over(app).await;
        (watch, url)
    }
}

async fn feed(State(fake): State<Fake>, body: Bytes) -> Vec<u8> {
    let asked: FeedAsked = serde_json::from_slice(&body).unwrap();
    fake.heard.lock().unwrap().push(asked.clone());
    // Asked again and again: a feed that has nothing to tell answers late.
    if asked.domains == 1 && asked.after == fake.tasks.lock().unwrap().len() as u64 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let tasks: Vec<_> = fake.tasks.lock().unwrap().iter().filter(|task| task.seq > asked.after).cloned().collect();
    let last = tasks.last().map_or(asked.after, |task| task.seq);
    let domains = (asked.domains != 1).then(|| FeedDomains { tag: 1, list: Vec::new() });
    serde_json::to_vec(&FeedAnswer { last, reset: false, tasks, domains }).unwrap()
}

async fn serve(State(fake): State<Fake>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    assert_eq!(headers[header::AUTHORIZATION], format!("Bearer {SECRET}"));
    let Some(file) = fake.files.lock().unwrap().get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == file.etag) {
        return (StatusCode::NOT_MODIFIED, [(header::CACHE_CONTROL, file.keep.value())]).into_response();
    }
    let size = file.bytes.len() as u64;
    let range = wanted(headers.get(header::RANGE).map(|value| value.to_str().unwrap()), size);
    let mut response = match range {
        Wanted::Whole => file.bytes.into_response(),
        Wanted::Part(range) => {
            let part = file.bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec();
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, told)], part).into_response()
        }
        Wanted::Unsatisfiable => return StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, "video/mp4".parse().unwrap());
    headers.insert(header::ETAG, file.etag.parse().unwrap());
    headers.insert(header::CACHE_CONTROL, file.keep.value());
    if let Some(form) = file.form {
        headers.insert("x-reprise-form", form.parse().unwrap());
    }
    response
}

/// Bytes that are nowhere the same.
fn bytes(length: u64, seed: u8) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + at / 251) % 251).unwrap() ^ seed).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_want_at_once_is_asked_for_once() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put("v0.m4s", bytes(1_000, 0), Keep::Forever, None);
    let (watch, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let url = edge.at("127.0.0.1", "/v/a/v0.m4s");
    let viewers: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let url = url.clone();
                async move { get(&url).await }
            })
        })
        .collect();
    let mut missed = 0;
    for viewer in viewers {
        let got = viewer.await.unwrap();
        assert_eq!((got.status, got.body), (200, bytes(1_000, 0).into()));
        missed += usize::from(got.headers["x-cache"] == "MISS");
    }
    assert_eq!(watch.asked(), [format!("/v/a/v0.m4s bytes=0-{}", SLICE_BYTES - 1)]);
    assert_eq!(missed, 1);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_fetches_the_slices_it_touches_and_any_range_is_that_part_of_the_whole() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    let whole = bytes(4 * SLICE_BYTES + 1_000, 0);
    fake.put("source.mp4", whole.clone(), Keep::Forever, None);
    let (watch, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let url = edge.at("127.0.0.1", "/v/a/source.mp4");
    let range = async |range: &str| get_with(&url, &[("range", range)]).await;

    let from = 3 * SLICE_BYTES - 10;
    let got = range(&format!("bytes={from}-{}", from + 19)).await;
    assert_eq!((got.status, got.cache()), (206, "MISS"));
    assert_eq!(got.header("content-range"), format!("bytes {from}-{}/{}", from + 19, whole.len()));
    let from = usize::try_from(from).unwrap();
    assert_eq!(got.body, whole[from..from + 20]);
    let slice = |n: u64| format!("/v/a/source.mp4 bytes={}-{}", n * SLICE_BYTES, (n + 1) * SLICE_BYTES - 1);
    assert_eq!(watch.asked(), [slice(2), slice(3)], "what lies before it is not fetched");
    assert_eq!(range(&format!("bytes={from}-{}", from + 5)).await.cache(), "HIT");

    let end = whole.len();
    for (asked, part) in [
        ("bytes=0-0".to_owned(), 0..1),
        ("bytes=-7".to_owned(), end - 7..end),
        (format!("bytes={}-", end - 1), end - 1..end),
        (format!("bytes=100-{}", 2 * SLICE_BYTES), 100..usize::try_from(2 * SLICE_BYTES).unwrap() + 1),
        ("bytes=5-".to_owned(), 5..end),
    ] {
        let got = range(&asked).await;
        assert_eq!((got.status, got.body.len()), (206, part.len()), "{asked}");
        assert!(got.body == whole[part], "{asked}");
    }
    let got = get(&url).await;
    assert_eq!((got.status, got.cache(), got.body == whole), (200, "HIT", true));
    let beyond = range(&format!("bytes={end}-")).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{end}").as_str()));
    let tag = got.header("etag").to_owned();
    assert_eq!(get_with(&url, &[("if-none-match", &tag)]).await.status, 304);
    let other = get_with(&url, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.body.len()), (200, end));
    let head = reqwest::Client::new().head(&url).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()),
        (200, end.to_string().as_str())
    );
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_beyond_the_end_of_what_is_not_known_yet_is_refused_as_the_origin_does() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put("source.mp4", bytes(10, 0), Keep::Forever, None);
    let (_, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let url = edge.at("127.0.0.1", "/v/a/source.mp4");
    let got = get_with(&url, &[("range", &format!("bytes={}-", 5 * SLICE_BYTES))]).await;
    assert_eq!((got.status, got.header("content-range")), (416, "bytes */10"));
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_asked_for_each_time_and_never_kept() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    let key = b"sixteen secrets!".to_vec();
    fake.put("hls.key", key.clone(), Keep::Never, None);
    let (watch, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let url = edge.at("127.0.0.1", "/v/a/hls.key");
    for _ in 0..2 {
        let got = get(&url).await;
        assert_eq!((got.status, got.header("cache-control"), got.body == key), (200, "no-store", true));
    }
    assert_eq!(watch.asked(), ["/v/a/hls.key", "/v/a/hls.key"]);
    watch.set_away(true);
    assert_eq!(get(&url).await.status, 503);
    edge.stop().await;
    let mut files = vec![folder.path().to_owned()];
    while let Some(path) = files.pop() {
        match path.is_dir() {
            true => files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())),
            false => {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(key.len()).any(|window| window == key), "{}", path.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_asked_for_once_a_second() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    let (watch, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let url = edge.at("127.0.0.1", "/v/a/none.mp4");
    for _ in 0..5 {
        let got = get(&url).await;
        assert_eq!((got.status, got.header("cache-control")), (404, "no-store"));
    }
    let asked = watch.asked().len();
    assert!((1..5).contains(&asked), "{asked}");
    fake.put("none.mp4", bytes(10, 0), Keep::Forever, None);
    until("it is there", async || get(&url).await.status == 200).await;
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_origin_is_away_what_is_here_is_served_also_after_a_restart() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put("source.mp4", bytes(2 * SLICE_BYTES, 0), Keep::Forever, None);
    fake.put("live.m3u8", b"#EXTM3U\n%(u:v0.m4s%)\n".to_vec(), Keep::Second, Some("playlist"));
    let (watch, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let [file, live, other] = ["/v/a/source.mp4", "/v/a/live.m3u8", "/v/a/other.mp4"];
    // What was asked for right after the first start is not believed to be new enough to be kept.
    until("both are kept", async || {
        let kept = [get(&edge.at("127.0.0.1", file)).await, get(&edge.at("127.0.0.1", file)).await];
        get(&edge.at("127.0.0.1", live)).await;
        kept.iter().all(|got| got.cache() == "HIT")
    })
    .await;
    watch.set_away(true);
    let check = async |edge: &Running| {
        assert_eq!(get(&edge.at("127.0.0.1", file)).await.body, bytes(2 * SLICE_BYTES, 0));
        until("the playlist is stale", async || get(&edge.at("127.0.0.1", live)).await.cache() == "STALE").await;
        let got = get(&edge.at("127.0.0.1", live)).await;
        assert_eq!((got.status, got.text().as_str()), (200, "#EXTM3U\nv0.m4s\n"));
        assert_eq!(got.header("cache-control"), "public, max-age=1");
        assert_eq!(get(&edge.at("127.0.0.1", other)).await.status, 503);
    };
    check(&edge).await;
    edge.stop().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    check(&edge).await;
    watch.set_away(false);
    until("it is confirmed again", async || get(&edge.at("127.0.0.1", live)).await.cache() != "STALE").await;
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_urls_in_it_is_never_served_as_it_came() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    // As the origin sends it to somebody whom it takes for a viewer.
    fake.put("index.m3u8", b"#EXTM3U\n".to_vec(), Keep::Minute, None);
    let (_, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    assert_eq!(get(&edge.at("127.0.0.1", "/v/a/index.m3u8")).await.status, 502);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_is_never_mixed_with_what_it_was() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put("source.mp4", bytes(2 * SLICE_BYTES, 0), Keep::Forever, None);
    let (_, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let url = edge.at("127.0.0.1", "/v/a/source.mp4");
    assert_eq!(get_with(&url, &[("range", "bytes=0-9")]).await.body, bytes(10, 0));
    fake.put("source.mp4", bytes(2 * SLICE_BYTES, 9), Keep::Forever, None);
    // The second slice comes of the new one: what is known of the old one is thrown away.
    let from = SLICE_BYTES;
    let got = get_with(&url, &[("range", &format!("bytes={from}-{}", from + 9))]).await;
    let at = usize::try_from(from).unwrap();
    assert_eq!((got.status, &got.body[..]), (206, &bytes(2 * SLICE_BYTES, 9)[at..at + 10]));
    assert_eq!(get_with(&url, &[("range", "bytes=0-9")]).await.body, bytes(10, 9));
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_has_files_forgotten_or_fetched_and_is_remembered_over_a_restart() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    for name in ["one.mp4", "two.mp4", "next.mp4"] {
        fake.put(name, bytes(SLICE_BYTES + 5, 0), Keep::Forever, None);
    }
    let (watch, origin) = fake.start().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    let (one, two) = ("/v/a/one.mp4", "/v/a/two.mp4");
    for path in [one, two] {
        until("it is kept", async || get(&edge.at("127.0.0.1", path)).await.cache() == "HIT").await;
    }
    watch.asked();
    let applied = async |seq: u64| {
        until("the task is carried out", async || fake.heard.lock().unwrap().iter().any(|asked| asked.after >= seq))
            .await;
    };
    applied(fake.task(FeedWork::File, one)).await;
    assert_eq!(get(&edge.at("127.0.0.1", two)).await.cache(), "HIT");
    assert_eq!(watch.asked(), Vec::<String>::new());
    assert_eq!(get(&edge.at("127.0.0.1", one)).await.cache(), "MISS");
    assert_eq!(watch.asked().len(), 2, "all of it is fetched again, though it is the same");

    applied(fake.task(FeedWork::Folder, "/v/a/")).await;
    fake.files.lock().unwrap().clear();
    edge.stop().await;
    let edge = Running::start(settings(&origin, folder.path())).await;
    for path in [one, two] {
        assert_eq!(get(&edge.at("127.0.0.1", path)).await.status, 404, "{path}");
    }

    fake.put("next.mp4", bytes(SLICE_BYTES + 5, 1), Keep::Forever, None);
    let good = fake.task(FeedWork::Preload, "/v/a/next.mp4");
    let bad = fake.task(FeedWork::Preload, "/v/a/gone.mp4");
    until("both are reported", async || {
        let heard = fake.heard.lock().unwrap();
        let ended = |seq: u64| heard.iter().flat_map(|asked| &asked.preloaded).find(|one| one.seq == seq).cloned();
        match (ended(good), ended(bad)) {
            (Some(good), Some(bad)) => good.error.is_none() && bad.error.is_some_and(|error| error.contains("404")),
            _ => false,
        }
    })
    .await;
    until("it is here beforehand", async || {
        watch.asked();
        let got = get(&edge.at("127.0.0.1", "/v/a/next.mp4")).await;
        assert_eq!(got.body, bytes(SLICE_BYTES + 5, 1));
        got.cache() == "HIT" && watch.asked().is_empty()
    })
    .await;
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_has_as_many_requests_as_it_may_is_told_to_come_again() {
    let (fake, folder) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put("source.mp4", bytes(8 * SLICE_BYTES, 0), Keep::Forever, None);
    let (_, origin) = fake.start().await;
    let limited =
        edge::Settings { requests_max: 1, bytes_per_second_max: SLICE_BYTES * 20, ..settings(&origin, folder.path()) };
    let edge = Running::start(limited).await;
    let url = edge.at("127.0.0.1", "/v/a/source.mp4");
    let mut first = reqwest::get(&url).await.unwrap();
    let second = get(&url).await;
    assert_eq!((second.status, second.word().as_str(), second.header("retry-after")), (503, "domain_full", "1"));
    let mut length = 0;
    while let Some(chunk) = first.chunk().await.unwrap() {
        length += chunk.len() as u64;
    }
    assert_eq!(length, 8 * SLICE_BYTES);
    until("its seat is free", async || get(&url).await.status == 200).await;
    edge.stop().await;
}
