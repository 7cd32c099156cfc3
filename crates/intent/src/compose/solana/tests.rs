use quorate_model::Network;

use super::*;
use crate::fixture::{BLOCKHASH, BitcoinKey, RECEIVER, SOLANA_RECEIVER, base58, solana_key};
use crate::{Flag, Payload, decode};

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

#[test]
fn a_transfer_on_a_durable_nonce_is_decoded_as_one() {
    let network = Network::SolanaDevnet;
    let [receiver, holder] =
        [SOLANA_RECEIVER, [11; 32]].map(|a| Address::parse(&base58(a), network).unwrap());
    let message = solana_nonce_transfer(solana_key(), &receiver, 7, &holder, BLOCKHASH).unwrap();
    let intent = decode(&Payload::SolanaMessage(message), solana_key()).unwrap().intent;
    assert_eq!(intent.nonce_account, Some(holder));
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    assert_eq!(
        (&effect.destination, effect.flags.as_slice()),
        (&receiver, &[Flag::DurableNonce][..])
    );
}
