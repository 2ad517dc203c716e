//! The web console: what it is wired to, and the link under which its first password is set.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;
use api::ApiState;
use axum::response::Response;
use catalog::{Catalog, random_text};

use crate::config::Config;
use crate::data_dir;
use crate::serve::reached_here;

/// The file in the data folder with the token of the setup link.
const SETUP_FILE: &str = "console-setup";
/// Characters of the token: 190 bits.
const TOKEN_CHARACTERS: usize = 32;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What the console is wired to: its calls go to the API.
pub fn deps(config: &Config, catalog: &Catalog, state: ApiState, data: &Path) -> console::Deps {
    console::Deps {
        catalog: catalog.clone(),
        call: Arc::new(move |asked: console::Asked| -> Answering {
            let state = state.clone();
            Box::pin(async move { api::call_as(&state, of_api(asked)).await })
        }),
        settings: console::Settings {
            behind_proxy: config.http.behind_proxy,
            public_url: config.http.public_url.clone(),
            setup_file: data.join(SETUP_FILE),
        },
    }
}

fn of_api(asked: console::Asked) -> api::Asked {
    let console::Asked { user, role, service, action, params, address, reached } = asked;
    api::Asked { user, role, service, action, params: params.into_iter().collect(), address, reached }
}

/// Where a person finds the console.
pub struct Link {
    /// The URL.
    pub url: String,
    /// Whether the first password is set there.
    pub sets_up: bool,
}

/// The link of the console, if there is one. As long as it has no user its token is made and kept; after that the token goes.
pub async fn link(config: &Config, catalog: &Catalog, listen: SocketAddr, data: &Path) -> anyhow::Result<Option<Link>> {
    if !config.console.enabled {
        return Ok(None);
    }
    let base = match config.http.public_url.trim_end_matches('/') {
        "" => format!("http://{}", reached_here(listen)),
        configured => configured.to_owned(),
    };
    let file = data.join(SETUP_FILE);
    let kept = console::setup_token(&file).with_context(|| format!("cannot read {}", file.display()))?;
    if catalog.has_console_users().await.context("cannot look for users of the console")? {
        if file.exists() {
            std::fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        return Ok(Some(Link { url: format!("{base}/console/"), sets_up: false }));
    }
    let token = match kept {
        Some(token) => token,
        None => {
            let token = random_text(TOKEN_CHARACTERS);
            data_dir::write_private(&file, token.as_bytes())?;
            token
        }
    };
    Ok(Some(Link { url: format!("{base}/console/#/setup?token={token}"), sets_up: true }))
}
