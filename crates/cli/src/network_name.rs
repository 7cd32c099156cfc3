//! Networks as people call them.

use quorate_model::{Network, Scheme};

/// The short name of a network.
pub(crate) const fn short(network: Network) -> &'static str {
    match network {
        Network::Bitcoin => "bitcoin",
        Network::BitcoinTestnet => "bitcoin-testnet",
        Network::BitcoinSignet => "bitcoin-signet",
        Network::BitcoinRegtest => "bitcoin-regtest",
        Network::Solana => "solana",
        Network::SolanaDevnet => "solana-devnet",
        Network::SolanaTestnet => "solana-testnet",
    }
}

/// A network as an argument: its short name or its CAIP-2 id.
///
/// # Errors
/// Lists the networks.
pub(crate) fn parse(text: &str) -> Result<Network, String> {
    let mut all = Network::ALL.into_iter();
    all.find(|network| short(*network) == text || network.as_str() == text).ok_or_else(|| {
        let names: Vec<_> = Network::ALL.into_iter().map(short).collect();
        format!("unknown network: expected a CAIP-2 id, or one of {}", names.join(", "))
    })
}

/// The networks that a key of this scheme signs for.
pub(crate) fn of_scheme(scheme: Scheme) -> impl Iterator<Item = Network> {
    Network::ALL.into_iter().filter(move |network| network.accepts(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_two_names() {
        for network in Network::ALL {
            assert_eq!(parse(short(network)), Ok(network));
            assert_eq!(parse(network.as_str()), Ok(network));
        }
        assert!(parse("ethereum").unwrap_err().contains("bitcoin-regtest"));
    }
}
