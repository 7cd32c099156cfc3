use quorate_model::{Digest, Epoch};
use rand_core::OsRng;
use sha2::Digest as _;
use zeroize::Zeroizing;

use super::*;
use crate::{Passphrase, SecretSource};

mod token;

const NODE: Binding = Binding::new(Digest::new([1; 32]));

fn share(epoch: u64) -> DataKeyId {
    DataKeyId::Share { key: "treasury".parse().unwrap(), epoch: Epoch(epoch) }
}

fn create(dir: &Path) -> Keyring {
    let (path, kek) = (dir.join("keyring"), given(b"horse"));
    let mut keyring = Keyring::generate(path, NODE, &kek, KdfParams::light(), &mut OsRng).unwrap();
    keyring.save(&mut OsRng).unwrap();
    keyring
}

pub(crate) fn given(passphrase: &[u8]) -> KekSource {
    let passphrase = Passphrase::new(Zeroizing::new(passphrase.to_vec())).unwrap();
    KekSource::Passphrase(SecretSource::Given(passphrase.into()))
}

fn open(dir: &Path) -> Result<Keyring, KeyringError> {
    open_with(dir, &[b"horse"])
}

fn open_with(dir: &Path, passphrases: &[&[u8]]) -> Result<Keyring, KeyringError> {
    let keks: Vec<_> = passphrases.iter().map(|passphrase| given(passphrase)).collect();
    Keyring::open(dir.join("keyring"), NODE, &keks)
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
    let refused = open_with(dir.path(), &[b"house"]);
    assert!(matches!(refused, Err(KeyringError::Kek(KekError::Wrong))));
}

#[test]
fn a_keyring_of_another_node_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let other = Binding::new(Digest::new([2; 32]));
    let refused = Keyring::open(dir.path().join("keyring"), other, &[given(b"horse")]);
    assert!(matches!(refused, Err(KeyringError::OtherNode)));
    // Nor does it help to write the other node's name into the header.
    tamper(dir.path(), |bytes| bytes[17..49].fill(2));
    let refused = Keyring::open(dir.path().join("keyring"), other, &[given(b"horse")]);
    assert!(matches!(refused, Err(KeyringError::Kek(KekError::Wrong))));
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
    // Before it, the header, of which each byte has its own answer.
    let body = 51 + usize::from(good[50]);
    for position in body..good.len() - 32 {
        fs::write(dir.path().join("keyring"), &good).unwrap();
        tamper(dir.path(), |bytes| bytes[position] ^= 1);
        assert!(matches!(open(dir.path()), Err(KeyringError::Damaged { .. })), "byte {position}");
    }
}

#[test]
fn a_header_that_costs_too_much_is_not_tried() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    tamper(dir.path(), |bytes| bytes[52] = 0xff);
    assert!(matches!(open(dir.path()), Err(KeyringError::OtherSource)));
}

#[test]
fn a_later_format_is_named() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    tamper(dir.path(), |bytes| bytes[16] = 3);
    assert!(matches!(open(dir.path()), Err(KeyringError::Format { format: 3 })));
}

#[test]
fn no_data_key_is_in_the_file_or_the_debug_text() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = create(dir.path());
    let key = secret(&keyring, &DataKeyId::Root).unwrap();
    let file = fs::read(dir.path().join("keyring")).unwrap();
    assert!(!file.windows(32).any(|window| window == key));
    let text = format!("{keyring:?}");
    assert!(
        text.contains("PassphraseKey(<redacted>)") && text.contains("DataKey(<redacted>)"),
        "{text}"
    );
}

#[test]
fn a_key_that_was_not_written_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    fs::remove_dir_all(dir.path()).unwrap();
    assert!(matches!(keyring.add(&share(0), &mut OsRng), Err(KeyringError::Io { .. })));
    assert!(keyring.by_id(&share(0)).is_none());
    assert_eq!(keyring.revision(), 1);
    // What became of it only a restart tells.
    assert!(matches!(keyring.add(&share(1), &mut OsRng), Err(KeyringError::FailedBefore)));
}

/// As a store does it, at one go.
fn rewrap(keyring: &mut Keyring, next: Option<Box<dyn WrappingKeys>>) -> Result<(), RewrapError> {
    let mut rewrap = keyring.begin_rewrap(next).map_err(RewrapError::Refused)?;
    while keyring.wrap_next(&mut rewrap, &mut OsRng).map_err(RewrapError::Refused)? {}
    let mut before = keyring.switch(rewrap, &mut OsRng).map_err(RewrapError::Failed)?;
    while keyring.destroy_next(&mut before).map_err(RewrapError::Failed)? {}
    Ok(())
}

fn passphrase(passphrase: &[u8]) -> Option<Box<dyn WrappingKeys>> {
    let (binding, kdf) = (NODE, KdfParams::light());
    Some(given(passphrase).make(Making { binding, kdf, rng: &mut OsRng }).unwrap())
}

#[test]
fn another_passphrase_opens_the_same_keys_and_the_old_one_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    keyring.add(&share(0), &mut OsRng).unwrap();
    let keys = [DataKeyId::Root, share(0)].map(|id| secret(&keyring, &id));
    rewrap(&mut keyring, passphrase(b"stable")).unwrap();
    assert_eq!(keyring.revision(), 3);
    keyring.add(&share(1), &mut OsRng).unwrap();

    let refused = open_with(dir.path(), &[b"horse"]);
    assert!(matches!(refused, Err(KeyringError::Kek(KekError::Wrong))));
    // Whichever of the two it is that opens it.
    for passphrases in [[&b"horse"[..], b"stable"], [b"stable", b"horse"]] {
        let reopened = open_with(dir.path(), &passphrases).unwrap();
        assert_eq!([DataKeyId::Root, share(0)].map(|id| secret(&reopened, &id)), keys);
        assert_eq!(secret(&reopened, &share(1)), secret(&keyring, &share(1)));
    }
}

#[test]
fn a_keyring_that_cannot_be_wrapped_anew_is_not_used_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    fs::remove_dir_all(dir.path()).unwrap();
    assert!(matches!(rewrap(&mut keyring, passphrase(b"stable")), Err(RewrapError::Failed(_))));
    let again = rewrap(&mut keyring, passphrase(b"stable"));
    assert!(matches!(again, Err(RewrapError::Refused(KeyringError::FailedBefore))));
}

#[test]
fn with_a_passphrase_an_erasure_is_as_strong_as_the_medium() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(create(dir.path()).erasure(), Erasure::Medium);
}
