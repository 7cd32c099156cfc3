use rcgen::{KeyPair, SanType};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::*;
use crate::peer::PeerIdentity;

const YEAR: u64 = 365 * 86_400_000;
const BEGIN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn valid_for(years: u64) -> Validity {
    Validity::new(BEGIN, BEGIN.plus_millis(years * YEAR)).unwrap()
}

fn authority() -> CertificateAuthority {
    CertificateAuthority::generate("quorate test", valid_for(10)).unwrap()
}

fn role(uri: &str) -> Role {
    uri.parse().unwrap()
}

fn request(uri: &str) -> (TlsKey, String) {
    let key = TlsKey::generate().unwrap();
    let request = key.signing_request(&role(uri), &[]).unwrap();
    (key, request)
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn parsed(der: &CertificateDer<'static>) -> X509Certificate<'static> {
    parse_x509_certificate(Box::leak(Box::new(der.to_vec()))).unwrap().1
}

#[test]
fn an_issued_certificate_has_the_role_and_the_key_and_nothing_more() {
    let ca = authority();
    for (uri, server) in [
        ("quorate:node:7", false),
        ("quorate:service:payments", false),
        ("quorate:person:alice", false),
        ("quorate:coordinator:main", true),
    ] {
        let (key, request) = request(uri);
        let names = ["localhost".try_into().unwrap(), "127.0.0.1".try_into().unwrap()];
        let names = if server { names.as_slice() } else { &[] };
        let certificate = der(&ca.issue(&request, &role(uri), names, valid_for(1)).unwrap());

        let identity = PeerIdentity::from_certificate(&certificate).unwrap();
        assert_eq!(identity, PeerIdentity { role: role(uri), spki: key.spki() });

        let parsed = parsed(&certificate);
        assert!(!parsed.is_ca());
        assert!(parsed.basic_constraints().unwrap().is_some());
        let usage = parsed.extended_key_usage().unwrap().unwrap().value;
        assert_eq!((usage.server_auth, usage.client_auth, usage.any), (server, !server, false));
        let key_usage = parsed.key_usage().unwrap().unwrap().value;
        assert!(key_usage.digital_signature() && !key_usage.key_cert_sign());
        let issuer_key = parsed_authority(&ca);
        parsed.verify_signature(Some(issuer_key.public_key())).unwrap();
        let end = i64::try_from(BEGIN.plus_millis(YEAR).millis() / 1_000).unwrap();
        assert_eq!(parsed.validity().not_after.timestamp(), end);
    }
}

fn parsed_authority(ca: &CertificateAuthority) -> X509Certificate<'static> {
    parsed(&der(ca.certificate_pem()))
}

#[test]
fn names_come_from_the_issuer_never_from_the_request() {
    let ca = authority();
    let key = TlsKey::generate().unwrap();
    let main = role("quorate:coordinator:main");
    let wish = key.signing_request(&main, &["evil.example".try_into().unwrap()]).unwrap();
    let names = ["good.example".try_into().unwrap()];
    let certificate = der(&ca.issue(&wish, &main, &names, valid_for(1)).unwrap());
    let parsed = parsed(&certificate);
    let names = parsed.subject_alternative_name().unwrap().unwrap().value;
    assert_eq!(
        names.general_names,
        [GeneralName::URI("quorate:coordinator:main"), GeneralName::DNSName("good.example")]
    );
}

#[test]
fn a_request_for_another_role_is_refused() {
    let ca = authority();
    let (_, request) = request("quorate:node:2");
    let error = ca.issue(&request, &role("quorate:node:1"), &[], valid_for(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the signing request is for quorate:node:2, but quorate:node:1 was expected"
    );
}

#[test]
fn a_request_for_two_roles_or_none_is_refused() {
    let ca = authority();
    let pair = KeyPair::generate().unwrap();
    for uris in [vec![], vec!["quorate:node:1", "quorate:node:2"]] {
        let mut params = CertificateParams::default();
        params.subject_alt_names =
            uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        let request = params.serialize_request(&pair).unwrap().pem().unwrap();
        let error = ca.issue(&request, &role("quorate:node:1"), &[], valid_for(1)).unwrap_err();
        assert!(matches!(error, PkiError::RoleMismatch { .. }), "{error}");
    }
}

#[test]
fn a_request_to_be_an_authority_is_not_granted() {
    let ca = authority();
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI("quorate:node:1".try_into().unwrap())];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let request = params.serialize_request(&pair).unwrap().pem().unwrap();
    let certificate = ca.issue(&request, &role("quorate:node:1"), &[], valid_for(1)).unwrap();
    let certificate = der(&certificate);
    let parsed = parsed(&certificate);
    assert!(!parsed.is_ca());
    assert!(!parsed.key_usage().unwrap().unwrap().value.key_cert_sign());
    assert!(!parsed.extended_key_usage().unwrap().unwrap().value.server_auth);
}

#[test]
fn a_server_needs_a_name_to_be_reached_by() {
    let ca = authority();
    let (_, request) = request("quorate:coordinator:main");
    let error = ca.issue(&request, &role("quorate:coordinator:main"), &[], valid_for(1));
    assert!(matches!(error, Err(PkiError::NoHostName(_))));
}

#[test]
fn no_certificate_outlives_its_authority() {
    let ca = authority();
    let (_, request) = request("quorate:node:1");
    let error = ca.issue(&request, &role("quorate:node:1"), &[], valid_for(11));
    assert!(matches!(error, Err(PkiError::OutlivesAuthority { .. })));
}

#[test]
fn an_empty_time_of_validity_is_refused() {
    assert!(matches!(Validity::new(BEGIN, BEGIN), Err(PkiError::Validity { .. })));
    let never = Timestamp::from_millis(u64::MAX);
    let validity = Validity::new(BEGIN, never).unwrap();
    assert!(matches!(
        CertificateAuthority::generate("x", validity),
        Err(PkiError::Validity { .. })
    ));
}

#[test]
fn a_key_that_is_certified_again_gets_another_serial_number() {
    let ca = authority();
    let (_, request) = request("quorate:node:1");
    let issue = || der(&ca.issue(&request, &role("quorate:node:1"), &[], valid_for(1)).unwrap());
    let (first, second) = (issue(), issue());
    assert_ne!(parsed(&first).raw_serial(), parsed(&second).raw_serial());
}

#[test]
fn an_authority_survives_its_files() {
    let ca = authority();
    let read = CertificateAuthority::from_pem(ca.certificate_pem(), &ca.key_pem()).unwrap();
    let (_, request) = request("quorate:node:1");
    let issued = read.issue(&request, &role("quorate:node:1"), &[], valid_for(10)).unwrap();
    let issued = der(&issued);
    parsed(&issued).verify_signature(Some(parsed_authority(&ca).public_key())).unwrap();
}

#[test]
fn an_authority_with_another_key_or_certificate_is_refused() {
    let (ca, other) = (authority(), authority());
    assert!(matches!(
        CertificateAuthority::from_pem(ca.certificate_pem(), &other.key_pem()),
        Err(PkiError::AuthorityKeyMismatch)
    ));
    let (key, request) = request("quorate:node:1");
    let issued = ca.issue(&request, &role("quorate:node:1"), &[], valid_for(1)).unwrap();
    assert!(matches!(
        CertificateAuthority::from_pem(&issued, &key.to_pem()),
        Err(PkiError::NotAnAuthority)
    ));
}

#[test]
fn debug_shows_nothing_of_the_secret() {
    let shown = format!("{:?}", authority());
    assert!(shown.contains("redacted") && !shown.contains("PRIVATE"), "{shown}");
}
