//! `Range` (RFC 9110 §14): one range of bytes, or the whole.

use std::ops::Range;

/// What of a body of `size` bytes is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// All: no range was asked for, or one that may be ignored (§14.2: other units, several ranges, bad syntax).
    Whole,
    /// These bytes; never empty, never beyond the end.
    Part(Range<u64>),
    /// A range that does not touch the body (§15.5.17).
    Unsatisfiable,
}

/// Reads the value of a `Range` header.
pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Wanted::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::Whole };
    let number = |text: &str| -> Option<u64> {
        // A number too large for 64 bits is one beyond any end.
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Wanted::Whole,
    };
    if range.is_empty() { Wanted::Unsatisfiable } else { Wanted::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_taken_in_each_of_its_forms() {
        for (header, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=90-200", 90..100),
            ("bytes=99-", 99..100),
            ("bytes=-1", 99..100),
            ("bytes=-500", 0..100),
            ("bytes=1-99999999999999999999999", 1..100),
        ] {
            assert_eq!(wanted(Some(header), 100), Wanted::Part(range), "{header}");
        }
    }

    #[test]
    fn ranges_beyond_the_end_are_refused_and_odd_ones_ignored() {
        for header in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(Some(header), 100), Wanted::Unsatisfiable, "{header}");
        }
        for header in ["bytes=5-2", "bytes=-", "bytes=a-b", "bytes=0-1,4-5", "items=0-1", "bytes 0-1", "bytes=+1-2", ""]
        {
            assert_eq!(wanted(Some(header), 100), Wanted::Whole, "{header}");
        }
        assert_eq!(wanted(None, 100), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
    }
}
