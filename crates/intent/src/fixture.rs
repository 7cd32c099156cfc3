//! Keys and payloads that the tests share.

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1};
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use quorate_model::{Network, Scheme};

use crate::bitcoin::Owner;
use crate::compose::{
    Coin, EvmSending, Payment, bitcoin_payment, bitcoin_payment_proven, evm_transfer,
    solana_transfer,
};
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
    scheme: Scheme,
}

impl BitcoinKey {
    /// Of Taproot.
    pub(crate) fn new(secret: u8) -> Self {
        Self::of(secret, Scheme::FrostSecp256k1Tr)
    }

    /// Of P2WPKH.
    pub(crate) fn ecdsa(secret: u8) -> Self {
        Self::of(secret, Scheme::EcdsaSecp256k1)
    }

    fn of(secret: u8, scheme: Scheme) -> Self {
        let keypair = Keypair::from_seckey_slice(&Secp256k1::new(), &[secret; 32]).unwrap();
        Self { keypair, compressed: keypair.public_key().serialize(), scheme }
    }

    pub(crate) fn paying(&self) -> PayingKey<'_> {
        PayingKey {
            group_verifying_key: &self.compressed,
            network: Network::BitcoinRegtest,
            scheme: self.scheme,
        }
    }

    /// As the scheme signs: BIP-340, or r, s and a recovery id.
    pub(crate) fn sign(&self, digest: &[u8]) -> Vec<u8> {
        let secp = Secp256k1::new();
        let message = Message::from_digest(digest.try_into().unwrap());
        if self.scheme == Scheme::EcdsaSecp256k1 {
            let signature = secp.sign_ecdsa(&message, &self.keypair.secret_key());
            return [signature.serialize_compact().as_slice(), &[0]].concat();
        }
        let tweaked = self.keypair.tap_tweak(&secp, None).to_keypair();
        secp.sign_schnorr_no_aux_rand(&message, &tweaked).serialize().to_vec()
    }

    /// Two coins of 70 000 and 50 000 sat; 100 000 to [`RECEIVER`], 500 fee, 19 500 back. Those of
    /// P2WPKH come with their previous transactions.
    pub(crate) fn payment(&self) -> Vec<u8> {
        let key = self.paying();
        let address = Address::parse(RECEIVER, key.network).unwrap();
        let payments = [Payment { address: &address, sats: 100_000 }];
        if self.scheme != Scheme::EcdsaSecp256k1 {
            let coins =
                [Coin { outpoint: COIN_A, sats: 70_000 }, Coin { outpoint: COIN_B, sats: 50_000 }];
            return bitcoin_payment(key, &coins, &payments, 500).unwrap();
        }
        let previous = [self.previous(70_000, 1), self.previous(50_000, 0)];
        let outpoints = [(0, 1), (1, 0)].map(|(transaction, vout): (usize, u32)| {
            format!("{}:{vout}", previous[transaction].compute_txid())
        });
        let coins = [
            Coin { outpoint: &outpoints[0], sats: 70_000 },
            Coin { outpoint: &outpoints[1], sats: 50_000 },
        ];
        let previous = previous.map(|transaction| bitcoin::consensus::serialize(&transaction));
        bitcoin_payment_proven(key, &coins, &previous, &payments, 500).unwrap()
    }

    /// A transaction whose output `vout`, its last, is the key's own.
    pub(crate) fn previous(&self, sats: u64, vout: u32) -> Transaction {
        let script_pubkey = Owner::new(self.paying()).unwrap().script;
        let empty = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new() };
        let mut output = vec![empty; vout as usize];
        output.push(TxOut { value: Amount::from_sat(sats), script_pubkey });
        Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: bitcoin::absolute::LockTime::ZERO,
            input: vec![Default::default()],
            output,
        }
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
