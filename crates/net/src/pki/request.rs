//! Signing requests, read.

use quorate_model::Digest;
use rcgen::{
    CertificateSigningRequestParams, PKCS_ECDSA_P256_SHA256, PublicKey, PublicKeyData as _, SanType,
};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use super::{PkiError, spki_digest};

const PEM_BYTES_MAX: usize = 64 * 1024;

/// A request whose signature was made by the key that it names.
pub(super) struct SigningRequest {
    pub(super) public_key: PublicKey,
    /// The URIs that it asks for.
    pub(super) uris: Vec<String>,
    pub(super) spki: Digest,
}

impl SigningRequest {
    pub(super) fn from_pem(pem: &str) -> Result<Self, PkiError> {
        if pem.len() > PEM_BYTES_MAX {
            return Err(PkiError::RequestTooLong(pem.len()));
        }
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| PkiError::MalformedRequest)?;
        Self::from_der(&der)
    }

    fn from_der(der: &CertificateSigningRequestDer<'_>) -> Result<Self, PkiError> {
        // Verifies the request's own signature.
        let parsed = CertificateSigningRequestParams::from_der(der).map_err(PkiError::Request)?;
        if parsed.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(PkiError::KeyKind);
        }
        // rcgen takes the kind of key from the kind of signature: see that it was right about it.
        let encoded = parsed.public_key.subject_public_key_info();
        let (rest, raw) =
            X509CertificationRequest::from_der(der).map_err(|_| PkiError::MalformedRequest)?;
        if !rest.is_empty() {
            return Err(PkiError::MalformedRequest);
        }
        if raw.certification_request_info.subject_pki.raw != encoded {
            return Err(PkiError::KeyKind);
        }
        let uris = parsed.params.subject_alt_names.iter().filter_map(uri).collect();
        Ok(Self { public_key: parsed.public_key, uris, spki: spki_digest(&encoded) })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rcgen's enum, of which only URIs are ours")]
fn uri(name: &SanType) -> Option<String> {
    match name {
        SanType::URI(uri) => Some(uri.to_string()),
        _ => None,
    }
}

/// SHA-256 of the SubjectPublicKeyInfo that a signing request (PEM) is for, after its own signature
/// was verified.
///
/// # Errors
/// [`PkiError`] for a request that [`CertificateAuthority::issue`](super::CertificateAuthority::issue)
/// would refuse whatever the role.
pub fn signing_request_spki(pem: &str) -> Result<Digest, PkiError> {
    Ok(SigningRequest::from_pem(pem)?.spki)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384};

    use super::*;
    use crate::pki::TlsKey;

    /// From `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:secp384r1 -sha256`.
    const P384_SHA256: &str = "\
-----BEGIN CERTIFICATE REQUEST-----
MIIBPDCBxAIBADAZMRcwFQYDVQQDDA5xdW9yYXRlOm5vZGU6MTB2MBAGByqGSM49
AgEGBSuBBAAiA2IABNKp+LzJ9Izx83/aDltd+LFgePvw1xnoBjffVsVuazORnqQk
MZDmANVRY3trLt8HDeMP+lR8Q+CShKwWaYGDDTtFzDQwqtYAVciNWbGmTRXClaI4
Wtl5nbI83aAVseAWNKAsMCoGCSqGSIb3DQEJDjEdMBswGQYDVR0RBBIwEIYOcXVv
cmF0ZTpub2RlOjEwCgYIKoZIzj0EAwIDZwAwZAIwTTYIxYwXxXn7p/MwbSOOZzrU
ZGpzRQJFmP0QFazSdu85afOvF9HJtsf63u58RJKBAjBfoQJ6AKROJ0R5zYIWDySi
fDHKRqrhczGZJho6NLjBeQ8V+cXAwVi8u5S5cghSuao=
-----END CERTIFICATE REQUEST-----
";

    fn request(key: &TlsKey) -> String {
        key.signing_request(&"quorate:node:1".parse().unwrap(), &[]).unwrap()
    }

    fn request_der(key: &TlsKey) -> Vec<u8> {
        CertificateSigningRequestDer::from_pem_slice(request(key).as_bytes()).unwrap().to_vec()
    }

    #[test]
    fn key_and_request_have_one_digest() {
        let key = TlsKey::generate().unwrap();
        assert_eq!(signing_request_spki(&request(&key)).unwrap(), key.spki());
    }

    #[test]
    fn a_request_that_another_key_signed_is_refused() {
        let key = TlsKey::generate().unwrap();
        let mut der = request_der(&key);
        // Another signature of the same length: flip the lowest bit of its last byte.
        *der.last_mut().unwrap() ^= 1;
        let error = SigningRequest::from_der(&der.into()).err().unwrap();
        assert!(
            matches!(error, PkiError::Request(rcgen::Error::InvalidCertificationRequestSignature)),
            "{error:?}"
        );
    }

    #[test]
    fn a_request_with_trailing_bytes_is_refused() {
        let key = TlsKey::generate().unwrap();
        let mut der = request_der(&key);
        der.push(0);
        assert!(matches!(SigningRequest::from_der(&der.into()), Err(PkiError::MalformedRequest)));
    }

    #[test]
    fn a_key_on_another_curve_is_refused() {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let pem = CertificateParams::default().serialize_request(&pair).unwrap().pem().unwrap();
        assert!(matches!(SigningRequest::from_pem(&pem), Err(PkiError::KeyKind)));
    }

    /// rcgen takes the kind of this key from its signature, wrongly.
    #[test]
    fn a_key_on_another_curve_that_signs_like_ours_is_refused() {
        assert!(matches!(SigningRequest::from_pem(P384_SHA256), Err(PkiError::KeyKind)));
    }

    #[test]
    fn a_huge_or_empty_text_is_refused() {
        let long = " ".repeat(PEM_BYTES_MAX + 1);
        assert!(matches!(SigningRequest::from_pem(&long), Err(PkiError::RequestTooLong(65_537))));
        assert!(matches!(SigningRequest::from_pem(""), Err(PkiError::MalformedRequest)));
    }
}
