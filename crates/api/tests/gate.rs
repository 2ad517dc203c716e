//! What is refused before an operation runs: always the contract's error, as JSON, never a 500.

mod support;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use support::{KEY_ID, KEY_SECRET, LIVE, Server, VOD, now};

/// Signed with the test's key after `change` was made to the parameters.
async fn changed(server: &Server, change: &[(&str, &str)]) -> (u16, Value) {
    let params = server.params(VOD, "GetVideoList", change);
    server.get(&rpc::signed_query("GET", &params, KEY_SECRET)).await
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["Code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn an_error_has_the_documented_members() {
    let server = Server::empty().await;
    let (status, mut answer) = server.call(VOD, "NoSuchThing", &[]).await;
    answer["RequestId"].take();
    assert_eq!(status, 404);
    assert_eq!(
        answer,
        json!({
            "RequestId": null, "HostId": "vod.example.org:8080", "Code": "InvalidAction.NotFound",
            "Message": "The specified action is not found.",
            "Recommend": "See the code InvalidAction.NotFound in the API reference.",
        })
    );
}

#[tokio::test]
async fn the_common_parameters_are_checked_each_with_its_code() {
    let server = Server::empty().await;
    for (change, wanted) in [
        (&[("AccessKeyId", "nobody")][..], (404, "InvalidAccessKeyId.NotFound")),
        (&[("AccessKeyId", "")], (400, "MissingParameter")),
        (&[("SignatureNonce", "")], (400, "MissingParameter")),
        (&[("Timestamp", "2026-11-22T16:07:42Z")], (400, "InvalidTimeStamp.Expired")),
        (&[("Timestamp", "2026-11-22T16:37:44Z")], (400, "InvalidTimeStamp.Expired")),
        (&[("Timestamp", "Sun, 22 Nov 2026 16:22:43 GMT")], (400, "InvalidTimeStamp.Format")),
        (&[("SignatureMethod", "HMAC-SHA256")], (400, "InvalidSignatureMethod")),
        (&[("SignatureType", "BEARERTOKEN")], (400, "InvalidSignatureMethod")),
        (&[("SecurityToken", "token")], (400, "InvalidSecurityToken.MismatchWithAccessKey")),
        (&[("Version", "2014-01-01")], (400, "InvalidVersion")),
        (&[("Version", LIVE)], (404, "InvalidAction.NotFound")),
        (&[("Action", "getvideolist")], (404, "InvalidAction.NotFound")),
        (&[("Action", "")], (400, "MissingParameter")),
    ] {
        assert_eq!(code(&changed(&server, change).await), wanted, "{change:?}");
    }
    // What SDKs send to everything is not in the way.
    let usual = [
        ("RegionId", "cn-shanghai"),
        ("Format", "XML"),
        ("SignatureType", ""),
        ("OwnerId", "1"),
        ("SecurityToken", ""),
    ];
    assert_eq!(changed(&server, &usual).await.0, 200);
}

#[tokio::test]
async fn a_wrong_secret_is_told_what_the_server_signed() {
    let server = Server::empty().await;
    let query = rpc::signed_query("GET", &server.params(VOD, "GetVideoList", &[]), "wrong");
    let answer = server.get(&query).await;
    assert_eq!(code(&answer), (400, "SignatureDoesNotMatch"));
    let message = answer.1["Message"].as_str().unwrap();
    let shown = message.split_once("server string to sign is:").unwrap().1;
    assert!(shown.starts_with("GET&%2F&AccessKeyId%3Dak1%26Action%3DGetVideoList"), "{message}");
    assert_eq!(message.split(':').nth(1), Some(shown));
}

#[tokio::test]
async fn a_request_works_once() {
    let server = Server::empty().await;
    let query = server.query(VOD, "GetVideoList", &[]);
    assert_eq!(server.get(&query).await.0, 200);
    assert_eq!(code(&server.get(&query).await), (400, "SignatureNonceUsed"));
}

#[tokio::test]
async fn a_request_that_is_not_believed_spends_no_nonce() {
    let server = Server::empty().await;
    let params = server.params(VOD, "GetVideoList", &[]);
    let forged = rpc::signed_query("GET", &params, "wrong");
    assert_eq!(code(&server.get(&forged).await), (400, "SignatureDoesNotMatch"));
    assert_eq!(server.get(&rpc::signed_query("GET", &params, KEY_SECRET)).await.0, 200);
}

#[tokio::test]
async fn parameters_may_stand_in_a_form() {
    let server = Server::empty().await;
    let params = server.params(VOD, "GetVideoList", &[]);
    let body = rpc::signed_query("POST", &params, KEY_SECRET);
    let form = Request::post("/").header("content-type", "application/x-www-form-urlencoded;charset=utf-8");
    assert_eq!(server.send(form.body(Body::from(body)).unwrap()).await.0, 200);
}

#[tokio::test]
async fn other_methods_and_unsigned_requests_are_refused() {
    let server = Server::empty().await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"] {
        let request = Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
        if method == "HEAD" {
            continue; // Its answer has no body to look at.
        }
        assert_eq!(code(&server.send(request).await), (400, "UnsupportedHTTPMethod"), "{method}");
    }
    assert_eq!(code(&server.get("").await), (400, "MissingParameter"));
    let bearer = Request::get("/").header("authorization", "Bearer x").body(Body::empty()).unwrap();
    assert_eq!(code(&server.send(bearer).await), (400, "InvalidSignatureMethod"));
    for authorization in ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=ak1", "ACS3-HMAC-SHA256 a=b,,"] {
        let request = Request::get("/").header("authorization", authorization).body(Body::empty()).unwrap();
        assert_eq!(code(&server.send(request).await), (400, "IncompleteSignature"), "{authorization}");
    }
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_read_and_refused() {
    let server = Server::empty().await;
    for body in [vec![b'a'; 10 << 20], vec![0xff; 10 << 20]] {
        let form = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
        let answer = server.send(form.body(Body::from(body)).unwrap()).await;
        assert_eq!(code(&answer), (400, "InvalidParameter"));
        assert!(answer.1["Message"].as_str().unwrap().contains("too large"), "{}", answer.1);
    }
}

#[tokio::test]
async fn absurd_parameters_are_refused_or_ignored_but_never_break_the_server() {
    let server = Server::new().await;
    let form = |body: Vec<u8>| {
        let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
        request.body(Body::from(body)).unwrap()
    };
    let many: String = (0..5_000).map(|n| format!("p{n}=1&")).collect();
    for (body, wanted) in [
        (b"A=%ff%fe".to_vec(), "InvalidParameter.Format"),
        (vec![0xff, 0xfe, 0x00], "InvalidParameter.Format"),
        (b"A=1&A=2".to_vec(), "InvalidParameter"),
        (many.into_bytes(), "InvalidParameter"),
        ("x".repeat(300).into_bytes(), "InvalidParameter"),
        (b"&&&===&%&%%&+".to_vec(), "MissingParameter"),
        (b"{\"Action\":\"GetVideoList\"}".to_vec(), "MissingParameter"),
    ] {
        let answer = server.send(form(body.clone())).await;
        assert_eq!(code(&answer), (400, wanted), "{:?}", String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
    // Signed nonsense in every parameter of every operation: an error or an answer, and no 5xx.
    let texts = [
        "",
        "-1",
        "99999999999999999999",
        "\u{0}",
        "🦀",
        "[]",
        "{}",
        "null",
        "a,b,,",
        "../..",
        "%",
        "'; DROP TABLE asset; --",
    ];
    for operation in api::operations::OPERATIONS {
        let declaration = operation.declaration;
        for text in texts {
            let mut sent: Vec<(&str, &str)> = declaration.params.iter().map(|param| (param.name, text)).collect();
            sent.push(("RecordFormat.1.SliceDuration", text));
            let (status, answer) = server.call(declaration.service.version(), declaration.name, &sent).await;
            assert!(status < 500, "{} with {text:?}: {answer}", declaration.name);
        }
    }
}

#[tokio::test]
async fn a_host_that_is_none_does_not_come_back() {
    let server = Server::empty().await;
    let query = server.query(VOD, "NoSuchThing", &[]);
    let request = Request::get(format!("/?{query}")).header("host", "<script>").body(Body::empty()).unwrap();
    assert_eq!(server.send(request).await.1["HostId"], json!(""));
}

#[tokio::test]
async fn old_nonces_are_forgotten_while_the_server_runs() {
    let server = Server::empty().await;
    let before = units::WallTime::from_unix_ms(now().unix_ms - 1);
    assert!(server.catalog.remember_nonce(KEY_ID, "old", before).await.unwrap());
    assert_eq!(changed(&server, &[]).await.0, 200);
    assert!(server.catalog.remember_nonce(KEY_ID, "old", now()).await.unwrap(), "it was still known");
}

#[tokio::test]
async fn keys_are_never_printed() {
    let key = api::AccessKey { id: "ak1".into(), secret: "hidden".into() };
    assert!(!format!("{key:?}").contains("hidden"));
}
