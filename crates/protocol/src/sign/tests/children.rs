//! Signing under the children of a key.

use super::*;
use crate::DeriveError;

fn path(text: &str) -> DerivationPath {
    text.parse().unwrap()
}

impl<S: Suite> Signing<S> {
    fn at(text: &str) -> Self {
        let mut signing = Self::new(3, 2);
        signing.context.path = path(text);
        signing
    }

    /// The verifying keys at paths, in the scheme's encoding.
    fn keys(&self, paths: &[&str]) -> Vec<Vec<u8>> {
        let certified = &self.new[&id(1)].certified;
        paths.iter().map(|text| certified.child(&path(text)).unwrap().verifying_key).collect()
    }
}

fn child_signs<S: Suite>() {
    let paths = ["m/0/7", "m", "m/0", "m/0/6", "m/7/0"];
    // Keys and their children have either parity: enough of them for every pair.
    for _ in 0..16 {
        let signing = Signing::<S>::at("m/0/7");
        let (answers, shares) = signing.release_all();
        let signatures = signing.aggregate(&answers, &shares).unwrap();
        let message = &signing.context.messages[0];
        let verifies = |key: &Vec<u8>| verify_signature(S::SCHEME, key, message, &signatures[0]);
        let verified: Vec<_> = signing.keys(&paths).iter().map(verifies).collect();
        assert_eq!(verified, [true, false, false, false, false]);
    }
}

#[test]
fn a_child_signs_for_itself_and_for_nobody_else() {
    child_signs::<Secp256k1>();
    child_signs::<Secp256k1Tr>();
}

#[test]
fn an_answer_for_another_path_convicts_nobody() {
    fn refused<S: Suite>() {
        let signing = Signing::<S>::at("m/0/7");
        let mut other = signing.context.clone();
        other.path = path("m/0/8");
        let (mut reserved, mut answers) = signing.reserve(&signing.context);
        let (_, others) = signing.reserve(&other);
        answers.insert(id(2), others[&id(2)].clone());
        let first = reserved.remove(&id(1)).unwrap();
        let share = &signing.shares[&id(1)];
        let abort = first.release(share, signing.fixture.deliver(&answers)).unwrap_err();
        assert_eq!(abort, Abort::unproven(AbortReason::ContextMismatch(id(2))));
    }
    refused::<Secp256k1>();
    refused::<Secp256k1Tr>();
}

#[test]
fn a_bad_share_under_a_child_convicts_its_signer() {
    fn convicts<S: Suite>() {
        let signing = Signing::<S>::at("m/1");
        let (answers, mut shares) = signing.release_all();
        shares.get_mut(&id(2)).unwrap().shares.swap(0, 1);
        let abort = signing.aggregate(&answers, &shares).unwrap_err();
        assert_eq!(abort, Abort::proven(AbortReason::SignatureShare(id(2)), id(2)));
    }
    convicts::<Secp256k1>();
    convicts::<Secp256k1Tr>();
}

#[test]
fn no_nonce_is_made_for_a_child_of_an_ed25519_key() {
    let signing = Signing::<Ed25519>::at("m/0");
    let (context, heads) = (signing.context.clone(), signing.fixture.heads());
    let share = &signing.shares[&id(1)];
    let abort = Reserved::reserve(context, id(1), share, heads, &mut OsRng).err().unwrap();
    let reason = AbortReason::Derive(DeriveError::NoChildren(quorate_model::Scheme::FrostEd25519));
    assert_eq!(abort, Abort::unproven(reason));
}

#[test]
fn a_key_share_never_shows_its_secret() {
    let signing = Signing::<Secp256k1Tr>::at("m/0");
    let (share, new) = (&signing.shares[&id(1)], &signing.new[&id(1)]);
    let child = share.child(&signing.context.path).unwrap();
    let shown = format!("{share:?} {child:?}");
    for secret in [new.share.secret_bytes().to_vec(), child.signing_share().serialize()] {
        let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!shown.contains(&digits), "{shown}");
    }
    assert!(shown.contains("redacted"), "{shown}");
}
