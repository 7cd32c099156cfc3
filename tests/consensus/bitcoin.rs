//! A PSBT with two inputs, signed, finalised, extracted, and put before `bitcoinconsensus`.

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::{Psbt, Transaction, TxOut};
use quorate_api::statement::encode_sign_request;
use quorate_coordinator::RequestState;
use quorate_intent::bitcoin::{extract, finalize};
use quorate_intent::compose::{Coin, Payment, bitcoin_payment};
use quorate_intent::{PayingKey, address};
use quorate_model::{
    DerivationPath, KeyId, Network, PayloadFormat, RequestId, Scheme, ServiceName, Timestamp,
};
use quorate_testkit::{ClusterFixture, SERVICE};
use quorate_trust::{SignRequest, SignedRequest};

use crate::SIZES;
use crate::judge::accepted;
use crate::lockstep::Lockstep;

pub(crate) const NETWORK: Network = Network::BitcoinRegtest;
/// The generator: the payee that the fixture's policy permits holds the secret key 1.
pub(crate) const PAYEE: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn changed(transaction: &[u8], change: impl FnOnce(&mut Transaction)) -> Vec<u8> {
    let mut transaction = deserialize(transaction).unwrap();
    change(&mut transaction);
    serialize(&transaction)
}

fn request(
    fixture: &ClusterFixture,
    (key, path): (&KeyId, &DerivationPath),
    psbt: Vec<u8>,
    now: Timestamp,
) -> SignedRequest {
    let request = SignRequest {
        cluster: fixture.root.hash(),
        service: SERVICE.parse::<ServiceName>().unwrap(),
        request_id: RequestId::new([7; 16]),
        key: key.clone(),
        path: path.clone(),
        scheme: NETWORK.usual_scheme(),
        network: NETWORK,
        action: "transfer".to_owned(),
        payload_format: PayloadFormat::BitcoinPsbt,
        payload: psbt,
        expires: now.plus_millis(60_000),
        client_reference: "two coins".to_owned(),
    };
    SignedRequest::sign(encode_sign_request(&request), request, &fixture.signers.service)
}

/// The transaction as it would be broadcast, and the outputs that it spends.
fn signed(nodes: u16, signers: u16, path: &str) -> (Vec<u8>, Vec<TxOut>) {
    let path: DerivationPath = path.parse().unwrap();
    let mut cluster = Lockstep::new(u64::from(nodes), nodes);
    let key: KeyId = "treasury".parse().unwrap();
    let certified = cluster.generate_key(&key, Scheme::FrostSecp256k1Tr, signers);
    let child = certified.child(&path).unwrap();
    let paying = PayingKey {
        group_verifying_key: &child.verifying_key,
        scheme: NETWORK.usual_scheme(),
        network: NETWORK,
    };

    let payee = hex::decode(PAYEE).unwrap();
    let payee = address(PayingKey {
        group_verifying_key: &payee,
        network: NETWORK,
        scheme: NETWORK.usual_scheme(),
    })
    .unwrap();
    let outpoints = [1, 2].map(|number| format!("{number:064x}:{number}"));
    let coins: Vec<_> = [(&outpoints[0], 300_000), (&outpoints[1], 700_000)]
        .map(|(outpoint, sats)| Coin { outpoint, sats })
        .into();
    let payments = [Payment { address: &payee, sats: 900_000 }];
    let psbt = bitcoin_payment(paying, &coins, &payments, 500).unwrap();

    let request = request(&cluster.fixture, (&key, &path), psbt.clone(), cluster.now);
    let view = cluster.sign(&request);
    let RequestState::Signed { signatures, signers: set } = view.record.state else {
        panic!("{:?}: {}", view.record.state, view.record.reason)
    };
    assert_eq!((signatures.len(), set.len()), (2, usize::from(signers)));

    let signatures: Vec<[u8; 64]> =
        signatures.into_iter().map(|bytes| bytes.try_into().unwrap()).collect();
    let transaction = extract(&finalize(&psbt, paying, &signatures).unwrap(), paying).unwrap();
    let inputs = Psbt::deserialize(&psbt).unwrap().inputs.into_iter();
    (transaction, inputs.map(|input| input.witness_utxo.unwrap()).collect())
}

#[test]
fn the_consensus_code_accepts_what_a_cluster_signs() {
    for (nodes, signers) in SIZES {
        let (transaction, spent) = signed(nodes, signers, "m");
        assert!(accepted(&transaction, &spent), "{signers} of {nodes}");
    }
}

#[test]
fn the_consensus_code_accepts_what_children_of_a_key_pay() {
    let owners = ["m", "m/0", "m/0/7", "m/2147483647/1"].map(|path| {
        let (transaction, spent) = signed(3, 2, path);
        assert!(accepted(&transaction, &spent), "{path}");
        spent[0].script_pubkey.clone()
    });
    let owners: std::collections::BTreeSet<_> = owners.into_iter().collect();
    assert_eq!(owners.len(), 4, "each pays from an address of its own");
}

#[test]
fn the_consensus_code_refuses_what_was_tampered_with() {
    let (transaction, spent) = signed(3, 2, "m");
    assert!(accepted(&transaction, &spent));
    let refused = |change: fn(&mut Transaction)| {
        assert!(!accepted(&changed(&transaction, change), &spent));
    };
    refused(|t| t.output[0].value = bitcoin::Amount::from_sat(900_001));
    refused(|t| t.output.swap(0, 1));
    refused(|t| t.input.swap(0, 1));
    refused(|t| drop(t.input.pop()));
    refused(|t| t.input[1].previous_output.vout += 1);
    refused(|t| t.input[0].sequence = bitcoin::Sequence::MAX);
    refused(|t| t.lock_time = bitcoin::absolute::LockTime::from_consensus(1));
    refused(|t| t.version = bitcoin::transaction::Version::ONE);
    refused(|t| t.input[0].witness.clear());
    refused(|t| t.input[0].witness = t.input[1].witness.clone());
    for at in 0..64 {
        let flipped = changed(&transaction, |t| {
            let mut signature = t.input[1].witness[0].to_vec();
            signature[at] ^= 1;
            t.input[1].witness.clear();
            t.input[1].witness.push(signature);
        });
        assert!(!accepted(&flipped, &spent), "byte {at}");
    }

    let mut poorer = spent.clone();
    poorer[0].value = bitcoin::Amount::from_sat(299_999);
    assert!(!accepted(&transaction, &poorer), "every amount is signed");
    let mut other = spent;
    other[1].script_pubkey.as_mut_bytes()[5] ^= 1;
    assert!(!accepted(&transaction, &other), "every spent script is signed");
}
