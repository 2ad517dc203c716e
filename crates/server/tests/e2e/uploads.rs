//! Files of somebody else's that become videos.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use serde_json::Value;
use testkit::clips::{self, Recipe};
use testkit::customer;
use testkit::files::{FileServer, Manners};
use testkit::judge;
use testkit::ladder;
use testkit::probe::{decode_complaints, decoded, probe};
use testkit::receiver::Receiver;
use testkit::server::{Server, until};

use crate::support::{SOON, probe_file, reprise};
use crate::transcoding::PATIENCE;
use crate::upkeep::{check, run};

const KEY: &str = "Testkit0Key";

/// A clip of 12 s with key frames every two.
async fn clip() -> PathBuf {
    clips::synthetic(&Recipe { seconds: 12, ..Recipe::default() }).await.unwrap()
}

/// Has files pulled; their job ids.
async fn pull(server: &Server, urls: &[String], more: &[(&str, &str)]) -> Vec<String> {
    let urls = urls.join(",");
    let mut params = vec![("UploadURLs", urls.as_str())];
    if !more.iter().any(|(name, _)| *name == "TemplateGroupId") {
        params.push(("TemplateGroupId", "VOD_NO_TRANSCODE"));
    }
    params.extend(more);
    let answer = server.api().vod("UploadMediaByURL", &params).await.unwrap();
    let jobs = answer["UploadJobs"].as_array().unwrap();
    jobs.iter().map(|job| job["JobId"].as_str().unwrap().to_owned()).collect()
}

/// What became of a pull, once it has ended.
async fn ended(server: &Server, job: &str) -> Value {
    let ask = || async {
        let answer = server.api().vod("GetURLUploadInfos", &[("JobIds", job)]).await?;
        let info = answer["URLUploadInfoList"][0].clone();
        anyhow::ensure!(info["CompleteTime"].is_string(), "it has not ended: {info}");
        Ok(info)
    };
    until(SOON, ask).await.unwrap()
}

/// Has one file pulled, which has to become a video; its id.
async fn video_of(server: &Server, file: &Path) -> String {
    let files = FileServer::start(file, Manners::default()).await.unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let job = pull(server, &[files.url(name)], &[]).await.remove(0);
    let info = ended(server, &job).await;
    assert_eq!(info["Status"], "SUCCESS", "{}: {info}", file.display());
    info["MediaId"].as_str().unwrap().to_owned()
}

fn mp4(server: &Server, video: &str) -> String {
    server.http_url(&format!("/v/{video}/source.mp4"))
}

fn hls(server: &Server, video: &str) -> String {
    server.http_url(&format!("/v/{video}/index.m3u8"))
}

#[tokio::test]
async fn a_file_that_is_pulled_becomes_a_video_like_any_other() {
    let server = Server::start(reprise()).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let clip = clip().await;
    let file = clips::remade(&clip, "upload.mp4", &["-c", "copy", "-movflags", "+faststart"]).await.unwrap();
    let files = FileServer::start(&file, Manners::default()).await.unwrap();
    let url = files.url("moved/cup%20final.mp4");
    let metadatas = serde_json::json!([{ "SourceURL": url, "Title": "Final", "Tags": "cup,final", "ReferenceId": "final-1",
        "UserData": "{\"Extend\":\"abc\"}" }]);
    let job =
        pull(&server, std::slice::from_ref(&url), &[("UploadMetadatas", &metadatas.to_string()), ("SessionId", "s1")])
            .await
            .remove(0);
    let again = pull(&server, std::slice::from_ref(&url), &[("SessionId", "s1")]).await;
    assert_eq!(again, std::slice::from_ref(&job), "the same session is the same pull");
    let info = ended(&server, &job).await;
    assert_eq!((&info["Status"], &info["UploadURL"]), (&"SUCCESS".into(), &url.as_str().into()), "{info}");
    assert_eq!(info["FileSize"], std::fs::metadata(&file).unwrap().len().to_string());
    let video = info["MediaId"].as_str().unwrap();

    let source = probe_file(&file).await;
    for url in [mp4(&server, video), hls(&server, video)] {
        judge::covers(&source, &[probe(&url).await.unwrap()]).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
    }
    let told = server.api().vod("GetVideoInfo", &[("ReferenceId", "final-1")]).await.unwrap();
    let told = &told["Video"];
    assert_eq!(
        (&told["Title"], &told["Tags"], &told["Status"]),
        (&"Final".into(), &"cup,final".into(), &"Normal".into())
    );
    assert_eq!(told["Duration"].as_f64(), Some(12.0));
    let mezzanine =
        server.api().vod("GetMezzanineInfo", &[("VideoId", video), ("AdditionType", "video,audio")]).await.unwrap();
    let mezzanine = &mezzanine["Mezzanine"];
    let (pictures, sound) = (&mezzanine["VideoStreamList"][0], &mezzanine["AudioStreamList"][0]);
    assert_eq!(
        (&pictures["NumFrames"], &pictures["HasBFrames"], &mezzanine["Fps"]),
        (&"300".into(), &"1".into(), &"25".into())
    );
    assert_eq!((&pictures["Width"], &sound["SampleRate"]), (&"320".into(), &"48000".into()));

    let of_it = |all: &[testkit::receiver::Delivery]| {
        let mine = all.iter().filter(|one| one.body["VideoId"] == video || one.body["MediaId"] == video);
        mine.map(|one| one.event_type().to_owned()).collect::<Vec<_>>()
    };
    let told = receiver.wait(SOON, |all| of_it(all).len() >= 4).await.unwrap();
    let order = ["MediaBaseChangeComplete", "FileUploadComplete", "UploadByURLComplete", "VideoAnalysisComplete"];
    assert_eq!(of_it(&told)[..4], order);
    let pulled = told.iter().find(|one| one.event_type() == "UploadByURLComplete").unwrap();
    assert_eq!((&pulled.body["JobId"], &pulled.body["Status"]), (&job.as_str().into(), &"success".into()));
    assert_eq!((&pulled.body["SourceURL"], &pulled.body["Extend"]), (&url.as_str().into(), &"abc".into()));
    let play = server.api().vod("GetPlayInfo", &[("VideoId", video)]).await.unwrap();
    assert_eq!(play["PlayInfoList"]["PlayInfo"].as_array().unwrap().len(), 1, "{play}");
    // Of the file nothing is left beside the reel.
    let gone = || async {
        let left = std::fs::read_dir(server.data().join("media/uploads"))
            .map_or(0, |folders| folders.flatten().filter(|folder| folder.path().join("file").exists()).count());
        anyhow::ensure!(left == 0, "{left} files are left");
        Ok(())
    };
    until(SOON, gone).await.unwrap();
}

#[tokio::test]
async fn every_container_and_shape_is_taken_with_all_its_frames() {
    let server = Server::start(reprise()).await.unwrap();
    let clip = clip().await;
    let variable = Recipe { seconds: 8, variable: true, sample_rate: 44_100, ..Recipe::default() };
    let variable = clips::synthetic(&variable).await.unwrap();
    for (from, name, arguments) in [
        (&clip, "upload.mkv", &["-c", "copy"][..]),
        (&clip, "upload.mov", &["-c", "copy"]),
        (&variable, "upload.mp4", &["-c", "copy"]),
        (&clip, "upload-mp3.mp4", &["-c:v", "copy", "-c:a", "libmp3lame"]),
        (&clip, "upload-mute.mp4", &["-c:v", "copy", "-an"]),
        (
            &clip,
            "upload-hevc.mp4",
            &[
                "-c:v",
                "libx265",
                "-x265-params",
                "log-level=none:open-gop=0:keyint=50",
                "-preset",
                "ultrafast",
                "-c:a",
                "copy",
                "-tag:v",
                "hvc1",
            ],
        ),
    ] {
        let file = clips::remade(from, name, arguments).await.unwrap();
        let video = video_of(&server, &file).await;
        let source = probe_file(&file).await;
        for url in [mp4(&server, &video), hls(&server, &video)] {
            judge::covers(&source, &[probe(&url).await.unwrap()])
                .unwrap_or_else(|wrong| panic!("{name} {url}: {wrong}"));
            assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name} {url}");
        }
    }
}

#[tokio::test]
async fn what_begins_late_or_is_cut_by_an_edit_list_keeps_its_place() {
    let server = Server::start(reprise()).await.unwrap();
    let clip = clip().await;
    let path = clip.to_str().unwrap();
    for (name, arguments) in [
        // Its frames look otherwise: start codes, a header before each frame of sound.
        ("upload.ts", &["-c", "copy"][..]),
        ("upload-late-sound.mp4", &["-itsoffset", "3", "-i", path, "-map", "0:v", "-map", "1:a", "-c", "copy"][..]),
        ("upload-edit.mp4", &["-ss", "3.3", "-c", "copy"]),
    ] {
        let file = clips::remade(&clip, name, arguments).await.unwrap();
        let video = video_of(&server, &file).await;
        let url = mp4(&server, &video);
        let (source, there) = (probe_file(&file).await, probe(&url).await.unwrap());
        let skew = |probe: &testkit::probe::Probe| {
            let first = |kind: &str| {
                let track = probe.track(kind);
                let shown = track.iter().filter(|packet| !packet.discarded).map(|packet| packet.pts);
                shown.fold(f64::INFINITY, f64::min)
            };
            first("audio") - first("video")
        };
        assert!((skew(&source) - skew(&there)).abs() < judge::SKEW_MAX, "{name}: {} {}", skew(&source), skew(&there));
        assert_eq!(source.track("video").len(), there.track("video").len(), "{name}");
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
    }
    // Three seconds of sound before the first picture are heard, under that picture.
    let arguments = ["-itsoffset", "3", "-i", path, "-map", "1:v", "-map", "0:a", "-c", "copy"];
    let file = clips::remade(&clip, "upload-late-picture.mp4", &arguments).await.unwrap();
    let url = mp4(&server, &video_of(&server, &file).await);
    let (source, there) = (probe_file(&file).await, probe(&url).await.unwrap());
    assert!((there.duration - 15.0).abs() < 0.1, "{}", there.duration);
    assert_eq!(source.track("audio").len(), there.track("audio").len());
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
}

#[tokio::test]
async fn what_a_reel_cannot_hold_is_encoded_on_the_way() {
    let server = Server::start(reprise()).await.unwrap();
    let clip = clip().await;
    let long = "testsrc2=size=320x180:rate=5:duration=65";
    let one_key = ["-f", "lavfi", "-i", long, "-map", "1:v", "-c:v", "libx264", "-preset", "ultrafast", "-g", "9999"];
    for (name, arguments, size) in [
        ("upload-ac3.ts", &["-c:v", "copy", "-c:a", "ac3"][..], (320, 180)),
        ("upload-vp8.webm", &["-t", "5", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis"], (320, 180)),
        ("upload-turned.mp4", &["-c", "copy", "-metadata:s:v:0", "rotate=90"], (180, 320)),
        // Players would wait for all of it.
        ("upload-one-key.mp4", &one_key, (320, 180)),
    ] {
        let file = clips::remade(&clip, name, arguments).await.unwrap();
        let video = video_of(&server, &file).await;
        let url = mp4(&server, &video);
        let there = probe(&url).await.unwrap();
        let stream = there.stream("video").unwrap();
        assert_eq!((stream.width, stream.height), size, "{name}");
        let (pictures, samples) = decoded(&url).await.unwrap();
        let (pictures_wanted, samples_wanted) = decoded(file.to_str().unwrap()).await.unwrap();
        assert_eq!(pictures, pictures_wanted, "{name}");
        assert!(samples.abs_diff(samples_wanted) <= 4_096, "{name}: {samples} {samples_wanted}");
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
    }
}

#[tokio::test]
async fn sound_alone_is_a_video_without_pictures() {
    let server = Server::start(reprise()).await.unwrap();
    let clip = clip().await;
    for (name, arguments) in
        [("upload.m4a", &["-vn", "-c", "copy"][..]), ("upload.mp3", &["-vn", "-c:a", "libmp3lame"])]
    {
        let file = clips::remade(&clip, name, arguments).await.unwrap();
        let video = video_of(&server, &file).await;
        let url = mp4(&server, &video);
        let there = probe(&url).await.unwrap();
        assert!(there.stream("video").is_none());
        assert!((there.duration - 12.0).abs() < 0.1, "{name}: {}", there.duration);
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
    }
}

#[tokio::test]
async fn what_is_broken_is_refused_with_a_reason() {
    let server = Server::start(reprise()).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let clip = clip().await;
    let whole = clips::remade(&clip, "upload.mp4", &["-c", "copy", "-movflags", "+faststart"]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    for (file, word) in [
        (write("cut.mp4", &bytes[..bytes.len() / 2]), "cut off"),
        (write("noise.mp4", &vec![7u8; 100_000]), ""),
        (write("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), ""),
        (write("list.txt", b"ffconcat version 1.0\nfile /etc/passwd\n"), ""),
    ] {
        let files = FileServer::start(&file, Manners::default()).await.unwrap();
        let job = pull(&server, &[files.url("x.mp4")], &[]).await.remove(0);
        let info = ended(&server, &job).await;
        assert_eq!((&info["Status"], &info["ErrorCode"]), (&"UPLOAD_FAIL".into(), &"InvalidFile".into()), "{info}");
        let message = info["ErrorMessage"].as_str().unwrap();
        assert!(message.contains(word) && !message.contains(server.data().to_str().unwrap()), "{message}");
        let told = receiver.wait(SOON, |all| all.iter().any(|one| one.body["JobId"] == job.as_str())).await.unwrap();
        let told = told.iter().find(|one| one.body["JobId"] == job.as_str()).unwrap();
        assert_eq!((&told.body["Status"], &told.body["VideoId"]), (&"fail".into(), &Value::Null));
        assert_eq!(told.body["ErrorMessage"], info["ErrorMessage"]);
    }
    let failed = server.api().vod("GetVideoList", &[("Status", "UploadFail")]).await.unwrap();
    assert_eq!(failed["Total"], 4);
}

#[tokio::test]
async fn a_pull_that_breaks_off_goes_on_where_it_was_also_after_a_kill() {
    let mut server = Server::start(reprise()).await.unwrap();
    let clip = clip().await;
    let file = clips::remade(&clip, "upload.mkv", &["-c", "copy"]).await.unwrap();
    let size = std::fs::metadata(&file).unwrap().len();
    let manners = Manners { break_off: size / 2, refuse_with: vec![StatusCode::SERVICE_UNAVAILABLE] };
    let files = FileServer::start(&file, manners).await.unwrap();
    let job = pull(&server, &[files.url("x.mkv")], &[]).await.remove(0);
    let begun = || async {
        anyhow::ensure!(!files.ranges().is_empty(), "nothing was asked for");
        Ok(())
    };
    until(SOON, begun).await.unwrap();
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    let info = ended(&server, &job).await;
    assert_eq!(info["Status"], "SUCCESS", "{info}");
    let source = probe_file(&file).await;
    let url = mp4(&server, info["MediaId"].as_str().unwrap());
    judge::covers(&source, &[probe(&url).await.unwrap()]).unwrap();
}

#[tokio::test]
async fn the_rest_alone_is_asked_for_after_a_break() {
    let server = Server::start(reprise()).await.unwrap();
    let clip = clip().await;
    let file = clips::remade(&clip, "upload.mkv", &["-c", "copy"]).await.unwrap();
    let size = std::fs::metadata(&file).unwrap().len();
    let files = FileServer::start(&file, Manners { break_off: size / 2, ..Manners::default() }).await.unwrap();
    let job = pull(&server, &[files.url("x.mkv")], &[]).await.remove(0);
    assert_eq!(ended(&server, &job).await["Status"], "SUCCESS");
    assert_eq!((files.ranges().len(), files.sent()), (2, size), "{:?}", files.ranges());
}

#[tokio::test]
async fn a_file_is_not_pulled_from_where_it_must_not_or_cannot_be() {
    let settings = [("REPRISE_UPLOADS__PRIVATE_SOURCES", "false")];
    let server = Server::start_with(reprise(), &settings).await.unwrap();
    let files = FileServer::start(&clip().await, Manners::default()).await.unwrap();
    let job = pull(&server, &[files.url("x.flv")], &[]).await.remove(0);
    let info = ended(&server, &job).await;
    assert_eq!((&info["Status"], &info["ErrorCode"]), (&"DOWNLOAD_FAIL".into(), &"Forbidden.Address".into()), "{info}");
    assert!(files.ranges().is_empty());

    let settings = [("REPRISE_UPLOADS__SIZE_MAX_GIB", "0")];
    let server = Server::start_with(reprise(), &settings).await.unwrap();
    let gone = Manners { refuse_with: vec![StatusCode::NOT_FOUND], ..Manners::default() };
    let files = FileServer::start(&clip().await, gone).await.unwrap();
    for (name, code, word) in [
        ("x.flv", "DownloadFailed", "404"),
        ("round/x.flv", "DownloadFailed", "redirects"),
        ("x.flv", "FileTooLarge", "bytes"),
    ] {
        let job = pull(&server, &[files.url(name)], &[]).await.remove(0);
        let info = ended(&server, &job).await;
        assert_eq!(info["ErrorCode"], code, "{info}");
        assert!(info["ErrorMessage"].as_str().unwrap().contains(word), "{info}");
    }
    let refused =
        server.api().vod("UploadMediaByURL", &[("UploadURLs", "ftp://h/x.mp4")]).await.unwrap_err().to_string();
    assert!(refused.contains("InvalidParameter.UploadURLs"), "{refused}");
}

#[tokio::test]
async fn an_uploaded_video_goes_through_its_template_group_and_outlives_the_catalog() {
    let mut server = Server::start(reprise()).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let group = ladder::add_group(&server.api(), &[(160, 150)], "mp4").await.unwrap();
    let file = clips::remade(&clip().await, "upload.mkv", &["-c", "copy"]).await.unwrap();
    let files = FileServer::start(&file, Manners::default()).await.unwrap();
    let job = pull(&server, &[files.url("x.mkv")], &[("TemplateGroupId", &group)]).await.remove(0);
    let info = ended(&server, &job).await;
    let video = info["MediaId"].as_str().unwrap();
    let about = |all: &[testkit::receiver::Delivery]| {
        let mine = all.iter().filter(|one| one.body["VideoId"] == video);
        mine.map(|one| one.event_type().to_owned()).collect::<Vec<_>>()
    };
    let done = |all: &[testkit::receiver::Delivery]| about(all).iter().any(|one| one == "TranscodeComplete");
    let told = about(&receiver.wait(PATIENCE, done).await.unwrap());
    assert_eq!(told[..3], ["FileUploadComplete", "UploadByURLComplete", "VideoAnalysisComplete"]);
    for event in ["StreamTranscodeComplete", "SnapshotComplete"] {
        assert!(told.iter().any(|one| one == event), "{told:?}");
    }
    let play = async |server: &Server| {
        let play = server.api().vod("GetPlayInfo", &[("VideoId", video)]).await.unwrap();
        play["PlayInfoList"]["PlayInfo"][0]["PlayURL"].as_str().unwrap().to_owned()
    };
    assert_eq!(decoded(&play(&server).await).await.unwrap().0, 300);

    // Storage alone knows it, and one that was broken.
    let noise = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(noise.path(), [7; 5_000]).unwrap();
    let broken = FileServer::start(noise.path(), Manners::default()).await.unwrap();
    let broken = pull(&server, &[broken.url("x.mp4")], &[]).await.remove(0);
    let reason = ended(&server, &broken).await;
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(server.data().join(format!("catalog.sqlite{suffix}")));
    }
    let (status, text) = run(&server, &["rebuild"]).await;
    assert_eq!(status, 0, "{text}");
    check(&server, &["--deep"], 0).await;
    server.restart().await.unwrap();
    assert_eq!(ended(&server, &job).await, info);
    assert_eq!(ended(&server, &broken).await, reason);
    assert_eq!(decoded(&play(&server).await).await.unwrap().0, 300);
}
