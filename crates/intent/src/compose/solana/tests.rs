use quorate_model::Network;

use super::*;
use crate::fixture::{BLOCKHASH, BitcoinKey, RECEIVER, SOLANA_RECEIVER, base58, solana_key};

#[test]
fn other_networks_and_their_addresses_are_refused() {
    let bitcoin = BitcoinKey::new(1);
    let receiver = Address::parse(&base58(SOLANA_RECEIVER), Network::SolanaDevnet).unwrap();
    let network = Network::BitcoinRegtest;
    let refused = solana_transfer(bitcoin.paying(), &receiver, 1, BLOCKHASH);
    assert_eq!(refused, Err(ComposeError::Network { network, payment: "Solana transfers" }));
    let foreign = Address::parse(RECEIVER, network).unwrap();
    let refused = solana_transfer(solana_key(), &foreign, 1, BLOCKHASH);
    assert!(matches!(refused, Err(ComposeError::Address(_))));
}
