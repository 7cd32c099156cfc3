use quorate_model::{Digest, Epoch};
use rand_core::OsRng;

use super::*;
use crate::keyring::tests::given;
use crate::{DataKeyId, KdfParams};

const NODE: Binding = Binding::new(Digest::new([1; 32]));
const PLACE: Place<'_> = Place { binding: &NODE, tree: "shares", key: b"treasury" };

fn keyring() -> Keyring {
    let path = "/nonexistent/keyring".into();
    Keyring::generate(path, NODE, &given(b"horse"), KdfParams::light(), &mut OsRng).unwrap()
}

fn sealed(keyring: &Keyring) -> Vec<u8> {
    let key = keyring.by_id(&DataKeyId::Root).unwrap();
    seal(PLACE, key, 7, b"value", &mut OsRng).unwrap()
}

#[test]
fn a_value_opens_where_it_was_sealed() {
    let keyring = keyring();
    assert_eq!(*open(PLACE, &keyring, &sealed(&keyring)).unwrap(), b"value");
}

#[test]
fn the_same_value_is_never_sealed_alike() {
    let keyring = keyring();
    assert_ne!(sealed(&keyring), sealed(&keyring));
}

#[test]
fn a_value_opens_nowhere_else() {
    let keyring = keyring();
    let sealed = sealed(&keyring);
    let other = Binding::new(Digest::new([2; 32]));
    for place in [
        Place { binding: &other, ..PLACE },
        Place { tree: "share", ..PLACE },
        Place { tree: "sharest", key: b"reasury", ..PLACE },
        Place { key: b"treasury-btc", ..PLACE },
    ] {
        assert!(matches!(open(place, &keyring, &sealed), Err(SealError::Mismatch)), "{place:?}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let keyring = keyring();
    let sealed = sealed(&keyring);
    for position in 0..sealed.len() {
        for bit in 0..8 {
            let mut bytes = sealed.clone();
            bytes[position] ^= 1 << bit;
            assert!(open(PLACE, &keyring, &bytes).is_err(), "byte {position} bit {bit}");
        }
        assert!(open(PLACE, &keyring, &sealed[..position]).is_err(), "cut {position}");
    }
}

#[test]
fn a_missing_data_key_and_a_later_format_are_named() {
    let keyring = keyring();
    let key = DataKey::random(&mut OsRng).unwrap();
    let value = seal(PLACE, (9, &key), 7, b"value", &mut OsRng).unwrap();
    let refused = open(PLACE, &keyring, &value);
    assert!(matches!(refused, Err(SealError::DataKeyMissing { serial: 9 })));
    let mut value = sealed(&keyring);
    value[0] = 2;
    assert!(matches!(open(PLACE, &keyring, &value), Err(SealError::Format { format: 2 })));
}

#[test]
fn another_data_key_does_not_open_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring");
    let params = KdfParams::light();
    let mut keyring = Keyring::generate(path, NODE, &given(b"horse"), params, &mut OsRng).unwrap();
    keyring.save(&mut OsRng).unwrap();
    let id = DataKeyId::Share { key: "treasury".parse().unwrap(), epoch: Epoch(0) };
    keyring.add(&id, &mut OsRng).unwrap();
    let (serial, _) = keyring.by_id(&id).unwrap();
    let (_, root) = keyring.by_id(&DataKeyId::Root).unwrap();
    let value = seal(PLACE, (serial, root), 7, b"value", &mut OsRng).unwrap();
    assert!(matches!(open(PLACE, &keyring, &value), Err(SealError::Mismatch)));
}
