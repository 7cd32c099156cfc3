mod children;

use quorate_model::{Attempt, DerivationPath, Digest, Epoch, ParticipantSet};
use rand_core::OsRng;

use super::*;
use crate::dkg::NewShare;
use crate::fixture::{Fixture, Outbox, id};
use crate::suite::{Ed25519, Secp256k1, Secp256k1Tr, Suite};
use crate::{Abort, AbortReason, GroupInfo, verify_signature};

struct Signing<S: Suite> {
    fixture: Fixture,
    new: Outbox<NewShare>,
    shares: Outbox<KeyShare<S>>,
    context: SigningContext,
}

impl<S: Suite> Signing<S> {
    fn new(nodes: u16, threshold: u32) -> Self {
        let fixture = Fixture::new(nodes);
        let new = fixture.generate::<S>(threshold);
        let shares = new
            .iter()
            .map(|(id, new)| (*id, KeyShare::new(&new.certified, *id, &new.share).unwrap()))
            .collect();
        let context = SigningContext {
            cluster: fixture.root.hash(),
            key: "treasury".parse().unwrap(),
            scheme: S::SCHEME,
            epoch: Epoch::FIRST,
            subject: Digest::new([4; 32]),
            attempt: Attempt::FIRST,
            signing_set: ParticipantSet::from_wire(1..=threshold).unwrap(),
            path: DerivationPath::root(),
            messages: vec![vec![7; 32], vec![8; 32]],
        };
        Self { fixture, new, shares, context }
    }

    fn reserve(&self, context: &SigningContext) -> (Outbox<Reserved<S>>, Outbox<ReserveAnswer>) {
        let reserve = |id| {
            let heads = self.fixture.heads();
            let share = &self.shares[&id];
            let (reserved, answer) =
                Reserved::reserve(context.clone(), id, share, heads, &mut OsRng).unwrap();
            ((id, reserved), (id, answer))
        };
        context.signing_set.iter().map(reserve).unzip()
    }

    fn release_all(&self) -> (Outbox<ReserveAnswer>, Outbox<ShareAnswer>) {
        let (reserved, answers) = self.reserve(&self.context);
        let release = |(id, reserved): (_, Reserved<S>)| {
            (id, reserved.release(&self.shares[&id], self.fixture.deliver(&answers)).unwrap())
        };
        let shares = reserved.into_iter().map(release).collect();
        (answers, shares)
    }

    fn aggregate(
        &self,
        answers: &Outbox<ReserveAnswer>,
        shares: &Outbox<ShareAnswer>,
    ) -> Result<Vec<Vec<u8>>, Abort> {
        let group = GroupInfo::<S>::new(&self.new[&id(1)].certified).unwrap();
        let (answers, shares) = (self.fixture.deliver(answers), self.fixture.deliver(shares));
        aggregate::<S>(&self.context, &group, answers, shares)
    }

    fn group_key(&self) -> &[u8] {
        &self.new[&id(1)].certified.group_verifying_key
    }

    /// Releases node 1's shares after `tamper` changed what was relayed to it.
    fn release_after(&self, tamper: impl Fn(&mut Outbox<ReserveAnswer>)) -> Abort {
        let (mut reserved, mut answers) = self.reserve(&self.context);
        tamper(&mut answers);
        let first = reserved.remove(&id(1)).unwrap();
        first.release(&self.shares[&id(1)], self.fixture.deliver(&answers)).unwrap_err()
    }
}

fn signatures_verify<S: Suite>(nodes: u16, threshold: u32) {
    let signing = Signing::<S>::new(nodes, threshold);
    let (answers, shares) = signing.release_all();
    let signatures = signing.aggregate(&answers, &shares).unwrap();
    for (message, signature) in signing.context.messages.iter().zip(&signatures) {
        assert!(verify_signature(S::SCHEME, signing.group_key(), message, signature));
        assert!(!verify_signature(S::SCHEME, signing.group_key(), b"other", signature));
        let mut flipped = signature.clone();
        flipped[40] ^= 1;
        assert!(!verify_signature(S::SCHEME, signing.group_key(), message, &flipped));
    }
}

#[test]
fn independent_verifiers_accept_the_signatures() {
    signatures_verify::<Ed25519>(3, 2);
    signatures_verify::<Secp256k1>(3, 2);
    signatures_verify::<Secp256k1Tr>(3, 2);
    signatures_verify::<Secp256k1Tr>(5, 3);
}

#[test]
fn every_signer_checks_every_answer() {
    let signing = Signing::<Ed25519>::new(3, 2);
    let missing = signing.release_after(|answers| drop(answers.remove(&id(2))));
    assert_eq!(missing, Abort::unproven(AbortReason::Missing(id(2))));
    let other = signing.release_after(|answers| {
        answers.get_mut(&id(2)).unwrap().context = Digest::new([9; 32]);
    });
    assert_eq!(other, Abort::unproven(AbortReason::ContextMismatch(id(2))));
    let ours = signing.release_after(|answers| {
        let theirs = answers[&id(2)].commitments.clone();
        answers.get_mut(&id(1)).unwrap().commitments = theirs;
    });
    assert_eq!(ours, Abort::unproven(AbortReason::NotOurs));
    let stranger = signing.release_after(|answers| {
        let answer = answers[&id(2)].clone();
        answers.insert(id(3), answer);
    });
    assert_eq!(stranger, Abort::unproven(AbortReason::Stranger(id(3))));
}

#[test]
fn a_wrong_number_of_commitments_convicts() {
    let signing = Signing::<Secp256k1Tr>::new(3, 2);
    for found in [0, 1, 3] {
        let abort = signing.release_after(|answers| {
            let commitments = &mut answers.get_mut(&id(2)).unwrap().commitments;
            let one = commitments[0].clone();
            commitments.resize(found, one);
        });
        let reason = AbortReason::Count { from: id(2), found, expected: 2 };
        assert_eq!(abort, Abort::proven(reason, id(2)));
    }
}

#[test]
fn a_commitment_that_is_no_element_or_the_identity_convicts() {
    let signing = Signing::<Ed25519>::new(3, 2);
    let mut identity = vec![0; 32];
    identity[0] = 1;
    // A point of order 2: y = -1.
    let mut small_order = vec![0xff; 32];
    small_order[0] = 0xec;
    small_order[31] = 0x7f;
    for bytes in [identity, small_order, vec![0xff; 32], vec![0; 31], vec![]] {
        let abort = signing.release_after(|answers| {
            answers.get_mut(&id(2)).unwrap().commitments[1][0] = bytes.clone();
        });
        let what = "nonce commitment";
        let reason = AbortReason::Malformed { from: id(2), what };
        assert_eq!(abort, Abort::proven(reason, id(2)));
    }
}

#[test]
fn a_bad_signature_share_convicts_its_signer() {
    fn convicts<S: Suite>() {
        let signing = Signing::<S>::new(3, 2);
        let (answers, mut shares) = signing.release_all();
        let shares_of_second = &mut shares.get_mut(&id(2)).unwrap().shares;
        shares_of_second.swap(0, 1);
        let abort = signing.aggregate(&answers, &shares).unwrap_err();
        assert_eq!(abort, Abort::proven(AbortReason::SignatureShare(id(2)), id(2)));
    }
    convicts::<Ed25519>();
    convicts::<Secp256k1>();
    convicts::<Secp256k1Tr>();
}

#[test]
fn shares_for_another_package_convict_nobody() {
    let signing = Signing::<Ed25519>::new(3, 2);
    let (answers, mut shares) = signing.release_all();
    let (_, other) = signing.release_all();
    shares.insert(id(2), other[&id(2)].clone());
    let abort = signing.aggregate(&answers, &shares).unwrap_err();
    assert_eq!(abort, Abort::unproven(AbortReason::PackageMismatch(id(2))));
}

#[test]
fn every_field_of_the_context_separates_attempts() {
    let signing = Signing::<Ed25519>::new(3, 2);
    let base = signing.context.digest();
    let differs = |change: fn(&mut SigningContext)| {
        let mut context = signing.context.clone();
        change(&mut context);
        assert_ne!(context.digest(), base);
    };
    differs(|c| c.cluster = Digest::new([9; 32]));
    differs(|c| c.key = "other".parse().unwrap());
    differs(|c| c.scheme = quorate_model::Scheme::FrostSecp256k1);
    differs(|c| c.epoch = Epoch(1));
    differs(|c| c.subject = Digest::new([9; 32]));
    differs(|c| c.attempt = Attempt(2));
    differs(|c| c.signing_set = ParticipantSet::from_wire([1, 3]).unwrap());
    differs(|c| c.path = "m/0".parse().unwrap());
    differs(|c| drop(c.messages.pop()));
}

#[test]
fn a_share_that_was_not_certified_cannot_sign() {
    let signing = Signing::<Ed25519>::new(3, 2);
    let new = &signing.new[&id(1)];
    let result = KeyShare::<Ed25519>::new(&new.certified, id(2), &new.share);
    assert_eq!(result.err(), Some(KeyShareError::Mismatch));
}
