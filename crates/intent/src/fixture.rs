//! Keys and payloads that the tests share.

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1};
use quorate_model::Network;

use crate::compose::{Coin, Payment, bitcoin_payment, solana_transfer};
use crate::{Address, PayingKey};

pub(crate) const COIN_A: &str =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1";
pub(crate) const COIN_B: &str =
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb:0";
/// The P2WPKH example of BIP-173, on regtest.
pub(crate) const RECEIVER: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

/// A whole secp256k1 key, in the place of a group of share holders.
pub(crate) struct BitcoinKey {
    keypair: Keypair,
    compressed: [u8; 33],
}

impl BitcoinKey {
    pub(crate) fn new(secret: u8) -> Self {
        let keypair = Keypair::from_seckey_slice(&Secp256k1::new(), &[secret; 32]).unwrap();
        Self { keypair, compressed: keypair.public_key().serialize() }
    }

    pub(crate) fn paying(&self) -> PayingKey<'_> {
        PayingKey {
            group_verifying_key: &self.compressed,
            network: Network::BitcoinRegtest,
            scheme: Network::BitcoinRegtest.usual_scheme(),
        }
    }

    pub(crate) fn sign(&self, digest: &[u8]) -> [u8; 64] {
        let secp = Secp256k1::new();
        let tweaked = self.keypair.tap_tweak(&secp, None).to_keypair();
        let message = Message::from_digest(digest.try_into().unwrap());
        secp.sign_schnorr_no_aux_rand(&message, &tweaked).serialize()
    }

    /// Two coins of 70 000 and 50 000 sat; 100 000 to [`RECEIVER`], 500 fee, 19 500 back.
    pub(crate) fn payment(&self) -> Vec<u8> {
        let key = self.paying();
        let address = Address::parse(RECEIVER, key.network).unwrap();
        let coins =
            [Coin { outpoint: COIN_A, sats: 70_000 }, Coin { outpoint: COIN_B, sats: 50_000 }];
        let payments = [Payment { address: &address, sats: 100_000 }];
        bitcoin_payment(key, &coins, &payments, 500).unwrap()
    }
}

pub(crate) const SOLANA_PAYER: [u8; 32] = [7; 32];
pub(crate) const SOLANA_RECEIVER: [u8; 32] = [9; 32];
pub(crate) const BLOCKHASH: [u8; 32] = [3; 32];

pub(crate) fn solana_key() -> PayingKey<'static> {
    PayingKey {
        group_verifying_key: &SOLANA_PAYER,
        network: Network::SolanaDevnet,
        scheme: Network::SolanaDevnet.usual_scheme(),
    }
}

pub(crate) fn base58(account: [u8; 32]) -> String {
    solana_message::Address::from(account).to_string()
}

/// 1.5 SOL to [`SOLANA_RECEIVER`].
pub(crate) fn solana_payment() -> Vec<u8> {
    let key = solana_key();
    let receiver = Address::parse(&base58(SOLANA_RECEIVER), key.network).unwrap();
    solana_transfer(key, &receiver, 1_500_000_000, BLOCKHASH).unwrap()
}
