//! What the console hands on, and what it says of itself over TLS and behind a proxy.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::uri::Scheme;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use catalog::{Catalog, CatalogUrl, ConsoleUser, PasswordHash, Role};
use console::{Asked, Deps, Settings};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use units::WallTime;

const PASSWORD: &str = "correct horse";

/// A console whose calls are kept, and answered with a picture of a teapot.
struct World {
    router: Router,
    asked: Arc<Mutex<Vec<Asked>>>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(behind_proxy: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        let password = PasswordHash::of(PASSWORD).unwrap();
        let created = WallTime::from_unix_s(1_772_359_200);
        let user = ConsoleUser { name: "ward".into(), password, role: Role::Operator, created, signed_in: None };
        catalog.add_console_user(&user, 1).await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let deps = Deps {
            catalog,
            call: Arc::new(move |asked: Asked| {
                kept.lock().unwrap().push(asked);
                let open = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))];
                Box::pin(async move { (StatusCode::IM_A_TEAPOT, open, "short and stout").into_response() })
            }),
            settings: Settings { behind_proxy, setup_file: folder.path().join("setup"), ..Settings::default() },
        };
        Self { router: console::router(deps).0, asked, _folder: folder }
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)], scheme: Scheme, body: Value) -> Response<Body> {
        let mut request = Request::post(path).header("x-reprise-console", "1").header("host", "vod.example.org:8443");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(scheme).body(Body::from(body.to_string())).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// The cookie of somebody who has just signed in.
    async fn cookie(&self, headers: &[(&str, &str)], scheme: Scheme) -> String {
        let answer =
            self.ask("/console/session", headers, scheme, json!({ "User": "ward", "Password": PASSWORD })).await;
        assert_eq!(answer.status(), 204);
        answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_call_is_handed_on_with_who_asks_from_where_and_answered_as_it_was() {
    let world = World::new(false).await;
    let cookie = world.cookie(&[], Scheme::HTTPS).await;
    let cookie = [("cookie", cookie.split(';').next().unwrap()), ("x-forwarded-for", "192.0.2.9")];
    let wanted = json!({ "Service": "Live", "Action": "AnyThing", "Params": { "b": "2", "a": "" } });
    let answer = world.ask("/console/call", &cookie, Scheme::HTTPS, wanted).await;
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    assert!(!answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "short and stout");
    let asked = world.asked.lock().unwrap().pop().unwrap();
    assert_eq!((asked.user.as_str(), asked.role), ("ward", Role::Operator));
    assert_eq!((asked.service.as_str(), asked.action.as_str()), ("Live", "AnyThing"));
    assert_eq!(asked.params.into_iter().collect::<Vec<_>>(), [("a".into(), String::new()), ("b".into(), "2".into())]);
    assert_eq!(
        (asked.address, asked.reached.as_str()),
        (None, "https://vod.example.org:8443"),
        "nobody vouches for the header"
    );
    let huge = json!({ "Service": "Live", "Action": "x", "Params": { "a": "x".repeat(1 << 20) } });
    assert_eq!(world.ask("/console/call", &cookie, Scheme::HTTPS, huge).await.status(), 413);
    assert!(world.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_cookie_goes_over_tls_alone_where_it_came_over_tls() {
    let world = World::new(false).await;
    assert!(world.cookie(&[], Scheme::HTTPS).await.ends_with("; Secure"));
    let told = [("x-forwarded-proto", "https")];
    assert!(!world.cookie(&told, Scheme::HTTP).await.contains("Secure"), "nobody vouches for the header");
    let proxied = World::new(true).await;
    assert!(proxied.cookie(&told, Scheme::HTTP).await.ends_with("; Secure"));
    assert!(!proxied.cookie(&[("x-forwarded-proto", "http")], Scheme::HTTP).await.contains("Secure"));
}
