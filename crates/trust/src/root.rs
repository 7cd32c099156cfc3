//! The trust root: who is in the cluster, and what they may decide together.

mod amendment;
mod independence;
mod lineage;
mod recovery;
mod single_point;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use quorate_model::{
    ClusterId, Digest, ParticipantId, PersonName, QuorumName, ServiceName, Tag, Threshold,
    Timestamp, Transcript,
};

pub use self::amendment::{Amendment, AmendmentError};
pub use self::independence::Shared;
pub use self::lineage::Lineage;
pub(crate) use self::lineage::previous_text;
pub use self::recovery::RecoveryError;
pub use self::single_point::SinglePoint;
use crate::text::TextError;
use crate::{Credential, CredentialError, PublicKey, Recipient, SIGNATURES_MAX, UserVerification};

/// Credentials of one person, at most.
const CREDENTIALS_MAX: usize = 16;
/// Nobody waits longer for what was decided: seven days.
const DELAY_MAX_S: u64 = 7 * 24 * 3600;

/// The quorums that every root has: for orders about keys; for policy bundles, beside `policy` that may
/// allow more; for policy bundles; for the root itself; and for lifting a freeze.
pub const QUORUMS: [&str; 5] = ["keys", "loosening", "policy", "root", "unfreeze"];

/// A version of the trust root. Version 1 is the genesis: its hash is the cluster's id, pinned by every
/// node and client. Everything else in the cluster is a statement under a root, the next version of the
/// root included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot {
    /// What it follows; nothing, of the genesis.
    pub lineage: Option<Lineage>,
    /// When it was made.
    pub created: Timestamp,
    /// Hash of the policy bundle that the cluster begins with. The same in every version.
    pub policy: Digest,
    /// No key may have a lower threshold.
    pub threshold_floor: Threshold,
    /// How long a freeze holds on after the order that lifts it, in seconds.
    pub unfreeze_delay_s: u64,
    /// How long a policy bundle or a root that may allow more waits after the order that brings it, in
    /// seconds.
    pub change_delay_s: u64,
    /// The signer nodes.
    pub nodes: BTreeMap<ParticipantId, NodeEntry>,
    /// The services that may send sign requests.
    pub services: BTreeMap<ServiceName, ServiceEntry>,
    /// The people: at least one officer.
    pub persons: BTreeMap<PersonName, PersonEntry>,
    /// Named quorums of people. Those of [`QUORUMS`] always exist.
    pub quorums: BTreeMap<QuorumName, Quorum>,
}

/// A signer node, by its keys and by who runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEntry {
    /// Signs everything the node says.
    pub identity: PublicKey,
    /// SHA-256 of the SubjectPublicKeyInfo of the node's TLS certificate.
    pub tls: Digest,
    /// Who operates it.
    pub operator: Label,
    /// Where it is.
    pub region: Label,
    /// On whose infrastructure.
    pub provider: Label,
    /// Who opens its backups, and how many of them that takes. Without any, it makes none.
    pub recovery: Option<Quorum>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Signs its sign requests.
    pub key: PublicKey,
    /// The persons who answer for it: they do not approve what it asks for.
    pub owners: BTreeSet<PersonName>,
}

/// A person, who counts once whatever the number of their credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonEntry {
    /// Whether this person is an officer, who may freeze alone.
    pub officer: bool,
    /// Whether signatures must show that a security key verified the person.
    pub user_verification: UserVerification,
    /// What the person signs statements with: at least one.
    pub credentials: BTreeSet<Credential>,
    /// To whom pieces of backups are encrypted that this person keeps: see [`NodeEntry::recovery`].
    pub recovery: Option<Recipient>,
}

/// `required` distinct persons out of `members`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// How many.
    pub required: usize,
    /// Out of whom.
    pub members: BTreeSet<PersonName>,
}

/// A short free text about a node: 1 to 64 of printable ASCII without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

/// Why a trust root is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// The text is no statement of this kind.
    #[error(transparent)]
    Text(#[from] TextError),
    /// One key stands for two actors.
    #[error("key {0} is used twice: every actor needs a key of its own")]
    SharedKey(String),
    /// A service's owner who is not in the root.
    #[error("service {0} is owned by somebody who is not in the root")]
    UnknownOwner(ServiceName),
    /// A person without a credential, or with too many.
    #[error("{0} has no credential, or more than {CREDENTIALS_MAX}")]
    Credentials(PersonName),
    /// Two nodes share a TLS key.
    #[error("TLS key {0} is used twice: every node needs a TLS key of its own")]
    SharedTlsKey(Digest),
    /// The floor does not fit the number of nodes.
    #[error("threshold floor: {0}")]
    Floor(#[from] quorate_model::ThresholdError),
    /// A quorum that must exist does not.
    #[error("quorum {0:?} is missing")]
    MissingQuorum(&'static str),
    /// A quorum that nobody or nobody distinct could fill.
    #[error(
        "quorum {0:?}: takes 1 to 16 persons, at most as many as it has members, all in the root"
    )]
    BadQuorum(QuorumName),
    /// A delay longer than seven days.
    #[error("{0}: at most {DELAY_MAX_S}, seven days")]
    Delay(&'static str),
    /// The genesis follows nothing, every later version follows at least one.
    #[error(
        "version 1 follows nothing; every later version names those it follows, at most {most}"
    )]
    Lineage {
        /// How many it may follow.
        most: usize,
    },
    /// Nobody could freeze.
    #[error("at least one person must be an officer")]
    NoOfficer,
    /// Backups could be opened by too few people, or by nobody.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
}

impl TrustRoot {
    /// The cluster's id: the hash of the genesis.
    pub fn cluster(&self) -> ClusterId {
        self.lineage.as_ref().map_or_else(|| self.hash(), |lineage| lineage.cluster)
    }

    /// Which version it is, counted from 1.
    pub fn version(&self) -> u64 {
        self.lineage.as_ref().map_or(1, |lineage| lineage.version)
    }

    /// The version after this one, which changes nothing yet.
    pub fn next_version(&self) -> Self {
        let (cluster, previous) = (self.cluster(), [self.hash()].into());
        let lineage = Lineage { cluster, version: self.version() + 1, previous };
        Self { lineage: Some(lineage), ..self.clone() }
    }

    /// The hash that pins this version.
    pub fn hash(&self) -> Digest {
        Transcript::new(Tag::TrustRoot).text(&self.render()).finish()
    }

    /// Checks what the text form cannot express. [`TrustRoot::parse`] has done so already.
    ///
    /// # Errors
    /// [`RootError`], naming the rule that was broken.
    pub fn check(&self) -> Result<(), RootError> {
        if self.lineage.as_ref().is_some_and(|lineage| !lineage.is_sound()) {
            return Err(RootError::Lineage { most: lineage::BRANCHES_MAX });
        }
        self.threshold_floor.check(self.nodes.len())?;
        let keys = self.nodes.values().map(|node| node.identity);
        let keys = keys.chain(self.services.values().map(|service| service.key));
        let credentials =
            self.persons.values().flat_map(|person| person.credentials.iter().cloned());
        let mut seen = BTreeSet::new();
        for key in keys.map(Credential::from).chain(credentials) {
            if !seen.insert(key.key_material()) {
                return Err(RootError::SharedKey(key.fingerprint()));
            }
        }
        for (name, person) in &self.persons {
            if person.credentials.is_empty() || person.credentials.len() > CREDENTIALS_MAX {
                return Err(RootError::Credentials(name.clone()));
            }
        }
        let mut seen = BTreeSet::new();
        for node in self.nodes.values() {
            if !seen.insert(node.tls) {
                return Err(RootError::SharedTlsKey(node.tls));
            }
        }
        if !self.persons.values().any(|person| person.officer) {
            return Err(RootError::NoOfficer);
        }
        for (name, service) in &self.services {
            if service.owners.iter().any(|owner| !self.persons.contains_key(owner)) {
                return Err(RootError::UnknownOwner(name.clone()));
            }
        }
        for (delay_s, field) in [
            (self.unfreeze_delay_s, "unfreeze-delay-seconds"),
            (self.change_delay_s, "change-delay-seconds"),
        ] {
            if delay_s > DELAY_MAX_S {
                return Err(RootError::Delay(field));
            }
        }
        for name in QUORUMS {
            if !self.quorums.keys().any(|quorum| quorum.as_str() == name) {
                return Err(RootError::MissingQuorum(name));
            }
        }
        for (name, quorum) in &self.quorums {
            let known = quorum.members.iter().all(|member| self.persons.contains_key(member));
            let most = quorum.members.len().min(SIGNATURES_MAX);
            if !known || quorum.required == 0 || quorum.required > most {
                return Err(RootError::BadQuorum(name.clone()));
            }
        }
        Ok(self.check_recovery()?)
    }

    /// The quorum of that name.
    pub fn quorum(&self, name: &str) -> Option<&Quorum> {
        self.quorums.iter().find(|(key, _)| key.as_str() == name).map(|(_, quorum)| quorum)
    }
}

impl From<CredentialError> for RootError {
    fn from(error: CredentialError) -> Self {
        Self::Text(TextError::Value { field: "key", reason: error.to_string() })
    }
}

impl FromStr for Label {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        if printable && !text.is_empty() && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            let reason = "1 to 64 printable ASCII characters without spaces".to_owned();
            Err(TextError::Value { field: "label", reason })
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
