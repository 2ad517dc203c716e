//! Pictures and attached media over the wire: sent, told, searched, used and deleted.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::{UploadState, subtitles_key, upload_key};
use domain::event::{Event, FileKind};
use serde_json::{Value, json};
use support::{Server, VOD, now, store_request, told};
use units::AssetId;

/// A PNG of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Sends a request to the store under what a client was given.
async fn send(server: &Server, begun: &Value, method: &str, query: &str, body: Vec<u8>) -> (u16, String) {
    let key = told(begun, "UploadAddress")["FileName"].as_str().unwrap().to_owned();
    server.send_raw(store_request(begun, method, &key, query, &body)).await
}

async fn image(server: &Server, params: &[(&str, &str)]) -> (String, Value) {
    let begun = server.ok(VOD, "CreateUploadImage", params).await;
    (begun["ImageId"].as_str().unwrap().to_owned(), begun)
}

#[tokio::test]
async fn a_picture_is_sent_told_found_used_and_deleted() {
    let server = Server::empty().await;
    let params = [("ImageType", "cover"), ("OriginalFileName", "final.PNG"), ("Tags", "cup, final")];
    let (id, begun) = image(&server, &params).await;
    let url = format!("http://vod.example.org:8080/v/{id}/file.png");
    assert_eq!((&begun["ImageURL"], &begun["FileURL"]), (&json!(url), &json!(url)));
    let get = async || server.ok(VOD, "GetImageInfo", &[("ImageId", &id)]).await["ImageInfo"].take();
    assert_eq!(get().await["Status"], "Uploading");

    let (status, text) = send(&server, &begun, "PUT", "", b"no picture".to_vec()).await;
    assert!(status == 400 && text.contains("no png file"), "{text}");
    assert_eq!(get().await["Status"], "Uploading", "it may be sent again");
    let png = STANDARD.decode(PNG).unwrap();
    assert_eq!(send(&server, &begun, "PUT", "", png.clone()).await.0, 200);
    assert_eq!(send(&server, &begun, "HEAD", "", Vec::new()).await.0, 200);
    assert_eq!(send(&server, &begun, "PUT", "", png.clone()).await.0, 409, "once");
    let at = now().to_iso8601();
    let info = json!({
        "AppId": "app-1000000", "ImageId": id, "ImageType": "cover", "Title": "final.PNG", "Tags": "cup,final",
        "Status": "Normal", "CreationTime": at, "StorageLocation": "local",
        "URL": url, "Mezzanine": {
            "FileSize": png.len().to_string(), "FileURL": url, "Width": 1, "Height": 1, "OriginalFileName": "final.PNG",
        },
    });
    assert_eq!(get().await, info);
    let asset: AssetId = id.parse().unwrap();
    let file = server.catalog.find_library_file(asset).await.unwrap().unwrap();
    assert_eq!(server.blobs.get(&file.key()).await.unwrap(), png);
    let events = server.catalog.events_of_asset(asset).await.unwrap();
    let stored = Event::ImageStored { size_bytes: png.len() as u64, extension: "png".into() };
    assert_eq!(events[0].event.event, stored);

    let update = json!([{"ImageId": id, "Title": "Cup"}, {"ImageId": "x"}]).to_string();
    let told = server.ok(VOD, "UpdateImageInfos", &[("UpdateContent", &update)]).await;
    assert_eq!(told, json!({"NonExistImageIds": ["x"]}));
    let infos = server.ok(VOD, "GetImageInfos", &[("ImageIds", &format!("{id},y"))]).await;
    assert_eq!((&infos["ImageInfo"][0]["Title"], &infos["NonExistImageIds"]), (&json!("Cup"), &json!(["y"])));
    let search = async |wanted: &str, kind: &str| {
        let params = [("SearchType", kind), ("Match", wanted), ("Fields", "Title,URL")];
        server.ok(VOD, "SearchMedia", &params).await
    };
    let found = search("Title in ('cup') and Status = 'Normal'", "image,attached").await;
    let image_of_it = json!({"ImageId": id, "Title": "Cup", "URL": url});
    let media = json!({"MediaId": id, "MediaType": "image", "CreationTime": at, "Image": image_of_it});
    assert_eq!(found, json!({"Total": 1, "MediaList": [media]}));
    assert_eq!(search(&format!("ImageId = '{id}'"), "image").await["Total"], 1);
    for (wanted, kind) in [
        ("Title in ('cup')", "attached"),
        ("Duration = [0,5]", "image"),
        ("VideoId = 'x'", "image"),
        ("MediaSource = 'live'", "image"),
        ("Title in ('cup')", "video"),
    ] {
        assert_eq!(search(wanted, kind).await["Total"], 0, "{wanted} {kind}");
    }
    let config = r#"{"Width":"10","Dx":"0","Dy":"0"}"#;
    let params = [("Name", "mark"), ("Type", "Image"), ("FileUrl", url.as_str()), ("WatermarkConfig", config)];
    server.ok(VOD, "AddWatermark", &params).await;

    let by_url = [("DeleteImageType", "ImageURL"), ("ImageURLs", url.as_str())];
    assert_eq!(server.ok(VOD, "DeleteImage", &by_url).await, json!({}));
    assert_eq!(server.refused(VOD, "GetImageInfo", &[("ImageId", &id)]).await, (404, "NoSuchResource".into()));
    assert_eq!(search("", "image").await["Total"], 0);
    let last = server.catalog.events_of_asset(asset).await.unwrap().pop().unwrap().event.event;
    assert_eq!(last, Event::FileDeleted { file: FileKind::Image });
    let by_id = [("DeleteImageType", "ImageId"), ("ImageIds", id.as_str())];
    assert_eq!(server.ok(VOD, "DeleteImage", &by_id).await, json!({}), "nobody's are left alone");
}

#[tokio::test]
async fn attached_media_is_sent_in_parts_told_and_deleted() {
    let server = Server::empty().await;
    let category = server.ok(VOD, "AddCategory", &[("CateName", "subs"), ("Type", "material")]).await;
    let category = category["Category"]["CateId"].to_string();
    let params =
        [("BusinessType", "subtitle"), ("FileName", "a.srt"), ("Title", "words"), ("CateIds", category.as_str())];
    let begun = server.ok(VOD, "CreateUploadAttachedMedia", &params).await;
    let id = begun["MediaId"].as_str().unwrap().to_owned();
    let (_, text) = send(&server, &begun, "POST", "uploads", Vec::new()).await;
    let upload = text.split_once("<UploadId>").unwrap().1.split_once('<').unwrap().0.to_owned();
    for (number, body) in [(1, b"one"), (2, b"two")] {
        let query = format!("partNumber={number}&uploadId={upload}");
        assert_eq!(send(&server, &begun, "PUT", &query, body.to_vec()).await.0, 200);
    }
    // MD5 of "one" and "two".
    let parts = "<C><Part><PartNumber>1</PartNumber><ETag>F97C5D29941BFB1B2FDAB0874906AB82</ETag></Part><Part><PartNumber>2</PartNumber><ETag>B8A9F715DBB64FD5C56E7783C6820A61</ETag></Part></C>";
    for _ in 0..2 {
        let (status, text) = send(&server, &begun, "POST", &format!("uploadId={upload}"), parts.into()).await;
        assert!(status == 200 && text.contains("-2"), "{text}");
    }
    let file = server.catalog.find_library_file(id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(server.blobs.get(&file.key()).await.unwrap(), &b"onetwo"[..]);
    let told = server.ok(VOD, "GetAttachedMediaInfo", &[("MediaIds", &format!("{id},x"))]).await;
    let one = &told["AttachedMediaList"][0];
    assert_eq!(told["NonExistMediaIds"], json!(["x"]));
    assert_eq!((&one["Type"], &one["Status"], &one["Title"]), (&json!("subtitle"), &json!("Normal"), &json!("words")));
    assert_eq!(one["Categories"], json!([{"CateId": category.parse::<i64>().unwrap(), "CateName": "subs"}]));
    assert_eq!(one["URL"], format!("http://vod.example.org:8080/v/{id}/file.srt"));
    let update = json!([{"MediaId": id, "Tags": "a", "CateIds": "-1"}]).to_string();
    let untouched = server.ok(VOD, "UpdateAttachedMediaInfos", &[("UpdateContent", &update)]).await;
    assert_eq!(untouched, json!({"NonExistMediaIds": []}));
    let found = server.ok(VOD, "SearchMedia", &[("SearchType", "attached"), ("Fields", "Tags,BusinessType")]).await;
    let attached = &found["MediaList"][0]["AttachedMedia"];
    assert_eq!(*attached, json!({"MediaId": id, "Tags": "a", "BusinessType": "subtitle"}));
    // What is here already becomes a video, once.
    let url = one["URL"].as_str().unwrap();
    let register = async |group: &str| {
        let metadatas =
            json!([{"FileURL": url, "Title": "cup"}, {"FileURL": "http://files.example.org/x.mp4"}]).to_string();
        let params = [("RegisterMetadatas", metadatas.as_str()), ("TemplateGroupId", group)];
        server.ok(VOD, "RegisterMedia", &params).await
    };
    let first = register("VOD_STORE_ONLY").await;
    assert_eq!(first["FailedFileURLs"], json!(["http://files.example.org/x.mp4"]));
    let media = &first["RegisteredMediaList"][0];
    assert_eq!((&media["FileURL"], &media["NewRegister"]), (&json!(url), &json!(true)));
    let video: AssetId = media["MediaId"].as_str().unwrap().parse().unwrap();
    let upload = server.catalog.upload_of_asset(video).await.unwrap().unwrap();
    assert_eq!((upload.state, upload.size_bytes), (UploadState::Stored, Some(6)));
    assert_eq!(server.blobs.get(&upload_key(upload.id)).await.unwrap(), &b"onetwo"[..]);
    let again = register("VOD_STORE_ONLY").await["RegisteredMediaList"][0].take();
    assert_eq!((&again["MediaId"], &again["NewRegister"]), (&media["MediaId"], &json!(false)));
    let untouched = server.ok(VOD, "DeleteAttachedMedia", &[("MediaIds", &format!("{id},x"))]).await;
    assert_eq!(untouched, json!({"NonExistMediaIds": ["x"]}));
    assert_eq!(server.ok(VOD, "SearchMedia", &[("SearchType", "attached")]).await["Total"], 0);
}

/// Nobody can be asked for a file at the host of its URL.
#[tokio::test]
async fn attached_subtitles_are_read_from_the_store() {
    const CUES: &str = "1\n00:00:01,000 --> 00:00:02,000\nGoal!\n";
    let server = Server::empty().await;
    let params = [("BusinessType", "subtitle"), ("FileName", "a.srt")];
    let begun = server.ok(VOD, "CreateUploadAttachedMedia", &params).await;
    let id = begun["MediaId"].as_str().unwrap().to_owned();
    assert_eq!(send(&server, &begun, "PUT", "", CUES.into()).await.0, 200);
    let told = server.ok(VOD, "GetAttachedMediaInfo", &[("MediaIds", &id)]).await;
    let template = json!([{
        "TemplateName": "titled", "Definition": "LD", "Video": {"Codec": "H.264", "Width": "320"},
        "Audio": {"Codec": "AAC"}, "Container": {"Format": "mp4"},
        "SubtitleList": [{"SubtitleUrl": told["AttachedMediaList"][0]["URL"]}],
    }])
    .to_string();
    let add = async || {
        let params = [("Name", "titled"), ("TranscodeTemplateList", template.as_str())];
        server.call(VOD, "AddTranscodeTemplateGroup", &params).await
    };
    let (status, made) = add().await;
    assert_eq!(status, 200, "{made}");
    let group = server.catalog.template_group(made["TranscodeTemplateGroupId"].as_str().unwrap()).await.unwrap();
    let profile = group.unwrap().templates.remove(0).template.profile;
    let hash = profile.video.unwrap().subtitles.remove(0);
    assert_eq!(server.blobs.get(&subtitles_key(&hash)).await.unwrap(), CUES);

    server.ok(VOD, "DeleteAttachedMedia", &[("MediaIds", &id)]).await;
    let (status, answer) = add().await;
    assert!(status == 400 && answer["Message"].as_str().unwrap().contains("there is no file"), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let server = Server::empty().await;
    for (action, params, code) in [
        ("CreateUploadImage", vec![], "MissingParameter"),
        ("CreateUploadImage", vec![("ImageType", "default"), ("ImageExt", "svg")], "InvalidParameter"),
        (
            "CreateUploadImage",
            vec![("ImageType", "default"), ("OriginalFileName", "a.svg")],
            "InvalidFileName.Extension",
        ),
        ("CreateUploadImage", vec![("ImageType", "default"), ("CateId", "7")], "InvalidCateId.NotFound"),
        ("CreateUploadAttachedMedia", vec![("BusinessType", "subtitle")], "InvalidFileName.Extension"),
        (
            "CreateUploadAttachedMedia",
            vec![("BusinessType", "material"), ("MediaExt", "../x")],
            "InvalidFileName.Extension",
        ),
        (
            "CreateUploadAttachedMedia",
            vec![("BusinessType", "general"), ("MediaExt", "zip"), ("FileSize", "1073741825")],
            "InvalidParameter",
        ),
        ("DeleteImage", vec![("DeleteImageType", "VideoId")], "InvalidParameter"),
        ("DeleteImage", vec![("DeleteImageType", "ImageId")], "MissingParameter"),
        ("GetImageInfo", vec![("ImageId", "x")], "NoSuchResource"),
        ("RegisterMedia", vec![("RegisterMetadatas", "[]")], "MissingParameter"),
    ] {
        assert_eq!(server.refused(VOD, action, &params).await.1, code, "{action} {params:?}");
    }
    assert_eq!(server.ok(VOD, "SearchMedia", &[("SearchType", "image")]).await["Total"], 0);
}
