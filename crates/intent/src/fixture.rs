//! Keys and payloads that the tests share.

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1};
use quorate_model::Network;

use crate::compose::{Coin, EvmSending, Payment, bitcoin_payment, evm_transfer, solana_transfer};
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

/// Whom payments on EVM chains go to: the first vector of EIP-55.
pub(crate) const EVM_RECEIVER: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

/// A whole secp256k1 key that signs as a group of share holders does: r, s and the recovery id.
pub(crate) struct EvmKey {
    secret: k256::ecdsa::SigningKey,
    compressed: Vec<u8>,
    pub(crate) network: Network,
}

impl EvmKey {
    pub(crate) fn new(secret: u8) -> Self {
        let secret = k256::ecdsa::SigningKey::from_slice(&[secret; 32]).unwrap();
        let compressed = secret.verifying_key().to_encoded_point(true).as_bytes().to_vec();
        Self { secret, compressed, network: Network::ETHEREUM }
    }

    pub(crate) fn paying(&self) -> PayingKey<'_> {
        PayingKey {
            group_verifying_key: &self.compressed,
            network: self.network,
            scheme: self.network.usual_scheme(),
        }
    }

    pub(crate) fn sign(&self, digest: &[u8]) -> [u8; 65] {
        let (signature, id) = self.secret.sign_prehash_recoverable(digest).unwrap();
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = id.to_byte();
        bytes
    }

    /// 1.5 ether to [`EVM_RECEIVER`].
    pub(crate) fn payment(&self) -> Vec<u8> {
        let receiver = Address::parse(EVM_RECEIVER, self.network).unwrap();
        let wei = ruint::aliases::U256::from(1_500_000_000_000_000_000_u64);
        evm_transfer(self.paying(), &receiver, wei, SENDING).unwrap()
    }
}

pub(crate) const SENDING: EvmSending = EvmSending {
    nonce: 7,
    gas_limit: 21_000,
    max_fee_per_gas: 30_000_000_000,
    max_priority_fee_per_gas: 1_000_000_000,
};

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
