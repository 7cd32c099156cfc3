//! What a service signs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_api::statement::{decode_sign_request, encode_sign_request};

fuzz_target!(|statement: &[u8]| {
    if let Ok(request) = decode_sign_request(statement) {
        assert_eq!(encode_sign_request(&request), statement, "a request has one encoding");
    }
});
