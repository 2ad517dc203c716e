//! What edges keep: refreshing and preloading it, and the feed that tells edges of it.

mod support;

use axum::body::Body;
use axum::http::Request;
use door::Secret;
use door::feed::{FeedAnswer, FeedAsked, FeedWork, Preloaded};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::{Server, VOD, now};
use tower::ServiceExt;

const SECRET: &str = "between-us-0123456789";

async fn feed(server: &Server, asked: &FeedAsked) -> FeedAnswer {
    let (status, body) = post(server, SECRET, serde_json::to_vec(asked).unwrap()).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

async fn post(server: &Server, secret: &str, body: Vec<u8>) -> (u16, String) {
    let key = api::AccessKey { id: support::KEY_ID.into(), secret: support::KEY_SECRET.into() };
    let settings = api::Settings::default();
    let state = api::ApiState::new(server.catalog.clone(), server.blobs.clone(), settings, [key]).with_clock(now);
    let router = api::edge_router(state, Secret::new(SECRET).unwrap());
    let request = Request::post(door::feed::PATH).header("authorization", format!("Bearer {secret}"));
    let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn asked(edge: &str, after: u64, domains: u64) -> FeedAsked {
    FeedAsked { edge: edge.to_owned(), after, domains, preloaded: Vec::new() }
}

async fn tasks(server: &Server, params: &[(&str, &str)]) -> Value {
    server.ok(VOD, "DescribeVodRefreshTasks", params).await
}

#[tokio::test]
async fn each_url_is_a_task_and_edges_are_told_its_path() {
    let server = Server::empty().await;
    let new = feed(&server, &asked("e1", 0, 0)).await;
    assert_eq!((new.last, new.reset, new.tasks.len()), (0, false, 0));
    let domains = new.domains.unwrap();
    assert!(domains.list.is_empty() && domains.tag != 0);

    let urls = "http://VOD.example.org:8080/v/a/%E4%B8%AD.m3u8?auth_key=1-0-0-a\nvod.example.org/202601010000/0cc1/v/a/b.mp4\n\n\
                https://play.example.org/app/s1.m3u8";
    let answer = server.ok(VOD, "RefreshVodObjectCaches", &[("ObjectPath", urls)]).await;
    let ids: Vec<&str> = answer["RefreshTaskId"].as_str().unwrap().split(',').collect();
    assert_eq!((ids.len(), answer.as_object().unwrap().len()), (3, 1));
    let folder = [("ObjectPath", "http://vod.example.org/v/a/"), ("ObjectType", "Directory")];
    server.ok(VOD, "RefreshVodObjectCaches", &folder).await;
    let all = [("ObjectPath", "http://vod.example.org/"), ("ObjectType", "Directory")];
    server.ok(VOD, "RefreshVodObjectCaches", &all).await;
    let regex = [("ObjectPath", r"http://vod.example.org/v/.*\.m4s$"), ("ObjectType", "Regex")];
    server.ok(VOD, "RefreshVodObjectCaches", &regex).await;
    let file = [("ObjectPath", "http://vod.example.org/v/a/b.mp4"), ("ObjectType", "IgnoreParams")];
    server.ok(VOD, "RefreshVodObjectCaches", &file).await;
    let preload = [("ObjectPath", "http://vod.example.org/v/a/c.mp4")];
    let preloaded = server.ok(VOD, "PreloadVodObjectCaches", &preload).await;

    let told = feed(&server, &asked("e1", 0, domains.tag)).await;
    let work: Vec<(FeedWork, &str)> = told.tasks.iter().map(|task| (task.what, task.path.as_str())).collect();
    assert_eq!(
        work,
        [
            (FeedWork::File, "/v/a/中.m3u8"),
            (FeedWork::File, "/v/a/b.mp4"),
            (FeedWork::File, "/l/play.example.org/app/s1.m3u8"),
            (FeedWork::Folder, "/v/a/"),
            (FeedWork::Folder, "/"),
            (FeedWork::Regex, r"/v/.*\.m4s$"),
            (FeedWork::File, "/v/a/b.mp4"),
            (FeedWork::Preload, "/v/a/c.mp4"),
        ]
    );
    assert_eq!((told.last, told.reset, told.domains), (8, false, None));
    assert_eq!(tasks(&server, &[("TaskId", ids[0])]).await["Tasks"]["Task"][0]["Status"], "Refreshing");

    let ended = Preloaded { seq: 8, error: Some("the origin answers 404".to_owned()) };
    let told = feed(&server, &FeedAsked { preloaded: vec![ended], ..asked("e1", 8, domains.tag) }).await;
    assert_eq!((told.last, told.tasks.len()), (8, 0), "answered at once, so that the report is not sent again");
    let id = preloaded["PreloadTaskId"].as_str().unwrap();
    assert_eq!(
        tasks(&server, &[("TaskId", &format!("{},{id}", ids[0]))]).await,
        json!({
            "PageNumber": 1,
            "PageSize": 20,
            "TotalCount": 2,
            "Tasks": {"Task": [
                {
                    "CreationTime": "2026-11-22T16:22:43Z",
                    "Description": "e1: the origin answers 404",
                    "ObjectPath": "http://vod.example.org/v/a/c.mp4",
                    "ObjectType": "preload",
                    "Process": "100%",
                    "Status": "Failed",
                    "TaskId": id,
                },
                {
                    "CreationTime": "2026-11-22T16:22:43Z",
                    "Description": "",
                    "ObjectPath": "http://VOD.example.org:8080/v/a/%E4%B8%AD.m3u8?auth_key=1-0-0-a",
                    "ObjectType": "file",
                    "Process": "100%",
                    "Status": "Complete",
                    "TaskId": ids[0],
                },
            ]},
        })
    );
    assert_eq!(tasks(&server, &[("ObjectType", "file")]).await["TotalCount"], 4);
    assert_eq!(tasks(&server, &[("Status", "Complete"), ("PageSize", "2")]).await["TotalCount"], 7);
    assert_eq!(tasks(&server, &[("DomainName", "PLAY.example.org")]).await["TotalCount"], 1);
    assert_eq!(tasks(&server, &[("StartTime", "2026-11-22T16:22:44Z")]).await["TotalCount"], 0);
    assert_eq!(tasks(&server, &[("EndTime", "2026-11-22T16:22:43Z")]).await["TotalCount"], 8);
}

#[tokio::test]
async fn what_cannot_be_meant_or_is_too_much_is_refused() {
    let server = Server::empty().await;
    let refresh = async |path: &str, kind: &str| {
        server.refused(VOD, "RefreshVodObjectCaches", &[("ObjectPath", path), ("ObjectType", kind)]).await
    };
    let malformed = (400, "InvalidObjectPath.Malformed".to_owned());
    for (path, kind) in [
        ("ftp://vod.example.org/v/a/b.mp4", "File"),
        ("/v/a/b.mp4", "File"),
        ("http://vod.example.org/v/a/", "File"),
        ("http://vod.example.org/v/a/b.mp4", "Directory"),
        ("http://vod.example.org/v/a/../b.mp4", "File"),
        ("http://vod.example.org/v/(", "Regex"),
        ("http://user@vod.example.org/v/a/b.mp4", "File"),
    ] {
        assert_eq!(refresh(path, kind).await, malformed, "{path} {kind}");
    }
    let urls = |count: usize| vec!["http://vod.example.org/v/a/b.mp4"; count].join("\n");
    assert_eq!(refresh(&urls(1_001), "File").await, malformed);
    assert_eq!(refresh(" \n ", "File").await, (400, "MissingParameter".into()));
    assert_eq!(refresh("http://vod.example.org/", "Everything").await, (400, "InvalidParameter".into()));
    let preload = server.refused(VOD, "PreloadVodObjectCaches", &[("ObjectPath", "http://vod.example.org/v/a/")]).await;
    assert_eq!(preload, malformed);

    let quota = server.ok(VOD, "DescribeVodRefreshQuota", &[]).await;
    let whole = json!({
        "BlockQuota": "0", "DirQuota": "100", "DirRemain": "100", "PreloadQuota": "1000", "PreloadRemain": "1000",
        "UrlQuota": "10000", "UrlRemain": "10000", "blockRemain": "0",
    });
    assert_eq!(quota, whole, "what was refused does not count");
    let folders = vec!["http://vod.example.org/v/a/"; 100].join("\n");
    server.ok(VOD, "RefreshVodObjectCaches", &[("ObjectPath", &folders), ("ObjectType", "Directory")]).await;
    assert_eq!(server.ok(VOD, "DescribeVodRefreshQuota", &[]).await["DirRemain"], "0");
    assert_eq!(refresh("http://vod.example.org/v/a/", "Directory").await, (400, "QuotaExceeded.Refresh".into()));
}

#[tokio::test]
async fn an_edge_that_missed_something_is_told_to_begin_anew() {
    let server = Server::empty().await;
    let tag = feed(&server, &asked("e1", 0, 0)).await.domains.unwrap().tag;
    // One that the catalog does not know has missed whatever was deleted meanwhile; so has one from another catalog.
    assert!(feed(&server, &asked("e2", 5, tag)).await.reset);
    let file = [("ObjectPath", "http://vod.example.org/v/a/b.mp4")];
    server.ok(VOD, "RefreshVodObjectCaches", &file).await;
    assert!(feed(&server, &asked("e3", 1, tag)).await.reset);
    assert!(feed(&server, &asked("e1", 7, tag)).await.reset);
    let told = feed(&server, &asked("e1", 0, tag)).await;
    assert_eq!((told.reset, told.tasks.len()), (false, 1));
    // Domains are told when they are others.
    let sources = r#"[{"content":"192.0.2.1","type":"ipaddr","priority":"20","port":80}]"#;
    server.ok(VOD, "AddVodDomain", &[("DomainName", "vod.example.org"), ("Sources", sources)]).await;
    let told = feed(&server, &asked("e1", 1, tag)).await;
    let domains = told.domains.unwrap();
    assert_eq!((domains.list[0].name.as_str(), domains.tag == tag), ("vod.example.org", false));
}

#[tokio::test]
async fn the_feed_is_for_edges() {
    let server = Server::empty().await;
    let question = serde_json::to_vec(&asked("e1", 0, 0)).unwrap();
    assert_eq!(post(&server, "between-us-0123456780", question.clone()).await.0, 401);
    assert_eq!(post(&server, SECRET, b"{}".to_vec()).await.0, 400);
    assert_eq!(post(&server, SECRET, serde_json::to_vec(&asked("", 0, 0)).unwrap()).await.0, 400);
    assert_eq!(post(&server, SECRET, question).await.0, 200);
}
