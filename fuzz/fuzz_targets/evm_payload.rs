//! A payload for an EVM chain, of the format that the first byte chooses: decoded by every node from the
//! exact bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_intent::{PayingKey, Payload, decode};
use quorate_model::{Network, PayloadFormat};

/// The generator of secp256k1: any key will do.
const KEY: [u8; 33] = [
    0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b,
    0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17,
    0x98,
];

const FORMATS: [PayloadFormat; 4] = [
    PayloadFormat::EvmTransaction,
    PayloadFormat::EvmMessage,
    PayloadFormat::EvmTypedData,
    PayloadFormat::EvmAuthorization,
];

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let network = Network::ETHEREUM;
    let key = PayingKey { group_verifying_key: &KEY, network, scheme: network.usual_scheme() };
    let format = FORMATS[usize::from(*choice) % FORMATS.len()];
    if let Ok(decoded) = decode(&Payload::new(format, bytes.to_vec()), key) {
        assert_eq!(decoded.signing_messages.len(), 1, "what is decoded has one digest to sign");
        assert!(!decoded.intent.effects.is_empty(), "and does something");
    }
});
