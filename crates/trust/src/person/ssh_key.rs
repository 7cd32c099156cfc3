//! OpenSSH public keys that the trust root may list.

use std::fmt;

use ssh_key::HashAlg;
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, SkEcdsaSha2NistP256, SkEd25519};

use super::key_material::{KeyMaterial, Point};
use crate::CredentialTextError;

/// The longest application string of a security key. OpenSSH's own default is `ssh:`.
const APPLICATION_MAX: usize = 64;

/// An OpenSSH public key: Ed25519 or ECDSA on P-256, in software or in a security key (FIDO). Only
/// checked points in their one encoding exist as values; a certificate is not a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SshKey {
    material: KeyMaterial,
    /// Of security keys: what the key was made for, which the key signs with every message.
    application: Option<String>,
}

impl SshKey {
    /// Reads `algorithm base64`: a line of a `.pub` file without its comment.
    pub(super) fn from_openssh(text: &str) -> Result<Self, CredentialTextError> {
        let key =
            ssh_key::PublicKey::from_openssh(text).map_err(|_| CredentialTextError::Malformed)?;
        if !key.comment().is_empty() {
            return Err(CredentialTextError::Comment);
        }
        let key = Self::from_key_data(key.key_data())?;
        // Whatever the parser was lenient about is not in what it renders.
        if key.to_string() == text { Ok(key) } else { Err(CredentialTextError::NotCanonical) }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum of all that SSH ever had")]
    pub(super) fn from_key_data(data: &KeyData) -> Result<Self, CredentialTextError> {
        let (material, application) = match data {
            KeyData::Ed25519(key) => (KeyMaterial::ed25519(&key.0), None),
            KeyData::SkEd25519(key) => {
                (KeyMaterial::ed25519(&key.public_key().0), Some(key.application()))
            }
            KeyData::Ecdsa(EcdsaPublicKey::NistP256(point)) => (KeyMaterial::p256(point), None),
            KeyData::SkEcdsaSha2NistP256(key) => {
                (KeyMaterial::p256(key.ec_point()), Some(key.application()))
            }
            _ => return Err(CredentialTextError::UnknownAlgorithm),
        };
        let material = material.ok_or(CredentialTextError::PublicKey)?;
        let application = application.map(check_application).transpose()?;
        Ok(Self { material, application })
    }

    pub(super) fn key_data(&self) -> KeyData {
        match (self.material.point(), &self.application) {
            (Point::Ed25519(key), None) => Ed25519PublicKey(*key.as_bytes()).into(),
            (Point::Ed25519(key), Some(application)) => {
                SkEd25519::new(Ed25519PublicKey(*key.as_bytes()), application).into()
            }
            (Point::P256(point), None) => EcdsaPublicKey::NistP256(*point).into(),
            (Point::P256(point), Some(application)) => {
                SkEcdsaSha2NistP256::new(*point, application).into()
            }
        }
    }

    /// The application string of a security key; `None` of a key in software.
    pub fn application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    /// The public key itself.
    pub fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key_data().fingerprint(HashAlg::Sha256).to_string()
    }
}

/// OpenSSH makes keys for `ssh:` and what follows it; a web site's keys are for its host name, and the
/// site may have them used whenever its user visits.
fn check_application(application: &str) -> Result<String, CredentialTextError> {
    let printable = application.bytes().all(|byte| byte.is_ascii_graphic());
    if application.starts_with("ssh:") && printable && application.len() <= APPLICATION_MAX {
        Ok(application.to_owned())
    } else {
        Err(CredentialTextError::Application)
    }
}

impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Fails on lengths only, which were checked when the key was made.
        let text = ssh_key::PublicKey::from(self.key_data()).to_openssh();
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
