//! Configuration files. A relative path in one is relative to the file's folder.

mod kek;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use quorate_model::{Digest, ParticipantId};
use quorate_store::WriterConfig;
use serde::Deserialize;

pub(crate) use self::kek::KekContext;
pub use self::kek::{KekFile, TokenFile};

use crate::DaemonError;
use crate::files::{content, read};

/// `node.toml`: a signer node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFile {
    /// The node's number in the trust root.
    pub participant: u16,
    /// The trust root.
    pub root: PathBuf,
    /// The pinned hash of the genesis root: the cluster's id, 64 hexadecimal digits.
    pub cluster: String,
    /// The key that signs everything the node says (PKCS#8 PEM).
    pub identity_key: PathBuf,
    /// The policy bundle.
    pub policy: PathBuf,
    /// Who the node is on TLS links.
    pub tls: TlsFiles,
    /// Where the node keeps its records.
    pub store: StoreFile,
    /// The coordinators that the node dials out to.
    pub coordinators: Vec<CoordinatorAddress>,
    /// The node's admin interface.
    pub admin: AdminFile,
    /// Where scrapes are answered; nowhere by default.
    #[serde(default)]
    pub metrics: MetricsFile,
    /// What the node refuses to exceed.
    #[serde(default)]
    pub limits: NodeLimits,
}

/// `coordinator.toml`: a coordinator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorFile {
    /// The trust root.
    pub root: PathBuf,
    /// The pinned hash of the genesis root: the cluster's id, 64 hexadecimal digits.
    pub cluster: String,
    /// Where nodes and clients connect; port 0 takes any.
    pub listen: SocketAddr,
    /// Who the coordinator is on TLS links.
    pub tls: TlsFiles,
    /// Where the coordinator keeps its records.
    pub store: StoreFile,
    /// Where scrapes are answered; nowhere by default.
    #[serde(default)]
    pub metrics: MetricsFile,
    /// What the coordinator refuses to exceed.
    #[serde(default)]
    pub limits: CoordinatorLimits,
}

/// The files of a TLS identity (PEM).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The cluster's certificate authority.
    pub ca: PathBuf,
    /// The own certificate.
    pub certificate: PathBuf,
    /// The own private key.
    pub key: PathBuf,
}

/// Where records are kept, and what seals them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFile {
    /// The folder.
    pub dir: PathBuf,
    /// Where the keys come from that wrap the data keys.
    pub kek: KekFile,
    /// Where they will come from, while a node's key-encryption key is being rotated.
    pub next_kek: Option<KekFile>,
    /// New work is refused while less space than this is free, in bytes.
    #[serde(default = "free_bytes_min")]
    pub free_bytes_min: u64,
}

fn free_bytes_min() -> u64 {
    WriterConfig::default().free_bytes_min
}

/// One coordinator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorAddress {
    /// `https://host:port`.
    pub address: String,
}

/// The admin interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminFile {
    /// A UNIX socket, mode 0600.
    pub socket: PathBuf,
}

/// The metrics listener.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsFile {
    /// Where scrapes are answered. Use a loopback address.
    pub address: Option<SocketAddr>,
}

/// Limits of a node. Each has a default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeLimits {
    /// Signing sessions that hold nonces at one time (512).
    pub sessions_max: Option<usize>,
    /// Key generations at one time (16).
    pub ceremonies_max: Option<usize>,
    /// Attempts answered for one request, confirmation or order (8).
    pub attempts_max: Option<u32>,
    /// How long nonces wait for the share phase, in milliseconds (15 000).
    pub session_ms: Option<u64>,
    /// How far clocks may differ, in milliseconds (10 000).
    pub clock_skew_ms: Option<u64>,
    /// How many other nodes' clocks must agree with this node's once its machine was started (as many
    /// as the trust root's threshold floor). Set it lower while other nodes are lost, after a look at
    /// the clock: with 0, whoever starts the node vouches for it.
    pub start_peers: Option<usize>,
}

/// Limits of a coordinator. Each has a default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorLimits {
    /// Requests of one service that are not final (1 024).
    pub open_requests_max: Option<usize>,
    /// Signing sessions at one time (256).
    pub sessions_max: Option<usize>,
    /// How long one phase of signing may take, in milliseconds (5 000).
    pub phase_ms: Option<u64>,
    /// How long a request that ended is kept after its expiry, in milliseconds (30 days).
    pub keep_ms: Option<u64>,
    /// How many times as long as a new sharing took nothing is made of the next one (4).
    pub reshare_rests: Option<u64>,
}

impl NodeFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`DaemonError`], naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, DaemonError> {
        let file: Self = toml::from_str(&read(path)?).map_err(|error| content(path, error))?;
        file.store.check().map_err(|reason| content(path, reason))?;
        pinned(&file.cluster).map_err(|reason| content(path, reason))?;
        ParticipantId::new(file.participant).map_err(|error| content(path, error))?;
        if file.coordinators.is_empty() {
            return Err(content(path, "at least one [[coordinators]] is needed"));
        }
        for coordinator in &file.coordinators {
            coordinator.host_and_port().map_err(|reason| content(path, reason))?;
        }
        Ok(file)
    }
}

impl CoordinatorFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`DaemonError`], naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, DaemonError> {
        let file: Self = toml::from_str(&read(path)?).map_err(|error| content(path, error))?;
        file.store.check().map_err(|reason| content(path, reason))?;
        if file.store.is_manual() || file.store.next_kek.is_some() {
            let reason =
                "a coordinator starts by itself: it takes neither manual nor [store.next_kek]";
            return Err(content(path, reason));
        }
        pinned(&file.cluster).map_err(|reason| content(path, reason))?;
        Ok(file)
    }
}

impl CoordinatorAddress {
    /// The host as a certificate names it, and `host:port` as it is dialled.
    pub(crate) fn host_and_port(&self) -> Result<(&str, &str), &'static str> {
        let wrong = "a coordinator's address is https://host:port";
        let rest = self.address.strip_prefix("https://").ok_or(wrong)?;
        let (host, port) = rest.rsplit_once(':').ok_or(wrong)?;
        // An IPv6 address stands in brackets here, and without them in a certificate.
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let valid = !bare.is_empty() && port.parse::<u16>().is_ok();
        if valid { Ok((bare, rest)) } else { Err(wrong) }
    }
}

impl NodeLimits {
    pub(crate) fn apply(&self) -> quorate_signer::Limits {
        let default = quorate_signer::Limits::default();
        quorate_signer::Limits {
            sessions_max: self.sessions_max.unwrap_or(default.sessions_max),
            ceremonies_max: self.ceremonies_max.unwrap_or(default.ceremonies_max),
            attempts_max: self.attempts_max.unwrap_or(default.attempts_max),
            session_ms: self.session_ms.unwrap_or(default.session_ms),
            clock_skew_ms: self.clock_skew_ms.unwrap_or(default.clock_skew_ms),
            start_peers: self.start_peers,
            ..default
        }
    }
}

impl CoordinatorLimits {
    pub(crate) fn apply(&self) -> quorate_coordinator::Limits {
        let default = quorate_coordinator::Limits::default();
        quorate_coordinator::Limits {
            open_requests_max: self.open_requests_max.unwrap_or(default.open_requests_max),
            sessions_max: self.sessions_max.unwrap_or(default.sessions_max),
            phase_ms: self.phase_ms.unwrap_or(default.phase_ms),
            keep_ms: self.keep_ms.unwrap_or(default.keep_ms),
            reshare_rests: self.reshare_rests.unwrap_or(default.reshare_rests),
            ..default
        }
    }
}

pub(crate) fn pinned(cluster: &str) -> Result<Digest, String> {
    cluster.parse().map_err(|error| format!("cluster: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinators_address_has_host_and_port() {
        let parse = |address: &str| {
            let address = CoordinatorAddress { address: address.to_owned() };
            address.host_and_port().map(|(host, rest)| (host.to_owned(), rest.to_owned()))
        };
        let expect = |host: &str, rest: &str| Ok((host.to_owned(), rest.to_owned()));
        assert_eq!(parse("https://a.example:7443"), expect("a.example", "a.example:7443"));
        assert_eq!(parse("https://127.0.0.1:1"), expect("127.0.0.1", "127.0.0.1:1"));
        assert_eq!(parse("https://[::1]:7443"), expect("::1", "[::1]:7443"));
        for bad in ["a:7443", "http://a:7443", "https://a", "https://:7443", "https://a:99999"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
