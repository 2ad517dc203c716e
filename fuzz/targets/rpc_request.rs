//! A request of the API: method, query, headers and body, parted by line feeds, body behind an empty line.
#![no_main]

use rpc::{Call, WireRequest};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (&bytes[..at], bytes.get(at + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let method = if lines.next() == Some(b"POST") { "POST" } else { "GET" };
    let query = lines.next().unwrap_or_default();
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| std::str::from_utf8(line).ok()?.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    if let Ok(call) = Call::parse(&WireRequest { method, query, headers: &headers, body }) {
        let _ = call.verify("secret");
        let names: Vec<String> = call.params.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let _ = (call.params.object(&name), call.params.indexes(&name));
        }
    }
});
