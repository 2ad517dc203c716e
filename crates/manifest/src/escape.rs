//! Text that comes from outside, made safe for a line or a quoted string (RFC 8216bis §4.2), and for XML.

use std::fmt::Write;

/// A URI reference with every byte that may not stand in one percent-encoded: controls, space, quotes, anything beyond
/// ASCII. An escape that is there already stays as it is.
pub fn uri(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0..=0x20 | 0x7f.. => {
                // Writing to a string never fails.
                let _ = write!(out, "%{byte:02X}");
            }
            byte => out.push(char::from(byte)),
        }
    }
    out
}

/// The text of a quoted string, which has no escape for quotes and line ends: they become `'` and a space.
pub(crate) fn quoted(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => '\'',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}

/// Text of an XML element or attribute.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_ends_a_line_or_a_string() {
        assert_eq!(uri("a b\"c\n#EXT/é?x=1&y=%20"), "a%20b%22c%0A#EXT/%C3%A9?x=1&y=%20");
        assert_eq!(xml("<a b=\"1\">&\n"), "&lt;a b=&quot;1&quot;&gt;&amp; ");
        assert_eq!(quoted("say \"hi\"\r\nthere é"), "say 'hi'  there é");
    }
}
