//! The trust root, as a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_trust::TrustRoot;

fuzz_target!(|text: &str| {
    if let Ok(root) = TrustRoot::parse(text) {
        assert_eq!(root.render(), text, "a root has one text");
    }
});
