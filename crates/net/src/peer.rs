//! Who is at the other end of a connection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use quorate_model::Digest;
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::pki::{Role, spki_digest};

/// What a verified certificate says of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// What the holder is.
    pub role: Role,
    /// SHA-256 of the certificate's SubjectPublicKeyInfo.
    pub spki: Digest,
}

/// Why a certificate under the cluster's authority is still refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The handshake brought no certificate.
    #[error("the peer showed no certificate")]
    NoCertificate,
    /// Not X.509, or an extension is there twice.
    #[error("the peer's certificate is malformed")]
    Malformed,
    /// The certificate of an authority identifies nobody.
    #[error("the peer's certificate is one of a certificate authority")]
    Authority,
    /// There is not exactly one URI, or it names no role.
    #[error("the peer's certificate does not name exactly one role")]
    NoRole,
    /// What the certificate may be used for does not fit its role: a coordinator is a TLS server and
    /// nothing else, everybody else a TLS client and nothing else.
    #[error("the extended key usage of the peer's certificate does not fit its role {0}")]
    Usage(Role),
}

impl PeerIdentity {
    /// Reads an end-entity certificate (DER). Says nothing about who signed it: for certificates
    /// whose chain was verified.
    ///
    /// # Errors
    /// [`PeerError`].
    pub fn from_certificate(certificate: &CertificateDer<'_>) -> Result<Self, PeerError> {
        let (rest, parsed) =
            parse_x509_certificate(certificate).map_err(|_| PeerError::Malformed)?;
        if !rest.is_empty() {
            return Err(PeerError::Malformed);
        }
        if parsed.is_ca() {
            return Err(PeerError::Authority);
        }
        let role = role(&parsed)?;
        let usage = parsed.extended_key_usage().map_err(|_| PeerError::Malformed)?;
        let fits = usage.is_some_and(|usage| {
            let usage = usage.value;
            !usage.any
                && usage.server_auth == role.is_server()
                && usage.client_auth != role.is_server()
        });
        if !fits {
            return Err(PeerError::Usage(role));
        }
        Ok(Self { role, spki: spki_digest(parsed.public_key().raw) })
    }

    /// The identity that a finished handshake proved.
    pub(crate) fn from_chain(chain: Option<&[CertificateDer<'_>]>) -> Result<Self, PeerError> {
        let end_entity = chain.and_then(<[_]>::first).ok_or(PeerError::NoCertificate)?;
        Self::from_certificate(end_entity)
    }
}

fn role(certificate: &X509Certificate<'_>) -> Result<Role, PeerError> {
    let names = certificate.subject_alternative_name().map_err(|_| PeerError::Malformed)?;
    let mut uris = names.iter().flat_map(|names| &names.value.general_names).filter_map(uri);
    match (uris.next(), uris.next()) {
        (Some(uri), None) => uri.parse().map_err(|_| PeerError::NoRole),
        (None | Some(_), _) => Err(PeerError::NoRole),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "x509-parser's enum, of which only URIs are ours"
)]
fn uri<'a>(name: &'a GeneralName<'_>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

/// Tells one accepted connection from every other of this process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u64);

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}

/// The client of a call. Every request that came over a [`Listener`](crate::Listener) has one among
/// its extensions: `request.extensions().get::<Peer>()`.
#[derive(Debug, Clone)]
pub struct Peer {
    identity: Arc<PeerIdentity>,
    address: SocketAddr,
    connection: ConnectionId,
}

impl Peer {
    pub(crate) fn new(
        identity: PeerIdentity,
        address: SocketAddr,
        connection: ConnectionId,
    ) -> Self {
        Self { identity: Arc::new(identity), address, connection }
    }

    /// Who it is, from its verified certificate.
    #[must_use]
    pub fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// Where it called from. For logs: an address identifies nobody.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connection that the call came over.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose as Usage, IsCa, KeyPair, SanType};

    use super::*;

    /// Certificates that our authority would never issue.
    fn refusal(change: impl FnOnce(&mut CertificateParams)) -> PeerError {
        PeerIdentity::from_certificate(&certificate(change)).unwrap_err()
    }

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::ExplicitNoCa;
        params.subject_alt_names = uris(&["quorate:node:1"]);
        params.extended_key_usages = vec![Usage::ClientAuth];
        change(&mut params);
        params.self_signed(&key).unwrap().der().clone()
    }

    fn uris(uris: &[&str]) -> Vec<SanType> {
        uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect()
    }

    #[test]
    fn a_good_certificate_is_accepted() {
        let certificate = certificate(|_| {});
        let identity = PeerIdentity::from_certificate(&certificate).unwrap();
        assert_eq!(identity.role.to_string(), "quorate:node:1");
    }

    #[test]
    fn a_certificate_names_exactly_one_role() {
        for names in [&[][..], &["quorate:node:1", "quorate:node:2"], &["https://x.example"]] {
            assert_eq!(refusal(|p| p.subject_alt_names = uris(names)), PeerError::NoRole);
        }
        let twice = ["quorate:node:1", "quorate:node:1"];
        assert_eq!(refusal(|p| p.subject_alt_names = uris(&twice)), PeerError::NoRole);
    }

    #[test]
    fn a_client_role_is_a_client_and_nothing_else() {
        for usages in [
            vec![],
            vec![Usage::ServerAuth],
            vec![Usage::ServerAuth, Usage::ClientAuth],
            vec![Usage::Any],
            vec![Usage::ClientAuth, Usage::Any],
        ] {
            let error = refusal(|p| p.extended_key_usages = usages);
            assert!(matches!(error, PeerError::Usage(Role::Node(_))), "{error}");
        }
    }

    #[test]
    fn a_coordinator_is_a_server_and_nothing_else() {
        for usages in [vec![Usage::ClientAuth], vec![Usage::ServerAuth, Usage::ClientAuth]] {
            let error = refusal(|p| {
                p.subject_alt_names = uris(&["quorate:coordinator:main"]);
                p.extended_key_usages = usages;
            });
            assert!(matches!(error, PeerError::Usage(Role::Coordinator(_))), "{error}");
        }
    }

    #[test]
    fn an_authority_is_nobody() {
        let constraints = rcgen::BasicConstraints::Unconstrained;
        assert_eq!(refusal(|p| p.is_ca = IsCa::Ca(constraints)), PeerError::Authority);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let mut trailing = certificate(|_| {}).to_vec();
        trailing.push(0);
        for bytes in [vec![], vec![0x30, 0], trailing] {
            let error = PeerIdentity::from_certificate(&bytes.into()).unwrap_err();
            assert_eq!(error, PeerError::Malformed);
        }
        assert_eq!(PeerIdentity::from_chain(None), Err(PeerError::NoCertificate));
        assert_eq!(PeerIdentity::from_chain(Some(&[])), Err(PeerError::NoCertificate));
    }
}
