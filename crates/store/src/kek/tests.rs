use std::fs::{self, Permissions};

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn file(&self, mode: u32, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("passphrase");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn read(&self, mode: u32, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, KekError> {
        KekSource::PassphraseFile(self.file(mode, bytes)).read()
    }
}

fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

#[test]
fn one_newline_at_the_end_is_not_part_of_the_passphrase() {
    let folder = folder();
    assert_eq!(*folder.read(0o600, b"horse").unwrap(), b"horse");
    assert_eq!(*folder.read(0o600, b"horse\n").unwrap(), b"horse");
    assert_eq!(*folder.read(0o600, b"horse\n\n").unwrap(), b"horse\n");
}

#[test]
fn a_file_that_others_can_use_is_refused() {
    for mode in [0o640, 0o604, 0o620, 0o602] {
        let refused = folder().read(mode, b"horse").unwrap_err();
        assert!(matches!(refused, KekError::Exposed { mode: found, .. } if found == mode));
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}

#[test]
fn an_empty_file_and_a_long_file_are_refused() {
    let folder = folder();
    assert!(matches!(folder.read(0o600, b""), Err(KekError::Empty { .. })));
    assert!(matches!(folder.read(0o600, b"\n"), Err(KekError::Empty { .. })));
    assert!(folder.read(0o600, &[b'a'; 4096]).is_ok());
    assert!(matches!(folder.read(0o600, &[b'a'; 4097]), Err(KekError::TooLong { .. })));
}

#[test]
fn a_missing_file_and_a_folder_are_refused() {
    let folder = folder();
    let read = |path: &Path| KekSource::PassphraseFile(path.to_owned()).read();
    assert!(matches!(read(&folder.0.path().join("none")), Err(KekError::Io { .. })));
    assert!(matches!(read(folder.0.path()), Err(KekError::NotAFile { .. })));
}

#[test]
fn a_credential_is_a_file_of_that_name_in_the_folder_of_systemd() {
    let folder = folder();
    let dir = || Some(folder.0.path().into());
    folder.file(0o440, b"horse");
    assert_eq!(*read_credential(dir(), "passphrase").unwrap(), b"horse");
    assert!(matches!(read_credential(None, "passphrase"), Err(KekError::NoCredentials)));
    for name in ["", ".", "..", "../passphrase", "/etc/passwd"] {
        let refused = read_credential(dir(), name);
        assert!(matches!(refused, Err(KekError::CredentialName { .. })), "{name}");
    }
    folder.file(0o444, b"horse");
    let refused = read_credential(dir(), "passphrase");
    assert!(matches!(refused, Err(KekError::Exposed { .. })));
}

#[test]
fn a_key_depends_on_passphrase_salt_and_cost() {
    let derive = |passphrase: &[u8], salt, passes| {
        let params = KdfParams { passes, ..KdfParams::light() };
        *Kek::derive(passphrase, params, &[salt; 16]).unwrap().0
    };
    let key = derive(b"horse", 1, 1);
    assert_eq!(key, derive(b"horse", 1, 1));
    for other in [derive(b"house", 1, 1), derive(b"horse", 2, 1), derive(b"horse", 1, 2)] {
        assert_ne!(key, other);
    }
}

#[test]
fn what_a_passphrase_costs_in_production_is_affordable() {
    assert!(KdfParams::production().is_affordable());
    let params = KdfParams { memory_kib: u32::MAX, ..KdfParams::light() };
    assert!(!params.is_affordable());
}

#[test]
fn a_key_is_not_in_its_debug_text() {
    let kek = Kek::derive(b"horse", KdfParams::light(), &[0; 16]).unwrap();
    assert_eq!(format!("{kek:?}"), "Kek(<redacted>)");
}
