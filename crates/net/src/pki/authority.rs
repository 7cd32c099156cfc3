//! The certificate authority.

use std::fmt;

use quorate_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose,
    SerialNumber,
};
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use time::OffsetDateTime;
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

use super::key::{alternative_names, common_name};
use super::request::SigningRequest;
use super::{PkiError, Role, TlsKey, spki_digest};

/// Signs the certificates of a cluster.
pub struct CertificateAuthority {
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    key: TlsKey,
    not_after: Timestamp,
}

/// From when until when a certificate is valid. X.509 keeps whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Validity {
    /// # Errors
    /// [`PkiError::Validity`] when the end is not after the beginning.
    pub fn new(not_before: Timestamp, not_after: Timestamp) -> Result<Self, PkiError> {
        if not_before < not_after {
            Ok(Self { not_before, not_after })
        } else {
            Err(PkiError::Validity { not_before, not_after })
        }
    }
}

impl CertificateAuthority {
    /// A new authority with a new key; `name` is its common name, for people to read.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn generate(name: &str, validity: Validity) -> Result<Self, PkiError> {
        let key = TlsKey::generate()?;
        let mut params = params(name, validity)?;
        // It issues end-entity certificates only.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(key.pair()).map_err(PkiError::Encode)?;
        Self::new(certificate.pem(), key)
    }

    /// Reads what [`certificate_pem`](Self::certificate_pem) and [`key_pem`](Self::key_pem) wrote.
    ///
    /// # Errors
    /// [`PkiError::NotAnAuthority`], [`PkiError::AuthorityKeyMismatch`], or an error of the key.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, PkiError> {
        Self::new(certificate_pem.to_owned(), TlsKey::from_pem(key_pem)?)
    }

    fn new(certificate_pem: String, key: TlsKey) -> Result<Self, PkiError> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_| PkiError::NotAnAuthority)?;
        let (_, parsed) =
            parse_x509_certificate(&certificate).map_err(|_| PkiError::NotAnAuthority)?;
        if !parsed.is_ca() {
            return Err(PkiError::NotAnAuthority);
        }
        if spki_digest(parsed.public_key().raw) != key.spki() {
            return Err(PkiError::AuthorityKeyMismatch);
        }
        let seconds = u64::try_from(parsed.validity().not_after.timestamp())
            .map_err(|_| PkiError::NotAnAuthority)?;
        let not_after = Timestamp::from_millis(seconds.saturating_mul(1_000));
        Ok(Self { certificate_pem, certificate, key, not_after })
    }

    /// The authority's certificate: what everybody in the cluster trusts.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's private key. Whoever has it can be any coordinator to every node, and any
    /// service or person to a coordinator; a node it cannot be, for the trust root names the nodes'
    /// keys.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        self.key.to_pem()
    }

    /// Issues a certificate (PEM) for the key of a signing request (PEM), in the role that the
    /// caller `expected`, valid for `names`. Takes nothing but the public key from the request.
    ///
    /// # Errors
    /// [`PkiError`]; [`PkiError::RoleMismatch`] where the request names another role, which means
    /// that it is somebody else's.
    pub fn issue(
        &self,
        request_pem: &str,
        expected: &Role,
        names: &[ServerName<'_>],
        validity: Validity,
    ) -> Result<String, PkiError> {
        let request = SigningRequest::from_pem(request_pem)?;
        if request.uris != [expected.to_string()] {
            let found = request.uris.join(", ");
            let found = if found.is_empty() { "no role".to_owned() } else { found };
            return Err(PkiError::RoleMismatch { expected: expected.clone(), found });
        }
        if expected.is_server() && names.is_empty() {
            return Err(PkiError::NoHostName(expected.clone()));
        }
        if validity.not_after > self.not_after {
            let (certificate, ca) = (validity.not_after, self.not_after);
            return Err(PkiError::OutlivesAuthority { certificate, ca });
        }
        let mut params = params(&expected.to_string(), validity)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.subject_alt_names = alternative_names(expected, names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![if expected.is_server() {
            ExtendedKeyUsagePurpose::ServerAuth
        } else {
            ExtendedKeyUsagePurpose::ClientAuth
        }];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, self.key.pair())
            .map_err(PkiError::Encode)?;
        let issued = params.signed_by(&request.public_key, &issuer).map_err(PkiError::Encode)?;
        Ok(issued.pem())
    }
}

fn params(name: &str, validity: Validity) -> Result<CertificateParams, PkiError> {
    let moment = |time: Timestamp| {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.millis()) * 1_000_000).map_err(
            |_| PkiError::Validity {
                not_before: validity.not_before,
                not_after: validity.not_after,
            },
        )
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.serial_number = Some(serial_number()?);
    params.not_before = moment(validity.not_before)?;
    params.not_after = moment(validity.not_after)?;
    Ok(params)
}

/// A random serial number of 127 bits: a key that is certified again gets another one.
fn serial_number() -> Result<SerialNumber, PkiError> {
    let mut bytes = [0; 16];
    ring::default_provider().secure_random.fill(&mut bytes).map_err(|_| PkiError::Random)?;
    // Positive, as RFC 5280 asks for.
    bytes[0] &= 0x7f;
    Ok(SerialNumber::from_slice(&bytes))
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateAuthority(until {}, {:?})", self.not_after, self.key)
    }
}

#[cfg(test)]
mod tests;
