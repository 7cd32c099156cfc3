//! One of everything, for tests.

use std::collections::BTreeMap;

use quorate_coordinator::{KeyRecord, KeyView, RequestState, SignRequestRecord, SignRequestView};
use quorate_model::{
    Activation, Attempt, DerivationPath, Digest, Epoch, Heads, KeyState, Network, ParticipantId,
    ParticipantSet, RequestId, Scheme, SharingId, Threshold, Timestamp,
};
use quorate_protocol::exchange::{ExchangeMessage, Parcel, SealedPart};
use quorate_protocol::sign::{AnsweredHeads, Offer, ReserveAnswer, ShareAnswer};
use quorate_protocol::wire::{
    Acceptance, CeremonyKey, Deferral, ExchangeKey, FromNode, MissingQuorum, MissingVerdict,
    NodeStatus, Refusal, RefusalCode, SignedDenial, Subject, Testimony, ToNode, Words,
};
use quorate_protocol::{
    Announcement, Certificate, CertifiedKey, Confirmation, Round1, Round2, SealedShare, Vote,
};
use quorate_trust::{
    PayloadFormat, PersonSignature, RiskVerdict, SignRequest, Signature, Signed, SignedApproval,
    SignedOrder, SignedRequest, SignedRiskVerdict, StatementSignature,
};

use crate::statement::encode_sign_request;

pub(crate) fn digest(byte: u8) -> Digest {
    Digest::new([byte; 32])
}

pub(crate) fn id(id: u16) -> ParticipantId {
    ParticipantId::new(id).unwrap()
}

pub(crate) fn set(ids: &[u16]) -> ParticipantSet {
    ParticipantSet::new(ids.iter().copied().map(id)).unwrap()
}

pub(crate) fn signature(byte: u8) -> Signature {
    Signature::from_bytes(&[byte; 64]).unwrap()
}

pub(crate) fn signed<T>(from: u16, body: T) -> Signed<T> {
    Signed { from: id(from), body, signature: signature(0xa0) }
}

pub(crate) fn heads() -> Heads {
    let clock = Timestamp::from_millis(1_790_000_000_123);
    let (root, bundle, audit, orders) = (digest(1), digest(2), digest(3), digest(5));
    Heads { root, bundle, orders, life: 2, audit, audit_length: 4, clock }
}

pub(crate) fn sign_request() -> SignRequest {
    SignRequest {
        cluster: digest(7),
        service: "payments".parse().unwrap(),
        request_id: RequestId::new([0x6a; 16]),
        key: "treasury-btc".parse().unwrap(),
        path: DerivationPath::root(),
        scheme: Scheme::FrostSecp256k1Tr,
        network: Network::Bitcoin,
        action: "transfer".to_owned(),
        payload_format: PayloadFormat::BitcoinPsbt,
        payload: b"psbt\xff and more".to_vec(),
        expires: Timestamp::from_millis(1_790_000_600_000),
        client_reference: "invoice 17".to_owned(),
    }
}

pub(crate) fn signed_request() -> SignedRequest {
    let request = sign_request();
    SignedRequest { statement: encode_sign_request(&request), request, signature: signature(9) }
}

pub(crate) fn signed_order() -> SignedOrder {
    let person = |name: &str, byte| StatementSignature {
        person: name.parse().unwrap(),
        signature: PersonSignature::Ed25519(signature(byte)),
    };
    SignedOrder {
        text: "quorate-order/1\norder: make-treasury\n".to_owned(),
        signatures: vec![person("alice", 1), person("bob", 2)],
        document: None,
    }
}

/// An order with a document of several pieces.
pub(crate) fn order_with_document() -> SignedOrder {
    SignedOrder { document: Some("version = 2\n".repeat(12_000)), ..signed_order() }
}

pub(crate) fn acceptance() -> Signed<Acceptance> {
    let begins = Timestamp::from_millis(1_790_000_000_000);
    signed(2, Acceptance { order: digest(6), begins, heads: heads() })
}

pub(crate) fn sharing(key: &str, epoch: u64) -> SharingId {
    SharingId { key: key.parse().unwrap(), epoch: Epoch(epoch) }
}

pub(crate) fn certified_key(key: &str) -> CertifiedKey {
    let roster = set(&[1, 2, 5]);
    let verifying_shares = roster.iter().map(|id| (id, vec![2; 33])).collect();
    CertifiedKey {
        cluster: digest(7),
        order: digest(8),
        attempt: Attempt(2),
        key: key.parse().unwrap(),
        scheme: Scheme::FrostSecp256k1Tr,
        epoch: Epoch::FIRST,
        predecessor: None,
        roster,
        threshold: Threshold::new(2).unwrap(),
        raw_ok: true,
        activation: Activation::ByOrder,
        group_verifying_key: vec![3; 33],
        verifying_shares,
        chain_code: [4; 32],
        echo: digest(5),
    }
}

/// A sharing of the same key that follows others.
pub(crate) fn reshared_key(key: &str, epoch: u64) -> CertifiedKey {
    let (epoch, predecessor) = (Epoch(epoch), Some(digest(17)));
    CertifiedKey { order: digest(16), epoch, predecessor, ..certified_key(key) }
}

pub(crate) fn certificate(key: &str) -> Certificate {
    certificate_of(certified_key(key))
}

/// With everybody's vote.
pub(crate) fn certificate_of(certified: CertifiedKey) -> Certificate {
    let votes: BTreeMap<_, _> = certified.roster.iter().map(|id| (id, signature(6))).collect();
    Certificate { certified, votes }
}

pub(crate) fn confirmation() -> Confirmation {
    Confirmation { signing_set: set(&[1, 2]), signature: vec![1; 64] }
}

pub(crate) fn announcement() -> Announcement {
    Announcement { order: digest(8), attempt: Attempt(2), nonce: [1; 32], ephemeral: [2; 32] }
}

pub(crate) fn round1() -> Round1 {
    let commitments = vec![vec![2; 33], vec![3; 33]];
    Round1 { session: digest(9), commitments, proof_of_knowledge: vec![4; 65] }
}

pub(crate) fn round2() -> Round2 {
    let share = |to| SealedShare { to: id(to), sealed: vec![7; 48] };
    Round2 { session: digest(9), echo: digest(10), shares: vec![share(2), share(5)] }
}

pub(crate) fn reserve_answer() -> ReserveAnswer {
    let commitments = vec![[vec![2; 33], vec![3; 33]], [vec![2; 32], vec![3; 32]]];
    ReserveAnswer { context: digest(11), commitments, offer: None, heads: heads() }
}

pub(crate) fn offering_answer() -> ReserveAnswer {
    let offer = Some(Offer { nonce: [5; 32], ephemeral: [6; 32] });
    ReserveAnswer { commitments: vec![], offer, ..reserve_answer() }
}

pub(crate) fn parcel() -> Parcel {
    let part = |to| SealedPart { to: id(to), sealed: vec![7; 300] };
    let parts = vec![part(2), part(5)];
    let message = ExchangeMessage {
        session: digest(9),
        round: 3,
        seen: digest(10),
        broadcast: vec![8; 70],
        sealed: parts.iter().map(|part| (part.to, part.digest())).collect(),
    };
    Parcel { message: signed(1, message), parts }
}

pub(crate) fn share_answer() -> ShareAnswer {
    ShareAnswer { context: digest(11), package: digest(12), shares: vec![vec![1; 32]; 2] }
}

pub(crate) fn denial() -> Signed<SignedDenial> {
    let reason = "effect 0: no rule permits this action".to_owned();
    signed(2, SignedDenial { request: digest(13), reason, heads: heads() })
}

pub(crate) fn deferral() -> Signed<Deferral> {
    let missing = MissingQuorum {
        name: "treasury".parse().unwrap(),
        required: 2,
        present: ["alice".parse().unwrap()].into(),
        members: ["alice", "bob"].map(|name| name.parse().unwrap()).into(),
    };
    let body = Deferral {
        request: digest(13),
        missing: vec![missing],
        verdicts: vec![MissingVerdict {
            name: "low-risk".parse().unwrap(),
            provider: "chainwatch".parse().unwrap(),
        }],
        until: Some(Timestamp::from_millis(1_790_000_000_500)),
        reason: "approvals are missing".to_owned(),
        effects: digest(14),
        heads: heads(),
    };
    signed(3, body)
}

pub(crate) fn signed_approval() -> SignedApproval {
    let signature = StatementSignature {
        person: "alice".parse().unwrap(),
        signature: PersonSignature::Ed25519(signature(7)),
    };
    SignedApproval { text: "quorate-approval/1\n".to_owned(), signature }
}

pub(crate) fn signed_verdict() -> SignedRiskVerdict {
    let verdict = RiskVerdict {
        cluster: digest(15),
        provider: "chainwatch".parse().unwrap(),
        effects: digest(14),
        level: "low".parse().unwrap(),
        issued: Timestamp::from_millis(1_790_000_000_400),
    };
    SignedRiskVerdict { verdict, signature: signature(8) }
}

pub(crate) fn status() -> NodeStatus {
    NodeStatus {
        heads: heads(),
        active_keys: 2,
        open_sessions: 1,
        ready: false,
        reasons: vec!["the clock is in doubt".to_owned()],
        stops: vec!["cluster is frozen by alice (order-1)".to_owned()],
        root_version: 1,
        policy_version: 3,
        scheduled: vec!["policy version 4 begins tomorrow".to_owned()],
        version: "0.1.0".to_owned(),
        challenge: Some(digest(15)),
    }
}

fn testimony() -> Testimony {
    let seen = signed(2, answered_heads());
    let (asker, challenge, holds) = (id(2), digest(15), digest(17));
    Testimony { asker, challenge, holds, seen: Some(seen), heads: heads() }
}

pub(crate) fn answered_heads() -> AnsweredHeads {
    AnsweredHeads { rest: digest(16), heads: heads() }
}

/// Every question.
pub(crate) fn questions() -> Vec<ToNode> {
    let run = || CeremonyKey { key: "treasury-btc".parse().unwrap(), attempt: Attempt(2) };
    let reserve = |subject| ToNode::Reserve {
        subject,
        words: Words { approvals: vec![signed_approval()], verdicts: vec![signed_verdict()] },
        attempt: Attempt(3),
        signing_set: set(&[1, 5]),
    };
    vec![
        ToNode::GenerateKey {
            order: signed_order(),
            attempt: Attempt(2),
            never_voted: vec![signed(5, announcement())],
        },
        ToNode::ReshareKey {
            order: signed_order(),
            attempt: Attempt(2),
            dealers: set(&[1, 5]),
            predecessor: certificate_of(reshared_key("treasury-btc", 1)),
        },
        ToNode::Announcements(run(), vec![signed(1, announcement()), signed(2, announcement())]),
        ToNode::Round1(run(), vec![signed(1, round1())]),
        ToNode::Round2(run(), vec![signed(1, round2())]),
        ToNode::Exchange(ExchangeKey::Ceremony(run()), vec![parcel().for_receiver(id(2))]),
        ToNode::Exchange(
            ExchangeKey::Signing { subject: digest(3), attempt: Attempt(2) },
            vec![parcel().for_receiver(id(5))],
        ),
        ToNode::Certify(certificate("treasury-btc")),
        ToNode::Certify(certificate_of(reshared_key("treasury-btc", 2))),
        reserve(Subject::Request(signed_request())),
        reserve(Subject::Confirmation { sharing: sharing("treasury-btc", 0) }),
        reserve(Subject::Confirmation { sharing: sharing("treasury-btc", u64::MAX) }),
        ToNode::Share {
            subject: digest(13),
            attempt: Attempt(3),
            answers: vec![signed(1, reserve_answer())],
        },
        ToNode::Replaced {
            certificate: certificate_of(reshared_key("treasury-btc", 1)),
            confirmations: vec![confirmation()],
        },
        ToNode::Confirm {
            sharing: sharing("treasury-btc", 2),
            confirmations: vec![confirmation()],
        },
        ToNode::Reject { request: signed_request(), rejection: signed_approval() },
        ToNode::Simulate { request: signed_request(), verdicts: vec![signed_verdict()] },
        ToNode::CarryOut { order: signed_order(), acceptances: Vec::new() },
        ToNode::CarryOut { order: order_with_document(), acceptances: vec![acceptance()] },
        ToNode::Orders,
        ToNode::Order(digest(6)),
        ToNode::Testify { asker: ParticipantId::new(2).unwrap(), challenge: digest(15) },
        ToNode::HearTestimony(signed(3, testimony())),
        ToNode::Status,
    ]
}

/// Every answer, with every code of refusal.
pub(crate) fn answers() -> Vec<FromNode> {
    let refused =
        |code| FromNode::Refused(Refusal { code, reason: "ask with the next attempt".to_owned() });
    vec![
        FromNode::Announcement(signed(1, announcement())),
        FromNode::Round1(signed(1, round1())),
        FromNode::Round2(signed(1, round2())),
        FromNode::Exchanged(parcel()),
        FromNode::Vote(certified_key("k1"), signed(1, Vote { certified: digest(14) })),
        FromNode::Vote(reshared_key("k1", 1), signed(1, Vote { certified: digest(14) })),
        FromNode::Certified,
        FromNode::Reserved(signed(1, reserve_answer())),
        FromNode::Reserved(signed(1, offering_answer())),
        FromNode::Denied(denial()),
        FromNode::Deferred(deferral()),
        FromNode::Shares(signed(1, share_answer())),
        FromNode::Active,
        FromNode::Simulated(Ok(vec!["small-transfers".to_owned()])),
        FromNode::Simulated(Err("no rule permits it".to_owned())),
        FromNode::Accepted(acceptance()),
        FromNode::Orders(vec![digest(6), digest(7)]),
        FromNode::Order(order_with_document()),
        FromNode::Testimony(signed(3, testimony())),
        FromNode::Testimony(signed(3, Testimony { seen: None, ..testimony() })),
        FromNode::Status(status()),
        FromNode::Status(NodeStatus { challenge: None, ..status() }),
        refused(RefusalCode::Invalid),
        refused(RefusalCode::NotFound),
        refused(RefusalCode::AttemptUsed),
        refused(RefusalCode::AttemptsExhausted),
        refused(RefusalCode::HeadsDiffer),
        refused(RefusalCode::Aborted),
        refused(RefusalCode::Busy),
        refused(RefusalCode::Time),
        refused(RefusalCode::Frozen),
        refused(RefusalCode::PeerPutBack),
        refused(RefusalCode::LogInDoubt),
        refused(RefusalCode::PairFrozen(id(3))),
    ]
}

/// Every state of a request.
pub(crate) fn request_states() -> Vec<RequestState> {
    vec![
        RequestState::Queued,
        RequestState::Signing,
        RequestState::Signed { signatures: vec![vec![1; 64], vec![2; 64]], signers: set(&[1, 5]) },
        RequestState::Denied,
        RequestState::Expired,
        RequestState::Canceled,
        RequestState::Failed,
        RequestState::PendingApproval,
        RequestState::Rejected,
    ]
}

pub(crate) fn request_record(state: RequestState) -> SignRequestRecord {
    SignRequestRecord {
        signed: signed_request(),
        digest: digest(13),
        state,
        attempt: Attempt(3),
        denials: vec![denial()],
        deferrals: vec![deferral()],
        approvals: vec![signed_approval()],
        verdicts: vec![signed_verdict()],
        reason: "node 2 denies it".to_owned(),
        created: Timestamp::from_millis(1_790_000_000_000),
        updated: Timestamp::from_millis(1_790_000_001_000),
    }
}

pub(crate) fn request_view(state: RequestState) -> SignRequestView {
    let messages = vec![vec![5; 32], vec![6; 32]];
    SignRequestView { record: request_record(state), intent: None, messages, hold: None }
}

pub(crate) fn key_record(key: &str) -> KeyRecord {
    KeyRecord {
        certificate: certificate(key),
        confirmations: vec![confirmation()],
        active: true,
        created: Timestamp::from_millis(1_790_000_000_000),
    }
}

pub(crate) fn key_view(key: &str) -> KeyView {
    KeyView {
        record: key_record(key),
        state: KeyState::Active,
        next_epoch: Epoch(9),
        active_until: Some(Timestamp::from_millis(1_790_000_000_500)),
        activated_ms: 7,
    }
}
