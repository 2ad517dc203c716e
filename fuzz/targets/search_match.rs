//! The `Match` of SearchMedia: what is read is written so that it is read again, and an error names a place in the text.
#![no_main]

use rpc::search::Condition;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Condition::parse(text) {
        Ok(condition) => {
            let written = condition.to_string();
            // What is written may be longer than what may be sent: a bound has all its digits.
            if written.len() <= rpc::search::MATCH_BYTES_MAX {
                assert_eq!(Condition::parse(&written), Ok(condition));
            }
        }
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.at)),
    }
});
