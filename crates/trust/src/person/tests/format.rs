//! What is no signature in the one format.

use super::*;

/// Why a device's signature with a change is not even read.
fn refusal(change: impl Fn(&mut Envelope)) -> SshSignatureError {
    let [one, two] = Device::both().map(|device| {
        let (_, bytes) = forged(&device, &change);
        SshSignature::from_bytes(&bytes).unwrap_err()
    });
    assert_eq!(one, two);
    one
}

#[test]
fn an_unknown_algorithm_is_refused() {
    let rsa = SshSignature::from_pem(include_str!("../testdata/rsa.sig"));
    assert_eq!(rsa, Err(SshSignatureError::UnknownAlgorithm));
    for hash in ["sha1", "sha384", "SHA512", ""] {
        assert_eq!(refusal(|e| e.hash = hash.to_owned()), SshSignatureError::UnknownAlgorithm);
    }
}

#[test]
fn a_signature_of_another_algorithm_than_its_key_is_refused() {
    let [_, Device::P256(secret)] = Device::both() else { unreachable!() };
    let (_, bytes) = forged(&Device::P256(secret), |e| {
        // What the parser would verify under any name: flags and counter inside the field.
        let (fields, trailer) = e.signature.split_last_chunk::<5>().unwrap();
        let mpints = &fields[4 + software::P256.len() + 4..];
        let raw = [mpints, trailer].concat();
        e.signature = software::signature("any-name@example.com", &raw, b"");
    });
    assert_eq!(SshSignature::from_bytes(&bytes), Err(SshSignatureError::AlgorithmMismatch));
    let plain = software::signature("ssh-ed25519", &[1; 64], b"");
    let mismatch = refusal(|e| e.signature.clone_from(&plain));
    assert_eq!(mismatch, SshSignatureError::AlgorithmMismatch);
}

#[test]
fn a_key_that_no_trust_root_could_list_is_refused() {
    for device in Device::both() {
        let (_, bytes) = forged(&device, |e| e.key = device.key("example.com"));
        let refused = SshSignatureError::Key(CredentialTextError::Application);
        assert_eq!(SshSignature::from_bytes(&bytes), Err(refused));
    }
}

#[test]
fn another_version_of_the_format_is_refused() {
    assert_eq!(refusal(|e| e.version = 0), SshSignatureError::Version(0));
    assert_eq!(refusal(|e| e.version = 2), SshSignatureError::Version(2));
}

#[test]
fn bytes_that_are_no_signature_are_refused() {
    for bytes in [&b""[..], b"SSHSIG", b"SSHSIX\0\0\0\x01", &[0xff; 64]] {
        assert_eq!(SshSignature::from_bytes(bytes), Err(SshSignatureError::Malformed));
    }
    for text in ["", "SSHSIG", ED25519_PUB, &ED25519_SIG.replace("SSH SIG", "SSX SIG")] {
        assert_eq!(SshSignature::from_pem(text), Err(SshSignatureError::Malformed));
    }
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    assert_eq!(refusal(|e| cut(&mut e.signature)), SshSignatureError::Malformed);
}

#[test]
fn a_signature_cut_short_anywhere_is_refused() {
    for (_, pem) in VECTORS {
        let signature = parse(pem);
        for length in 0..signature.as_bytes().len() {
            assert!(SshSignature::from_bytes(&signature.as_bytes()[..length]).is_err());
        }
        for length in 0..pem.len() {
            assert!(SshSignature::from_pem(&pem[..length]).is_err());
        }
    }
}

#[test]
fn trailing_bytes_are_refused() {
    for (_, pem) in VECTORS {
        let bytes = [parse(pem).as_bytes(), b"\0"].concat();
        assert_eq!(SshSignature::from_bytes(&bytes), Err(SshSignatureError::TrailingBytes));
    }
}

#[test]
fn trailing_bytes_inside_a_field_are_refused() {
    // Neither is noticed by the parser, which reads on after the length that it was told.
    let [_, device] = Device::both();
    let (_, bytes) = forged(&device, |e| e.signature.push(0));
    let refused = SshSignature::from_bytes(&bytes);
    assert_eq!(refused, Err(SshSignatureError::TrailingBytes));
    for (_, pem) in VECTORS {
        let mut bytes = parse(pem).as_bytes().to_vec();
        bytes[13] += 1; // the length of the key
        assert_eq!(SshSignature::from_bytes(&bytes), Err(SshSignatureError::NotCanonical));
    }
}

#[test]
fn a_reserved_field_is_empty() {
    assert_eq!(refusal(|e| e.reserved.push(0)), SshSignatureError::Reserved);
}

#[test]
fn only_the_text_of_ssh_keygen_is_accepted() {
    for (_, pem) in VECTORS {
        for text in [
            pem.trim_end().to_owned(),
            format!("{pem}\n"),
            format!("\n{pem}"),
            pem.replace('\n', "\r\n"),
        ] {
            let refused = SshSignature::from_pem(&text).unwrap_err();
            let expected = [SshSignatureError::NotCanonical, SshSignatureError::Malformed];
            assert!(expected.contains(&refused), "{text:?}");
        }
    }
}

#[test]
fn sizes_are_limited() {
    let large = SshSignature::from_bytes(&[0; 2049]);
    assert_eq!(large, Err(SshSignatureError::TooLong));
    assert_ne!(SshSignature::from_bytes(&[0; 2048]), Err(SshSignatureError::TooLong));
    let padded = |bytes| format!("{ED25519_SIG}{}", "\n".repeat(bytes - ED25519_SIG.len()));
    assert_eq!(SshSignature::from_pem(&padded(4097)), Err(SshSignatureError::TooLong));
    assert_ne!(SshSignature::from_pem(&padded(4096)), Err(SshSignatureError::TooLong));
}

#[test]
fn an_empty_namespace_is_refused() {
    assert_eq!(refusal(|e| e.namespace.clear()), SshSignatureError::UnknownNamespace);
}
