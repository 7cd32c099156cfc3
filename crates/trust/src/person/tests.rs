//! The files of `testdata` were written by OpenSSH 9.2, but for `sk-*`: there the security key is
//! `software.rs`, and `ssh-keygen -Y verify` of that version judged the signatures good.

mod format;
mod keys;
mod software;

use proptest::prelude::*;
use quorate_model::{Tag, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use self::software::{Device, Envelope, TOUCHED, VERIFIED};
use super::*;
use crate::SigningKey;

const TEXT: &str = include_str!("testdata/statement.txt");
const ED25519_PUB: &str = include_str!("testdata/ed25519.pub");
const ED25519_SIG: &str = include_str!("testdata/ed25519-sha512.sig");
const ED25519_SHA256_SIG: &str = include_str!("testdata/ed25519-sha256.sig");
const P256_PUB: &str = include_str!("testdata/p256.pub");
const P256_SIG: &str = include_str!("testdata/p256-sha512.sig");
const P256_SHA256_SIG: &str = include_str!("testdata/p256-sha256.sig");
const SK_ED25519_PUB: &str = include_str!("testdata/sk-ed25519.pub");
const SK_ED25519_SIG: &str = include_str!("testdata/sk-ed25519.sig");
const SK_P256_PUB: &str = include_str!("testdata/sk-p256.pub");
const SK_P256_SIG: &str = include_str!("testdata/sk-p256.sig");
const VECTORS: [(&str, &str); 6] = [
    (ED25519_PUB, ED25519_SIG),
    (ED25519_PUB, ED25519_SHA256_SIG),
    (P256_PUB, P256_SIG),
    (P256_PUB, P256_SHA256_SIG),
    (SK_ED25519_PUB, SK_ED25519_SIG),
    (SK_P256_PUB, SK_P256_SIG),
];

fn file_key() -> SigningKey {
    SigningKey::generate(&mut ChaCha20Rng::seed_from_u64(1))
}

/// A line of a file, without its end.
fn line_of(file: &str) -> String {
    file.trim_end().to_owned()
}

fn credential(file: &str) -> Credential {
    line_of(file).parse().unwrap()
}

fn parse(pem: &str) -> SshSignature {
    SshSignature::from_pem(pem).unwrap()
}

/// Verifies under [`TEXT`] as an order, without user verification.
fn verify(credential: &Credential, signature: SshSignature) -> Result<(), PersonSignatureError> {
    let signature = PersonSignature::Ssh(signature);
    credential.verify(Namespace::Order, TEXT, &signature, UserVerification::NotRequired)
}

/// A device's credential, and its signature with a change.
fn forged(device: &Device, change: impl FnOnce(&mut Envelope)) -> (Credential, Vec<u8>) {
    let mut envelope = device.envelope("quorate-order", TEXT, VERIFIED);
    change(&mut envelope);
    (device.line("ssh:").parse().unwrap(), envelope.bytes())
}

#[test]
fn what_openssh_signs_verifies() {
    for (public, pem) in VECTORS {
        assert_eq!(verify(&credential(public), parse(pem)), Ok(()), "{public}");
    }
}

#[test]
fn the_parser_s_own_verifier_agrees() {
    for (public, pem) in VECTORS {
        let key = ::ssh_key::PublicKey::from_openssh(public).unwrap();
        let sig = ::ssh_key::SshSig::from_pem(pem).unwrap();
        assert_eq!(key.verify("quorate-order", TEXT.as_bytes(), &sig), Ok(()), "{public}");
    }
}

#[test]
fn a_signature_has_one_text_and_one_encoding() {
    for (_, pem) in VECTORS {
        let signature = parse(pem);
        assert_eq!(signature.as_pem(), pem);
        assert_eq!(SshSignature::from_bytes(signature.as_bytes()), Ok(signature));
    }
}

#[test]
fn a_security_key_s_signature_is_as_openssh_would_write_it() {
    for (device, pem) in Device::both().iter().zip([SK_ED25519_SIG, SK_P256_SIG]) {
        let (_, bytes) = forged(device, |_| ());
        assert_eq!(parse(pem).as_bytes(), bytes);
    }
}

#[test]
fn another_text_is_refused() {
    for (public, pem) in VECTORS {
        let signature = PersonSignature::Ssh(parse(pem));
        for text in [TEXT.trim_end(), "", &format!("{TEXT}\n")] {
            let verified = credential(public).verify(
                Namespace::Order,
                text,
                &signature,
                UserVerification::NotRequired,
            );
            assert_eq!(verified, Err(PersonSignatureError::BadSignature));
        }
    }
}

#[test]
fn another_namespace_is_refused() {
    let refused = PersonSignatureError::OtherNamespace {
        expected: Namespace::Order,
        found: Namespace::Approval,
    };
    for namespace in ["quorate-order", "quorate-approval"] {
        assert!(refused.to_string().contains(namespace), "{refused}");
    }
    let approval = parse(include_str!("testdata/ed25519-approval.sig"));
    assert_eq!(verify(&credential(ED25519_PUB), approval), Err(refused));
    let file = SshSignature::from_pem(include_str!("testdata/ed25519-file.sig"));
    assert_eq!(file, Err(SshSignatureError::UnknownNamespace));
}

#[test]
fn a_namespace_written_over_another_is_refused() {
    for device in Device::both() {
        let mut envelope = device.envelope("quorate-approval", TEXT, TOUCHED);
        envelope.namespace = "quorate-order".to_owned();
        let signature = SshSignature::from_bytes(&envelope.bytes()).unwrap();
        let credential = device.line("ssh:").parse().unwrap();
        assert_eq!(verify(&credential, signature), Err(PersonSignatureError::BadSignature));
    }
}

#[test]
fn another_key_is_refused_although_its_signature_is_good() {
    for (public, pem) in VECTORS {
        for (other, _) in VECTORS.iter().filter(|(other, _)| *other != public) {
            let refused = PersonSignatureError::OtherKey {
                expected: credential(other).fingerprint(),
                found: credential(public).fingerprint(),
            };
            assert_eq!(verify(&credential(other), parse(pem)), Err(refused));
        }
    }
}

#[test]
fn a_key_written_over_another_is_refused() {
    let [Device::Ed25519(secret), _] = Device::both() else { unreachable!() };
    let other = Device::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[8; 32]));
    let (_, bytes) = forged(&Device::Ed25519(secret), |e| e.key = other.key("ssh:"));
    let signature = SshSignature::from_bytes(&bytes).unwrap();
    let refused = Err(PersonSignatureError::BadSignature);
    assert_eq!(verify(&other.line("ssh:").parse().unwrap(), signature), refused);
}

#[test]
fn a_signature_of_another_kind_is_refused() {
    let key = file_key();
    let file = PersonSignature::sign(&key, Namespace::Order, TEXT);
    let ssh = PersonSignature::Ssh(parse(ED25519_SIG));
    for (credential, signature) in
        [(credential(ED25519_PUB), file), (Credential::from(key.public_key()), ssh)]
    {
        let refused = Err(PersonSignatureError::OtherKind);
        let not_required = UserVerification::NotRequired;
        assert_eq!(credential.verify(Namespace::Order, TEXT, &signature, not_required), refused);
    }
}

#[test]
fn a_key_file_s_signature_is_for_one_text_and_one_namespace() {
    let key = file_key();
    let credential = Credential::from(key.public_key());
    let signature = PersonSignature::sign(&key, Namespace::Order, TEXT);
    for namespace in Namespace::ALL {
        let verified =
            credential.verify(namespace, TEXT, &signature, UserVerification::NotRequired);
        let refused = PersonSignatureError::BadSignature;
        assert_eq!(verified.err(), (namespace != Namespace::Order).then_some(refused));
    }
    let other = credential.verify(Namespace::Order, "", &signature, UserVerification::NotRequired);
    assert_eq!(other, Err(PersonSignatureError::BadSignature));
}

#[test]
fn a_key_file_signs_the_digest_of_the_text_under_the_tag_of_the_namespace() {
    for (namespace, tag) in [(Namespace::Order, Tag::Order), (Namespace::Approval, Tag::Approval)] {
        let digest = Transcript::new(tag).text(TEXT).finish();
        let signature = PersonSignature::Ed25519(file_key().sign(&digest));
        assert_eq!(PersonSignature::sign(&file_key(), namespace, TEXT), signature);
    }
}

#[test]
fn a_security_key_must_have_been_touched() {
    for device in Device::both() {
        let credential: Credential = device.line("ssh:").parse().unwrap();
        for (flags, required, refused) in [
            (0x00, UserVerification::NotRequired, Some(PersonSignatureError::UserNotPresent)),
            (0x04, UserVerification::Required, Some(PersonSignatureError::UserNotPresent)),
            (0x01, UserVerification::NotRequired, None),
            (0x01, UserVerification::Required, Some(PersonSignatureError::UserNotVerified)),
            (0x05, UserVerification::NotRequired, None),
            (0x05, UserVerification::Required, None),
        ] {
            let bytes = device.envelope("quorate-order", TEXT, flags).bytes();
            let signature = PersonSignature::Ssh(SshSignature::from_bytes(&bytes).unwrap());
            let verified = credential.verify(Namespace::Order, TEXT, &signature, required);
            assert_eq!(verified.err(), refused, "{flags:#x} {required:?}");
        }
    }
}

#[test]
fn a_key_in_software_does_not_verify_its_user() {
    let key = file_key();
    let file = PersonSignature::sign(&key, Namespace::Order, TEXT);
    for (credential, signature) in [
        (Credential::from(key.public_key()), file),
        (credential(ED25519_PUB), PersonSignature::Ssh(parse(ED25519_SIG))),
        (credential(P256_PUB), PersonSignature::Ssh(parse(P256_SIG))),
    ] {
        let required = UserVerification::Required;
        let refused = Err(PersonSignatureError::CannotVerifyUser);
        assert_eq!(credential.verify(Namespace::Order, TEXT, &signature, required), refused);
    }
}

#[test]
fn what_a_security_key_says_is_under_its_signature() {
    for device in Device::both() {
        for (from_end, value) in [(5, TOUCHED), (1, 10)] {
            let (credential, mut bytes) = forged(&device, |_| ());
            let at = bytes.len() - from_end;
            bytes[at] = value;
            let signature = SshSignature::from_bytes(&bytes).unwrap();
            assert_eq!(verify(&credential, signature), Err(PersonSignatureError::BadSignature));
        }
    }
}

#[test]
fn the_counter_is_shown() {
    assert_eq!(parse(SK_ED25519_SIG).counter(), Some(9));
    assert_eq!(parse(SK_P256_SIG).counter(), Some(9));
    assert_eq!(parse(ED25519_SIG).counter(), None);
}

#[test]
fn a_security_key_signs_for_the_application_of_the_trust_root_only() {
    for device in Device::both() {
        let (credential, bytes) = forged(&device, |e| e.key = device.key("ssh:other"));
        let named = SshSignature::from_bytes(&bytes).unwrap();
        let refused = verify(&credential, named.clone()).unwrap_err();
        assert!(matches!(refused, PersonSignatureError::OtherKey { .. }));
        // Nor does it count for the application that it names, since it was made for `ssh:`.
        let other = device.line("ssh:other").parse().unwrap();
        assert_eq!(verify(&other, named), Err(PersonSignatureError::BadSignature));
    }
}

#[test]
fn a_mirrored_ecdsa_signature_says_the_same() {
    // ECDSA is malleable: whoever takes a signature's bytes for an id is wrong.
    let [_, device] = Device::both();
    let (credential, bytes) = forged(&device, |e| {
        let (fields, trailer) = e.signature.split_last_chunk::<5>().unwrap();
        let mpints = &fields[4 + software::P256.len() + 4..];
        let algorithm = ::ssh_key::Algorithm::Ecdsa { curve: ::ssh_key::EcdsaCurve::NistP256 };
        let signature = ::ssh_key::Signature::new(algorithm, mpints).unwrap();
        let signature = p256::ecdsa::Signature::try_from(&signature).unwrap();
        let (r, s) = signature.split_scalars();
        let mirrored = p256::ecdsa::Signature::from_scalars(r, -*s).unwrap();
        e.signature = software::signature(software::P256, &software::mpints(&mirrored), trailer);
    });
    let mirrored = SshSignature::from_bytes(&bytes).unwrap();
    assert_ne!(mirrored, parse(SK_P256_SIG));
    assert_eq!(verify(&credential, mirrored), Ok(()));
}

/// Replaces, inserts or removes bytes.
fn mutate(bytes: &[u8], changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, how, value) in changes {
        let at = at.index(bytes.len());
        match how % 4 {
            0 => bytes[at] = *value,
            1 => bytes[at] ^= 1 << (value % 8),
            2 => bytes.insert(at, *value),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_mutated_signature_never_verifies(
        vector in 0..VECTORS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..5),
    ) {
        let (public, pem) = VECTORS[vector];
        let (credential, signature) = (credential(public), parse(pem));
        let text = mutate(pem.as_bytes(), &changes);
        if let Ok(text) = String::from_utf8(text)
            && text != pem
            && let Ok(mutated) = SshSignature::from_pem(&text)
        {
            prop_assert!(verify(&credential, mutated).is_err(), "{text}");
        }
        let bytes = mutate(signature.as_bytes(), &changes);
        if bytes != signature.as_bytes()
            && let Ok(mutated) = SshSignature::from_bytes(&bytes)
        {
            prop_assert_eq!(mutated.as_bytes(), &bytes);
            prop_assert!(verify(&credential, mutated).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_mutated_credential_is_refused_or_another(
        vector in 0..VECTORS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..5),
    ) {
        let (public, _) = VECTORS[vector];
        let text = line_of(public);
        if let Ok(mutated) = String::from_utf8(mutate(text.as_bytes(), &changes))
            && let Ok(parsed) = mutated.parse::<Credential>()
        {
            prop_assert_eq!(parsed.to_string(), mutated.clone());
            prop_assert_eq!(parsed == credential(public), mutated == text);
        }
    }
}
