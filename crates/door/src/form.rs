//! Texts in which URLs are marked: what an edge keeps once, and fills in for each viewer.
//!
//! A mark is `%(`, a letter, `:`, the URL as it is given to [`Grant`], and `%)`. A percent sign that no two hexadecimal digits follow
//! stands in no URL, and writers of playlists and descriptions let these characters through.

use axum::http::HeaderName;
use manifest::{uri, xml};

use crate::grant::Grant;

/// Says of an answer to an edge that it is a form, and which.
pub const FORM_HEADER: HeaderName = HeaderName::from_static("x-reprise-form");

const BEGIN: &str = "%(";
const END: &str = "%)";

/// What kind of text a form is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A playlist of HLS.
    Playlist,
    /// A description of DASH.
    Description,
    /// Cues that name pictures.
    Cues,
}

impl Form {
    const ALL: [(&'static str, Self); 3] =
        [("playlist", Self::Playlist), ("description", Self::Description), ("cues", Self::Cues)];

    /// What text has this media type; `None`: none that names URLs.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        match content_type {
            manifest::CONTENT_TYPE => Some(Self::Playlist),
            manifest::MPD_CONTENT_TYPE => Some(Self::Description),
            _ => content_type.starts_with("text/vtt").then_some(Self::Cues),
        }
    }

    /// The value of [`FORM_HEADER`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Playlist => "playlist",
            Self::Description => "description",
            Self::Cues => "cues",
        }
    }

    /// Reads the value of [`FORM_HEADER`].
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, form)| form)
    }
}

/// What becomes of a URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    /// [`Grant::url`].
    Url,
    /// [`Grant::key_url`].
    KeyUrl,
    /// [`Grant::told`].
    Told,
    /// The folder of [`Grant::folder`].
    Folder,
    /// The query of [`Grant::folder`]; a question mark stands before it.
    FolderQuery,
}

impl Mark {
    const ALL: [(&'static str, Self); 5] =
        [("u:", Self::Url), ("k:", Self::KeyUrl), ("t:", Self::Told), ("f:", Self::Folder), ("q:", Self::FolderQuery)];
}

/// A URL that an edge is to fill in.
pub(crate) fn mark(kind: Mark, url: &str) -> String {
    let letter = Mark::ALL.iter().find(|(_, known)| *known == kind).map_or("", |(letter, _)| letter);
    // Such a URL is none, whatever it is: it is only kept from ending the mark.
    let url = url.replace(BEGIN, "%25(").replace(END, "%25)");
    format!("{BEGIN}{letter}{url}{END}")
}

/// Fills in a form for who was let in.
pub fn fill(form: Form, text: &str, grant: &Grant) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(BEGIN) {
        out.push_str(before);
        let marked = Mark::ALL.iter().find_map(|(letter, kind)| Some((*kind, behind.strip_prefix(letter)?)));
        match marked.and_then(|(kind, inside)| Some((kind, inside.split_once(END)?))) {
            Some((kind, (url, after))) => {
                fill_in(&mut out, form, kind, url, grant);
                rest = after;
            }
            None => {
                out.push_str(BEGIN);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

fn fill_in(out: &mut String, form: Form, kind: Mark, url: &str, grant: &Grant) {
    let plain = match form {
        Form::Description => xml_read(url),
        Form::Playlist | Form::Cues => url.to_owned(),
    };
    let filled = match kind {
        Mark::Url => grant.url(&plain),
        Mark::KeyUrl => grant.key_url(&plain),
        Mark::Told => grant.told(plain),
        Mark::Folder => grant.folder(&plain).0,
        Mark::FolderQuery => match grant.folder(&plain).1 {
            Some(query) => query,
            None => {
                if out.ends_with('?') {
                    out.pop();
                }
                return;
            }
        },
    };
    match form {
        Form::Playlist => out.push_str(&uri(&filled)),
        Form::Description => out.push_str(&xml(&uri(&filled))),
        Form::Cues => out.push_str(&filled),
    }
}

/// What [`xml`] wrote.
fn xml_read(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rpc::url_auth::UrlAuth;
    use units::WallTime;

    use super::*;

    const PATH: &str = "/v/a/index.m3u8";

    /// Let in by a signature of this type, with something to tell.
    fn signed(kind: &str) -> Grant {
        let args = [("auth_type", kind), ("auth_key1", "firstkey12345678")];
        let args: BTreeMap<String, String> = args.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let now = WallTime::from_unix_s(1_772_359_200);
        let pass = UrlAuth::of_args(&args).unwrap().unwrap().until(WallTime::from_unix_s(1_772_359_260));
        Grant::open(PATH).signed(pass, now).with_query("MtsHlsUriToken=a%26b")
    }

    #[test]
    fn a_form_that_is_filled_in_is_what_the_origin_would_have_written() {
        for grant in [Grant::open(PATH), signed("type_a"), signed("type_b"), signed("type_c")] {
            let form = Grant::form(PATH);
            let write = |grant: &Grant| {
                format!(
                    "#EXT-X-KEY:URI=\"{}\"\n#EXT-X-KEY:URI=\"{}\"\n{}\n100 %(\n",
                    grant.key_url("hls.key"),
                    grant.told("https://keys.example.org/?a=1&b=2".to_owned()),
                    grant.url("a%20b/v0.m4s"),
                )
            };
            assert_eq!(fill(Form::Playlist, &write(&form), &grant), write(&grant));
            assert_ne!(write(&form), write(&grant));
            let part = |grant: &Grant| {
                // The second is that of the description itself.
                let parts = ["a&b/", ""].map(|folder| {
                    let (folder, query) = grant.folder(folder);
                    let query = query.map_or_else(String::new, |query| format!("?{query}"));
                    format!("initialization=\"{}i.mp4{}\"", xml(&folder), xml(&query))
                });
                parts.concat()
            };
            assert_eq!(fill(Form::Description, &part(&form), &grant), part(&grant));
        }
    }

    #[test]
    fn each_kind_of_text_is_told_by_its_word_and_its_type() {
        for (word, form) in Form::ALL {
            assert_eq!((form.as_str(), Form::of_word(word)), (word, Some(form)));
        }
        assert_eq!(Form::of_content_type("text/vtt; charset=utf-8"), Some(Form::Cues));
        assert_eq!((Form::of_content_type("video/mp4"), Form::of_word("")), (None, None));
    }

    proptest! {
        #[test]
        fn any_url_comes_through_a_mark(url in "[ -~]{0,20}", text in "[%(u:)a]{0,12}") {
            let open = Grant::open(PATH);
            let marked = mark(Mark::Url, &url);
            let expected = url.replace("%(", "%25(").replace("%)", "%25)");
            prop_assert_eq!(fill(Form::Cues, &marked, &open), expected);
            fill(Form::Playlist, &text, &open);
        }
    }
}
