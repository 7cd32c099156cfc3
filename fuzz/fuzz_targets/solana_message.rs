//! A Solana payload: decoded by every node from the exact bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quorate_intent::{PayingKey, Payload, decode};
use quorate_model::Network;

/// The generator of Ed25519: any key will do.
const KEY: [u8; 32] = [
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
];

fuzz_target!(|message: &[u8]| {
    let key = PayingKey { group_verifying_key: &KEY, network: Network::SolanaDevnet, scheme: Network::SolanaDevnet.usual_scheme() };
    if let Ok(decoded) = decode(&Payload::SolanaMessage(message.to_vec()), key) {
        assert_eq!(decoded.signing_messages, [message], "a message is signed as it is");
    }
});
