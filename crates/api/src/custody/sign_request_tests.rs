use quorate_coordinator::ClusterView;
use quorate_intent::{Address, Amount, Asset, Effect, EffectKind, Flag, Intent};
use quorate_model::{Network, Threshold};

use super::*;
use crate::custody::cluster_to_pb;
use crate::fixture::{self, request_states, request_view};
use crate::page::Page;

fn intent() -> Intent {
    let network = Network::Bitcoin;
    let address = Address::parse("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", network).unwrap();
    let amount =
        |units: &str| Amount { asset: Asset::native(network), base_units: units.parse().unwrap() };
    let effect = Effect {
        kind: EffectKind::Transfer,
        amount: amount("100000000000000000000000000000000000"),
        destination: address.clone(),
        flags: vec![Flag::SelfDestination, Flag::Dust, Flag::DurableNonce, Flag::Data],
        detail: String::new(),
    };
    Intent {
        network,
        from: address,
        effects: vec![effect],
        fee: amount("141"),
        change: vec![amount("7")],
        nonce_account: None,
        account_nonce: None,
        validity: "any time".to_owned(),
        payload_digest: fixture::digest(3),
    }
}

#[test]
fn a_request_is_shown_with_everything_that_is_known() {
    let view = request_view(request_states()[2].clone());
    let view = SignRequestView { intent: Some(intent()), ..view };
    let shown = pb::SignRequest::from(view);
    assert_eq!(shown.name, "services/payments/signRequests/6a6a6a6a-6a6a-6a6a-6a6a-6a6a6a6a6a6a");
    assert_eq!((shown.key.as_str(), shown.path.as_str()), ("keys/treasury-btc", "m"));
    assert_eq!(shown.state(), pb::SignRequestState::Signed);
    assert_eq!(shown.payload_format(), pb::PayloadFormat::BitcoinPsbt);
    assert_eq!(shown.signatures, vec![vec![1; 64], vec![2; 64]]);
    assert_eq!(shown.signing_messages, vec![vec![5; 32], vec![6; 32]]);
    assert_eq!((shown.signers, shown.attempts), (vec![1, 5], 3));
    assert_eq!(shown.denials[0].node, 2);
    let denial = shown.denials[0].denial.clone().unwrap();
    assert_eq!(Signed::<SignedDenial>::try_from(denial).unwrap(), fixture::denial());
    let payload = Payload::BitcoinPsbt(fixture::sign_request().payload);
    assert_eq!(shown.payload_digest, payload.digest().as_bytes());
    assert_eq!(shown.digest, fixture::digest(13).as_bytes());
}

#[test]
fn amounts_are_shown_exactly() {
    let shown = pb::Intent::from(&intent());
    let effect = &shown.effects[0];
    let amount = effect.amount.as_ref().unwrap();
    assert_eq!(amount.base_units, "100000000000000000000000000000000000");
    assert_eq!(amount.asset, "bip122:000000000019d6689c085ae165831e93/slip44:0");
    assert_eq!(effect.flags, vec![1, 2, 3, 4]);
    assert_eq!(shown.fee.unwrap().base_units, "141");
    assert_eq!(shown.effects_digest, intent().effects_digest().as_bytes());
}

#[test]
fn creating_fails_where_a_request_is_denied_or_too_late() {
    for state in request_states() {
        let expected = match &state {
            RequestState::Denied => Some(Reason::PolicyDenied),
            RequestState::Expired => Some(Reason::Expired),
            RequestState::PendingApproval
            | RequestState::Queued
            | RequestState::Signing
            | RequestState::Signed { .. }
            | RequestState::Rejected
            | RequestState::Canceled
            | RequestState::Failed => None,
        };
        let created = created_to_pb(request_view(state));
        let found = created.err().map(|failure| {
            let status = tonic::Status::from(failure);
            assert_eq!(status.message(), "node 2 denies it");
            Reason::of(&status).unwrap()
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn creating_without_enough_nodes_says_where_the_request_waits() {
    use tonic_types::StatusExt as _;

    let hold = Some(Hold::BelowThreshold);
    let view = SignRequestView { hold, ..request_view(RequestState::Queued) };
    let status = tonic::Status::from(created_to_pb(view).unwrap_err());
    assert_eq!(Reason::of(&status), Some(Reason::NodesBelowThreshold));
    let info = status.get_details_error_info().unwrap();
    assert!(info.metadata["name"].starts_with("services/payments/signRequests/"));
    assert!(status.get_details_retry_info().is_some());
    let hold = Some(Hold::PairsFrozen);
    let view = SignRequestView { hold, ..request_view(RequestState::Queued) };
    let status = tonic::Status::from(created_to_pb(view).unwrap_err());
    assert_eq!(Reason::of(&status), Some(Reason::PairsFrozen));
    assert!(status.get_details_retry_info().is_none(), "waiting does not help");
}

#[test]
fn a_preview_is_queued_and_has_the_statements_digest() {
    let signed = fixture::signed_request();
    let preview = preview_to_pb(signed.clone(), Timestamp::from_millis(5));
    assert_eq!(preview.state(), pb::SignRequestState::Queued);
    assert_eq!((preview.attempts, preview.create_time_ms), (0, 5));
    assert_eq!(preview.digest, signed.digest().as_bytes());
}

#[test]
fn a_full_page_has_a_token_for_the_next() {
    let filter = |limit| ListFilter { service: None, state: None, after: None, limit };
    let views = || vec![request_view(RequestState::Queued)];
    let full = sign_requests_to_pb(&filter(1), views());
    let page = Page::of_requests(1, &full.next_page_token).unwrap();
    assert_eq!(page.after, Some(fixture::sign_request().request_key()));
    assert_eq!(sign_requests_to_pb(&filter(2), views()).next_page_token, "");
}

#[test]
fn a_decision_is_shown_either_way() {
    let decision = |decision| NodeDecision { node: fixture::id(2), decision, answered: true };
    let allowed = pb::NodeDecision::from(decision(Ok(vec!["small".to_owned()])));
    assert!(allowed.allowed && allowed.reason.is_empty() && allowed.rules == ["small"]);
    let refused = pb::NodeDecision::from(decision(Err("why".to_owned())));
    assert!(!refused.allowed && refused.reason == "why" && refused.rules.is_empty());
}

#[test]
fn a_cluster_is_shown_with_nodes_that_never_spoke() {
    let node = quorate_coordinator::NodeView {
        node: fixture::id(1),
        attached: false,
        status: None,
        last_seen: None,
    };
    let seen = quorate_coordinator::NodeView {
        node: fixture::id(2),
        attached: true,
        status: Some(fixture::status()),
        last_seen: Some(Timestamp::from_millis(9)),
    };
    let nodes = vec![node, seen];
    let (cluster, threshold_floor) = (fixture::digest(7), Threshold::new(2).unwrap());
    let view = ClusterView { cluster, root: "text".to_owned(), threshold_floor, nodes };
    let cluster = cluster_to_pb(view, "0.1.0");
    assert_eq!((cluster.threshold_floor, cluster.version.as_str()), (2, "0.1.0"));
    assert_eq!((cluster.nodes[0].last_seen_ms, cluster.nodes[1].last_seen_ms), (0, 9));
    assert!(cluster.nodes[0].status.is_none() && cluster.nodes[1].status.is_some());
}
