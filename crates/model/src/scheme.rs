//! Signature schemes and the networks their signatures are for.

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

/// A network, by its CAIP-2 chain id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// Bitcoin's main chain.
    Bitcoin,
    /// Bitcoin's testnet 3.
    BitcoinTestnet,
    /// Bitcoin's signet.
    BitcoinSignet,
    /// A private Bitcoin chain for tests.
    BitcoinRegtest,
    /// Solana mainnet-beta.
    Solana,
    /// Solana devnet.
    SolanaDevnet,
    /// Solana testnet.
    SolanaTestnet,
}

impl Network {
    /// Every network.
    pub const ALL: [Self; 7] = [
        Self::Bitcoin,
        Self::BitcoinTestnet,
        Self::BitcoinSignet,
        Self::BitcoinRegtest,
        Self::Solana,
        Self::SolanaDevnet,
        Self::SolanaTestnet,
    ];

    /// The CAIP-2 id: namespace, and the first 32 characters of the genesis hash.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bitcoin => "bip122:000000000019d6689c085ae165831e93",
            Self::BitcoinTestnet => "bip122:000000000933ea01ad0ee984209779ba",
            Self::BitcoinSignet => "bip122:00000008819873e925422c1ff0f99f7c",
            Self::BitcoinRegtest => "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
            Self::Solana => "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            Self::SolanaDevnet => "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
            Self::SolanaTestnet => "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z",
        }
    }

    /// The schemes whose signatures this network accepts, [`Network::usual_scheme`] first.
    pub const fn schemes(self) -> &'static [Scheme] {
        match self {
            Self::Bitcoin | Self::BitcoinTestnet | Self::BitcoinSignet | Self::BitcoinRegtest => {
                &[Scheme::FrostSecp256k1Tr, Scheme::EcdsaSecp256k1]
            }
            Self::Solana | Self::SolanaDevnet | Self::SolanaTestnet => &[Scheme::FrostEd25519],
        }
    }

    /// The scheme of keys for this network where nobody says another.
    pub const fn usual_scheme(self) -> Scheme {
        match self {
            Self::Bitcoin | Self::BitcoinTestnet | Self::BitcoinSignet | Self::BitcoinRegtest => {
                Scheme::FrostSecp256k1Tr
            }
            Self::Solana | Self::SolanaDevnet | Self::SolanaTestnet => Scheme::FrostEd25519,
        }
    }

    /// Whether this network accepts signatures of `scheme`.
    pub fn accepts(self, scheme: Scheme) -> bool {
        self.schemes().contains(&scheme)
    }
}

impl FromStr for Network {
    type Err = ParseNetwork;

    fn from_str(text: &str) -> Result<Self, ParseNetwork> {
        Self::ALL.into_iter().find(|network| network.as_str() == text).ok_or(ParseNetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text named no network that quorate knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown network: expected a CAIP-2 id such as bip122:000000000019d6689c085ae165831e93")]
pub struct ParseNetwork;

/// The format of the bytes that are to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayloadFormat {
    /// A partially signed Bitcoin transaction (BIP-174 or BIP-370).
    BitcoinPsbt,
    /// A serialised Solana message, legacy or v0.
    SolanaMessage,
}

impl PayloadFormat {
    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BitcoinPsbt => "bitcoin-psbt",
            Self::SolanaMessage => "solana-message",
        }
    }
}
