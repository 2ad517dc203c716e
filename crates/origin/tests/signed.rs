//! Domains that ask something of those who play from them: signatures, sites, addresses.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use catalog::{DomainKind, DomainStatus, MadePictures, picture_key};
use common::{Clip, WALL, World, Writer, picture_hashes, plan, usual};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use reqwest::{Response, StatusCode};
use rpc::url_auth::UrlAuth;
use testkit::browser::{Player, play};
use units::{AssetId, WallTime};

/// Names of this machine that browsers and ffmpeg find by themselves.
const VOD: &str = "localhost";
const KEYS: [&str; 2] = ["firstkey12345678", "secondkey1234567"];
const TYPES: [&str; 3] = ["type_a", "type_b", "type_c"];
const VALIDITY_S: i64 = 600;

fn args(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn auth_args(kind: &str) -> BTreeMap<String, String> {
    let validity = VALIDITY_S.to_string();
    args(&[("auth_type", kind), ("auth_key1", KEYS[0]), ("auth_key2", KEYS[1]), ("ali_auth_delta", &validity)])
}

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Signs a path with a key of the domain, so that it is good for as long as the domain says.
fn sign(kind: &str, key: &str, path: &str, expires_s: i64) -> String {
    let mut args = auth_args(kind);
    args.insert("auth_key1".to_owned(), key.to_owned());
    UrlAuth::of_args(&args).unwrap().unwrap().until(WallTime::from_unix_s(expires_s)).url(path)
}

async fn set(world: &World, domain: &str, function: &str, args: &BTreeMap<String, String>) {
    world.catalog.set_domain_config(domain, function, args, WALL).await.unwrap();
}

/// A world whose domain of videos asks for signatures of this type.
async fn guarded(kind: &str) -> World {
    let world = World::new().await;
    world.catalog.add_domain(&catalog::Domain::new(VOD, DomainKind::Vod, WALL)).await.unwrap();
    set(&world, VOD, "aliauth", &auth_args(kind)).await;
    world
}

/// The URL of a path under a host.
fn at(world: &World, host: &str, path: &str) -> String {
    format!("{}{path}", world.url.replace("127.0.0.1", host))
}

async fn ask(url: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = reqwest::Client::new().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn get(world: &World, path: &str) -> Response {
    ask(&at(world, VOD, path), &[]).await
}

/// The word of a refusal.
async fn refusal(response: Response) -> String {
    assert!(response.status().is_client_error(), "{response:?}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["access-control-allow-origin"], "*", "a page can read why");
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert!(!body["message"].as_str().unwrap().is_empty());
    body["error"].as_str().unwrap().to_owned()
}

/// Waits until an answer has this status: what the catalog says is kept for a second.
async fn until(world: &World, path: &str, headers: &[(&str, &str)], status: StatusCode) -> Response {
    for _ in 0..200 {
        let response = ask(&at(world, VOD, path), headers).await;
        if response.status() == status {
            return response;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never answered {status}");
}

async fn video(world: &World) -> (Clip, AssetId) {
    let clip = usual(world.folder.path(), "a.mp4", 6, "30", "320x180", 48_000);
    let asset = world.asset_of(&[&clip]).await;
    (clip, asset)
}

/// Everything that a playlist or a description names, as it names it.
fn named(text: &str) -> Vec<String> {
    let quoted = |line: &str, key: &str| {
        line.split_once(&format!("{key}=\"")).and_then(|(_, rest)| Some(rest.split('"').next()?.replace("&amp;", "&")))
    };
    let mut all = Vec::new();
    for line in text.lines() {
        all.extend(["URI", "initialization", "media"].iter().filter_map(|key| quoted(line, key)));
        if !line.starts_with('#') && !line.trim_start().starts_with('<') && !line.is_empty() {
            all.push(line.to_owned());
        }
    }
    all
}

/// A reference, from where it was found.
fn resolved(base: &str, reference: &str) -> String {
    reqwest::Url::parse(base).unwrap().join(reference).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_playlist_hands_on_urls_that_are_signed_for_as_long() {
    for kind in TYPES {
        let world = guarded(kind).await;
        let (clip, asset) = video(&world).await;
        let expected = picture_hashes(clip.path.to_str().unwrap(), &[], &[]).await;
        for key in KEYS {
            let index = at(&world, VOD, &sign(kind, key, &format!("/v/{asset}/index.m3u8"), now_s() + 60));
            let mut open = vec![index.clone()];
            let mut seen = BTreeSet::new();
            while let Some(url) = open.pop() {
                let response = ask(&url, &[]).await;
                assert_eq!(response.status(), StatusCode::OK, "{kind} {url}");
                let keep = response.headers()["cache-control"].to_str().unwrap().to_owned();
                let seconds: i64 = keep.strip_prefix("public, max-age=").unwrap().parse().unwrap();
                assert!((0..=120).contains(&seconds), "{kind} {url}: {keep}: longer than it is let in");
                if url.contains(".m3u8") && seen.insert(url.clone()) {
                    let names = named(&response.text().await.unwrap());
                    assert!(!names.is_empty(), "{url}");
                    open.extend(names.iter().map(|name| resolved(&url, name)));
                }
            }
            assert_eq!(seen.len(), 4, "{kind}: over the playlists, pictures, I-frames and sound: {seen:?}");
            assert_eq!(picture_hashes(&index, &[], &[]).await, expected, "{kind}: ffmpeg plays it");
            let mpd = at(&world, VOD, &sign(kind, key, &format!("/v/{asset}/index.mpd"), now_s() + 60));
            assert_eq!(picture_hashes(&mpd, &[], &[]).await, expected, "{kind}: ffmpeg plays the description");
            let mp4 = at(&world, VOD, &sign(kind, key, &format!("/v/{asset}/source.mp4"), now_s() + 60));
            assert_eq!(picture_hashes(&mp4, &[], &[]).await, expected, "{kind}: ffmpeg plays the file");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_play_what_is_signed_to_its_end() {
    for kind in TYPES {
        let world = guarded(kind).await;
        let (_, asset) = video(&world).await;
        for (player, name) in [(Player::Hls, "index.m3u8"), (Player::Shaka, "index.mpd"), (Player::Mp4, "source.mp4")] {
            let url = at(&world, VOD, &sign(kind, KEYS[1], &format!("/v/{asset}/{name}"), now_s() + 300));
            let seen = play(player, &url, None).await.unwrap();
            assert!(seen.ended && seen.errors.is_empty(), "{kind} {name}: {seen:?}");
            assert_eq!(seen.frames, 180, "{kind} {name}: {seen:?}");
        }
        let url = at(&world, VOD, &sign(kind, KEYS[1], &format!("/v/{asset}/index.mpd"), now_s() + 300));
        let seen = play(Player::Dash, &url, Some(3.0)).await.unwrap();
        assert!(seen.errors.is_empty() && seen.frames > 0 && seen.to > seen.from, "{kind}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_expired_or_altered_is_refused() {
    for kind in TYPES {
        let world = guarded(kind).await;
        let (_, asset) = video(&world).await;
        let path = format!("/v/{asset}/source.mp4");
        let good = sign(kind, KEYS[0], &path, now_s() + 60);
        assert_eq!(get(&world, &good).await.status(), StatusCode::OK, "{good}");
        let more = format!("{good}{}x=1", if good.contains('?') { '&' } else { '?' });
        assert_eq!(get(&world, &more).await.status(), StatusCode::OK, "other parameters are not signed");
        assert_eq!(refusal(get(&world, &path).await).await, "url_not_signed", "{kind}");
        assert_eq!(refusal(get(&world, &format!("{path}?x=1")).await).await, "url_not_signed", "{kind}");
        // Of type B to the minute.
        let expired = sign(kind, KEYS[0], &path, now_s() - 61);
        assert_eq!(refusal(get(&world, &expired).await).await, "url_expired", "{kind}");
        let other = sign(kind, "anotherkey123456", &path, now_s() + 60);
        assert_eq!(refusal(get(&world, &other).await).await, "url_signature_mismatch", "{kind}");
        let index = good.replace("source.mp4", "index.m3u8");
        assert_eq!(refusal(get(&world, &index).await).await, "url_signature_mismatch", "{kind}");
        // What plays a part does not play the rest.
        let part = sign(kind, KEYS[0], &format!("/v/{asset}/"), now_s() + 60);
        let of = |name: &str| match part.split_once('?') {
            Some((folder, query)) => format!("{folder}{name}?{query}"),
            None => format!("{part}{name}"),
        };
        assert_eq!(get(&world, &of("v0.m4s")).await.status(), StatusCode::OK, "{kind}");
        for whole in ["source.mp4", "index.m3u8", "video.m3u8", "index.mpd"] {
            assert_eq!(refusal(get(&world, &of(whole)).await).await, "url_signature_mismatch", "{kind} {whole}");
        }
        for other in TYPES.iter().filter(|other| **other != kind) {
            let signed = sign(other, KEYS[0], &path, now_s() + 60);
            assert!(get(&world, &signed).await.status().is_client_error(), "{other} where {kind} is on");
        }
        let malformed = match kind {
            "type_a" => format!("{path}?auth_key=1-2-3"),
            "type_b" => format!("/209913010000/{}{path}", "0".repeat(32)),
            _ => format!("{path}?KEY1=1&KEY2=zz"),
        };
        assert_eq!(refusal(get(&world, &malformed).await).await, "url_signature_malformed", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_way_of_writing_a_path_or_a_host_passes_an_unsigned_file() {
    let world = guarded("type_a").await;
    let (_, asset) = video(&world).await;
    let name = world.url.strip_prefix("http://").unwrap().to_owned();
    let raw = async |target: &str, host: &str| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&name).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let host = "Host: localhost\r\n";
    let signed = sign("type_a", KEYS[0], &format!("/v/{asset}/source.mp4"), now_s() + 60);
    assert_eq!(raw(&signed, host).await, 200);
    assert_eq!(raw(&signed, "Host: LOCALHOST.:80\r\n").await, 200);
    for path in [
        format!("/v/{asset}/source.mp4"),
        format!("//v/{asset}/source.mp4"),
        format!("/v//{asset}/source.mp4"),
        format!("/v/{asset}/%73ource.mp4"),
        format!("/%76/{asset}/source.mp4"),
        format!("/v/{asset}%2fsource.mp4"),
        format!("/v/x/../{asset}/source.mp4"),
        format!("/v/x/%2e%2e/{asset}/source.mp4"),
        format!("/v/./{asset}/source.mp4"),
        format!("/v/{asset}/source.mp4/"),
        format!("/x/y/v/{asset}/source.mp4"),
        format!("/202601010000/{}/v/{asset}/source.mp4", "0".repeat(32)),
        format!("/l/../v/{asset}/source.mp4"),
        format!("/l/localhost/v/{asset}/source.mp4"),
        signed.replace("/v/", "/v/x/../"),
        signed.replace("/v/", "/v/%2e/"),
        signed.replace("/v/", "//v/"),
        signed.replace("source", "%73ource").replace("auth_key=", "auth_key=1"),
    ] {
        for host in [
            host,
            "Host: 127.0.0.1\r\n",
            "Host: other.example.org\r\n",
            "",
            "Host: \r\n",
            "Host: localhost\r\nHost: other\r\n",
            "Host: other\r\nX-Forwarded-Host: localhost\r\n",
        ] {
            let status = raw(&path, host).await;
            assert!((400..500).contains(&status), "{status}: {path} {host}");
        }
    }
    // The target's host is the one that counts.
    assert_eq!(raw(&format!("http://other{signed}"), host).await, 403);
    assert_eq!(raw(&format!("http://localhost{signed}"), "Host: other\r\n").await, 200);
    // What somebody signed before it was escaped is what was meant.
    assert_eq!(raw(&signed.replace("source", "%73ource"), host).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_live_is_guarded_by_its_own_domain_whatever_the_host() {
    let live = common::path();
    for kind in TYPES {
        let world = World::new().await;
        set(&world, live.domain(), "aliauth", &auth_args(kind)).await;
        let clip = usual(world.folder.path(), "a.mp4", 6, "30", "320x180", 48_000);
        let mut writer = Writer::new(&world.blobs, world.catalog.ids().reel(WALL));
        let recording = world.begin_recording(writer.reel).await;
        plan(&[&clip]).iter().for_each(|segment| writer.write(segment));
        let long = format!("/l/{}/app/s1.m3u8", live.domain());
        let get = async |host: &str, path: &str| ask(&at(&world, "127.0.0.1", path), &[("host", host)]).await;
        for host in [live.domain(), "127.0.0.1", "localhost"] {
            assert_eq!(refusal(get(host, &long).await).await, "url_not_signed", "{kind} {host}");
            let upper = long.replace("play", "PLAY");
            assert_eq!(refusal(get(host, &upper).await).await, "url_not_signed", "{kind} {host}");
            let named = get(host, &sign(kind, KEYS[0], &long, now_s() + 60)).await;
            assert_eq!(named.status(), StatusCode::OK, "{kind} {host}");
        }
        // The URL that the vendor's customers sign: without the domain, from its host.
        let short = sign(kind, KEYS[0], "/app/s1.m3u8", now_s() + 60);
        assert_eq!(get("localhost", &short).await.status(), StatusCode::NOT_FOUND);
        for start in [sign(kind, KEYS[0], &long, now_s() + 60), short] {
            let mut open = vec![at(&world, live.domain(), &start)];
            let mut served = 0;
            while let Some(url) = open.pop() {
                let path = url.splitn(4, '/').nth(3).unwrap();
                let response = get(live.domain(), &format!("/{path}")).await;
                assert_eq!(response.status(), StatusCode::OK, "{kind} {url}");
                served += 1;
                if url.contains(".m3u8") {
                    let names = named(&response.text().await.unwrap());
                    open.extend(names.iter().map(|name| resolved(&url, name)));
                }
            }
            assert!(served > 6, "{kind}: {served}");
        }
        let child = format!("/l/{}/app/s1/{recording}/video.m3u8", live.domain());
        assert_eq!(refusal(get(live.domain(), &child).await).await, "url_not_signed", "{kind}");
        world.catalog.set_domain_status(live.domain(), DomainStatus::Offline, WALL).await.unwrap();
        let signed = sign(kind, KEYS[0], &long, now_s() + 60);
        until(&world, &signed, &[("host", live.domain())], StatusCode::FORBIDDEN).await;
        assert_eq!(refusal(get(live.domain(), &signed).await).await, "domain_stopped");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cues_hand_on_signed_pictures_and_their_tag_is_that_of_the_signature() {
    for kind in TYPES {
        let world = guarded(kind).await;
        let (_, asset) = video(&world).await;
        let job = world.catalog.picture_jobs(asset).await.unwrap()[0].id;
        let cue = PictureName::single(PictureKind::Cues, job, PictureFormat::Vtt);
        let picture = PictureName::still(PictureKind::Cues, job, 1);
        let file = picture.to_string().rsplit('/').next().unwrap().to_owned();
        let text = format!("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{file}#xywh=0,0,16,9\n");
        world.blobs.put(&picture_key(asset, &cue), text.into()).await.unwrap();
        world.blobs.put(&picture_key(asset, &picture), Bytes::from_static(b"a picture")).await.unwrap();
        let made = MadePictures {
            kind: PictureKind::Cues,
            format: PictureFormat::Vtt,
            pictures: 1,
            chosen: None,
            facts: None,
        };
        world.catalog.finish_pictures(job, &[made], WALL).await.unwrap();
        let path = format!("/v/{asset}/{cue}");
        let [one, other] = [60, 120].map(|seconds| sign(kind, KEYS[0], &path, now_s() + seconds));
        let response = get(&world, &one).await;
        assert_eq!(response.status(), StatusCode::OK, "{kind}");
        let tag = response.headers()["etag"].clone();
        let text = response.text().await.unwrap();
        let reference = text.lines().find(|line| line.contains("#xywh=0,0,16,9")).unwrap();
        let url = resolved(&at(&world, VOD, &one), reference);
        assert_eq!(ask(&url, &[]).await.bytes().await.unwrap(), "a picture", "{kind} {url}");
        assert_ne!(get(&world, &other).await.headers()["etag"], tag, "{kind}: other URLs are in it");
        let again = ask(&at(&world, VOD, &one), &[("if-none-match", tag.to_str().unwrap())]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_and_addresses_that_are_not_listed_are_refused() {
    let world = World::new().await;
    world.catalog.add_domain(&catalog::Domain::new(VOD, DomainKind::Vod, WALL)).await.unwrap();
    let (_, asset) = video(&world).await;
    let path = format!("/v/{asset}/source.mp4");
    let free = get(&world, &path).await;
    assert_eq!(free.status(), StatusCode::OK);
    assert_eq!(free.headers()["cache-control"], "public, max-age=86400, immutable");
    let sites = args(&[("refer_domain_allow_list", "example.org"), ("allow_empty", "off")]);
    set(&world, VOD, "referer_white_list_set", &sites).await;
    until(&world, &path, &[], StatusCode::FORBIDDEN).await;
    let from = async |referer: &str| ask(&at(&world, VOD, &path), &[("referer", referer)]).await;
    let good = from("https://www.example.org/page").await;
    assert_eq!(good.status(), StatusCode::OK);
    assert_eq!(good.headers()["cache-control"], "private, max-age=86400", "it is not for others");
    assert_eq!(refusal(from("https://example.org.evil.net/").await).await, "referer_refused");
    // Another name of this server is no way around it.
    let around = ask(&world.at(asset, "source.mp4"), &[("referer", "https://example.org/")]).await;
    assert_eq!(refusal(around).await, "unknown_domain");
    world.catalog.delete_domain_config(VOD, "referer_white_list_set").await.unwrap();
    until(&world, &path, &[], StatusCode::OK).await;
    set(&world, VOD, "ip_black_list_set", &args(&[("ip_list", "127.0.0.0/8,::1")])).await;
    let refused = until(&world, &path, &[], StatusCode::FORBIDDEN).await;
    assert_eq!(refusal(refused).await, "address_refused");
    let forwarded = ask(&at(&world, VOD, &path), &[("x-forwarded-for", "192.0.2.1")]).await;
    assert_eq!(refusal(forwarded).await, "address_refused", "nobody vouches for the header");
    world.catalog.set_domain_status(VOD, DomainStatus::Offline, WALL).await.unwrap();
    for _ in 0..200 {
        if refusal(get(&world, &path).await).await == "domain_stopped" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the domain is not stopped");
}
