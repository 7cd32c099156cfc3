//! What a node sends to a coordinator.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use quorate_api::frame::NodeFrame;
use quorate_api::pb::node::v1 as pb;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = pb::NodeFrame::decode(bytes) else { return };
    let Ok(frame) = NodeFrame::try_from(message) else { return };
    let again = NodeFrame::try_from(pb::NodeFrame::from(frame.clone()));
    assert_eq!(again.ok(), Some(frame), "what was read once is read again, the same");
});
