//! TLS 1.3 in both directions, from three files.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::peer::{PeerError, PeerIdentity};

const FILE_BYTES_MAX: u64 = 256 * 1024;
/// HTTP/2, which gRPC needs: no other protocol is agreed on.
const ALPN: &[u8] = b"h2";

/// What a process needs to prove who it is, and to know the others.
pub struct TlsMaterial {
    /// Certificates of the cluster's authorities (PEM): one, or two while they change.
    pub ca_pem: String,
    /// The own certificate (PEM).
    pub cert_pem: String,
    /// The private key of the own certificate (PEM).
    pub key_pem: Zeroizing<String>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file was not read.
    #[error("the {what} {} cannot be read", path.display())]
    Io {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is longer than any certificate or key.
    #[error("the {what} {} is longer than 256 KiB", path.display())]
    TooLong {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Every user of the machine can read or change the key.
    #[error("the TLS key {} is open to every user (mode {mode:03o}): chmod 600 it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// No certificate or key in the PEM text.
    #[error("the {what} is not PEM, or holds nothing of the kind")]
    Pem {
        /// What was expected there.
        what: &'static str,
    },
    /// rustls refuses the certificate or the key.
    #[error("the TLS certificate and key cannot be used together")]
    Unusable(#[source] rustls::Error),
    /// rustls refuses the authorities.
    #[error("the certificate of the authority cannot be used")]
    Authority(#[source] rustls::server::VerifierBuilderError),
    /// The own certificate identifies nobody.
    #[error("our own TLS certificate is not one of the cluster")]
    Identity(#[source] PeerError),
    /// The own certificate is for the other end of a connection.
    #[error("our own TLS certificate is for {found}, which cannot be a TLS {wanted}")]
    WrongEnd {
        /// What the certificate is for.
        found: crate::pki::Role,
        /// Client or server.
        wanted: &'static str,
    },
}

impl TlsMaterial {
    /// Reads three PEM files.
    ///
    /// # Errors
    /// [`TlsError::Io`], [`TlsError::TooLong`] and [`TlsError::Exposed`] name the file.
    pub fn load(ca: &Path, certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            ca_pem: read("certificate of the authority", ca, false)?.to_string(),
            cert_pem: read("TLS certificate", certificate, false)?.to_string(),
            key_pem: read("TLS key", key, true)?,
        })
    }

    /// Who this process is to its peers.
    ///
    /// # Errors
    /// [`TlsError::Pem`] and [`TlsError::Identity`].
    pub fn identity(&self) -> Result<PeerIdentity, TlsError> {
        PeerIdentity::from_chain(Some(&self.chain()?)).map_err(TlsError::Identity)
    }

    /// The server's side: TLS 1.3 only, a client certificate is required.
    pub(crate) fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let role = self.identity()?.role;
        if !role.is_server() {
            return Err(TlsError::WrongEnd { found: role, wanted: "server" });
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(self.authorities()?), provider())
                .build()
                .map_err(TlsError::Authority)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Unusable)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain()?, self.key()?)
            .map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed session would not show its certificate again.
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// The client's side: TLS 1.3 only.
    pub(crate) fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let role = self.identity()?.role;
        if role.is_server() {
            return Err(TlsError::WrongEnd { found: role, wanted: "client" });
        }
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Unusable)?
            .with_root_certificates(self.authorities()?)
            .with_client_auth_cert(self.chain()?, self.key()?)
            .map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }

    fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(&self.ca_pem, "certificate of the authority")? {
            store.add(certificate).map_err(TlsError::Unusable)?;
        }
        Ok(store)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(&self.cert_pem, "TLS certificate")
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())
            .map_err(|_| TlsError::Pem { what: "TLS key" })
    }
}

fn certificates(pem: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(TlsError::Pem { what }),
    }
}

/// Always ring, named here: the process's default provider may be unset, or somebody else's.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(what: &'static str, path: &Path, secret: bool) -> Result<Zeroizing<String>, TlsError> {
    let io = |source| TlsError::Io { what, path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    // The group's bits are left to the operator: orchestrators hand out secrets by group.
    if secret && mode & 0o007 != 0 {
        return Err(TlsError::Exposed { path: path.to_owned(), mode });
    }
    // The room is taken at once, so that no copy is left behind where a text has grown.
    let room = if secret { FILE_BYTES_MAX as usize + 1 } else { 0 };
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(TlsError::TooLong { what, path: path.to_owned() });
    }
    Ok(text)
}

impl fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.identity() {
            Ok(identity) => write!(f, "TlsMaterial({}, key <redacted>)", identity.role),
            Err(_) => f.write_str("TlsMaterial(<unreadable>, key <redacted>)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use quorate_model::Timestamp;

    use super::*;
    use crate::pki::{CertificateAuthority, TlsKey, Validity};

    fn material(role: &str) -> TlsMaterial {
        let validity =
            Validity::new(Timestamp::ZERO, Timestamp::from_millis(4_000_000_000_000)).unwrap();
        let ca = CertificateAuthority::generate("test", validity).unwrap();
        let (key, role) = (TlsKey::generate().unwrap(), role.parse().unwrap());
        let request = key.signing_request(&role, &[]).unwrap();
        let names = ["localhost".try_into().unwrap()];
        let cert_pem = ca.issue(&request, &role, &names, validity).unwrap();
        TlsMaterial { ca_pem: ca.certificate_pem().to_owned(), cert_pem, key_pem: key.to_pem() }
    }

    struct Files {
        dir: tempfile::TempDir,
    }

    impl Files {
        fn new(material: &TlsMaterial) -> Self {
            let files = Self { dir: tempfile::tempdir().unwrap() };
            fs::write(files.path("ca.pem"), &material.ca_pem).unwrap();
            fs::write(files.path("tls.pem"), &material.cert_pem).unwrap();
            fs::write(files.path("tls.key"), material.key_pem.as_bytes()).unwrap();
            fs::set_permissions(files.path("tls.key"), Permissions::from_mode(0o600)).unwrap();
            files
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn load(&self) -> Result<TlsMaterial, TlsError> {
            TlsMaterial::load(&self.path("ca.pem"), &self.path("tls.pem"), &self.path("tls.key"))
        }
    }

    #[test]
    fn material_is_loaded_from_its_files() {
        let material = material("quorate:node:1");
        let loaded = Files::new(&material).load().unwrap();
        assert_eq!(loaded.identity().unwrap(), material.identity().unwrap());
        assert_eq!(*loaded.key_pem, *material.key_pem);
    }

    #[test]
    fn an_error_names_its_file() {
        let files = Files::new(&material("quorate:node:1"));
        fs::remove_file(files.path("tls.pem")).unwrap();
        let error = files.load().unwrap_err().to_string();
        assert!(error.contains("TLS certificate") && error.contains("tls.pem"), "{error}");
    }

    #[test]
    fn a_key_open_to_every_user_is_refused() {
        let files = Files::new(&material("quorate:node:1"));
        for (mode, allowed) in [(0o604, false), (0o602, false), (0o640, true)] {
            fs::set_permissions(files.path("tls.key"), Permissions::from_mode(mode)).unwrap();
            match files.load() {
                Ok(_) => assert!(allowed, "{mode:o}"),
                Err(error) => {
                    assert!(!allowed && matches!(error, TlsError::Exposed { .. }), "{error}");
                }
            }
        }
    }

    #[test]
    fn an_endless_file_is_refused() {
        let files = Files::new(&material("quorate:node:1"));
        fs::write(files.path("ca.pem"), vec![b'x'; FILE_BYTES_MAX as usize + 1]).unwrap();
        assert!(matches!(files.load(), Err(TlsError::TooLong { .. })));
    }

    #[test]
    fn each_end_takes_only_certificates_that_are_for_it() {
        let (node, coordinator) = (material("quorate:node:1"), material("quorate:coordinator:a"));
        assert!(node.client_config().is_ok() && coordinator.server_config().is_ok());
        assert!(matches!(node.server_config(), Err(TlsError::WrongEnd { wanted: "server", .. })));
        assert!(matches!(
            coordinator.client_config(),
            Err(TlsError::WrongEnd { wanted: "client", .. })
        ));
    }

    #[test]
    fn the_key_of_another_certificate_is_refused() {
        let mut node = material("quorate:node:1");
        node.key_pem = material("quorate:node:1").key_pem;
        assert!(matches!(node.client_config(), Err(TlsError::Unusable(_))));
    }

    #[test]
    fn missing_pem_is_refused_by_name() {
        for (what, spoil) in [
            ("certificate of the authority", (|m| m.ca_pem.clear()) as fn(&mut TlsMaterial)),
            ("TLS certificate", |m| m.cert_pem = "hello".to_owned()),
            ("TLS key", |m| *m.key_pem = m.cert_pem.clone()),
        ] {
            let mut node = material("quorate:node:1");
            spoil(&mut node);
            let error = node.client_config().unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn nothing_is_resumed_and_only_http2_is_spoken() {
        let config = material("quorate:coordinator:a").server_config().unwrap();
        assert_eq!(config.send_tls13_tickets, 0);
        assert_eq!(config.alpn_protocols, [b"h2"]);
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let shown = format!("{:?}", material("quorate:node:1"));
        assert_eq!(shown, "TlsMaterial(quorate:node:1, key <redacted>)");
    }
}
