//! Signed URLs of all types; what was signed is accepted. The lists of sites and addresses.
#![no_main]

use std::collections::BTreeMap;

use rpc::access::{Addresses, Referers};
use rpc::url_auth::UrlAuth;
use units::WallTime;

fn args(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let now = WallTime::from_unix_s(1_700_000_000);
    let (path, query) = text.split_once('?').unwrap_or((text, text));
    let path = format!("/{path}");
    for kind in ["type_a", "type_b", "type_c"] {
        let read = UrlAuth::of_args(&args(&[("auth_type", kind), ("auth_key1", "firstkey"), ("auth_key2", "otherkey")]));
        let auth = read.expect("these arguments are right").expect("it is on");
        if let Ok(claim) = auth.claim(&path, query) {
            let _ = auth.check(&claim, &[claim.path(), "/other"], now);
        }
        // What ends the path of a URL is written otherwise in one.
        let signed = auth.until(now).url(&path.replace(['?', '&', '#', '+', '%'], ""));
        let (signed, query) = signed.split_once('?').unwrap_or((&signed, ""));
        let claim = auth.claim(signed, query).expect("what was signed is read");
        assert!(auth.check(&claim, &[claim.path()], now).is_ok());
    }
    let (list, asked) = text.split_once('\n').unwrap_or((text, text));
    if let Some(Ok(sites)) = Referers::of_args("referer_white_list_set", &args(&[("refer_domain_allow_list", list)])) {
        sites.admits(Some(asked));
    }
    if let Some(Ok(addresses)) = Addresses::of_args("ip_black_list_set", &args(&[("ip_list", list)])) {
        addresses.admits(asked.parse().ok(), None);
    }
});
