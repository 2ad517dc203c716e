//! Who is signed in: a token in a cookie of the browser, its hash in a row.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::uri::Scheme;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::{CatalogError, ConsoleSession, random_text};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::guard::told;
use crate::{Console, now, reply};

/// The name of the cookie.
const COOKIE: &str = "reprise_session";
/// How long somebody stays signed in who asks nothing.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// Sessions are prolonged at most this often: a row is written then.
const PROLONGED_EVERY: Duration = Duration::from_secs(60);
/// Browsers of one user that are signed in at once; one more, and the oldest is signed out.
const SESSIONS_MAX: u32 = 20;
/// Characters of a token: 256 bits.
const TOKEN_CHARACTERS: usize = 43;

/// A request of somebody who is signed in.
pub(crate) struct SignedIn {
    pub(crate) session: ConsoleSession,
    /// The hash of his token.
    pub(crate) token: String,
    cookie: Option<HeaderValue>,
}

impl SignedIn {
    /// The answer, with the cookie anew where the session was prolonged.
    pub(crate) fn on(&self, mut answer: Response) -> Response {
        if let Some(cookie) = &self.cookie {
            answer.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        answer
    }
}

impl Console {
    /// Who asks; else what he is to be told.
    pub(crate) async fn signed_in(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<SignedIn, Response> {
        let Some(shown) = cookie_of(headers) else { return Err(self.not_signed_in().await) };
        let (token, now) = (hash(shown), now());
        let catalog = &self.deps.catalog;
        let session = catalog.console_session(&token, now).await.map_err(|error| reply::failed(&error))?;
        let Some(session) = session else { return Err(self.not_signed_in().await) };
        let expires = now.after(LIFE);
        let mut cookie = None;
        if expires.since(session.expires) >= PROLONGED_EVERY {
            match catalog.prolong_console_session(&token, expires).await {
                Ok(()) => cookie = Some(self.cookie(shown, LIFE, extensions, headers)),
                // He is signed in all the same, for as long as he was.
                Err(error) => tracing::warn!(%error, "a session of the console cannot be prolonged"),
            }
        }
        Ok(SignedIn { session, token, cookie })
    }

    async fn not_signed_in(&self) -> Response {
        match self.deps.catalog.has_console_users().await {
            Ok(has_users) => reply::json(
                StatusCode::UNAUTHORIZED,
                &json!({ "Code": "NotSignedIn", "Message": "Nobody is signed in.", "SetUp": !has_users }),
            ),
            Err(error) => reply::failed(&error),
        }
    }

    /// Signs a user in: nothing to say but the cookie.
    pub(crate) async fn begin_session(&self, user: &str, extensions: &Extensions, headers: &HeaderMap) -> Response {
        let (token, now) = (random_text(TOKEN_CHARACTERS), now());
        let written: Result<(), CatalogError> = async {
            let mut tx = self.deps.catalog.begin().await?;
            tx.begin_console_session(&hash(&token), user, now, now.after(LIFE), SESSIONS_MAX).await?;
            tx.commit().await
        }
        .await;
        match written {
            Ok(()) => done(self.cookie(&token, LIFE, extensions, headers)),
            Err(error) => reply::failed(&error),
        }
    }

    fn cookie(&self, token: &str, life: Duration, extensions: &Extensions, headers: &HeaderMap) -> HeaderValue {
        let proxied = self.deps.settings.behind_proxy.then(|| told(headers, "x-forwarded-proto")).flatten();
        let secured = extensions.get::<Scheme>() == Some(&Scheme::HTTPS) || proxied == Some("https");
        let secure = if secured { "; Secure" } else { "" };
        let seconds = life.as_secs();
        let text = format!("{COOKIE}={token}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        let mut cookie = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        cookie.set_sensitive(true);
        cookie
    }
}

fn done(cookie: HeaderValue) -> Response {
    let headers = [(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// `GET /console/session`: who is signed in.
pub(crate) async fn who(State(console): State<Arc<Console>>, extensions: Extensions, headers: HeaderMap) -> Response {
    match console.signed_in(&extensions, &headers).await {
        Ok(signed_in) => signed_in.on(reply::json(
            StatusCode::OK,
            &json!({
                "User": signed_in.session.user,
                "Role": signed_in.session.role.as_str(),
                "Version": env!("CARGO_PKG_VERSION"),
            }),
        )),
        Err(refused) => refused,
    }
}

/// `DELETE /console/session`: signs out, also who is not signed in.
pub(crate) async fn sign_out(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    if let Some(token) = cookie_of(&headers)
        && let Err(error) = console.deps.catalog.end_console_session(&hash(token)).await
    {
        return reply::failed(&error);
    }
    done(console.cookie("", Duration::ZERO, &extensions, &headers))
}

/// The token that a browser shows (RFC 6265 §5.4); of two the first.
fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let tokens = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == COOKIE && !value.is_empty()).then_some(value)
    });
    tokens.into_iter().next()
}

/// What is kept of a token. It has 256 bits of its own, so that no salt is needed.
fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        // A text takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let found = |cookies: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(header::COOKIE, HeaderValue::from_static(cookie));
            }
            cookie_of(&headers).map(str::to_owned)
        };
        assert_eq!(found(&["a=b; reprise_session=T0k3n; c=d"]).as_deref(), Some("T0k3n"));
        assert_eq!(found(&["a=b", "reprise_session=T"]).as_deref(), Some("T"));
        for none in [&[][..], &["reprise_session="], &["reprise_sessions=x"], &["x=reprise_session=y"]] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }

    #[test]
    fn tokens_are_kept_as_their_hash() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
