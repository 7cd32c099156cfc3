use std::collections::BTreeMap;

use super::*;
use crate::fixture::{BitcoinKey, EvmKey, base58, solana_key, solana_payment};

/// Xorshift (Marsaglia, 2003) from a fixed seed: a failure is the same on every machine.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// One to four changes of `bytes`, or now and then nothing of it at all.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.below(20) == 0 {
            return (0..self.below(200)).map(|_| self.next() as u8).collect();
        }
        let mut mutated = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(mutated.len() + 1);
            match (self.below(5), mutated.get_mut(at)) {
                (0, Some(byte)) => *byte ^= 1 << self.below(8),
                (1, Some(byte)) => *byte = self.next() as u8,
                (2, Some(_)) => {
                    mutated.remove(at);
                }
                (3, Some(_)) => mutated.truncate(at),
                (_, _) => mutated.insert(at, self.next() as u8),
            }
        }
        mutated
    }
}

/// Whatever the bytes: a typed refusal or a decoded intent, and never two meanings of one signature.
fn never_two_meanings(payload: impl Fn(Vec<u8>) -> Payload, good: &[Vec<u8>], key: PayingKey<'_>) {
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    let mut meanings = BTreeMap::new();
    let mut accepted = 0;
    for round in 0..10_000 {
        let mutated = random.mutate(&good[round % good.len()]);
        let Ok(decoded) = decode(&payload(mutated.clone()), key) else { continue };
        accepted += 1;
        assert!(!decoded.intent.effects.is_empty() && !decoded.signing_messages.is_empty());
        let meaning = decoded.intent.effects_digest();
        let first = *meanings.entry(decoded.signing_messages).or_insert(meaning);
        assert_eq!(first, meaning, "{}", hex::encode(mutated));
    }
    assert!(accepted > 0, "mutations that change an amount or an address are still payloads");
}

#[test]
fn mutated_psbts_are_refused_or_mean_what_is_signed() {
    for key in [BitcoinKey::new(1), BitcoinKey::ecdsa(1)] {
        let good = [key.payment(), bitcoin::version2_of(&key.payment())];
        never_two_meanings(Payload::BitcoinPsbt, &good, key.paying());
    }
}

#[test]
fn mutated_messages_are_refused_or_mean_what_is_signed() {
    let good = solana::good_messages();
    never_two_meanings(Payload::SolanaMessage, &good, solana_key());
}

#[test]
fn mutated_transactions_are_refused_or_mean_what_is_signed() {
    let key = EvmKey::new(1);
    never_two_meanings(Payload::EvmTransaction, &evm::tests::good_transactions(), key.paying());
}

#[test]
fn mutated_typed_data_is_refused_or_means_what_is_signed() {
    let key = EvmKey::new(1);
    never_two_meanings(Payload::EvmTypedData, &[evm::tests::good_typed_data()], key.paying());
}

#[test]
fn a_payload_of_another_chain_is_refused() {
    let bitcoin = BitcoinKey::new(1);
    let refusal = decode(&Payload::BitcoinPsbt(bitcoin.payment()), solana_key());
    let network = Network::SolanaDevnet;
    assert_eq!(refusal, Err(DecodeError::WrongFormat { format: "bitcoin-psbt", network }));
    let refusal = decode(&Payload::SolanaMessage(solana_payment()), bitcoin.paying());
    let network = Network::BitcoinRegtest;
    assert_eq!(refusal, Err(DecodeError::WrongFormat { format: "solana-message", network }));
    let evm = EvmKey::new(1);
    for (payload, key) in [
        (Payload::EvmTransaction(evm.payment()), bitcoin.paying()),
        (Payload::EvmMessage(b"hello".to_vec()), solana_key()),
        (Payload::BitcoinPsbt(bitcoin.payment()), evm.paying()),
        (Payload::SolanaMessage(solana_payment()), evm.paying()),
    ] {
        let refusal = decode(&payload, key);
        assert!(matches!(refusal, Err(DecodeError::WrongFormat { .. })), "{refusal:?}");
    }
}

#[test]
fn a_payload_over_the_limit_is_refused_before_it_is_read() {
    let key = BitcoinKey::new(1);
    let at_limit = decode(&Payload::BitcoinPsbt(vec![0; PAYLOAD_BYTES_MAX]), key.paying());
    assert_eq!(at_limit, Err(PsbtError::Magic.into()));
    let above = decode(&Payload::BitcoinPsbt(vec![0; PAYLOAD_BYTES_MAX + 1]), key.paying());
    assert_eq!(above, Err(DecodeError::TooLong { bytes: PAYLOAD_BYTES_MAX + 1 }));
}

/// The first vector of BIP-341's `scriptPubKey` list: a key without script tree.
#[test]
fn a_bitcoin_address_is_that_of_bip341() {
    let internal = "02d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d";
    let group_verifying_key = hex::decode(internal).unwrap();
    let paying = |network| PayingKey {
        group_verifying_key: &group_verifying_key,
        network,
        scheme: network.usual_scheme(),
    };
    let mainnet = address(paying(Network::Bitcoin)).unwrap();
    let expected = "bc1p2wsldez5mud2yam29q22wgfh9439spgduvct83k3pm50fcxa5dps59h4z5";
    assert_eq!(mainnet.as_str(), expected);
    for (network, prefix) in [
        (Network::BitcoinTestnet, "tb1p2wsldez5"),
        (Network::BitcoinSignet, "tb1p2wsldez5"),
        (Network::BitcoinRegtest, "bcrt1p2wsldez5"),
    ] {
        let address = address(paying(network)).unwrap();
        assert!(address.as_str().starts_with(prefix), "{address}");
        assert_eq!(Address::parse(address.as_str(), network).unwrap(), address);
    }
}

#[test]
fn a_solana_address_is_the_group_key() {
    let group_verifying_key = [0; 32];
    let key = PayingKey {
        group_verifying_key: &group_verifying_key,
        network: Network::Solana,
        scheme: Network::Solana.usual_scheme(),
    };
    assert_eq!(address(key).unwrap().as_str(), base58([0; 32]));
    assert_eq!(base58([0; 32]), "1".repeat(32));
}

#[test]
fn a_key_of_another_scheme_is_refused() {
    let point = hex::decode("02d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d");
    let point = point.unwrap();
    let no_point = [&[5], [0xff; 32].as_slice()].concat();
    for (group_verifying_key, network) in [
        (point.as_slice(), Network::Solana),
        (point.get(1..).unwrap(), Network::Bitcoin),
        (no_point.as_slice(), Network::Bitcoin),
        (&[], Network::Solana),
    ] {
        let refusal =
            address(PayingKey { group_verifying_key, network, scheme: network.usual_scheme() });
        let bytes = group_verifying_key.len();
        assert_eq!(
            refusal,
            Err(DecodeError::Key { bytes, scheme: network.usual_scheme(), network })
        );
    }
    // Uncompressed points are another encoding of the same key.
    let uncompressed = bitcoin_uncompressed(&point);
    let key = PayingKey {
        group_verifying_key: &uncompressed,
        network: Network::Bitcoin,
        scheme: Network::Bitcoin.usual_scheme(),
    };
    assert!(matches!(address(key), Err(DecodeError::Key { bytes: 65, .. })));
}

fn bitcoin_uncompressed(point: &[u8]) -> [u8; 65] {
    ::bitcoin::secp256k1::PublicKey::from_slice(point).unwrap().serialize_uncompressed()
}

#[test]
fn more_effects_than_can_be_decided_on_are_refused() {
    use crate::compose::{Coin, Payment, bitcoin_payment};
    let key = BitcoinKey::new(1);
    let other = BitcoinKey::new(2);
    let payee = address(other.paying()).unwrap();
    let pay = |count: usize| {
        let outpoint = format!("{:064x}:0", 1);
        let coins = [Coin { outpoint: &outpoint, sats: 1_000_000_000 }];
        let payments = vec![Payment { address: &payee, sats: 1_000 }; count];
        let psbt = bitcoin_payment(key.paying(), &coins, &payments, 10_000).unwrap();
        decode(&Payload::BitcoinPsbt(psbt), key.paying())
    };
    assert!(pay(EFFECTS_MAX).is_ok());
    let above = EFFECTS_MAX + 1;
    assert_eq!(pay(above), Err(DecodeError::TooManyEffects { effects: above }));
}
