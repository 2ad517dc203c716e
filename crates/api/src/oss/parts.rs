//! A file that is sent in parts: each is an object of its own until all are named; the worker puts those of a video together, and the
//! request that names them those of a file of the library, which are small.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use catalog::upload_parts_key;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use units::JobId;

use super::target::{Target, finish_file, put_together};
use super::xml::{document, empty, quoted, response, tagged, texts};
use super::{Asked, BUCKET, Refused, Said, store};
use crate::state::ApiState;

/// Parts of a file, as the dialect has it.
const PARTS_MAX: u32 = 10_000;
/// Largest list of them that is read, in bytes.
const LIST_BYTES_MAX: usize = 4 << 20;

/// What is known of a part, beside it.
#[derive(Serialize, Deserialize)]
struct Part {
    bytes: u64,
    /// In upper-case hex.
    md5: String,
    /// Unix milliseconds.
    at: i64,
}

/// The folder of the parts that were begun together; `NoSuchUpload` for an id that was not given.
async fn folder(state: &ApiState, asked: &Asked) -> Said<String> {
    let unknown = || Refused::new(StatusCode::NOT_FOUND, "NoSuchUpload", "The multipart upload does not exist.");
    let id: JobId = asked.parameter("uploadId").unwrap_or_default().parse().map_err(|_| unknown())?;
    let folder = format!("{}/{id}", asked.target.parts_folder());
    match state.blobs.size(&format!("{folder}/begun")).await {
        Ok(_) => Ok(folder),
        Err(blobs::BlobError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

fn part_key(folder: &str, number: u32) -> String {
    format!("{folder}/{number:05}")
}

async fn known(state: &ApiState, folder: &str, number: u32) -> Said<Option<Part>> {
    match state.blobs.get(&format!("{}.json", part_key(folder, number))).await {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| Refused::failed(&error)),
        Err(blobs::BlobError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Gives an id under which parts are sent.
pub(super) async fn begin(state: &ApiState, asked: Asked) -> Said<Response> {
    asked.is_waited_for()?;
    let id = state.catalog.ids().job((state.clock)()).to_string();
    let folder = format!("{}/{id}", asked.target.parts_folder());
    state.blobs.put(&format!("{folder}/begun"), bytes::Bytes::new()).await?;
    let fields = [("Bucket", BUCKET), ("Key", &asked.key), ("UploadId", &id)];
    Ok(response(StatusCode::OK, document("InitiateMultipartUploadResult", &fields, "")))
}

/// Stores one part; the same number again replaces it.
pub(super) async fn put(state: &ApiState, asked: Asked, body: Body) -> Said<Response> {
    asked.is_waited_for()?;
    let number = asked.parameter("partNumber").and_then(|number| number.parse().ok());
    let number: u32 = number
        .filter(|number| (1..=PARTS_MAX).contains(number))
        .ok_or_else(|| Refused::bad("InvalidArgument", format!("partNumber is a number from 1 to {PARTS_MAX}.")))?;
    let folder = folder(state, &asked).await?;
    let key = part_key(&folder, number);
    let _held = state.writing.hold(key.clone())?;
    // What is known of an older one does not hold any more.
    state.blobs.delete(&format!("{key}.json")).await?;
    let stored = store(&state.blobs, &key, body, &asked.headers, asked.target.bytes_max(&state.settings)).await?;
    let part = Part { bytes: stored.bytes, md5: stored.md5, at: (state.clock)().unix_ms };
    let text = serde_json::to_vec(&part).map_err(|error| Refused::failed(&error))?;
    state.blobs.put(&format!("{key}.json"), text.into()).await?;
    empty(StatusCode::OK, Some(&part.md5))
}

/// Tells which parts are there, so that a client that was interrupted sends the others.
pub(super) async fn list(state: &ApiState, asked: Asked) -> Said<Response> {
    let folder = folder(state, &asked).await?;
    let number = |name: &str| asked.parameter(name).and_then(|text| text.parse::<u32>().ok());
    let (after, limit) =
        (number("part-number-marker").unwrap_or(0), number("max-parts").unwrap_or(1_000).clamp(1, 1_000));
    let mut numbers = Vec::new();
    for object in state.blobs.list(&folder).await? {
        let name = object.key.rsplit('/').next().and_then(|name| name.strip_suffix(".json"));
        numbers.extend(name.and_then(|name| name.parse::<u32>().ok()).filter(|number| *number > after));
    }
    numbers.sort_unstable();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let truncated = numbers.len() > limit;
    numbers.truncate(limit);
    let mut parts = String::new();
    for number in &numbers {
        let Some(part) = known(state, &folder, *number).await? else { continue };
        // Whole seconds, told with thousandths: clients take no other form.
        let at = units::WallTime::from_unix_ms(part.at).to_iso8601().replace('Z', ".000Z");
        parts += &format!(
            "<Part><PartNumber>{number}</PartNumber><LastModified>{at}</LastModified><ETag>{}</ETag><Size>{}</Size></Part>",
            super::xml::escaped(&quoted(&part.md5)),
            part.bytes
        );
    }
    let (after, next) = (after.to_string(), numbers.last().copied().unwrap_or(after).to_string());
    let limit = limit.to_string();
    let fields = [
        ("Bucket", BUCKET),
        ("Key", &asked.key),
        ("UploadId", asked.parameter("uploadId").unwrap_or_default()),
        ("PartNumberMarker", &after),
        ("NextPartNumberMarker", &next),
        ("MaxParts", &limit),
        ("IsTruncated", if truncated { "true" } else { "false" }),
    ];
    Ok(response(StatusCode::OK, document("ListPartsResult", &fields, &parts)))
}

/// Ends the upload with these parts.
pub(super) async fn complete(state: &ApiState, asked: Asked, body: Body) -> Said<Response> {
    if asked.target.is_here() {
        // Asked again by a client that did not hear the answer.
        return completed(&asked.key, asked.target.md5());
    }
    asked.is_waited_for()?;
    let folder = folder(state, &asked).await?;
    let Asked { key: object, target, .. } = asked;
    let body = axum::body::to_bytes(body, LIST_BYTES_MAX).await;
    let body = body.map_err(|_| Refused::bad("MalformedXML", "The list of parts is too long, or ended early."))?;
    let malformed = || Refused::bad("MalformedXML", "A list of parts is wanted: PartNumber and ETag of each.");
    let text = std::str::from_utf8(&body).map_err(|_| malformed())?;
    let (numbers, tags) = (texts(text, "PartNumber"), texts(text, "ETag"));
    if numbers.is_empty() || numbers.len() != tags.len() {
        return Err(malformed());
    }
    let (mut keys, mut total, mut before, mut digests) = (Vec::new(), 0u64, 0, Md5::new());
    for (number, tag) in numbers.into_iter().zip(tags) {
        let number: u32 = number.parse().map_err(|_| malformed())?;
        if number <= before {
            return Err(Refused::bad("InvalidPartOrder", "The parts are to be listed by their numbers."));
        }
        before = number;
        let tag = tag.replace("&quot;", "\"").trim_matches('"').to_ascii_uppercase();
        let part = known(state, &folder, number).await?.filter(|part| part.md5 == tag);
        let part =
            part.ok_or_else(|| Refused::bad("InvalidPart", format!("Part {number} is not there, or another one.")))?;
        total = total.saturating_add(part.bytes);
        digests.update(part.md5.as_bytes());
        keys.push(part_key(&folder, number));
    }
    let max = target.bytes_max(&state.settings);
    if total > max {
        return Err(Refused::bad("EntityTooLarge", format!("At most {max} bytes are taken.")));
    }
    let count = keys.len();
    let digests: String = digests.finalize().iter().map(|byte| format!("{byte:02X}")).collect();
    let tag = format!("{digests}-{count}");
    let upload = match &target {
        Target::Video(upload) => upload,
        Target::File(file) => {
            let _held = state.writing.hold(file.key())?;
            put_together(state, file, &keys).await?;
            finish_file(state, file, total, &tag).await?;
            return completed(&object, Some(&tag));
        }
    };
    let list = serde_json::to_vec(&keys).map_err(|error| Refused::failed(&error))?;
    state.blobs.put(&upload_parts_key(upload.id), list.into()).await?;
    state.catalog.upload_stored(upload.id, total, &tag, (state.clock)()).await?;
    tracing::info!(upload = %upload.id, asset = %upload.asset, bytes = total, parts = count, "file sent");
    completed(&object, Some(&tag))
}

fn completed(key: &str, tag: Option<&str>) -> Said<Response> {
    let tag = tag.unwrap_or_default();
    let (location, told) = (format!("/{BUCKET}/{key}"), quoted(tag));
    let fields = [("Location", location.as_str()), ("Bucket", BUCKET), ("Key", key), ("ETag", &told)];
    // Clients read it in either place.
    tagged(response(StatusCode::OK, document("CompleteMultipartUploadResult", &fields, "")), tag)
}

/// Removes the parts.
pub(super) async fn abort(state: &ApiState, asked: Asked) -> Said<Response> {
    asked.is_waited_for()?;
    let folder = folder(state, &asked).await?;
    // The mark goes last: until then it can be asked for again.
    let mut objects = state.blobs.list(&folder).await?;
    objects.sort_by_key(|object| object.key.ends_with("/begun"));
    for object in objects {
        state.blobs.delete(&object.key).await?;
    }
    empty(StatusCode::NO_CONTENT, None)
}
