//! A Solana transfer, put before ed25519-dalek's strict verifier.

use ed25519_dalek::{Signature, VerifyingKey};
use quorate_coordinator::RequestState;
use quorate_model::{KeyId, Network, Scheme};
use quorate_testkit::{PaymentRequest, PaymentSize};

use crate::SIZES;
use crate::lockstep::Lockstep;

#[test]
fn a_strict_verifier_accepts_what_a_cluster_signs() {
    for (nodes, signers) in SIZES {
        let mut cluster = Lockstep::new(u64::from(nodes), nodes);
        let key: KeyId = "treasury".parse().unwrap();
        let certified = cluster.generate_key(&key, Scheme::FrostEd25519, signers);
        let payment = PaymentRequest {
            network: Network::SolanaDevnet,
            number: 1,
            size: PaymentSize::Small,
            expires: cluster.now.plus_millis(60_000),
        };
        let group = &certified.group_verifying_key;
        let request = cluster.fixture.payment(&key, group, payment);
        let view = cluster.sign(&request);
        let RequestState::Signed { signatures, signers: set } = view.record.state else {
            panic!("{:?}: {}", view.record.state, view.record.reason)
        };
        assert_eq!((signatures.len(), set.len()), (1, usize::from(signers)));

        // A message is signed as it is: the payload itself.
        let message = &request.request.payload;
        let group = VerifyingKey::from_bytes(group.as_slice().try_into().unwrap()).unwrap();
        let signature = Signature::from_slice(&signatures[0]).unwrap();
        assert!(group.verify_strict(message, &signature).is_ok(), "{signers} of {nodes}");

        for at in 0..message.len() {
            let mut tampered = message.clone();
            tampered[at] ^= 1;
            assert!(group.verify_strict(&tampered, &signature).is_err(), "byte {at}");
        }
    }
}

#[test]
fn nothing_is_signed_that_the_policy_forbids() {
    let mut cluster = Lockstep::new(9, 3);
    let key: KeyId = "treasury".parse().unwrap();
    let certified = cluster.generate_key(&key, Scheme::FrostEd25519, 2);
    let payment = PaymentRequest {
        network: Network::SolanaDevnet,
        number: 1,
        size: PaymentSize::Large,
        expires: cluster.now.plus_millis(60_000),
    };
    let request = cluster.fixture.payment(&key, &certified.group_verifying_key, payment);
    let view = cluster.sign(&request);
    assert_eq!(view.record.state, RequestState::Denied, "{}", view.record.reason);
}
