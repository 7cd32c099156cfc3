//! Children of a key at a coordinator.

use quorate_api::statement::encode_sign_request;
use quorate_model::{DerivationPath, Scheme};
use quorate_protocol::verify_signature;
use quorate_testkit::{PaymentRequest, PaymentSize, network_of};
use quorate_trust::SignRequest;

use super::*;

fn taproot() -> Cluster {
    let lab = Lab::with_key(1, 3, 2, Scheme::FrostSecp256k1Tr);
    let mut cluster = Cluster::of(lab, Limits::default());
    cluster.attach(&[1, 2, 3]);
    cluster
}

fn path(text: &str) -> DerivationPath {
    text.parse().unwrap()
}

/// A request at `asked` to pay coins of `owner`.
fn payment(cluster: &Cluster, number: u64, owner: &str, asked: &str) -> SignedRequest {
    let lab = &cluster.lab;
    let owner = lab.certified().child(&path(owner)).unwrap().verifying_key;
    let network = network_of(Scheme::FrostSecp256k1Tr).unwrap();
    let expires = lab.now.plus_millis(300_000);
    let payment = PaymentRequest { network, number, size: PaymentSize::Small, expires };
    let request = lab.fixture.payment(&Lab::key(), &owner, payment).request;
    let request = SignRequest { path: path(asked), ..request };
    let service = &lab.fixture.signers.service;
    SignedRequest::sign(encode_sign_request(&request), request, service)
}

#[test]
fn a_childs_request_is_shown_and_aggregated_under_the_child() {
    let mut cluster = taproot();
    for (number, asked) in [(1, "m"), (2, "m/0"), (3, "m/0/7")] {
        let request = payment(&cluster, number, asked, asked);
        let view = cluster.create(&request).unwrap();
        let RequestState::Signed { signatures, .. } = &view.record.state else {
            panic!("{asked}: {:?} {}", view.record.state, view.record.reason)
        };
        let certified = cluster.lab.certified();
        let child = certified.child(&path(asked)).unwrap().verifying_key;
        let (scheme, message) = (certified.scheme, &view.messages[0]);
        assert!(verify_signature(scheme, &child, message, &signatures[0]), "{asked}");
        assert!(view.intent.is_some(), "{asked}");
    }
}

#[test]
fn coins_of_another_child_are_refused_at_once() {
    let mut cluster = taproot();
    for (owner, asked) in [("m", "m/0"), ("m/0", "m"), ("m/1", "m/0")] {
        let request = payment(&cluster, 1, owner, asked);
        assert_eq!(cluster.create(&request).unwrap_err().code, ErrorCode::Invalid, "{owner}");
    }
}

#[test]
fn a_payload_is_decoded_for_the_child_that_is_named() {
    let mut cluster = taproot();
    let request = payment(&cluster, 1, "m/0/7", "m/0/7").request;
    let mut decode = |asked| {
        cluster.ask(ClientRequest::DecodePayload {
            key: Lab::key(),
            path: path(asked),
            network: request.network,
            format: request.payload_format,
            payload: request.payload.clone(),
        })
    };
    assert!(matches!(decode("m/0/7"), Ok(ClientReply::Decoded(_))));
    for other in ["m", "m/0", "m/0/8"] {
        assert_eq!(decode(other).unwrap_err().code, ErrorCode::Invalid, "{other}");
    }
}
