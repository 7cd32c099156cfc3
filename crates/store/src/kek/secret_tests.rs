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

    fn read(&self, mode: u32, bytes: &[u8]) -> Result<Vec<u8>, SecretError> {
        read(&SecretSource::File(self.file(mode, bytes)))
    }
}

fn read(source: &SecretSource) -> Result<Vec<u8>, SecretError> {
    source.with(|passphrase| Ok(passphrase.secret_bytes().to_vec()))
}

fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

#[test]
fn one_newline_at_the_end_is_not_part_of_the_passphrase() {
    let folder = folder();
    assert_eq!(folder.read(0o600, b"horse").unwrap(), b"horse");
    assert_eq!(folder.read(0o600, b"horse\n").unwrap(), b"horse");
    assert_eq!(folder.read(0o600, b"horse\n\n").unwrap(), b"horse\n");
}

#[test]
fn a_file_that_others_can_use_is_refused() {
    for mode in [0o640, 0o604, 0o620, 0o602] {
        let refused = folder().read(mode, b"horse").unwrap_err();
        assert!(matches!(refused, SecretError::Exposed { mode: found, .. } if found == mode));
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}

#[test]
fn an_empty_file_and_a_long_file_are_refused() {
    let folder = folder();
    assert!(matches!(
        folder.read(0o600, b""),
        Err(SecretError::Content { source: PassphraseError::Empty, .. })
    ));
    assert!(matches!(
        folder.read(0o600, b"\n"),
        Err(SecretError::Content { source: PassphraseError::Empty, .. })
    ));
    assert!(folder.read(0o600, &[b'a'; 4096]).is_ok());
    assert!(folder.read(0o600, &[&[b'a'; 4096][..], b"\n"].concat()).is_ok());
    assert!(matches!(
        folder.read(0o600, &[b'a'; 4097]),
        Err(SecretError::Content { source: PassphraseError::TooLong, .. })
    ));
}

#[test]
fn a_missing_file_and_a_folder_are_refused() {
    let folder = folder();
    let read = |path: &Path| read(&SecretSource::File(path.to_owned()));
    assert!(matches!(read(&folder.0.path().join("none")), Err(SecretError::Io { .. })));
    assert!(matches!(read(folder.0.path()), Err(SecretError::NotAFile { .. })));
}

#[test]
fn a_credential_is_a_file_of_that_name_in_the_folder_of_systemd() {
    let folder = folder();
    let dir = || Some(folder.0.path().into());
    folder.file(0o440, b"horse");
    assert_eq!(read_credential(dir(), "passphrase").unwrap().secret_bytes(), b"horse");
    assert!(matches!(read_credential(None, "passphrase"), Err(SecretError::NoCredentials)));
    for name in ["", ".", "..", "../passphrase", "/etc/passwd"] {
        let refused = read_credential(dir(), name);
        assert!(matches!(refused, Err(SecretError::CredentialName { .. })), "{name}");
    }
    folder.file(0o444, b"horse");
    let refused = read_credential(dir(), "passphrase");
    assert!(matches!(refused, Err(SecretError::Exposed { .. })));
}

#[test]
fn what_a_person_gives_is_taken_as_what_a_file_holds() {
    let given = |bytes: &[u8]| Passphrase::new(Zeroizing::new(bytes.to_vec()));
    assert_eq!(given(b"horse\n").unwrap().secret_bytes(), b"horse");
    assert_eq!(given(b"\n").unwrap_err(), PassphraseError::Empty);
    assert_eq!(given(&[b'a'; 4097]).unwrap_err(), PassphraseError::TooLong);
    assert_eq!(format!("{:?}", given(b"horse").unwrap()), "Passphrase(<redacted>)");
}
