//! What the sample clusters are for: three keys, two payees on each network, and who is nobody.

use quorate_model::{Network, Scheme};

/// The policy that knows the keys and payees below.
pub(crate) const POLICY: &str = include_str!("policy.toml");

/// The networks that the sample keys pay on.
pub(crate) const NETWORKS: [Network; 2] = [Network::BitcoinRegtest, Network::SolanaDevnet];

/// One key for each scheme, by name.
pub(crate) const KEYS: [(&str, Scheme); 3] = [
    ("btc", Scheme::FrostSecp256k1Tr),
    ("sol", Scheme::FrostEd25519),
    ("schnorr", Scheme::FrostSecp256k1),
];

/// A payee that the policy lists: BIP-84's first test address, on regtest.
pub(crate) const BTC_PAYEE: &str = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx";
/// An address that the policy does not list: BIP-173's example, on regtest.
pub(crate) const BTC_STRANGER: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
/// A payee that the policy lists: the public key of RFC 8032's first test.
pub(crate) const SOL_PAYEE: &str = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z";

/// Coins that no chain has: nothing here is broadcast.
pub(crate) const COINS: [(&str, u64); 2] = [
    ("1111111111111111111111111111111111111111111111111111111111111111:0", 70_000),
    ("2222222222222222222222222222222222222222222222222222222222222222:1", 50_000),
];

/// A blockhash that no chain has.
pub(crate) const BLOCKHASH: [u8; 32] = [7; 32];

#[cfg(test)]
mod tests {
    use quorate_intent::Address;
    use quorate_policy::Bundle;

    use super::*;

    #[test]
    fn the_policy_is_a_bundle_and_lists_the_payees() {
        assert_eq!(Bundle::parse(POLICY).unwrap().rules().count(), 3);
        assert!(POLICY.contains(BTC_PAYEE) && POLICY.contains(SOL_PAYEE));
        assert!(!POLICY.contains(BTC_STRANGER));
        assert!(Address::parse(BTC_STRANGER, Network::BitcoinRegtest).is_ok());
    }

    #[test]
    fn there_is_a_key_for_every_scheme() {
        for scheme in Scheme::ALL {
            assert!(KEYS.iter().any(|(_, sample)| *sample == scheme), "{scheme}");
        }
    }
}
