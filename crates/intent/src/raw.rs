//! Raw digests: 32 bytes that somebody else hashed. What they stand for, nobody here can say, so they
//! are signed only for keys that were made for it, under an action of their own.

use quorate_model::Digest;
use ruint::aliases::U256;

use crate::{
    Address, Amount, Asset, DecodeError, Decoded, Effect, EffectKind, Intent, PayingKey, address,
};

/// Length of a digest.
const BYTES: usize = 32;

/// Takes the digest as the message. With `frost-secp256k1-tr` it is signed under the BIP-341 output
/// key, as sighashes are.
///
/// # Errors
/// [`DecodeError::RawDigest`] for another length, [`DecodeError::Key`].
pub(crate) fn decode(
    bytes: &[u8],
    key: PayingKey<'_>,
    payload_digest: Digest,
) -> Result<Decoded, DecodeError> {
    if bytes.len() != BYTES {
        return Err(DecodeError::RawDigest { bytes: bytes.len() });
    }
    let nothing = Amount { asset: Asset::native(key.network), base_units: U256::ZERO };
    let effect = Effect {
        kind: EffectKind::RawDigest,
        amount: nothing.clone(),
        destination: Address(format!("digest:{}", hex::encode(bytes))),
        flags: Vec::new(),
        detail: "whatever it stands for; nothing of it is shown".to_owned(),
    };
    let intent = Intent {
        network: key.network,
        from: address(key)?,
        effects: vec![effect],
        fee: nothing,
        change: Vec::new(),
        nonce_account: None,
        account_nonce: None,
        validity: "from now on, for ever, as far as what it stands for says nothing else"
            .to_owned(),
        payload_digest,
    };
    Ok(Decoded { intent, signing_messages: vec![bytes.to_vec()], claims: Vec::new() })
}

#[cfg(test)]
mod tests {
    use quorate_model::{Network, Scheme};

    use super::*;
    use crate::{Payload, decode as decode_payload};

    /// A group key of each scheme that some network takes. To Solana any 32 bytes are an account.
    fn points() -> [(Network, Scheme, Vec<u8>); 4] {
        let generator =
            hex::decode("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
        let (secp256k1, ed25519) = (generator.unwrap(), vec![0x58; 32]);
        [
            (Network::Bitcoin, Scheme::FrostSecp256k1Tr, secp256k1.clone()),
            (Network::Bitcoin, Scheme::EcdsaSecp256k1, secp256k1.clone()),
            (Network::ETHEREUM, Scheme::EcdsaSecp256k1, secp256k1),
            (Network::Solana, Scheme::FrostEd25519, ed25519),
        ]
    }

    #[test]
    fn a_digest_is_the_message_whatever_the_chain() {
        for (network, scheme, point) in points() {
            let key = PayingKey { group_verifying_key: &point, scheme, network };
            let payload = Payload::RawDigest(vec![7; 32]);
            let decoded = decode_payload(&payload, key).unwrap();
            assert_eq!(decoded.signing_messages, [vec![7; 32]]);
            assert_eq!(decoded.intent.action(), Some(EffectKind::RawDigest));
            assert_eq!(decoded.intent.from, address(key).unwrap());
            assert_eq!(decoded.intent.payload_digest, payload.digest());
            let lines = decoded.intent.lines().join("\n");
            assert!(lines.contains(&format!("digest:{}", "07".repeat(32))), "{lines}");
        }
    }

    #[test]
    fn another_length_is_refused() {
        for (network, scheme, point) in points() {
            let key = PayingKey { group_verifying_key: &point, scheme, network };
            for bytes in [0, 1, 31, 33, 64] {
                let refused = decode_payload(&Payload::RawDigest(vec![7; bytes]), key);
                assert_eq!(refused, Err(DecodeError::RawDigest { bytes }));
            }
        }
    }

    #[test]
    fn a_key_that_the_network_does_not_take_is_refused() {
        let [(_, _, point), ..] = points();
        let (network, scheme) = (Network::ETHEREUM, Scheme::FrostSecp256k1Tr);
        let key = PayingKey { group_verifying_key: &point, scheme, network };
        let refused = decode_payload(&Payload::RawDigest(vec![7; 32]), key).unwrap_err();
        assert!(matches!(refused, DecodeError::Key { .. }), "{refused}");
    }
}
