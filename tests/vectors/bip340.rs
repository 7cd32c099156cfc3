//! BIP-340's `test-vectors.csv`, against the verifier that `frost-secp256k1-tr` signatures are
//! checked with (k256), and against the suite's own, which aggregation uses.

use frost_core::{Signature, VerifyingKey};
use k256::schnorr::signature::hazmat::PrehashVerifier as _;
use quorate_protocol::suite::Secp256k1Tr;

use crate::bytes;

const ROWS: &str = include_str!("data/bip340.csv");

struct Row {
    index: usize,
    secret_key: Option<Vec<u8>>,
    public_key: Vec<u8>,
    aux_rand: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    valid: bool,
}

fn rows() -> Vec<Row> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.splitn(8, ',').collect();
        let [index, secret, public, aux, message, signature, result, _comment] = fields[..] else {
            panic!("eight fields: {line}")
        };
        Row {
            index: index.parse().unwrap(),
            secret_key: (!secret.is_empty()).then(|| bytes(secret)),
            public_key: bytes(public),
            aux_rand: bytes(aux),
            message: bytes(message),
            signature: bytes(signature),
            valid: result == "TRUE",
        }
    };
    ROWS.lines().skip(1).map(row).collect()
}

fn k256_accepts(row: &Row) -> bool {
    let key = k256::schnorr::VerifyingKey::from_bytes(&row.public_key);
    let signature = k256::schnorr::Signature::try_from(row.signature.as_slice());
    matches!((key, signature), (Ok(k), Ok(s)) if k.verify_prehash(&row.message, &s).is_ok())
}

fn suite_accepts(row: &Row) -> bool {
    let encoded = [&[2], row.public_key.as_slice()].concat();
    let key = VerifyingKey::<Secp256k1Tr>::deserialize(&encoded);
    let signature = Signature::<Secp256k1Tr>::deserialize(&row.signature);
    matches!((key, signature), (Ok(k), Ok(s)) if k.verify(&row.message, &s).is_ok())
}

#[test]
fn all_rows_are_there() {
    let indexes: Vec<_> = rows().iter().map(|row| row.index).collect();
    assert_eq!(indexes, (0..19).collect::<Vec<_>>());
    assert_eq!(rows().iter().filter(|row| row.valid).count(), 9);
}

#[test]
fn k256_gives_the_published_results() {
    for row in rows() {
        assert_eq!(k256_accepts(&row), row.valid, "row {}", row.index);
    }
}

#[test]
fn the_suite_gives_the_published_results() {
    for row in rows() {
        assert_eq!(suite_accepts(&row), row.valid, "row {}", row.index);
    }
}

#[test]
fn secret_keys_give_the_published_signatures() {
    for row in rows() {
        let Some(secret) = &row.secret_key else { continue };
        let key = k256::schnorr::SigningKey::from_bytes(secret).unwrap();
        assert_eq!(key.verifying_key().to_bytes().as_slice(), row.public_key);
        let aux_rand = row.aux_rand.as_slice().try_into().unwrap();
        let signature = key.sign_raw(&row.message, &aux_rand).unwrap();
        assert_eq!(signature.to_bytes().as_slice(), row.signature, "row {}", row.index);
    }
}
