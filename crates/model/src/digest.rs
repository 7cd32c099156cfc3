//! 32-byte hash values, and the ids that are hash values.

use std::fmt;
use std::str::FromStr;

/// A SHA-256 value. Shown and parsed as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Wraps the 32 bytes of a hash value.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits: for people to compare at a glance, never for machines.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

/// The text was not 64 lowercase hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lowercase hexadecimal digits")]
pub struct ParseDigest;

impl FromStr for Digest {
    type Err = ParseDigest;

    fn from_str(text: &str) -> Result<Self, ParseDigest> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseDigest)?;
        let digest = Self(bytes);
        if digest.to_string() == text { Ok(digest) } else { Err(ParseDigest) }
    }
}

impl TryFrom<&[u8]> for Digest {
    type Error = ParseDigest;

    fn try_from(bytes: &[u8]) -> Result<Self, ParseDigest> {
        bytes.try_into().map(Self).map_err(|_| ParseDigest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of the genesis trust root: what a cluster is called by everyone who pins it.
pub type ClusterId = Digest;

/// The hash that names one run of a ceremony: cluster, order, attempt, scheme, roster, epoch and
/// every participant's round-0 nonce.
pub type SessionId = Digest;
