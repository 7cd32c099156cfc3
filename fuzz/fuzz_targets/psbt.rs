//! A Bitcoin payload: decoded by every node from the exact bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_intent::{PayingKey, Payload, decode};
use quorate_model::Network;

/// The generator of secp256k1: any key will do.
const KEY: [u8; 33] = [
    0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b,
    0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17,
    0x98,
];

fuzz_target!(|psbt: &[u8]| {
    let network = Network::BitcoinRegtest;
    for scheme in network.schemes() {
        let key = PayingKey { group_verifying_key: &KEY, network, scheme: *scheme };
        if let Ok(decoded) = decode(&Payload::BitcoinPsbt(psbt.to_vec()), key) {
            let (messages, claims) = (decoded.signing_messages.len(), decoded.claims.len());
            assert!(messages > 0, "what is decoded has something to sign");
            assert_eq!(messages, claims, "every input is signed for, and spends an output");
        }
    }
});
