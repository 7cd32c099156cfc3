//! What a coordinator sends to a node.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use quorate_api::pb::node::v1 as pb;
use quorate_protocol::wire::{CallId, ToNode};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = pb::CoordinatorFrame::decode(bytes) else { return };
    let Ok(question) = <(CallId, ToNode)>::try_from(message) else { return };
    let again = <(CallId, ToNode)>::try_from(pb::CoordinatorFrame::from(question.clone()));
    assert_eq!(again.ok(), Some(question), "what was read once is read again, the same");
});
