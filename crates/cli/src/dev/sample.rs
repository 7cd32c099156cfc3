//! What the sample clusters are for: three keys, two payees on each network, and who is nobody.

use quorate_model::{ChainId, Network, Scheme};

/// The policy that knows the keys and payees below.
pub(crate) const POLICY: &str = include_str!("policy.toml");

/// The networks that the sample keys pay on.
pub(crate) const NETWORKS: [Network; 3] =
    [Network::BitcoinRegtest, Network::SolanaDevnet, Network::Evm(ChainId::DEVELOPMENT)];

/// One key for each scheme, by name.
pub(crate) const KEYS: [(&str, Scheme); 4] = [
    ("btc", Scheme::FrostSecp256k1Tr),
    ("sol", Scheme::FrostEd25519),
    ("schnorr", Scheme::FrostSecp256k1),
    ("eth", Scheme::EcdsaSecp256k1),
];

/// A payee that the policy lists: BIP-84's first test address, on regtest.
pub(crate) const BTC_PAYEE: &str = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx";
/// An address that the policy does not list: BIP-173's example, on regtest.
pub(crate) const BTC_STRANGER: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
/// A payee that the policy lists: the public key of RFC 8032's first test.
pub(crate) const SOL_PAYEE: &str = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z";

/// A payee that the policy lists: the second account of every development node.
pub(crate) const ETH_PAYEE: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/// The contract of a token that the policy knows.
pub(crate) const ETH_TOKEN: &str = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
/// A transaction that has a Safe run another contract's code as its own (`execTransaction` with operation
/// 1): what the Bybit drain had its signers sign.
pub(crate) const ETH_DELEGATECALL: &str = "02f9020c827a690201843b9aca00830249f0941db92e2eebc8e0c075a02bea49a2935bcd2dfcf480b901\
     e46a76120200000000000000000000000096221423681a6d52e184d440a8efcebb105c72420000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000014000000000000000000000000000000000000000000000000000\
     000000000000010000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000001c00000000000000000000000\
     000000000000000000000000000000000000000044a9059cbb00000000000000000000000070997970c5\
     1812dc3a010c7d01b50e0d17dc79c8000000000000000000000000000000000000000000000000000000\
     000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
     0000000000000000000000000000000000000000000000c0";

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
        assert_eq!(Bundle::parse(POLICY).unwrap().rules().count(), 4);
        assert!([BTC_PAYEE, SOL_PAYEE, ETH_PAYEE].iter().all(|payee| POLICY.contains(payee)));
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
