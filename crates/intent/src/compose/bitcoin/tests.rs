use quorate_model::Network;

use super::*;
use crate::fixture::{BitcoinKey, COIN_A, COIN_B, RECEIVER, solana_key};
use crate::{Payload, decode};

fn compose(coins: &[(&str, u64)], paid: u64, fee: u64) -> Result<Vec<u8>, ComposeError> {
    let key = BitcoinKey::new(1);
    let address = Address::parse(RECEIVER, Network::BitcoinRegtest).unwrap();
    let coins: Vec<_> = coins.iter().map(|&(outpoint, sats)| Coin { outpoint, sats }).collect();
    bitcoin_payment(key.paying(), &coins, &[Payment { address: &address, sats: paid }], fee)
}

#[test]
fn coins_without_a_rest_give_no_change() {
    let psbt = compose(&[(COIN_A, 1_000)], 900, 100).unwrap();
    let intent = decode(&Payload::BitcoinPsbt(psbt), BitcoinKey::new(1).paying()).unwrap().intent;
    assert_eq!(intent.change, []);
    assert_eq!(intent.effects.len(), 1);
}

#[test]
fn what_cannot_be_paid_is_refused() {
    let short = compose(&[(COIN_A, 1_000)], 950, 100);
    assert_eq!(short, Err(ComposeError::Funds { coins: 1_000, needed: 1_050 }));
    assert_eq!(compose(&[(COIN_A, 1_000)], 570, 101), Err(ComposeError::DustChange(329)));
    assert!(compose(&[(COIN_A, 1_000)], 570, 100).is_ok());
    let overflow = compose(&[(COIN_A, u64::MAX), (COIN_B, 1)], 1, 1);
    assert_eq!(overflow, Err(ComposeError::Overflow));
    let outpoint = compose(&[("abc:0", 1_000)], 570, 100);
    assert_eq!(outpoint, Err(ComposeError::Outpoint("abc:0".to_owned())));
}

#[test]
fn other_networks_and_their_addresses_are_refused() {
    let key = BitcoinKey::new(1);
    let coins = [Coin { outpoint: COIN_A, sats: 1_000 }];
    let network = Network::SolanaDevnet;
    let refused = bitcoin_payment(solana_key(), &coins, &[], 0);
    assert_eq!(refused, Err(ComposeError::Network { network, payment: "Bitcoin payments" }));
    let mainnet = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let address = Address::parse(mainnet, Network::Bitcoin).unwrap();
    let payments = [Payment { address: &address, sats: 570 }];
    let refused = bitcoin_payment(key.paying(), &coins, &payments, 100);
    assert!(matches!(refused, Err(ComposeError::Address(_))));
}

#[test]
fn coins_of_a_key_hash_need_their_previous_transactions() {
    let key = BitcoinKey::ecdsa(1);
    let address = Address::parse(RECEIVER, Network::BitcoinRegtest).unwrap();
    let payments = [Payment { address: &address, sats: 900 }];
    let transaction = key.previous(1_000, 2);
    let outpoint = format!("{}:2", transaction.compute_txid());
    let coins = [Coin { outpoint: &outpoint, sats: 1_000 }];
    let proven = |previous: &[Vec<u8>]| {
        bitcoin_payment_proven(key.paying(), &coins, previous, &payments, 100)
    };
    let missing = Err(ComposeError::MissingPreviousTransaction(outpoint.clone()));
    assert_eq!(bitcoin_payment(key.paying(), &coins, &payments, 100), missing);
    let other = bitcoin::consensus::serialize(&key.previous(1_000, 1));
    assert_eq!(proven(std::slice::from_ref(&other)), missing);
    let whole = bitcoin::consensus::serialize(&transaction);
    let cut = whole[1..].to_vec();
    assert_eq!(proven(&[whole.clone(), cut]), Err(ComposeError::PreviousTransaction(1)));
    let psbt = proven(&[other, whole]).unwrap();
    assert!(decode(&Payload::BitcoinPsbt(psbt), key.paying()).is_ok());
}

#[test]
fn taproot_coins_may_bring_theirs() {
    let key = BitcoinKey::new(1);
    let address = Address::parse(RECEIVER, Network::BitcoinRegtest).unwrap();
    let transaction = key.previous(1_000, 0);
    let outpoint = format!("{}:0", transaction.compute_txid());
    let previous = [bitcoin::consensus::serialize(&transaction)];
    let compose = |sats: u64| {
        let (coins, fee) = ([Coin { outpoint: &outpoint, sats }], sats - 900);
        let payments = [Payment { address: &address, sats: 900 }];
        bitcoin_payment_proven(key.paying(), &coins, &previous, &payments, fee).unwrap()
    };
    assert!(decode(&Payload::BitcoinPsbt(compose(1_000)), key.paying()).is_ok());
    assert!(decode(&Payload::BitcoinPsbt(compose(1_001)), key.paying()).is_err());
}
