//! Watermarks: each operation's whole answer, each of its errors, and what is wanted by it.

mod support;

use std::sync::Arc;

use api::Settings;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use catalog::{AssetStatus, DEFAULT_WATERMARK, MadePictures, PictureCause, picture_key, subtitles_key, watermark_key};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use encode::{Capabilities, Color, Corner, ImageKind, Length, Shown, TextMark, Watermark, WatermarkContent};
use serde_json::{Value, json};
use support::{Server, VOD, now};

const UNKNOWN: &str = "00000000000000000000000000000001";

const CUES: &str = "1\n00:00:01,000 --> 00:00:02,000\nHello\n";

/// A file that says that it is a PNG of 40 × 20 pixels.
fn png() -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        [&u32::try_from(data.len()).unwrap().to_be_bytes(), &name[..], data, &[0; 4]].concat()
    };
    let header = [&40u32.to_be_bytes()[..], &20u32.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", b"x"), chunk(b"IEND", b"")].concat()
}

/// A server of customers' files; its URL.
async fn files() -> String {
    let all = Arc::new(move |name: &str| match name {
        "logo.png" => Some(png()),
        "page.html" => Some(b"<html></html>".to_vec()),
        "huge.png" => Some(vec![0; 2 * 1024 * 1024 + 1]),
        "cues.srt" => Some(CUES.into()),
        "gbk.vtt" => Some(b"WEBVTT\n\n00:01.000 --> 00:02.000\n\xd7\xd6\xc4\xbb\n".to_vec()),
        "huge.srt" => Some(vec![b' '; 4 * 1024 * 1024 + 1]),
        _ => None,
    });
    let serve = move |Path(name): Path<String>| async move { all(&name).ok_or(StatusCode::NOT_FOUND) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/{name}", get(serve))).await.unwrap() });
    url
}

async fn add(server: &Server, params: &[(&str, &str)]) -> Value {
    server.ok(VOD, "AddWatermark", params).await["WatermarkInfo"].take()
}

async fn stored(server: &Server, id: &Value) -> Watermark {
    server.catalog.watermark(id.as_str().unwrap()).await.unwrap().unwrap().watermark
}

#[tokio::test]
async fn an_image_is_taken_into_the_store_and_told_as_it_was_written() {
    let server = Server::empty().await;
    let url = format!("{}/logo.png", files().await);
    let config = json!({"Dx": "8", "Dy": 0.05, "Width": "0.125", "ReferPos": "BottomLeft",
                        "Timeline": {"Start": "1.5", "Duration": "20"}});
    let text = config.to_string();
    let given = [("Name", "logo"), ("Type", "Image"), ("FileUrl", url.as_str()), ("WatermarkConfig", text.as_str())];
    let added = add(&server, &given).await;
    let id = added["WatermarkId"].as_str().unwrap().to_owned();
    let mut told = json!({
        "CreationTime": now().to_iso8601(), "FileUrl": url, "IsDefault": "NotDefault", "Name": "logo", "Type": "Image",
        "WatermarkConfig": text, "WatermarkId": id,
    });
    assert_eq!(added, told);
    let stored = stored(&server, &added["WatermarkId"]).await;
    let WatermarkContent::Image(image) = &stored.content else { panic!("{stored:?}") };
    assert_eq!((stored.begin_ms, stored.length_ms), (1_500, Some(20_000)));
    assert_eq!((image.kind, image.size, image.corner), (ImageKind::Png, (40, 20), Corner::BottomLeft));
    assert_eq!((image.dx, image.dy), (Length::Pixels(8), Length::Parts(500)));
    assert_eq!((image.width, image.height), (Some(Length::Parts(1_250)), None));
    assert_eq!(server.blobs.get(&watermark_key(&image.hash, image.kind)).await.unwrap(), png());

    told["AppId"] = json!("app-1000000");
    let get = server.ok(VOD, "GetWatermark", &[("WatermarkId", &id)]).await;
    assert_eq!(get, json!({"WatermarkInfo": told}));
    assert_eq!(server.ok(VOD, "SetDefaultWatermark", &[("WatermarkId", &id)]).await, json!({}));
    told["IsDefault"] = json!("Default");
    assert_eq!(server.ok(VOD, "ListWatermark", &[]).await, json!({"WatermarkInfos": [told]}));
    assert_eq!(server.ok(VOD, "ListWatermark", &[("AppId", "app-2")]).await, json!({"WatermarkInfos": []}));

    // What is absent is as it was by default, and the image stays.
    let changed = [("WatermarkId", id.as_str()), ("WatermarkConfig", "{}"), ("Name", "other")];
    let changed = server.ok(VOD, "UpdateWatermark", &changed).await["WatermarkInfo"].take();
    assert_eq!((&changed["Name"], &changed["WatermarkConfig"]), (&json!("other"), &json!("{}")));
    assert_eq!((&changed["FileUrl"], &changed["IsDefault"]), (&json!(url), &json!("Default")));
    let after = self::stored(&server, &changed["WatermarkId"]).await;
    let WatermarkContent::Image(now) = &after.content else { panic!("{after:?}") };
    assert_eq!((&now.hash, now.corner, now.dx, now.width), (&image.hash, Corner::TopRight, Length::Pixels(0), None));
    assert_eq!((after.begin_ms, after.length_ms), (0, None));

    assert_eq!(server.ok(VOD, "DeleteWatermark", &[("WatermarkId", &id)]).await, json!({}));
    assert_eq!(server.catalog.default_watermark().await.unwrap(), None);
    for action in ["GetWatermark", "DeleteWatermark", "SetDefaultWatermark", "UpdateWatermark"] {
        let params = [("WatermarkId", id.as_str()), ("WatermarkConfig", "{}")];
        assert_eq!(server.refused(VOD, action, &params).await, (404, "NoSuchResource".into()), "{action}");
    }
}

#[tokio::test]
async fn words_have_a_font_a_size_and_colours() {
    let server = Server::empty().await;
    let config = json!({"Content": "Cup 中 '%{n}'", "FontName": "WenQuanYi Zen Hei", "FontSize": "24", "FontColor": "#ff8000",
                        "FontAlpha": "0.85", "BorderColor": "White", "BorderWidth": 1, "Top": "10", "Left": 20});
    let text = config.to_string();
    let added = add(&server, &[("Name", "words"), ("Type", "Text"), ("WatermarkConfig", &text)]).await;
    assert_eq!((&added["Type"], added.get("FileUrl")), (&json!("Text"), None));
    let mark = TextMark {
        content: "Cup 中 '%{n}'".into(),
        font: "WenQuanYi Zen Hei".into(),
        size: 24,
        color: Color(255, 128, 0),
        opacity: 85,
        border_color: Color(255, 255, 255),
        border: 1,
        left: 20,
        top: 10,
    };
    assert_eq!(stored(&server, &added["WatermarkId"]).await.content, WatermarkContent::Text(mark.clone()));
    let id = added["WatermarkId"].as_str().unwrap();
    let change = [("WatermarkId", id), ("WatermarkConfig", r#"{"Content":"b","Timeline":{"Duration":"ToEND"}}"#)];
    server.ok(VOD, "UpdateWatermark", &change).await;
    let plain = TextMark { content: "b".into(), font: "Sans".into(), size: 16, opacity: 100, border: 0, ..mark };
    let black = Color(0, 0, 0);
    let plain = TextMark { color: black, border_color: black, left: 0, top: 0, ..plain };
    assert_eq!(stored(&server, &added["WatermarkId"]).await.content, WatermarkContent::Text(plain));
}

#[tokio::test]
async fn an_image_of_a_video_of_this_server_needs_no_other_server() {
    let settings = Settings { private_receivers: false, ..Settings::default() };
    let server = Server::with(settings, now).await;
    let asset = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let jobs = server.catalog.picture_jobs(asset).await.unwrap();
    let job = jobs.into_iter().find(|job| job.cause == PictureCause::Birth).unwrap().id;
    let (kind, format) = (PictureKind::Cover, PictureFormat::Jpeg);
    let cover = MadePictures { kind, format, pictures: 1, chosen: Some(1), facts: None };
    assert!(server.catalog.finish_pictures(job, &[cover], now()).await.unwrap());
    let name = PictureName::still(kind, job, 1);
    server.blobs.put(&picture_key(asset, &name), png().into()).await.unwrap();
    let url = format!("http://vod.example.org:8080/v/{asset}/{name}");
    let given = |url: &str| {
        [("Name", "a".to_owned()), ("Type", "Image".into()), ("FileUrl", url.into()), ("WatermarkConfig", "{}".into())]
    };
    let call = async |url: &str| {
        let given = given(url);
        let params: Vec<(&str, &str)> = given.iter().map(|(key, value)| (*key, value.as_str())).collect();
        server.call(VOD, "AddWatermark", &params).await
    };
    let (status, added) = call(&url).await;
    assert_eq!((status, &added["WatermarkInfo"]["FileUrl"]), (200, &json!(url)), "{added}");
    let other = url.replace("-00001", "-00002");
    assert_eq!(call(&other).await.1["Code"], "NoSuchResource");
    // Another server in this network is not asked.
    let (status, refused) = call(&format!("{}/logo.png", files().await)).await;
    assert_eq!(status, 400);
    assert!(refused["Message"].as_str().unwrap().contains("127.0.0.1 is not a public address"), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused_in_plain_words() {
    let server = Server::empty().await;
    let files = files().await;
    let image = |file: &str, config: Value| ("Image", format!("{files}/{file}"), config);
    let words = |config: Value| ("Text", String::new(), config);
    let cases = [
        (image("page.html", json!({})), 400, "\"FileUrl\" is not valid: a PNG, JPEG or GIF is wanted"),
        (image("huge.png", json!({})), 400, "\"FileUrl\" is not valid: it has more than 2097152 bytes"),
        (image("gone.png", json!({})), 404, "There is no file at the FileUrl"),
        (("Image", "ftp://example.org/a.png".into(), json!({})), 400, "is no URL that can be called"),
        (("Image", String::new(), json!({})), 400, "FileUrl"),
        (image("logo.png", json!({"Dx": "7"})), 400, "Dx: pixels from 8 to 4096, or a part of the side from 0 to 1"),
        (image("logo.png", json!({"Width": "0"})), 400, "Width: it has to be more than nothing"),
        (image("logo.png", json!({"Height": "1.5"})), 400, "Height: pixels from 8 to 4096"),
        (
            image("logo.png", json!({"ReferPos": "Center"})),
            400,
            "ReferPos: one of TopLeft, TopRight, BottomLeft, BottomRight",
        ),
        (image("logo.png", json!({"Timeline": {"Start": "x"}})), 400, "Timeline.Start: sssss.SSS or hh:mm:ss.SSS"),
        (image("logo.png", json!({"Timeline": {"Duration": "0"}})), 400, "Timeline.Duration: it has to be more"),
        (image("logo.png", json!([])), 400, "a JSON object is wanted"),
        (words(json!({})), 400, "Content: it is missing"),
        (words(json!({"Content": "a\u{7}"})), 400, "Content: at most 256 characters are wanted"),
        (words(json!({"Content": "a", "FontName": "a:b=c"})), 400, "FontName: letters, digits, spaces, - and _"),
        (words(json!({"Content": "a", "FontSize": "3"})), 400, "FontSize: a whole number from 4 to 120"),
        (words(json!({"Content": "a", "FontAlpha": "0"})), 400, "FontAlpha: a number above 0 and up to 1"),
        (words(json!({"Content": "a", "FontColor": "#12"})), 400, "FontColor: the name of a colour or #RRGGBB"),
        (words(json!({"Content": "a", "Top": "4097"})), 400, "Top: a whole number from 0 to 4096"),
    ];
    for ((kind, url, config), wanted_status, wanted) in cases {
        let config = config.to_string();
        let params = [("Name", "n"), ("Type", kind), ("FileUrl", url.as_str()), ("WatermarkConfig", config.as_str())];
        let (status, answer) = server.call(VOD, "AddWatermark", &params).await;
        assert_eq!(status, wanted_status, "{wanted}: {answer}");
        assert!(answer["Message"].as_str().unwrap().contains(wanted), "{wanted}: {answer}");
    }
    assert!(server.catalog.watermarks().await.unwrap().is_empty());
    let encoder = Capabilities { text: false, ..Capabilities::default() };
    let server = Server::with(Settings { encoder, ..Settings::default() }, now).await;
    let params = [("Name", "n"), ("Type", "Text"), ("WatermarkConfig", r#"{"Content":"a"}"#)];
    let (status, answer) = server.call(VOD, "AddWatermark", &params).await;
    assert!(status == 400 && answer["Message"].as_str().unwrap().contains("cannot draw text"), "{answer}");
}

fn template(ids: Value) -> Value {
    json!({"TemplateName": "t", "Definition": "LD", "Video": {"Codec": "H.264"}, "Audio": {"Codec": "AAC"},
           "Container": {"Format": "mp4"}, "WatermarkIds": ids})
}

#[tokio::test]
async fn templates_name_up_to_four_watermarks_that_are_there() {
    let server = Server::empty().await;
    let added = add(&server, &[("Name", "w"), ("Type", "Text"), ("WatermarkConfig", r#"{"Content":"a"}"#)]).await;
    let id = added["WatermarkId"].as_str().unwrap();
    let group = async |templates: Value| {
        let list = templates.to_string();
        server.call(VOD, "AddTranscodeTemplateGroup", &[("Name", "g"), ("TranscodeTemplateList", &list)]).await
    };
    // There need not be a default one yet.
    let (status, made) = group(json!([template(json!([id, DEFAULT_WATERMARK]))])).await;
    assert_eq!(status, 200, "{made}");
    let group_id = made["TranscodeTemplateGroupId"].as_str().unwrap();
    let told = server.ok(VOD, "GetTranscodeTemplateGroup", &[("TranscodeTemplateGroupId", group_id)]).await;
    let told = &told["TranscodeTemplateGroup"]["TranscodeTemplateList"][0];
    assert_eq!(told["WatermarkIds"], json!([id, DEFAULT_WATERMARK]));
    let stored = server.catalog.template_group(group_id).await.unwrap().unwrap().templates.remove(0).template;
    assert_eq!(stored.profile.video.unwrap().watermarks, [id, DEFAULT_WATERMARK]);

    let mut sound = template(json!([id]));
    sound["Definition"] = json!("HQ");
    let mut as_it_is = template(json!([id]));
    as_it_is["Definition"] = json!("OD");
    for (wrong, wanted) in [
        (
            template(json!([id, UNKNOWN])),
            format!("template 1, WatermarkIds: the watermark {UNKNOWN:?} does not exist").as_str(),
        ),
        (sound, "template 1, WatermarkIds: there are no pictures to show them on"),
        (as_it_is, "template 1, WatermarkIds: with OD nothing is encoded"),
    ] {
        let (status, answer) = group(json!([wrong])).await;
        assert_eq!((status, answer["Code"].as_str()), (400, Some("InvalidParameter")), "{wanted}: {answer}");
        let told = answer["Message"].as_str().unwrap().replace("\\\"", "\"");
        assert!(told.contains(wanted), "{wanted}: {answer}");
    }
    let (status, answer) = group(json!([template(json!([id, id, id, id, id]))])).await;
    assert_eq!((status, answer["Code"].as_str()), (400, Some("WatermarkExceededMax")));
    let change = json!([{"TranscodeTemplateId": told["TranscodeTemplateId"], "WatermarkIds": [UNKNOWN]}]).to_string();
    let params = [("TranscodeTemplateGroupId", group_id), ("TranscodeTemplateList", change.as_str())];
    assert_eq!(server.refused(VOD, "UpdateTranscodeTemplateGroup", &params).await.0, 400);
}

#[tokio::test]
async fn a_task_shows_something_else_where_its_templates_show_a_watermark() {
    let server = Server::empty().await;
    let files = files().await;
    let url = format!("{files}/logo.png");
    let image = add(&server, &[("Name", "i"), ("Type", "Image"), ("FileUrl", &url), ("WatermarkConfig", "{}")]).await;
    let words = [("Name", "w"), ("Type", "Text"), ("WatermarkConfig", r#"{"Content":"own","Left":"9"}"#)];
    let words = add(&server, &words).await["WatermarkId"].as_str().unwrap().to_owned();
    let image = image["WatermarkId"].as_str().unwrap();
    let other = [("Name", "o"), ("Type", "Text"), ("WatermarkConfig", r#"{"Content":"other"}"#)];
    let other = add(&server, &other).await["WatermarkId"].as_str().unwrap().to_owned();
    server.ok(VOD, "SetDefaultWatermark", &[("WatermarkId", &words)]).await;
    let templates = json!([
        {"TemplateName": "a", "Definition": "LD", "Video": {"Codec": "H.264", "Width": 320}, "Audio": {"Codec": "AAC"},
         "Container": {"Format": "mp4"}, "WatermarkIds": [image, DEFAULT_WATERMARK]},
        {"TemplateName": "b", "Definition": "SD", "Video": {"Codec": "H.264", "Width": 640}, "Audio": {"Codec": "AAC"},
         "Container": {"Format": "mp4"}, "WatermarkIds": [words]},
    ]);
    let list = templates.to_string();
    let group = server.ok(VOD, "AddTranscodeTemplateGroup", &[("Name", "g"), ("TranscodeTemplateList", &list)]).await;
    let group = group["TranscodeTemplateGroupId"].as_str().unwrap();
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let submit = async |marks: Value| {
        let overrides = json!({ "Watermarks": marks }).to_string();
        let params = [("VideoId", video.as_str()), ("TemplateGroupId", group), ("OverrideParams", &overrides)];
        let (status, answer) = server.call(VOD, "SubmitTranscodeJobs", &params).await;
        match status {
            200 => {
                let task = answer["TranscodeTaskId"].as_str().unwrap().parse().unwrap();
                let outputs = server.catalog.outputs_of_task(task).await.unwrap();
                let shown = |output: &catalog::Output| output.template.profile.video.clone().unwrap().shown_instead;
                Ok(outputs.iter().map(shown).collect::<Vec<_>>())
            }
            400 => Err(answer["Message"].as_str().unwrap().to_owned()),
            status => panic!("{status}: {answer}"),
        }
    };
    let marks =
        json!([{"WatermarkId": image, "FileUrl": url}, {"WatermarkId": words, "FileUrl": "", "Content": "Final"}]);
    // As a list, and as the text of one.
    for marks in [marks.clone(), Value::from(marks.to_string())] {
        let [first, second] = submit(marks).await.unwrap().try_into().unwrap();
        let final_words = Shown::Text("Final".into());
        let Shown::Image(file) = &first[image] else { panic!("{first:?}") };
        assert_eq!((file.kind, file.size), (ImageKind::Png, (40, 20)));
        assert_eq!((&first[DEFAULT_WATERMARK], first.len()), (&final_words, 2), "it is the default one");
        assert_eq!((&second[&words], second.len()), (&final_words, 1));
    }
    for (marks, wanted) in [
        (json!([{"FileUrl": url}]), "WatermarkId"),
        (json!([{"WatermarkId": UNKNOWN, "Content": "x"}]), "1: there is no watermark of this WatermarkId"),
        (json!([{"WatermarkId": other, "Content": "x"}]), "1: no template of the group shows this watermark"),
        (json!([{"WatermarkId": words, "Content": "x"}, {"WatermarkId": image, "Content": "x"}]), "2: it is an image"),
        (json!([{"WatermarkId": words, "FileUrl": url}]), "1: it has words"),
        (json!([{"WatermarkId": words, "Content": "x".repeat(257)}]), "1: Content: at most 256"),
        (json!([{"WatermarkId": image, "FileUrl": format!("{files}/page.html")}]), "a PNG, JPEG or GIF is wanted"),
        (json!(vec![json!({"WatermarkId": words, "Content": "x"}); 9]), "at most 8"),
        (json!({"WatermarkId": words}), "Watermarks: "),
    ] {
        let said = submit(marks.clone()).await.unwrap_err();
        assert!(said.contains(wanted), "{marks}: {said}");
    }
}

/// The text of each file of subtitles that a template has drawn.
async fn subtitles(server: &Server, template: &encode::Template) -> Vec<String> {
    let mut texts = Vec::new();
    for hash in &template.profile.video.as_ref().unwrap().subtitles {
        texts.push(String::from_utf8(server.blobs.get(&subtitles_key(hash)).await.unwrap().to_vec()).unwrap());
    }
    texts
}

#[tokio::test]
async fn subtitles_are_taken_into_the_store_and_read_before_anything_waits_for_them() {
    let server = Server::empty().await;
    let files = files().await;
    let file = |name: &str| json!({ "SubtitleUrl": format!("{files}/{name}") });
    let mut one = template(json!([]));
    one["SubtitleList"] = json!([file("cues.srt"), file("gbk.vtt")]);
    let add = async |one: &Value| {
        let list = json!([one]).to_string();
        server.call(VOD, "AddTranscodeTemplateGroup", &[("Name", "g"), ("TranscodeTemplateList", &list)]).await
    };
    let (status, made) = add(&one).await;
    assert_eq!(status, 200, "{made}");
    let group = made["TranscodeTemplateGroupId"].as_str().unwrap();
    let stored = async || server.catalog.template_group(group).await.unwrap().unwrap().templates.remove(0).template;
    let both = [CUES, "WEBVTT\n\n00:01.000 --> 00:02.000\n字幕\n"];
    assert_eq!(subtitles(&server, &stored().await).await, both);
    let get = server.ok(VOD, "GetTranscodeTemplateGroup", &[("TranscodeTemplateGroupId", group)]).await;
    let told = &get["TranscodeTemplateGroup"]["TranscodeTemplateList"][0];
    assert_eq!(told["SubtitleList"], json!(one["SubtitleList"].to_string()));

    // A change of something else leaves them, a new list takes their place, and an empty one takes them away.
    let id = &told["TranscodeTemplateId"];
    for (change, wanted) in [
        (json!({"TemplateName": "new"}), &both[..]),
        (json!({"SubtitleList": json!([file("cues.srt")]).to_string()}), &both[..1]),
        (json!({"SubtitleList": []}), &[]),
        (json!({"SubtitleList": [file("gbk.vtt")]}), &both[1..]),
    ] {
        let mut change = change;
        change["TranscodeTemplateId"] = id.clone();
        let list = json!([change]).to_string();
        let params = [("TranscodeTemplateGroupId", group), ("TranscodeTemplateList", list.as_str())];
        server.ok(VOD, "UpdateTranscodeTemplateGroup", &params).await;
        assert_eq!(subtitles(&server, &stored().await).await, wanted, "{change}");
    }

    // For one task: others, also as text; and what its template has where only something else is different.
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let submit = async |group: &str, overrides: Value| {
        let overrides = overrides.to_string();
        let params = [("VideoId", video.as_str()), ("TemplateGroupId", group), ("OverrideParams", &overrides)];
        server.call(VOD, "SubmitTranscodeJobs", &params).await
    };
    let setting = json!({"SubtitleList": [file("cues.srt")]});
    let narrow = json!([{"TranscodeTemplateId": id, "Video": {"Width": "320"}}]);
    for (overrides, wanted) in [
        (json!({"SubtitleSetting": setting}), &both[..1]),
        (json!({"SubtitleSetting": setting.to_string()}), &both[..1]),
        (json!({"SubtitleSetting": {"SubtitleList": []}, "TranscodeTemplateList": narrow}), &both[1..]),
    ] {
        let (status, answer) = submit(group, overrides).await;
        assert_eq!(status, 200, "{answer}");
        let task = answer["TranscodeTaskId"].as_str().unwrap().parse().unwrap();
        let output = server.catalog.outputs_of_task(task).await.unwrap().remove(0);
        assert_eq!(subtitles(&server, &output.template).await, wanted);
    }

    let sound =
        json!({"TemplateName": "s", "Definition": "HQ", "Audio": {"Codec": "MP3"}, "Container": {"Format": "mp3"}});
    for (name, wanted) in [
        ("none.srt", "1, SubtitleUrl: there is no file"),
        ("huge.srt", "1, SubtitleUrl: "),
        ("page.html", "1, SubtitleUrl: SubRip or WebVTT is wanted; line 1: a line with two times is wanted"),
    ] {
        let mut wrong = template(json!([]));
        wrong["SubtitleList"] = json!([file(name)]);
        let (status, answer) = add(&wrong).await;
        let said = answer["Message"].as_str().unwrap();
        assert!(status == 400 && said.contains(&format!("template 1, SubtitleList: {wanted}")), "{name}: {answer}");
        let (status, answer) = submit(group, json!({"SubtitleSetting": {"SubtitleList": [file(name)]}})).await;
        let said = answer["Message"].as_str().unwrap();
        assert!(
            status == 400 && said.contains(&format!("SubtitleSetting: SubtitleList: {wanted}")),
            "{name}: {answer}"
        );
    }
    let mut wrong = sound.clone();
    wrong["SubtitleList"] = json!([file("cues.srt")]);
    let (_, answer) = add(&wrong).await;
    assert!(answer["Message"].as_str().unwrap().contains("SubtitleList: there are no pictures"), "{answer}");
    let (_, sounds) = add(&sound).await;
    let (status, answer) =
        submit(sounds["TranscodeTemplateGroupId"].as_str().unwrap(), json!({"SubtitleSetting": setting})).await;
    assert!(status == 400 && answer["Message"].as_str().unwrap().contains("no template of the group"), "{answer}");

    let encoder = Capabilities { subtitles: false, ..Capabilities::default() };
    let server = Server::with(Settings { encoder, ..Settings::default() }, now).await;
    let list = json!([one]).to_string();
    let params = [("Name", "g"), ("TranscodeTemplateList", list.as_str())];
    let (status, answer) = server.call(VOD, "AddTranscodeTemplateGroup", &params).await;
    assert!(status == 400 && answer["Message"].as_str().unwrap().contains("cannot draw subtitles"), "{answer}");
}
