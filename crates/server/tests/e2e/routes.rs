//! Nothing private is reachable without a signature: every route and every operation is tried.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::{Client, Method, Response};
use testkit::server::Server;
use units::WallTime;

use crate::support::{PLAY_DOMAIN, reprise};

/// Stands in every name that somebody may not learn.
const PRIVATE: &str = "private-mark";
/// The key of the domains' signatures.
const KEY: &str = "privatemarkkey12";

/// What is asked of a route by somebody without a signature.
enum Rule {
    /// It answers everybody, and tells nothing of what is stored.
    Open,
    /// It is a page, or leads to one, which only who is signed in can fill.
    Page,
    /// It answers nobody.
    Signed,
    /// It answers nobody where the domain asks for signatures (docs/guide/running.md, "Who may watch").
    Guarded,
}

/// Every route of the server, each with a path that fits it.
const ROUTES: &[(&str, &str, Rule)] = &[
    ("/", "/", Rule::Signed),
    ("/{BUCKET}/{{*key}}", "/reprise/0123/source.mp4", Rule::Signed),
    ("/edge/feed", "/edge/feed", Rule::Signed),
    ("/console", "/console", Rule::Page),
    ("/console/", "/console/", Rule::Page),
    ("/console/favicon.svg", "/console/favicon.svg", Rule::Page),
    ("/console/assets/{file}", "/console/assets/private-mark.js", Rule::Page),
    ("/console/session", "/console/session", Rule::Signed),
    ("/console/setup", "/console/setup", Rule::Signed),
    ("/console/password", "/console/password", Rule::Signed),
    ("/console/call", "/console/call", Rule::Signed),
    ("/console/feed", "/console/feed", Rule::Signed),
    ("/livez", "/livez", Rule::Open),
    ("/readyz", "/readyz", Rule::Open),
    ("/metrics", "/metrics", Rule::Open),
    ("/v/{asset}/{name}", "/v/0123456789abcdef0123456789abcdef/source.mp4", Rule::Guarded),
    ("/v/{asset}/{output}/{name}", "/v/0123456789abcdef0123456789abcdef/source/1.m4s", Rule::Guarded),
    ("/l/{domain}/{app}/{file}", "/l/play.localhost/private-mark/a.m3u8", Rule::Guarded),
    ("/l/{domain}/{app}/{stream}/low.m3u8", "/l/play.localhost/private-mark/a/low.m3u8", Rule::Guarded),
    ("/l/{domain}/{app}/{stream}/{recording}/{name}", "/l/play.localhost/private-mark/a/0123/1.m4s", Rule::Guarded),
];

/// The routes that the sources declare.
fn declared() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("src")).collect();
    // Servers of tests are not the server.
    folders.retain(|folder| folder.is_dir() && !folder.starts_with(crates.join("testkit")));
    let (mut found, mut sources, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            folders.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // Modules of tests alone, in files of their own.
            let modules = text.split("#[cfg(test)]\nmod ").skip(1).filter_map(|rest| rest.split([';', ' ']).next());
            tests.extend(modules.map(|name| path.with_extension("").join(format!("{name}.rs"))));
            sources.push((path, text));
        }
    }
    for (path, text) in sources {
        if !tests.contains(&path) {
            for part in text.split(".route(").skip(1) {
                let path = part.split('"').nth(1).unwrap_or_default();
                found.push(path.to_owned());
            }
        }
    }
    found.sort();
    // An edge has some of the server's.
    found.dedup();
    found
}

#[test]
fn every_route_has_a_rule() {
    let mut known: Vec<_> = ROUTES.iter().map(|(route, ..)| (*route).to_owned()).collect();
    known.sort();
    assert_eq!(declared(), known, "a route is to stand in the table above with what it asks of strangers");
}

async fn text_of(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let headers = format!("{:?}", response.headers());
    (status, format!("{headers}\n{}", response.text().await.unwrap()))
}

#[tokio::test]
async fn nobody_without_a_signature_learns_anything() {
    // Who asks so often without a signature would soon be refused for that.
    let server = Server::start_with(
        reprise(),
        &[("REPRISE_AUTH__FAILURES_PER_MINUTE", "0"), ("REPRISE_EDGE__SECRET", "private-mark-0123456789")],
    )
    .await
    .unwrap();
    let api = server.api();
    let host = server.http_url("").replace("http://", "");
    let host = host.split(':').next().unwrap();
    api.vod("AddCategory", &[("CateName", PRIVATE)]).await.unwrap();
    let upload = [("Title", PRIVATE), ("FileName", "a.mp4")];
    let video = api.vod("CreateUploadVideo", &upload).await.unwrap()["VideoId"].as_str().unwrap().to_owned();
    api.vod("CreateAccessKey", &[("Role", "viewer"), ("UserName", PRIVATE)]).await.unwrap();
    let sources = r#"[{"content":"origin.example.org","type":"domain","priority":"20","port":80}]"#;
    api.vod("AddVodDomain", &[("DomainName", host), ("Sources", sources)]).await.unwrap();
    let functions = r#"[{"functionName":"aliauth","functionArgs":[{"argName":"auth_type","argValue":"type_a"},
        {"argName":"auth_key1","argValue":"privatemarkkey12"}]}]"#;
    let params = |domain| [("DomainNames", domain), ("Functions", functions)];
    api.vod("BatchSetVodDomainConfigs", &params(host)).await.unwrap();
    api.live("BatchSetLiveDomainConfigs", &params(PLAY_DOMAIN)).await.unwrap();
    ask_every_route(&server, &video).await;
    ask_every_operation(&server).await;
}

/// Every route, by every method, without and with what looks like a signature.
async fn ask_every_route(server: &Server, video: &str) {
    let client = Client::new();
    let methods =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
    for (route, path, rule) in ROUTES {
        let path = path.replace("0123456789abcdef0123456789abcdef", video);
        for method in &methods {
            for query in ["", "?auth_key=1-0-0-0123456789abcdef0123456789abcdef", "?Signature=x&AccessKeyId=testkit-id"]
            {
                let url = server.http_url(&format!("{path}{query}"));
                let (status, text) = text_of(client.request(method.clone(), &url).send().await.unwrap()).await;
                let place = format!("{method} {route}{query}: {status} {text}");
                assert!(!text.contains(PRIVATE) && !text.contains(KEY) && status < 500, "{place}");
                let answered = (200..300).contains(&status);
                match rule {
                    Rule::Open => assert!(answered || status == 405, "{place}"),
                    Rule::Page => assert!(answered || matches!(status, 303 | 403 | 404 | 405), "{place}"),
                    Rule::Signed => assert!(!answered, "{place}"),
                    // Any site may ask what it may ask.
                    Rule::Guarded if *method == Method::OPTIONS => assert_eq!(status, 204, "{place}"),
                    Rule::Guarded => assert!(matches!(status, 403 | 405), "{place}"),
                }
            }
        }
    }
}

/// Every operation, in every way of naming it, without a signature and with wrong ones.
async fn ask_every_operation(server: &Server) {
    let client = Client::new();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = WallTime::from_unix_s(i64::try_from(since).unwrap()).to_iso8601();
    for operation in api::operations::OPERATIONS {
        let (name, version) = (operation.declaration.name, operation.declaration.service.version());
        let unsigned = format!("Action={name}&Version={version}&Format=JSON&SignatureNonce={name}&Timestamp={time}");
        let named = format!("{unsigned}&AccessKeyId=testkit-id&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0");
        let acs3 = "ACS3-HMAC-SHA256 Credential=testkit-id,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;\
             x-acs-signature-nonce;x-acs-version,Signature=00";
        let requests = [
            client.get(server.http_url(&format!("/?{unsigned}"))),
            client.get(server.http_url(&format!("/?{named}&Signature="))),
            client.get(server.http_url(&format!("/?{named}&Signature=AAAA"))),
            client
                .post(server.http_url("/"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(format!("{named}&Signature=AAAA")),
            client
                .post(server.http_url("/"))
                .header("x-acs-action", name)
                .header("x-acs-version", version)
                .header("x-acs-date", &time)
                .header("x-acs-signature-nonce", name)
                .header("x-acs-content-sha256", "00")
                .header("authorization", acs3),
            client.post(server.http_url("/")).header("x-acs-action", name).header("x-acs-version", version),
        ];
        for (nth, request) in requests.into_iter().enumerate() {
            let (status, text) = text_of(request.send().await.unwrap()).await;
            let refused = ["MissingParameter", "SignatureDoesNotMatch"].iter().any(|code| text.contains(code));
            assert!(status == 400 && refused && !text.contains(PRIVATE), "{name} {nth}: {status} {text}");
        }
    }
}
