//! Assets from text.

use std::fmt;

use quorate_model::Network;

use crate::chain::Chain;
use crate::quote::quoted;
use crate::{Address, Asset};

/// The text names no asset that the decoder knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no asset: expected a CAIP-19 id such as \
     bip122:000000000019d6689c085ae165831e93/slip44:0, or solana:<genesis>/token:<mint>"
)]
pub struct ParseAsset {
    text: String,
}

impl Asset {
    /// An SPL token, by its mint.
    pub(crate) fn token(network: Network, mint: &str) -> Self {
        Self(format!("{network}/token:{mint}"))
    }

    /// Checks the CAIP-19 id of an asset: the native one of a known network, or a token of Solana by
    /// its mint.
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
            (Some(_), Chain::Bitcoin(_)) => return None,
            (None, Chain::Bitcoin(_) | Chain::Solana) => Self::native(network),
        };
        (known.as_str() == text).then_some(known)
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
        for network in Network::ALL {
            let native = Asset::native(network);
            assert_eq!(Asset::parse(native.as_str()).unwrap(), native);
        }
        let token = Asset::token(Network::Solana, MINT);
        assert_eq!(token.as_str(), format!("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:{MINT}"));
        assert_eq!(Asset::parse(token.as_str()).unwrap(), token);
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
            "eip155:1/slip44:60".to_owned(),
        ] {
            assert!(Asset::parse(&text).is_err(), "{text}");
        }
    }
}
