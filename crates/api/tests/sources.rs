//! Deleting the source of a video, over the wire.

mod support;

use catalog::AssetStatus;
use serde_json::json;
use support::{Server, VOD, now};

/// A recorded video whose cover is taken, so that nothing is made of it any more.
async fn video(server: &Server, stream: &str) -> String {
    let id = server.recorded("cup", stream, AssetStatus::Normal).await;
    for job in server.catalog.picture_jobs(id).await.unwrap() {
        server.catalog.finish_pictures(job.id, &[], now()).await.unwrap();
    }
    id.to_string()
}

#[tokio::test]
async fn a_source_that_is_played_goes_only_when_it_is_forced_to_and_comes_back() {
    let server = Server::new().await;
    let video = video(&server, "court1").await;
    let unknown = "0".repeat(32);
    let ids = format!("{video},{unknown}");
    let told = server.ok(VOD, "DeleteMezzanines", &[("VideoIds", &ids)]).await;
    let kept =
        json!({"NonExistVideoIds": [unknown], "NonExistReferenceIds": [], "UnRemoveableVideoIds": [video.clone()]});
    assert_eq!(told, kept);
    let mezzanine = server.ok(VOD, "GetMezzanineInfo", &[("VideoId", &video)]).await["Mezzanine"].take();
    assert_eq!(mezzanine["Status"], "Normal");

    let told = server.ok(VOD, "DeleteMezzanines", &[("VideoIds", &video), ("Force", "true")]).await;
    assert_eq!(told, json!({"NonExistVideoIds": [], "NonExistReferenceIds": [], "UnRemoveableVideoIds": []}));
    let gone = server.ok(VOD, "GetMezzanineInfo", &[("VideoId", &video)]).await["Mezzanine"].take();
    assert_eq!((&gone["Status"], gone.get("FileURL")), (&json!("Deleted"), None));
    assert_eq!((&gone["Size"], &gone["Duration"]), (&mezzanine["Size"], &mezzanine["Duration"]));
    assert_eq!(server.ok(VOD, "GetVideoInfo", &[("VideoId", &video)]).await["Video"]["Status"], "Normal");
    let refused = server.refused(VOD, "GetPlayInfo", &[("VideoId", &video)]).await;
    assert_eq!(refused, (404, "InvalidVideo.NoneStream".into()));
    let template = json!([{
        "TemplateName": "a", "Definition": "LD", "Video": {"Codec": "H.264", "Bitrate": "400", "Width": "320", "Height": "180"},
        "Audio": {"Codec": "AAC", "Bitrate": "64"}, "Container": {"Format": "mp4"},
    }]).to_string();
    let group = [("Name", "ladder"), ("TranscodeTemplateList", template.as_str())];
    let group = server.ok(VOD, "AddTranscodeTemplateGroup", &group).await;
    let group = group["TranscodeTemplateGroupId"].as_str().unwrap();
    for (action, more) in [("SubmitSnapshotJob", ("Count", "1")), ("SubmitTranscodeJobs", ("TemplateGroupId", group))] {
        let refused = server.refused(VOD, action, &[("VideoId", &video), more]).await;
        assert_eq!(refused, (404, "InvalidFile.NotFound".into()), "{action}");
    }
    let events = server.ok(VOD, "ListEvents", &[("VideoId", &video), ("EventType", "DeleteMediaComplete")]).await;
    assert_eq!(events["EventList"].as_array().unwrap().len(), 1);

    let back = server.ok(VOD, "RestoreVideo", &[("VideoIds", &video)]).await;
    assert_eq!(back["RestoredVideoIds"], json!([video]));
    assert_eq!(server.ok(VOD, "GetMezzanineInfo", &[("VideoId", &video)]).await["Mezzanine"]["Status"], "Normal");
}

#[tokio::test]
async fn the_source_of_a_stored_video_goes_and_one_that_is_worked_on_stays() {
    let server = Server::new().await;
    let busy = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let told = server.ok(VOD, "DeleteMezzanines", &[("VideoIds", &busy), ("Force", "true")]).await;
    assert_eq!(told["UnRemoveableVideoIds"], json!([busy]), "its cover is not taken yet");
    assert_eq!(server.refused(VOD, "DeleteMezzanines", &[]).await, (400, "MissingParameter".into()));
    let nobody = server.refused(VOD, "DeleteMezzanines", &[("ReferenceIds", "nobodys-id")]).await;
    assert_eq!(nobody, (404, "InvalidVideo.NotFound".into()));
}
