use std::collections::BTreeMap;

use quorate_model::{
    DerivationPath, Epoch, KeyId, Network, ParticipantId, PayloadFormat, RequestId, Scheme,
    Threshold,
};
use rand_core::OsRng;

use super::*;
use crate::{
    NodeEntry, PersonEntry, QUORUMS, Quorum, ServiceEntry, SignRequest, SignedRequest,
    UserVerification,
};

type Change = fn(&mut ApprovalSubject, Digest);

struct World {
    root: TrustRoot,
    alice: SigningKey,
    service: SigningKey,
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn world() -> World {
    let new_key = || SigningKey::generate(&mut OsRng);
    let (alice, bob, service) = (new_key(), new_key(), new_key());
    let label = || "x".parse().unwrap();
    let node = |id: u8| NodeEntry {
        identity: new_key().public_key(),
        tls: Digest::new([id; 32]),
        operator: label(),
        region: label(),
        provider: label(),
        recovery: None,
    };
    let person = |key: &SigningKey| PersonEntry {
        officer: true,
        user_verification: UserVerification::NotRequired,
        credentials: [key.public_key().into()].into(),
        recovery: None,
    };
    let owners = ["bob".parse().unwrap()].into();
    let quorum = Quorum { required: 1, members: ["alice".parse().unwrap()].into() };
    let root = TrustRoot {
        lineage: None,
        created: Timestamp::ZERO,
        policy: Digest::new([8; 32]),
        threshold_floor: Threshold::new(2).unwrap(),
        unfreeze_delay_s: 0,
        change_delay_s: 0,
        nodes: (1..=3).map(|id| (ParticipantId::new(id.into()).unwrap(), node(id))).collect(),
        services: [(
            "payments".parse().unwrap(),
            ServiceEntry { key: service.public_key(), owners },
        )]
        .into(),
        persons: BTreeMap::from([
            ("alice".parse().unwrap(), person(&alice)),
            ("bob".parse().unwrap(), person(&bob)),
        ]),
        quorums: QUORUMS.map(|name| (name.parse().unwrap(), quorum.clone())).into(),
    };
    root.check().unwrap();
    World { root, alice, service }
}

impl World {
    fn subject(&self) -> ApprovalSubject {
        let request = SignRequest {
            cluster: self.root.hash(),
            service: "payments".parse().unwrap(),
            request_id: RequestId::new([7; 16]),
            key: "treasury".parse().unwrap(),
            path: DerivationPath::root(),
            scheme: Scheme::FrostEd25519,
            network: Network::SolanaDevnet,
            action: "transfer".to_owned(),
            payload_format: PayloadFormat::SolanaMessage,
            payload: vec![1, 2, 3],
            expires: at(10_000),
            client_reference: String::new(),
        };
        let signed = SignedRequest::sign(vec![9], request, &self.service);
        let verified = signed.verify(&self.root).unwrap();
        let lines = vec!["transfer 5 of sol to me".to_owned(), "fee 1 of sol".to_owned()];
        let (effects_digest, payload_digest) = (Digest::new([1; 32]), Digest::new([2; 32]));
        let decoding = Decoding { lines, effects_digest, payload_digest };
        let bundle = Digest::new([3; 32]);
        ApprovalSubject::new(&verified, Epoch(4), decoding, &[vec![5]], bundle).unwrap()
    }

    fn approval(&self) -> Approval {
        Approval {
            verdict: Verdict::Approve,
            subject: self.subject(),
            quorum: "treasury".parse().unwrap(),
            approver: "alice".parse().unwrap(),
            credential: Credential::from(self.alice.public_key()).fingerprint(),
            nonce: ApprovalNonce([6; 16]),
            not_before: at(100),
            expires: at(9_000),
        }
    }

    fn verify(&self, approval: &Approval) -> Result<VerifiedApproval, ApprovalError> {
        SignedApproval::sign(approval, &self.alice).verify(&self.root)
    }

    fn refused(&self, change: impl FnOnce(&mut Approval)) -> ApprovalError {
        let mut approval = self.approval();
        change(&mut approval);
        self.verify(&approval).unwrap_err()
    }
}

#[test]
fn an_approval_has_one_text_and_verifies() {
    let world = world();
    let approval = world.approval();
    assert_eq!(Approval::parse(&approval.render()).unwrap(), approval);
    let verified = world.verify(&approval).unwrap();
    assert_eq!(verified.approval(), &approval);
    assert_eq!(verified.check_subject(&world.subject(), at(10_000)), Ok(()));
    assert_eq!(verified.check_time(at(100)), Ok(()));
}

/// Each field that an approval is bound to: changed by whoever relays it, it is not the person's any
/// more; given to something else, it does not count for this.
#[test]
fn every_field_of_the_subject_is_bound() {
    let world = world();
    let subject = world.subject();
    let other = Digest::new([0xee; 32]);
    let elsewhere = |change: fn(&mut ApprovalSubject, Digest)| {
        let mut changed = subject.clone();
        change(&mut changed, other);
        let verified = world.verify(&world.approval()).unwrap();
        let error = verified.check_subject(&changed, at(10_000)).unwrap_err();
        let ApprovalError::Differs { field, .. } = error else { panic!("{error}") };
        field
    };
    let cases: [(&str, Change); 13] = [
        ("cluster", |s, d| s.cluster = d),
        ("request", |s, _| s.request.request_id = RequestId::new([8; 16])),
        ("request-digest", |s, d| s.request_digest = d),
        ("key", |s, _| s.key = "other".parse::<KeyId>().unwrap()),
        ("epoch", |s, _| s.epoch = Epoch(5)),
        ("path", |s, _| s.path = "m/0".parse().unwrap()),
        ("network", |s, _| s.network = Network::Solana),
        ("action", |s, _| s.action = "stake".to_owned()),
        ("effect", |s, _| s.effects[0] = "transfer 50 of sol to me".to_owned()),
        ("effects-digest", |s, d| s.effects_digest = d),
        ("payload-digest", |s, d| s.payload_digest = d),
        ("signing-digest", |s, d| s.signing_digest = d),
        ("bundle", |s, d| s.bundle = d),
    ];
    for (field, change) in cases {
        assert_eq!(elsewhere(change), field);
    }
}

#[test]
fn every_byte_is_under_the_signature() {
    let world = world();
    let signed = SignedApproval::sign(&world.approval(), &world.alice);
    for index in 0..signed.text.len() {
        let mut bytes = signed.text.clone().into_bytes();
        bytes[index] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let changed = SignedApproval { text, signature: signed.signature.clone() };
        assert!(changed.verify(&world.root).is_err(), "byte {index}");
    }
}

#[test]
fn who_signs_is_checked() {
    let world = world();
    let other = world.refused(|a| a.subject.cluster = Digest::new([1; 32]));
    assert!(matches!(other, ApprovalError::OtherCluster(_)));
    let mut in_her_name = SignedApproval::sign(&world.approval(), &world.alice);
    in_her_name.signature.person = "bob".parse().unwrap();
    let error = in_her_name.verify(&world.root).unwrap_err();
    assert!(matches!(error, ApprovalError::OtherSigner(..)));
    let nobody = world.refused(|a| a.approver = "eve".parse().unwrap());
    assert!(matches!(nobody, ApprovalError::Unknown(_)));
    let gone = world.refused(|a| a.credential = "SHA256:gone".to_owned());
    assert!(matches!(gone, ApprovalError::Credential { .. }));
    let forged = SignedApproval::sign(&world.approval(), &world.service);
    let error = forged.verify(&world.root).unwrap_err();
    assert!(matches!(error, ApprovalError::Signature { .. }));
    let mut order = SignedApproval::sign(&world.approval(), &world.alice);
    order.signature.signature = PersonSignature::sign(&world.alice, Namespace::Order, &order.text);
    let error = order.verify(&world.root).unwrap_err();
    assert!(matches!(error, ApprovalError::Signature { .. }), "of another namespace");
}

#[test]
fn who_asks_does_not_approve() {
    let mut world = world();
    let service = world.root.services.values_mut().next().unwrap();
    service.owners = ["alice".parse().unwrap()].into();
    let mut approval = world.approval();
    approval.subject.cluster = world.root.hash();
    assert!(matches!(world.verify(&approval), Err(ApprovalError::Initiator { .. })));
}

#[test]
fn an_approval_counts_in_its_window_and_not_beyond_its_request() {
    let world = world();
    let week = 7 * 24 * 3600 * 1000;
    assert_eq!(world.refused(|a| a.expires = a.not_before), ApprovalError::BadWindow);
    assert_eq!(world.refused(|a| a.expires = at(week + 101)), ApprovalError::BadWindow);
    let verified = world.verify(&world.approval()).unwrap();
    assert!(matches!(verified.check_time(at(99)), Err(ApprovalError::NotYet(..))));
    assert_eq!(verified.check_time(at(8_999)), Ok(()));
    assert!(matches!(verified.check_time(at(9_000)), Err(ApprovalError::Expired(..))));
    let outlives = verified.check_subject(&world.subject(), at(8_999));
    assert!(matches!(outlives, Err(ApprovalError::OutlivesRequest(_))));
}

#[test]
fn a_rejection_counts_at_any_time() {
    let world = world();
    let mut rejection = world.approval();
    rejection.verdict = Verdict::Reject;
    let verified = world.verify(&rejection).unwrap();
    assert_eq!(verified.check_time(at(0)), Ok(()));
    assert_eq!(verified.check_time(at(1_000_000)), Ok(()));
}

#[test]
fn what_nobody_reads_is_not_approved() {
    let world = world();
    let subject = world.subject();
    let long = Approval {
        subject: ApprovalSubject {
            effects: vec!["x".repeat(200); EFFECTS_MAX + 3],
            ..subject.clone()
        },
        ..world.approval()
    };
    assert!(Approval::parse(&long.render()).is_ok(), "as many as may be approved fit");
    let longer = Approval {
        subject: ApprovalSubject { effects: vec!["x".repeat(200); 2 * EFFECTS_MAX], ..subject },
        ..world.approval()
    };
    assert!(matches!(Approval::parse(&longer.render()), Err(TextError::TooLong { .. })));
}

#[test]
fn limits_hold_to_the_last_unit() {
    const WEEK_MS: u64 = 604_800_000;
    let world = world();
    let lasting = |millis| {
        let mut approval = world.approval();
        approval.expires = approval.not_before.plus_millis(millis);
        world.verify(&approval)
    };
    assert!(lasting(WEEK_MS).is_ok());
    assert_eq!(lasting(WEEK_MS + 1).unwrap_err(), ApprovalError::BadWindow);
    // It may end when its request does, and not after.
    let verified = world.verify(&world.approval()).unwrap();
    assert_eq!(verified.check_subject(&world.subject(), at(9_000)), Ok(()));
    let outlives = ApprovalError::OutlivesRequest("alice".parse().unwrap());
    assert_eq!(verified.check_subject(&world.subject(), at(8_999)), Err(outlives));
    let long = |bytes: usize| Approval::parse(&"x".repeat(bytes)).unwrap_err();
    assert!(matches!(long(APPROVAL_BYTES_MAX), TextError::Kind { .. }));
    assert_eq!(long(APPROVAL_BYTES_MAX + 1), TextError::TooLong { max: APPROVAL_BYTES_MAX });
}
