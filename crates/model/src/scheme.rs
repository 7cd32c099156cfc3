//! Signature schemes.

use std::fmt;
use std::str::FromStr;

/// A threshold signature scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// FROST(Ed25519, SHA-512) of RFC 9591: plain Ed25519 signatures (Solana and others).
    FrostEd25519,
    /// FROST over secp256k1 with BIP-340/341 signatures (Bitcoin Taproot).
    FrostSecp256k1Tr,
    /// FROST(secp256k1, SHA-256) of RFC 9591: Schnorr signatures that contracts verify.
    FrostSecp256k1,
    /// DKLs23 over secp256k1: plain ECDSA signatures (EVM chains, Bitcoin P2WPKH).
    EcdsaSecp256k1,
}

/// The text named no scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown scheme: expected frost-ed25519, frost-secp256k1-tr, frost-secp256k1 or ecdsa-secp256k1"
)]
pub struct ParseScheme;

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 4] =
        [Self::FrostEd25519, Self::FrostSecp256k1Tr, Self::FrostSecp256k1, Self::EcdsaSecp256k1];

    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FrostEd25519 => "frost-ed25519",
            Self::FrostSecp256k1Tr => "frost-secp256k1-tr",
            Self::FrostSecp256k1 => "frost-secp256k1",
            Self::EcdsaSecp256k1 => "ecdsa-secp256k1",
        }
    }

    /// Whether a key of this scheme has children that can be derived without the secret key: BIP-32 is
    /// for secp256k1, and SLIP-10 derives Ed25519 keys from whole secret keys only.
    pub const fn has_children(self) -> bool {
        match self {
            Self::FrostSecp256k1Tr | Self::FrostSecp256k1 | Self::EcdsaSecp256k1 => true,
            Self::FrostEd25519 => false,
        }
    }
}

impl FromStr for Scheme {
    type Err = ParseScheme;

    fn from_str(text: &str) -> Result<Self, ParseScheme> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == text).ok_or(ParseScheme)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
