//! How much is played, sent and stored, and how long it is kept, over the wire.

mod support;

use catalog::{AssetStatus, UsageKey, UsageRow};
use serde_json::json;
use support::{Server, VOD, now};
use units::WallTime;

#[tokio::test]
async fn usage_is_added_up_by_hour_domain_and_video() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let hour = |text: &str| WallTime::parse_iso8601(text).unwrap();
    let row = |at: &str, domain: &str, media: &str, plays, bytes| UsageRow {
        key: UsageKey { hour: hour(at), domain: domain.into(), media: media.into() },
        plays,
        bytes,
    };
    let rows = [
        row("2026-11-22T14:00:00Z", "vod.example.org", &video, 2, 1_000),
        row("2026-11-22T15:00:00Z", "vod.example.org", &video, 1, 500),
        row("2026-11-22T15:00:00Z", "play.example.org", "cup/court1", 5, 90_000),
        row("2026-10-01T15:00:00Z", "", &video, 7, 7),
    ];
    server.catalog.add_usage(&rows).await.unwrap();
    // What comes later in an hour is added.
    server.catalog.add_usage(&rows[1..2]).await.unwrap();
    let told = server.ok(VOD, "GetUsage", &[]).await;
    assert_eq!(
        told,
        json!({
            "Total": 2, "TotalPlays": 9, "TotalBytes": 92_000,
            "UsageList": [
                {"StartTime": "2026-11-22T14:00:00Z", "Plays": 2, "Bytes": 1_000},
                {"StartTime": "2026-11-22T15:00:00Z", "Plays": 7, "Bytes": 91_000},
            ],
            "Stored": {"SourceBytes": 5_250_000, "OutputBytes": 0, "FileBytes": 0},
        })
    );
    let by = async |params: &[(&str, &str)]| server.ok(VOD, "GetUsage", params).await["UsageList"].take();
    let domains = json!([
        {"DomainName": "play.example.org", "Plays": 5, "Bytes": 90_000},
        {"DomainName": "vod.example.org", "Plays": 4, "Bytes": 2_000},
    ]);
    assert_eq!(by(&[("GroupBy", "Domain")]).await, domains);
    let media =
        json!([{"Media": "cup/court1", "Plays": 5, "Bytes": 90_000}, {"Media": video, "Plays": 4, "Bytes": 2_000}]);
    assert_eq!(by(&[("GroupBy", "Media")]).await, media);
    let second = by(&[("GroupBy", "Media"), ("PageSize", "1"), ("PageNo", "2")]).await;
    assert_eq!(second, json!([media[1]]));
    let year = [("StartTime", "2026-01-01T00:00:00Z"), ("Media", video.as_str())];
    let told = server.ok(VOD, "GetUsage", &year).await;
    assert_eq!((&told["TotalPlays"], &told["Stored"]["SourceBytes"]), (&json!(11), &json!(5_250_000)));
    let backwards = [("StartTime", "2026-11-22T15:00:00Z"), ("EndTime", "2026-11-22T15:00:00Z")];
    assert_eq!(server.refused(VOD, "GetUsage", &backwards).await, (400, "InvalidParameter".into()));
}

#[tokio::test]
async fn a_video_is_kept_as_long_as_it_is_told_to() {
    let server = Server::new().await;
    let id = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let video = id.to_string();
    let get = async || server.ok(VOD, "GetVideoRetention", &[("VideoId", &video)]).await;
    assert_eq!(get().await, json!({"VideoId": video, "Keep": "Rule"}));
    let domain = support::PLAY;
    let until = "2026-11-22T16:22:44Z";
    let ids = format!("{video},x");
    let set = [("VideoIds", ids.as_str()), ("Keep", "Until"), ("KeepUntil", until)];
    assert_eq!(server.ok(VOD, "SetVideoRetention", &set).await, json!({"NonExistVideoIds": ["x"]}));
    assert_eq!(get().await, json!({"VideoId": video, "Keep": "Until", "KeepUntil": until}));
    assert!(server.catalog.kept_of_domain(domain).await.unwrap().is_empty(), "its rule has no say");
    assert!(server.catalog.outlived_assets(now()).await.unwrap().is_empty());
    let later = WallTime::parse_iso8601(until).unwrap();
    assert_eq!(server.catalog.outlived_assets(later).await.unwrap(), [id]);
    server.ok(VOD, "SetVideoRetention", &[("VideoIds", &video), ("Keep", "ForGood")]).await;
    assert_eq!(get().await, json!({"VideoId": video, "Keep": "ForGood"}));
    assert!(server.catalog.outlived_assets(later).await.unwrap().is_empty());
    server.ok(VOD, "SetVideoRetention", &[("VideoIds", &video), ("Keep", "Rule")]).await;
    assert_eq!(server.catalog.kept_of_domain(domain).await.unwrap().len(), 1);
    for (params, code) in [
        (vec![("Keep", "Until")], "MissingParameter"),
        (vec![("Keep", "Rule"), ("KeepUntil", until)], "InvalidParameter"),
        (vec![("Keep", "Until"), ("KeepUntil", "9999-12-31T23:59:59Z")], "InvalidParameter"),
    ] {
        let params: Vec<_> = params.into_iter().chain([("VideoIds", video.as_str())]).collect();
        assert_eq!(server.refused(VOD, "SetVideoRetention", &params).await, (400, code.into()), "{params:?}");
    }
}
