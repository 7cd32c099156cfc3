//! The networks that signatures are for.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::Scheme;

/// The CAIP-2 namespace of EVM chains, with its colon.
const EIP155: &str = "eip155:";

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
    /// Any chain that runs the EVM: transactions name their chain id, so none needs a line here.
    Evm(ChainId),
}

/// The id of an EVM chain (EIP-155), which its transactions carry. Never 0, which in an EIP-7702
/// authorisation means every chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(NonZeroU64);

impl ChainId {
    /// Ethereum's main chain.
    pub const ETHEREUM: Self = Self(NonZeroU64::MIN);
    /// A private chain for development, as Hardhat and Anvil have it.
    pub const DEVELOPMENT: Self = Self(NonZeroU64::MIN.saturating_add(31_336));

    /// `None` for 0.
    pub const fn new(id: u64) -> Option<Self> {
        match NonZeroU64::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Network {
    /// Ethereum's main chain.
    pub const ETHEREUM: Self = Self::Evm(ChainId::ETHEREUM);

    /// Every network that is no EVM chain, and Ethereum. Chains of the EVM are as many as there are
    /// chain ids.
    pub const NAMED: [Self; 8] = [
        Self::Bitcoin,
        Self::BitcoinTestnet,
        Self::BitcoinSignet,
        Self::BitcoinRegtest,
        Self::Solana,
        Self::SolanaDevnet,
        Self::SolanaTestnet,
        Self::ETHEREUM,
    ];

    /// The schemes whose signatures this network accepts, [`Network::usual_scheme`] first.
    pub const fn schemes(self) -> &'static [Scheme] {
        match self {
            Self::Bitcoin | Self::BitcoinTestnet | Self::BitcoinSignet | Self::BitcoinRegtest => {
                &[Scheme::FrostSecp256k1Tr, Scheme::EcdsaSecp256k1]
            }
            Self::Solana | Self::SolanaDevnet | Self::SolanaTestnet => &[Scheme::FrostEd25519],
            Self::Evm(_) => &[Scheme::EcdsaSecp256k1],
        }
    }

    /// The scheme of keys for this network where nobody says another.
    pub const fn usual_scheme(self) -> Scheme {
        match self {
            Self::Bitcoin | Self::BitcoinTestnet | Self::BitcoinSignet | Self::BitcoinRegtest => {
                Scheme::FrostSecp256k1Tr
            }
            Self::Solana | Self::SolanaDevnet | Self::SolanaTestnet => Scheme::FrostEd25519,
            Self::Evm(_) => Scheme::EcdsaSecp256k1,
        }
    }

    /// Whether this network accepts signatures of `scheme`.
    pub fn accepts(self, scheme: Scheme) -> bool {
        self.schemes().contains(&scheme)
    }
}

impl FromStr for Network {
    type Err = ParseNetwork;

    /// Each network has one spelling: a chain id without sign and leading zeros.
    fn from_str(text: &str) -> Result<Self, ParseNetwork> {
        let known = match text.strip_prefix(EIP155) {
            Some(id) => id.parse().ok().and_then(ChainId::new).map(Self::Evm),
            None => Self::NAMED.into_iter().find(|network| network.to_string() == text),
        };
        known.filter(|network| network.to_string() == text).ok_or(ParseNetwork)
    }
}

impl fmt::Display for Network {
    /// The CAIP-2 id: namespace, and the first 32 characters of the genesis hash, or the chain id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bitcoin => "bip122:000000000019d6689c085ae165831e93",
            Self::BitcoinTestnet => "bip122:000000000933ea01ad0ee984209779ba",
            Self::BitcoinSignet => "bip122:00000008819873e925422c1ff0f99f7c",
            Self::BitcoinRegtest => "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
            Self::Solana => "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            Self::SolanaDevnet => "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
            Self::SolanaTestnet => "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z",
            Self::Evm(id) => return write!(f, "{EIP155}{id}"),
        })
    }
}

/// The text named no network that quorate knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown network: expected a CAIP-2 id such as bip122:000000000019d6689c085ae165831e93 or eip155:1"
)]
pub struct ParseNetwork;

/// The format of the bytes that are to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayloadFormat {
    /// A partially signed Bitcoin transaction (BIP-174 or BIP-370).
    BitcoinPsbt,
    /// A serialised Solana message, legacy or v0.
    SolanaMessage,
    /// What is signed of an EVM transaction: the type and the RLP of its unsigned fields (EIP-2718),
    /// or the nine fields of EIP-155.
    EvmTransaction,
    /// The bytes of a personal message (EIP-191, version 0x45), without its prefix.
    EvmMessage,
    /// Typed data (EIP-712), as the JSON of `eth_signTypedData_v4`.
    EvmTypedData,
    /// An authorisation to run code in the key's account (EIP-7702): 0x05 and the RLP of chain id,
    /// address and nonce.
    EvmAuthorization,
    /// 32 bytes that are signed as they are, whatever they are the digest of: for keys that were made
    /// for it only.
    RawDigest,
}

impl PayloadFormat {
    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BitcoinPsbt => "bitcoin-psbt",
            Self::SolanaMessage => "solana-message",
            Self::EvmTransaction => "evm-transaction",
            Self::EvmMessage => "evm-message",
            Self::EvmTypedData => "evm-typed-data",
            Self::EvmAuthorization => "evm-authorization",
            Self::RawDigest => "raw-digest",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_has_one_spelling() {
        for network in Network::NAMED {
            assert_eq!(network.to_string().parse(), Ok(network));
        }
        let largest = Network::Evm(ChainId::new(u64::MAX).unwrap());
        assert_eq!("eip155:18446744073709551615".parse(), Ok(largest));
        for text in [
            "",
            "eip155:",
            "eip155:0",
            "eip155:01",
            "eip155:+1",
            "eip155:0x1",
            "eip155:1 ",
            "EIP155:1",
            "eip155:18446744073709551616",
        ] {
            assert_eq!(text.parse::<Network>(), Err(ParseNetwork), "{text}");
        }
    }
}
