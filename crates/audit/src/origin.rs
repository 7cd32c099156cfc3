//! Whose log it is.

use std::fmt;
use std::str::FromStr;

use quorate_model::{ClusterId, ParticipantId};

/// The name of one node's log: the first line of its checkpoints and the name beside their signature
/// (c2sp.org/tlog-checkpoint). Written `quorate/<cluster id>/node-<participant>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: ParticipantId,
}

/// The text was no origin of this software's logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an origin is written as quorate/<cluster id>/node-<participant>")]
pub struct ParseOrigin;

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quorate/{}/node-{}", self.cluster, self.node)
    }
}

impl FromStr for Origin {
    type Err = ParseOrigin;

    fn from_str(text: &str) -> Result<Self, ParseOrigin> {
        let rest = text.strip_prefix("quorate/").ok_or(ParseOrigin)?;
        let (cluster, node) = rest.split_once("/node-").ok_or(ParseOrigin)?;
        // Both have one spelling, so that the whole has one.
        let cluster = cluster.parse().map_err(|_| ParseOrigin)?;
        let node = node.parse().map_err(|_| ParseOrigin)?;
        Ok(Self { cluster, node })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn an_origin_has_one_spelling() {
        let text = fixture::origin().to_string();
        assert_eq!(text, format!("quorate/{}/node-2", "ab".repeat(32)));
        assert_eq!(text.parse(), Ok(fixture::origin()));
        for bad in [
            String::new(),
            text.replace("node-2", "node-02"),
            text.replace("node-2", "node-0"),
            text.replace("node-2", "node-+2"),
            text.replace("ab", "AB"),
            text.replace("quorate/", ""),
            text.clone() + " ",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(ParseOrigin), "{bad}");
        }
    }
}
