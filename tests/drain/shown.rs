//! What was shown is not what was sent.

use quorate_api::statement::encode_sign_request;
use quorate_intent::compose::solana_transfer;
use quorate_intent::solana::MessageError;
use quorate_intent::{Address, DecodeError};
use quorate_model::{
    Attempt, DerivationPath, Digest, Network, PayloadFormat, RequestId, Scheme, Timestamp,
};
use quorate_protocol::wire::{FromNode, RefusalCode, Subject, ToNode, Words};
use quorate_trust::{SignRequest, SignedRequest};

use crate::cluster::{Cluster, bundle, id, pair};
use crate::{bitcoin, solana};

/// SPL Memo's own account: nobody that anybody here pays.
const THIEF: &str = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr";

fn theft(cluster: &Cluster) -> Vec<u8> {
    let thief = Address::parse(THIEF, cluster.network).unwrap();
    solana_transfer(cluster.paying(), &thief, 5, [3; 32]).unwrap()
}

/// Everything that the service signed, changed on the way while its signature stays.
#[test]
fn a_request_that_was_changed_on_the_way_is_refused() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    let (harmless, theft) = (solana::harmless(&cluster), theft(&cluster));
    let shown = cluster.request(&harmless);
    type Change = Box<dyn Fn(&mut SignRequest)>;
    let changes: [(&str, Change); 12] = [
        ("payload", Box::new(move |r| r.payload = theft.clone())),
        ("format", Box::new(|r| r.payload_format = PayloadFormat::BitcoinPsbt)),
        ("network", Box::new(|r| r.network = Network::Solana)),
        ("scheme", Box::new(|r| r.scheme = Scheme::FrostSecp256k1)),
        ("key", Box::new(|r| r.key = "another".parse().unwrap())),
        ("path", Box::new(|r| r.path = "m/0".parse::<DerivationPath>().unwrap())),
        ("action", Box::new(|r| r.action = "stake".to_owned())),
        ("service", Box::new(|r| r.service = "another".parse().unwrap())),
        ("request id", Box::new(|r| r.request_id = RequestId::new([0xee; 16]))),
        ("cluster", Box::new(|r| r.cluster = Digest::new([0xee; 32]))),
        ("expiry", Box::new(|r| r.expires = Timestamp::from_millis(r.expires.millis() + 1))),
        ("reference", Box::new(|r| r.client_reference = "for the thief".to_owned())),
    ];
    for (field, change) in changes {
        let mut request = shown.request.clone();
        change(&mut request);
        let statement = encode_sign_request(&request);
        let sent = SignedRequest { statement, request, signature: shown.signature };
        for node in cluster.lab.ids() {
            let set = pair(node, id(if node == id(1) { 2 } else { 1 }));
            let answer = cluster.lab.reserve(node, &sent, Attempt::FIRST, &set);
            let FromNode::Refused(refusal) = answer else { panic!("{field}: {answer:?}") };
            assert_eq!(refusal.code, RefusalCode::Invalid, "{field}");
        }
    }
}

/// The service itself asks for another thing than it says.
#[test]
fn a_payload_that_is_not_what_the_request_says_is_denied() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519);
    let other = bitcoin::harmless(&Cluster::new(Scheme::FrostSecp256k1Tr));
    assert!(matches!(
        cluster.decoding(&other),
        Err(DecodeError::Solana(MessageError::Undecodable { .. }))
    ));
    let reason = cluster.decoding(&other).unwrap_err().to_string();
    cluster.denies("a PSBT as a message", &other, &format!("undecodable: {reason}"));
    let harmless = solana::harmless(&cluster);
    let mut request = cluster.request(&harmless).request;
    request.action = "stake".to_owned();
    let key = &cluster.lab.fixture.signers.service;
    let signed = SignedRequest::sign(encode_sign_request(&request), request, key);
    let answer = cluster.lab.reserve(id(1), &signed, Attempt::FIRST, &pair(id(1), id(2)));
    let FromNode::Denied(denial) = answer else { panic!("{answer:?}") };
    assert_eq!(denial.body.reason, "action stake was asked for, the payload does transfer");
}

/// Two persons approved the payment that they were shown; their words come with a theft.
#[test]
fn approvals_of_what_was_shown_do_not_count_for_what_was_sent() {
    let rule = r#"@id("p1") @title("With people") permit (principal, action, resource)
        when { context.quorums.contains("treasury") };"#;
    let tables = "[quorums.treasury]\nrequired = 2\nmembers = [\"alice\", \"bob\"]\n";
    let policy = bundle(rule, tables);
    let mut cluster = Cluster::under(Scheme::FrostEd25519, &policy);
    let (harmless, theft) = (solana::harmless(&cluster), theft(&cluster));
    let (shown, sent) = (cluster.request(&harmless), cluster.request(&theft));
    let say = |person| {
        let (lab, word) = (&cluster.lab, (person, "treasury"));
        let said = lab.fixture.approval(&shown, &cluster.certified, policy.hash(), word, lab.now);
        lab.fixture.say(&said)
    };
    let approvals = vec![say("alice"), say("bob")];
    let mut ask = |request: &SignedRequest| {
        let subject = Subject::Request(request.clone());
        let words = Words { approvals: approvals.clone(), ..Words::default() };
        let signing_set = pair(id(1), id(2));
        cluster
            .lab
            .ask(id(1), ToNode::Reserve { subject, words, attempt: Attempt::FIRST, signing_set })
    };
    let answer = ask(&sent);
    let FromNode::Deferred(deferral) = answer else { panic!("{answer:?}") };
    let [missing] = deferral.body.missing.as_slice() else { panic!("{deferral:?}") };
    assert!(missing.present.is_empty(), "{missing:?}");
    assert!(deferral.body.reason.contains("request"), "says why: {}", deferral.body.reason);
    assert!(matches!(ask(&shown), FromNode::Reserved(_)), "they count for what was shown");
}
