use quorate_model::Digest;
use rand_core::OsRng;

use super::*;

const NODE: Binding = Binding::new(Digest::new([1; 32]));

fn passphrase(text: &[u8]) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_vec())).unwrap()
}

#[test]
fn a_key_depends_on_passphrase_salt_and_cost() {
    let derive = |text: &[u8], salt, passes| {
        let kdf = KdfParams { passes, ..KdfParams::light() };
        *Derivation { kdf, salt: [salt; 16] }.key(&passphrase(text)).unwrap()
    };
    let key = derive(b"horse", 1, 1);
    assert_eq!(key, derive(b"horse", 1, 1));
    for other in [derive(b"house", 1, 1), derive(b"horse", 2, 1), derive(b"horse", 1, 2)] {
        assert_ne!(key, other);
    }
}

#[test]
fn a_key_is_found_again_by_its_description_and_its_passphrase() {
    let kdf = KdfParams::light();
    let key = PassphraseKey::generate(NODE, &passphrase(b"horse"), kdf, &mut OsRng).unwrap();
    let open = |description: &[u8], binding, text| {
        PassphraseKey::open(description, binding, &passphrase(text))
    };
    let description = key.description();
    let found = open(&description, NODE, b"horse").unwrap().unwrap();
    assert_eq!(found.key, key.key);
    assert!(matches!(open(&description, NODE, b"house"), Err(KekError::Wrong)));
    let other = Binding::new(Digest::new([2; 32]));
    assert!(matches!(open(&description, other, b"horse"), Err(KekError::Wrong)));
    assert!(matches!(open(&[&[2], &description[1..]].concat(), NODE, b"horse"), Ok(None)));
}

#[test]
fn what_a_passphrase_costs_in_production_is_affordable() {
    let decode = |memory_kib| {
        let kdf = KdfParams { memory_kib, ..KdfParams::production() };
        Derivation::decode(&mut Fields::new(&Derivation { kdf, salt: [0; 16] }.encode()))
    };
    assert!(decode(KdfParams::production().memory_kib).is_some());
    assert!(decode(u32::MAX).is_none());
}

#[test]
fn a_key_is_not_in_its_debug_text() {
    let kdf = KdfParams::light();
    let key = PassphraseKey::generate(NODE, &passphrase(b"horse"), kdf, &mut OsRng).unwrap();
    assert_eq!(format!("{key:?}"), "PassphraseKey(<redacted>)");
}
