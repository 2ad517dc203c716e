//! What players that want to be close to the live edge ask of a playlist, in its query (RFC 8216bis §6.2.5).

use rpc::url_auth::query_value;
use view::Name;

use crate::path::name_of;
use crate::refusal::{Refusal, Result};

const SEGMENT: &str = "_HLS_msn";
const PART: &str = "_HLS_part";
const SKIP: &str = "_HLS_skip";

/// What a playlist is to have before it is sent, and what it may leave out.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Reload {
    /// The number of a segment.
    pub segment: Option<usize>,
    /// The number of a part of it; only with `segment`.
    pub part: Option<usize>,
    /// What its reader has long had can be left out.
    pub skip: bool,
}

impl Reload {
    /// What is asked of `path`: nothing, but of a playlist with parts.
    ///
    /// Errors: as [`parse`](Self::parse).
    pub fn of(path: &str, query: &str) -> Result<Self> {
        match name_of(path).parse() {
            Ok(Name::LowPlaylist(_)) => Self::parse(query),
            Ok(_) | Err(_) => Ok(Self::default()),
        }
    }

    /// Reads a query; other parameters are passed over.
    ///
    /// Errors: [`Refusal::BadRequest`] for a number that is none, and for a part of no segment.
    pub fn parse(query: &str) -> Result<Self> {
        let number = |name| match query_value(query, name) {
            None => Ok(None),
            Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map(Some).map_err(|_| Refusal::BadRequest { what: "there is no such segment or part" })
            }
            Some(_) => Err(Refusal::BadRequest { what: "_HLS_msn and _HLS_part are numbers" }),
        };
        let (segment, part) = (number(SEGMENT)?, number(PART)?);
        if segment.is_none() && part.is_some() {
            return Err(Refusal::BadRequest { what: "_HLS_part is a part of _HLS_msn" });
        }
        // The second also leaves out ranges of dates, of which there are none.
        let skip = query_value(query, SKIP).is_some_and(|value| value == "YES" || value == "v2");
        Ok(Self { segment, part, skip })
    }

    /// The one query of all that ask the same; `None` when nothing is asked.
    pub fn query(&self) -> Option<String> {
        let number = |name, value: Option<usize>| value.map(|value| format!("{name}={value}"));
        let skip = self.skip.then(|| format!("{SKIP}=YES"));
        let all: Vec<String> =
            [number(SEGMENT, self.segment), number(PART, self.part), skip].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("&"))
    }
}

/// Whether a path is that of a part, which may be asked for before it is there.
pub fn is_part(path: &str) -> bool {
    matches!(name_of(path).parse(), Ok(Name::Fragment(..)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_playlists_with_parts_are_asked() {
        let query = "_HLS_msn=a";
        assert!(Reload::of("/l/d/a/s/r/low-video.m3u8", query).is_err());
        for path in ["/l/d/a/s/r/video.m3u8", "/l/d/a/s/low.m3u8", "/l/d/a/s/r/v1.0.m4s", ""] {
            assert_eq!(Reload::of(path, query), Ok(Reload::default()), "{path}");
            assert_eq!(is_part(path), path.ends_with("v1.0.m4s"), "{path}");
        }
    }

    #[test]
    fn what_asks_the_same_has_one_query() {
        let read = |query: &str| Reload::parse(query).map(|reload| reload.query());
        assert_eq!(read("auth_key=1-0-0-a&x=_HLS_msn"), Ok(None));
        for query in ["_HLS_msn=7&_HLS_part=3&_HLS_skip=YES", "auth_key=1&_HLS_skip=v2&_HLS_part=03&_HLS_msn=7"] {
            assert_eq!(read(query), Ok(Some("_HLS_msn=7&_HLS_part=3&_HLS_skip=YES".to_owned())));
        }
        assert_eq!(read("_HLS_skip=NO"), Ok(None));
        for query in ["_HLS_part=1", "_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=a", "_HLS_msn=99999999999999999999999"] {
            assert!(matches!(read(query), Err(Refusal::BadRequest { .. })), "{query}");
        }
    }

    proptest! {
        #[test]
        fn a_query_that_was_written_is_read_back(segment: Option<u32>, part: u16, skip: bool) {
            let segment = segment.and_then(|number| usize::try_from(number).ok());
            let reload = Reload { segment, part: segment.map(|_| usize::from(part)), skip };
            prop_assert_eq!(Reload::parse(&reload.query().unwrap_or_default()), Ok(reload));
        }
    }
}
