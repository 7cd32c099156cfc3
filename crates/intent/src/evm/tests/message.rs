//! Personal messages.

use alloy_primitives::eip191_hash_message;

use super::refusals::good;
use super::*;

fn read(message: &[u8]) -> Result<Decoded, DecodeError> {
    crate::decode(&Payload::EvmMessage(message.to_vec()), EvmKey::new(1).paying())
}

fn refused(message: &[u8]) -> EvmError {
    match read(message) {
        Err(DecodeError::Evm(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_shown_with_everything_escaped() {
    let text = "Login to \u{202e}evil\n\"ok\"";
    let Decoded { intent, signing_messages, .. } = read(text.as_bytes()).unwrap();
    assert_eq!(signing_messages, [eip191_hash_message(text).to_vec()]);
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    assert_eq!(effect.kind, EffectKind::Message);
    assert_eq!(effect.detail, r#""Login to \u{202e}evil\n\"ok\"""#);
    let digest = hex::encode(&signing_messages[0]);
    assert_eq!(effect.destination.as_str(), format!("message:0x{digest}"));
    assert_eq!((intent.fee.base_units, intent.account_nonce), (U256::ZERO, None));
    assert_eq!(read(&[0xff, 0xfe]).unwrap().intent.effects[0].detail, "0xfffe");
    assert!(
        intent.lines().iter().all(|line| line.bytes().all(|byte| (0x20..0x7f).contains(&byte)))
    );
}

#[test]
fn what_would_be_something_else_is_refused() {
    let key = EvmKey::new(1);
    for bytes in good() {
        let what = "a transaction";
        assert_eq!(refused(&bytes), EvmError::Ambiguous { what });
        let payload = Payload::EvmTransaction(bytes.clone());
        let signed = finalize(&payload, key.paying(), &key.sign(&keccak256(&bytes).0)).unwrap();
        assert_eq!(refused(&signed), EvmError::Ambiguous { what });
        assert_eq!(refused(hex::encode(&bytes).as_bytes()), EvmError::Ambiguous { what });
        let text = format!("0x{}\n", hex::encode(&signed));
        assert_eq!(refused(text.as_bytes()), EvmError::Ambiguous { what });
    }
    // A Safe takes it for its owner's word on the transaction with this hash, also if that is ASCII.
    let what = "a digest, as contracts take it";
    assert_eq!(refused(&[7; 32]), EvmError::Ambiguous { what });
    assert_eq!(refused(b"abcdefghijklmnopqrstuvwxyz012345"), EvmError::Ambiguous { what });
    let preimage = [&[0x19, 0x01], [7; 64].as_slice()].concat();
    assert!(matches!(refused(&preimage), EvmError::Ambiguous { .. }));
    assert!(matches!(refused(b"\x19Ethereum Signed Message:\n1a"), EvmError::Ambiguous { .. }));
    let authorization =
        alloy_eips::eip7702::Authorization { chain_id: U256::ZERO, address: SAFE, nonce: 1 };
    let what = "an authorization";
    assert_eq!(refused(&delegation::encoded(&authorization)), EvmError::Ambiguous { what });
}

#[test]
fn a_message_is_no_longer_than_people_read() {
    assert!(read(&[b'a'; 4_096]).is_ok());
    let bytes = 4_097;
    assert_eq!(refused(&vec![b'a'; bytes]), EvmError::LongMessage { bytes, max: 4_096 });
}
