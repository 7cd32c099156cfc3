//! Derivation paths.

use std::fmt;
use std::str::FromStr;

const DEPTH_MAX: usize = 8;
const HARDENED: u32 = 1 << 31;

/// A non-hardened BIP-32 path from the group key, such as `m/0/7`; `m` is the group key itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DerivationPath(Vec<u32>);

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Not `m` or `m/INDEX/…` in canonical decimal.
    #[error("a derivation path is 'm' or 'm/INDEX/…' with plain decimal indexes")]
    Malformed,
    /// Shares allow no hardened derivation.
    #[error(
        "hardened derivation is impossible without the whole secret key: index must be below 2^31"
    )]
    Hardened,
    /// Too many levels.
    #[error("a derivation path has at most 8 levels")]
    TooDeep,
}

impl DerivationPath {
    /// The group key itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// # Errors
    /// [`PathError::Hardened`] or [`PathError::TooDeep`].
    pub fn new(indexes: Vec<u32>) -> Result<Self, PathError> {
        if indexes.len() > DEPTH_MAX {
            return Err(PathError::TooDeep);
        }
        if indexes.iter().any(|index| *index >= HARDENED) {
            return Err(PathError::Hardened);
        }
        Ok(Self(indexes))
    }

    /// The child indexes, outermost first.
    pub fn indexes(&self) -> &[u32] {
        &self.0
    }

    /// Whether this is the group key itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for DerivationPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut parts = text.split('/');
        if parts.next() != Some("m") {
            return Err(PathError::Malformed);
        }
        let indexes: Result<Vec<u32>, _> = parts.map(str::parse).collect();
        let path = Self::new(indexes.map_err(|_| PathError::Malformed)?)?;
        if path.to_string() == text { Ok(path) } else { Err(PathError::Malformed) }
    }
}

impl fmt::Display for DerivationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("m")?;
        self.0.iter().try_for_each(|index| write!(f, "/{index}"))
    }
}

impl fmt::Debug for DerivationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for good in ["m", "m/0", "m/0/7", "m/2147483647"] {
            assert_eq!(good.parse::<DerivationPath>().unwrap().to_string(), good);
        }
        for bad in ["", "/", "m/", "0/7", "m/07", "m/+7", "m/-1", "m/4294967296"] {
            assert_eq!(bad.parse::<DerivationPath>(), Err(PathError::Malformed), "{bad}");
        }
        assert_eq!("m/2147483648".parse::<DerivationPath>(), Err(PathError::Hardened));
        assert_eq!("m/0/0/0/0/0/0/0/0/0".parse::<DerivationPath>(), Err(PathError::TooDeep));
    }
}
