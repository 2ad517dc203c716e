//! Snapshots, animated images and their templates: each operation's whole answer, each of its errors, and what is wanted by it.

mod support;

use api::Settings;
use catalog::{AnimationFacts, AssetStatus, MadePictures, PictureCause, PictureJob, PictureState};
use domain::picture::{PictureFormat, PictureKind};
use encode::{
    AnimationFormat, AnimationLength, AnimationOrder, Capabilities, Color, Frames, Layout, PictureOrder, SheetOrder,
    ShotTimes, Size, SnapshotOrder,
};
use serde_json::{Value, json};
use support::{Server, VOD, now};
use units::{AssetId, JobId};

const UNKNOWN: &str = "00000000000000000000000000000001";
const HOST: &str = "http://vod.example.org:8080";

fn made(kind: PictureKind, pictures: u32) -> MadePictures {
    MadePictures { kind, format: PictureFormat::Jpeg, pictures, chosen: None, facts: None }
}

async fn jobs(server: &Server, asset: AssetId, cause: PictureCause) -> Vec<PictureJob> {
    let jobs = server.catalog.picture_jobs(asset).await.unwrap();
    jobs.into_iter().filter(|job| job.cause == cause).collect()
}

/// A video whose cover was taken: three pictures, the second of which is it.
async fn covered(server: &Server, status: AssetStatus) -> (AssetId, JobId) {
    let asset = server.recorded("cup", "court1", status).await;
    let job = jobs(server, asset, PictureCause::Birth).await.remove(0).id;
    let cover = MadePictures { chosen: Some(2), ..made(PictureKind::Cover, 3) };
    assert!(server.catalog.finish_pictures(job, &[cover], now()).await.unwrap());
    (asset, job)
}

/// The order of the newest job that was asked for.
async fn ordered(server: &Server, asset: AssetId) -> PictureOrder {
    jobs(server, asset, PictureCause::Request).await.pop().unwrap().order
}

fn snapshots(times: ShotTimes, size: Size, layout: Layout) -> PictureOrder {
    PictureOrder::Snapshots(SnapshotOrder { times, frames: Frames::Shown, size, layout })
}

#[tokio::test]
async fn the_cover_and_its_rivals_are_told_wherever_a_video_is() {
    let server = Server::new().await;
    let (asset, job) = covered(&server, AssetStatus::Normal).await;
    let id = asset.to_string();
    let url = |number: u32| json!(format!("{HOST}/v/{id}/covers/{job}-{number:05}.jpg"));
    let all = json!([url(1), url(2), url(3)]);
    let video = [("VideoId", id.as_str())];
    let info = server.ok(VOD, "GetVideoInfo", &video).await["Video"].take();
    assert_eq!((&info["CoverURL"], &info["Snapshots"]), (&url(2), &json!({"Snapshot": all})));
    let infos = server.ok(VOD, "GetVideoInfos", &[("VideoIds", &id)]).await["VideoList"][0].take();
    assert_eq!((&infos["CoverURL"], &infos["Snapshots"]), (&url(2), &all), "a bare array here");
    let list = server.ok(VOD, "GetVideoList", &[]).await["VideoList"]["Video"][0].take();
    assert_eq!((&list["CoverURL"], &list["Snapshots"]), (&url(2), &json!({"Snapshot": all})));
    let live = server.ok(VOD, "ListLiveRecordVideo", &[]).await["LiveRecordVideoList"]["LiveRecordVideo"][0].take();
    assert_eq!((&live["Video"]["CoverURL"], &live["Video"]["Snapshots"]), (&url(2), &json!({"Snapshot": all})));
    assert_eq!(server.ok(VOD, "GetPlayInfo", &video).await["VideoBase"]["CoverURL"], url(2));
    // What the customer gives it wins; given back, the taken one is there again.
    server.ok(VOD, "UpdateVideoInfo", &[video[0], ("CoverURL", "http://img.example.org/1.jpg")]).await;
    assert_eq!(server.ok(VOD, "GetVideoInfo", &video).await["Video"]["CoverURL"], "http://img.example.org/1.jpg");
    server.ok(VOD, "UpdateVideoInfo", &[video[0], ("CoverURL", "")]).await;
    assert_eq!(server.ok(VOD, "GetVideoInfo", &video).await["Video"]["CoverURL"], url(2));
}

#[tokio::test]
async fn snapshots_are_listed_by_type_and_page() {
    let server = Server::new().await;
    let (asset, job) = covered(&server, AssetStatus::UploadSucc).await;
    let id = asset.to_string();
    let video = ("VideoId", id.as_str());
    let url = |number: usize| format!("{HOST}/v/{id}/covers/{job}-{number:05}.jpg");
    assert_eq!(
        server.ok(VOD, "ListSnapshots", &[video, ("AuthTimeout", "1200")]).await,
        json!({"MediaSnapshot": {
            "CreationTime": now().to_iso8601(), "JobId": job.to_string(), "Total": 3,
            "Regular": format!("{HOST}/v/{id}/covers/{job}-{{SnapshotCount}}.jpg"),
            "Snapshots": {"Snapshot": [
                {"Index": 1, "Url": url(1)}, {"Index": 2, "Url": url(2)}, {"Index": 3, "Url": url(3)},
            ]},
        }})
    );
    let second = server.ok(VOD, "ListSnapshots", &[video, ("PageNo", "2"), ("PageSize", "2")]).await;
    assert_eq!(second["MediaSnapshot"]["Snapshots"], json!({"Snapshot": [{"Index": 3, "Url": url(3)}]}));
    let beyond = server.ok(VOD, "ListSnapshots", &[video, ("PageNo", "3"), ("PageSize", "2")]).await;
    assert_eq!(beyond["MediaSnapshot"]["Snapshots"], json!({"Snapshot": []}));
    for (kind, pictures, folder) in [
        ("NormalSnapshot", made(PictureKind::Snapshot, 2), "snapshots"),
        ("SpriteSnapshot", made(PictureKind::Sheet, 1), "sprites"),
        ("SpriteOriginSnapshot", made(PictureKind::Cell, 100), "cells"),
    ] {
        let params = [video, ("SnapshotType", kind)];
        assert_eq!(server.refused(VOD, "ListSnapshots", &params).await, (404, "NoSuchResource".into()));
        let told = server.ok(VOD, "SubmitSnapshotJob", &[video]).await;
        let job: JobId = told["SnapshotJob"]["JobId"].as_str().unwrap().parse().unwrap();
        server.catalog.finish_pictures(job, &[pictures], now()).await.unwrap();
        let told = server.ok(VOD, "ListSnapshots", &params).await["MediaSnapshot"].take();
        let first = format!("{HOST}/v/{id}/{folder}/{job}-00001.jpg");
        assert_eq!((&told["Total"], &told["JobId"]), (&json!(pictures.pictures), &json!(job.to_string())));
        assert_eq!(told["Snapshots"]["Snapshot"][0], json!({"Index": 1, "Url": first}));
        let shown = usize::try_from(pictures.pictures.min(20)).unwrap();
        assert_eq!(told["Snapshots"]["Snapshot"].as_array().unwrap().len(), shown);
    }
    // Of cues the file is listed that names the others.
    let told = server.ok(VOD, "SubmitSnapshotJob", &[video]).await;
    let job: JobId = told["SnapshotJob"]["JobId"].as_str().unwrap().parse().unwrap();
    let cues = MadePictures { format: PictureFormat::Vtt, ..made(PictureKind::Cues, 4) };
    server.catalog.finish_pictures(job, &[cues], now()).await.unwrap();
    let told = server.ok(VOD, "ListSnapshots", &[video, ("SnapshotType", "webvttsnapshot")]).await;
    let url = format!("{HOST}/v/{id}/cues/{job}.vtt");
    assert_eq!(told["MediaSnapshot"]["Snapshots"], json!({"Snapshot": [{"Index": 1, "Url": url}]}));
    assert_eq!((&told["MediaSnapshot"]["Total"], &told["MediaSnapshot"]["Regular"]), (&json!(1), &json!(url)));

    for (params, expected) in [
        (vec![], (400, "MissingParameter")),
        (vec![("VideoId", UNKNOWN)], (404, "InvalidVideo.NotFound")),
        (vec![video, ("SnapshotType", "Nice")], (400, "InvalidParameter")),
        (vec![video, ("PageSize", "101")], (400, "InvalidParameter")),
        (vec![video, ("PageNo", "0")], (400, "InvalidParameter")),
    ] {
        let (status, code) = expected;
        assert_eq!(server.refused(VOD, "ListSnapshots", &params).await, (status, code.into()), "{params:?}");
    }
}

#[tokio::test]
async fn a_snapshot_job_says_when_how_large_and_what_becomes_of_them() {
    let server = Server::new().await;
    let asset = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let id = asset.to_string();
    let every = |from_ms, seconds: u64, count| ShotTimes::Every { from_ms, interval_ms: seconds * 1_000, count };
    let none = Size::default();
    let usual = SheetOrder { cell: none, padding: 0, margin: 0, color: Color(0, 0, 0), columns: 10, lines: 10 };
    let own = SheetOrder {
        cell: Size { width: Some(120), height: Some(68) },
        padding: 2,
        margin: 4,
        color: Color(255, 0, 0),
        columns: 3,
        lines: 4,
    };
    let sprite = r##"{"CellWidth":"120","CellHeight":"68","Padding":"2","Margin":4,"Color":"Red","Columns":"3","Lines":"4","KeepCellPic":"delete"}"##;
    for (params, expected) in [
        (vec![], snapshots(every(0, 1, Some(1)), none, Layout::Single)),
        (vec![("SpecifiedOffsetTime", "3000")], snapshots(every(3_000, 1, Some(1)), none, Layout::Single)),
        (
            vec![("SpecifiedOffsetTimes.1", "1"), ("SpecifiedOffsetTimes.2", "40000"), ("Width", "640")],
            snapshots(
                ShotTimes::At { times_ms: vec![1, 40_000] },
                Size { width: Some(640), height: None },
                Layout::Single,
            ),
        ),
        (
            vec![("SpecifiedOffsetTimes", "[1,2]"), ("Count", "9")],
            snapshots(ShotTimes::At { times_ms: vec![1, 2] }, none, Layout::Single),
        ),
        (
            vec![("Interval", "5"), ("Count", "10"), ("Height", "90")],
            snapshots(every(0, 5, Some(10)), Size { width: None, height: Some(90) }, Layout::Single),
        ),
        (
            vec![("Interval", "0"), ("Count", "7")],
            snapshots(ShotTimes::Spread { from_ms: 0, count: 7 }, none, Layout::Single),
        ),
        (
            vec![("SpriteSnapshotConfig", "{}"), ("Interval", "2")],
            snapshots(every(0, 2, None), none, Layout::Sheets { sheet: usual.clone(), keep_cells: true }),
        ),
        (
            vec![("SpriteSnapshotConfig", "{}"), ("Interval", "0")],
            snapshots(
                ShotTimes::Spread { from_ms: 0, count: 100 },
                none,
                Layout::Sheets { sheet: usual, keep_cells: true },
            ),
        ),
        (
            vec![("SpriteSnapshotConfig", sprite), ("Count", "12")],
            snapshots(every(0, 1, Some(12)), none, Layout::Sheets { sheet: own, keep_cells: false }),
        ),
    ] {
        let params = [vec![("VideoId", id.as_str())], params].concat();
        let told = server.ok(VOD, "SubmitSnapshotJob", &params).await;
        let job = told["SnapshotJob"]["JobId"].as_str().unwrap();
        assert_eq!(told, json!({"SnapshotJob": {"JobId": job}}));
        let row = server.catalog.picture_job(job.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((row.order, row.asset, row.state), (expected, asset, PictureState::Running), "{params:?}");
    }
    // Wherever the video is named, and what is given with a job is kept with it.
    server.ok(VOD, "UpdateVideoInfo", &[("VideoId", &id), ("ReferenceId", "ref-000001")]).await;
    let given = r#"{"MessageCallback":"{\"CallbackType\":\"http\",\"CallbackURL\":\"http://127.0.0.1:9/cb\"}","Extend":{"a":1}}"#;
    server.ok(VOD, "SubmitSnapshotJob", &[("ReferenceId", "ref-000001"), ("UserData", given)]).await;
    assert_eq!(jobs(&server, asset, PictureCause::Request).await.pop().unwrap().user_data, given);
}

#[tokio::test]
async fn a_snapshot_job_that_cannot_be_done_is_refused_when_it_is_asked_for() {
    let server = Server::new().await;
    let id = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let video = ("VideoId", id.as_str());
    let long = format!(r#"{{"Extend":"{}"}}"#, "x".repeat(513));
    let times = serde_json::to_string(&[1; 31]).unwrap();
    for (params, expected) in [
        (vec![], (400, "MissingParameter")),
        (vec![("VideoId", UNKNOWN)], (404, "InvalidVideo.NotFound")),
        (vec![("VideoId", "nonsense")], (404, "InvalidVideo.NotFound")),
        (vec![("ReferenceId", "ref-none")], (404, "InvalidVideo.NotFound")),
        (vec![video, ("SnapshotTemplateId", UNKNOWN)], (404, "NoSuchResource")),
        (vec![video, ("SpecifiedOffsetTimes", &times)], (400, "InvalidParameter")),
        (vec![video, ("Width", "7")], (400, "InvalidParameter")),
        (vec![video, ("Height", "4097")], (400, "InvalidParameter")),
        (vec![video, ("Count", "0")], (400, "InvalidParameter")),
        (vec![video, ("Count", "10001")], (400, "InvalidParameter")),
        (vec![video, ("Interval", "-1")], (400, "InvalidParameter")),
        (vec![video, ("SpriteSnapshotConfig", "[]")], (400, "InvalidParameter")),
        (vec![video, ("SpriteSnapshotConfig", r#"{"Columns":"0"}"#)], (400, "InvalidParameter")),
        (vec![video, ("SpriteSnapshotConfig", r#"{"Color":"puce"}"#)], (400, "InvalidParameter")),
        // Twenty pictures of 4096 pixels beside each other are more than a browser shows.
        (vec![video, ("SpriteSnapshotConfig", r#"{"CellWidth":"4096","Columns":"20"}"#)], (400, "InvalidParameter")),
        (vec![video, ("UserData", "nonsense")], (400, "InvalidParameter")),
        (vec![video, ("UserData", &long)], (400, "InvalidParameter")),
        (vec![video, ("UserData", r#"{"MessageCallback":{"CallbackURL":"ftp://a"}}"#)], (400, "InvalidParameter")),
        (vec![video, ("UserData", r#"{"MessageCallback":1}"#)], (400, "InvalidParameter")),
    ] {
        let (status, code) = expected;
        assert_eq!(server.refused(VOD, "SubmitSnapshotJob", &params).await, (status, code.into()), "{params:?}");
    }
    for (status, allowed) in [
        (AssetStatus::UploadSucc, true),
        (AssetStatus::Checking, true),
        (AssetStatus::Blocked, true),
        (AssetStatus::Uploading, false),
        (AssetStatus::Transcoding, false),
        (AssetStatus::TranscodeFail, false),
        (AssetStatus::ProduceFail, false),
    ] {
        let id = server.recorded("cup", status.as_str(), status).await.to_string();
        let (answered, answer) = server.call(VOD, "SubmitSnapshotJob", &[("VideoId", &id)]).await;
        let expected = if allowed { (200, None) } else { (400, Some("Forbidden.IllegalStatus")) };
        assert_eq!((answered, answer["Code"].as_str()), expected, "{answer}");
    }
    let settings = Settings { encoder: Capabilities::NONE, ..Settings::default() };
    let bare = Server::with(settings, now).await;
    let id = bare.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let (status, answer) = bare.call(VOD, "SubmitSnapshotJob", &[("VideoId", &id)]).await;
    assert_eq!((status, answer["Code"].as_str()), (400, Some("InvalidParameter")));
    assert!(answer["Message"].as_str().unwrap().contains("no encoder for JPEG"), "{answer}");
}

fn config(value: &Value) -> String {
    value.to_string()
}

async fn add(server: &Server, name: &str, kind: &str, value: &Value) -> String {
    let config = config(value);
    let params = [("Name", name), ("TemplateType", kind), ("TemplateConfig", config.as_str())];
    let told = server.ok(VOD, "AddVodTemplate", &params).await;
    let id = told["VodTemplateId"].as_str().unwrap().to_owned();
    assert_eq!(told, json!({"VodTemplateId": id}));
    id
}

#[tokio::test]
async fn templates_are_told_as_they_were_written_changed_listed_and_deleted() {
    let server = Server::new().await;
    let stills = json!({"SnapshotType": "NormalSnapshot", "SnapshotConfig": {"Count": "3", "Interval": 5}});
    let moving = json!({"Container": {"Format": "gif"}});
    let first = add(&server, "stills 中", "Snapshot", &stills).await;
    let second = add(&server, "moving", "DynamicImage", &moving).await;
    let time = now().to_iso8601();
    let told = |id: &str, name: &str, kind: &str, value: &Value| {
        json!({
            "VodTemplateId": id, "Name": name, "TemplateType": kind, "TemplateConfig": config(value),
            "IsDefault": "NotDefault", "CreationTime": time, "ModifyTime": time,
        })
    };
    let get = async |id: &str| server.ok(VOD, "GetVodTemplate", &[("VodTemplateId", id)]).await;
    assert_eq!(get(&first).await, json!({"VodTemplateInfo": told(&first, "stills 中", "Snapshot", &stills)}));
    let mut listed = told(&second, "moving", "DynamicImage", &moving);
    listed["AppId"] = json!("app-1000000");
    let list = async |params: &[(&str, &str)]| server.ok(VOD, "ListVodTemplate", params).await;
    assert_eq!(list(&[("TemplateType", "DynamicImage")]).await, json!({"VodTemplateInfoList": [listed]}));
    let of_another = [("TemplateType", "Snapshot"), ("AppId", "app-2")];
    assert_eq!(list(&of_another).await, json!({"VodTemplateInfoList": []}));

    let changed = json!({"SnapshotType": "SpriteSnapshot"});
    let text = config(&changed);
    let params = [("VodTemplateId", first.as_str()), ("TemplateConfig", &text), ("Name", "sprites")];
    assert_eq!(server.ok(VOD, "UpdateVodTemplate", &params).await, json!({"VodTemplateId": first}));
    assert_eq!(get(&first).await, json!({"VodTemplateInfo": told(&first, "sprites", "Snapshot", &changed)}));
    server.ok(VOD, "UpdateVodTemplate", &[("VodTemplateId", &second), ("Name", "other")]).await;
    assert_eq!(get(&second).await["VodTemplateInfo"]["TemplateConfig"], config(&moving));
    assert_eq!(
        server.ok(VOD, "DeleteVodTemplate", &[("VodTemplateId", &second)]).await,
        json!({"VodTemplateId": second})
    );
    for action in ["GetVodTemplate", "UpdateVodTemplate", "DeleteVodTemplate"] {
        let gone = server.refused(VOD, action, &[("VodTemplateId", &second)]).await;
        assert_eq!(gone, (404, "NoSuchResource".into()), "{action}");
    }
    for number in 0..19 {
        add(&server, &format!("t{number}"), "DynamicImage", &moving).await;
    }
    let text = config(&moving);
    let params = [("Name", "one too many"), ("TemplateType", "DynamicImage"), ("TemplateConfig", &text)];
    assert_eq!(server.refused(VOD, "AddVodTemplate", &params).await, (400, "VodTemplateExceededMax".into()));
}

#[tokio::test]
async fn a_template_comes_to_what_it_says() {
    let server = Server::new().await;
    let asset = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let id = asset.to_string();
    let none = Size::default();
    let every = |from_ms, seconds: u64, count| ShotTimes::Every { from_ms, interval_ms: seconds * 1_000, count };
    let usual = SheetOrder { cell: none, padding: 0, margin: 0, color: Color(0, 0, 0), columns: 10, lines: 10 };
    let grey = SheetOrder { cell: Size { width: Some(64), height: None }, color: Color(18, 52, 86), ..usual.clone() };
    for (value, expected) in [
        (json!({"SnapshotType": "NormalSnapshot"}), snapshots(every(0, 1, Some(1)), none, Layout::Single)),
        (
            json!({"SnapshotType": "normalsnapshot", "SnapshotConfig": {
                "FrameType": "intra", "Count": 4, "Interval": "0", "SpecifiedOffsetTime": "1500", "Width": "320", "Height": 180,
            }}),
            PictureOrder::Snapshots(SnapshotOrder {
                times: ShotTimes::Spread { from_ms: 1_500, count: 4 },
                frames: Frames::Key,
                size: Size { width: Some(320), height: Some(180) },
                layout: Layout::Single,
            }),
        ),
        (
            json!({"SnapshotType": "SpriteSnapshot", "SnapshotConfig": {
                "Interval": "10", "SpriteSnapshotConfig": {"CellWidth": 64, "Color": "#123456", "KeepCellPic": "delete"},
            }}),
            snapshots(every(0, 10, None), none, Layout::Sheets { sheet: grey.clone(), keep_cells: false }),
        ),
        (
            json!({"SnapshotType": "WebVttSnapshot", "SnapshotConfig": {
                "Format": "vtt", "Interval": 2, "SpriteSnapshotConfig": "{\"CellWidth\":64,\"Color\":\"0x123456\"}",
            }}),
            snapshots(every(0, 2, None), none, Layout::Cues { sheet: Some(grey) }),
        ),
        (
            json!({"SnapshotType": "WebVttSnapshot", "SnapshotConfig": "{\"Count\":5,\"SubOut\":{\"IsSptFrag\":\"false\"}}"}),
            snapshots(every(0, 1, Some(5)), none, Layout::Cues { sheet: None }),
        ),
    ] {
        let template = add(&server, "t", "Snapshot", &value).await;
        // Beside a template nothing else counts.
        let params = [("VideoId", id.as_str()), ("SnapshotTemplateId", &template), ("Count", "9"), ("Width", "64")];
        server.ok(VOD, "SubmitSnapshotJob", &params).await;
        assert_eq!(ordered(&server, asset).await, expected, "{value}");
    }
    for (value, place) in [
        (json!([]), "object"),
        (json!({}), "SnapshotType"),
        (json!({"SnapshotType": "CoverSnapshot"}), "SnapshotType"),
        (json!({"SnapshotType": "NormalSnapshot", "SnapshotConfig": {"Count": 0}}), "SnapshotConfig.Count"),
        (json!({"SnapshotType": "NormalSnapshot", "SnapshotConfig": {"Width": "4097"}}), "SnapshotConfig.Width"),
        (json!({"SnapshotType": "NormalSnapshot", "SnapshotConfig": {"FrameType": "p"}}), "SnapshotConfig.FrameType"),
        (
            json!({"SnapshotType": "NormalSnapshot", "SnapshotConfig": {"SpriteSnapshotConfig": {}}}),
            "SnapshotConfig.SpriteSnapshotConfig",
        ),
        (
            json!({"SnapshotType": "SpriteSnapshot", "SnapshotConfig": {"SpriteSnapshotConfig": {"Lines": "10001"}}}),
            "SnapshotConfig.SpriteSnapshotConfig.Lines",
        ),
        (json!({"SnapshotType": "WebVttSnapshot", "SnapshotConfig": {"Format": "srt"}}), "SnapshotConfig.Format"),
        (json!({"SnapshotType": "WebVttSnapshot", "SnapshotConfig": 3}), "SnapshotConfig"),
    ] {
        let text = config(&value);
        let params = [("Name", "t"), ("TemplateType", "Snapshot"), ("TemplateConfig", text.as_str())];
        let (status, answer) = server.call(VOD, "AddVodTemplate", &params).await;
        assert_eq!((status, answer["Code"].as_str()), (400, Some("InvalidParameter")), "{value}");
        assert!(answer["Message"].as_str().unwrap().contains(place), "{place}: {answer}");
    }
}

fn animation() -> AnimationOrder {
    AnimationOrder {
        format: AnimationFormat::Gif,
        size: Size { width: Some(320), height: None },
        fps: 10,
        from_ms: 0,
        length: AnimationLength::For { ms: 5_000 },
        cover: false,
    }
}

#[tokio::test]
async fn an_animated_image_is_asked_for_by_a_template_and_what_overrides_it() {
    let server = Server::new().await;
    let asset = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let id = asset.to_string();
    let plain = json!({"Container": {"Format": "gif"}});
    let full = json!({
        "Video": {"Width": "200", "Height": "100", "Fps": "15"}, "Container": {"Format": "webp"},
        "Clip": {"TimeSpan": {"Seek": "00:00:02.5", "Duration": "3"}}, "SetDefaultCover": "true",
    });
    let whole = AnimationOrder {
        format: AnimationFormat::Webp,
        size: Size { width: Some(200), height: Some(100) },
        fps: 15,
        from_ms: 2_500,
        length: AnimationLength::For { ms: 3_000 },
        cover: true,
    };
    let over = json!({"Video": {"Fps": 5}, "Clip": {"TimeSpan": {"Seek": "1", "End": "17"}}, "Container": "{\"Format\":\"gif\"}"});
    let overridden = AnimationOrder {
        fps: 5,
        format: AnimationFormat::Gif,
        from_ms: 1_000,
        length: AnimationLength::AllBut { ms: 17_000 },
        ..whole.clone()
    };
    for (value, over, expected) in [(&plain, None, animation()), (&full, None, whole), (&full, Some(over), overridden)]
    {
        let template = add(&server, "t", "DynamicImage", value).await;
        let over = over.as_ref().map(config).unwrap_or_default();
        let params = [("VideoId", id.as_str()), ("DynamicImageTemplateId", &template), ("OverrideParams", &over)];
        let told = server.ok(VOD, "SubmitDynamicImageJob", &params).await;
        let job = told["DynamicImageJob"]["JobId"].as_str().unwrap();
        assert_eq!(told, json!({"DynamicImageJob": {"JobId": job}}));
        assert_eq!(ordered(&server, asset).await, PictureOrder::Animation(expected));
    }
    let template = add(&server, "t", "DynamicImage", &plain).await;
    let stills = add(&server, "t", "Snapshot", &json!({"SnapshotType": "NormalSnapshot"})).await;
    let (video, template) = (("VideoId", id.as_str()), ("DynamicImageTemplateId", template.as_str()));
    for (params, expected) in [
        (vec![template], (400, "MissingParameter")),
        (vec![video], (400, "MissingParameter")),
        (vec![("VideoId", UNKNOWN), template], (404, "InvalidVideo.NotFound")),
        (vec![video, ("DynamicImageTemplateId", &stills)], (404, "NoSuchResource")),
        (vec![video, template, ("OverrideParams", "[]")], (400, "InvalidParameter")),
        (vec![video, template, ("OverrideParams", r#"{"Video":{"Fps":31}}"#)], (400, "InvalidParameter")),
        // Fifty pictures of 16 megapixels.
        (
            vec![video, template, ("OverrideParams", r#"{"Video":{"Width":4096,"Height":4096}}"#)],
            (400, "InvalidParameter"),
        ),
    ] {
        let (status, code) = expected;
        assert_eq!(server.refused(VOD, "SubmitDynamicImageJob", &params).await, (status, code.into()), "{params:?}");
    }
    for wrong in [
        json!({}),
        json!({"Container": {"Format": "png"}}),
        json!({"Container": {"Format": "gif"}, "Clip": {"TimeSpan": {"Seek": "soon"}}}),
        json!({"Container": {"Format": "gif"}, "Clip": {"TimeSpan": {"Duration": "61"}}}),
        json!({"Container": {"Format": "gif"}, "Clip": {"TimeSpan": {"Duration": "1", "End": "1"}}}),
    ] {
        let text = config(&wrong);
        let params = [("Name", "t"), ("TemplateType", "DynamicImage"), ("TemplateConfig", text.as_str())];
        assert_eq!(server.refused(VOD, "AddVodTemplate", &params).await, (400, "InvalidParameter".into()), "{wrong}");
    }
    // What the FFmpeg of this host cannot write is refused when the template is written.
    let settings = Settings { encoder: Capabilities { webp: false, ..Capabilities::default() }, ..Settings::default() };
    let bare = Server::with(settings, now).await;
    let text = config(&full);
    let params = [("Name", "t"), ("TemplateType", "DynamicImage"), ("TemplateConfig", text.as_str())];
    let (status, answer) = bare.call(VOD, "AddVodTemplate", &params).await;
    assert_eq!((status, answer["Code"].as_str()), (400, Some("InvalidParameter")));
    assert!(answer["Message"].as_str().unwrap().contains("no encoder for WebP"), "{answer}");
    add(&bare, "t", "DynamicImage", &plain).await;
}

#[tokio::test]
async fn animated_images_are_listed_with_their_numbers_as_text_and_deleted() {
    let server = Server::new().await;
    let (asset, cover) = covered(&server, AssetStatus::Normal).await;
    let id = asset.to_string();
    let video = ("VideoId", id.as_str());
    let list = async || server.ok(VOD, "ListDynamicImage", &[video]).await["DynamicImageList"].take();
    assert_eq!(list().await, json!([]));
    let image = async || {
        let order = PictureOrder::Animation(AnimationOrder { cover: true, ..animation() });
        let job = server.catalog.begin_pictures(asset, order, "", now()).await.unwrap();
        let facts = AnimationFacts { width: 320, height: 180, fps: 10, duration_ticks: 450_000, size_bytes: 91_823 };
        let format = PictureFormat::Gif;
        let made = MadePictures { format, facts: Some(facts), ..made(PictureKind::Animation, 1) };
        server.catalog.finish_pictures(job, &[made], now()).await.unwrap();
        job.to_string()
    };
    let (first, second) = (image().await, image().await);
    let told = |job: &str| {
        json!({
            "CreationTime": now().to_iso8601(), "Duration": "5", "DynamicImageId": job, "FileSize": "91823",
            "FileURL": format!("{HOST}/v/{id}/animations/{job}.gif"), "Format": "gif", "Fps": "10", "Height": "180",
            "JobId": job, "VideoId": id, "Width": "320",
        })
    };
    assert_eq!(list().await, json!([told(&first), told(&second)]));
    let shown = async || server.ok(VOD, "GetVideoInfo", &[video]).await["Video"]["CoverURL"].take();
    assert_eq!(shown().await, format!("{HOST}/v/{id}/animations/{second}.gif"));
    let delete = async |params: &[(&str, &str)]| server.ok(VOD, "DeleteDynamicImage", params).await;
    assert_eq!(delete(&[video, ("DynamicImageIds", &format!("{second},{UNKNOWN}"))]).await, json!({}));
    assert_eq!(list().await, json!([told(&first)]));
    assert_eq!(shown().await, format!("{HOST}/v/{id}/covers/{cover}-00002.jpg"));
    let gone = server.refused(VOD, "DeleteDynamicImage", &[video, ("DynamicImageIds", &second)]).await;
    assert_eq!(gone, (404, "NoSuchResource".into()));
    assert_eq!(delete(&[video]).await, json!({}), "all of them");
    assert_eq!((list().await, delete(&[video]).await), (json!([]), json!({})));
    for action in ["ListDynamicImage", "DeleteDynamicImage"] {
        let refused = server.refused(VOD, action, &[("VideoId", UNKNOWN)]).await;
        assert_eq!(refused, (404, "InvalidVideo.NotFound".into()), "{action}");
    }
}
