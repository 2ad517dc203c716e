//! Pulls a file from where its owner says.
//!
//! What has come is kept: the next attempt asks only for the rest, where the server allows that and still has the same file.

use std::path::Path;

use blobs::Blobs;
use bytes::BytesMut;
use catalog::{Catalog, Upload, UploadState, upload_key};
use domain::event::PullFailure;
use jobs::{Attempt, Failure, Finish, Handler, kind};
use md5::{Digest, Md5};
use outbound::{Method, Outbound, OutboundError, Request, Response, StatusCode};
use serde::Deserialize;
use units::JobId;
use url::Url;

use super::parts::{append, blocking};
use super::{DOWNLOAD_FAILED, FORBIDDEN_ADDRESS, TIMEOUT, TOO_LARGE, UploadSettings, failure, has_room};
use crate::clock::now;
use crate::error::{WorkerError, chain};

/// Redirects that are followed.
const REDIRECTS_MAX: u32 = 5;
/// Bytes that are written at a time.
const WRITE_BYTES: usize = 4 << 20;
/// Bytes between two syncs: what a power loss can take of a pull.
const SYNC_BYTES: u64 = 64 << 20;

#[derive(Deserialize)]
struct Payload {
    upload: JobId,
}

/// Pulls files.
pub(crate) struct Pull {
    catalog: Catalog,
    blobs: Blobs,
    outbound: Outbound,
    settings: UploadSettings,
}

/// Why a file did not come.
enum Unpulled {
    /// It never will.
    Refused(PullFailure),
    /// Another attempt may succeed.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Unpulled {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn refused(code: &str, message: impl Into<String>) -> Unpulled {
    Unpulled::Refused(failure(code, message))
}

fn of_request(error: OutboundError) -> Unpulled {
    match &error {
        OutboundError::NotPublic(_) => refused(FORBIDDEN_ADDRESS, chain(&error)),
        _ if leads_inside(&error) => refused(FORBIDDEN_ADDRESS, chain(&error)),
        _ if error.is_final() => refused(DOWNLOAD_FAILED, chain(&error)),
        _ => Unpulled::Failed(Failure::Retry(chain(&error))),
    }
}

/// A name that has only addresses that are not asked: the resolver says so, deep inside.
fn leads_inside(error: &OutboundError) -> bool {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
        .any(|cause| matches!(cause.downcast_ref(), Some(OutboundError::NotPublic(_))))
}

impl Pull {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs, outbound: Outbound, settings: UploadSettings) -> Self {
        Self { catalog, blobs, outbound, settings }
    }

    /// Asks for a file from byte `from` on, as long as it is the version that `validator` names.
    async fn ask(&self, source: &str, from: u64, validator: Option<&str>) -> Result<Response, Unpulled> {
        let mut url = source.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            let mut headers = Vec::new();
            if let Some(validator) = validator.filter(|_| from > 0) {
                headers.push(("range", format!("bytes={from}-")));
                headers.push(("if-range", validator.to_owned()));
            }
            let request = Request { method: Method::GET, url: url.clone(), headers, body: None };
            let answer = self.outbound.send(request).await.map_err(of_request)?;
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            let to = header(&answer, "location").and_then(|to| Url::parse(&url).ok()?.join(to).ok());
            url = to.ok_or_else(|| refused(DOWNLOAD_FAILED, "the server redirects to nowhere"))?.into();
        }
        Err(refused(DOWNLOAD_FAILED, format!("the server redirects more than {REDIRECTS_MAX} times")))
    }

    /// Pulls what is missing; the bytes of the whole file.
    async fn pull(&self, attempt: &Attempt, upload: &Upload, source: &str) -> Result<u64, Unpulled> {
        has_room(&self.blobs)?;
        let blobs = self.blobs.clone();
        let key = upload_key(upload.id);
        let file = blocking(move || blobs.append_file(&key)).await?;
        let mut file = file.map_err(WorkerError::Blobs)?;
        let mut answer = self.ask(source, file.len(), upload.validator.as_deref()).await?;
        let status = answer.status();
        let begins_at = match status {
            StatusCode::PARTIAL_CONTENT => content_range(&answer).map(|(from, _)| from),
            StatusCode::OK => Some(0),
            _ => None,
        };
        let Some(begins_at) = begins_at else {
            if status == StatusCode::RANGE_NOT_SATISFIABLE && !file.is_empty() {
                if whole_length(&answer) == Some(file.len()) {
                    // All of it is here: the attempt before ended when it had the last byte.
                    return Ok(file.len());
                }
                // Begun anew by the next attempt.
                blocking(move || file.truncate(0)).await?.map_err(WorkerError::Scratch)?;
                return Err(Unpulled::Failed(Failure::Retry("the server has no more of the file".to_owned())));
            }
            let message = format!("the server answered {status}");
            let passes = status.is_server_error()
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
            return Err(if passes {
                Unpulled::Failed(Failure::Retry(message))
            } else {
                refused(DOWNLOAD_FAILED, message)
            });
        };
        if begins_at != file.len() {
            if begins_at > file.len() {
                return Err(refused(DOWNLOAD_FAILED, "the server sent another part than it was asked for"));
            }
            file = blocking(move || file.truncate(begins_at).map(|()| file)).await?.map_err(WorkerError::Scratch)?;
        }
        let total = match content_range(&answer) {
            Some((_, total)) => total,
            None => answer.content_length(),
        };
        self.fits(total.unwrap_or(0))?;
        let validator = header(&answer, "etag").filter(|tag| !tag.starts_with("W/"));
        let validator = validator.or_else(|| header(&answer, "last-modified")).map(str::to_owned);
        self.catalog.upload_begun(upload.id, total, validator.as_deref(), now()).await?;
        let (mut buffer, mut unsynced) = (BytesMut::with_capacity(WRITE_BYTES), 0u64);
        loop {
            let next = answer.chunk().await;
            if let Ok(Some(bytes)) = &next {
                buffer.extend_from_slice(bytes);
                self.fits(file.len().saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX)))?;
                if buffer.len() < WRITE_BYTES {
                    continue;
                }
            }
            // Kept also when the connection broke.
            let bytes = buffer.split().freeze();
            unsynced = unsynced.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let over = !matches!(&next, Ok(Some(_)));
            let sync = over || unsynced >= SYNC_BYTES;
            file = append(file, bytes, sync).await?;
            if sync {
                has_room(&self.blobs)?;
                unsynced = 0;
                let percent = file.len().saturating_mul(99) / total.unwrap_or(u64::MAX).max(1);
                attempt.progress(u32::try_from(percent).unwrap_or(99).min(99)).await?;
            }
            match next {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    let error = OutboundError::NoAnswer(error.without_url());
                    return Err(Unpulled::Failed(Failure::Retry(chain(&error))));
                }
            }
        }
        match total {
            Some(total) if file.len() != total => {
                Err(Unpulled::Failed(Failure::Retry(format!("{} of {total} bytes came", file.len()))))
            }
            _ => Ok(file.len()),
        }
    }

    fn fits(&self, bytes: u64) -> Result<(), Unpulled> {
        let max = self.settings.size_max;
        if bytes <= max {
            return Ok(());
        }
        Err(refused(TOO_LARGE, format!("the file has {bytes} bytes or more; at most {max} are taken")))
    }
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// The bytes of the whole, as a server tells them that has no more (RFC 9110 §14.4).
fn whole_length(answer: &Response) -> Option<u64> {
    header(answer, "content-range")?.strip_prefix("bytes */")?.trim().parse().ok()
}

/// Where a part begins, and the bytes of the whole (RFC 9110 §14.4).
fn content_range(answer: &Response) -> Option<(u64, Option<u64>)> {
    let (range, total) = header(answer, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

/// The MD5 of a file, in hex.
fn md5_of(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let (mut digest, mut buffer) = (Md5::new(), vec![0; WRITE_BYTES]);
    loop {
        let count = std::io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        digest.update(buffer.get(..count).unwrap_or_default());
    }
}

impl Handler for Pull {
    const KIND: &'static str = kind::PULL;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { upload: id } = attempt.payload()?;
        let open = |upload: &Upload| matches!(upload.state, UploadState::Pending | UploadState::Downloading);
        let Some(upload) = self.catalog.upload(id).await?.filter(open) else { return Ok(Finish::Done) };
        let Some(source) = upload.source.clone() else { return Ok(Finish::Done) };
        let left = self.settings.time_max.saturating_sub(now().since(upload.created));
        let pulled = match tokio::time::timeout(left, self.pull(attempt, &upload, &source)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(Unpulled::Refused(why))) => Err(why),
            Ok(Err(Unpulled::Failed(failure))) => return Err(failure),
            Err(_) => {
                let seconds = self.settings.time_max.as_secs();
                Err(failure(TIMEOUT, format!("the file did not come within {seconds} s")))
            }
        };
        let path = self.blobs.path(&upload_key(id)).map_err(WorkerError::Blobs)?;
        let md5 = match &pulled {
            Ok(_) => blocking(move || md5_of(&path)).await?.map_err(WorkerError::Scratch)?,
            Err(_) => String::new(),
        };
        let mut tx = self.catalog.begin().await?;
        match &pulled {
            Ok(bytes) => {
                tx.upload_stored(id, *bytes, &md5, now()).await?;
            }
            Err(why) => {
                tx.fail_upload(id, why, now()).await?;
            }
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        match pulled {
            Ok(bytes) => tracing::info!(upload = %id, asset = %upload.asset, bytes, "file pulled"),
            Err(why) => tracing::info!(upload = %id, asset = %upload.asset, reason = why.message, "file not pulled"),
        }
        Ok(Finish::Committed)
    }
}
