//! `reprise key`: access keys from the command line. It calls the operations of the API, signed with the root key, so that what it does is
//! checked and written down like any other call: those of the running server, or its own where none runs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use api::ApiState;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use blobs::Blobs;
use clap::{Args, Subcommand, ValueEnum};
use outbound::{Method, Outbound};
use rpc::{Params, signed_query};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::Sources;
use crate::access_key::{self, AccessKey};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::master_key;
use crate::serve::{now, open_catalog, reached_here};
use crate::upkeep::{held, write_down};

/// How long the running server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest answer that is read, in bytes: a thousand keys take some 200 KiB.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// What a call is sent as: parameters may be secrets, which do not belong into a URL.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// What is to be done.
#[derive(Subcommand)]
pub enum Command {
    /// Make a key and print it; its secret is shown this once
    Create {
        #[command(flatten)]
        sources: Sources,
        /// What its owner may do
        #[arg(long)]
        role: Role,
        /// What it is called, for people
        #[arg(long, default_value = "")]
        name: String,
    },
    /// List all keys but the root key, without their secrets
    List {
        #[command(flatten)]
        sources: Sources,
    },
    /// Have a key refused from the next call on
    Disable(Named),
    /// Have a disabled key believed again
    Enable(Named),
    /// Delete a key for good
    Delete(Named),
    /// The master key (secret.key) is lost: delete all access keys, and give callbacks, signed URLs and data keys new secrets
    /// under a new master key; the server has to be stopped
    ReplaceSecrets(Sources),
}

/// One key.
#[derive(Args)]
pub struct Named {
    #[command(flatten)]
    sources: Sources,
    /// The id of the key
    id: String,
}

/// What the owner of a key may do.
#[derive(Clone, Copy, ValueEnum)]
pub enum Role {
    /// Everything, also with keys
    Admin,
    /// All with streams and videos
    Operator,
    /// Look, and ask how something is played
    Viewer,
    /// Start streams, and look at streams
    Publisher,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Publisher => "publisher",
        }
    }
}

/// Runs a command of `reprise key`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let text = runtime.block_on(async {
        match command {
            Command::Create { sources, role, name } => {
                let params = [("Role", role.word()), ("UserName", &name)];
                let made = call(&sources.load()?, "CreateAccessKey", &params).await?;
                let key = &made["AccessKey"];
                let part = |name: &str| key[name].as_str().map(str::to_owned).context("the answer has no key");
                Ok(format!(
                    "access key  {} {}\nrole        {}\nthe secret is shown this once\n",
                    part("AccessKeyId")?,
                    part("AccessKeySecret")?,
                    part("Role")?
                ))
            }
            Command::List { sources } => table(&call(&sources.load()?, "ListAccessKeys", &[]).await?),
            Command::Disable(named) => change(named, "UpdateAccessKey", &[("Status", "Inactive")], "disabled").await,
            Command::Enable(named) => change(named, "UpdateAccessKey", &[("Status", "Active")], "enabled").await,
            Command::ReplaceSecrets(sources) => replace_secrets(&sources.load()?).await,
            Command::Delete(named) => change(named, "DeleteAccessKey", &[], "deleted").await,
        }
    })?;
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

async fn change(named: Named, action: &str, how: &[(&str, &str)], done: &str) -> anyhow::Result<String> {
    let params: Vec<_> = [("UserAccessKeyId", named.id.as_str())].into_iter().chain(how.iter().copied()).collect();
    call(&named.sources.load()?, action, &params).await?;
    Ok(format!("{} is {done}\n", named.id))
}

/// The keys as lines of columns.
fn table(listed: &Value) -> anyhow::Result<String> {
    let keys = listed["AccessKeys"]["AccessKey"].as_array().context("the answer has no keys")?;
    let named = ["AccessKeyId", "Role", "Status", "CreateDate", "LastUsedDate", "UserName"];
    Ok(columns(keys, named, ["ID", "ROLE", "STATUS", "CREATED", "LAST USED", "NAME"]))
}

/// The members of these names of a list of objects, as lines of columns under their heads.
pub fn columns<const N: usize>(objects: &[Value], named: [&str; N], heads: [&str; N]) -> String {
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(objects.iter().map(|object| named.map(|name| object[name].as_str().unwrap_or("-").to_owned())));
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Calls an operation of the server that has the data folder, or does it here when none has.
pub async fn call(config: &Config, action: &str, params: &[(&str, &str)]) -> anyhow::Result<Value> {
    let folder = Path::new(&config.storage.data_dir);
    if !folder.is_dir() {
        bail!("there is no data folder {}", folder.display());
    }
    let root = access_key::load(&config.auth, folder)?;
    let root = root.context("there is no root key here: name the configuration that the server is started with")?;
    let form = signed(&root, action, params);
    let answer = match DataDir::holder(folder) {
        Some(holder) => {
            let http = holder.http.context("the server that has the data folder is not up yet: try again")?;
            let request = outbound::Request {
                method: Method::POST,
                url: format!("http://{}/", reached_here(http)),
                headers: vec![(FORM.0, FORM.1.to_owned())],
                body: Some(form),
            };
            let client = Outbound::new(true, PATIENCE).context("cannot make a client")?;
            client.send(request).await?.bytes().await.context("the server's answer ends early")?
        }
        None => here(config, folder, root, form).await?,
    };
    let answer: Value = serde_json::from_slice(&answer).context("the answer is no JSON")?;
    match answer["Code"].as_str() {
        None => Ok(answer),
        Some(code) => Err(anyhow!("{code}: {}", answer["Message"].as_str().unwrap_or_default())),
    }
}

fn signed(root: &AccessKey, action: &str, params: &[(&str, &str)]) -> String {
    let (time, nonce) = (now().to_iso8601(), Uuid::new_v4().to_string());
    let common = [
        ("AccessKeyId", root.id.as_str()),
        ("Action", action),
        ("Version", api::Service::Vod.version()),
        ("Timestamp", &time),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", &nonce),
    ];
    let all: Params = common.into_iter().chain(params.iter().copied()).collect();
    signed_query("POST", &all, root.secret.reveal())
}

/// Makes a catalog usable again whose master key is lost.
async fn replace_secrets(config: &Config) -> anyhow::Result<String> {
    let data = held(config)?;
    let catalog = open_catalog(config, data.path()).await?;
    let key = match master_key::unlock(&catalog, &config.auth.master_key, data.path()).await {
        Ok(()) => bail!("the master key is not lost: nothing was changed"),
        Err(_) => master_key::replacement(&config.auth.master_key, data.path())?,
    };
    let lost = catalog.replace_secrets(&key).await.context("cannot replace the secrets")?;
    write_down(&catalog, "key replace-secrets").await?;
    catalog.close().await;
    Ok(format!(
        "{lost} secrets were lost: access keys are deleted; the keys of callbacks and of signed URLs are new, set your own again\n"
    ))
}

/// Answers a call without a server.
async fn here(config: &Config, folder: &Path, root: AccessKey, form: String) -> anyhow::Result<axum::body::Bytes> {
    let data = DataDir::open(folder)?;
    let catalog = open_catalog(config, data.path()).await?;
    master_key::unlock(&catalog, &config.auth.master_key, data.path()).await?;
    let blobs = Blobs::local(&data.path().join("media")).context("cannot open the media folder")?;
    let root = api::AccessKey { id: root.id, secret: root.secret.reveal().to_owned() };
    let state = ApiState::new(catalog.clone(), blobs, api::Settings::default(), [root]);
    let request = Request::post("/").header(FORM.0, FORM.1).body(Body::from(form))?;
    let answer = api::router(state).oneshot(request).await?;
    let answer = to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await.context("the answer is too long");
    catalog.close().await;
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_listed_in_columns_without_anything_missing() {
        let listed = json!({"AccessKeys": {"AccessKey": [
            {"AccessKeyId": "RP1", "Role": "viewer", "Status": "Active", "CreateDate": "2026-01-01T00:00:00Z", "UserName": "wall"},
            {"AccessKeyId": "RP22", "Role": "admin", "Status": "Inactive", "CreateDate": "2026-01-01T00:00:00Z",
             "LastUsedDate": "2026-01-02T00:00:00Z", "UserName": ""},
        ]}});
        let text = table(&listed).unwrap();
        assert_eq!(
            text,
            "ID    ROLE    STATUS    CREATED               LAST USED             NAME\n\
             RP1   viewer  Active    2026-01-01T00:00:00Z  -                     wall\n\
             RP22  admin   Inactive  2026-01-01T00:00:00Z  2026-01-02T00:00:00Z\n"
        );
        assert!(table(&json!({})).is_err());
    }
}
