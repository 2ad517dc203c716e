//! Signing in: the setup link, under which the first password is set, and passwords, which users change themselves.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use catalog::{CatalogError, ConsoleUser, ConsoleUserChange, PasswordHash, Role};
use door::Buckets;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::{Console, mono, now, reply};

/// The user whose password the setup link sets.
const FIRST_USER: &str = "admin";
/// Wrong passwords that are taken in a minute for one user from one address; as many may come at once.
const FAILURES_PER_MINUTE: u32 = 5;
/// Passwords that are hashed at once: each takes 19 MiB and a processor.
pub(crate) const HASHED_AT_ONCE: usize = 2;
/// How long somebody waits for his turn to have his password hashed.
const HASHING_PATIENCE: Duration = Duration::from_secs(5);
/// Longest password that is looked at, in bytes.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// What counts wrong passwords.
pub(crate) fn failures() -> Option<Buckets> {
    Buckets::new(FAILURES_PER_MINUTE, Duration::from_secs(60), FAILURES_PER_MINUTE)
}

/// The token of the setup link; `None` when the file is not there.
///
/// # Errors
/// The file cannot be read.
pub fn setup_token(file: &Path) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SignIn {
    user: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetUp {
    token: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    old_password: String,
    password: String,
}

/// `POST /console/session`: signs in with name and password.
pub(crate) async fn sign_in(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let SignIn { user, password } = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return reply::unreadable(&error),
    };
    let known = match console.deps.catalog.console_user(&user).await {
        Ok(known) => known,
        Err(error) => return reply::failed(&error),
    };
    // Names that nobody has are counted as one: there are as many as somebody likes.
    let who = known.as_ref().map_or("", |known| &known.name);
    let who = console.at(who, &extensions, &headers);
    if let Some(refused) = console.refused(&who) {
        return refused;
    }
    let Some(password) = Some(password).filter(|password| password.len() <= PASSWORD_BYTES_MAX) else {
        return console.wrong(&who);
    };
    // Who asks for a name that nobody has waits as long as the others.
    let kept = known.as_ref().map(|known| known.password.clone());
    let fits = console.hashed(move || {
        let kept = kept.as_ref().or(NOBODY.as_ref());
        kept.is_some_and(|kept| kept.fits(&password))
    });
    match (fits.await, known) {
        (Ok(true), Some(known)) => {
            tracing::info!(user = known.name, "a user of the console signs in");
            console.begin_session(&known.name, &extensions, &headers).await
        }
        (Ok(_), _) => console.wrong(&who),
        (Err(refused), _) => refused,
    }
}

/// `POST /console/setup`: sets the first password, for who has the link.
pub(crate) async fn set_up(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let SetUp { token, password } = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return reply::unreadable(&error),
    };
    let who = console.at("", &extensions, &headers);
    if let Some(refused) = console.refused(&who) {
        return refused;
    }
    match console.deps.catalog.has_console_users().await {
        Ok(false) => {}
        Ok(true) => return set_up_already(),
        Err(error) => return reply::failed(&error),
    }
    let file = console.deps.settings.setup_file.clone();
    let kept = match tokio::task::spawn_blocking(move || setup_token(&file)).await {
        Ok(Ok(kept)) => kept,
        Ok(Err(error)) => return unreadable_file(&error),
        Err(error) => return unreadable_file(&error),
    };
    let fits = kept.is_some_and(|kept| bool::from(kept.as_bytes().ct_eq(token.as_bytes())));
    if !fits {
        console.failed(&who);
        return reply::refusal(
            StatusCode::FORBIDDEN,
            "WrongToken",
            "This is not the link that the server printed when it started: open that one.",
        );
    }
    if let Some(why) = PasswordHash::refuses(&password) {
        return reply::refusal(StatusCode::BAD_REQUEST, "InvalidPassword", why);
    }
    let hash = match console.hashed(move || PasswordHash::of(&password)).await {
        Ok(Ok(hash)) => hash,
        Ok(Err(error)) => return reply::failed(&error),
        Err(refused) => return refused,
    };
    let user =
        ConsoleUser { name: FIRST_USER.to_owned(), password: hash, role: Role::Admin, created: now(), signed_in: None };
    match console.deps.catalog.add_console_user(&user, 1).await {
        Ok(true) => {}
        // Somebody was faster.
        Ok(false) | Err(CatalogError::AlreadyExists { .. }) => return set_up_already(),
        Err(error) => return reply::failed(&error),
    }
    tracing::info!(user = FIRST_USER, "the console is set up");
    if let Err(error) = tokio::fs::remove_file(&console.deps.settings.setup_file).await {
        // It is worth nothing any more: the next start removes it.
        tracing::warn!(%error, "the token of the setup link cannot be removed");
    }
    console.begin_session(FIRST_USER, &extensions, &headers).await
}

/// `PUT /console/password`: who is signed in sets another password. His sessions end; this browser gets a new one.
pub(crate) async fn change_password(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let user = match console.signed_in(&extensions, &headers).await {
        Ok(signed_in) => signed_in.session.user,
        Err(refused) => return refused,
    };
    let Change { old_password, password } = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return reply::unreadable(&error),
    };
    // Guesses are counted with those at the sign-in: who finds a browser open has no more of them.
    let who = console.at(&user, &extensions, &headers);
    if let Some(refused) = console.refused(&who) {
        return refused;
    }
    if let Some(why) = PasswordHash::refuses(&password) {
        return reply::refusal(StatusCode::BAD_REQUEST, "InvalidPassword", why);
    }
    let kept = match console.deps.catalog.console_user(&user).await {
        Ok(known) => known.map(|known| known.password),
        Err(error) => return reply::failed(&error),
    };
    let hashed = console.hashed(move || {
        let fits = old_password.len() <= PASSWORD_BYTES_MAX && kept.is_some_and(|kept| kept.fits(&old_password));
        fits.then(|| PasswordHash::of(&password)).transpose()
    });
    let hash = match hashed.await {
        Ok(Ok(Some(hash))) => hash,
        Ok(Ok(None)) => {
            console.failed(&who);
            return reply::refusal(StatusCode::FORBIDDEN, "WrongPassword", "The old password is wrong.");
        }
        Ok(Err(error)) => return reply::failed(&error),
        Err(refused) => return refused,
    };
    let change = ConsoleUserChange { password: Some(hash), role: None };
    match console.deps.catalog.change_console_user(&user, &change, now()).await {
        Ok(true) => {
            tracing::info!(user, "a user of the console changes his password");
            console.begin_session(&user, &extensions, &headers).await
        }
        // Deleted since he asked.
        Ok(false) => reply::refusal(StatusCode::UNAUTHORIZED, "NotSignedIn", "Nobody is signed in."),
        Err(error) => reply::failed(&error),
    }
}

/// A hash that nobody's password fits. `None`: there are no random bytes.
static NOBODY: LazyLock<Option<PasswordHash>> = LazyLock::new(|| PasswordHash::of(&catalog::random_text(43)).ok());

fn set_up_already() -> Response {
    reply::refusal(StatusCode::CONFLICT, "SetUpAlready", "A password is set already: sign in with it.")
}

fn unreadable_file(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "the token of the setup link cannot be read");
    reply::refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The server failed. Its log has more.")
}

impl Console {
    /// Under which name failures are counted.
    fn at(&self, user: &str, extensions: &Extensions, headers: &HeaderMap) -> String {
        let address: Option<IpAddr> = door::address_of(extensions, headers, self.deps.settings.behind_proxy);
        format!("{user}\n{}", door::neighbourhood(address))
    }

    /// What somebody is told who failed too often.
    fn refused(&self, who: &str) -> Option<Response> {
        let wait = self.failures.as_ref()?.look(who, mono()).err()?;
        metrics::counter!("console_throttled_total").increment(1);
        Some(too_many(wait))
    }

    fn failed(&self, who: &str) {
        metrics::counter!("console_failures_total").increment(1);
        if let Some(failures) = &self.failures {
            // One that has failed too often already was refused before.
            let _ = failures.take(who, mono());
        }
    }

    fn wrong(&self, who: &str) -> Response {
        self.failed(who);
        reply::refusal(StatusCode::UNAUTHORIZED, "WrongPassword", "The name or the password is wrong.")
    }

    /// Runs what takes a processor, on a thread that may wait, when it is its turn.
    async fn hashed<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
        let turn = tokio::time::timeout(HASHING_PATIENCE, self.hashing.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(too_many(HASHING_PATIENCE)) };
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!(%error, "a password cannot be looked at");
            reply::refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The server failed. Its log has more.")
        })
    }
}

fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs().saturating_add(1);
    let message = format!("Too many attempts: try again in {seconds} s.");
    let mut response = reply::refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyAttempts", &message);
    response.headers_mut().insert(axum::http::header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
