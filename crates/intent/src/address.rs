//! Addresses from text.

use std::fmt;

use quorate_model::Network;

use crate::chain::Chain;
use crate::quote::quoted;
use crate::{Address, bitcoin, evm, solana};

/// The text is no address of the network that can be paid to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address of {network}: expected {}", expected(*network))]
pub struct ParseAddress {
    text: String,
    network: Network,
}

impl ParseAddress {
    pub(crate) fn new(text: &str, network: Network) -> Self {
        Self { text: quoted(text), network }
    }
}

const fn expected(network: Network) -> &'static str {
    match Chain::of(network) {
        Chain::Bitcoin(_) => {
            "P2PKH, P2SH, P2WPKH, P2WSH or P2TR of that network, with a valid checksum"
        }
        Chain::Solana => "the Base58 text of 32 bytes",
        Chain::Evm(_) => {
            "0x and 40 hexadecimal digits, all small or with the capitals of their checksum (EIP-55)"
        }
    }
}

impl Address {
    /// Checks the text of an address and takes it in its only spelling, the one that decoded effects
    /// use (Bech32 in capitals becomes small, small hexadecimal digits get the capitals of EIP-55).
    ///
    /// # Errors
    /// [`ParseAddress`] for what is no address, one of another network, or one whose output nobody or
    /// anybody could spend.
    pub fn parse(text: &str, network: Network) -> Result<Self, ParseAddress> {
        let address = match Chain::of(network) {
            Chain::Bitcoin(chain) => bitcoin::script_of(text, chain)
                .and_then(|script| bitcoin::address_text(&script, chain)),
            Chain::Solana => solana::account_of(text).map(|account| account.to_string()),
            Chain::Evm(_) => evm::account_of(text).map(|account| evm::text(&account)),
        };
        address.map(Self).ok_or_else(|| ParseAddress::new(text, network))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_its_network_and_has_one_spelling() {
        let p2wpkh = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
        let parse = |text: &str, network| Address::parse(text, network).map(|a| a.to_string());
        assert_eq!(parse(p2wpkh, Network::Bitcoin).unwrap(), p2wpkh);
        assert_eq!(parse(&p2wpkh.to_uppercase(), Network::Bitcoin).unwrap(), p2wpkh);
        assert!(parse(p2wpkh, Network::BitcoinTestnet).is_err());
        assert!(parse(p2wpkh, Network::Solana).is_err());
        for text in ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"] {
            assert_eq!(parse(text, Network::Bitcoin).unwrap(), text);
        }
        let system = "11111111111111111111111111111111";
        assert_eq!(parse(system, Network::SolanaDevnet).unwrap(), system);
        assert!(parse(system, Network::BitcoinRegtest).is_err());
    }

    /// The vectors of EIP-55.
    #[test]
    fn an_evm_address_has_the_capitals_of_its_checksum() {
        for text in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x27b1fdb04752bbc536007a920d24acb045561c26",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            let parse = |text: &str| Address::parse(text, Network::ETHEREUM).map(|a| a.to_string());
            assert_eq!(parse(text).as_deref(), Ok(text));
            assert_eq!(parse(&text.to_lowercase()).as_deref(), Ok(text));
            let swapped: String = text
                .chars()
                .map(|c| match c {
                    'a'..='f' => c.to_ascii_uppercase(),
                    'A'..='F' => c.to_ascii_lowercase(),
                    other => other,
                })
                .collect();
            assert!(parse(&swapped).is_err() || swapped == text.to_lowercase(), "{swapped}");
            for bad in [&text[2..], &text[..41], &format!("{text}0"), &format!(" {text}")] {
                assert!(parse(bad).is_err(), "{bad}");
            }
        }
    }

    #[test]
    fn what_cannot_be_paid_to_is_refused() {
        let wrong_checksum = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5";
        let witness_version_2 = "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs";
        for text in
            ["", "bc1", " 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", wrong_checksum, witness_version_2]
        {
            assert!(Address::parse(text, Network::Bitcoin).is_err(), "{text}");
        }
        for text in
            ["", "0", "1111111111111111111111111111111", "111111111111111111111111111111111"]
        {
            assert!(Address::parse(text, Network::Solana).is_err(), "{text}");
        }
    }

    #[test]
    fn a_taproot_address_without_a_point_is_refused() {
        let script = |key: &str| ::bitcoin::ScriptBuf::from_hex(&format!("5120{key}")).unwrap();
        // The last x-coordinate is above the field's prime.
        let text =
            ::bitcoin::Address::from_script(&script(&"ff".repeat(32)), ::bitcoin::Network::Bitcoin);
        assert!(Address::parse(&text.unwrap().to_string(), Network::Bitcoin).is_err());
    }

    #[test]
    fn an_error_quotes_no_more_than_a_person_reads() {
        let error = Address::parse(&"x".repeat(100_000), Network::Bitcoin).unwrap_err();
        assert!(error.to_string().len() < 400);
    }
}
