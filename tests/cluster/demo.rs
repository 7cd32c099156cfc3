//! What `quorate demo` says, judged by code that is not ours.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bitcoinconsensus::{Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT, verify_with_flags};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;

use crate::lab::run;

#[tokio::test]
async fn a_demo_of_2_of_3_is_what_it_says() {
    judge(3, 2).await;
}

#[tokio::test]
async fn a_demo_of_3_of_5_is_what_it_says() {
    judge(5, 3).await;
}

#[tokio::test]
async fn a_demo_of_5_of_7_is_what_it_says() {
    judge(7, 5).await;
}

#[tokio::test]
async fn a_demo_without_a_node_to_spare_leaves_out_what_needs_one() {
    let demo = demo(2, 2).await;
    assert_eq!(demo["signatures"].as_array().unwrap().len(), 6);
    assert_eq!(demo["below_threshold"]["exit"], 5);
}

#[tokio::test]
async fn a_threshold_that_is_no_majority_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = run(dir.path(), &["demo", "--nodes", "4", "--threshold", "2"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
}

async fn demo(nodes: u16, threshold: u16) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let (nodes, threshold) = (nodes.to_string(), threshold.to_string());
    let shown = run(dir.path(), &["demo", "--nodes", &nodes, "--threshold", &threshold]).await;
    assert_eq!((shown.code, &shown.json["schema"]), (0, &"quorate.demo/v1".into()), "{shown:?}");
    shown.json
}

async fn judge(nodes: u16, threshold: u16) {
    let demo = demo(nodes, threshold).await;
    assert_eq!(demo["keys"].as_array().unwrap().len(), 4);
    assert_eq!(demo["denied"]["exit"], 3);
    assert_eq!(demo["denied"]["request"]["state"], "DENIED");
    assert_eq!(demo["below_threshold"]["request"]["state"], "QUEUED");
    let up = demo["below_threshold"]["nodes_up"].as_array().unwrap().len();
    assert_eq!(up, usize::from(threshold) - 1);
    let signatures = demo["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 7);
    assert_eq!(demo["rejected"]["state"], "REJECTED");
    assert!(demo["frozen"].as_str().unwrap().contains("frozen by alice"));
    for signed in signatures {
        match signed["payload_format"].as_str().unwrap() {
            "bitcoin-psbt" => accepted_by_bitcoin(signed),
            "solana-message" => verified_strictly(signed),
            "evm-transaction" => verified_by_libsecp256k1(signed),
            other => panic!("{other}"),
        }
    }
}

/// Bitcoin Core's own script verification takes every input of the raw transaction, and refuses it
/// once a bit of the signature is another.
fn accepted_by_bitcoin(signed: &Value) {
    let transaction = bytes(&signed["transaction"]);
    let prevouts = signed["prevouts"].as_array().unwrap();
    let scripts: Vec<_> = prevouts.iter().map(|prevout| bytes(&prevout["script_pubkey"])).collect();
    let sats: Vec<_> = prevouts.iter().map(|prevout| prevout["sats"].as_u64().unwrap()).collect();
    let utxos: Vec<_> = scripts
        .iter()
        .zip(&sats)
        .map(|(script, sats)| Utxo {
            script_pubkey: script.as_ptr(),
            script_pubkey_len: u32::try_from(script.len()).unwrap(),
            value: i64::try_from(*sats).unwrap(),
        })
        .collect();
    assert_eq!(utxos.len(), 2);
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    let verify = |transaction: &[u8], input: usize| {
        verify_with_flags(&scripts[input], sats[input], transaction, Some(&utxos), input, flags)
    };
    for (input, signature) in signed["signatures"].as_array().unwrap().iter().enumerate() {
        assert_eq!(verify(&transaction, input), Ok(()), "input {input}");
        let signature = bytes(signature);
        let mut spoiled = transaction.clone();
        let at = spoiled.windows(64).position(|window| window == signature.as_slice()).unwrap();
        spoiled[at + 40] ^= 1;
        assert!(verify(&spoiled, input).is_err(), "input {input}");
    }
}

/// A strict Ed25519 verifier takes the signature over the message, and the transaction is the two.
fn verified_strictly(signed: &Value) {
    let key: [u8; 32] = bytes(&signed["public_key"]).try_into().unwrap();
    let key = VerifyingKey::from_bytes(&key).unwrap();
    let (message, signature) = (&signed["signing_messages"][0], &signed["signatures"][0]);
    let (message, signature) = (bytes(message), bytes(signature));
    let parsed = Signature::from_slice(&signature).unwrap();
    key.verify_strict(&message, &parsed).unwrap();
    let payload = BASE64_STANDARD.decode(signed["payload"].as_str().unwrap()).unwrap();
    assert_eq!(message, payload);
    assert_eq!(bytes(&signed["transaction"]), [&[1], signature.as_slice(), &message].concat());
}

/// libsecp256k1, which takes the lower s only, verifies the signature over the hash; and the transaction
/// has it in it.
fn verified_by_libsecp256k1(signed: &Value) {
    use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, ecdsa};
    let key = PublicKey::from_slice(&bytes(&signed["public_key"])).unwrap();
    let (message, signature) = (&signed["signing_messages"][0], &signed["signatures"][0]);
    let message = Message::from_digest(bytes(message).try_into().unwrap());
    let signature = bytes(signature);
    let parsed = ecdsa::Signature::from_compact(&signature[..64]).unwrap();
    Secp256k1::verification_only().verify_ecdsa(&message, &parsed, &key).unwrap();
    let transaction = bytes(&signed["transaction"]);
    for half in [&signature[..32], &signature[32..64]] {
        // RLP leaves leading zeros out.
        let half = &half[half.iter().take_while(|byte| **byte == 0).count()..];
        assert!(transaction.windows(half.len()).any(|window| window == half));
    }
}

fn bytes(hexadecimal: &Value) -> Vec<u8> {
    hex::decode(hexadecimal.as_str().unwrap()).unwrap()
}
