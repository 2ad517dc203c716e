//! Pictures: served as they are stored, once their job is done, and only of what may be seen.

mod common;

use bytes::Bytes;
use catalog::sql::Sql;
use catalog::{AssetStatus, MadePictures, PictureCause, picture_key};
use common::{WALL, World, usual};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use reqwest::{Method, StatusCode};
use units::{AssetId, JobId};

/// More than is read at once.
const LARGE: usize = (2 << 20) + 77;

async fn get(url: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = reqwest::Client::new().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// An asset whose cover job was carried out as `made`, but not ended yet; and the job.
async fn asset_with(world: &World, files: &[(PictureName, Bytes)], asset: AssetId) {
    for (name, bytes) in files {
        world.blobs.put(&picture_key(asset, name), bytes.clone()).await.unwrap();
    }
}

async fn world() -> (World, AssetId, JobId) {
    let world = World::new().await;
    let clip = usual(world.folder.path(), "a.mp4", 2, "25", "320x180", 48_000);
    let asset = world.asset_of(&[&clip]).await;
    let jobs = world.catalog.picture_jobs(asset).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].cause), (1, PictureCause::Birth));
    let job = jobs[0].id;
    (world, asset, job)
}

async fn set_status(world: &World, asset: AssetId, status: AssetStatus) {
    let mut tx = world.catalog.begin().await.unwrap();
    Sql::new("UPDATE asset SET status = $1 WHERE id = $2").arg(status.as_str()).arg(asset).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// Waits until a URL answers with this status: answers of the catalog are kept for a second.
async fn until(url: &str, status: StatusCode) -> reqwest::Response {
    for _ in 0..200 {
        let response = get(url, &[]).await;
        if response.status() == status {
            return response;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{url} never answered {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_shown_when_its_job_is_done_with_type_size_age_and_tag() {
    let (world, asset, job) = world().await;
    let large = Bytes::from_iter((0..LARGE).map(|at| u8::try_from(at % 251).unwrap()));
    let still = PictureName::still(PictureKind::Cover, job, 1);
    let cue = PictureName::single(PictureKind::Cues, job, PictureFormat::Vtt);
    let cue_picture = PictureName::still(PictureKind::Cues, job, 1);
    let gif = PictureName::single(PictureKind::Animation, job, PictureFormat::Gif);
    let small = Bytes::from_static(b"some bytes");
    let files = [(still, large.clone()), (cue, small.clone()), (cue_picture, small.clone()), (gif, small.clone())];
    asset_with(&world, &files, asset).await;
    let at = |name: &PictureName| world.at(asset, &name.to_string());
    assert_eq!(get(&at(&still), &[]).await.status(), StatusCode::NOT_FOUND, "half of a set is not shown");
    let made = |kind, format| MadePictures { kind, format, pictures: 1, chosen: None, facts: None };
    let sets = [
        made(PictureKind::Cover, PictureFormat::Jpeg),
        made(PictureKind::Cues, PictureFormat::Vtt),
        made(PictureKind::Animation, PictureFormat::Gif),
    ];
    world.catalog.finish_pictures(job, &sets, WALL).await.unwrap();
    set_status(&world, asset, AssetStatus::UploadSucc).await;
    until(&at(&still), StatusCode::OK).await;
    for (name, kind, bytes) in [
        (still, "image/jpeg", &large),
        (cue, "text/vtt; charset=utf-8", &small),
        (cue_picture, "image/jpeg", &small),
        (gif, "image/gif", &small),
    ] {
        let url = at(&name);
        let whole = until(&url, StatusCode::OK).await;
        assert_eq!((header(&whole, "content-type"), header(&whole, "accept-ranges")), (kind, "bytes"), "{name}");
        assert_eq!(header(&whole, "cache-control"), "public, max-age=86400, immutable");
        assert_eq!(header(&whole, "access-control-allow-origin"), "*");
        assert_eq!(header(&whole, "content-length"), bytes.len().to_string());
        let tag = header(&whole, "etag").to_owned();
        assert!(whole.bytes().await.unwrap() == *bytes, "{name}");
        let head = reqwest::Client::new().request(Method::HEAD, &url).send().await.unwrap();
        assert_eq!((head.status(), header(&head, "content-length")), (StatusCode::OK, &*bytes.len().to_string()));
        assert_eq!(get(&url, &[("if-none-match", &tag)]).await.status(), StatusCode::NOT_MODIFIED);
    }
    let part = get(&at(&still), &[("range", &format!("bytes=1000000-{}", LARGE - 10))]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert!(part.bytes().await.unwrap() == large.slice(1_000_000..LARGE - 9));
    // Made again it is another version.
    let before = header(&get(&at(&cue), &[]).await, "etag").to_owned();
    world.catalog.make_pictures_again(job, WALL).await.unwrap();
    let later = WALL.after(std::time::Duration::from_secs(60));
    world.catalog.finish_pictures(job, &sets, later).await.unwrap();
    for _ in 0..200 {
        if header(&get(&at(&cue), &[]).await, "etag") != before {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the tag stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_beside_an_asset_is_served_and_what_was_refused_is_hidden() {
    let (world, asset, job) = world().await;
    let still = PictureName::still(PictureKind::Cover, job, 1);
    asset_with(
        &world,
        &[(still, Bytes::from_static(b"jpeg")), (PictureName { number: Some(3), ..still }, Bytes::new())],
        asset,
    )
    .await;
    world.blobs.put(&format!("assets/{asset}/asset.json"), Bytes::from_static(b"{}")).await.unwrap();
    let made = MadePictures {
        kind: PictureKind::Cover,
        format: PictureFormat::Jpeg,
        pictures: 2,
        chosen: Some(1),
        facts: None,
    };
    world.catalog.finish_pictures(job, &[made], WALL).await.unwrap();
    let url = world.at(asset, &still.to_string());
    until(&url, StatusCode::OK).await;
    let other = world.catalog.ids().asset(WALL);
    for url in [
        world.at(asset, &format!("covers/{job}-00003.jpg")),
        world.at(asset, &format!("covers/{job}-1.jpg")),
        world.at(asset, &format!("snapshots/{job}-00001.jpg")),
        world.at(asset, &format!("covers/{job}.jpg")),
        world.at(asset, "covers/..%2fasset.json"),
        world.at(asset, "asset.json"),
        world.at(other, &still.to_string()),
        // Told of, and not there: storage lost it.
        world.at(asset, &format!("covers/{job}-00002.jpg")),
    ] {
        let response = get(&url, &[]).await;
        assert_eq!((response.status(), header(&response, "content-type")), (StatusCode::NOT_FOUND, "application/json"));
    }
    for status in [AssetStatus::TranscodeFail, AssetStatus::Checking, AssetStatus::Transcoding] {
        set_status(&world, asset, status).await;
        until(&url, StatusCode::OK).await;
    }
    set_status(&world, asset, AssetStatus::Blocked).await;
    let refused = until(&url, StatusCode::FORBIDDEN).await;
    assert!(refused.text().await.unwrap().contains("Blocked"));
    set_status(&world, asset, AssetStatus::Normal).await;
    until(&url, StatusCode::OK).await;
    world.catalog.delete_asset(asset, std::time::Duration::from_secs(3600), WALL).await.unwrap();
    until(&url, StatusCode::NOT_FOUND).await;
}
