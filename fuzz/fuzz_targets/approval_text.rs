//! What people sign about requests. A node reads the text before it looks at the signature.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_trust::Approval;

fuzz_target!(|text: &str| {
    if let Ok(approval) = Approval::parse(text) {
        assert_eq!(approval.render(), text, "what people sign has one text");
    }
});
