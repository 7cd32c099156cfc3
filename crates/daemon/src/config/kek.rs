//! Where the keys come from that wrap a store's data keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quorate_store::{KekSource, Passphrase, SecretSource, Token};
use serde::Deserialize;

use super::StoreFile;

/// Where the keys come from that wrap the data keys. The passphrase comes from exactly one of
/// `passphrase_file`, `credential` and `manual`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KekFile {
    /// A file with the passphrase, which only the process's user can read.
    pub passphrase_file: Option<PathBuf>,
    /// The name of a credential in `$CREDENTIALS_DIRECTORY` (systemd), with the passphrase.
    pub credential: Option<String>,
    /// A person gives the passphrase: the node starts sealed, and waits for it.
    #[serde(default)]
    pub manual: bool,
    /// The wrapping keys are in a token, and the passphrase is the PIN of its user.
    pub pkcs11: Option<TokenFile>,
}

/// A PKCS#11 token.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// The PKCS#11 module of the token's maker: a shared library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
}

/// What a source of wrapping keys is relative to.
pub(crate) struct KekContext<'a> {
    /// The folder of the configuration file.
    pub(crate) base: &'a Path,
    /// What the labels of keys in a token begin with.
    pub(crate) owner: String,
    /// What a person gave.
    pub(crate) given: Option<Passphrase>,
}

impl KekFile {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let secrets = [self.passphrase_file.is_some(), self.credential.is_some(), self.manual];
        if secrets.into_iter().filter(|is_named| *is_named).count() == 1 {
            return Ok(());
        }
        Err(
            "[store.kek] and [store.next_kek] each need exactly one of passphrase_file, credential and \
             manual = true",
        )
    }

    /// What it is, in words.
    pub(crate) fn in_words(&self) -> String {
        match (&self.pkcs11, &self.credential) {
            (Some(TokenFile { token, .. }), _) => format!("token {token}"),
            (None, Some(name)) => format!("passphrase in credential {name}"),
            (None, None) if self.manual => "passphrase of a person".to_owned(),
            (None, None) => "passphrase in a file".to_owned(),
        }
    }

    /// `None` where a person has to give the passphrase, and nobody did.
    fn source(
        &self,
        base: &Path,
        owner: &str,
        given: Option<&Arc<Passphrase>>,
    ) -> Option<KekSource> {
        let secret = match (&self.passphrase_file, &self.credential) {
            (Some(path), _) => SecretSource::File(base.join(path)),
            (None, Some(name)) => SecretSource::SystemdCredential { name: name.clone() },
            (None, None) => SecretSource::Given(Arc::clone(given?)),
        };
        Some(match &self.pkcs11 {
            None => KekSource::Passphrase(secret),
            Some(TokenFile { module, token }) => {
                let (module, label) = (base.join(module), token.clone());
                KekSource::Token {
                    token: Token { module, label, owner: owner.to_owned() },
                    pin: secret,
                }
            }
        })
    }
}

impl StoreFile {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        self.kek.check()?;
        self.next_kek.iter().try_for_each(KekFile::check)
    }

    /// Whether the store waits for a person to open it.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.kek.manual || self.next_kek.as_ref().is_some_and(|next| next.manual)
    }

    /// What the data keys are to be wrapped by when the key-encryption key is rotated.
    ///
    /// # Errors
    /// Where that would be what wraps them now: why, and what to do.
    pub fn rotation(&self) -> Result<&KekFile, &'static str> {
        match &self.next_kek {
            Some(next) => Ok(next),
            None if self.kek.manual || self.kek.pkcs11.is_some() => Ok(&self.kek),
            None => Err(
                "add [store.next_kek] to the configuration, with the source that is to replace \
                         [store.kek]",
            ),
        }
    }

    /// What may open the store, in the order in which it is tried.
    pub(crate) fn keks(&self, context: KekContext<'_>) -> Vec<KekSource> {
        let KekContext { base, owner, given } = context;
        let given = given.map(Arc::new);
        let keks = [Some(&self.kek), self.next_kek.as_ref()].into_iter().flatten();
        keks.filter_map(|kek| kek.source(base, &owner, given.as_ref())).collect()
    }
}

impl KekContext<'_> {
    /// The one source that a file names. `None` where a person has to give the passphrase, and nobody did.
    pub(crate) fn one(self, kek: &KekFile) -> Option<KekSource> {
        kek.source(self.base, &self.owner, self.given.map(Arc::new).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kek(text: &str) -> KekFile {
        toml::from_str(text).unwrap()
    }

    fn store(kek: &str, next: &str) -> StoreFile {
        toml::from_str(&format!("dir = \"store\"\n[kek]\n{kek}\n{next}")).unwrap()
    }

    const FILE: &str = "passphrase_file = \"a\"";
    const CREDENTIAL: &str = "credential = \"a\"";
    const MANUAL: &str = "manual = true";
    const TOKEN: &str = "pkcs11 = { module = \"/lib/p11.so\", token = \"hsm\" }";

    #[test]
    fn exactly_one_source_of_the_passphrase() {
        for good in [FILE, CREDENTIAL, MANUAL, &format!("{FILE}\n{TOKEN}")] {
            assert_eq!(kek(good).check(), Ok(()), "{good}");
        }
        for bad in ["", TOKEN, "manual = false", &[FILE, MANUAL].join("\n")] {
            assert!(kek(bad).check().is_err(), "{bad}");
        }
        assert!(store(FILE, "[next_kek]").check().is_err());
    }

    #[test]
    fn what_a_person_gives_opens_what_is_manual_only() {
        let keks = |store: &StoreFile, given: bool| {
            let given = given.then(|| Passphrase::new(b"horse".to_vec().into()).unwrap());
            let context =
                KekContext { base: Path::new("/etc"), owner: "quorate".to_owned(), given };
            store.keks(context).len()
        };
        assert_eq!((keks(&store(FILE, ""), false), keks(&store(FILE, ""), true)), (1, 1));
        assert_eq!((keks(&store(MANUAL, ""), false), keks(&store(MANUAL, ""), true)), (0, 1));
        let moving = store(FILE, &format!("[next_kek]\n{MANUAL}"));
        assert_eq!((keks(&moving, false), keks(&moving, true)), (1, 2));
        assert!(moving.is_manual() && !store(FILE, "").is_manual());
    }

    #[test]
    fn a_rotation_is_to_what_is_new() {
        let to = |kek: &str, next: &str| store(kek, next).rotation().map(KekFile::in_words);
        assert!(to(FILE, "").is_err() && to(CREDENTIAL, "").is_err());
        assert_eq!(to(MANUAL, "").as_deref(), Ok("passphrase of a person"));
        assert_eq!(to(&format!("{FILE}\n{TOKEN}"), "").as_deref(), Ok("token hsm"));
        let next = |next: &str| to(FILE, &format!("[next_kek]\n{next}"));
        assert_eq!(next(FILE).as_deref(), Ok("passphrase in a file"));
        assert_eq!(next(CREDENTIAL).as_deref(), Ok("passphrase in credential a"));
    }
}
