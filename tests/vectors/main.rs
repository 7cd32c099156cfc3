//! Published test vectors, run through our own machines and verifiers. Where the numbers come from:
//! `data/README.md`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bip32;
mod bip340;
mod bip341;
mod rfc9591;
mod wycheproof;

fn bytes(hex_digits: &str) -> Vec<u8> {
    hex::decode(hex_digits).expect("hexadecimal digits")
}
