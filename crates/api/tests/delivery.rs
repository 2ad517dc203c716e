//! Where videos are played from, what their URLs carry, and keys with which a player asks for them.

mod support;

use std::collections::BTreeMap;

use api::Settings;
use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog::AssetStatus;
use rpc::url_auth::UrlAuth;
use serde_json::{Value, json};
use support::{LIVE, PLAY, Server, VOD, now};
use units::WallTime;

const DOMAIN: &str = "vod.example.org";
const KEY: &str = "0123456789abcdef";
const SOURCES: &str = r#"[{"content":"192.0.2.1","type":"ipaddr","priority":"20","port":80,"weight":"10"}]"#;

async fn add_domain(server: &Server, name: &str) {
    server.ok(VOD, "AddVodDomain", &[("DomainName", name), ("Sources", SOURCES), ("Scope", "overseas")]).await;
}

fn auth(kind: &str) -> String {
    let args = [("auth_type", kind), ("auth_key1", KEY), ("ali_auth_delta", "600")];
    let args: Vec<Value> = args.iter().map(|(name, value)| json!({"argName": name, "argValue": value})).collect();
    json!([{"functionName": "aliauth", "functionArgs": args}]).to_string()
}

async fn set_auth(server: &Server, domain: &str, kind: &str) {
    server.ok(VOD, "BatchSetVodDomainConfigs", &[("DomainNames", domain), ("Functions", &auth(kind))]).await;
}

/// Until when a URL is let in, in seconds from now.
fn lives(kind: &str, url: &str) -> i64 {
    let args = [("auth_type", kind), ("auth_key1", KEY), ("ali_auth_delta", "600")];
    let args: BTreeMap<_, _> = args.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let auth = UrlAuth::of_args(&args).unwrap().unwrap();
    let (_, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let path = format!("/{path}");
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    let claim = auth.claim(path, query).unwrap();
    auth.check(&claim, &[claim.path()], now()).unwrap().expires_unix_s() - now().unix_s()
}

#[tokio::test]
async fn a_domain_of_videos_is_added_listed_described_stopped_and_deleted() {
    let server = Server::new().await;
    add_domain(&server, "VOD.example.org").await;
    let again = [("DomainName", DOMAIN), ("Sources", SOURCES)];
    assert_eq!(server.refused(VOD, "AddVodDomain", &again).await, (400, "DomainAlreadyExist".into()));
    let taken = [("DomainName", PLAY), ("Sources", SOURCES)];
    assert_eq!(server.refused(VOD, "AddVodDomain", &taken).await, (400, "DomainAlreadyExist".into()));
    let time = now().to_iso8601();
    let source = json!({"Content": "192.0.2.1", "Port": 80, "Priority": "20", "Type": "ipaddr"});
    let listed = |status: &str| {
        json!({
            "Domains": {"PageData": [{
                "DomainName": DOMAIN, "DomainStatus": status, "GmtCreated": time, "GmtModified": time, "Sandbox": "normal",
                "Sources": {"Source": [source.clone()]}, "SslProtocol": "off",
            }]},
            "PageNumber": 1, "PageSize": 20, "TotalCount": 1,
        })
    };
    assert_eq!(server.ok(VOD, "DescribeVodUserDomains", &[]).await, listed("online"));
    let name = [("DomainName", DOMAIN)];
    let mut detailed = source.clone();
    detailed["Enabled"] = "online".into();
    detailed["Weight"] = "10".into();
    assert_eq!(
        server.ok(VOD, "DescribeVodDomainDetail", &name).await,
        json!({"DomainDetail": {
            "DomainName": DOMAIN, "DomainStatus": "online", "GmtCreated": time, "GmtModified": time, "Scope": "overseas",
            "SSLProtocol": "off", "Sources": {"Source": [detailed]},
        }})
    );
    // Neither side sees the other's.
    let live = server.ok(LIVE, "DescribeLiveUserDomains", &[("DomainName", "vod")]).await;
    assert_eq!(live["TotalCount"], 0);
    for (version, action, domain) in [
        (LIVE, "DescribeLiveDomainDetail", DOMAIN),
        (LIVE, "DeleteLiveDomain", DOMAIN),
        (LIVE, "StopLiveDomain", DOMAIN),
        (VOD, "DescribeVodDomainDetail", PLAY),
        (VOD, "DeleteVodDomain", PLAY),
    ] {
        let refused = server.refused(version, action, &[("DomainName", domain)]).await;
        assert_eq!(refused, (404, "InvalidDomain.NotFound".into()), "{action} {domain}");
    }
    let names = format!("{DOMAIN},other.example.org");
    let some = server.refused(VOD, "BatchStopVodDomain", &[("DomainNames", &names)]).await;
    assert_eq!(some, (404, "InvalidDomain.NotFound".into()));
    assert_eq!(server.ok(VOD, "DescribeVodUserDomains", &[]).await, listed("online"), "all or none");
    server.ok(VOD, "BatchStopVodDomain", &[("DomainNames", DOMAIN)]).await;
    assert_eq!(server.ok(VOD, "DescribeVodUserDomains", &[("DomainStatus", "offline")]).await, listed("offline"));
    server.ok(VOD, "BatchStartVodDomain", &[("DomainNames", DOMAIN)]).await;
    assert_eq!(server.ok(VOD, "DescribeVodUserDomains", &[]).await, listed("online"));
    server.ok(VOD, "DeleteVodDomain", &name).await;
    assert_eq!(server.ok(VOD, "DescribeVodUserDomains", &[]).await["TotalCount"], 0);
}

#[tokio::test]
async fn sources_that_are_none_are_refused() {
    let server = Server::empty().await;
    for sources in [
        "",
        "nonsense",
        "[]",
        r#"[{"content":"a","type":"elsewhere"}]"#,
        r#"[{"content":"","type":"domain"}]"#,
        r#"[{"content":"a","type":"domain","port":"70000"}]"#,
        r#"[{"content":"a","type":"domain","port":[]}]"#,
    ] {
        let refused = server.refused(VOD, "AddVodDomain", &[("DomainName", DOMAIN), ("Sources", sources)]).await;
        assert_eq!(refused.0, 400, "{sources}: {refused:?}");
    }
    let odd = server.refused(VOD, "AddVodDomain", &[("DomainName", "a b"), ("Sources", SOURCES)]).await;
    assert_eq!(odd, (400, "InvalidDomainName.Malformed".into()));
}

#[tokio::test]
async fn a_stopped_streaming_domain_is_offline_until_it_is_started() {
    let server = Server::new().await;
    let name = [("DomainName", PLAY)];
    for (action, status) in [("StopLiveDomain", "offline"), ("StartLiveDomain", "online")] {
        assert_eq!(server.ok(LIVE, action, &name).await, json!({}));
        let told = server.ok(LIVE, "DescribeLiveDomainDetail", &name).await;
        assert_eq!(told["DomainDetail"]["DomainStatus"], status);
        assert_eq!(server.catalog.resolve_push(support::PUSH).await.unwrap().is_some(), status == "online");
    }
}

#[tokio::test]
async fn functions_of_a_domain_of_videos_are_set_told_and_deleted_by_their_id() {
    let server = Server::new().await;
    add_domain(&server, DOMAIN).await;
    set_auth(&server, DOMAIN, "type_a").await;
    let lists = json!([
        {"functionName": "referer_white_list_set", "functionArgs": [
            {"argName": "refer_domain_allow_list", "argValue": "example.org,*.example.net"}, {"argName": "allow_empty", "argValue": "off"},
        ]},
        {"functionName": "ip_black_list_set", "functionArgs": [{"argName": "ip_list", "argValue": "192.0.2.0/24"}]},
    ]);
    server.ok(VOD, "BatchSetVodDomainConfigs", &[("DomainNames", DOMAIN), ("Functions", &lists.to_string())]).await;
    let asked = [("DomainName", DOMAIN), ("FunctionNames", "aliauth,referer_white_list_set,ip_black_list_set")];
    let told = server.ok(VOD, "DescribeVodDomainConfigs", &asked).await;
    let configs = told["DomainConfigs"]["DomainConfig"].as_array().unwrap().clone();
    let names: Vec<&str> = configs.iter().map(|config| config["FunctionName"].as_str().unwrap()).collect();
    assert_eq!(names, ["aliauth", "ip_black_list_set", "referer_white_list_set"]);
    let id = configs[1]["ConfigId"].as_str().unwrap();
    server.ok(VOD, "DeleteVodSpecificConfig", &[("DomainName", DOMAIN), ("ConfigId", id)]).await;
    let gone = server.refused(VOD, "DeleteVodSpecificConfig", &[("DomainName", DOMAIN), ("ConfigId", id)]).await;
    assert_eq!(gone, (404, "ConfigNotFound".into()));
    let told = server.ok(VOD, "DescribeVodDomainConfigs", &asked).await;
    assert_eq!(told["DomainConfigs"]["DomainConfig"].as_array().unwrap().len(), 2);
    for (domain, functions, code) in [
        (PLAY, auth("type_a"), (404, "InvalidDomain.NotFound")),
        (DOMAIN, auth("type_d"), (400, "InvalidParameter")),
        (DOMAIN, r#"[{"functionName":"ip_allow_list_set","functionArgs":[]}]"#.into(), (400, "InvalidParameter")),
    ] {
        let refused = server
            .refused(VOD, "BatchSetVodDomainConfigs", &[("DomainNames", domain), ("Functions", &functions)])
            .await;
        assert_eq!(refused, (code.0, code.1.to_owned()), "{functions}");
    }
}

#[tokio::test]
async fn urls_are_signed_for_as_long_as_is_asked_where_the_domain_wants_it() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let play_url = async |params: &[(&str, &str)]| {
        let params = [&[("VideoId", video.as_str())], params].concat();
        let told = server.ok(VOD, "GetPlayInfo", &params).await;
        told["PlayInfoList"]["PlayInfo"][0]["PlayURL"].as_str().unwrap().to_owned()
    };
    let plain = format!("http://{DOMAIN}:8080/v/{video}/source.mp4");
    add_domain(&server, DOMAIN).await;
    assert_eq!(play_url(&[("AuthTimeout", "60")]).await, plain);
    for (kind, late) in [("type_a", 0), ("type_b", 59), ("type_c", 0)] {
        set_auth(&server, DOMAIN, kind).await;
        for (params, seconds) in [(&[][..], 600), (&[("AuthTimeout", "60")], 60), (&[("AuthTimeout", "7200")], 7_200)] {
            let url = play_url(params).await;
            assert_ne!(url, plain);
            assert!((seconds..=seconds + late).contains(&lives(kind, &url)), "{kind} {url}");
        }
        let told = server.ok(VOD, "GetMezzanineInfo", &[("VideoId", &video)]).await;
        let url = told["Mezzanine"]["FileURL"].as_str().unwrap();
        assert!((3_600..=3_600 + late).contains(&lives(kind, url)), "{kind} {url}");
    }
    set_auth(&server, DOMAIN, "no_auth").await;
    assert_eq!(play_url(&[]).await, plain);
    let refused = server.refused(VOD, "GetPlayInfo", &[("VideoId", &video), ("AuthTimeout", "0")]).await;
    assert_eq!(refused, (400, "InvalidParameter".into()));
}

#[tokio::test]
async fn urls_have_the_host_of_a_domain_that_has_to_be_asked() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let host = async || {
        let told = server.ok(VOD, "GetPlayInfo", &[("VideoId", &video)]).await;
        let url = told["PlayInfoList"]["PlayInfo"][0]["PlayURL"].as_str().unwrap().to_owned();
        url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned()
    };
    assert_eq!(host().await, format!("{DOMAIN}:8080"), "where the server is reached");
    add_domain(&server, "b.example.org").await;
    add_domain(&server, "a.example.org").await;
    assert_eq!(host().await, format!("{DOMAIN}:8080"), "those that were only added may lead nowhere");
    let both = [("DomainNames", "a.example.org,b.example.org"), ("Functions", &auth("type_a"))];
    server.ok(VOD, "BatchSetVodDomainConfigs", &both).await;
    assert_eq!(host().await, "a.example.org:8080", "of those that are as old the first by name");
    server.ok(VOD, "BatchStopVodDomain", &[("DomainNames", "a.example.org")]).await;
    assert_eq!(host().await, "b.example.org:8080");
    server
        .ok(VOD, "BatchSetVodDomainConfigs", &[("DomainNames", "b.example.org"), ("Functions", &auth("no_auth"))])
        .await;
    assert_eq!(host().await, format!("{DOMAIN}:8080"), "nothing is asked for");
    add_domain(&server, DOMAIN).await;
    assert_eq!(host().await, format!("{DOMAIN}:8080"), "where the server is reached is such a domain");
}

#[tokio::test]
async fn a_signed_url_is_checked_on_request() {
    let server = Server::new().await;
    let check = async |url: &str| {
        let told = server.ok(LIVE, "DescribeLiveStreamAuthChecking", &[("DomainName", PLAY), ("Url", url)]).await;
        assert!(!told["Description"].as_str().unwrap().is_empty());
        told["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!(check("rtmp://play.example.org/cup/a").await, "pass", "nothing is asked for");
    server.ok(LIVE, "BatchSetLiveDomainConfigs", &[("DomainNames", PLAY), ("Functions", &auth("type_a"))]).await;
    let args = [("auth_type", "type_a"), ("auth_key1", KEY), ("ali_auth_delta", "600")];
    let args: BTreeMap<_, _> = args.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let signer = UrlAuth::of_args(&args).unwrap().unwrap();
    let signed = |until: WallTime| format!("rtmp://play.example.org{}", signer.until(until).url("/cup/a"));
    assert_eq!(check(&signed(now())).await, "pass");
    assert_eq!(check(&signed(WallTime::from_unix_s(now().unix_s() - 1))).await, "false");
    assert_eq!(check("rtmp://play.example.org/cup/a").await, "false");
    let no_url = [("DomainName", PLAY), ("Url", "no url")];
    assert_eq!(server.refused(LIVE, "DescribeLiveStreamAuthChecking", &no_url).await, (400, "InvalidParameter".into()));
}

/// What a player makes of the envelope: its keys.
struct Keys {
    id: String,
    secret: String,
    token: String,
}

async fn keys(server: &Server, video: &str, seconds: &str) -> Keys {
    let told = server.ok(VOD, "GetVideoPlayAuth", &[("VideoId", video), ("AuthInfoTimeout", seconds)]).await;
    assert_eq!(told["VideoMeta"]["VideoId"], video);
    assert!(told["VideoMeta"]["Duration"].is_f64());
    let envelope: Value =
        serde_json::from_slice(&STANDARD.decode(told["PlayAuth"].as_str().unwrap()).unwrap()).unwrap();
    let text = |name: &str| envelope[name].as_str().unwrap().to_owned();
    assert_eq!(envelope["VideoMeta"], told["VideoMeta"]);
    assert_eq!(text("PlayDomain"), "vod.example.org");
    Keys { id: text("AccessKeyId"), secret: text("AccessKeySecret"), token: text("SecurityToken") }
}

/// A call that is signed with these keys.
async fn call(server: &Server, keys: &Keys, version: &str, action: &str, params: &[(&str, &str)]) -> (u16, Value) {
    let own = [("AccessKeyId", keys.id.as_str()), ("SecurityToken", &keys.token)];
    let params = server.params(version, action, &[params, &own].concat());
    server.get(&rpc::signed_query("GET", &params, &keys.secret)).await
}

#[tokio::test]
async fn a_player_asks_for_its_one_video_with_temporary_keys_and_for_nothing_else() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let other = server.recorded("cup", "court2", AssetStatus::Normal).await.to_string();
    let keys = keys(&server, &video, "100").await;
    let (status, told) =
        call(&server, &keys, VOD, "GetPlayInfo", &[("VideoId", &video), ("AuthInfo", "{}"), ("Formats", "mp4")]).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["PlayInfoList"]["PlayInfo"][0]["Format"], "mp4");
    for (version, action, params) in [
        (VOD, "GetPlayInfo", vec![("VideoId", other.as_str())]),
        (VOD, "GetPlayInfo", vec![("VideoId", "nonsense")]),
        (VOD, "GetPlayInfo", vec![("ReferenceId", "mine")]),
        (VOD, "GetPlayInfo", vec![("VideoId", video.as_str()), ("ReferenceId", "mine")]),
        (VOD, "GetPlayInfo", vec![]),
        (VOD, "GetVideoInfo", vec![("VideoId", video.as_str())]),
        (VOD, "GetVideoPlayAuth", vec![("VideoId", video.as_str())]),
        (VOD, "DeleteVideo", vec![("VideoIds", video.as_str())]),
        (LIVE, "DescribeLiveUserDomains", vec![]),
    ] {
        let (status, told) = call(&server, &keys, version, action, &params).await;
        assert_eq!((status, told["Code"].as_str()), (403, Some("Forbidden.RAM")), "{action} {params:?}");
    }
}

#[tokio::test]
async fn temporary_keys_are_believed_whole_with_their_token_and_in_their_time_only() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let good = keys(&server, &video, "100").await;
    let second = keys(&server, &video, "100").await;
    let with = |id: &str, secret: &str, token: &str| Keys { id: id.into(), secret: secret.into(), token: token.into() };
    let late = {
        let issuer = rpc::play_auth::Issuer::new(support::KEY_SECRET);
        let key = issuer.issue("late", &video, WallTime::from_unix_s(now().unix_s() - 1));
        with(&key.access_key_id, &key.access_key_secret, &key.security_token)
    };
    for (keys, code) in [
        (with(&good.id, &good.secret, ""), "MissingSecurityToken"),
        (with(&good.id, &good.secret, "x"), "InvalidSecurityToken.Malformed"),
        (with(&good.id, &good.secret, &format!("{}0", good.token)), "InvalidSecurityToken.Malformed"),
        (with(&good.id, &good.secret, &second.token), "InvalidSecurityToken.MismatchWithAccessKey"),
        (with(&good.id, &second.secret, &good.token), "SignatureDoesNotMatch"),
        (late, "InvalidSecurityToken.Expired"),
        (with(support::KEY_ID, support::KEY_SECRET, &good.token), "InvalidSecurityToken.MismatchWithAccessKey"),
    ] {
        let (status, told) = call(&server, &keys, VOD, "GetPlayInfo", &[("VideoId", &video)]).await;
        assert_eq!((status, told["Code"].as_str()), (400, Some(code)));
    }
    // Spent once, like that of any request.
    let own = [("AccessKeyId", good.id.as_str()), ("SecurityToken", &good.token), ("VideoId", &video)];
    let query = rpc::signed_query("GET", &server.params(VOD, "GetPlayInfo", &own), &good.secret);
    assert_eq!(server.get(&query).await.0, 200);
    assert_eq!(server.get(&query).await.1["Code"], "SignatureNonceUsed");
    for seconds in ["99", "3001"] {
        let refused =
            server.refused(VOD, "GetVideoPlayAuth", &[("VideoId", &video), ("AuthInfoTimeout", seconds)]).await;
        assert_eq!(refused, (400, "InvalidParameter".into()));
    }
    let stored = server.recorded("cup", "court3", AssetStatus::UploadSucc).await.to_string();
    let refused = server.refused(VOD, "GetVideoPlayAuth", &[("VideoId", &stored)]).await;
    assert_eq!(refused, (403, "Forbidden.IllegalStatus".into()));
}

#[tokio::test]
async fn a_page_of_any_site_can_read_the_answer() {
    let server = Server::with(Settings::default(), now).await;
    let request = Request::get("/").body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(server.router.clone(), request).await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
}
