//! BIP-32's public derivation, held against the published vectors and against the `bitcoin` crate's own
//! implementation, which computes with libsecp256k1.

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::key::Secp256k1;
use bitcoin::secp256k1::{All, PublicKey, SecretKey};
use bitcoin::{Address, NetworkKind};
use quorate_intent::PayingKey;
use quorate_model::{
    Attempt, DerivationPath, Digest, Epoch, Network, ParticipantSet, Scheme, Threshold,
};
use quorate_protocol::{CertifiedKey, ChildKey, derive_secp256k1};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng as _};

const KEYS: usize = 100;
const PATHS_PER_KEY: u32 = 100;
const DEPTH_MAX: u32 = 8;
const HARDENED: u32 = 1 << 31;

fn certified(scheme: Scheme, root: &Xpub) -> CertifiedKey {
    CertifiedKey {
        cluster: Digest::new([1; 32]),
        order: Digest::new([2; 32]),
        attempt: Attempt::FIRST,
        key: "treasury".parse().unwrap(),
        scheme,
        epoch: Epoch::FIRST,
        predecessor: None,
        roster: ParticipantSet::from_wire([1, 2, 3]).unwrap(),
        threshold: Threshold::new(2).unwrap(),
        raw_ok: false,
        activation: quorate_model::Activation::AtOnce,
        group_verifying_key: root.public_key.serialize().to_vec(),
        verifying_shares: [].into(),
        chain_code: root.chain_code.to_bytes(),
        echo: Digest::new([3; 32]),
    }
}

fn random_key(secp: &Secp256k1<All>, rng: &mut ChaCha20Rng) -> Xpub {
    let (mut secret, mut chain_code) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut secret);
    rng.fill_bytes(&mut chain_code);
    let secret = SecretKey::from_slice(&secret).unwrap();
    Xpub {
        network: NetworkKind::Main,
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::Normal { index: 0 },
        public_key: PublicKey::from_secret_key(secp, &secret),
        chain_code: ChainCode::from(chain_code),
    }
}

/// Small indexes and any at all, at each depth.
fn random_path(rng: &mut ChaCha20Rng) -> DerivationPath {
    let depth = rng.next_u32() % (DEPTH_MAX + 1);
    let index = |_| match rng.next_u32() % 3 {
        0 => rng.next_u32() % 20,
        1 => HARDENED - 1 - rng.next_u32() % 20,
        _ => rng.next_u32() % HARDENED,
    };
    DerivationPath::new((0..depth).map(index).collect()).unwrap()
}

fn independent(secp: &Secp256k1<All>, root: &Xpub, path: &DerivationPath) -> Xpub {
    let numbers = path.indexes().iter().map(|index| ChildNumber::Normal { index: *index });
    root.derive_pub(secp, &numbers.collect::<Vec<_>>()).unwrap()
}

fn agree(child: &ChildKey, expected: &Xpub) {
    assert_eq!(child.verifying_key, expected.public_key.serialize());
    assert_eq!(child.chain_code, expected.chain_code.to_bytes());
}

#[test]
fn published_children_are_ours() {
    let vectors = include_str!("data/bip32-public.csv").lines().skip(1);
    let mut count = 0;
    for line in vectors {
        let [parent, path, child] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let (parent, child): (Xpub, Xpub) = (parent.parse().unwrap(), child.parse().unwrap());
        let (key, chain_code) = (parent.public_key.serialize(), parent.chain_code.to_bytes());
        agree(&derive_secp256k1(&key, &chain_code, &path.parse().unwrap()).unwrap(), &child);
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn ten_thousand_random_children_are_those_of_another_implementation() {
    let (secp, mut rng) = (Secp256k1::new(), ChaCha20Rng::seed_from_u64(32));
    let schemes = [Scheme::FrostSecp256k1, Scheme::FrostSecp256k1Tr].into_iter().cycle();
    for scheme in schemes.take(KEYS) {
        let root = random_key(&secp, &mut rng);
        let key = certified(scheme, &root);
        for _ in 0..PATHS_PER_KEY {
            let path = random_path(&mut rng);
            agree(&key.child(&path).unwrap(), &independent(&secp, &root, &path));
        }
    }
}

/// BIP-86: the address of a child is that of the derived key as an internal key without scripts.
#[test]
fn taproot_derives_first_and_tweaks_last() {
    let (secp, mut rng) = (Secp256k1::new(), ChaCha20Rng::seed_from_u64(86));
    for _ in 0..KEYS {
        let (root, path) = (random_key(&secp, &mut rng), random_path(&mut rng));
        let child = certified(Scheme::FrostSecp256k1Tr, &root).child(&path).unwrap();
        let key = PayingKey {
            group_verifying_key: &child.verifying_key,
            scheme: Scheme::FrostSecp256k1Tr,
            network: Network::Bitcoin,
        };
        let (internal, _) = independent(&secp, &root, &path).public_key.x_only_public_key();
        let expected = Address::p2tr(&secp, internal, None, bitcoin::Network::Bitcoin);
        assert_eq!(quorate_intent::address(key).unwrap().as_str(), expected.to_string());
    }
}
