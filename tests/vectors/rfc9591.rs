//! RFC 9591, appendix E: the numbers of key generation, of both rounds and of the signature. The
//! machines run as they do in a node; only their randomness is the RFC's.

use std::collections::BTreeMap;

use frost_core::keys::{SigningShare, VerifyingShare};
use frost_core::{Field, Group, Identifier};
use quorate_model::{
    Attempt, DerivationPath, Digest, Epoch, Heads, ParticipantId, ParticipantSet, Threshold,
    Timestamp,
};
use quorate_protocol::sign::{KeyShare, ReserveAnswer, Reserved, SigningContext, aggregate};
use quorate_protocol::suite::{Ed25519, Secp256k1, Suite};
use quorate_protocol::{CertifiedKey, GroupInfo, SecretShare, verify_signature};
use quorate_testkit::{ClusterFixture, seeded};
use quorate_trust::{Authentic, Body, Signed};
use rand_core::{CryptoRng, RngCore};
use serde_json::Value;

use crate::bytes;

const ED25519: &str = include_str!("data/rfc9591-ed25519-sha512.json");
const SECP256K1: &str = include_str!("data/rfc9591-secp256k1-sha256.json");

type FieldOf<S> = <<S as frost_core::Ciphersuite>::Group as Group>::Field;
type Scalar<S> = <FieldOf<S> as Field>::Scalar;

/// The RFC's randomness, in the order in which round one draws it.
struct Given(Vec<u8>);

impl RngCore for Given {
    fn next_u32(&mut self) -> u32 {
        unreachable!("nonces are drawn as bytes")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("nonces are drawn as bytes")
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&self.0);
        self.0 = rest;
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Given {}

struct Vector(Value);

impl Vector {
    fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    fn at(&self, pointer: &str) -> Vec<u8> {
        bytes(self.0.pointer(pointer).unwrap().as_str().unwrap())
    }

    fn list(&self, pointer: &str) -> Vec<Entry> {
        let entries = self.0.pointer(pointer).unwrap().as_array().unwrap();
        entries.iter().cloned().map(Entry).collect()
    }

    fn round1(&self) -> Vec<Entry> {
        self.list("/round_one_outputs/outputs")
    }

    fn shares(&self) -> Vec<Entry> {
        self.list("/inputs/participant_shares")
    }

    fn share_of(&self, id: ParticipantId) -> Vec<u8> {
        let shares = self.shares();
        shares.iter().find(|share| share.id() == id).unwrap().field("participant_share")
    }

    fn certified<S: Suite>(&self, cluster: Digest) -> CertifiedKey {
        let verifying_share = |entry: &Entry| {
            let share = SigningShare::<S>::deserialize(&entry.field("participant_share")).unwrap();
            (entry.id(), VerifyingShare::from(share).serialize().unwrap())
        };
        let verifying_shares: BTreeMap<_, _> = self.shares().iter().map(verifying_share).collect();
        CertifiedKey {
            cluster,
            order: Digest::new([1; 32]),
            attempt: Attempt::FIRST,
            key: "rfc9591".parse().unwrap(),
            scheme: S::SCHEME,
            epoch: Epoch::FIRST,
            predecessor: None,
            roster: ParticipantSet::new(verifying_shares.keys().copied()).unwrap(),
            threshold: Threshold::new(2).unwrap(),
            raw_ok: false,
            activation: quorate_model::Activation::AtOnce,
            group_verifying_key: self.at("/inputs/group_public_key"),
            verifying_shares,
            chain_code: [0; 32],
            echo: Digest::new([2; 32]),
        }
    }
}

struct Entry(Value);

impl Entry {
    fn id(&self) -> ParticipantId {
        let number = self.0.get("identifier").unwrap().as_u64().unwrap();
        ParticipantId::new(u16::try_from(number).unwrap()).unwrap()
    }

    fn field(&self, name: &str) -> Vec<u8> {
        bytes(self.0.get(name).unwrap().as_str().unwrap())
    }
}

fn scalar<S: Suite>(encoded: &[u8]) -> Scalar<S> {
    let encoded = encoded.try_into().ok().expect("the length of a scalar");
    FieldOf::<S>::deserialize(&encoded).expect("a scalar")
}

fn encoded<S: Suite>(scalar: &Scalar<S>) -> Vec<u8> {
    FieldOf::<S>::serialize(scalar).as_ref().to_vec()
}

/// Appendix C: a share is the value of the polynomial at the participant's number.
fn shares_are_values_of_the_polynomial<S: Suite>(vector: &Vector) {
    let secret = scalar::<S>(&vector.at("/inputs/group_secret_key"));
    let slope = scalar::<S>(&vector.at("/inputs/share_polynomial_coefficients/0"));
    for share in vector.shares() {
        let value = (0..share.id().get()).fold(secret, |sum, _| sum + slope);
        assert_eq!(encoded::<S>(&value), share.field("participant_share"));
    }
    let key = <S::Group as Group>::generator() * secret;
    let key = <S::Group as Group>::serialize(&key).unwrap();
    assert_eq!(key.as_ref(), vector.at("/inputs/group_public_key"));
}

/// Section 4.1 (nonces) and section 4.4 (binding factors).
fn nonces_and_binding_factors_are_the_hashes_of_the_rfc<S: Suite>(vector: &Vector) {
    let mut commitments = Vec::new();
    for entry in vector.round1() {
        commitments.extend(Identifier::<S>::try_from(entry.id().get()).unwrap().serialize());
        for nonce in ["hiding_nonce", "binding_nonce"] {
            commitments.extend(entry.field(&format!("{nonce}_commitment")));
            let randomness = entry.field(&format!("{nonce}_randomness"));
            let hash = S::H3(&[randomness, vector.share_of(entry.id())].concat());
            assert_eq!(encoded::<S>(&hash), entry.field(nonce));
        }
    }
    let message = S::H4(&vector.at("/inputs/message"));
    let commitments = S::H5(&commitments);
    for entry in vector.round1() {
        let id = Identifier::<S>::try_from(entry.id().get()).unwrap().serialize();
        let key = vector.at("/inputs/group_public_key");
        let input = [key.as_slice(), message.as_ref(), commitments.as_ref(), &id].concat();
        assert_eq!(input, entry.field("binding_factor_input"));
        assert_eq!(encoded::<S>(&S::H1(&input)), entry.field("binding_factor"));
    }
}

/// Section 5, with the machines that a node runs.
fn machines_give_the_numbers_of_the_rfc<S: Suite>(vector: &Vector) {
    let fixture = ClusterFixture::new(3, &mut seeded(1));
    let certified = vector.certified::<S>(fixture.root.hash());
    let signers: Vec<_> = vector.round1().iter().map(Entry::id).collect();
    let context = SigningContext {
        cluster: certified.cluster,
        key: certified.key.clone(),
        scheme: S::SCHEME,
        epoch: certified.epoch,
        subject: Digest::new([4; 32]),
        attempt: Attempt::FIRST,
        signing_set: ParticipantSet::new(signers).unwrap(),
        path: DerivationPath::root(),
        messages: vec![vector.at("/inputs/message")],
    };

    let mut reserved = BTreeMap::new();
    let mut answers = BTreeMap::new();
    for entry in vector.round1() {
        let share = SecretShare::from_bytes(&vector.share_of(entry.id())).unwrap();
        let share = KeyShare::<S>::new(&certified, entry.id(), &share).unwrap();
        let fields = ["hiding_nonce_randomness", "binding_nonce_randomness"];
        let mut rng = Given(fields.map(|field| entry.field(field)).concat());
        let (state, answer) =
            Reserved::reserve(context.clone(), entry.id(), &share, heads(), &mut rng).unwrap();
        assert_eq!(rng.0, Vec::<u8>::new(), "all of the randomness is used");
        let published = ["hiding_nonce_commitment", "binding_nonce_commitment"];
        assert_eq!(answer.commitments, vec![published.map(|field| entry.field(field))]);
        answers.insert(entry.id(), answer);
        reserved.insert(entry.id(), (state, share));
    }

    let authentic = |answers: &BTreeMap<_, ReserveAnswer>| deliver(&fixture, answers);
    let mut shares = BTreeMap::new();
    for entry in vector.list("/round_two_outputs/outputs") {
        let (state, share) = reserved.remove(&entry.id()).unwrap();
        let released = state.release(&share, authentic(&answers)).unwrap();
        assert_eq!(released.shares, vec![entry.field("sig_share")]);
        shares.insert(entry.id(), released);
    }

    let group = GroupInfo::<S>::new(&certified).unwrap();
    let signatures =
        aggregate(&context, &group, authentic(&answers), deliver(&fixture, &shares)).unwrap();
    let published = vector.at("/final_output/sig");
    assert_eq!(signatures, vec![published.clone()]);

    let key = &certified.group_verifying_key;
    assert!(verify_signature(S::SCHEME, key, &context.messages[0], &published));
    for at in 0..published.len() {
        let mut flipped = published.clone();
        flipped[at] ^= 1;
        assert!(!verify_signature(S::SCHEME, key, &context.messages[0], &flipped), "byte {at}");
    }
}

fn deliver<T: Body + Clone>(
    fixture: &ClusterFixture,
    said: &BTreeMap<ParticipantId, T>,
) -> Vec<Authentic<T>> {
    let sign = |(from, body): (&ParticipantId, &T)| {
        let signed = Signed::sign(*from, body.clone(), &fixture.signers.nodes[from]);
        signed.verify(&fixture.root).unwrap()
    };
    said.iter().map(sign).collect()
}

fn heads() -> Heads {
    Heads {
        root: Digest::new([5; 32]),
        bundle: Digest::new([6; 32]),
        orders: Digest::new([8; 32]),
        life: 1,
        audit: Digest::new([7; 32]),
        audit_length: 1,
        clock: Timestamp::from_millis(1),
    }
}

#[test]
fn keys_of_appendix_e1_ed25519() {
    shares_are_values_of_the_polynomial::<Ed25519>(&Vector::parse(ED25519));
}

#[test]
fn hashes_of_appendix_e1_ed25519() {
    nonces_and_binding_factors_are_the_hashes_of_the_rfc::<Ed25519>(&Vector::parse(ED25519));
}

#[test]
fn machines_of_appendix_e1_ed25519() {
    machines_give_the_numbers_of_the_rfc::<Ed25519>(&Vector::parse(ED25519));
}

#[test]
fn keys_of_appendix_e5_secp256k1() {
    shares_are_values_of_the_polynomial::<Secp256k1>(&Vector::parse(SECP256K1));
}

#[test]
fn hashes_of_appendix_e5_secp256k1() {
    nonces_and_binding_factors_are_the_hashes_of_the_rfc::<Secp256k1>(&Vector::parse(SECP256K1));
}

#[test]
fn machines_of_appendix_e5_secp256k1() {
    machines_give_the_numbers_of_the_rfc::<Secp256k1>(&Vector::parse(SECP256K1));
}
