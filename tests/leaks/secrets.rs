//! Every secret of a run: what is stored, and what can be computed from what was drawn at random.

use std::collections::{BTreeMap, BTreeSet};

use frost_core::keys::{KeyPackage, SigningShare, VerifyingShare};
use frost_core::{Field, Group, Identifier, VerifyingKey};
use quorate_model::{DerivationPath, ParticipantId, Scheme};
use quorate_protocol::suite::Suite;
use quorate_protocol::wire::FromNode;
use quorate_protocol::{CertifiedKey, ChildKey, with_suite};
use quorate_signer::Record;
use quorate_testkit::Frame;
use rand_core::{CryptoRng, RngCore};

use crate::lockstep::{Lockstep, LockstepNode};

type FieldOf<S> = <<S as frost_core::Ciphersuite>::Group as Group>::Field;
type Scalar<S> = <FieldOf<S> as Field>::Scalar;

#[derive(Default)]
pub(crate) struct Secrets {
    /// Each with what it is.
    pub(crate) named: Vec<(String, Vec<u8>)>,
    /// The commitments to every nonce that a node may have made.
    pub(crate) commitments: BTreeMap<ParticipantId, BTreeSet<Vec<u8>>>,
}

impl Secrets {
    pub(crate) fn of(cluster: &Lockstep, certified: &CertifiedKey) -> Self {
        let mut secrets = Self::default();
        let public = announced(&cluster.frames);
        for (id, node) in &cluster.nodes {
            let identity = &cluster.fixture.signers.nodes[id];
            secrets.name("identity key", *id, seed(&identity.to_pkcs8_pem().unwrap()));
            with_suite!(
                certified.scheme,
                S => secrets.add::<S>(certified, *id, node, &public),
                ecdsa => secrets.add_ecdsa(*id, node, &public)
            );
        }
        secrets
    }

    fn name(&mut self, kind: &str, id: ParticipantId, secret: Vec<u8>) {
        self.named.push((format!("{kind} of node {id}"), secret));
    }

    /// A scalar, and its negation: BIP-340 signs with whichever gives an even point.
    fn scalar<S: Suite>(&mut self, kind: &str, id: ParticipantId, scalar: Scalar<S>) {
        let negated = FieldOf::<S>::zero() - scalar;
        for scalar in [scalar, negated] {
            self.name(kind, id, FieldOf::<S>::serialize(&scalar).as_ref().to_vec());
        }
    }

    fn add<S: Suite>(
        &mut self,
        certified: &CertifiedKey,
        id: ParticipantId,
        node: &LockstepNode,
        public: &BTreeSet<Vec<u8>>,
    ) {
        let share = stored_share(node);
        let mut outputs = Vec::new();
        for path in paths(certified.scheme) {
            let child = certified.child(&path).unwrap();
            let share =
                FieldOf::<S>::serialize(&(decoded::<S>(&share) + decoded::<S>(&child.tweak)));
            let output = output_share::<S>(certified, &child, id, share.as_ref());
            let of = if path.is_root() { "" } else { "child's " };
            self.scalar::<S>(&format!("{of}share"), id, decoded::<S>(share.as_ref()));
            self.scalar::<S>(&format!("{of}output share"), id, decoded::<S>(&output));
            outputs.push(output);
        }
        let secret_draws = node.rng.draws.iter().filter(|draw| draw.len() >= 32);
        for draw in secret_draws.filter(|draw| !public.contains(*draw)) {
            self.name("draw", id, draw.clone());
            // Coefficients, and the nonces of proofs of knowledge.
            if let Some(scalar) = scalar_of::<S>(draw) {
                self.scalar::<S>("scalar", id, scalar);
            }
            // RFC 9591, section 4.1: a nonce is the hash of 32 random bytes and the share.
            for output in outputs.iter().filter(|_| draw.len() == 32) {
                let nonce = S::H3(&[draw.as_slice(), output].concat());
                self.scalar::<S>("nonce", id, nonce);
                let point = <S::Group as Group>::generator() * nonce;
                let point = <S::Group as Group>::serialize(&point).unwrap();
                self.commitments.entry(id).or_default().insert(point.as_ref().to_vec());
            }
        }
    }

    /// An ECDSA key: its share, what its holders share with each other, and what the engine drew. (What
    /// the library draws itself is nowhere to be seen.)
    fn add_ecdsa(&mut self, id: ParticipantId, node: &LockstepNode, public: &BTreeSet<Vec<u8>>) {
        let record = node.batches.iter().flatten().find_map(|record| {
            let Record::Share(share) = record else { return None };
            Some(share)
        });
        let record = record.expect("the node holds a share");
        self.name("share", id, record.share.secret_bytes().to_vec());
        for state in record.pairs.values() {
            // From the first byte on it is what the pair shares; pieces, in case it were cut.
            for piece in state.secret_bytes().chunks_exact(512).take(80) {
                self.name("pair state", id, piece[..32].to_vec());
            }
        }
        for draw in node.rng.draws.iter().filter(|draw| draw.len() >= 32) {
            if !public.contains(draw) {
                self.name("draw", id, draw.clone());
            }
        }
    }
}

/// What nodes draw at random to be said aloud: the nonces of their announcements and offers.
fn announced(frames: &[Frame]) -> BTreeSet<Vec<u8>> {
    let nonce = |frame: &Frame| match frame {
        Frame::Answer(_, _, FromNode::Announcement(message)) => Some(message.body.nonce.to_vec()),
        Frame::Answer(_, _, FromNode::Reserved(message)) => {
            message.body.offer.as_ref().map(|offer| offer.nonce.to_vec())
        }
        Frame::Answer(..) | Frame::Question(..) => None,
    };
    frames.iter().filter_map(nonce).collect()
}

fn stored_share(node: &LockstepNode) -> Vec<u8> {
    let share = |record: &Record| {
        let Record::Share(share) = record else { return None };
        Some(share.share.secret_bytes().to_vec())
    };
    node.batches.iter().flatten().find_map(share).expect("the node holds a share")
}

/// Which children of a key of a scheme sign in a run: the key itself, and one more where it has any.
pub(crate) fn paths(scheme: Scheme) -> Vec<DerivationPath> {
    let paths = if scheme.has_children() { ["m", "m/0/7"].as_slice() } else { &["m"] };
    paths.iter().map(|path| path.parse().unwrap()).collect()
}

/// The share of the key that signs, which for Taproot is the tweaked one.
fn output_share<S: Suite>(
    certified: &CertifiedKey,
    child: &ChildKey,
    id: ParticipantId,
    share: &[u8],
) -> Vec<u8> {
    let share = SigningShare::<S>::deserialize(share).unwrap();
    let group = VerifyingKey::<S>::deserialize(&child.verifying_key).unwrap();
    let identifier = Identifier::<S>::try_from(id.get()).unwrap();
    let threshold = certified.threshold.get();
    let package = KeyPackage::new(identifier, share, VerifyingShare::from(share), group, threshold);
    S::output_key_package(package).signing_share().serialize()
}

fn decoded<S: Suite>(bytes: &[u8]) -> Scalar<S> {
    let bytes = bytes.try_into().ok().expect("the length of a scalar");
    FieldOf::<S>::deserialize(&bytes).expect("a scalar")
}

/// The scalar that comes of a draw, if so many bytes are what the suite takes for one.
fn scalar_of<S: Suite>(draw: &[u8]) -> Option<Scalar<S>> {
    let mut given = Given { bytes: draw, exhausted: false };
    let scalar = FieldOf::<S>::random(&mut given);
    (given.bytes.is_empty() && !given.exhausted).then_some(scalar)
}

/// One draw again.
struct Given<'a> {
    bytes: &'a [u8],
    exhausted: bool,
}

impl RngCore for Given<'_> {
    fn next_u32(&mut self) -> u32 {
        unreachable!("scalars are drawn as bytes")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("scalars are drawn as bytes")
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        match self.bytes.split_at_checked(out.len()) {
            Some((head, rest)) => {
                out.copy_from_slice(head);
                self.bytes = rest;
            }
            None => {
                out.fill(1);
                self.exhausted = true;
            }
        }
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Given<'_> {}

/// The 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410, section 7): an octet string of 32 bytes.
fn seed(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    let at = der.windows(2).position(|bytes| bytes == [0x04, 0x20]).unwrap();
    der[at + 2..at + 34].to_vec()
}
