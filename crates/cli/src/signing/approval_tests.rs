use quorate_api::statement::encode_sign_request;
use quorate_intent::Address;
use quorate_intent::compose::{Coin, Payment, bitcoin_payment, solana_transfer};
use quorate_model::{
    DerivationPath, Heads, Network, ParticipantId, PayloadFormat, RequestId, Scheme,
};
use quorate_trust::{SignRequest, SigningKey};

use super::*;
use crate::verified_key::tests::Fixture;

const NETWORK: Network = Network::SolanaDevnet;
const SHOWN: &str = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z";
const SENT: &str = "586Z7H2vpX9qNhN2T4e9Utugie3ogjbxzGaMtM3E6HR5";

fn payload(fixture: &Fixture, to: &str) -> Vec<u8> {
    let (key, to) = (fixture.verified(), Address::parse(to, NETWORK).unwrap());
    solana_transfer(key.paying(NETWORK), &to, 5, [7; 32]).unwrap()
}

fn asked_for(fixture: &Fixture, id: u8, payload: Vec<u8>) -> SignRequest {
    SignRequest {
        cluster: fixture.root.hash(),
        service: "payments".parse().unwrap(),
        request_id: RequestId::new([id; 16]),
        key: "sol".parse().unwrap(),
        path: DerivationPath::root(),
        scheme: Scheme::FrostEd25519,
        network: NETWORK,
        action: "transfer".to_owned(),
        payload_format: PayloadFormat::SolanaMessage,
        payload,
        expires: Timestamp::from_millis(1_000_000),
        client_reference: String::new(),
    }
}

fn request(fixture: &Fixture, id: u8, to: &str) -> SignedRequest {
    let request = asked_for(fixture, id, payload(fixture, to));
    SignedRequest::sign(encode_sign_request(&request), request, &fixture.service)
}

/// That a node waits for people on a request, of which it says that it pays to `to`.
fn deferral(fixture: &Fixture, of: &SignedRequest, to: &str) -> Deferral {
    let (key, payload) = (fixture.verified(), Payload::SolanaMessage(payload(fixture, to)));
    let decoded = quorate_intent::decode(&payload, key.paying(NETWORK)).unwrap();
    waits(fixture, of, decoded.intent.effects_digest())
}

fn waits(fixture: &Fixture, of: &SignedRequest, effects: Digest) -> Deferral {
    let digest = |byte| Digest::new([byte; 32]);
    Deferral {
        request: of.digest(),
        missing: Vec::new(),
        verdicts: Vec::new(),
        until: None,
        reason: "approvals are missing".to_owned(),
        effects,
        heads: Heads {
            root: fixture.root.hash(),
            bundle: digest(5),
            orders: digest(6),
            life: 1,
            audit: digest(7),
            audit_length: 1,
            clock: Timestamp::from_millis(1),
        },
    }
}

fn signed(fixture: &Fixture, node: u16, deferral: Deferral) -> Signed<Deferral> {
    let node = ParticipantId::new(node).unwrap();
    Signed::sign(node, deferral, &fixture.identities[&node])
}

/// What a coordinator answers, as `approve` opens it.
fn open(
    fixture: &Fixture,
    request: &SignedRequest,
    deferrals: Vec<Signed<Deferral>>,
) -> Result<Waiting, Failure> {
    let answer = Answer {
        signed_request: Some(request.clone().into()),
        deferrals: deferrals.into_iter().map(Into::into).collect(),
        ..Answer::default()
    };
    let asked = "payments/01010101-0101-0101-0101-010101010101".parse().unwrap();
    let verified = verify(&answer, &asked, &fixture.root)?;
    Waiting::new(verified, &fixture.verified(), &answer, &fixture.root)
}

#[test]
fn what_nodes_and_this_machine_decode_alike_can_be_approved() {
    let fixture = Fixture::new();
    let request = request(&fixture, 1, SHOWN);
    let said = [1, 2].map(|node| signed(&fixture, node, deferral(&fixture, &request, SHOWN)));
    let waiting = open(&fixture, &request, said.into()).unwrap();
    assert_eq!(waiting.deferrals.len(), 2);
    assert!(waiting.subject.effects.iter().any(|line| line.contains(SHOWN)));
}

/// One node is enough: somebody is lied to.
#[test]
fn a_node_that_decoded_something_else_stops_the_approval() {
    let fixture = Fixture::new();
    let request = request(&fixture, 1, SHOWN);
    let say = |node, to| signed(&fixture, node, deferral(&fixture, &request, to));
    for said in [[say(1, SHOWN), say(2, SENT)], [say(1, SENT), say(2, SENT)]] {
        let failure = open(&fixture, &request, said.into()).unwrap_err();
        assert!(failure.message().contains("decoded something else"), "{}", failure.message());
    }
}

#[test]
fn another_request_than_was_asked_for_is_refused() {
    let fixture = Fixture::new();
    let other = request(&fixture, 2, SENT);
    let said = signed(&fixture, 1, deferral(&fixture, &other, SENT));
    let failure = open(&fixture, &other, vec![said]).unwrap_err();
    assert!(failure.message().contains("not payments/0101"), "{}", failure.message());
}

#[test]
fn only_what_nodes_of_the_root_said_of_this_very_request_counts() {
    let fixture = Fixture::new();
    let (asked, other) = (request(&fixture, 1, SHOWN), request(&fixture, 2, SHOWN));
    let of_other = signed(&fixture, 1, deferral(&fixture, &other, SHOWN));
    let failure = open(&fixture, &asked, vec![of_other]).unwrap_err();
    assert!(failure.message().contains("no node waits"), "{}", failure.message());
    let stranger = SigningKey::generate(&mut OsRng);
    let forged = deferral(&fixture, &asked, SHOWN);
    let forged = Signed::sign(ParticipantId::new(1).unwrap(), forged, &stranger);
    assert!(open(&fixture, &asked, vec![forged]).is_err());
    // The service signed another payload.
    let mut changed = asked.clone();
    changed.request.payload = payload(&fixture, SENT);
    changed.statement = encode_sign_request(&changed.request);
    assert!(open(&fixture, &changed, vec![]).is_err());
}

#[test]
fn nodes_that_ask_under_different_bundles_cannot_be_answered() {
    let fixture = Fixture::new();
    let request = request(&fixture, 1, SHOWN);
    let mut newer = deferral(&fixture, &request, SHOWN);
    newer.heads.bundle = Digest::new([8; 32]);
    let said =
        vec![signed(&fixture, 1, deferral(&fixture, &request, SHOWN)), signed(&fixture, 2, newer)];
    let failure = open(&fixture, &request, said).unwrap_err();
    assert!(failure.message().contains("different policy bundles"), "{}", failure.message());
}

/// What a child pays is decoded for the child that the service signed for, or change would look like a
/// payment and coins like somebody else's.
#[test]
fn a_childs_payment_is_decoded_for_the_child() {
    let (fixture, network) = (Fixture::taproot(), Network::BitcoinRegtest);
    let child = fixture.verified().at(&"m/0/7".parse().unwrap()).unwrap();
    let payee = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx";
    let address = Address::parse(payee, network).unwrap();
    let outpoint = format!("{:064x}:0", 1);
    let coins = [Coin { outpoint: &outpoint, sats: 100_000 }];
    let payments = [Payment { address: &address, sats: 60_000 }];
    let payload = bitcoin_payment(child.paying(network), &coins, &payments, 500).unwrap();
    let decoding = Payload::BitcoinPsbt(payload.clone());
    let decoded = quorate_intent::decode(&decoding, child.paying(network)).unwrap();
    let at = |path: &str| {
        let request = SignRequest {
            path: path.parse().unwrap(),
            scheme: network.usual_scheme(),
            network,
            payload_format: PayloadFormat::BitcoinPsbt,
            payload: payload.clone(),
            ..asked_for(&fixture, 1, Vec::new())
        };
        SignedRequest::sign(encode_sign_request(&request), request, &fixture.service)
    };
    let say = |request: &SignedRequest| {
        let said = waits(&fixture, request, decoded.intent.effects_digest());
        open(&fixture, request, vec![signed(&fixture, 1, said)])
    };
    let waiting = say(&at("m/0/7")).unwrap();
    assert!(waiting.subject.effects.iter().any(|line| line.contains(payee)));
    for other in ["m", "m/0/8"] {
        let failure = say(&at(other)).unwrap_err();
        assert_eq!(failure.message(), "the payload is refused", "{other}");
    }
}
