//! Assets from text.

use std::fmt;

use quorate_model::Network;
use ruint::aliases::U256;

use crate::chain::Chain;
use crate::quote::quoted;
use crate::{Address, Asset};

/// A token standard of the EVM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenStandard {
    /// Fungible tokens.
    Erc20,
    /// Collections of single tokens.
    Erc721,
    /// Collections of tokens of several pieces each.
    Erc1155,
}

impl TokenStandard {
    const ALL: [Self; 3] = [Self::Erc20, Self::Erc721, Self::Erc1155];

    /// The asset namespace (CAIP-21, CAIP-22, CAIP-29).
    const fn namespace(self) -> &'static str {
        match self {
            Self::Erc20 => "erc20",
            Self::Erc721 => "erc721",
            Self::Erc1155 => "erc1155",
        }
    }
}

/// The text names no asset that the decoder knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no asset: expected a CAIP-19 id such as \
     bip122:000000000019d6689c085ae165831e93/slip44:0, solana:<genesis>/token:<mint>, or \
     eip155:1/erc20:<address in small letters>"
)]
pub struct ParseAsset {
    text: String,
}

impl Asset {
    /// An SPL token, by its mint.
    pub(crate) fn token(network: Network, mint: &str) -> Self {
        Self(format!("{network}/token:{mint}"))
    }

    /// A token of an EVM chain, by its contract. Addresses in ids of assets are in small letters, as in
    /// the examples of CAIP-19.
    pub(crate) fn contract(network: Network, standard: TokenStandard, address: &str) -> Self {
        let address = address.to_ascii_lowercase();
        Self(format!("{network}/{}:{address}", standard.namespace()))
    }

    /// One token of a collection (CAIP-22, CAIP-29).
    pub(crate) fn item(
        network: Network,
        standard: TokenStandard,
        address: &str,
        token_id: U256,
    ) -> Self {
        let Self(collection) = Self::contract(network, standard, address);
        Self(format!("{collection}/{token_id}"))
    }

    /// Checks the CAIP-19 id of an asset: the native one of a known network, a token of Solana by its
    /// mint, or a token of an EVM chain by its contract, and its number in a collection.
    ///
    /// # Errors
    /// [`ParseAsset`] for every other text, and for every other spelling.
    pub fn parse(text: &str) -> Result<Self, ParseAsset> {
        Self::known(text).ok_or_else(|| ParseAsset { text: quoted(text) })
    }

    fn known(text: &str) -> Option<Self> {
        let (network, asset) = text.split_once('/')?;
        let network: Network = network.parse().ok()?;
        let known = match (asset.strip_prefix("token:"), Chain::of(network)) {
            (Some(mint), Chain::Solana) => {
                Self::token(network, Address::parse(mint, network).ok()?.as_str())
            }
            (Some(_), Chain::Bitcoin(_) | Chain::Evm(_)) => return None,
            (None, Chain::Evm(_)) if asset.starts_with("erc") => {
                Self::known_contract(network, asset)?
            }
            (None, Chain::Bitcoin(_) | Chain::Solana | Chain::Evm(_)) => Self::native(network),
        };
        (known.as_str() == text).then_some(known)
    }

    fn known_contract(network: Network, asset: &str) -> Option<Self> {
        let (namespace, reference) = asset.split_once(':')?;
        let mut standards = TokenStandard::ALL.into_iter();
        let standard = standards.find(|standard| standard.namespace() == namespace)?;
        let (contract, token_id) = match reference.split_once('/') {
            Some((contract, token_id)) => (contract, Some(token_id)),
            None => (reference, None),
        };
        let contract = Address::parse(contract, network).ok()?;
        match token_id {
            Some(_) if standard == TokenStandard::Erc20 => None,
            Some(id) => {
                let id = U256::from_str_radix(id, 10).ok()?;
                Some(Self::item(network, standard, contract.as_str(), id))
            }
            None => Some(Self::contract(network, standard, contract.as_str())),
        }
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINT: &str = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";

    #[test]
    fn native_assets_and_tokens_are_known() {
        for network in Network::NAMED {
            let native = Asset::native(network);
            assert_eq!(Asset::parse(native.as_str()).unwrap(), native);
        }
        let token = Asset::token(Network::Solana, MINT);
        assert_eq!(token.as_str(), format!("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:{MINT}"));
        assert_eq!(Asset::parse(token.as_str()).unwrap(), token);
        for text in [
            "eip155:1/slip44:60",
            "eip155:8453/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
            "eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d",
            "eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d/8817",
            "eip155:1/erc1155:0x495f947276749ce646f68ac8c248420045cb7b5e/0",
        ] {
            assert_eq!(Asset::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn every_other_text_is_refused() {
        let bitcoin = Network::Bitcoin;
        let solana = Network::Solana;
        for text in [
            String::new(),
            "/slip44:0".to_owned(),
            format!("{bitcoin}/slip44:1"),
            format!("{bitcoin}/token:{MINT}"),
            format!("{solana}/slip44:501 "),
            format!("{solana}/token:"),
            format!("{solana}/token:{}", MINT.to_lowercase()),
            "eip155:1/slip44:1".to_owned(),
            "eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48".to_owned(),
            "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48/1".to_owned(),
            "eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d/01".to_owned(),
            "eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d/".to_owned(),
            "eip155:1/erc777:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d".to_owned(),
            "eip155:1/erc20:0xa0b8".to_owned(),
        ] {
            assert!(Asset::parse(&text).is_err(), "{text}");
        }
    }
}
