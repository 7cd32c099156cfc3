//! A policy bundle, as a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_policy::Bundle;

fuzz_target!(|text: &str| {
    if let Ok(bundle) = Bundle::parse(text) {
        assert!(bundle.version() > 0, "bundles count from 1");
    }
});
