use super::*;
use crate::fixture::{BitcoinKey, EVM_RECEIVER, EvmKey, RECEIVER, SENDING};
use crate::{Payload, decode};

#[test]
fn other_networks_and_their_addresses_are_refused() {
    let (bitcoin, key) = (BitcoinKey::new(1), EvmKey::new(1));
    let receiver = Address::parse(EVM_RECEIVER, key.network).unwrap();
    let foreign = Address::parse(RECEIVER, bitcoin.paying().network).unwrap();
    let refused = evm_transfer(bitcoin.paying(), &receiver, U256::ONE, SENDING);
    let network = bitcoin.paying().network;
    assert_eq!(refused, Err(ComposeError::Network { network, payment: "EVM transfers" }));
    let refused = evm_transfer(key.paying(), &foreign, U256::ONE, SENDING);
    assert!(matches!(refused, Err(ComposeError::Address(_))));
}

#[test]
fn a_token_transfer_is_decoded_as_one() {
    let key = EvmKey::new(1);
    let parse = |text| Address::parse(text, key.network).unwrap();
    let usdc = parse("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48");
    let to = parse(EVM_RECEIVER);
    let bytes = evm_token_transfer(key.paying(), &usdc, &to, U256::from(5), SENDING).unwrap();
    let intent = decode(&Payload::EvmTransaction(bytes), key.paying()).unwrap().intent;
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    let asset = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";
    assert_eq!(effect.amount.asset.as_str(), asset);
    assert_eq!((effect.amount.base_units, &effect.destination), (U256::from(5), &to));
}
