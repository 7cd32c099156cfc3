//! Credentials as texts.

use curve25519_dalek::edwards::CompressedEdwardsY;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;

use super::software::{Device, string};
use super::*;

fn refusal(text: &str) -> CredentialTextError {
    text.parse::<Credential>().unwrap_err()
}

fn line(key: &[u8]) -> String {
    ::ssh_key::PublicKey::from_bytes(key).unwrap().to_openssh().unwrap()
}

#[test]
fn every_kind_of_credential_has_one_text() {
    let file = Credential::from(file_key().public_key()).to_string();
    let devices = Device::both().map(|device| device.line("ssh:quorate"));
    for text in [file, line_of(ED25519_PUB), line_of(P256_PUB)].into_iter().chain(devices) {
        let credential: Credential = text.parse().unwrap();
        assert_eq!(credential.to_string(), text);
        assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text}");
    }
}

#[test]
fn a_comment_or_whatever_else_follows_the_key_is_refused() {
    for text in [line_of(ED25519_PUB), Credential::from(file_key().public_key()).to_string()] {
        assert_eq!(refusal(&format!("{text} alice@example.com")), CredentialTextError::Comment);
        assert!(format!("{text} ").parse::<Credential>().is_err());
        assert!(format!("{text}\n").parse::<Credential>().is_err());
        assert!(format!(" {text}").parse::<Credential>().is_err());
    }
}

#[test]
fn a_key_that_is_not_canonical_is_refused() {
    let text = line_of(ED25519_PUB);
    assert_eq!(refusal(&format!("{text} ")), CredentialTextError::NotCanonical);
    assert_eq!(refusal(&text.replacen(' ', "  ", 1)), CredentialTextError::Malformed);
    // The last character of the base64 of a P-256 key has unused bits, here set.
    let p256 = line_of(P256_PUB);
    let stem = p256.strip_suffix("0=").unwrap();
    assert_eq!(refusal(&format!("{stem}1=")), CredentialTextError::Malformed);
    assert_eq!(refusal(p256.trim_end_matches('=')), CredentialTextError::Malformed);
    let hex = Credential::from(file_key().public_key()).to_string();
    assert_eq!(
        refusal(&hex.to_uppercase().replace("ED25519", "ed25519")),
        CredentialTextError::PublicKey
    );
}

#[test]
fn an_algorithm_that_is_not_accepted_is_refused() {
    let text = line_of(ED25519_PUB);
    let (_, key) = text.split_once(' ').unwrap();
    for algorithm in ["ssh-rsa", "ecdsa-sha2-nistp384", "ssh-ed25519-cert-v01@openssh.com", ""] {
        assert_eq!(refusal(&format!("{algorithm} {key}")), CredentialTextError::UnknownAlgorithm);
    }
    // The name in front is not the one inside.
    assert_eq!(refusal(&format!("ecdsa-sha2-nistp256 {key}")), CredentialTextError::Malformed);
}

#[test]
fn a_text_that_is_no_key_is_refused() {
    for text in ["", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 AAAA", "ssh-ed25519 \u{e9}"] {
        assert_eq!(refusal(text), CredentialTextError::Malformed, "{text}");
    }
    assert_eq!(refusal("ed25519 00"), CredentialTextError::PublicKey);
    let long = format!("ssh-ed25519 {}", "A".repeat(512));
    assert_eq!(refusal(&long), CredentialTextError::TooLong);
}

#[test]
fn bytes_after_the_key_inside_the_base64_are_refused() {
    let text = line_of(ED25519_PUB) + "AAAA";
    assert_eq!(refusal(&text), CredentialTextError::Malformed);
}

#[test]
fn an_ed25519_point_of_mixed_or_small_order_is_refused_inside_ssh_as_well() {
    let public = file_key().public_key();
    let point = CompressedEdwardsY(*public.as_bytes()).decompress().unwrap();
    let [identity, torsion, ..] = curve25519_dalek::constants::EIGHT_TORSION;
    for point in [point + torsion, torsion, identity] {
        let bytes = point.compress().to_bytes();
        let (mut key, mut device) = (Vec::new(), Vec::new());
        string(&mut key, b"ssh-ed25519");
        string(&mut key, &bytes);
        string(&mut device, software::ED25519.as_bytes());
        string(&mut device, &bytes);
        string(&mut device, b"ssh:");
        assert_eq!(refusal(&line(&key)), CredentialTextError::PublicKey);
        assert_eq!(refusal(&line(&device)), CredentialTextError::PublicKey);
    }
}

#[test]
fn a_p256_point_off_the_curve_or_compressed_is_refused() {
    let secret = p256::SecretKey::from_slice(&[7; 32]).unwrap();
    let (good, compressed) =
        [false, true].map(|compress| secret.public_key().to_encoded_point(compress)).into();
    let mut off = good.as_bytes().to_vec();
    off[64] ^= 1;
    for (point, refused) in [(good.as_bytes(), false), (&off, true), (compressed.as_bytes(), true)]
    {
        let (mut key, mut device) = (Vec::new(), Vec::new());
        string(&mut key, b"ecdsa-sha2-nistp256");
        string(&mut device, software::P256.as_bytes());
        for key in [&mut key, &mut device] {
            string(key, b"nistp256");
            string(key, point);
        }
        string(&mut device, b"ssh:");
        for key in [key, device] {
            let parsed = line(&key).parse::<Credential>();
            assert_eq!(parsed.err(), refused.then_some(CredentialTextError::PublicKey));
        }
    }
}

#[test]
fn a_security_key_that_was_not_made_for_ssh_is_refused() {
    for device in Device::both() {
        for application in ["example.com", "", "SSH:", "ssh: x", "ssh:\u{e9}"] {
            assert_eq!(refusal(&device.line(application)), CredentialTextError::Application);
        }
        let longest = format!("ssh:{}", "x".repeat(60));
        assert!(device.line(&longest).parse::<Credential>().is_ok());
        assert_eq!(refusal(&device.line(&(longest + "x"))), CredentialTextError::Application);
    }
}

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    let fingerprint = |text: &str| text.parse::<Credential>().unwrap().fingerprint();
    let ed25519 = fingerprint(&line_of(ED25519_PUB));
    assert_eq!(ed25519, "SHA256:AsmAPuUdDRwfpVdjjeufauOoEiospRLkCq71l3JfkQk");
    let p256 = fingerprint(&line_of(P256_PUB));
    assert_eq!(p256, "SHA256:YeqnlaD76GaDWKFx9bVikNsw28zn/vwJwWpNxK8zYBM");
}

#[test]
fn a_text_is_of_limited_length() {
    let of = |bytes| refusal(&format!("ed25519 {}", "a".repeat(bytes - "ed25519 ".len())));
    assert_eq!(of(512), CredentialTextError::PublicKey);
    assert_eq!(of(513), CredentialTextError::TooLong);
}

#[test]
fn one_key_in_two_credentials_is_noticed() {
    let public = file_key().public_key();
    let mut key = Vec::new();
    string(&mut key, b"ssh-ed25519");
    string(&mut key, public.as_bytes());
    let (file, ssh) = (Credential::from(public), line(&key).parse::<Credential>().unwrap());
    assert_ne!(file, ssh);
    assert_eq!(file.key_material(), ssh.key_material());
    assert_eq!(file.fingerprint(), ssh.fingerprint());
    for device in Device::both() {
        let [one, two] =
            ["ssh:", "ssh:two"].map(|app| device.line(app).parse::<Credential>().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.key_material(), two.key_material());
        assert_ne!(one.key_material(), file.key_material());
    }
}
