//! Each limit, at the last value that is allowed and at the first that is not.

use quorate_protocol::exchange::{ExchangeMessage, Parcel};
use quorate_protocol::sign::{Offer, ReserveAnswer, ShareAnswer};
use quorate_protocol::wire::{FromNode, NodeStatus, Refusal, SignedDenial};
use quorate_protocol::{Announcement, Certificate, CertifiedKey, Confirmation, Round1, Round2};
use quorate_trust::SignedOrder;

use crate::pb::node::v1::{self as node, node_frame::Answer};
use crate::pb::statement::v1 as statement;
use crate::{DecodeError, Fault, fixture, limits};

/// `at(max)` is taken, `at(max + 1)` is refused on `field`, and `is_count` says in which way.
fn bounded<P, T>(field: &'static str, max: usize, at: impl Fn(usize) -> P)
where
    T: TryFrom<P, Error = DecodeError>,
{
    if let Err(error) = T::try_from(at(max)) {
        panic!("{field}: {error}");
    }
    let error = T::try_from(at(max + 1)).err().unwrap_or_else(|| panic!("{field}: not refused"));
    assert_eq!(error.field, field);
    let found = max + 1;
    let expected = [Fault::TooMany { found, max }, Fault::TooLong { found, max }];
    assert!(expected.contains(&error.fault), "{error}");
}

fn length_of<P, T>(field: &'static str, expected: usize, at: impl Fn(usize) -> P)
where
    T: TryFrom<P, Error = DecodeError>,
{
    assert!(T::try_from(at(expected)).is_ok(), "{field}");
    for found in [0, expected - 1, expected + 1] {
        let error = T::try_from(at(found)).err().unwrap();
        assert_eq!(error, DecodeError::new(field, Fault::Length { found, expected }));
    }
}

fn certified() -> statement::CertifiedKey {
    fixture::certified_key("k1").into()
}

fn ids(count: usize) -> Vec<u32> {
    (1..=u32::try_from(count).unwrap()).collect()
}

#[test]
fn an_order_is_bounded() {
    let order = || statement::SignedOrder::from(fixture::signed_order());
    bounded::<_, SignedOrder>("SignedOrder.text", limits::ORDER_BYTES_MAX, |n| {
        statement::SignedOrder { text: "a".repeat(n), ..order() }
    });
    bounded::<_, SignedOrder>("SignedOrder.signatures", limits::ORDER_SIGNATURES_MAX, |n| {
        statement::SignedOrder { signatures: vec![order().signatures[0].clone(); n], ..order() }
    });
    let signed = |signature| {
        let (person, signature) = ("alice".to_owned(), Some(signature));
        let signature = statement::StatementSignature { person, signature };
        statement::SignedOrder { signatures: vec![signature], ..order() }
    };
    length_of::<_, SignedOrder>("StatementSignature.ed25519", 64, |n| {
        signed(statement::statement_signature::Signature::Ed25519(vec![1; n]))
    });
    let garbage = statement::statement_signature::Signature::Sshsig(vec![1; 64]);
    let error = SignedOrder::try_from(signed(garbage)).unwrap_err();
    assert_eq!(error.field, "StatementSignature.sshsig");
}

#[test]
fn a_certified_key_is_bounded() {
    bounded::<_, CertifiedKey>("CertifiedKey.roster", limits::PARTICIPANTS_MAX, |n| {
        statement::CertifiedKey { roster: ids(n), ..certified() }
    });
    bounded::<_, CertifiedKey>("CertifiedKey.verifying_shares", limits::PARTICIPANTS_MAX, |n| {
        let share =
            |participant| statement::VerifyingShare { participant, verifying_share: vec![] };
        statement::CertifiedKey {
            verifying_shares: ids(n).into_iter().map(share).collect(),
            ..certified()
        }
    });
    let max = limits::ELEMENT_BYTES_MAX;
    bounded::<_, CertifiedKey>("CertifiedKey.group_verifying_key", max, |n| {
        statement::CertifiedKey { group_verifying_key: vec![1; n], ..certified() }
    });
    bounded::<_, CertifiedKey>("VerifyingShare.verifying_share", max, |n| {
        let share = statement::VerifyingShare { participant: 1, verifying_share: vec![1; n] };
        statement::CertifiedKey { verifying_shares: vec![share], ..certified() }
    });
    length_of::<_, CertifiedKey>("CertifiedKey.chain_code", 32, |n| statement::CertifiedKey {
        chain_code: vec![1; n],
        ..certified()
    });
    length_of::<_, CertifiedKey>("CertifiedKey.cluster", 32, |n| statement::CertifiedKey {
        cluster: vec![1; n],
        ..certified()
    });
    // Empty is not the same as not there.
    length_of::<_, CertifiedKey>("CertifiedKey.predecessor", 32, |n| statement::CertifiedKey {
        predecessor: Some(vec![1; n]),
        ..certified()
    });
}

#[test]
fn a_certified_key_names_its_predecessor_or_none() {
    let reshared = fixture::reshared_key("k1", 1);
    for key in [fixture::certified_key("k1"), reshared] {
        let message = statement::CertifiedKey::from(key.clone());
        assert_eq!(message.predecessor.is_some(), key.predecessor.is_some());
        assert_eq!(CertifiedKey::try_from(message).unwrap(), key);
    }
}

#[test]
fn a_certified_key_without_meaning_is_refused() {
    let refused = |field, change: fn(&mut statement::CertifiedKey)| {
        let mut key = certified();
        change(&mut key);
        assert_eq!(CertifiedKey::try_from(key).unwrap_err().field, field);
    };
    refused("CertifiedKey.attempt", |key| key.attempt = 0);
    refused("CertifiedKey.key", |key| key.key = "Treasury".to_owned());
    refused("CertifiedKey.scheme", |key| key.scheme = 0);
    refused("CertifiedKey.threshold", |key| key.threshold = 1);
    refused("CertifiedKey.roster", |key| key.roster = vec![2, 1]);
    refused("CertifiedKey.roster", |key| key.roster = vec![]);
    refused("CertifiedKey.roster", |key| key.roster = vec![0, 1]);
    refused("VerifyingShare.participant", |key| key.verifying_shares[0].participant = 0);
    refused("CertifiedKey.verifying_shares", |key| key.verifying_shares.swap(0, 1));
    refused("CertifiedKey.verifying_shares", |key| {
        key.verifying_shares[1].participant = key.verifying_shares[0].participant;
    });
}

#[test]
fn a_certificate_is_bounded() {
    let vote = |participant| statement::VoteSignature { participant, signature: vec![1; 64] };
    let at = |votes| statement::Certificate { certified: Some(certified()), votes };
    bounded::<_, Certificate>("Certificate.votes", limits::PARTICIPANTS_MAX, |n| {
        at(ids(n).into_iter().map(vote).collect())
    });
    let twice = Certificate::try_from(at(vec![vote(1), vote(1)])).unwrap_err();
    assert_eq!(twice.field, "Certificate.votes");
    let none = statement::Certificate { certified: None, votes: vec![] };
    let none = Certificate::try_from(none).unwrap_err();
    assert_eq!(none, DecodeError::missing("Certificate.certified"));
}

#[test]
fn a_confirmation_is_bounded() {
    bounded::<_, Confirmation>("Confirmation.signing_set", limits::PARTICIPANTS_MAX, |n| {
        statement::Confirmation { signing_set: ids(n), signature: vec![] }
    });
    bounded::<_, Confirmation>("Confirmation.signature", limits::SIGNATURE_BYTES_MAX, |n| {
        statement::Confirmation { signing_set: ids(2), signature: vec![1; n] }
    });
}

#[test]
fn a_denial_is_bounded() {
    let denial = statement::SignedDenial::from(fixture::denial()).body.unwrap();
    bounded::<_, SignedDenial>("Denial.reason", limits::REASON_BYTES_MAX, |n| statement::Denial {
        reason: "a".repeat(n),
        ..denial.clone()
    });
    let headless = statement::Denial { heads: None, ..denial };
    assert_eq!(SignedDenial::try_from(headless), Err(DecodeError::missing("Denial.heads")));
}

#[test]
fn messages_of_a_ceremony_are_bounded() {
    let announcement = node::Announcement::from(fixture::announcement());
    length_of::<_, Announcement>("Announcement.nonce", 32, |n| node::Announcement {
        nonce: vec![1; n],
        ..announcement.clone()
    });
    length_of::<_, Announcement>("Announcement.ephemeral", 32, |n| node::Announcement {
        ephemeral: vec![1; n],
        ..announcement.clone()
    });
    let round1 = node::Round1::from(fixture::round1());
    bounded::<_, Round1>("Round1.commitments", limits::COMMITMENTS_MAX, |n| node::Round1 {
        commitments: vec![vec![]; n],
        ..round1.clone()
    });
    bounded::<_, Round1>("Round1.commitments", limits::ELEMENT_BYTES_MAX, |n| node::Round1 {
        commitments: vec![vec![1; n]],
        ..round1.clone()
    });
    bounded::<_, Round1>("Round1.proof_of_knowledge", limits::SIGNATURE_BYTES_MAX, |n| {
        node::Round1 { proof_of_knowledge: vec![1; n], ..round1.clone() }
    });
    let round2 = node::Round2::from(fixture::round2());
    bounded::<_, Round2>("Round2.shares", limits::PARTICIPANTS_MAX, |n| node::Round2 {
        shares: vec![node::SealedShare { to: 1, sealed: vec![] }; n],
        ..round2.clone()
    });
    bounded::<_, Round2>("SealedShare.sealed", limits::SEALED_SHARE_BYTES_MAX, |n| node::Round2 {
        shares: vec![node::SealedShare { to: 1, sealed: vec![1; n] }],
        ..round2.clone()
    });
}

#[test]
fn answers_of_signers_are_bounded() {
    let pair = |hiding, binding| node::SigningCommitments { hiding, binding };
    let reserve = node::ReserveAnswer::from(fixture::reserve_answer());
    let with = |commitments| node::ReserveAnswer { commitments, ..reserve.clone() };
    bounded::<_, ReserveAnswer>("ReserveAnswer.commitments", limits::MESSAGES_MAX, |n| {
        with(vec![pair(vec![], vec![]); n])
    });
    let max = limits::ELEMENT_BYTES_MAX;
    bounded::<_, ReserveAnswer>("SigningCommitments.hiding", max, |n| {
        with(vec![pair(vec![1; n], vec![])])
    });
    bounded::<_, ReserveAnswer>("SigningCommitments.binding", max, |n| {
        with(vec![pair(vec![], vec![1; n])])
    });
    let share = node::ShareAnswer::from(fixture::share_answer());
    bounded::<_, ShareAnswer>("ShareAnswer.shares", limits::MESSAGES_MAX, |n| node::ShareAnswer {
        shares: vec![vec![]; n],
        ..share.clone()
    });
    bounded::<_, ShareAnswer>("ShareAnswer.shares", limits::SHARE_BYTES_MAX, |n| {
        node::ShareAnswer { shares: vec![vec![1; n]], ..share.clone() }
    });
}

#[test]
fn messages_of_an_exchange_are_bounded() {
    let parcel = node::Parcel::from(fixture::parcel());
    let part = |to| node::SealedPart { to, sealed: vec![] };
    bounded::<_, Parcel>("Parcel.parts", limits::PARTICIPANTS_MAX, |n| node::Parcel {
        parts: vec![part(1); n],
        ..parcel.clone()
    });
    let message = node::ExchangeMessage::from(fixture::parcel().message.body);
    let max = limits::BROADCAST_BYTES_MAX;
    bounded::<_, ExchangeMessage>("ExchangeMessage.broadcast", max, |n| node::ExchangeMessage {
        broadcast: vec![1; n],
        ..message.clone()
    });
    let digest = |to| node::SealedDigest { to, digest: vec![7; 32] };
    let max = limits::PARTICIPANTS_MAX;
    bounded::<_, ExchangeMessage>("ExchangeMessage.sealed", max, |n| node::ExchangeMessage {
        sealed: (1..=n).map(|to| digest(to as u32)).collect(),
        ..message.clone()
    });
    for sealed in [vec![digest(2), digest(2)], vec![digest(3), digest(2)]] {
        let refused =
            ExchangeMessage::try_from(node::ExchangeMessage { sealed, ..message.clone() });
        assert_eq!(refused.unwrap_err().field, "ExchangeMessage.sealed");
    }
    length_of::<_, Offer>("Offer.ephemeral", 32, |n| node::Offer {
        nonce: vec![1; 32],
        ephemeral: vec![1; n],
    });
}

#[test]
fn words_of_a_node_are_bounded() {
    let status = node::NodeStatus::from(fixture::status());
    let max = limits::REASON_BYTES_MAX;
    bounded::<_, NodeStatus>("NodeStatus.reasons", limits::STATUS_REASONS_MAX, |n| {
        node::NodeStatus { reasons: vec![String::new(); n], ..status.clone() }
    });
    bounded::<_, NodeStatus>("NodeStatus.reasons", max, |n| node::NodeStatus {
        reasons: vec!["a".repeat(n)],
        ..status.clone()
    });
    bounded::<_, NodeStatus>("NodeStatus.version", limits::VERSION_BYTES_MAX, |n| {
        node::NodeStatus { version: "a".repeat(n), ..status.clone() }
    });
    bounded::<_, Refusal>("Refusal.reason", max, |n| node::Refusal {
        code: 1,
        reason: "a".repeat(n),
        pair_with: 0,
    });
    let allowed = |rules| {
        let decision = Some(node::simulated::Decision::Allowed(node::Allowed { rules }));
        Answer::Simulated(node::Simulated { decision })
    };
    bounded::<_, FromNode>("Allowed.rules", limits::RULES_MAX, |n| allowed(vec![String::new(); n]));
    bounded::<_, FromNode>("Allowed.rules", max, |n| allowed(vec!["a".repeat(n)]));
    bounded::<_, FromNode>("Simulated.refused", max, |n| {
        let decision = Some(node::simulated::Decision::Refused("a".repeat(n)));
        Answer::Simulated(node::Simulated { decision })
    });
}

#[test]
fn lists_of_a_question_are_bounded() {
    use crate::pb::node::v1::coordinator_frame::Question;
    use quorate_protocol::wire::ToNode;

    const MAX: usize = limits::PARTICIPANTS_MAX;
    let run = || Some(node::CeremonyKey { key: "k1".to_owned(), attempt: 1 });
    let announcement = || fixture::signed(1, fixture::announcement()).into();
    bounded::<_, ToNode>("GenerateKey.never_voted", MAX, |n| {
        let order = Some(fixture::signed_order().into());
        let never_voted = vec![announcement(); n];
        Question::GenerateKey(node::GenerateKey { order, attempt: 1, never_voted })
    });
    let reshare = || node::ReshareKey {
        order: Some(fixture::signed_order().into()),
        attempt: 1,
        dealers: ids(2),
        predecessor: Some(fixture::certificate("k1").into()),
    };
    bounded::<_, ToNode>("ReshareKey.dealers", MAX, |n| {
        Question::ReshareKey(node::ReshareKey { dealers: ids(n), ..reshare() })
    });
    bounded::<_, ToNode>("Announcements.messages", MAX, |n| {
        let messages = vec![announcement(); n];
        Question::Announcements(node::Announcements { ceremony: run(), messages })
    });
    bounded::<_, ToNode>("Round1Messages.messages", MAX, |n| {
        let messages = vec![fixture::signed(1, fixture::round1()).into(); n];
        Question::Round1(node::Round1Messages { ceremony: run(), messages })
    });
    bounded::<_, ToNode>("Round2Messages.messages", MAX, |n| {
        let messages = vec![fixture::signed(1, fixture::round2()).into(); n];
        Question::Round2(node::Round2Messages { ceremony: run(), messages })
    });
    bounded::<_, ToNode>("Share.answers", MAX, |n| {
        let answers = vec![fixture::signed(1, fixture::reserve_answer()).into(); n];
        Question::Share(node::Share { subject: vec![1; 32], attempt: 1, answers })
    });
    bounded::<_, ToNode>("Confirm.confirmations", limits::CONFIRMATIONS_MAX, |n| {
        let confirmations = vec![fixture::confirmation().into(); n];
        Question::Confirm(node::Confirm { key: "k1".to_owned(), confirmations, epoch: 1 })
    });
    bounded::<_, ToNode>("Replaced.confirmations", limits::CONFIRMATIONS_MAX, |n| {
        let certificate = Some(fixture::certificate("k1").into());
        let confirmations = vec![fixture::confirmation().into(); n];
        Question::Replaced(node::Replaced { certificate, confirmations })
    });
    bounded::<_, ToNode>("Reserve.signing_set", MAX, |n| {
        let confirmation = node::ConfirmationSubject { key: "k1".to_owned(), epoch: 1 };
        let subject = Some(node::reserve::Subject::Confirmation(confirmation));
        let reserve = node::Reserve { subject, attempt: 1, ..node::Reserve::default() };
        Question::Reserve(node::Reserve { signing_set: ids(n), ..reserve })
    });
}

#[test]
fn a_new_sharing_without_meaning_is_refused() {
    use crate::pb::node::v1::coordinator_frame::Question;
    use quorate_protocol::wire::ToNode;

    let refused = |field, change: fn(&mut node::ReshareKey)| {
        let mut reshare = node::ReshareKey {
            order: Some(fixture::signed_order().into()),
            attempt: 1,
            dealers: ids(2),
            predecessor: Some(fixture::certificate("k1").into()),
        };
        assert!(ToNode::try_from(Question::ReshareKey(reshare.clone())).is_ok());
        change(&mut reshare);
        assert_eq!(ToNode::try_from(Question::ReshareKey(reshare)).unwrap_err().field, field);
    };
    refused("ReshareKey.order", |reshare| reshare.order = None);
    refused("ReshareKey.attempt", |reshare| reshare.attempt = 0);
    refused("ReshareKey.dealers", |reshare| reshare.dealers = vec![]);
    refused("ReshareKey.dealers", |reshare| reshare.dealers = vec![2, 1]);
    refused("ReshareKey.dealers", |reshare| reshare.dealers = vec![0, 1]);
    refused("ReshareKey.predecessor", |reshare| reshare.predecessor = None);
}

#[test]
fn the_largest_question_fits_into_a_frame() {
    use prost::Message as _;
    use quorate_model::Attempt;
    use quorate_protocol::wire::{CallId, ToNode};

    let mut answer = fixture::reserve_answer();
    answer.commitments = vec![[vec![2; 33], vec![3; 33]]; limits::MESSAGES_MAX];
    let answers = vec![fixture::signed(1, answer); limits::PARTICIPANTS_MAX];
    let question = ToNode::Share { subject: fixture::digest(1), attempt: Attempt(1), answers };
    let frame = node::CoordinatorFrame::from((CallId(u64::MAX), question));
    let bytes = frame.encoded_len();
    assert!((limits::FRAME_BYTES_MAX / 2..=limits::FRAME_BYTES_MAX).contains(&bytes), "{bytes}");
}
