//! The web console as a browser uses it: the setup link, passwords, sessions, calls and the feed.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use anyhow::{Context, bail};
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};
use testkit::browser::use_console;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push};
use testkit::server::{Server, until};
use tokio::io::AsyncWriteExt;

use crate::support::{PLAY_DOMAIN, SOON, reprise};

const PASSWORD: &str = "correct horse";

/// A browser with one page of the console.
struct Browser {
    base: String,
    client: Client,
    cookie: Option<String>,
}

/// What a request was answered.
#[derive(Debug)]
struct Told {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Browser {
    fn new(server: &Server) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { base: server.http_url(""), client, cookie: None }
    }

    /// What a page of the console asks.
    async fn ask(&mut self, method: Method, path: &str, body: Value) -> Told {
        let origin = self.base.clone();
        self.ask_with(method, path, body, &[("x-reprise-console", "1"), ("origin", &origin)]).await
    }

    async fn ask_with(&mut self, method: Method, path: &str, body: Value, headers: &[(&str, &str)]) -> Told {
        let mut request = self.client.request(method, format!("{}/console/{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let response = request.body(body.to_string()).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(set) = headers.get(SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        let text = response.text().await.unwrap();
        Told { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    async fn set_up(&mut self, token: &str, password: &str) -> Told {
        self.ask(Method::POST, "setup", json!({ "Token": token, "Password": password })).await
    }

    async fn sign_in(&mut self, user: &str, password: &str) -> Told {
        self.ask(Method::POST, "session", json!({ "User": user, "Password": password })).await
    }

    async fn who(&mut self) -> Told {
        self.ask(Method::GET, "session", Value::Null).await
    }

    /// Calls an operation of the VOD service.
    async fn call(&mut self, action: &str, params: Value) -> Told {
        self.ask(Method::POST, "call", json!({ "Service": "Vod", "Action": action, "Params": params })).await
    }
}

fn is(told: &Told, status: u16, code: &str) -> bool {
    (told.status.as_u16(), told.body["Code"].as_str().unwrap_or_default()) == (status, code)
}

/// The token of the link that the server printed last.
fn printed_token(server: &Server) -> Option<String> {
    let log = server.log();
    let line = log.lines().rfind(|line| line.trim_start().starts_with("console "))?;
    line.split("#/setup?token=").nth(1).map(str::to_owned)
}

/// A server whose console is set up, and a browser of its administrator.
async fn set_up() -> (Server, Browser) {
    let server = Server::start(reprise()).await.unwrap();
    let mut browser = Browser::new(&server);
    let told = browser.set_up(&printed_token(&server).unwrap(), PASSWORD).await;
    assert_eq!(told.status, 204, "{told:?}");
    (server, browser)
}

#[tokio::test]
async fn chromium_uses_the_console_from_the_first_password_to_every_screen() {
    let server = Server::start(reprise()).await.unwrap();
    let rtmp = server.rtmp().unwrap().to_string();
    let steps = use_console(&server.http_url(""), &printed_token(&server).unwrap(), &rtmp).await.unwrap();
    // Ever more of them: a step that is left out is missed.
    assert!(steps.len() >= 121, "{} steps: {steps:#?}", steps.len());
}

#[tokio::test]
async fn the_printed_link_sets_the_first_password_once() {
    let mut server = Server::start(reprise()).await.unwrap();
    let (mut browser, kept) = (Browser::new(&server), server.data().join("console-setup"));
    let token = printed_token(&server).unwrap();
    assert!(server.log().contains(&format!("{}/console/#/setup?token={token}", server.http_url(""))));
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let told = browser.who().await;
    assert!(is(&told, 401, "NotSignedIn") && told.body["SetUp"] == true, "{told:?}");
    // The same link holds until somebody has used it.
    server.stop().await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(printed_token(&server).as_ref(), Some(&token));

    assert!(is(&browser.set_up("wrong", PASSWORD).await, 403, "WrongToken"));
    assert!(is(&browser.set_up("", PASSWORD).await, 403, "WrongToken"));
    assert!(is(&browser.set_up(&token, "too short").await, 400, "InvalidPassword"));
    let told = browser.set_up(&token, PASSWORD).await;
    assert_eq!(told.status, 204, "{told:?}");
    let cookie = told.headers[SET_COOKIE].to_str().unwrap();
    for part in ["reprise_session=", "; Path=/console", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !kept.exists(), "{cookie}");
    let told = browser.who().await;
    assert_eq!(told.body, json!({ "User": "admin", "Role": "admin", "Version": env!("CARGO_PKG_VERSION") }));
    assert!(is(&Browser::new(&server).set_up(&token, PASSWORD).await, 409, "SetUpAlready"));

    server.stop().await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(printed_token(&server), None, "nothing is set up twice");
    assert_eq!(browser.who().await.status, 200, "sessions survive a restart");
    let session = browser.cookie.clone().unwrap();
    let session = session.split('=').nth(1).unwrap();
    let log = server.log();
    assert!(!log.contains(session) && !log.contains(PASSWORD));
}

#[tokio::test]
async fn a_user_signs_in_and_out_and_calls_what_everybody_may_call() {
    let (server, mut browser) = set_up().await;
    let told = browser.call("AddCategory", json!({ "CateName": "matches", "Extra": "ignored" })).await;
    assert!(
        told.status == 200 && told.body["RequestId"].is_string() && told.body["Category"]["CateId"].is_i64(),
        "{told:?}"
    );
    assert!(!told.headers.contains_key("access-control-allow-origin"), "{told:?}");
    // Refusals are those of the public API, with their status.
    assert!(is(&browser.call("AddCategory", json!({})).await, 400, "MissingParameter"));
    assert!(is(&browser.call("GetVideoInfo", json!({ "VideoId": "none" })).await, 404, "InvalidVideo.NotFound"));
    assert!(is(&browser.call("NoSuchThing", json!({})).await, 404, "InvalidAction.NotFound"));
    let told = browser.ask(Method::POST, "call", json!({ "Service": "Ecs", "Action": "x" })).await;
    assert!(is(&told, 400, "InvalidVersion"), "{told:?}");
    for wrong in
        [json!({}), json!({ "Service": "Vod", "Action": "SearchMedia", "Params": { "PageNo": 1 } }), Value::Null]
    {
        assert!(is(&browser.ask(Method::POST, "call", wrong.clone()).await, 400, "InvalidRequest"), "{wrong}");
    }
    let told = server.api().vod("ListAuditEvents", &[("UserAccessKeyId", "console:admin")]).await.unwrap();
    let names: Vec<_> = told["AuditEventList"].as_array().unwrap().iter().map(|event| &event["EventName"]).collect();
    assert_eq!(names, ["AddCategory", "AddCategory"], "{told}");
    assert_eq!(told["AuditEventList"][1]["Role"], "admin");

    let old = browser.cookie.clone();
    assert_eq!(browser.ask(Method::DELETE, "session", Value::Null).await.status, 204);
    assert_eq!(browser.cookie, None);
    browser.cookie = old;
    assert!(is(&browser.who().await, 401, "NotSignedIn"), "who signed out is out");
    assert!(is(&browser.call("ListJobs", json!({})).await, 401, "NotSignedIn"));
    let told = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(told.status, 204, "{told:?}");
    assert_eq!(browser.call("ListJobs", json!({})).await.status, 200);
}

#[tokio::test]
async fn nothing_that_another_site_caused_is_done_and_pages_load_nothing_from_elsewhere() {
    let (server, mut browser) = set_up().await;
    let origin = server.http_url("");
    let call = json!({ "Service": "Vod", "Action": "AddCategory", "Params": { "CateName": "evil" } });
    for headers in [
        &[][..],
        &[("origin", origin.as_str())],
        &[("x-reprise-console", "1"), ("origin", "http://evil.example.org")],
        &[("x-reprise-console", "1"), ("origin", "null")],
    ] {
        for (method, path) in [(Method::POST, "call"), (Method::POST, "session"), (Method::DELETE, "session")] {
            let told = browser.ask_with(method, path, call.clone(), headers).await;
            assert!(is(&told, 403, "CrossSite"), "{headers:?} {told:?}");
        }
    }
    let told = browser.call("GetCategories", json!({})).await;
    assert!(told.status == 200 && !told.body.to_string().contains("evil"), "{told:?}");

    let domain = [
        ("DomainName", "vod.example.org"),
        ("Sources", r#"[{"content":"a.example.org","type":"domain","priority":"20","port":80}]"#),
    ];
    server.api().vod("AddVodDomain", &domain).await.unwrap();
    // The list of hosts is looked up every few seconds.
    let look = || async {
        let answer = reqwest::get(server.http_url("/console/")).await?;
        let policy = answer.headers()["content-security-policy"].to_str()?.to_owned();
        if !policy.contains(" vod.example.org:*") {
            bail!("{policy}");
        }
        Ok((answer, policy))
    };
    let (answer, policy) = until(SOON, look).await.unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains(&format!(" {PLAY_DOMAIN}:*")), "{policy}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((header("x-content-type-options"), header("referrer-policy")), ("nosniff".into(), "no-referrer".into()));
    assert_eq!(
        (header("cache-control"), header("content-type")),
        ("no-cache".into(), "text/html;charset=utf-8".into())
    );
    assert!(answer.text().await.unwrap().contains("<title>Reprise"));
    assert!(browser.who().await.headers.contains_key("content-security-policy"));

    let ask =
        |accept: &'static str, path: &str| browser.client.get(server.http_url(path)).header("accept", accept).send();
    let led = ask("text/html,*/*", "/").await.unwrap();
    assert_eq!((led.status(), &led.headers()["location"]), (StatusCode::SEE_OTHER, &"/console/".parse().unwrap()));
    assert_eq!(ask("*/*", "/").await.unwrap().status(), 400, "programs ask the API");
    assert_eq!(ask("text/html", "/?Action=x").await.unwrap().status(), 400);
    assert_eq!(ask("text/html", "/console").await.unwrap().status(), 303);
}

#[tokio::test]
async fn users_may_what_their_role_says_and_feel_changes_at_once() {
    let (server, mut admin) = set_up().await;
    let user = json!({ "UserName": "ward", "Password": "another one", "Role": "viewer" });
    assert_eq!(admin.call("CreateConsoleUser", user.clone()).await.status, 200);
    assert!(is(&admin.call("CreateConsoleUser", user).await, 409, "EntityAlreadyExists.User"));
    let mut viewer = Browser::new(&server);
    assert_eq!(viewer.sign_in("ward", "another one").await.status, 204);
    assert_eq!(viewer.who().await.body["Role"], "viewer");
    assert_eq!(viewer.call("GetServerStatus", json!({})).await.status, 200);
    for (action, params) in
        [("AddCategory", json!({ "CateName": "a" })), ("ListConsoleUsers", json!({})), ("ListAccessKeys", json!({}))]
    {
        let told = viewer.call(action, params).await;
        assert!(is(&told, 403, "Forbidden.RAM"), "{told:?}");
        assert!(told.body["Message"].as_str().unwrap().starts_with("The user has the role viewer"), "{told:?}");
    }
    assert_eq!(admin.call("UpdateConsoleUser", json!({ "UserName": "ward", "Role": "operator" })).await.status, 200);
    assert_eq!(viewer.call("AddCategory", json!({ "CateName": "a" })).await.status, 200, "a new role holds at once");
    let change = json!({ "UserName": "ward", "Password": "a third one" });
    assert_eq!(admin.call("UpdateConsoleUser", change).await.status, 200);
    assert!(is(&viewer.who().await, 401, "NotSignedIn"), "a new password signs out");
    assert!(is(&viewer.sign_in("ward", "another one").await, 401, "WrongPassword"));
    assert_eq!(viewer.sign_in("ward", "a third one").await.status, 204);
    let listed = admin.call("ListConsoleUsers", json!({})).await.body;
    assert_eq!(listed["ConsoleUsers"][1]["UserName"], "ward", "{listed}");
    assert!(!listed.to_string().contains("argon2"), "{listed}");
    assert_eq!(admin.call("DeleteConsoleUser", json!({ "UserName": "ward" })).await.status, 200);
    assert!(is(&viewer.who().await, 401, "NotSignedIn"), "who is deleted is out");
    let told = server.api().vod("ListAuditEvents", &[("EventName", "CreateConsoleUser")]).await.unwrap();
    assert!(
        told.to_string().contains(r#"\"Password\":\"***\""#) && !told.to_string().contains("another one"),
        "{told}"
    );
}

#[tokio::test]
async fn who_changes_his_password_stays_in_and_is_signed_out_elsewhere() {
    let (server, mut here) = set_up().await;
    let mut elsewhere = Browser::new(&server);
    assert_eq!(elsewhere.sign_in("admin", PASSWORD).await.status, 204);
    let mut nobody = Browser::new(&server);
    let change = |old: &str, new: &str| json!({ "OldPassword": old, "Password": new });
    assert!(is(&nobody.ask(Method::PUT, "password", change(PASSWORD, "a longer one")).await, 401, "NotSignedIn"));
    assert!(is(&here.ask(Method::PUT, "password", change("wrong", "a longer one")).await, 403, "WrongPassword"));
    assert!(is(&here.ask(Method::PUT, "password", change(PASSWORD, "short")).await, 400, "InvalidPassword"));
    let foreign = [("x-reprise-console", "1"), ("origin", "https://evil.example")];
    let told = here.ask_with(Method::PUT, "password", change(PASSWORD, "a longer one"), &foreign).await;
    assert!(is(&told, 403, "CrossSite"), "{told:?}");
    assert_eq!(elsewhere.who().await.status, 200, "nothing has changed so far");
    let told = here.ask(Method::PUT, "password", change(PASSWORD, "a longer one")).await;
    assert_eq!(told.status, 204, "{told:?}");
    assert_eq!(here.who().await.status, 200);
    assert!(is(&elsewhere.who().await, 401, "NotSignedIn"));
    assert!(is(&elsewhere.sign_in("admin", PASSWORD).await, 401, "WrongPassword"));
    assert_eq!(elsewhere.sign_in("admin", "a longer one").await.status, 204);
    // Guesses are counted with those at the sign-in, where they let nobody in either.
    let mut refusals = Vec::new();
    for _ in 0..5 {
        let told = here.ask(Method::PUT, "password", change("wrong", "another one")).await;
        refusals.push(told.body["Code"].as_str().unwrap().to_owned());
    }
    assert!(refusals[0] == "WrongPassword" && refusals[4] == "TooManyAttempts", "{refusals:?}");
    assert!(is(&elsewhere.sign_in("admin", "a longer one").await, 429, "TooManyAttempts"));
    assert!(!server.log().contains("a longer one"));
}

#[tokio::test]
async fn who_guesses_passwords_has_to_wait() {
    let (server, mut admin) = set_up().await;
    let mut guesser = Browser::new(&server);
    for user in ["admin", "nobody"] {
        let mut refusals = Vec::new();
        for attempt in 0..7 {
            let told = guesser.sign_in(user, &format!("guess number {attempt}")).await;
            refusals.push(told.body["Code"].as_str().unwrap().to_owned());
        }
        assert_eq!(refusals[..5], ["WrongPassword"; 5], "{user}");
        assert_eq!(refusals[6], "TooManyAttempts", "{user}");
    }
    let told = guesser.sign_in("admin", PASSWORD).await;
    assert!(is(&told, 429, "TooManyAttempts") && told.headers.contains_key("retry-after"), "{told:?}");
    assert_eq!(admin.who().await.status, 200, "who is signed in stays so");
}

/// The health of a stream, when it is as wanted.
async fn healthy(server: &Server, app: &str, stream: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = || async {
        let params = [("DomainName", PLAY_DOMAIN), ("AppName", app), ("StreamName", stream)];
        let health = server.api().vod("GetLiveStreamHealth", &params).await?["Health"].clone();
        if !wanted(&health) {
            bail!("{health}");
        }
        Ok(health)
    };
    until(SOON * 2, look).await.unwrap()
}

#[tokio::test]
async fn the_test_stream_is_seen_recorded_and_becomes_the_video_that_was_announced() {
    let (server, mut browser) = set_up().await;
    // The first rule waits three minutes for a publisher.
    let rule = [("DomainName", PLAY_DOMAIN), ("AppName", "*"), ("StreamName", "*"), ("DelayTime", "1")];
    server.api().live("UpdateLiveRecordVodConfig", &rule).await.unwrap();
    let started = browser.call("StartTestStream", json!({ "AppName": "first", "StreamName": "steps" })).await;
    assert_eq!(started.status, 200, "{started:?}");
    // Rates are told with the report after the first key frames.
    let is_told =
        |health: &Value| health["DurableSeconds"].as_f64() > Some(0.0) && health["KeyFrameIntervalMs"] == 2_000;
    let health = healthy(&server, "first", "steps", is_told).await;
    let told = ["Online", "RecordingState", "VideoCodec", "AudioCodec", "Width", "DroppedFrames", "RuleId"];
    let wanted = json!([true, "Live", "h264", "aac", 1280, 0, format!("{PLAY_DOMAIN}/*/*")]);
    assert_eq!(json!(told.map(|name| &health[name])), wanted, "{health}");
    assert!(health["DurableBytes"].as_u64() > Some(100_000) && health["BitrateKbps"].as_u64() > Some(200), "{health}");
    let playlist = reqwest::get(health["PlaybackUrl"].as_str().unwrap()).await.unwrap();
    assert!(playlist.text().await.unwrap().starts_with("#EXTM3U"));
    let status = browser.call("GetServerStatus", json!({})).await.body;
    assert_eq!(status["LiveStreams"], 1, "{status}");
    assert!(status["HoursLeft"].as_f64() > Some(0.0) && status["DiskFreeBytes"].as_u64() > Some(0), "{status}");

    assert_eq!(browser.call("StopTestStream", json!({})).await.status, 200);
    let gone =
        healthy(&server, "first", "steps", |health| health["Online"] == false && health["RecordingId"].is_null());
    gone.await;
    let params = json!({ "VideoId": health["GrowingVideoId"] });
    let video = browser.call("GetVideoInfo", params).await;
    assert_eq!(video.status, 200, "{video:?}");
}

#[tokio::test]
async fn an_address_that_is_told_lets_its_publisher_in_where_the_domain_asks_for_a_signature() {
    let server = Server::start(reprise()).await.unwrap();
    let functions = r#"[{"functionName":"aliauth","functionArgs":[{"argName":"auth_type","argValue":"type_a"},
        {"argName":"auth_key1","argValue":"Hidden0Secret012"}]}]"#;
    let config = [("DomainNames", PLAY_DOMAIN), ("Functions", functions)];
    server.api().live("BatchSetLiveDomainConfigs", &config).await.unwrap();
    let params = [("DomainName", PLAY_DOMAIN), ("AppName", "signed"), ("StreamName", "s")];
    let told = server.api().vod("GetPushAddress", &params).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 16, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, told["PushUrl"].as_str().unwrap(), Pace::Times(1.0)).unwrap();
    let health = healthy(&server, "signed", "s", |health| health["DurableSeconds"].as_f64() > Some(0.0)).await;
    for url in [&told["PlayUrl"], &health["PlaybackUrl"]] {
        let answer = reqwest::get(url.as_str().unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
    }
    let unsigned = told["PlayUrl"].as_str().unwrap().split('?').next().unwrap();
    assert_eq!(reqwest::get(unsigned).await.unwrap().status(), 403);
    publisher.finish().await.unwrap();
}

#[tokio::test]
async fn the_feed_tells_of_changes_and_ends_with_the_session_or_the_server() {
    let (mut server, mut browser) = set_up().await;
    assert!(is(&Browser::new(&server).ask(Method::GET, "feed", Value::Null).await, 401, "NotSignedIn"));
    let listen = || {
        let request = browser.client.get(server.http_url("/console/feed"));
        request.header("cookie", browser.cookie.clone().unwrap()).send()
    };
    let mut feed = listen().await.unwrap();
    assert_eq!(feed.headers()["content-type"], "text/event-stream");
    let first = next_topics(&mut feed).await.unwrap().unwrap();
    assert_eq!(first, ["streams", "recordings", "videos", "jobs", "events"], "who comes anew hears of everything once");
    server.api().vod("CreateUploadVideo", &[("Title", "new"), ("FileName", "a.mp4")]).await.unwrap();
    let told = next_topics(&mut feed).await.unwrap().unwrap();
    assert!(told.contains(&"videos".to_owned()) && !told.contains(&"streams".to_owned()), "{told:?}");
    let started = browser.call("StartTestStream", json!({})).await;
    assert_eq!(started.body["StreamName"], "test", "{started:?}");
    loop {
        let told = next_topics(&mut feed).await.unwrap().unwrap();
        if told.contains(&"streams".to_owned()) {
            break;
        }
    }
    assert_eq!(browser.call("StopTestStream", json!({})).await.status, 200);
    // Nothing that listens keeps the server from going down.
    server.terminate().await.unwrap();
    while next_topics(&mut feed).await.unwrap().is_some() {}
    assert!(server.wait().await.unwrap().success());
}

/// The topics of the next event; `None`: the feed has ended.
async fn next_topics(feed: &mut reqwest::Response) -> anyhow::Result<Option<Vec<String>>> {
    let mut text = String::new();
    let read = async {
        while let Some(chunk) = feed.chunk().await? {
            text.push_str(std::str::from_utf8(&chunk)?);
            if text.ends_with("\n\n") && text.contains("event: changed\n") {
                let data = text.lines().find_map(|line| line.strip_prefix("data: ")).context("no data")?;
                let topics: Value = serde_json::from_str(data)?;
                return Ok(Some(serde_json::from_value(topics["Topics"].clone())?));
            }
        }
        Ok(None)
    };
    tokio::time::timeout(SOON, read).await.context("the feed is silent")?
}

#[tokio::test]
async fn users_are_added_from_the_command_line_beside_a_server_and_without_one() {
    let mut server = Server::start(reprise()).await.unwrap();
    let (status, text) = user(&server, &["add", "ward", "--role", "operator"], "correct horse\n").await;
    assert_eq!((status, text.as_str()), (0, "ward is added\n"));
    let mut browser = Browser::new(&server);
    assert_eq!(browser.sign_in("ward", "correct horse").await.status, 204);
    assert_eq!(browser.who().await.body["SetUp"], Value::Null);
    let (status, text) = user(&server, &["add", "ward"], "correct horse\n").await;
    assert!(status == 1 && text.contains("EntityAlreadyExists.User"), "{text}");
    let (status, text) = user(&server, &["add", "other"], "short\n").await;
    assert!(status == 1 && text.contains("at least 10 characters"), "{text}");

    server.stop().await.unwrap();
    assert_eq!(user(&server, &["password", "ward"], "another horse").await.0, 0);
    let (_, text) = user(&server, &["list"], "").await;
    assert!(text.starts_with("NAME  ROLE      CREATED") && text.contains("ward  operator"), "{text}");
    server.restart().await.unwrap();
    assert!(is(&browser.who().await, 401, "NotSignedIn"));
    assert_eq!(browser.sign_in("ward", "another horse").await.status, 204);
    assert_eq!(user(&server, &["delete", "ward"], "").await.0, 0);
    assert!(is(&browser.who().await, 401, "NotSignedIn"));
}

async fn user(server: &Server, words: &[&str], input: &str) -> (i32, String) {
    let mut command = tokio::process::Command::new(reprise());
    command.arg("user").args(words).arg("--data").arg(server.data());
    command.env("REPRISE_AUTH__ACCESS_KEY_ID", "testkit-id").env("REPRISE_AUTH__ACCESS_KEY_SECRET", "testkit-secret");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test]
async fn without_a_console_nothing_of_it_is_there() {
    let server = Server::start_with(reprise(), &[("REPRISE_CONSOLE__ENABLED", "false")]).await.unwrap();
    for path in ["/console/", "/console/session"] {
        assert_eq!(reqwest::get(server.http_url(path)).await.unwrap().status(), 404, "{path}");
    }
    assert!(!server.log().contains("console "), "{}", server.log());
    assert!(!server.data().join("console-setup").exists());
}
