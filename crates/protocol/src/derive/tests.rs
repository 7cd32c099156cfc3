use k256::elliptic_curve::ops::Reduce;
use k256::{SecretKey, U256};
use quorate_model::{Attempt, Digest, Epoch, ParticipantSet, Threshold};

use super::*;

/// The order of secp256k1's group (SEC 2, section 2.4.1), big endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

fn path(text: &str) -> DerivationPath {
    text.parse().unwrap()
}

fn public(secret: Scalar) -> PublicKey {
    SecretKey::from_bytes(&secret.to_bytes()).unwrap().public_key()
}

fn certified(scheme: Scheme, group_verifying_key: Vec<u8>) -> CertifiedKey {
    CertifiedKey {
        cluster: Digest::new([1; 32]),
        order: Digest::new([2; 32]),
        attempt: Attempt::FIRST,
        key: "treasury".parse().unwrap(),
        scheme,
        epoch: Epoch::FIRST,
        predecessor: None,
        roster: ParticipantSet::from_wire(1..=3u32).unwrap(),
        threshold: Threshold::new(2).unwrap(),
        raw_ok: false,
        activation: quorate_model::Activation::AtOnce,
        group_verifying_key,
        verifying_shares: [].into(),
        chain_code: [5; 32],
        echo: Digest::new([6; 32]),
    }
}

#[test]
fn the_tweak_is_what_separates_the_secrets() {
    let secret = Scalar::from(7u64);
    let key = compressed(&public(secret));
    for text in ["m", "m/0", "m/0/7", "m/2147483647/1/2/3/4/5/6/7"] {
        let child = derive_secp256k1(&key, &[5; 32], &path(text)).unwrap();
        let tweak = scalar(child.tweak).unwrap();
        assert_eq!(compressed(&public(secret + tweak)), child.verifying_key, "{text}");
        assert_eq!(child.verifying_share_of(&key).unwrap(), child.verifying_key, "{text}");
        let share = child.share_of(&secret.to_bytes()).unwrap();
        assert_eq!(share.secret_bytes(), &<[u8; 32]>::from((secret + tweak).to_bytes()), "{text}");
    }
}

#[test]
fn a_path_is_derived_level_by_level() {
    let key = compressed(&public(Scalar::from(7u64)));
    let whole = derive_secp256k1(&key, &[5; 32], &path("m/3/1")).unwrap();
    let first = derive_secp256k1(&key, &[5; 32], &path("m/3")).unwrap();
    let last = derive_secp256k1(&first.verifying_key, &first.chain_code, &path("m/1")).unwrap();
    assert_eq!((&whole.verifying_key, whole.chain_code), (&last.verifying_key, last.chain_code));
    let other = derive_secp256k1(&key, &[6; 32], &path("m/3/1")).unwrap();
    assert_ne!(other.verifying_key, whole.verifying_key);
}

#[test]
fn what_bip_32_calls_invalid_is_no_child() {
    // The left half is not below the order.
    assert_eq!(scalar(ORDER), None);
    assert_eq!(scalar([0xff; 32]), None);
    let mut last = ORDER;
    last[31] -= 1;
    assert!(scalar(last).is_some());
    // The child would be the point at infinity.
    let secret = <Scalar as Reduce<U256>>::reduce_bytes(&[9; 32].into());
    assert_eq!(add(&public(secret), &-secret), None);
    assert!(add(&public(secret), &secret).is_some());
    let error = DeriveError::NoChild(path("m/4"));
    assert!(error.to_string().contains("use the next index"), "{error}");
}

#[test]
fn only_a_compressed_point_has_children() {
    let key = public(Scalar::from(7u64));
    let uncompressed = key.to_encoded_point(false).as_bytes().to_vec();
    let compressed = compressed(&key);
    let mut off_curve = compressed.clone();
    // 5 is the x coordinate of no point.
    off_curve[1..].copy_from_slice(&[[0; 31].as_slice(), &[5]].concat());
    for bytes in [&uncompressed, &off_curve, &vec![], &vec![0], &compressed[1..].to_vec()] {
        let refused = derive_secp256k1(bytes, &[5; 32], &path("m/0"));
        assert_eq!(refused, Err(DeriveError::Malformed), "{bytes:?}");
    }
}

#[test]
fn an_ed25519_key_has_no_children() {
    let key = certified(Scheme::FrostEd25519, vec![3; 32]);
    let root = key.child(&path("m")).unwrap();
    assert_eq!(root.verifying_key, key.group_verifying_key);
    assert_eq!((root.chain_code, root.tweak), (key.chain_code, [0; 32]));
    // Also where the bytes could be a point of secp256k1.
    let secp256k1 = compressed(&public(Scalar::from(7u64)));
    for key in [key, certified(Scheme::FrostEd25519, secp256k1)] {
        let error = key.child(&path("m/0")).unwrap_err();
        assert_eq!(error, DeriveError::NoChildren(Scheme::FrostEd25519));
        assert!(error.to_string().contains("SLIP-10"), "{error}");
    }
}

#[test]
fn both_secp256k1_schemes_derive_from_the_group_key_itself() {
    let key = compressed(&public(Scalar::from(7u64)));
    for scheme in [Scheme::FrostSecp256k1, Scheme::FrostSecp256k1Tr] {
        let certified = certified(scheme, key.clone());
        let child = certified.child(&path("m/0/7")).unwrap();
        let bare = derive_secp256k1(&key, &certified.chain_code, &path("m/0/7")).unwrap();
        assert_eq!(child, bare);
    }
}
