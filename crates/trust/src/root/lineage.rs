//! What a version of the trust root follows.

use std::collections::BTreeSet;

use quorate_model::{ClusterId, Digest};

use crate::text::{Reader, TextError, Writer, list, value};

/// Branches that one version can follow, at most: a fork of more has more to it than a mistake.
pub(super) const BRANCHES_MAX: usize = 4;

/// What a version of the trust root follows. One that follows several heals a fork: it names every
/// branch, so that nodes of each take it, and none goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// The hash of the genesis.
    pub cluster: ClusterId,
    /// The version, from 2.
    pub version: u64,
    /// Hashes of those that it follows: one, or every branch of a fork.
    pub previous: BTreeSet<Digest>,
}

impl Lineage {
    pub(super) fn is_sound(&self) -> bool {
        self.version >= 2 && (1..=BRANCHES_MAX).contains(&self.previous.len())
    }

    pub(super) fn write(&self, text: &mut Writer) {
        text.field("cluster", self.cluster).field("version", self.version);
        text.field("previous", previous_text(&self.previous));
    }

    /// Nothing where the text is the genesis's.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, TextError> {
        let Some(cluster) = reader.optional("cluster") else { return Ok(None) };
        Ok(Some(Self {
            cluster: value("cluster", cluster)?,
            version: reader.parse("version")?,
            previous: list("previous", reader.text("previous")?)?.into_iter().collect(),
        }))
    }
}

/// Hashes as one field: ascending, with commas.
pub(crate) fn previous_text(previous: &BTreeSet<Digest>) -> String {
    let previous: Vec<_> = previous.iter().map(ToString::to_string).collect();
    previous.join(",")
}
