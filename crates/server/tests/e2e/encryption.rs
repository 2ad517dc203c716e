//! Outputs that are encrypted on their way: players that may have the key play every picture, and nobody gets anything else.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::browser::{Player, play};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{decode_complaints, probe};
use tokio::sync::Mutex;

use crate::formats::{streams, url};
use crate::support::{ask_for_signatures, mp4};
use crate::transcoding::{all_rows, close, server_with, shown, template, wait_status};
use crate::upkeep::check;

pub const OWN: &str = "AliyunVoDEncryption";
const BROUGHT: &str = "HLSEncryption";

pub async fn get(url: &str) -> reqwest::Response {
    reqwest::get(url).await.unwrap()
}

/// The URL of a playlist that another names.
pub async fn media_playlist(url: &str) -> (String, String) {
    let master = get(url).await.text().await.unwrap();
    let name = master.lines().find(|line| line.ends_with("video.m3u8") || line.contains("video.m3u8?")).unwrap();
    let url = reqwest::Url::parse(url).unwrap().join(name).unwrap();
    (url.to_string(), get(url.as_str()).await.text().await.unwrap())
}

/// What stands in quotes behind `URI=` in the playlist's key.
pub fn key_uri(playlist: &str) -> &str {
    let line = playlist.lines().find(|line| line.starts_with("#EXT-X-KEY:METHOD=AES-128")).unwrap();
    line.split('"').nth(1).unwrap()
}

/// A customer's server of keys: it gives one to who shows the right token.
#[derive(Clone)]
struct KeyServer {
    api: Api,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn give(State(server): State<KeyServer>, RawQuery(query): RawQuery) -> axum::response::Response {
    let query = query.unwrap_or_default();
    server.asked.lock().await.push(query.clone());
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    if value("MtsHlsUriToken") != Some("let%20me%20in") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let told = server.api.vod("DecryptKMSDataKey", &[("CipherText", value("CipherText").unwrap())]).await.unwrap();
    base64(told["Plaintext"].as_str().unwrap()).into_response()
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|one| *one == byte)
    };
    let bits: Vec<u32> = text.bytes().filter_map(|byte| Some(u32::try_from(digit(byte)?).unwrap())).collect();
    let bytes = bits.chunks(4).flat_map(|four| {
        let all = four.iter().enumerate().fold(0, |all, (at, bits)| all | (bits << (18 - 6 * at)));
        all.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}

#[tokio::test]
async fn encrypted_outputs_play_for_whom_the_key_is_and_are_nothing_else() {
    let mut locked = template("locked", 320, 300, "m3u8");
    locked["EncryptSetting"] = json!({ "EncryptType": OWN });
    locked["MuxConfig"] = json!({"Segment": {"Duration": "8"}});
    let package = json!({"TemplateName": "all", "Type": "VideoPackage", "Definition": "AUTO",
                         "PackageSetting": {"PackageType": "HLSPackage"}});
    let (mut server, group) = server_with(&[locked, template("open", 160, 120, "m3u8"), package], 200).await;
    let clip = clips::synthetic(&Recipe { seconds: 16, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let pictures = shown(&probe(&mp4(&server, &asset)).await.unwrap());
    let all = streams(&server, &asset, 3).await;
    let of = |width: u64| all.iter().find(|one| one["Width"] == width && one["Definition"] != "AUTO").unwrap();
    let (locked, open) = (of(320), of(160));
    assert_eq!((&locked["Encrypt"], &locked["EncryptType"]), (&json!(1), &json!(OWN)), "{locked}");
    assert_eq!((&open["Encrypt"], open.get("EncryptType")), (&json!(0), None), "{open}");

    // Every player plays every picture; the first segment is longer than what is stored.
    let playlist_url = url(locked);
    assert_eq!(decode_complaints(&playlist_url).await.unwrap(), "");
    assert!(close(&shown(&probe(&playlist_url).await.unwrap()), &pictures, 0.0015));
    for player in [Player::Hls, Player::Shaka] {
        let seen = play(player, &playlist_url, None).await.unwrap();
        assert!(seen.ended && seen.errors.is_empty(), "{player:?}: {seen:?}");
        assert_eq!(seen.frames, u64::try_from(pictures.len()).unwrap(), "{player:?}: {seen:?}");
    }
    let auto = url(all.iter().find(|one| one["Definition"] == "AUTO").unwrap());
    assert_eq!(decode_complaints(&auto).await.unwrap(), "", "a package of one that is encrypted and one that is not");

    // Segments are no media, whole blocks, and there under the names of the playlist alone; the key is nobody's to keep.
    let (media_url, playlist) = media_playlist(&playlist_url).await;
    let beside = |name: &str| reqwest::Url::parse(&media_url).unwrap().join(name).unwrap().to_string();
    let first = playlist.lines().find(|line| line.ends_with(".m4s")).unwrap();
    assert!(first.starts_with("v0-"), "{playlist}");
    let whole = get(&beside(first)).await;
    let whole = whole.bytes().await.unwrap();
    assert!(whole.len().is_multiple_of(16) && !whole.windows(4).any(|four| four == b"moof"));
    let i_frames = beside("i-frames.m3u8");
    assert_eq!(decode_complaints(&i_frames).await.unwrap(), "");
    let seen = probe(&i_frames).await.unwrap().track("video").len();
    assert!(seen > 2 && seen == get(&i_frames).await.text().await.unwrap().matches(".m4s\n").count(), "{seen}");
    let range = reqwest::Client::new().get(beside(first)).header("range", "bytes=1000-2000").send().await.unwrap();
    assert_eq!((range.status().as_u16(), range.bytes().await.unwrap()), (206, whole.slice(1000..2001)));
    let key = get(&beside(key_uri(&playlist))).await;
    assert_eq!(key.headers()["cache-control"], "no-store");
    assert_eq!(key.bytes().await.unwrap().len(), 16);
    let stem = playlist_url.strip_suffix(".m3u8").unwrap();
    for name in ["v0.m4s", "v1-2.m4s", "source.mp4", "index.mpd"] {
        assert_eq!(get(&beside(name)).await.status(), 404, "{name}");
    }
    for extension in ["mp4", "flv", "mp3", "mpd"] {
        assert_eq!(get(&format!("{stem}.{extension}")).await.status(), 404, "{extension}");
    }
    let (open_url, open_playlist) = media_playlist(&url(open)).await;
    assert!(!open_playlist.contains("EXT-X-KEY"), "{open_playlist}");
    let no_key = reqwest::Url::parse(&open_url).unwrap().join("hls.key").unwrap();
    assert_eq!(get(no_key.as_str()).await.status(), 404);

    // A key that the customer's own server gives out, to who shows a token.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let keys = KeyServer { api: server.api(), asked: Arc::default() };
    let app = Router::new().fallback(give).with_state(keys.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let made = server.api().vod("GenerateKMSDataKey", &[]).await.unwrap();
    let cipher_text = made["CiphertextBlob"].as_str().unwrap();
    let config = json!({
        "CipherText": cipher_text, "KeyServiceType": "KMS",
        "DecryptKeyUri": format!("http://{address}/key?CipherText={cipher_text}&MediaId={}", asset.video_id),
    });
    let config = config.to_string();
    let params =
        [("VideoId", asset.video_id.as_str()), ("TemplateGroupId", &group), ("EncryptConfig", config.as_str())];
    server.api().vod("SubmitTranscodeJobs", &params).await.unwrap();
    streams(&server, &asset, 6).await;
    let play_config = json!({"MtsHlsUriToken": "let me in", "EncryptType": BROUGHT}).to_string();
    let params = [("VideoId", asset.video_id.as_str()), ("PlayConfig", &play_config), ("ResultType", "Multiple")];
    let told = server.api().vod("GetPlayInfo", &params).await.unwrap();
    let told: Vec<Value> = told["PlayInfoList"]["PlayInfo"].as_array().unwrap().clone();
    assert!(told.len() == 3 && told.iter().all(|one| one["EncryptType"] == BROUGHT), "{told:?}");
    let brought = url(told.iter().find(|one| one["Width"] == 160).unwrap());
    assert_eq!(decode_complaints(&brought).await.unwrap(), "");
    assert!(close(&shown(&probe(&brought).await.unwrap()), &pictures, 0.0015));
    assert!(keys.asked.lock().await.iter().all(|query| query.contains("&MediaId=") && query.contains("in")));
    let (without, _) = brought.split_once('?').unwrap();
    let key = key_uri(&media_playlist(without).await.1).to_owned();
    assert!(key.starts_with(&format!("http://{address}/")) && get(&key).await.status() == 403, "{key}");
    serving.abort();

    // Signed: the playlist hands the signature on to the key, and without one there is none.
    ask_for_signatures(&server.api(), "localhost").await;
    let signed = testkit::server::until(crate::support::SOON, || async {
        let own = json!({ "EncryptType": OWN }).to_string();
        let params = [("VideoId", asset.video_id.as_str()), ("ResultType", "Multiple"), ("PlayConfig", &own)];
        let told = server.api().vod("GetPlayInfo", &params).await?;
        let infos = told["PlayInfoList"]["PlayInfo"].as_array().unwrap().clone();
        let url = infos.iter().find(|one| one["Definition"] != "AUTO").map(url).unwrap();
        anyhow::ensure!(url.contains("auth_key=") && get(&mp4(&server, &asset)).await.status() == 403, "{url}");
        Ok(url)
    })
    .await
    .unwrap();
    assert_eq!(decode_complaints(&signed).await.unwrap(), "");
    let (media_url, playlist) = media_playlist(&signed).await;
    let key = reqwest::Url::parse(&media_url).unwrap().join(key_uri(&playlist)).unwrap();
    assert_eq!(get(key.as_str()).await.status(), 200);
    let (unsigned, _) = key.as_str().split_once('?').unwrap();
    assert_eq!(get(unsigned).await.status(), 403);

    server.stop().await.unwrap();
    let renditions = all_rows(&server).await["rendition"].len();
    assert_eq!(renditions, 3, "two sizes and a sound for six outputs: nothing is encoded twice");
    check(&server, &["--deep"], 0).await;
}
