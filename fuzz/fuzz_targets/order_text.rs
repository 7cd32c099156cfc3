//! What officers sign. A node reads the text before it looks at any signature.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use quorate_model::{Threshold, Timestamp};
use quorate_trust::{SignedOrder, TrustRoot};

fuzz_target!(|text: &str| {
    let root = TrustRoot {
        lineage: None,
        created: Timestamp::ZERO,
        policy: quorate_model::Digest::new([8; 32]),
        threshold_floor: Threshold::new(2).expect("2 is a threshold"),
        unfreeze_delay_s: 0,
        change_delay_s: 0,
        nodes: BTreeMap::new(),
        services: BTreeMap::new(),
        persons: BTreeMap::new(),
        quorums: BTreeMap::new(),
    };
    let order = SignedOrder { text: text.to_owned(), signatures: Vec::new() };
    assert!(order.verify(&root).is_err(), "nobody signed it");
});
