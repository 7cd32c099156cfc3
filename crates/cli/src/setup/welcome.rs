//! The welcome file: what a new member gets back.

use quorate_net::pki::Role;
use serde::{Deserialize, Serialize};

use super::SetupError;
use super::address::CoordinatorAddress;

const KIND: &str = "quorate-welcome/1";

/// What `init` makes for a member. Nothing in it is secret, and nothing in it is believed unchecked:
/// the trust root by its hash, the policy by the hash in the root, the certificate by its key. Only *where* the coordinators are, and the
/// authority of their certificates, stand on the file alone: lying about them withholds service, and
/// forges nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Welcome {
    kind: String,
    /// For whom it is.
    pub(crate) role: String,
    coordinators: Vec<String>,
    /// The trust root, verbatim.
    pub(crate) root: String,
    /// For a node: the policy bundle that the trust root pins, verbatim.
    pub(crate) policy: Option<String>,
    /// The authority's certificate (PEM).
    pub(crate) ca: String,
    /// The member's certificate (PEM).
    pub(crate) certificate: String,
}

impl Welcome {
    pub(crate) fn new(
        role: &Role,
        coordinators: &[CoordinatorAddress],
        root: &str,
        ca: &str,
        certificate: String,
    ) -> Self {
        Self {
            kind: KIND.to_owned(),
            role: role.to_string(),
            coordinators: coordinators.iter().map(ToString::to_string).collect(),
            root: root.to_owned(),
            policy: None,
            ca: ca.to_owned(),
            certificate,
        }
    }

    /// Reads the file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, SetupError> {
        let welcome: Self =
            toml::from_str(text).map_err(|error| SetupError::Welcome(error.to_string()))?;
        if welcome.kind == KIND {
            Ok(welcome)
        } else {
            Err(SetupError::Welcome(format!("expected kind {KIND:?}")))
        }
    }

    /// The file's text.
    pub(crate) fn render(&self) -> Result<String, SetupError> {
        toml::to_string_pretty(self).map_err(|error| SetupError::Welcome(error.to_string()))
    }

    /// Where the coordinators are.
    pub(crate) fn coordinators(&self) -> Result<Vec<CoordinatorAddress>, SetupError> {
        let parse = |text: &String| text.parse();
        let all: Result<Vec<_>, _> = self.coordinators.iter().map(parse).collect();
        match all {
            Ok(all) if !all.is_empty() => Ok(all),
            Ok(_) => Err(SetupError::NoCoordinator),
            Err(error) => {
                let error: super::address::ParseAddress = error;
                Err(SetupError::Welcome(error.to_string()))
            }
        }
    }
}
