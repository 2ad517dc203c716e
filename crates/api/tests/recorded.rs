//! Requests recorded from the SDKs, byte for byte (`tests/sdk/record.py`): every operation, in each SDK's own way of
//! signing and placing its parameters, is believed and answered.

mod support;

use std::collections::BTreeSet;

use api::Tier;
use axum::body::Body;
use axum::http::Request;
use support::Server;
use units::WallTime;

const RECORDED: [(&str, &[u8]); 5] = [
    ("tea-acs3", include_bytes!("recorded/tea-acs3.http")),
    ("tea-v2", include_bytes!("recorded/tea-v2.http")),
    ("classic", include_bytes!("recorded/classic.http")),
    ("pop-get", include_bytes!("recorded/pop-get.http")),
    ("pop-post", include_bytes!("recorded/pop-post.http")),
];
const SEPARATOR: &str = "\n=== next request ===\n";

fn recorded_at() -> WallTime {
    WallTime::parse_iso8601(include_str!("recorded/clock.txt").trim()).unwrap()
}

/// The requests of one file: the operation's name, and the request.
fn requests(file: &[u8]) -> Vec<(String, Request<Body>)> {
    std::str::from_utf8(file).unwrap().split(SEPARATOR).map(request).collect()
}

fn request(text: &str) -> (String, Request<Body>) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let mut request = Request::builder().method(first.next().unwrap()).uri(first.next().unwrap());
    let mut action = String::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        if name.eq_ignore_ascii_case("x-acs-action") {
            action = value.trim().to_owned();
        }
        request = request.header(name, value.trim());
    }
    (action, request.body(Body::from(body.to_owned())).unwrap())
}

#[tokio::test]
async fn every_recorded_request_is_believed_and_answered() {
    for (sdk, file) in RECORDED {
        let server = Server::with(api::Settings::default(), recorded_at).await;
        for (action, request) in requests(file) {
            let (status, answer) = server.send(request).await;
            // The server has no videos, nobody pushes to it, and the ids of groups and categories are its own.
            let nothing = [
                "InvalidVideo.NotFound",
                "InvalidCateId.NotFound",
                "InvalidStream.NotFound",
                "InvalidTranscodeTemplateGroup.NotFound",
                "NoSuchResource",
                "ConfigNotFound",
            ];
            let answered = status == 200 || nothing.iter().any(|code| answer["Code"] == *code);
            assert!(answered, "{action} by {sdk}: {status} {answer}");
        }
    }
}

#[tokio::test]
async fn every_operation_was_recorded_with_every_sdk() {
    // The SDKs have no call for what only this server has.
    let theirs =
        api::operations::OPERATIONS.iter().map(|known| known.declaration).filter(|known| known.tier != Tier::Own);
    let ours: BTreeSet<_> = theirs.map(|known| known.name.to_owned()).collect();
    for (sdk, file) in RECORDED {
        let recorded: BTreeSet<_> = requests(file).into_iter().map(|(action, _)| action).collect();
        let missing: Vec<_> = ours.difference(&recorded).collect();
        assert!(missing.is_empty(), "{sdk} was not recorded with {missing:?}: see docs/recipes/add-an-operation.md");
    }
}

#[tokio::test]
async fn what_an_sdk_encoded_arrives_as_it_was_meant() {
    for (sdk, file) in RECORDED {
        let server = Server::with(api::Settings::default(), recorded_at).await;
        for (action, request) in requests(file) {
            if action == "DeleteLiveStreamsNotifyUrlConfig" {
                break;
            }
            server.send(request).await;
        }
        let notify = server.catalog.live_notify("push.example.org").await.unwrap().unwrap();
        assert_eq!(notify.notify_url, "http://127.0.0.1:9/cb?x=a b&y=中", "{sdk}");
    }
}
