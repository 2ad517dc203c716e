//! Files of subtitles: fetched, read, and taken into the store under the hash of their text (contract §2.12, §2.13).
//!
//! What happens to the file later does not matter. What cannot be read is refused while the caller waits, with the line that is wrong.

use std::borrow::Cow;

use bytes::Bytes;
use catalog::subtitles_key;
use encode::read_subtitles;
use encoding_rs::{Encoding, GB18030};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::codes::Answer;
use crate::fetch::Missing;
use crate::state::Context;

/// Most files that are written on one video.
const FILES_MAX: usize = 4;
/// Largest file.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Why none are taken on a host whose FFmpeg cannot draw them.
pub(super) const LACKING: &str = "this server cannot draw subtitles: its FFmpeg lacks libass, or this host has no font";

/// A file of subtitles as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AskedFile {
    /// Where it is.
    subtitle_url: String,
    /// What its letters are written in: a name as browsers know it, or `auto`, the default.
    #[serde(default)]
    char_encode: Option<String>,
}

/// A list of files, or its JSON text; nothing of either kind is none.
pub(super) fn listed(value: &Json) -> Result<Vec<AskedFile>, String> {
    let read: Result<Vec<AskedFile>, _> = match value {
        Json::Null => Ok(Vec::new()),
        Json::String(text) if text.trim().is_empty() => Ok(Vec::new()),
        Json::String(text) => serde_json::from_str(text),
        value => serde_json::from_value(value.clone()),
    };
    let files = read.map_err(|error| format!("a list of objects with SubtitleUrl is wanted: {error}"))?;
    if files.len() > FILES_MAX {
        return Err(format!("at most {FILES_MAX} files are drawn on one video"));
    }
    Ok(files)
}

/// Takes files into the store; their hashes. The inner error says which cannot be had, and why.
pub(super) async fn taken(context: &Context, files: &[AskedFile]) -> Answer<Result<Vec<String>, String>> {
    let mut hashes = Vec::with_capacity(files.len());
    for (number, asked) in (1..).zip(files) {
        let wrong = |key: &str, why: String| Ok(Err(format!("{number}, {key}: {why}")));
        let bytes = match crate::fetch::file(context, &asked.subtitle_url, BYTES_MAX).await? {
            Ok(bytes) => bytes,
            Err(Missing::Gone) => return wrong("SubtitleUrl", "there is no file".to_owned()),
            Err(Missing::Refused(error)) => return wrong("SubtitleUrl", error.to_string()),
        };
        let text = match decoded(&bytes, asked.char_encode.as_deref()) {
            Ok(text) => text.into_owned(),
            Err(why) => return wrong("CharEncode", why),
        };
        if let Err(error) = read_subtitles(&text) {
            return wrong("SubtitleUrl", format!("SubRip or WebVTT is wanted; {error}"));
        }
        hashes.push(crate::fetch::keep(context, "a file of subtitles", Bytes::from(text), subtitles_key).await?);
    }
    Ok(Ok(hashes))
}

/// The text of a file. Where nothing says what it is written in, its first bytes do, or it is UTF-8, or else GBK.
fn decoded<'a>(bytes: &'a [u8], named: Option<&str>) -> Result<Cow<'a, str>, String> {
    let named = named.map(str::trim).filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("auto"));
    let encoding = match (named, Encoding::for_bom(bytes)) {
        (Some(name), _) => {
            Encoding::for_label(name.as_bytes()).ok_or_else(|| format!("{name:?} is none that is known here"))?
        }
        (None, Some((encoding, _))) => encoding,
        (None, None) if std::str::from_utf8(bytes).is_ok() => encoding_rs::UTF_8,
        (None, None) => GB18030,
    };
    match encoding.decode_with_bom_removal(bytes) {
        (text, false) => Ok(text),
        (_, true) if named.is_none() => Err("the file is neither UTF-8 nor GBK: say what it is".to_owned()),
        (_, true) => Err(format!("the file is not {}", encoding.name())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn letters_are_read_as_they_are_written() {
        let text = "字幕";
        let (gbk, _, _) = encoding_rs::GBK.encode(text);
        let (big5, _, _) = encoding_rs::BIG5.encode(text);
        let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (bytes, named) in [
            (text.as_bytes(), None),
            (text.as_bytes(), Some("utf-8")),
            (text.as_bytes(), Some("AUTO")),
            (&gbk, None),
            (&gbk, Some("GBK")),
            (&big5, Some("BIG5")),
            (&utf16, Some("")),
        ] {
            assert_eq!(decoded(bytes, named).as_deref(), Ok(text), "{named:?}");
        }
        assert_eq!(decoded(&gbk, Some("UTF-8")).unwrap_err(), "the file is not UTF-8");
        assert_eq!(decoded(b"a", Some("Klingon")).unwrap_err(), "\"Klingon\" is none that is known here");
        assert!(decoded(&[0xff, 0x00, 0x80], None).unwrap_err().contains("neither UTF-8 nor GBK"));
    }

    #[test]
    fn a_list_comes_as_one_or_as_its_text() {
        let one = json!([{"SubtitleUrl": "http://a/b.srt", "CharEncode": "GBK"}]);
        let found = listed(&one).unwrap();
        assert_eq!(found, listed(&json!(one.to_string())).unwrap());
        assert_eq!((found[0].subtitle_url.as_str(), found[0].char_encode.as_deref()), ("http://a/b.srt", Some("GBK")));
        for none in [json!(null), json!(""), json!([]), json!("[]")] {
            assert_eq!(listed(&none).unwrap(), [], "{none}");
        }
        for wrong in [json!([{}]), json!({}), json!("x"), json!(7)] {
            assert!(listed(&wrong).unwrap_err().starts_with("a list of objects with SubtitleUrl is wanted"), "{wrong}");
        }
        let five = json!([{"SubtitleUrl": "a"}, {"SubtitleUrl": "a"}, {"SubtitleUrl": "a"}, {"SubtitleUrl": "a"}, {"SubtitleUrl": "a"}]);
        assert_eq!(listed(&five).unwrap_err(), "at most 4 files are drawn on one video");
    }
}
