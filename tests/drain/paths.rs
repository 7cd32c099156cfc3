//! Children of a key: another path is another owner.

use bitcoin::Psbt;
use quorate_api::statement::encode_sign_request;
use quorate_intent::bitcoin::{Place, PsbtError};
use quorate_intent::compose::{Coin, Payment, bitcoin_payment};
use quorate_intent::{Address, DecodeError, address};
use quorate_model::{Attempt, Scheme};
use quorate_protocol::verify_signature;
use quorate_protocol::wire::{FromNode, RefusalCode};
use quorate_trust::SignedRequest;

use crate::cluster::{Cluster, id, pair};
use crate::{bitcoin as psbt, solana};

const PATHS: [&str; 5] = ["m", "m/0", "m/0/7", "m/0/8", "m/7/0"];

fn at(path: &str) -> Cluster {
    let mut cluster = Cluster::new(Scheme::FrostSecp256k1Tr);
    cluster.at(path);
    cluster
}

#[test]
fn a_child_pays_with_its_own_coins() {
    for path in PATHS {
        // Nodes of its own: what one payload has spent, another does not spend again.
        let mut cluster = at(path);
        let payload = psbt::harmless(&cluster);
        let signatures = cluster.sign(&payload);
        let messages = cluster.decoding(&payload).unwrap().signing_messages;
        for other in PATHS {
            let child = cluster.certified.child(&other.parse().unwrap()).unwrap();
            let (scheme, key) = (cluster.certified.scheme, &child.verifying_key);
            let verifies = verify_signature(scheme, key, &messages[0], &signatures[0]);
            assert_eq!(verifies, other == path, "of {path} under {other}");
        }
    }
}

#[test]
fn coins_of_another_path_are_not_this_ones() {
    let mut cluster = at("m");
    for (coins_of, asked) in [("m", "m/0/7"), ("m/0/7", "m"), ("m/0/8", "m/0/7")] {
        cluster.at(coins_of);
        let payload = psbt::harmless(&cluster);
        cluster.at(asked);
        let place = Place::Input(0);
        let claimed = DecodeError::Bitcoin(PsbtError::InternalKey { place });
        cluster.refuses(&format!("coins of {coins_of} at {asked}"), &payload, &claimed);
        let mut silent = Psbt::deserialize(&payload).unwrap();
        silent.inputs.iter_mut().for_each(|input| input.tap_internal_key = None);
        silent.outputs.iter_mut().for_each(|output| output.tap_internal_key = None);
        let address = address(cluster.paying()).unwrap().to_string();
        let not_ours = DecodeError::Bitcoin(PsbtError::NotOurs { input: 0, address });
        let name = format!("coins of {coins_of} at {asked}, without a word about the key");
        cluster.refuses(&name, &silent.serialize(), &not_ours);
    }
}

/// What goes to a sibling leaves this child, and is judged as what leaves is.
#[test]
fn change_to_another_path_is_a_payment() {
    let mut cluster = at("m/0/8");
    let sibling = address(cluster.paying()).unwrap();
    cluster.at("m/0/7");
    let own = address(cluster.paying()).unwrap();
    let outpoint = format!("{:064x}:0", 1);
    let coins = [Coin { outpoint: &outpoint, sats: 300_000 }];
    let payee = Address::parse(psbt::PAYEE, cluster.network).unwrap();
    let paid = |change_to: &Address| {
        let payments = [(&payee, 100_000), (change_to, 50_000)];
        let payments = payments.map(|(address, sats)| Payment { address, sats });
        let psbt = bitcoin_payment(cluster.paying(), &coins, &payments, 500).unwrap();
        let effects = cluster.decoding(&psbt).unwrap().intent.effects.into_iter();
        effects.map(|effect| effect.destination).collect::<Vec<_>>()
    };
    assert_eq!(paid(&own), std::slice::from_ref(&payee));
    assert_eq!(paid(&sibling), [payee, sibling]);
}

/// The service signed for one path; whoever relays it asks for another.
#[test]
fn a_path_that_was_changed_on_the_way_gets_no_share() {
    let mut cluster = at("m/0/7");
    let payload = psbt::harmless(&cluster);
    let shown = cluster.request(&payload);
    for path in PATHS.into_iter().filter(|path| *path != "m/0/7") {
        let mut request = shown.request.clone();
        request.path = path.parse().unwrap();
        let signature = shown.signature;
        let statement = encode_sign_request(&request);
        let changed = SignedRequest { statement, request, signature };
        for node in cluster.lab.ids() {
            let set = pair(node, id(if node == id(1) { 2 } else { 1 }));
            let answer = cluster.lab.reserve(node, &changed, Attempt::FIRST, &set);
            let FromNode::Refused(refusal) = answer else { panic!("{path}: {answer:?}") };
            assert_eq!(refusal.code, RefusalCode::Invalid, "{path}");
        }
    }
}

#[test]
fn an_ed25519_key_signs_for_no_path() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    let payload = solana::harmless(&cluster);
    let mut request = cluster.request(&payload).request;
    request.path = "m/0".parse().unwrap();
    let key = &cluster.lab.fixture.signers.service;
    let signed = SignedRequest::sign(encode_sign_request(&request), request, key);
    for node in cluster.lab.ids() {
        let set = pair(node, id(if node == id(1) { 2 } else { 1 }));
        let answer = cluster.lab.reserve(node, &signed, Attempt::FIRST, &set);
        let FromNode::Refused(refusal) = answer else { panic!("{answer:?}") };
        assert_eq!(refusal.code, RefusalCode::Invalid);
        assert!(refusal.reason.contains("SLIP-10"), "{}", refusal.reason);
    }
}
