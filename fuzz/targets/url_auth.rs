//! Signed URLs of all types; what was signed is accepted.
#![no_main]

use rpc::url_auth::{check_a, check_b, check_c, check_c_path, sign_a, sign_b, sign_c};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let keys = ["key", "other"];
    let (path, value) = text.split_once('?').unwrap_or((text, text));
    let _ = check_a(path, value, &keys, 60, 1_700_000_000);
    let _ = check_b(text, &keys, 60, 1_700_000_000);
    let _ = check_c(path, value, value, &keys, 60, 1_700_000_000);
    let _ = check_c_path(text, &keys, 60, 1_700_000_000);
    let path = format!("/{path}");
    assert!(check_a(&path, &sign_a(&path, "key", 1_700_000_000, "0", "0"), &keys, 60, 1_700_000_030).is_ok());
    let signed = sign_b(&path, "other", 1_700_000_040);
    assert_eq!(check_b(&signed, &keys, 60, 1_700_000_050).ok(), Some(path.as_str()));
    let (hash, time) = sign_c(&path, "key", 1_700_000_000);
    assert!(check_c(&path, &hash, &time, &keys, 60, 1_700_000_030).is_ok());
});
