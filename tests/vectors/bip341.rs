//! BIP-341's wallet vectors. Our Taproot keys commit to no script, so of the published signatures
//! exactly those whose output key commits to none verify under their internal key.

use frost_core::keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare};
use frost_core::{Identifier, VerifyingKey};
use k256::schnorr::signature::hazmat::PrehashVerifier as _;
use quorate_intent::PayingKey;
use quorate_model::{Network, Scheme};
use quorate_protocol::suite::{Secp256k1Tr, Suite as _};
use quorate_protocol::verify_signature;
use serde_json::Value;

use crate::bytes;

struct Vector(Value);

impl Vector {
    fn all() -> Vec<Self> {
        let all = serde_json::from_str::<Vec<Value>>(include_str!("data/bip341-key-path.json"));
        all.unwrap().into_iter().map(Self).collect()
    }

    fn field(&self, name: &str) -> Vec<u8> {
        bytes(self.0.get(name).unwrap().as_str().unwrap())
    }

    fn has_scripts(&self) -> bool {
        !self.0.get("merkleRoot").unwrap().is_null()
    }

    /// The internal key as a group key, in both of the encodings that an x coordinate has.
    fn group_keys(&self) -> [Vec<u8>; 2] {
        [2, 3].map(|prefix| [&[prefix], self.field("internalPubkey").as_slice()].concat())
    }
}

fn without_scripts() -> Vector {
    let mut found = Vector::all().into_iter().filter(|vector| !vector.has_scripts());
    let vector = found.next().expect("one vector commits to no script");
    assert!(found.next().is_none());
    vector
}

#[test]
fn published_signatures_verify_under_their_output_keys() {
    assert_eq!(Vector::all().len(), 7);
    for vector in Vector::all() {
        let key = k256::schnorr::VerifyingKey::from_bytes(&vector.field("tweakedPubkey")).unwrap();
        let signature = vector.field("signature");
        let signature = k256::schnorr::Signature::try_from(signature.as_slice()).unwrap();
        assert!(key.verify_prehash(&vector.field("sigHash"), &signature).is_ok());
    }
}

#[test]
fn only_an_output_key_without_scripts_is_ours() {
    for vector in Vector::all() {
        let (message, signature) = (vector.field("sigHash"), vector.field("signature"));
        for key in vector.group_keys() {
            let accepted = verify_signature(Scheme::FrostSecp256k1Tr, &key, &message, &signature);
            assert_eq!(accepted, !vector.has_scripts());
        }
    }
}

#[test]
fn the_address_is_the_published_one() {
    let vector = without_scripts();
    let published = vector.0.get("bip350Address").unwrap().as_str().unwrap();
    for key in vector.group_keys() {
        let key = PayingKey {
            group_verifying_key: &key,
            network: Network::Bitcoin,
            scheme: Network::Bitcoin.usual_scheme(),
        };
        assert_eq!(quorate_intent::address(key).unwrap().as_str(), published);
    }
}

#[test]
fn the_suite_tweaks_both_halves_of_a_key() {
    let vector = without_scripts();
    let share = SigningShare::<Secp256k1Tr>::deserialize(&vector.field("internalPrivkey")).unwrap();
    let verifying_share = VerifyingShare::from(share);
    let group = VerifyingKey::deserialize(&verifying_share.serialize().unwrap()).unwrap();
    let id = Identifier::try_from(1).unwrap();

    let package = KeyPackage::new(id, share, verifying_share, group, 2);
    let output = Secp256k1Tr::output_key_package(package);
    assert_eq!(output.signing_share().serialize(), vector.field("tweakedPrivkey"));

    let package = PublicKeyPackage::new([(id, verifying_share)].into(), group, Some(2));
    let output = Secp256k1Tr::output_public_key_package(package);
    let key = output.verifying_key().serialize().unwrap();
    assert_eq!(key[1..], vector.field("tweakedPubkey"));
}
