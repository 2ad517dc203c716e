//! The query of a push URL. It holds the stream key, so it is never printed whole.

use std::fmt;

/// The parameter that carries the stream key (type A URL authentication).
const AUTH_KEY: &str = "auth_key";

/// `name=value` pairs in the order of the URL, as sent (nothing is percent-decoded).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads the text behind a `?`. Empty pairs are left out.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split(['&', '?']).filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        });
        Self { pairs: pairs.collect() }
    }

    /// Adds what `other` has and `self` has not.
    pub fn merge(&mut self, other: Self) {
        for (name, value) in other.pairs {
            if self.get(&name).is_none() {
                self.pairs.push((name, value));
            }
        }
    }

    /// The value of the first parameter of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The stream key, for the check and nothing else.
    pub fn auth_key(&self) -> Option<&str> {
        self.get(AUTH_KEY)
    }

    /// The query again, without the stream key: what may be stored, told and logged.
    pub fn without_auth(&self) -> String {
        let open = self.pairs.iter().filter(|(name, _)| name != AUTH_KEY);
        let pairs: Vec<_> = open.map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &(String, String)| {
            if name == AUTH_KEY { format!("{name}=***") } else { format!("{name}={value}") }
        };
        f.debug_list().entries(self.pairs.iter().map(shown)).finish()
    }
}

/// Splits `name?query`, the form of an app or stream name on the wire. A slash at the end is no part of a name.
pub(crate) fn split_name(text: &str) -> (&str, Query) {
    let (name, query) = text.split_once('?').unwrap_or((text, ""));
    (name.trim_matches('/'), Query::parse(query))
}

/// The host of a `tcUrl`, without port and brackets; `None` when there is none.
pub(crate) fn host_of(tc_url: &str) -> Option<&str> {
    let (_, rest) = tc_url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_name_and_its_query_are_told_apart() {
        let (name, query) = split_name("court1?vhost=push.example.org&auth_key=17-0-0-ab&note");
        assert_eq!(
            (name, query.get("vhost"), query.auth_key()),
            ("court1", Some("push.example.org"), Some("17-0-0-ab"))
        );
        assert_eq!(query.without_auth(), "vhost=push.example.org&note=");
        assert_eq!(split_name("live/").0, "live");
    }

    #[test]
    fn the_stream_key_is_never_printed() {
        let (_, query) = split_name("s?auth_key=secret&a=b");
        assert_eq!(format!("{query:?}"), r#"["auth_key=***", "a=b"]"#);
    }

    #[test]
    fn of_two_queries_the_first_wins() {
        let mut query = Query::parse("a=1");
        query.merge(Query::parse("a=2&b=3"));
        assert_eq!(query.without_auth(), "a=1&b=3");
    }

    #[test]
    fn the_host_is_found_in_every_form_of_url() {
        for (url, host) in [
            ("rtmp://push.example.org/app", Some("push.example.org")),
            ("rtmp://push.example.org:1935", Some("push.example.org")),
            ("rtmps://user:pass@push.example.org:443/app?x=http://other/", Some("push.example.org")),
            ("rtmp://[2001:db8::1]:1935/app", Some("2001:db8::1")),
            ("rtmp:///app", None),
            ("app", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
