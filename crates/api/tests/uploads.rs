//! Uploads over the wire.

mod support;

use axum::body::Body;
use axum::http::Request;
use catalog::{UploadState, upload_key};
use serde_json::json;
use support::{Server, VOD, now, store_request as request, told};
use units::{AssetId, JobId};

const URL: &str = "http://files.example.org/final%20cut.mp4";

#[tokio::test]
async fn pulls_are_begun_told_and_cancelled() {
    let server = Server::empty().await;
    let metadatas =
        json!([{ "SourceURL": URL, "Title": "Final", "TemplateGroupId": "VOD_STORE_ONLY", "CateId": "-1" }])
            .to_string();
    let urls = format!("{URL},http%3A%2F%2Ffiles.example.org%2Fb%2Cc.mp4");
    let begun = server.ok(VOD, "UploadMediaByURL", &[("UploadURLs", &urls), ("UploadMetadatas", &metadatas)]).await;
    let jobs = begun["UploadJobs"].as_array().unwrap();
    assert_eq!(
        (&jobs[0]["SourceURL"], &jobs[1]["SourceURL"]),
        (&URL.into(), &"http://files.example.org/b,c.mp4".into())
    );
    let id = jobs[0]["JobId"].as_str().unwrap();
    let infos = server.ok(VOD, "GetURLUploadInfos", &[("JobIds", &format!("{id},x")), ("UploadURLs", URL)]).await;
    let at = now().to_iso8601();
    let info = json!({ "JobId": id, "Status": "PENDING", "UploadURL": URL, "CreationTime": at });
    assert_eq!(infos, json!({ "NonExists": ["x"], "URLUploadInfoList": [info] }));
    let upload = server.catalog.upload(id.parse::<JobId>().unwrap()).await.unwrap().unwrap();
    let asset = server.catalog.asset(upload.asset).await.unwrap().unwrap();
    assert_eq!(
        (asset.title.as_str(), asset.template_group.as_str(), asset.category),
        ("Final", "VOD_STORE_ONLY", None)
    );
    let other = server.catalog.upload_by_source("http://files.example.org/b,c.mp4").await.unwrap().unwrap();
    assert_eq!(server.catalog.asset(other.asset).await.unwrap().unwrap().title, "b,c.mp4", "by its name");

    let canceled = server.ok(VOD, "CancelUrlUploadJobs", &[("UploadUrls", URL), ("JobIds", "x")]).await;
    assert_eq!(canceled, json!({ "CanceledJobs": [id], "NonExists": ["x"] }));
    let infos = server.ok(VOD, "GetURLUploadInfos", &[("JobIds", id)]).await;
    let info = &infos["URLUploadInfoList"][0];
    assert_eq!((&info["Status"], &info["ErrorCode"]), (&"DOWNLOAD_FAIL".into(), &"JobCanceled".into()));
}

#[tokio::test]
async fn what_cannot_be_pulled_or_written_is_refused_and_nothing_is_begun() {
    let server = Server::empty().await;
    let many = vec![URL; 21].join(",");
    for (params, code) in [
        (vec![("UploadURLs", "ftp://h/x.mp4")], (400, "InvalidParameter.UploadURLs")),
        (vec![("UploadURLs", &many)], (400, "InvalidParameter.UploadURLs")),
        (vec![], (400, "MissingParameter")),
        (vec![("UploadURLs", URL), ("TemplateGroupId", "nobody")], (404, "InvalidTemplateGroupId.NotFound")),
        (vec![("UploadURLs", URL), ("UploadMetadatas", "{")], (400, "InvalidParameter")),
        (
            vec![
                ("UploadURLs", URL),
                ("UploadMetadatas", r#"[{"SourceURL":"http://files.example.org/final%20cut.mp4","CateId":7}]"#),
            ],
            (404, "InvalidCateId.NotFound"),
        ),
    ] {
        let refused = server.refused(VOD, "UploadMediaByURL", &params).await;
        assert_eq!((refused.0, refused.1.as_str()), code, "{params:?}");
    }
    assert_eq!(server.refused(VOD, "GetURLUploadInfos", &[]).await, (400, "MissingParameter".into()));
    assert_eq!(server.ok(VOD, "GetVideoList", &[]).await["Total"], 0);
}

#[tokio::test]
async fn a_client_is_told_where_to_send_its_file_and_sends_it_once() {
    let server = Server::empty().await;
    let params =
        [("Title", "Final"), ("FileName", "a b.MP4"), ("UserData", "{\"Extend\":1}"), ("ReferenceId", "final-1")];
    let begun = server.ok(VOD, "CreateUploadVideo", &params).await;
    let (address, auth) = (told(&begun, "UploadAddress"), told(&begun, "UploadAuth"));
    assert_eq!((&address["Endpoint"], &address["Bucket"]), (&"http://vod.example.org:8080".into(), &"reprise".into()));
    assert_eq!((&auth["Expiration"], &auth["ExpireUTCTime"]), (&"3000".into(), &"2026-11-22T17:12:43Z".into()));
    let key = address["FileName"].as_str().unwrap().to_owned();
    assert!(key.ends_with("/source.mp4"), "{key}");
    let video: AssetId = begun["VideoId"].as_str().unwrap().parse().unwrap();
    let upload = server.catalog.upload_of_asset(video).await.unwrap().unwrap();

    // Another object, another method, another signature.
    let send = |request| server.send_raw(request);
    assert_eq!(send(request(&begun, "PUT", "x/source.mp4", "", b"1")).await.0, 403);
    assert_eq!(send(request(&begun, "GET", &key, "", b"")).await.0, 501);
    let mut forged = request(&begun, "PUT", &key, "", b"1");
    forged.headers_mut().insert("authorization", "OSS STS.x:AAAA".parse().unwrap());
    let (status, text) = send(forged).await;
    assert!(status == 403 && text.contains("<Code>SignatureDoesNotMatch</Code>"), "{text}");
    assert_eq!(send(Request::put(format!("/reprise/{key}")).body(Body::empty()).unwrap()).await.0, 403);

    let again = server.ok(VOD, "RefreshUploadVideo", &[("ReferenceId", "final-1")]).await;
    server.blobs.alarm().set_low(Some(1));
    let (status, text) = send(request(&again, "PUT", &key, "", b"a file")).await;
    assert!(status == 503 && text.contains("too little room"), "{text}");
    server.blobs.alarm().set_low(None);
    assert_eq!(send(request(&again, "PUT", &key, "", b"a file")).await.0, 200);
    assert_eq!(&server.blobs.get(&upload_key(upload.id)).await.unwrap()[..], b"a file");
    let stored = server.catalog.upload(upload.id).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.size_bytes), (UploadState::Stored, Some(6)));
    assert_eq!(send(request(&again, "PUT", &key, "", b"another")).await.0, 409);
    assert_eq!(send(request(&again, "HEAD", &key, "", b"")).await.0, 200);
    let refused = server.refused(VOD, "RefreshUploadVideo", &[("VideoId", &video.to_string())]).await;
    assert_eq!(refused, (403, "Forbidden.IllegalStatus".into()));
    assert_eq!(
        server.refused(VOD, "RefreshUploadVideo", &[("VideoId", "x")]).await,
        (404, "InvalidVideo.NotFound".into())
    );
    for (params, code) in [
        ([("Title", "a"), ("FileName", "clip")], "InvalidFileName.Extension"),
        ([("Title", ""), ("FileName", "a.mp4")], "MissingParameter"),
        ([("Title", "\u{1}"), ("FileName", "a.mp4")], "IllegalCharacters"),
    ] {
        assert_eq!(server.refused(VOD, "CreateUploadVideo", &params).await.1, code);
    }
}

#[tokio::test]
async fn parts_are_listed_and_named_in_their_order() {
    let server = Server::empty().await;
    let begun = server.ok(VOD, "CreateUploadVideo", &[("Title", "Final"), ("FileName", "a.mkv")]).await;
    let key = told(&begun, "UploadAddress")["FileName"].as_str().unwrap().to_owned();
    let send = async |method, query: &str, body| server.send_raw(request(&begun, method, &key, query, body)).await;
    let (status, text) = send("POST", "uploads", b"").await;
    assert_eq!(status, 200);
    let id = text.split_once("<UploadId>").unwrap().1.split_once('<').unwrap().0.to_owned();
    assert_eq!(send("PUT", &format!("partNumber=0&uploadId={id}"), b"1").await.0, 400);
    assert_eq!(send("PUT", "partNumber=1&uploadId=00000000000000000000000000000009", b"1").await.0, 404);
    for (number, body) in [(2, &b"two"[..]), (1, b"first"), (1, b"one")] {
        assert_eq!(send("PUT", &format!("partNumber={number}&uploadId={id}"), body).await.0, 200);
    }
    let (_, listed) = send("GET", &format!("uploadId={id}&max-parts=1"), b"").await;
    assert!(
        listed.contains("<PartNumber>1</PartNumber>") && listed.contains("<IsTruncated>true</IsTruncated>"),
        "{listed}"
    );
    // MD5 of "one" and "two".
    let wrong = b"<C><Part><PartNumber>2</PartNumber><ETag>B8A9F715DBB64FD5C56E7783C6820A61</ETag></Part><Part><PartNumber>1</PartNumber><ETag>F97C5D29941BFB1B2FDAB0874906AB82</ETag></Part></C>";
    let (status, text) = send("POST", &format!("uploadId={id}"), wrong).await;
    assert!(status == 400 && text.contains("InvalidPartOrder"), "{text}");
    let right = b"<C><Part><PartNumber>1</PartNumber><ETag>\"F97C5D29941BFB1B2FDAB0874906AB82\"</ETag></Part><Part><PartNumber>2</PartNumber><ETag>\"B8A9F715DBB64FD5C56E7783C6820A61\"</ETag></Part></C>";
    for _ in 0..2 {
        let (status, text) = send("POST", &format!("uploadId={id}"), right).await;
        assert!(status == 200 && text.contains("-2"), "{text}");
    }
    let upload: JobId = key.split_once('/').unwrap().0.parse().unwrap();
    let stored = server.catalog.upload(upload).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.size_bytes), (UploadState::Stored, Some(6)));
    assert_eq!(send("DELETE", &format!("uploadId={id}"), b"").await.0, 409, "they are the worker's now");
}
