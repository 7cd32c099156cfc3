//! What the holder of a certificate is to the cluster.

use std::fmt;
use std::str::FromStr;

use quorate_model::{NameError, ParticipantId, PersonName, ServiceName};

const SCHEME: &str = "quorate:";

/// What the holder of a certificate is. Written as a URI: `quorate:node:1`,
/// `quorate:coordinator:main`, `quorate:service:payments`, `quorate:person:alice`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A signer node: a TLS client.
    Node(ParticipantId),
    /// A coordinator: a TLS server.
    Coordinator(CoordinatorName),
    /// A backend that sends sign requests: a TLS client.
    Service(ServiceName),
    /// A person with the command line: a TLS client.
    Person(PersonName),
}

impl Role {
    /// Whether the role is served by a TLS server. Every other role is a client, never both.
    pub(crate) const fn is_server(&self) -> bool {
        match self {
            Self::Coordinator(_) => true,
            Self::Node(_) | Self::Service(_) | Self::Person(_) => false,
        }
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a role: expected quorate:node:<id>, or quorate:coordinator:<name>, quorate:service:<name> \
     or quorate:person:<name>"
)]
pub struct ParseRole;

impl FromStr for Role {
    type Err = ParseRole;

    fn from_str(text: &str) -> Result<Self, ParseRole> {
        let (kind, name) =
            text.strip_prefix(SCHEME).and_then(|rest| rest.split_once(':')).ok_or(ParseRole)?;
        match kind {
            "node" => name.parse().map(Self::Node).map_err(|_| ParseRole),
            "coordinator" => name.parse().map(Self::Coordinator).map_err(|_| ParseRole),
            "service" => name.parse().map(Self::Service).map_err(|_| ParseRole),
            "person" => name.parse().map(Self::Person).map_err(|_| ParseRole),
            _ => Err(ParseRole),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(id) => write!(f, "{SCHEME}node:{id}"),
            Self::Coordinator(name) => write!(f, "{SCHEME}coordinator:{name}"),
            Self::Service(name) => write!(f, "{SCHEME}service:{name}"),
            Self::Person(name) => write!(f, "{SCHEME}person:{name}"),
        }
    }
}

/// A coordinator of the cluster. Same grammar as every other name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoordinatorName(ServiceName);

impl FromStr for CoordinatorName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // A coordinator is no service: only the grammar of names is borrowed.
        text.parse().map(Self)
    }
}

impl fmt::Display for CoordinatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for CoordinatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_spelling() {
        for uri in [
            "quorate:node:1",
            "quorate:node:65535",
            "quorate:coordinator:main",
            "quorate:service:payments",
            "quorate:person:alice",
        ] {
            assert_eq!(uri.parse::<Role>().unwrap().to_string(), uri);
        }
    }

    #[test]
    fn what_names_no_role_is_refused() {
        for bad in [
            "",
            "quorate:",
            "quorate:node",
            "quorate:node:",
            "quorate:node:0",
            "quorate:node:01",
            "quorate:node:+1",
            "quorate:node:65536",
            "quorate:node:1:2",
            "quorate:Node:1",
            "quorate:auditor:a",
            "quorate:service:",
            "quorate:service:a:b",
            "quorate:person:Alice",
            "spiffe:node:1",
            " quorate:node:1",
            "quorate:node:1 ",
        ] {
            assert_eq!(bad.parse::<Role>(), Err(ParseRole), "{bad:?}");
        }
    }
}
