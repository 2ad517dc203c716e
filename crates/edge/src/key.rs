//! What is kept is called by its path; a playlist that is waited for also by what it is to have then.

use door::Reload;

/// Stands between a path and a query. No path has a control character in it.
const MARK: char = '\u{1}';

/// The name under which an answer is kept.
pub(crate) fn key_of(path: &str, reload: &Reload) -> String {
    match reload.query() {
        None => path.to_owned(),
        Some(query) => format!("{path}{MARK}{query}"),
    }
}

/// The path in a name, and the query.
pub(crate) fn split(key: &str) -> (&str, Option<&str>) {
    key.split_once(MARK).map_or((key, None), |(path, query)| (path, Some(query)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_in_the_name_and_is_found_there() {
        let path = "/l/d/a/s?_HLS_msn=1/r/low-video.m3u8";
        let reload = Reload { segment: Some(7), part: Some(2), skip: true };
        let key = key_of(path, &reload);
        assert_ne!(key, key_of(path, &Reload { part: Some(3), ..reload }));
        assert_eq!(split(&key), (path, Some("_HLS_msn=7&_HLS_part=2&_HLS_skip=YES")));
        assert_eq!(split(&key_of(path, &Reload::default())), (path, None));
    }
}
