//! Checks a new certificate as its future peers will.

use std::sync::Arc;

use quorate_net::pki::TlsKey;
use quorate_net::{PeerIdentity, TlsMaterial};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::SetupError;
use super::member::{JoinRequest, Member};

/// Checks that the certificate is for this role and key, under the authority, and valid now.
pub(super) fn check(
    request: &JoinRequest,
    key: &TlsKey,
    ca_pem: &str,
    cert_pem: &str,
) -> Result<(), SetupError> {
    let material = TlsMaterial {
        ca_pem: ca_pem.to_owned(),
        cert_pem: cert_pem.to_owned(),
        key_pem: key.to_pem(),
    };
    let PeerIdentity { role, spki } = material.identity()?;
    let expected = request.member.role();
    if role != expected {
        return Err(SetupError::CertificateRole { found: role, expected });
    }
    if spki != key.spki() {
        return Err(SetupError::CertificateKey);
    }
    check_chain(&request.member, ca_pem, cert_pem)
}

fn check_chain(member: &Member, ca_pem: &str, cert_pem: &str) -> Result<(), SetupError> {
    let chain = certificates(cert_pem)?;
    let (end_entity, intermediates) = chain.split_first().ok_or(SetupError::CertificatePem)?;
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(ca_pem)? {
        authorities.add(certificate).map_err(|error| SetupError::Authority(error.into()))?;
    }
    let (authorities, provider, now) = (Arc::new(authorities), provider(), UnixTime::now());
    match member {
        Member::Coordinator { address, .. } => {
            let verifier = WebPkiServerVerifier::builder_with_provider(authorities, provider)
                .build()
                .map_err(|error| SetupError::Authority(error.into()))?;
            verifier
                .verify_server_cert(end_entity, intermediates, address.server_name(), &[], now)
                .map_err(SetupError::Chain)?;
        }
        Member::Node { .. } | Member::Service { .. } | Member::Person { .. } => {
            let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider)
                .build()
                .map_err(|error| SetupError::Authority(error.into()))?;
            verifier
                .verify_client_cert(end_entity, intermediates, now)
                .map_err(SetupError::Chain)?;
        }
    }
    Ok(())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let certificates: Result<_, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates.map_err(|_| SetupError::CertificatePem)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
