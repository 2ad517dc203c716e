//! How long others may keep an answer.

use axum::http::HeaderValue;

/// How long others may keep an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// It never changes. A day, so that what was deleted is forgotten.
    Forever,
    /// It changes seldom.
    Minute,
    /// It is what was waited for: it has that for good, and there is more for who asks for more. Six target durations (RFC 8216bis §B.1).
    Reload,
    /// It changes with every segment.
    Second,
    /// Nobody is to keep it.
    Never,
}

impl Keep {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Forever, Self::Minute, Self::Reload, Self::Second, Self::Never];

    /// For so many seconds.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Forever => 86_400,
            Self::Minute => 60,
            Self::Reload => 36,
            Self::Second => 1,
            Self::Never => 0,
        }
    }

    /// As `Cache-Control`.
    pub const fn value(self) -> HeaderValue {
        match self {
            Self::Forever => HeaderValue::from_static("public, max-age=86400, immutable"),
            Self::Minute => HeaderValue::from_static("public, max-age=60"),
            Self::Reload => HeaderValue::from_static("public, max-age=36"),
            Self::Second => HeaderValue::from_static("public, max-age=1"),
            Self::Never => HeaderValue::from_static("no-store"),
        }
    }

    /// What a `Cache-Control` of this project says; anything else is not kept.
    pub fn of_value(value: Option<&HeaderValue>) -> Self {
        value.and_then(|value| Self::ALL.into_iter().find(|keep| keep.value() == *value)).unwrap_or(Self::Never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_anything_else_is_not_kept() {
        for keep in Keep::ALL {
            assert_eq!(Keep::of_value(Some(&keep.value())), keep);
        }
        assert_eq!(Keep::of_value(None), Keep::Never);
        assert_eq!(Keep::of_value(Some(&HeaderValue::from_static("private, max-age=60"))), Keep::Never);
    }
}
