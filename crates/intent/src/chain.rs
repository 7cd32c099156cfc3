//! Which chain a network is a network of.

use quorate_model::{ChainId, Network};

/// A chain, with what its libraries call the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    /// Bitcoin and its test chains.
    Bitcoin(bitcoin::Network),
    /// Solana's clusters; nothing in a message tells one from another but its blockhash.
    Solana,
    /// A chain of the EVM.
    Evm(ChainId),
}

impl Chain {
    pub(crate) const fn of(network: Network) -> Self {
        match network {
            Network::Bitcoin => Self::Bitcoin(bitcoin::Network::Bitcoin),
            Network::BitcoinTestnet => Self::Bitcoin(bitcoin::Network::Testnet),
            Network::BitcoinSignet => Self::Bitcoin(bitcoin::Network::Signet),
            Network::BitcoinRegtest => Self::Bitcoin(bitcoin::Network::Regtest),
            Network::Solana | Network::SolanaDevnet | Network::SolanaTestnet => Self::Solana,
            Network::Evm(id) => Self::Evm(id),
        }
    }
}
