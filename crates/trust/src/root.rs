//! The trust root: who is in the cluster, and what they may decide together.

mod single_point;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use quorate_model::{
    Digest, ParticipantId, PersonName, QuorumName, ServiceName, Tag, Threshold, Timestamp,
    Transcript,
};

pub use self::single_point::SinglePoint;
use crate::text::{Reader, TextError, Writer, list, value};
use crate::{Credential, CredentialError, PublicKey, SIGNATURES_MAX, UserVerification};

const KIND: &str = "quorate-root/1";
const OFFICER: &str = "officer";
const REQUIRED: &str = "required";
/// Credentials of one person, at most.
const CREDENTIALS_MAX: usize = 16;
/// Nobody waits longer for the end of a freeze: seven days.
const UNFREEZE_DELAY_MAX_S: u64 = 7 * 24 * 3600;

/// The quorums that every root has: for orders about keys, for policy bundles, for the root itself, and
/// for lifting a freeze.
pub const QUORUMS: [&str; 4] = ["keys", "policy", "root", "unfreeze"];

/// Version 1 of the trust root, the genesis. Its hash is the cluster's id, pinned by every node and
/// client; everything else in the cluster is a statement under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot {
    /// When it was made.
    pub created: Timestamp,
    /// No key may have a lower threshold.
    pub threshold_floor: Threshold,
    /// How long a freeze holds on after the order that lifts it, in seconds.
    pub unfreeze_delay_s: u64,
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
    #[error("unfreeze-delay-seconds: at most {UNFREEZE_DELAY_MAX_S}, seven days")]
    UnfreezeDelay,
    /// Nobody could freeze.
    #[error("at least one person must be an officer")]
    NoOfficer,
}

impl TrustRoot {
    /// Reads the canonical text of a trust root.
    ///
    /// # Errors
    /// [`RootError`], naming the line, the field or the rule that was broken.
    pub fn parse(text: &str) -> Result<Self, RootError> {
        let mut reader = Reader::new(text, KIND)?;
        let mut root = Self {
            created: reader.parse("created")?,
            threshold_floor: threshold(reader.parse("threshold-floor")?)?,
            unfreeze_delay_s: reader.parse("unfreeze-delay-seconds")?,
            nodes: BTreeMap::new(),
            services: BTreeMap::new(),
            persons: BTreeMap::new(),
            quorums: BTreeMap::new(),
        };
        while let Some(id) = reader.optional("node") {
            let entry = NodeEntry {
                identity: reader.parse("identity")?,
                tls: reader.parse("tls")?,
                operator: reader.parse("operator")?,
                region: reader.parse("region")?,
                provider: reader.parse("provider")?,
            };
            root.nodes.insert(value("node", id)?, entry);
        }
        while let Some(name) = reader.optional("service") {
            let mut entry = ServiceEntry { key: reader.parse("key")?, owners: BTreeSet::new() };
            while let Some(owner) = reader.optional("owner") {
                entry.owners.insert(value("owner", owner)?);
            }
            root.services.insert(value("service", name)?, entry);
        }
        while let Some(name) = reader.optional("person") {
            let mut entry = PersonEntry {
                officer: reader.text("role")? == OFFICER,
                user_verification: match reader.text("user-verification")? {
                    REQUIRED => UserVerification::Required,
                    _ => UserVerification::NotRequired,
                },
                credentials: BTreeSet::new(),
            };
            while let Some(credential) = reader.optional("credential") {
                entry.credentials.insert(value("credential", credential)?);
            }
            root.persons.insert(value("person", name)?, entry);
        }
        while let Some(name) = reader.optional("quorum") {
            let quorum = Quorum {
                required: reader.parse("required")?,
                members: list("members", reader.text("members")?)?.into_iter().collect(),
            };
            root.quorums.insert(value("quorum", name)?, quorum);
        }
        reader.finish()?;
        if root.render() != text {
            return Err(TextError::NotCanonical.into());
        }
        root.check()?;
        Ok(root)
    }

    /// The canonical text: what is hashed, shown and compared.
    pub fn render(&self) -> String {
        let mut text = Writer::new(KIND);
        text.field("created", self.created).field("threshold-floor", self.threshold_floor);
        text.field("unfreeze-delay-seconds", self.unfreeze_delay_s);
        for (id, node) in &self.nodes {
            text.field("node", id).field("identity", node.identity).field("tls", node.tls);
            text.field("operator", &node.operator).field("region", &node.region);
            text.field("provider", &node.provider);
        }
        for (name, service) in &self.services {
            text.field("service", name).field("key", service.key);
            for owner in &service.owners {
                text.field("owner", owner);
            }
        }
        for (name, person) in &self.persons {
            let role = if person.officer { OFFICER } else { "approver" };
            let verification = match person.user_verification {
                UserVerification::Required => REQUIRED,
                UserVerification::NotRequired => "not required",
            };
            text.field("person", name).field("role", role);
            text.field("user-verification", verification);
            for credential in &person.credentials {
                text.field("credential", credential);
            }
        }
        for (name, quorum) in &self.quorums {
            let members: Vec<_> = quorum.members.iter().map(PersonName::as_str).collect();
            text.field("quorum", name).field("required", quorum.required);
            text.field("members", members.join(","));
        }
        text.finish()
    }

    /// The hash that pins this root; of the genesis, the cluster's id.
    pub fn hash(&self) -> Digest {
        Transcript::new(Tag::TrustRoot).text(&self.render()).finish()
    }

    /// Checks what the text form cannot express. [`TrustRoot::parse`] has done so already.
    ///
    /// # Errors
    /// [`RootError`], naming the rule that was broken.
    pub fn check(&self) -> Result<(), RootError> {
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
        if self.unfreeze_delay_s > UNFREEZE_DELAY_MAX_S {
            return Err(RootError::UnfreezeDelay);
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
        Ok(())
    }

    /// The quorum of that name.
    pub fn quorum(&self, name: &str) -> Option<&Quorum> {
        self.quorums.iter().find(|(key, _)| key.as_str() == name).map(|(_, quorum)| quorum)
    }
}

fn threshold(number: u32) -> Result<Threshold, RootError> {
    Ok(Threshold::new(number)?)
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
