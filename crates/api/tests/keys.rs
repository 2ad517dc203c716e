//! Access keys and their roles, the audit log, and what becomes of those who ask or guess too often.

mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::Limits;
use api::access::right;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use catalog::{AuditFilter, Role};
use serde_json::{Value, json};
use support::{KEY_ID, KEY_SECRET, LIVE, PLAY, PUSH, Server, VOD, now};
use tower::ServiceExt;
use units::Mono;

/// A key pair.
struct Key {
    id: String,
    secret: String,
}

impl Key {
    fn root() -> Self {
        Self { id: KEY_ID.into(), secret: KEY_SECRET.into() }
    }
}

async fn made(server: &Server, role: &str) -> Key {
    let told = server.ok(VOD, "CreateAccessKey", &[("Role", role), ("UserName", "somebody")]).await;
    let part = |name: &str| told["AccessKey"][name].as_str().unwrap().to_owned();
    Key { id: part("AccessKeyId"), secret: part("AccessKeySecret") }
}

/// A call with a key.
async fn call(server: &Server, key: &Key, version: &str, action: &str, params: &[(&str, &str)]) -> (u16, Value) {
    let params = server.params_of(&key.id, version, action, params);
    server.get(&rpc::signed_query("GET", &params, &key.secret)).await
}

/// The same from an address.
async fn call_from(server: &Server, address: &str, key: &Key, action: &str) -> (u16, String) {
    let params = server.params_of(&key.id, VOD, action, &[]);
    let query = rpc::signed_query("GET", &params, &key.secret);
    let mut request = Request::get(format!("/?{query}")).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().unwrap(), 40_000)));
    code(&server.send(request).await)
}

fn code(answer: &(u16, Value)) -> (u16, String) {
    (answer.0, answer.1["Code"].as_str().unwrap_or_default().to_owned())
}

fn is(answer: &(u16, String), status: u16, code: &str) -> bool {
    (answer.0, answer.1.as_str()) == (status, code)
}

const OK: (u16, &str) = (200, "");

fn pair(answer: &(u16, String)) -> (u16, &str) {
    (answer.0, &answer.1)
}

#[tokio::test]
async fn a_key_is_made_told_once_listed_changed_and_deleted() {
    let server = Server::empty().await;
    let mut told = server.ok(VOD, "CreateAccessKey", &[("Role", "Viewer"), ("UserName", "wall")]).await;
    let key = &mut told["AccessKey"];
    let (id, secret) = (key["AccessKeyId"].take(), key["AccessKeySecret"].take());
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    assert!(id.starts_with("RP") && id.len() == 18 && secret.len() == 30, "{id} {secret}");
    let created = "2026-11-22T16:22:43Z";
    assert_eq!(
        told,
        json!({"AccessKey": {"AccessKeyId": null, "AccessKeySecret": null, "CreateDate": created, "Role": "viewer",
            "Status": "Active", "UserName": "wall"}})
    );
    let mut listed = json!({"AccessKeys": {"AccessKey": [
        {"AccessKeyId": id, "CreateDate": created, "Role": "viewer", "Status": "Active", "UserName": "wall"},
    ]}});
    assert_eq!(server.ok(VOD, "ListAccessKeys", &[]).await, listed);
    assert_eq!(
        server.ok(VOD, "ListAccessKeys", &[("UserName", "other")]).await,
        json!({"AccessKeys": {"AccessKey": []}})
    );

    let key = Key { id: id.into(), secret: secret.into() };
    assert_eq!(call(&server, &key, VOD, "GetVideoList", &[]).await.0, 200);
    let change = [("UserAccessKeyId", id), ("Status", "Inactive"), ("Role", "operator"), ("UserName", "")];
    assert_eq!(server.ok(VOD, "UpdateAccessKey", &change).await, json!({}));
    listed["AccessKeys"]["AccessKey"][0] = json!({"AccessKeyId": id, "CreateDate": created, "LastUsedDate": created,
        "Role": "operator", "Status": "Inactive", "UserName": ""});
    assert_eq!(server.ok(VOD, "ListAccessKeys", &[]).await, listed);
    let refused = code(&call(&server, &key, VOD, "GetVideoList", &[]).await);
    assert!(is(&refused, 400, "InvalidAccessKeyId.Inactive"), "{refused:?}");
    // Whoever does not have the secret is not told that it is disabled.
    let guessed = Key { id: id.into(), secret: "guessed".into() };
    let refused = code(&call(&server, &guessed, VOD, "GetVideoList", &[]).await);
    assert!(is(&refused, 400, "SignatureDoesNotMatch"), "{refused:?}");

    server.ok(VOD, "UpdateAccessKey", &[("UserAccessKeyId", id), ("Status", "Active")]).await;
    assert_eq!(call(&server, &key, VOD, "GetVideoList", &[]).await.0, 200);
    assert_eq!(server.ok(VOD, "DeleteAccessKey", &[("UserAccessKeyId", id)]).await, json!({}));
    let refused = code(&call(&server, &key, VOD, "GetVideoList", &[]).await);
    assert!(is(&refused, 404, "InvalidAccessKeyId.NotFound"), "{refused:?}");
}

#[tokio::test]
async fn what_cannot_be_done_with_keys_is_refused_with_its_code() {
    let server = Server::empty().await;
    let unknown = (404, "EntityNotExist.User.AccessKey".to_owned());
    for id in ["nobody", KEY_ID] {
        assert_eq!(server.refused(VOD, "DeleteAccessKey", &[("UserAccessKeyId", id)]).await, unknown);
        let change = [("UserAccessKeyId", id), ("Status", "Inactive")];
        assert_eq!(server.refused(VOD, "UpdateAccessKey", &change).await, unknown);
    }
    let missing = (400, "MissingParameter".to_owned());
    assert_eq!(server.refused(VOD, "UpdateAccessKey", &[("UserAccessKeyId", "nobody")]).await, missing);
    assert_eq!(server.refused(VOD, "CreateAccessKey", &[]).await, missing);
    let invalid = (400, "InvalidParameter".to_owned());
    assert_eq!(server.refused(VOD, "CreateAccessKey", &[("Role", "king")]).await, invalid);
    let name = "a".repeat(65);
    assert_eq!(server.refused(VOD, "CreateAccessKey", &[("Role", "viewer"), ("UserName", &name)]).await, invalid);
}

#[tokio::test]
async fn each_role_may_call_what_the_table_says_and_nothing_else() {
    let server = Server::empty().await;
    for role in [Role::Admin, Role::Operator, Role::Viewer, Role::Publisher] {
        let key = made(&server, role.as_str()).await;
        for operation in api::operations::OPERATIONS {
            let declaration = operation.declaration;
            let answer = call(&server, &key, declaration.service.version(), declaration.name, &[]).await;
            let forbidden = is(&code(&answer), 403, "Forbidden.RAM");
            let may = right(declaration.name).access.admits(role);
            assert_eq!(forbidden, !may, "{} as {}: {answer:?}", declaration.name, role.as_str());
        }
        // A key without rights learns no more of what there is than anybody.
        let unknown = code(&call(&server, &key, VOD, "NoSuchThing", &[]).await);
        assert!(is(&unknown, 404, "InvalidAction.NotFound"), "{unknown:?}");
    }
}

#[tokio::test]
async fn another_role_holds_from_the_next_call_on() {
    let server = Server::empty().await;
    let key = made(&server, "viewer").await;
    let add = [("CateName", "finals")];
    let refused = call(&server, &key, VOD, "AddCategory", &add).await;
    assert!(is(&code(&refused), 403, "Forbidden.RAM"), "{refused:?}");
    assert_eq!(refused.1["Message"], "The access key has the role viewer, which may not call AddCategory.");
    server.ok(VOD, "UpdateAccessKey", &[("UserAccessKeyId", &key.id), ("Role", "operator")]).await;
    assert_eq!(call(&server, &key, VOD, "AddCategory", &add).await.0, 200);
}

#[tokio::test]
async fn every_write_is_written_down_with_who_what_and_how_it_ended() {
    let server = Server::empty().await;
    let key = made(&server, "viewer").await;
    let refused = call(&server, &key, VOD, "AddCategory", &[("CateName", "a")]).await;
    assert_eq!(refused.0, 403);
    let (_, added) = server.call(VOD, "AddCategory", &[("CateName", "a"), ("RegionId", "cn-shanghai")]).await;
    server.ok(VOD, "GetCategories", &[]).await;
    assert_eq!(server.refused(VOD, "DeleteCategory", &[("CateId", "x")]).await.0, 400);

    let told = server.ok(VOD, "ListAuditEvents", &[]).await;
    let list = told["AuditEventList"].as_array().unwrap();
    let brief = |event: &Value| {
        ["EventName", "AccessKeyId", "Role", "Code"].map(|name| event[name].as_str().unwrap().to_owned())
    };
    let brief: Vec<_> = list.iter().map(brief).collect();
    let viewer = key.id.as_str();
    assert_eq!(
        brief,
        [
            ["DeleteCategory", KEY_ID, "admin", "InvalidParameter"],
            ["AddCategory", KEY_ID, "admin", "OK"],
            ["AddCategory", viewer, "viewer", "Forbidden.RAM"],
            ["CreateAccessKey", KEY_ID, "admin", "OK"],
        ]
    );
    assert_eq!(
        list[1],
        json!({"AccessKeyId": KEY_ID, "Code": "OK", "EventId": added["RequestId"], "EventName": "AddCategory",
            "EventTime": "2026-11-22T16:22:43Z", "RequestParameters": "{\"CateName\":\"a\"}", "Role": "admin",
            "ServiceName": "Vod", "SourceIpAddress": ""})
    );
    assert_eq!(list[2]["EventId"], refused.1["RequestId"]);

    for (filter, found) in [
        (&[("UserAccessKeyId", viewer)][..], 1),
        (&[("EventName", "AddCategory")], 2),
        (&[("EventName", "AddCategory"), ("Outcome", "Failed")], 1),
        (&[("Outcome", "Done")], 2),
        (&[("StartTime", "2026-11-22T16:22:43Z"), ("EndTime", "2026-11-22T16:22:43Z")], 4),
        (&[("StartTime", "2026-11-22T16:22:44Z")], 0),
        (&[("EndTime", "2026-11-22T16:22:42Z")], 0),
    ] {
        let told = server.ok(VOD, "ListAuditEvents", filter).await;
        assert_eq!(told["AuditEventList"].as_array().unwrap().len(), found, "{filter:?}");
    }
    let first = server.ok(VOD, "ListAuditEvents", &[("MaxResults", "3")]).await;
    let token = first["NextToken"].as_str().unwrap();
    let second = server.ok(VOD, "ListAuditEvents", &[("MaxResults", "3"), ("NextToken", token)]).await;
    assert_eq!(second["AuditEventList"].as_array().unwrap().len(), 1);
    assert!(second.get("NextToken").is_none());
    assert_eq!(server.refused(VOD, "ListAuditEvents", &[("NextToken", "x")]).await, (400, "InvalidParameter".into()));
}

#[tokio::test]
async fn the_audit_log_tells_the_address_and_no_secret() {
    const HIDDEN: &str = "Hidden0Secret012345";
    let server = Server::new().await;
    let functions = format!(
        r#"[{{"functionName":"aliauth","functionArgs":[{{"argName":"auth_type","argValue":"type_a"}},
            {{"argName":"auth_key1","argValue":"{HIDDEN}"}}]}}]"#
    );
    let url = format!("https://u:{HIDDEN}@files.example.org/a.mp4?Signature={HIDDEN}");
    let user_data = format!(
        r#"{{"MessageCallback":{{"CallbackURL":"https://a.example.org/?k={HIDDEN}"}},"Extend":{{"token":"{HIDDEN}"}}}}"#
    );
    for (version, action, params) in [
        (LIVE, "BatchSetLiveDomainConfigs", &[("DomainNames", PLAY), ("Functions", &functions)][..]),
        (
            LIVE,
            "SetLiveStreamsNotifyUrlConfig",
            &[("DomainName", PUSH), ("NotifyUrl", &url), ("NotifyAuthKey", HIDDEN)],
        ),
        (LIVE, "AddLiveRecordNotifyConfig", &[("DomainName", PLAY), ("NotifyUrl", &url), ("NotifyAuthKey", HIDDEN)]),
        (VOD, "SetMessageCallback", &[("CallbackURL", &url), ("EventTypeList", "ALL"), ("AuthKey", HIDDEN)]),
        (VOD, "UploadMediaByURL", &[("UploadURLs", &url), ("UserData", &user_data)]),
    ] {
        let query = server.query(version, action, params);
        let mut request = Request::get(format!("/?{query}")).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 40_000))));
        let answer = server.send(request).await;
        assert_eq!(answer.0, 200, "{action}: {answer:?}");
    }
    made(&server, "admin").await;
    let rows = server.catalog.all_rows().await.unwrap();
    let audit = serde_json::to_string(&rows["audit_event"]).unwrap();
    assert!(!audit.contains(HIDDEN), "{audit}");
    assert_eq!(audit.matches("192.0.2.7").count(), 5);
    assert!(audit.contains("files.example.org/a.mp4"), "what is no secret is there: {audit}");
}

#[tokio::test]
async fn a_call_is_written_down_once_however_often_it_is_replayed() {
    let server = Server::empty().await;
    let query = server.query(VOD, "AddCategory", &[("CateName", "a")]);
    assert_eq!(server.get(&query).await.0, 200);
    for _ in 0..3 {
        assert_eq!(code(&server.get(&query).await), (400, "SignatureNonceUsed".to_owned()));
    }
    assert_eq!(server.catalog.audit_events(&AuditFilter::default(), 10).await.unwrap().len(), 1);
}

static CALLS_CLOCK_MS: AtomicU64 = AtomicU64::new(0);

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back_and_others_are_served() {
    let limits = Limits { reads_per_second: 2, writes_per_second: 1, failures_per_minute: 0 };
    let clock = || Mono(Duration::from_millis(CALLS_CLOCK_MS.load(Ordering::Relaxed)));
    let server = Server::limited(limits, clock).await;
    let key = made(&server, "operator").await;
    for _ in 0..20 {
        assert_eq!(call(&server, &key, VOD, "GetVideoList", &[]).await.0, 200);
    }
    let params = server.params_of(&key.id, VOD, "GetVideoList", &[]);
    let query = rpc::signed_query("GET", &params, &key.secret);
    let request = || Request::get(format!("/?{query}")).body(Body::empty()).unwrap();
    let refused = server.router.clone().oneshot(request()).await.unwrap();
    assert_eq!(refused.headers()["x-acs-retry-after"], "501");
    let refused = code(&support::answer_of(refused).await);
    assert!(is(&refused, 400, "Throttling.User"), "{refused:?}");
    // What writes is counted by itself, and so is every other key.
    for number in 0..10 {
        let name = format!("c{number}");
        assert_eq!(call(&server, &key, VOD, "AddCategory", &[("CateName", &name)]).await.0, 200);
    }
    let refused = code(&call(&server, &key, VOD, "AddCategory", &[("CateName", "one more")]).await);
    assert!(is(&refused, 400, "Throttling.User"), "{refused:?}");
    assert_eq!(call(&server, &Key::root(), VOD, "GetVideoList", &[]).await.0, 200);
    // What is refused spends no nonce and is not written down.
    assert_eq!(server.catalog.audit_events(&AuditFilter::default(), 100).await.unwrap().len(), 11);
    CALLS_CLOCK_MS.store(501, Ordering::Relaxed);
    assert_eq!(server.send(request()).await.0, 200);
    assert_eq!(code(&server.send(request()).await).1, "Throttling.User");
}

static FAILURES_CLOCK_MS: AtomicU64 = AtomicU64::new(0);

#[tokio::test]
async fn guesses_are_bounded_by_address_and_key_and_lock_nobody_else_out() {
    let limits = Limits { failures_per_minute: 3, ..Limits::default() };
    let clock = || Mono(Duration::from_millis(FAILURES_CLOCK_MS.load(Ordering::Relaxed)));
    let server = Server::limited(limits, clock).await;
    let (key, other) = (made(&server, "viewer").await, made(&server, "viewer").await);
    let guess = |key: &Key| Key { id: key.id.clone(), secret: "guessed".into() };
    let (here, there) = ("192.0.2.1", "192.0.2.2");
    for _ in 0..3 {
        let refused = call_from(&server, here, &guess(&key), "GetVideoList").await;
        assert!(is(&refused, 400, "SignatureDoesNotMatch"), "{refused:?}");
    }
    let throttled = (400, "Throttling.User");
    assert_eq!(pair(&call_from(&server, here, &guess(&key), "GetVideoList").await), throttled);
    assert_eq!(
        pair(&call_from(&server, here, &key, "GetVideoList").await),
        throttled,
        "a right guess is not told from a wrong one"
    );
    assert_eq!(pair(&call_from(&server, there, &key, "GetVideoList").await), OK);
    assert_eq!(pair(&call_from(&server, here, &other, "GetVideoList").await), OK);
    FAILURES_CLOCK_MS.store(20_000, Ordering::Relaxed);
    assert_eq!(pair(&call_from(&server, here, &key, "GetVideoList").await), OK);

    // Looking for keys that exist is bounded by address, whatever they are called, and an IPv6 host has many addresses.
    let unknown = |number: u32| Key { id: format!("nobody{number}"), secret: String::new() };
    for number in 0..3 {
        let address = format!("2001:db8::{number}");
        let refused = call_from(&server, &address, &unknown(number), "GetVideoList").await;
        assert!(is(&refused, 404, "InvalidAccessKeyId.NotFound"), "{refused:?}");
    }
    assert_eq!(pair(&call_from(&server, "2001:db8::9", &unknown(9), "GetVideoList").await), throttled);
    // Players with temporary keys are counted by themselves.
    let temporary = Key { id: "STS.a".into(), secret: String::new() };
    for _ in 0..3 {
        let refused = call_from(&server, "2001:db8::9", &temporary, "GetPlayInfo").await;
        assert!(is(&refused, 400, "MissingSecurityToken"), "{refused:?}");
    }
    assert_eq!(pair(&call_from(&server, "2001:db8::9", &temporary, "GetPlayInfo").await), throttled);
    assert_eq!(pair(&call_from(&server, "2001:db8::9", &key, "GetVideoList").await), OK);
}

#[tokio::test]
async fn guesses_at_the_store_are_bounded() {
    let limits = Limits { failures_per_minute: 2, ..Limits::default() };
    let server = Server::limited(limits, || Mono(Duration::ZERO)).await;
    let put = |address: [u8; 4]| {
        let mut request = Request::put("/reprise/a/source.mp4").body(Body::from("x")).unwrap();
        request.headers_mut().insert("x-oss-security-token", "a.9999999999.guessed".parse().unwrap());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 40_000))));
        request
    };
    for _ in 0..2 {
        let (status, body) = server.send_raw(put([192, 0, 2, 1])).await;
        assert!(status == 403 && body.contains("InvalidSecurityToken"), "{status} {body}");
    }
    let (status, body) = server.send_raw(put([192, 0, 2, 1])).await;
    assert!(status == 503 && body.contains("QpsLimitExceeded"), "{status} {body}");
    assert_eq!(server.send_raw(put([192, 0, 2, 2])).await.0, 403);
}

#[tokio::test]
async fn a_disabled_key_stops_on_every_node_with_the_next_call() {
    let server = Server::empty().await;
    let key = made(&server, "viewer").await;
    // Another process over the same catalog.
    let root = api::AccessKey { id: KEY_ID.into(), secret: KEY_SECRET.into() };
    let settings = api::Settings::default();
    let state = api::ApiState::new(server.catalog.clone(), server.blobs.clone(), settings, [root]).with_clock(now);
    let other = api::router(state);
    let ask = async || {
        let params = server.params_of(&key.id, VOD, "GetVideoList", &[]);
        let query = rpc::signed_query("GET", &params, &key.secret);
        let request = Request::get(format!("/?{query}")).body(Body::empty()).unwrap();
        support::answer_of(other.clone().oneshot(request).await.unwrap()).await.0
    };
    assert_eq!(ask().await, 200);
    server.ok(VOD, "UpdateAccessKey", &[("UserAccessKeyId", &key.id), ("Status", "Inactive")]).await;
    assert_eq!(ask().await, 400);
}
