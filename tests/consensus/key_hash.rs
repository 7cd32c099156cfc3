//! A P2WPKH payment of an ECDSA key, put before Bitcoin's own consensus code.

use bitcoin::consensus::serialize;
use bitcoin::{Address, Amount, ScriptBuf, Transaction, TxOut};
use quorate_api::statement::encode_sign_request;
use quorate_coordinator::RequestState;
use quorate_intent::bitcoin::{extract, finalize};
use quorate_intent::compose::{Coin, Payment, bitcoin_payment_proven};
use quorate_intent::{PayingKey, address};
use quorate_model::{KeyId, Network, PayloadFormat, RequestId, Scheme, ServiceName};
use quorate_testkit::SERVICE;
use quorate_trust::{SignRequest, SignedRequest};

use crate::bitcoin::{NETWORK, PAYEE};
use crate::judge::accepted;
use crate::lockstep::Lockstep;

const SCHEME: Scheme = Scheme::EcdsaSecp256k1;

/// A transaction whose one output is worth so much to whoever has the script.
fn previous(script: &ScriptBuf, sats: u64) -> Transaction {
    Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![Default::default()],
        output: vec![TxOut { value: Amount::from_sat(sats), script_pubkey: script.clone() }],
    }
}

#[test]
fn the_consensus_code_accepts_what_an_ecdsa_key_and_its_children_pay() {
    let mut cluster = Lockstep::new(11, 3);
    let key: KeyId = "treasury".parse().unwrap();
    let certified = cluster.generate_key(&key, SCHEME, 2);
    let payee = hex::decode(PAYEE).unwrap();
    let scheme = NETWORK.usual_scheme();
    let payee = address(PayingKey { group_verifying_key: &payee, network: NETWORK, scheme });
    let payee = payee.unwrap();
    for (number, path) in [(1, "m"), (2, "m/0/7")] {
        let path = path.parse().unwrap();
        let child = certified.child(&path).unwrap();
        let group_verifying_key = &child.verifying_key;
        let paying = PayingKey { group_verifying_key, network: NETWORK, scheme: SCHEME };
        let own: Address<_> = address(paying).unwrap().as_str().parse::<Address<_>>().unwrap();
        let script = own.assume_checked().script_pubkey();
        assert!(script.is_p2wpkh());
        let previous = [300_000, 700_000].map(|sats| previous(&script, sats + number));
        let outpoints = previous.each_ref().map(|made| format!("{}:0", made.compute_txid()));
        let coins: Vec<_> = outpoints
            .iter()
            .zip(&previous)
            .map(|(outpoint, made)| Coin { outpoint, sats: made.output[0].value.to_sat() })
            .collect();
        let spent: Vec<_> = previous.iter().map(|made| made.output[0].clone()).collect();
        let previous = previous.map(|made| serialize(&made));
        let payments = [Payment { address: &payee, sats: 900_000 }];
        let psbt = bitcoin_payment_proven(paying, &coins, &previous, &payments, 500).unwrap();
        let request = SignRequest {
            cluster: cluster.fixture.root.hash(),
            service: SERVICE.parse::<ServiceName>().unwrap(),
            request_id: RequestId::new([u8::try_from(number).unwrap(); 16]),
            key: key.clone(),
            path,
            scheme: SCHEME,
            network: Network::BitcoinRegtest,
            action: "transfer".to_owned(),
            payload_format: PayloadFormat::BitcoinPsbt,
            payload: psbt.clone(),
            expires: cluster.now.plus_millis(60_000),
            client_reference: "two coins".to_owned(),
        };
        let statement = encode_sign_request(&request);
        let request = SignedRequest::sign(statement, request, &cluster.fixture.signers.service);
        let view = cluster.sign(&request);
        let RequestState::Signed { signatures, .. } = view.record.state else {
            panic!("{:?}: {}", view.record.state, view.record.reason)
        };
        let signed = finalize(&psbt, paying, &signatures).unwrap();
        let transaction = extract(&signed, paying).unwrap();
        assert!(accepted(&transaction, &spent));
        // BIP-143 commits to the amount of each input by itself.
        let mut poorer = spent.clone();
        poorer[0].value = Amount::from_sat(299_999);
        assert!(!accepted(&transaction, &poorer));
    }
}
