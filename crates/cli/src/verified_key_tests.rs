use std::collections::BTreeMap;

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::key::{Secp256k1, TapTweak as _};
use bitcoin::secp256k1::{Keypair, Message};
use quorate_model::{Attempt, Digest, Epoch, ParticipantId, ParticipantSet, Scheme, Threshold};
use quorate_protocol::Vote;
use quorate_trust::{
    NodeEntry, PersonEntry, PublicKey, Quorum, ServiceEntry, Signed, SigningKey, UserVerification,
};
use rand_core::{OsRng, RngCore as _};

use super::*;

/// A cluster of three nodes with a key of `frost-ed25519`. One holder of the whole group key stands
/// in for the signing sets: verification cannot tell, and needs no ceremony here.
pub(crate) struct Fixture {
    pub(crate) root: TrustRoot,
    pub(crate) identities: BTreeMap<ParticipantId, SigningKey>,
    /// Of the service `payments`.
    pub(crate) service: SigningKey,
    group: Group,
}

/// A whole group key, in one hand.
enum Group {
    Ed25519(Box<SigningKey>),
    Taproot(Box<Keypair>),
}

impl Group {
    const fn scheme(&self) -> Scheme {
        match self {
            Self::Ed25519(_) => Scheme::FrostEd25519,
            Self::Taproot(_) => Scheme::FrostSecp256k1Tr,
        }
    }

    fn verifying_key(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.public_key().as_bytes().to_vec(),
            Self::Taproot(key) => key.public_key().serialize().to_vec(),
        }
    }

    fn sign(&self, digest: &Digest) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(digest).as_bytes().to_vec(),
            Self::Taproot(key) => {
                let secp = Secp256k1::new();
                let output = key.tap_tweak(&secp, None).to_keypair();
                let message = Message::from_digest(*digest.as_bytes());
                secp.sign_schnorr_no_aux_rand(&message, &output).serialize().to_vec()
            }
        }
    }
}

fn officer(key: PublicKey) -> PersonEntry {
    PersonEntry {
        officer: true,
        user_verification: UserVerification::NotRequired,
        credentials: [key.into()].into(),
        recovery: None,
    }
}

fn new_key() -> SigningKey {
    SigningKey::generate(&mut OsRng)
}

fn id(number: u16) -> ParticipantId {
    ParticipantId::new(number).unwrap()
}

fn set(ids: &[u16]) -> ParticipantSet {
    ParticipantSet::new(ids.iter().copied().map(id)).unwrap()
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(Group::Ed25519(Box::new(new_key())))
    }

    /// With a key of `frost-secp256k1-tr`, which has children.
    pub(crate) fn taproot() -> Self {
        let mut secret = [0; 32];
        OsRng.fill_bytes(&mut secret);
        Self::with(Group::Taproot(Box::new(
            Keypair::from_seckey_slice(&Secp256k1::new(), &secret).unwrap(),
        )))
    }

    fn with(group: Group) -> Self {
        let identities: BTreeMap<_, _> = (1..=3).map(|number| (id(number), new_key())).collect();
        let label = || "test".parse().unwrap();
        let nodes = identities.iter().map(|(id, key)| {
            let tls = Digest::new([u8::try_from(id.get()).unwrap(); 32]);
            let (operator, region, provider) = (label(), label(), label());
            (
                *id,
                NodeEntry {
                    identity: key.public_key(),
                    tls,
                    operator,
                    region,
                    provider,
                    recovery: None,
                },
            )
        });
        let alice: quorate_model::PersonName = "alice".parse().unwrap();
        let quorum = Quorum { required: 1, members: [alice.clone()].into() };
        let service = new_key();
        let entry = ServiceEntry { key: service.public_key(), owners: BTreeSet::new() };
        let root = TrustRoot {
            lineage: None,
            created: Timestamp::from_millis(1),
            policy: Digest::new([8; 32]),
            threshold_floor: Threshold::new(2).unwrap(),
            unfreeze_delay_s: 0,
            change_delay_s: 0,
            nodes: nodes.collect(),
            services: [("payments".parse().unwrap(), entry)].into(),
            persons: [(alice, officer(new_key().public_key()))].into(),
            quorums: quorate_trust::QUORUMS
                .map(|name| (name.parse().unwrap(), quorum.clone()))
                .into(),
        };
        root.check().unwrap();
        Self { root, identities, service, group }
    }

    fn certified(&self) -> CertifiedKey {
        CertifiedKey {
            cluster: self.root.hash(),
            order: Digest::new([1; 32]),
            attempt: Attempt(1),
            key: "sol".parse().unwrap(),
            scheme: self.group.scheme(),
            epoch: Epoch(1),
            predecessor: None,
            roster: set(&[1, 2, 3]),
            threshold: Threshold::new(2).unwrap(),
            raw_ok: false,
            activation: quorate_model::Activation::AtOnce,
            group_verifying_key: self.group.verifying_key(),
            verifying_shares: (1..=3).map(|number| (id(number), vec![2; 32])).collect(),
            chain_code: [3; 32],
            echo: Digest::new([4; 32]),
        }
    }

    fn confirmation(&self, certified: &CertifiedKey, signers: &[u16]) -> Confirmation {
        let signing_set = set(signers);
        let statement = Confirmation::statement(certified, &signing_set);
        let signature = self.sign(&statement);
        Confirmation { signing_set, signature }
    }

    fn key_with(&self, certified: CertifiedKey, sets: &[&[u16]]) -> pb::Key {
        let digest = certified.digest();
        let votes = self.identities.iter();
        let votes = votes.map(|(id, key)| Signed::sign(*id, Vote { certified: digest }, key));
        let certificate = Certificate::new(certified.clone(), votes);
        let confirmations = sets.iter().map(|signers| self.confirmation(&certified, signers));
        pb::Key {
            name: name::key(&certified.key),
            state: pb::KeyState::Active.into(),
            group_verifying_key: certified.group_verifying_key.clone(),
            certificate: Some(certificate.into()),
            confirmations: confirmations.map(Into::into).collect(),
            ..pb::Key::default()
        }
    }

    fn key(&self) -> pb::Key {
        self.key_with(self.certified(), &[&[1, 2], &[2, 3]])
    }

    /// A signature of the group key.
    pub(crate) fn sign(&self, digest: &Digest) -> Vec<u8> {
        self.group.sign(digest)
    }

    /// The key, verified.
    pub(crate) fn verified(&self) -> VerifiedKey {
        self.verify(self.key()).unwrap()
    }

    fn verify(&self, key: pb::Key) -> Result<VerifiedKey, KeyError> {
        VerifiedKey::verify(key, Some(&"sol".parse().unwrap()), &self.root)
    }
}

#[test]
fn a_certified_and_confirmed_key_has_addresses() {
    let fixture = Fixture::new();
    let key = fixture.verify(fixture.key()).unwrap();
    let addresses = key.addresses().unwrap();
    assert_eq!(addresses.len(), 3);
    let expected = bs58::encode(fixture.group.verifying_key()).into_string();
    assert!(addresses.iter().all(|(_, address)| address.as_str() == expected));
}

#[test]
fn a_key_under_another_root_is_refused() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let error = fixture.verify(other.key()).unwrap_err();
    assert!(matches!(error, KeyError::Certificate { .. }), "{error}");
}

#[test]
fn a_certificate_without_every_vote_is_refused() {
    let fixture = Fixture::new();
    let mut key = fixture.key();
    key.certificate.as_mut().unwrap().votes.pop();
    let error = fixture.verify(key).unwrap_err();
    assert!(matches!(error, KeyError::Certificate { .. }), "{error}");
}

#[test]
fn a_group_key_that_nobody_voted_for_is_refused() {
    let fixture = Fixture::new();
    let mut key = fixture.key();
    let stranger = new_key().public_key().as_bytes().to_vec();
    key.certificate.as_mut().unwrap().certified.as_mut().unwrap().group_verifying_key =
        stranger.clone();
    key.group_verifying_key = stranger;
    let error = fixture.verify(key).unwrap_err();
    assert!(matches!(error, KeyError::Certificate { .. }), "{error}");
}

#[test]
fn a_summary_that_differs_from_the_certificate_is_refused() {
    let fixture = Fixture::new();
    let mut key = fixture.key();
    key.group_verifying_key = new_key().public_key().as_bytes().to_vec();
    assert!(matches!(fixture.verify(key), Err(KeyError::Summary { field: "group key", .. })));
    let mut key = fixture.key();
    key.name = "keys/btc".to_owned();
    assert!(matches!(fixture.verify(key), Err(KeyError::Summary { field: "name", .. })));
}

#[test]
fn another_key_than_asked_for_is_refused() {
    let fixture = Fixture::new();
    let certified = CertifiedKey { key: "other".parse().unwrap(), ..fixture.certified() };
    let key = fixture.key_with(certified, &[&[1, 2], &[2, 3]]);
    assert!(matches!(fixture.verify(key), Err(KeyError::OtherKey { .. })));
}

#[test]
fn an_active_key_whose_confirmations_leave_out_a_holder_is_refused() {
    let fixture = Fixture::new();
    for sets in [[].as_slice(), &[[1, 2].as_slice()]] {
        let key = fixture.key_with(fixture.certified(), sets);
        assert!(matches!(fixture.verify(key), Err(KeyError::Uncovered(_))));
    }
}

#[test]
fn a_key_that_waits_for_its_confirmation_has_no_address() {
    let fixture = Fixture::new();
    let mut key = fixture.key_with(fixture.certified(), &[]);
    key.state = pb::KeyState::PreActivation.into();
    assert_eq!(fixture.verify(key).unwrap().addresses().unwrap(), []);
}

#[test]
fn a_confirmation_by_somebody_else_is_refused() {
    let fixture = Fixture::new();
    let mut key = fixture.key();
    key.confirmations[0].signature[40] ^= 1;
    assert!(matches!(fixture.verify(key), Err(KeyError::Confirmation(_))));
    // Right signatures, but of sets that are too small or hold no share.
    for sets in [[[1].as_slice(), &[2, 3]], [&[1, 2], &[3, 4]]] {
        let key = fixture.key_with(fixture.certified(), &sets);
        assert!(matches!(fixture.verify(key), Err(KeyError::SigningSet(_))));
    }
}

/// Against another implementation of BIP-32, and the address that BIP-86 gives.
#[test]
fn a_child_has_addresses_of_its_own() {
    let fixture = Fixture::taproot();
    let certified = fixture.certified();
    let root = Xpub {
        network: bitcoin::NetworkKind::Main,
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::Normal { index: 0 },
        public_key: bitcoin::secp256k1::PublicKey::from_slice(&certified.group_verifying_key)
            .unwrap(),
        chain_code: ChainCode::from(certified.chain_code),
    };
    let secp = Secp256k1::new();
    for (path, indexes) in [("m", vec![]), ("m/7", vec![7]), ("m/0/7", vec![0, 7])] {
        let numbers: Vec<_> =
            indexes.into_iter().map(|index| ChildNumber::Normal { index }).collect();
        let expected = root.derive_pub(&secp, &numbers).unwrap().public_key;
        let key = fixture.verified().at(&path.parse().unwrap()).unwrap();
        assert_eq!(key.verifying_key(), expected.serialize(), "{path}");
        let (internal, _) = expected.x_only_public_key();
        let expected = bitcoin::Address::p2tr(&secp, internal, None, bitcoin::Network::Bitcoin);
        let addresses = key.addresses().unwrap();
        let shown = addresses.iter().find(|(network, _)| *network == Network::Bitcoin).unwrap();
        assert_eq!(shown.1.as_str(), expected.to_string(), "{path}");
    }
}

#[test]
fn a_signature_of_the_key_is_none_of_its_child() {
    let fixture = Fixture::taproot();
    let (key, digest) = (fixture.verified(), Digest::new([9; 32]));
    let signature = fixture.sign(&digest);
    assert!(key.signed(digest.as_bytes(), &signature));
    let child = key.at(&"m/0".parse().unwrap()).unwrap();
    assert!(!child.signed(digest.as_bytes(), &signature));
    assert!(child.at(&DerivationPath::root()).unwrap().signed(digest.as_bytes(), &signature));
}

#[test]
fn an_ed25519_key_has_no_child() {
    let error = Fixture::new().verified().at(&"m/0".parse().unwrap()).unwrap_err();
    assert_eq!(error, DeriveError::NoChildren(Scheme::FrostEd25519));
}
