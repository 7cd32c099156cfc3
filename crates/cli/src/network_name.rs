//! Networks as people call them.

use quorate_model::{ChainId, Network, Scheme};

/// EVM chains that have a name here. Every other one is `eip155:` and its chain id.
const EVM: [(&str, u64); 4] =
    [("ethereum", 1), ("sepolia", 11_155_111), ("holesky", 17_000), ("evm-local", 31_337)];

/// The short name of a network, or its CAIP-2 id where it has none.
pub(crate) fn short(network: Network) -> String {
    let name = match network {
        Network::Bitcoin => "bitcoin",
        Network::BitcoinTestnet => "bitcoin-testnet",
        Network::BitcoinSignet => "bitcoin-signet",
        Network::BitcoinRegtest => "bitcoin-regtest",
        Network::Solana => "solana",
        Network::SolanaDevnet => "solana-devnet",
        Network::SolanaTestnet => "solana-testnet",
        Network::Evm(chain) => {
            let named = EVM.into_iter().find(|(_, id)| *id == chain.get());
            return named.map_or_else(|| network.to_string(), |(name, _)| name.to_owned());
        }
    };
    name.to_owned()
}

/// Every network that has a name here.
pub(crate) fn named() -> impl Iterator<Item = Network> {
    let others = Network::NAMED.into_iter().filter(|network| !matches!(network, Network::Evm(_)));
    let evm = EVM.into_iter().filter_map(|(_, id)| ChainId::new(id)).map(Network::Evm);
    others.chain(evm)
}

/// A network as an argument: its short name or its CAIP-2 id.
///
/// # Errors
/// Lists the networks.
pub(crate) fn parse(text: &str) -> Result<Network, String> {
    let by_name = named().find(|network| short(*network) == text);
    by_name.or_else(|| text.parse().ok()).ok_or_else(|| {
        let names: Vec<_> = named().map(short).collect();
        format!(
            "unknown network: expected a CAIP-2 id, such as eip155:8453, or one of {}",
            names.join(", ")
        )
    })
}

/// The networks with a name that a key of this scheme signs for.
pub(crate) fn of_scheme(scheme: Scheme) -> impl Iterator<Item = Network> {
    named().filter(move |network| network.accepts(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_two_names() {
        for network in named() {
            assert_eq!(parse(&short(network)), Ok(network));
            assert_eq!(parse(&network.to_string()), Ok(network));
        }
        assert_eq!(parse("ethereum"), Ok(Network::ETHEREUM));
        assert!(parse("moon").unwrap_err().contains("bitcoin-regtest"));
    }

    #[test]
    fn every_chain_of_the_evm_is_a_network() {
        let base = parse("eip155:8453").unwrap();
        assert_eq!(short(base), "eip155:8453");
        assert!(parse("eip155:0").is_err());
    }
}
