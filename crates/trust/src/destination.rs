//! Where a key that is no longer in use may pay to.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use quorate_model::{KeyId, Network};

use crate::text::{Reader, TextError, Writer, list};

/// Destinations of one key, at most.
pub const DESTINATIONS_MAX: usize = 64;
const ADDRESS_BYTES_MAX: usize = 128;

/// A key, and where all that it holds, or is sent yet, may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The key.
    pub key: KeyId,
    /// Where to. May be none: then it signs nothing.
    pub to: BTreeSet<Destination>,
}

/// An address of a network: written `NETWORK/ADDRESS`, such as `eip155:1/0x…`. It has to be written as nodes decode
/// it, since they compare the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    network: Network,
    address: String,
}

/// The text is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no destination: expected NETWORK/ADDRESS, with an address of at most {ADDRESS_BYTES_MAX} letters and digits"
)]
pub struct ParseDestination(String);

impl Destination {
    /// Whether it is this address of this network.
    pub fn is(&self, network: Network, address: &str) -> bool {
        self.network == network && self.address == address
    }

    /// The network.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The address in the network's own text form.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Sweep {
    pub(crate) fn write(&self, text: &mut Writer) {
        let to: Vec<_> = self.to.iter().map(ToString::to_string).collect();
        text.field("key", &self.key)
            .field("pays-to", if to.is_empty() { NOWHERE.to_owned() } else { to.join(",") });
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, TextError> {
        let key = reader.parse("key")?;
        let to: Vec<Destination> = match reader.text("pays-to")? {
            NOWHERE => Vec::new(),
            some => list("pays-to", some)?,
        };
        if to.len() > DESTINATIONS_MAX {
            let reason = format!("at most {DESTINATIONS_MAX} destinations");
            return Err(TextError::Value { field: "pays-to", reason });
        }
        Ok(Self { key, to: to.into_iter().collect() })
    }
}

/// How no destination is written.
const NOWHERE: &str = "nowhere";

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.address)
    }
}

impl FromStr for Destination {
    type Err = ParseDestination;

    fn from_str(text: &str) -> Result<Self, ParseDestination> {
        let error = || ParseDestination(text.chars().take(200).collect());
        let (network, address) = text.split_once('/').ok_or_else(error)?;
        let network = network.parse().map_err(|_| error())?;
        let is_plain = address.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if address.is_empty() || address.len() > ADDRESS_BYTES_MAX || !is_plain {
            return Err(error());
        }
        Ok(Self { network, address: address.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_an_address_of_a_network() {
        let text = "eip155:1/0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
        let destination: Destination = text.parse().unwrap();
        assert_eq!(destination.to_string(), text);
        assert!(destination.is(Network::ETHEREUM, &text[9..]));
        assert!(!destination.is(Network::Solana, &text[9..]));
        assert!(!destination.is(Network::ETHEREUM, &text[9..].to_lowercase()));
        let long = format!("eip155:1/{}", "a".repeat(129));
        for bad in
            ["", "eip155:1", "eip155:1/", "nothing/abc", "eip155:1/a,b", "eip155:1/a b", &long]
        {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
    }
}
