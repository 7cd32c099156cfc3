//! The keys that wrap data keys: from a passphrase, or in a token.

pub(crate) mod passphrase;
pub(crate) mod secret;
pub(crate) mod token;

use std::collections::BTreeSet;

use rand_core::CryptoRngCore;

use self::passphrase::{KdfParams, PassphraseKey};
use self::secret::{SecretError, SecretSource};
use self::token::{Token, TokenError, TokenKeys};
use crate::Binding;
use crate::wrapping::WrappingKeys;

/// Where the keys come from that wrap a node's data keys.
#[derive(Debug)]
pub enum KekSource {
    /// A key that is derived from a passphrase.
    Passphrase(SecretSource),
    /// Keys in a PKCS#11 token, one for each data key, which never leave it and can be destroyed.
    Token {
        /// The token.
        token: Token,
        /// The user's PIN.
        pin: SecretSource,
    },
}

/// What makes a wrapping key for a keyring.
pub(crate) struct Making<'a> {
    pub(crate) binding: Binding,
    pub(crate) kdf: KdfParams,
    pub(crate) rng: &'a mut dyn CryptoRngCore,
}

impl KekSource {
    /// Keys for a keyring that is not wrapped by this source yet.
    pub(crate) fn make(&self, making: Making<'_>) -> Result<Box<dyn WrappingKeys>, KekError> {
        let Making { binding, kdf, rng } = making;
        match self {
            Self::Passphrase(secret) => secret.with(|passphrase| {
                let key = PassphraseKey::generate(binding, passphrase, kdf, rng)?;
                Ok(Box::new(key) as Box<dyn WrappingKeys>)
            }),
            Self::Token { token, pin } => Ok(Box::new(TokenKeys::open(token, pin, binding)?)),
        }
    }

    /// The keys of a keyring with this description. `None` where it is wrapped by another source.
    pub(crate) fn open(
        &self,
        description: &[u8],
        binding: Binding,
    ) -> Result<Option<Box<dyn WrappingKeys>>, KekError> {
        match self {
            Self::Passphrase(_) if description.first() != Some(&passphrase::KIND) => Ok(None),
            Self::Passphrase(secret) => secret.with(|passphrase| {
                let key = PassphraseKey::open(description, binding, passphrase)?;
                Ok(key.map(|key| Box::new(key) as Box<dyn WrappingKeys>))
            }),
            Self::Token { token, pin } => {
                if !token.is_of(description) {
                    return Ok(None);
                }
                Ok(Some(Box::new(TokenKeys::open(token, pin, binding)?)))
            }
        }
    }

    /// Whether this is the token that wraps a keyring with this description.
    pub(crate) fn is_token_of(&self, description: &[u8]) -> bool {
        match self {
            Self::Passphrase(_) => false,
            Self::Token { token, .. } => token.is_of(description),
        }
    }

    /// Destroys the wrapping keys that a keyring of this revision left behind here when it moved.
    pub(crate) fn tidy_after_move(&self, binding: Binding, revision: u64) -> Result<(), KekError> {
        match self {
            Self::Passphrase(_) => Ok(()),
            Self::Token { token, pin } => {
                TokenKeys::open(token, pin, binding)?.tidy(&BTreeSet::new(), revision)
            }
        }
    }
}

/// Why data keys are not wrapped or unwrapped.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    /// There is no passphrase.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The passphrase is not the one that the keyring is wrapped with.
    #[error("the passphrase does not open the keyring: check the configured source")]
    Wrong,
    /// Argon2 refused its parameters.
    #[error("the passphrase cannot be turned into a key: {0}")]
    Derive(argon2::Error),
    /// The token does not do it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No random bytes.
    #[error("the source of randomness failed")]
    Randomness(#[from] rand_core::Error),
}
