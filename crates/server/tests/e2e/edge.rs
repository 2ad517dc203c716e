//! `reprise edge` before the real server: viewers go on while both crash, and what is deleted is gone.

use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::json;
use testkit::browser::{Player, play};
use testkit::clips::{self, Recipe};
use testkit::edge::EdgeProcess;
use testkit::ffmpeg::{Pace, push};
use testkit::nginx::Nginx;
use testkit::probe::{decode_complaints, decoded};
use testkit::server::{Server, until};

use crate::encryption::{OWN, get, key_uri, media_playlist};
use crate::formats::{streams, url};
use crate::support::{SOON, add_rule, ask_for_signatures, reprise, wait_recorded};
use crate::transcoding::{server_set_with, template, wait_status};

const SECRET: &str = "between-us-0123456789";

#[tokio::test]
async fn an_edge_plays_on_while_the_server_is_away_and_forgets_what_is_deleted() {
    let settings = [("REPRISE_EDGE__SECRET", SECRET)];
    let mut server = Server::start_with(reprise(), &settings).await.unwrap();
    add_rule(&server.api(), "match", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let video = wait_recorded(&server, "court1", 1).await.remove(0).video_id;
    let temp = std::env::temp_dir();
    let mut edge = EdgeProcess::start(reprise(), &server.http_url(""), SECRET, &temp, &[]).await.unwrap();
    let views = ["index.m3u8", "index.mpd", "source.mp4"].map(|name| format!("{}/v/{video}/{name}", edge.url()));
    let mut pictures = Vec::new();
    for view in &views {
        assert_eq!(decode_complaints(view).await.unwrap(), "", "{view}");
        pictures.push(decoded(view).await.unwrap().0);
    }
    assert_eq!(pictures, [150; 3]);

    server.kill().await.unwrap();
    edge.crash_and_restart().await.unwrap();
    for view in &views {
        assert_eq!(decode_complaints(view).await.unwrap(), "", "{view} without the server");
    }

    server.restart().await.unwrap();
    server.api().vod("DeleteVideo", &[("VideoIds", &video)]).await.unwrap();
    until(SOON, async || {
        for view in &views {
            let status = reqwest::get(view).await?.status();
            ensure!(status == 404, "{view} is {status}");
        }
        Ok(())
    })
    .await
    .unwrap();
    edge.stop().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn browsers_play_what_is_signed_through_an_edge() {
    let mut server = Server::start_with(reprise(), &[("REPRISE_EDGE__SECRET", SECRET)]).await.unwrap();
    add_rule(&server.api(), "match", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let video = wait_recorded(&server, "court1", 1).await.remove(0).video_id;
    let edge = EdgeProcess::start(reprise(), &server.http_url(""), SECRET, &std::env::temp_dir(), &[]).await.unwrap();
    ask_for_signatures(&server.api(), "localhost").await;
    // The edge answers under the name of the domain.
    let at_edge = edge.url().replace("127.0.0.1", "localhost");
    let signed = async |format: &str| {
        let params = [("VideoId", video.as_str()), ("Formats", format)];
        let told = server.api().vod("GetPlayInfo", &params).await?;
        let url = told["PlayInfoList"]["PlayInfo"][0]["PlayURL"].as_str().context("PlayURL")?.to_owned();
        ensure!(url.contains("?auth_key="), "{url} is not signed");
        Ok(url.replace(&server.http_url("").replace("127.0.0.1", "localhost"), &at_edge))
    };
    for (player, format) in [(Player::Hls, "m3u8"), (Player::Shaka, "mpd")] {
        let url = until(SOON, || signed(format)).await.unwrap();
        assert!(url.starts_with(&at_edge), "{url}");
        let (bare, _) = url.split_once('?').unwrap();
        until(SOON, async || {
            let status = get(bare).await.status();
            ensure!(status == 403, "{bare} is {status}");
            Ok(())
        })
        .await
        .unwrap();
        let seen = play(player, &url, None).await.unwrap();
        assert!(seen.ended && seen.errors.is_empty() && seen.stalls.is_empty(), "{url}: {seen:?}");
        assert_eq!(seen.frames, 150, "{url}: {seen:?}");
        let seen = play(player, &url, Some(4.5)).await.unwrap();
        assert!(seen.errors.is_empty() && seen.from >= 4.4 && seen.to > seen.from, "{url}: {seen:?}");
        assert!((1..100).contains(&seen.frames), "{url}: {seen:?}");
    }
    edge.stop().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_edge_hands_on_what_is_encrypted_and_keeps_no_key() {
    let mut locked = template("locked", 160, 100, "m3u8");
    locked["EncryptSetting"] = json!({ "EncryptType": OWN });
    let (mut server, _) = server_set_with(&[("REPRISE_EDGE__SECRET", SECRET)], &[locked], 200).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let edge = EdgeProcess::start(reprise(), &server.http_url(""), SECRET, &std::env::temp_dir(), &[]).await.unwrap();
    let at_origin = url(&streams(&server, &asset, 1).await[0]);
    let (there, here) = (server.http_url(""), edge.url());
    let at_edge = |url: &str| url.replace(&there, &here);

    let playing = at_edge(&at_origin);
    assert!(playing.starts_with(&edge.url()), "{playing}");
    assert_eq!(decode_complaints(&playing).await.unwrap(), "");
    assert_eq!(decoded(&playing).await.unwrap().0, 150);
    let seen = play(Player::Hls, &playing, None).await.unwrap();
    assert!(seen.ended && seen.errors.is_empty() && seen.frames == 150, "{seen:?}");

    // All that the playlists name.
    let (pictures_url, pictures) = media_playlist(&at_origin).await;
    let sound_url = pictures_url.replace("video.m3u8", "audio.m3u8");
    let sound = get(&sound_url).await.text().await.unwrap();
    let beside = |name: &str| reqwest::Url::parse(&pictures_url).unwrap().join(name).unwrap().to_string();
    let key = beside(key_uri(&pictures));
    let named = |playlist: &str| -> Vec<String> {
        let inits = playlist.lines().filter_map(|line| line.strip_prefix("#EXT-X-MAP:")?.split('"').nth(1));
        let segments = playlist.lines().filter(|line| line.ends_with(".m4s"));
        inits.chain(segments).map(&beside).collect()
    };
    let media = [named(&pictures), named(&sound)].concat();
    assert!(media.len() >= 6, "an init segment and two segments of each: {media:?}");
    for url in [&[at_origin.clone(), pictures_url.clone(), sound_url, key.clone()], media.as_slice()].concat() {
        let (origin, edge) = (get(&url).await, get(&at_edge(&url)).await);
        assert_eq!((origin.status().as_u16(), edge.status().as_u16()), (200, 200), "{url}");
        let cached = edge.headers()["x-cache"].to_str().unwrap().to_owned();
        assert_eq!(cached == "MISS", url == key, "FFmpeg had all of it before: {url} is a {cached}");
        for header in ["etag", "content-type", "content-length"] {
            assert_eq!(edge.headers().get(header), origin.headers().get(header), "{url} {header}");
        }
        // The edge tells for how much longer.
        let policy = |got: &reqwest::Response| {
            let keep = got.headers()["cache-control"].to_str().unwrap();
            keep.split_once('=').map_or(keep, |(policy, _)| policy).to_owned()
        };
        assert_eq!(policy(&edge), policy(&origin), "{url}");
        assert!(edge.bytes().await.unwrap() == origin.bytes().await.unwrap(), "{url}");
    }
    for name in ["v9.m4s", "source.mp4", "index.mpd"] {
        let (origin, edge) = (get(&beside(name)).await, get(&at_edge(&beside(name))).await);
        assert_eq!((origin.status().as_u16(), edge.status().as_u16()), (404, 404), "{name}");
    }

    // Without its server it has the segments, which nobody can read, and not the key.
    server.kill().await.unwrap();
    for url in &media {
        assert_eq!(get(&at_edge(url)).await.status(), 200, "{url} without the server");
    }
    assert!(get(&at_edge(&key)).await.status().is_server_error());
    edge.stop().await.unwrap();
}

#[test]
fn an_edge_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let said = |environment: &[(&str, &str)]| {
        let mut edge = Command::new(reprise());
        edge.arg("edge").envs(environment.iter().copied()).env("REPRISE_EDGE__CACHE_DIR", folder.path());
        let output = edge.env("REPRISE_HTTP__LISTEN", "127.0.0.1:0").output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let origin = ("REPRISE_EDGE__ORIGIN", "http://127.0.0.1:9");
    assert!(said(&[origin]).contains("edge.secret is wanted"));
    assert!(said(&[origin, ("REPRISE_EDGE__SECRET", "short")]).contains("at least 16"));
    assert!(said(&[("REPRISE_EDGE__SECRET", SECRET)]).contains("edge.origin is wanted"));
    let odd = said(&[("REPRISE_EDGE__SECRET", SECRET), ("REPRISE_EDGE__ORIGIN", "10.0.0.1:8080")]);
    assert!(odd.contains("is no URL of an origin") && !odd.contains(SECRET), "{odd}");
    assert!(said(&[("REPRISE_EDGE__ORIGN", "x")]).contains("did you mean REPRISE_EDGE__ORIGIN?"));
}

/// The configuration of nginx in the documents, for this server, with its files in `folder`.
fn nginx_configuration(server: &Server, folder: &str, listen: &str) -> String {
    let page = include_str!("../../../../docs/design/edge.md");
    let (_, rest) = page.split_once("```nginx\n").unwrap();
    let (documented, _) = rest.split_once("```").unwrap();
    let mut text = documented.to_owned();
    let origin = server.http_url("").replace("http://", "server ");
    let here = [
        ("/var/cache/nginx/reprise", format!("{folder}/cache")),
        ("server 127.0.0.1:8080", origin),
        ("listen 80", format!("listen {listen}")),
    ];
    for (there, here) in here {
        assert_eq!(text.matches(there).count(), 1, "{there} in the documents");
        text = text.replace(there, &here);
    }
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|kind| format!("{kind}_temp_path {folder}/{kind};\n")).concat();
    format!("http {{\naccess_log off;\n{temporary}{text}}}\n")
}

#[tokio::test]
async fn the_nginx_of_the_documents_keeps_views_and_plays_on_while_the_server_is_away() {
    let mut server = Server::start_with(reprise(), &[]).await.unwrap();
    add_rule(&server.api(), "match", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let video = wait_recorded(&server, "court1", 1).await.remove(0).video_id;
    let serves = |folder: &std::path::Path, listen: std::net::SocketAddr| {
        nginx_configuration(&server, &folder.display().to_string(), &listen.to_string())
    };
    let mut nginx = Nginx::start(&std::env::temp_dir(), "0", "", serves).await.unwrap();
    let at_nginx = |path: &str| format!("http://{}{path}", nginx.address());
    let views = ["index.m3u8", "index.mpd", "source.mp4"].map(|name| at_nginx(&format!("/v/{video}/{name}")));
    for view in &views {
        assert_eq!(decode_complaints(view).await.unwrap(), "", "{view}");
        assert_eq!(decoded(view).await.unwrap().0, 150, "{view}");
    }

    // A range is what it is at the origin, and comes from the cache.
    let range = async |url: &str| {
        let request = reqwest::Client::new().get(url).header("range", "bytes=5000-70000");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 206, "{url}");
        let kept = response.headers().get("x-cache").map(|kept| kept.to_str().unwrap().to_owned());
        (kept, response.bytes().await.unwrap())
    };
    let (kept, bytes) = range(&views[2]).await;
    assert_eq!(kept.as_deref(), Some("HIT"));
    let (at_origin, same) = range(&server.http_url(&format!("/v/{video}/source.mp4"))).await;
    assert_eq!((at_origin, &same), (None, &bytes));
    // What is not for viewers does not reach them.
    assert_eq!(get(&at_nginx("/metrics")).await.status(), 404);
    assert_eq!(reqwest::Client::new().post(&views[0]).send().await.unwrap().status(), 403);

    server.kill().await.unwrap();
    for view in &views {
        assert_eq!(decode_complaints(view).await.unwrap(), "", "{view} without the server");
        assert_eq!(decoded(view).await.unwrap().0, 150, "{view} without the server");
    }
    nginx.stop().await.unwrap();
}
