//! Private keys of TLS, and the requests to certify them.

use std::fmt;

use quorate_model::Digest;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256,
    PublicKeyData as _, SanType,
};
use rustls_pki_types::ServerName;
use zeroize::{Zeroize as _, Zeroizing};

use super::{PkiError, Role, spki_digest};

/// A private key of TLS, on the curve P-256. Generated where it is used, it leaves only as a file of
/// its holder.
pub struct TlsKey(KeyPair);

impl TlsKey {
    /// A new key, from the operating system's randomness.
    ///
    /// # Errors
    /// [`PkiError::Key`] when there is no randomness.
    pub fn generate() -> Result<Self, PkiError> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map(Self).map_err(PkiError::Key)
    }

    /// Reads a PKCS#8 key.
    ///
    /// # Errors
    /// [`PkiError::Key`] for anything else, [`PkiError::KeyKind`] for a key on another curve.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        let key = Self(KeyPair::from_pem(pem).map_err(PkiError::Key)?);
        if key.0.algorithm() == &PKCS_ECDSA_P256_SHA256 { Ok(key) } else { Err(PkiError::KeyKind) }
    }

    /// The key as PKCS#8 in PEM. It is secret: write it only to a file that its owner alone reads.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.serialize_pem())
    }

    /// SHA-256 of the public key's SubjectPublicKeyInfo: what the trust root records.
    #[must_use]
    pub fn spki(&self) -> Digest {
        spki_digest(&self.0.subject_public_key_info())
    }

    /// A signing request (PKCS#10, PEM) for this key, by which its holder asks for a role. The names
    /// are what a server wishes to be reached by; an authority takes neither on trust.
    ///
    /// # Errors
    /// [`PkiError::Encode`].
    pub fn signing_request(
        &self,
        role: &Role,
        names: &[ServerName<'_>],
    ) -> Result<String, PkiError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&role.to_string());
        params.subject_alt_names = alternative_names(role, names)?;
        let request = params.serialize_request(&self.0).map_err(PkiError::Encode)?;
        request.pem().map_err(PkiError::Encode)
    }

    pub(super) const fn pair(&self) -> &KeyPair {
        &self.0
    }
}

/// The role as a URI, then the names that a server is reached by.
pub(super) fn alternative_names(
    role: &Role,
    names: &[ServerName<'_>],
) -> Result<Vec<SanType>, PkiError> {
    let uri = role.to_string().try_into().map_err(PkiError::Encode)?;
    let mut all = vec![SanType::URI(uri)];
    for name in names {
        all.push(match name {
            ServerName::DnsName(dns) => {
                SanType::DnsName(dns.as_ref().try_into().map_err(PkiError::Encode)?)
            }
            ServerName::IpAddress(ip) => SanType::IpAddress((*ip).into()),
            // The type may grow: a kind of name that we do not know is not certified.
            _ => return Err(PkiError::Encode(rcgen::Error::UnsupportedExtension)),
        });
    }
    Ok(all)
}

pub(super) fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

impl Drop for TlsKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for TlsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsKey(<redacted>, spki {})", self.spki().short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file() {
        let key = TlsKey::generate().unwrap();
        let read = TlsKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(read.spki(), key.spki());
        assert_ne!(TlsKey::generate().unwrap().spki(), key.spki());
    }

    #[test]
    fn a_key_on_another_curve_is_refused() {
        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert!(matches!(TlsKey::from_pem(&other.serialize_pem()), Err(PkiError::KeyKind)));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(matches!(TlsKey::from_pem("hello"), Err(PkiError::Key(_))));
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let key = TlsKey::generate().unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains("redacted") && !shown.contains("PRIVATE"), "{shown}");
        assert!(shown.len() < 48, "{shown}");
    }
}
