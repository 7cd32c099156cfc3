//! The command line's profile: whom it speaks to, as whom, and what it pins.

use std::path::{Path, PathBuf};

use quorate_model::{Digest, Network, PersonName, Scheme, ServiceName};
use quorate_net::{TlsError, TlsMaterial};
use quorate_trust::{RootError, SigningKey, TrustRoot};
use serde::Deserialize;

use crate::exit::{Exit, Failure};
use crate::files::{self, FileError};
use crate::network_name;
use crate::roots;
use crate::setup::address::CoordinatorAddress;
use crate::setup::join;

/// The profile's file.
pub(crate) const PROFILE_FILE: &str = "client.toml";

/// `client.toml`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientFile {
    root: PathBuf,
    cluster: String,
    service: Option<String>,
    request_key: Option<PathBuf>,
    person: Option<String>,
    #[serde(default)]
    networks: Vec<String>,
    tls: TlsFiles,
    coordinators: Vec<CoordinatorEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsFiles {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoordinatorEntry {
    address: String,
}

/// A profile that was read and checked.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The newest version of the trust root that is known here.
    pub(crate) root: TrustRoot,
    /// The file of its genesis.
    pub(crate) genesis: PathBuf,
    pub(crate) cluster: Digest,
    pub(crate) who: Who,
    pub(crate) tls: TlsMaterial,
    pub(crate) coordinators: Vec<CoordinatorAddress>,
    networks: Vec<Network>,
}

/// As whom the command line speaks.
#[derive(Debug)]
pub(crate) enum Who {
    Service { name: ServiceName, key_path: PathBuf },
    Person(PersonName),
}

/// Why a profile is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{} is no profile: {reason}", path.display())]
    Content { path: PathBuf, reason: String },
    #[error("the trust root {} is refused", path.display())]
    Root { path: PathBuf, source: RootError },
    #[error(
        "the trust root {} has the hash {found}, but the profile pins {pinned}: somebody changed \
         one of the two files", path.display()
    )]
    OtherRoot { path: PathBuf, found: Digest, pinned: Digest },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Profile {
    /// Reads `client.toml` in `dir`, and the root that it pins.
    ///
    /// The root is the newest version that lies beside it: see [`roots`].
    pub(crate) fn load(dir: Option<&Path>) -> Result<Self, Failure> {
        let path = dir.unwrap_or(Path::new(".")).join(PROFILE_FILE);
        if !path.exists() {
            let failure = Failure::usage(format!("there is no profile {}", path.display()));
            let hint = "name its folder with --dir or QUORATE_DIR; `quorate dev` makes one to try";
            return Err(failure.hint(hint));
        }
        let mut profile = Self::read(&path)?;
        profile.root = roots::newest(&profile.genesis, profile.root)?;
        Ok(profile)
    }

    fn read(path: &Path) -> Result<Self, ProfileError> {
        let content = |reason: String| ProfileError::Content { path: path.to_owned(), reason };
        let file: ClientFile =
            toml::from_str(&files::read(path)?).map_err(|error| content(error.to_string()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        let pinned = parsed("cluster", &file.cluster).map_err(content)?;
        let who = who(&file, base).map_err(content)?;
        let networks = file.networks.iter().map(|name| network_name::parse(name));
        let networks = networks.collect::<Result<_, _>>().map_err(content)?;
        let coordinators = file.coordinators.iter();
        let coordinators = coordinators.map(|entry| parsed("address", &entry.address));
        let coordinators: Vec<_> = coordinators.collect::<Result<_, _>>().map_err(content)?;
        if coordinators.is_empty() {
            return Err(content("at least one [[coordinators]] is needed".to_owned()));
        }
        let TlsFiles { ca, certificate, key } = file.tls;
        let genesis = base.join(file.root);
        Ok(Self {
            root: pinned_root(&genesis, pinned)?,
            genesis,
            cluster: pinned,
            who,
            tls: TlsMaterial::load(&base.join(ca), &base.join(certificate), &base.join(key))?,
            coordinators,
            networks,
        })
    }

    /// The service of this profile, and its key.
    pub(crate) fn service(&self) -> Result<(ServiceName, SigningKey), Failure> {
        match &self.who {
            Who::Service { name, key_path } => Ok((name.clone(), join::read_key(key_path)?)),
            Who::Person(name) => Err(Failure::usage(format!(
                "{name} is a person: only services sign requests; take the profile of a service"
            ))),
        }
    }

    /// The network of a command: the one named, or the profile's own for this kind of key.
    pub(crate) fn network(
        &self,
        named: Option<Network>,
        scheme: Scheme,
    ) -> Result<Network, Failure> {
        if let Some(network) = named {
            return if network.accepts(scheme) {
                Ok(network)
            } else {
                let name = network_name::short(network);
                let message = format!("{name} takes no signatures of a key of {scheme}");
                Err(Failure::new(Exit::Usage, message))
            };
        }
        let mut own = self.networks.iter().filter(|network| network.accepts(scheme));
        own.next().copied().ok_or_else(|| {
            let names: Vec<_> = network_name::of_scheme(scheme).map(network_name::short).collect();
            let message = if names.is_empty() {
                format!("no network takes transactions signed by a key of {scheme}")
            } else {
                format!("name the network: --network with one of {}", names.join(", "))
            };
            Failure::usage(message)
        })
    }
}

fn who(file: &ClientFile, base: &Path) -> Result<Who, String> {
    match (&file.service, &file.request_key, &file.person) {
        (Some(service), Some(key), None) => {
            let name = parsed("service", service)?;
            Ok(Who::Service { name, key_path: base.join(key) })
        }
        (None, None, Some(person)) => parsed("person", person).map(Who::Person),
        (Some(_) | None, Some(_) | None, Some(_) | None) => {
            Err("needs either service and request_key, or person".to_owned())
        }
    }
}

/// Reads a trust root, which must have this hash.
pub(crate) fn pinned_root(path: &Path, pinned: Digest) -> Result<TrustRoot, ProfileError> {
    let root = TrustRoot::parse(&files::read(path)?)
        .map_err(|source| ProfileError::Root { path: path.to_owned(), source })?;
    let found = root.hash();
    if found == pinned {
        Ok(root)
    } else {
        Err(ProfileError::OtherRoot { path: path.to_owned(), found, pinned })
    }
}

fn parsed<T>(name: &str, text: &str) -> Result<T, String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use quorate_model::Threshold;

    use super::*;
    use crate::dev::Cluster;

    /// A folder with the profile of a service.
    fn profile() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let threshold = Threshold::new(2).unwrap();
        let (cluster, _) = Cluster::open(PathBuf::new(), dir.path(), 3, threshold).unwrap();
        let path = cluster.profile_dir().join(PROFILE_FILE);
        (dir, path)
    }

    fn edit(path: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    #[test]
    fn a_profile_pins_its_root() {
        let (_dir, path) = profile();
        let read = Profile::read(&path).unwrap();
        assert_eq!(read.root.hash(), read.cluster);
        assert_eq!(read.service().unwrap().0.as_str(), "payments");
        edit(&path.with_file_name("root.txt"), "threshold-floor: 2", "threshold-floor: 3");
        assert!(matches!(Profile::read(&path), Err(ProfileError::OtherRoot { .. })));
    }

    #[test]
    fn a_profile_is_somebodys() {
        for (from, to) in [
            ("service = \"payments\"", "person = \"alice\""),
            ("service = \"payments\"", "service = \"payments\"\nperson = \"alice\""),
            ("request_key = \"request.pem\"", ""),
            ("[[coordinators]]", "[[others]]"),
            ("solana-devnet", "moon"),
        ] {
            let (_dir, path) = profile();
            edit(&path, from, to);
            let error = Profile::read(&path).unwrap_err();
            assert!(matches!(error, ProfileError::Content { .. }), "{from}: {error}");
        }
    }

    #[test]
    fn a_network_is_named_or_the_profiles_own() {
        let (_dir, path) = profile();
        let profile = Profile::read(&path).unwrap();
        let bitcoin = |named| profile.network(named, Scheme::FrostSecp256k1Tr);
        assert_eq!(bitcoin(None).unwrap(), Network::BitcoinRegtest);
        assert_eq!(bitcoin(Some(Network::Bitcoin)).unwrap(), Network::Bitcoin);
        assert_eq!(bitcoin(Some(Network::Solana)).unwrap_err().exit(), Exit::Usage);
        let none = profile.network(None, Scheme::FrostSecp256k1).unwrap_err();
        assert_eq!(none.exit(), Exit::Usage);
    }

    #[test]
    fn a_folder_without_a_profile_is_a_matter_of_usage() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Profile::load(Some(dir.path())).unwrap_err().exit(), Exit::Usage);
    }
}
