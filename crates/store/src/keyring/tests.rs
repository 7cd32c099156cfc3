use quorate_model::{Digest, Epoch};
use rand_core::OsRng;
use sha2::Digest as _;

use super::*;

const NODE: Binding = Binding::new(Digest::new([1; 32]));

fn share(epoch: u64) -> DataKeyId {
    DataKeyId::Share { key: "treasury".parse().unwrap(), epoch: Epoch(epoch) }
}

fn create(dir: &Path) -> Keyring {
    let path = dir.join("keyring");
    let keyring = Keyring::generate(path, NODE, b"horse", KdfParams::light(), &mut OsRng).unwrap();
    keyring.save(&mut OsRng).unwrap();
    keyring
}

fn open(dir: &Path) -> Result<Keyring, KeyringError> {
    Keyring::open(dir.join("keyring"), NODE, b"horse")
}

fn secret(keyring: &Keyring, id: &DataKeyId) -> Option<[u8; 32]> {
    keyring.by_id(id).map(|(_, key)| *key.secret_bytes())
}

/// Rewrites the file by someone who knows the format and not the key.
fn tamper(dir: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let path = dir.join("keyring");
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 32);
    change(&mut bytes);
    let checksum = sha2::Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    fs::write(&path, bytes).unwrap();
}

#[test]
fn keys_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    keyring.add(&share(0), &mut OsRng).unwrap();
    keyring.add(&share(1), &mut OsRng).unwrap();
    let reopened = open(dir.path()).unwrap();
    assert_eq!(reopened.ids().cloned().collect::<Vec<_>>(), [DataKeyId::Root, share(0), share(1)]);
    assert_eq!(reopened.revision(), 3);
    for id in [DataKeyId::Root, share(0), share(1)] {
        assert!(secret(&keyring, &id).is_some());
        assert_eq!(secret(&keyring, &id), secret(&reopened, &id));
    }
}

#[test]
fn adding_a_key_twice_keeps_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    keyring.add(&share(0), &mut OsRng).unwrap();
    let first = secret(&keyring, &share(0));
    keyring.add(&share(0), &mut OsRng).unwrap();
    assert_eq!(secret(&keyring, &share(0)), first);
}

#[test]
fn an_erased_key_is_gone_and_a_new_one_of_its_name_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    keyring.add(&share(0), &mut OsRng).unwrap();
    let (serial, first) = keyring.by_id(&share(0)).map(|(s, k)| (s, *k.secret_bytes())).unwrap();
    assert!(keyring.erase(&share(0), &mut OsRng).unwrap());
    assert!(!keyring.erase(&share(0), &mut OsRng).unwrap());

    let mut reopened = open(dir.path()).unwrap();
    assert!(reopened.by_id(&share(0)).is_none() && reopened.by_serial(serial).is_none());
    reopened.add(&share(0), &mut OsRng).unwrap();
    let (next, second) = reopened.by_id(&share(0)).map(|(s, k)| (s, *k.secret_bytes())).unwrap();
    assert!(next != serial && second != first);
}

#[test]
fn the_root_data_key_is_never_erased() {
    let dir = tempfile::tempdir().unwrap();
    let refused = create(dir.path()).erase(&DataKeyId::Root, &mut OsRng);
    assert!(matches!(refused, Err(KeyringError::RootErased)));
    assert!(secret(&open(dir.path()).unwrap(), &DataKeyId::Root).is_some());
}

#[test]
fn a_wrong_passphrase_is_not_taken_for_damage() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let refused = Keyring::open(dir.path().join("keyring"), NODE, b"house");
    assert!(matches!(refused, Err(KeyringError::WrongKek)));
}

#[test]
fn a_keyring_of_another_node_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let other = Binding::new(Digest::new([2; 32]));
    let refused = Keyring::open(dir.path().join("keyring"), other, b"horse");
    assert!(matches!(refused, Err(KeyringError::OtherNode)));
    // Nor does it help to write the other node's name into the header.
    tamper(dir.path(), |bytes| bytes[45..77].fill(2));
    let refused = Keyring::open(dir.path().join("keyring"), other, b"horse");
    assert!(matches!(refused, Err(KeyringError::WrongKek)));
}

#[test]
fn every_flipped_bit_and_every_cut_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let path = dir.path().join("keyring");
    let good = fs::read(&path).unwrap();
    for position in 0..good.len() {
        let mut bytes = good.clone();
        bytes[position] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(open(dir.path()), Err(KeyringError::Damaged { .. })), "byte {position}");
        fs::write(&path, &good[..position]).unwrap();
        assert!(matches!(open(dir.path()), Err(KeyringError::Damaged { .. })), "cut {position}");
    }
}

#[test]
fn a_change_with_a_new_checksum_is_still_damage() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).add(&share(0), &mut OsRng).unwrap();
    let good = fs::read(dir.path().join("keyring")).unwrap();
    let body = 77 + 40;
    for position in body..good.len() - 32 {
        fs::write(dir.path().join("keyring"), &good).unwrap();
        tamper(dir.path(), |bytes| bytes[position] ^= 1);
        assert!(matches!(open(dir.path()), Err(KeyringError::Damaged { .. })), "byte {position}");
    }
}

#[test]
fn a_header_that_costs_too_much_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    tamper(dir.path(), |bytes| bytes[17] = 0xff);
    assert!(matches!(open(dir.path()), Err(KeyringError::Damaged { .. })));
}

#[test]
fn a_later_format_is_named() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    tamper(dir.path(), |bytes| bytes[16] = 2);
    assert!(matches!(open(dir.path()), Err(KeyringError::Format { format: 2 })));
}

#[test]
fn no_data_key_is_in_the_file_or_the_debug_text() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = create(dir.path());
    let key = secret(&keyring, &DataKeyId::Root).unwrap();
    let file = fs::read(dir.path().join("keyring")).unwrap();
    assert!(!file.windows(32).any(|window| window == key));
    let text = format!("{keyring:?}");
    assert!(text.contains("Kek(<redacted>)") && text.contains("DataKey(<redacted>)"), "{text}");
}

#[test]
fn a_key_that_was_not_written_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    fs::remove_dir_all(dir.path()).unwrap();
    assert!(matches!(keyring.add(&share(0), &mut OsRng), Err(KeyringError::Io { .. })));
    assert!(keyring.by_id(&share(0)).is_none());
    assert_eq!(keyring.revision(), 1);
}
