use prost::Message as _;
use quorate_coordinator::OperationRecord;
use quorate_model::{Attempt, Timestamp};
use quorate_protocol::{Certificate, Confirmation};

use super::*;
use crate::fixture::{self, key_view};

fn operation(state: OperationState) -> OperationView {
    let record = OperationRecord {
        order: fixture::signed_order(),
        digest: fixture::digest(8),
        attempt: Attempt(2),
        state,
        created: Timestamp::from_millis(1),
        updated: Timestamp::from_millis(2),
    };
    OperationView { id: "o1".parse().unwrap(), key: "k1".parse().unwrap(), record }
}

#[test]
fn a_client_gets_all_that_it_needs_to_verify_a_key() {
    let view = key_view("treasury");
    let key = pb::Key::from(view.clone());
    assert_eq!((key.name.as_str(), key.threshold), ("keys/treasury", 2));
    assert_eq!((key.nodes.as_slice(), key.state()), (&[1, 2, 5][..], pb::KeyState::Active));
    let certificate = Certificate::try_from(key.certificate.unwrap()).unwrap();
    assert_eq!(certificate, view.record.certificate);
    let confirmation = Confirmation::try_from(key.confirmations[0].clone()).unwrap();
    assert_eq!(confirmation, view.record.confirmations[0]);
}

#[test]
fn a_key_that_is_not_active_says_so() {
    let mut view = key_view("treasury");
    view.state = KeyState::PreActivation;
    assert_eq!(pb::Key::from(view).state(), pb::KeyState::PreActivation);
}

#[test]
fn a_client_takes_a_key_as_its_certificate_says_or_not_at_all() {
    let view = key_view("treasury");
    let key = || pb::Key::from(key_view("treasury"));
    assert_eq!(KeyView::try_from(key()).unwrap(), view);
    let refused = |change: fn(&mut pb::Key)| {
        let mut changed = key();
        change(&mut changed);
        assert_eq!(KeyView::try_from(changed).unwrap_err().field, "Key");
    };
    refused(|key| key.name = "keys/other".to_owned());
    refused(|key| key.scheme = 1);
    refused(|key| key.threshold = 3);
    refused(|key| key.nodes = vec![1, 2]);
    refused(|key| key.epoch = 1);
    refused(|key| key.group_verifying_key[0] ^= 1);
    let bare = pb::Key { certificate: None, ..key() };
    let error = KeyView::try_from(bare).unwrap_err();
    assert_eq!(error, DecodeError::missing("Key.certificate"));
    let many = pb::Key { confirmations: vec![fixture::confirmation().into(); 65], ..key() };
    assert_eq!(KeyView::try_from(many).unwrap_err().field, "Key.confirmations");
}

#[test]
fn pages_together_are_the_list() {
    let keys = || ["c", "a", "b"].map(key_view).to_vec();
    let page = Page { size: 2, after: None };
    let first = keys_to_pb(&page, keys());
    assert_eq!(names(&first), ["keys/a", "keys/b"]);
    let page = Page::of_keys(2, &first.next_page_token).unwrap();
    let second = keys_to_pb(&page, keys());
    assert_eq!(names(&second), ["keys/c"]);
    assert_eq!(second.next_page_token, "");
}

fn names(page: &pb::ListKeysResponse) -> Vec<&str> {
    page.keys.iter().map(|key| key.name.as_str()).collect()
}

#[test]
fn a_running_operation_says_what_it_waits_for() {
    let running = OperationState::Running("waits for node 3".to_owned());
    let operation = operation_to_pb(operation(running), None);
    assert_eq!((operation.name.as_str(), operation.done), ("operations/o1", false));
    assert_eq!(operation.result, None);
    let metadata = operation.metadata.unwrap();
    assert_eq!(metadata.type_url, "type.googleapis.com/quorate.custody.v1.CeremonyMetadata");
    let metadata = pb::CeremonyMetadata::decode(metadata.value.as_slice()).unwrap();
    assert_eq!((metadata.detail.as_str(), metadata.attempt), ("waits for node 3", 2));
    assert_eq!(metadata.key, "keys/k1");
}

#[test]
fn an_operation_that_is_done_has_its_key() {
    let operation = operation_to_pb(operation(OperationState::Done), Some(key_view("k1")));
    assert!(operation.done);
    let Some(operation::Result::Response(any)) = operation.result else {
        panic!("a response is expected")
    };
    assert_eq!(any.to_msg::<pb::Key>().unwrap().name, "keys/k1");
}

#[test]
fn an_operation_that_failed_says_why() {
    let failed = OperationState::Failed("node 3 refuses".to_owned());
    let operation = operation_to_pb(operation(failed), None);
    assert!(operation.done);
    let Some(operation::Result::Error(status)) = operation.result else {
        panic!("an error is expected")
    };
    assert_eq!(status.message, "node 3 refuses");
}
