//! Why a token does not do what a keyring needs.

use std::path::PathBuf;

use cryptoki::error::{Error, RvError};

/// Why a token does not do what a keyring needs.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The module was not loaded.
    #[error(
        "the PKCS#11 module {} cannot be loaded: install it, or correct `module`", path.display()
    )]
    Module {
        /// The module's file.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// No token has this label.
    #[error("the module has no token {label:?}, but: {there:?}; initialise it, or correct `token`")]
    NoSuchToken {
        /// The label.
        label: String,
        /// The labels of the tokens that there are.
        there: String,
    },
    /// Several tokens have this label.
    #[error("the module has several tokens {label:?}: give each a label of its own")]
    SameLabel {
        /// The label.
        label: String,
    },
    /// The PIN is not the user's. Tokens count that.
    #[error("the token refuses the PIN: correct it before you try again, tokens lock after a few")]
    WrongPin,
    /// The token was given wrong PINs too often.
    #[error("the token has locked its PIN: its security officer unlocks it")]
    PinLocked,
    /// A wrapping key is not there.
    #[error(
        "the token has no wrapping key {label}: the data key was erased after this copy of the data \
         folder was made, or somebody deleted the wrapping key"
    )]
    KeyMissing {
        /// What its label ends with.
        label: String,
    },
    /// The token has seen a later revision of the keyring than there is.
    #[error(
        "the token has seen revision {settled} of this node's keyring, and this is revision {found}: the \
         data folder was put back or lost. Use the present one; if there is none, delete this node's \
         objects from the token and rejoin with an empty data folder"
    )]
    PutBack {
        /// The latest revision that was durable.
        settled: u64,
        /// The keyring's revision; 0 where there is none.
        found: u64,
    },
    /// An object is among those of this node and is none of them.
    #[error("the token has an object {label:?} among those of this node: remove it")]
    Stranger {
        /// The object's label.
        label: String,
    },
    /// There is no room for one more key.
    #[error("the token is full: remove keys that nobody uses, or use a larger one")]
    Full,
    /// Anything else that the module says.
    #[error("the token failed while {doing}")]
    Failed {
        /// What it was asked for.
        doing: &'static str,
        /// What it said.
        source: Error,
    },
}

impl TokenError {
    pub(super) fn new(doing: &'static str, source: Error) -> Self {
        let says = |codes: &[RvError]| match &source {
            Error::Pkcs11(said, _) => codes.contains(said),
            Error::LibraryLoading(_)
            | Error::NotSupported
            | Error::TryFromInt(_)
            | Error::TryFromSlice(_)
            | Error::ParseInt(_)
            | Error::Utf8(_)
            | Error::NulError(_)
            | Error::NullFunctionPointer
            | Error::MissingSymbol(_)
            | Error::InvalidValue
            | Error::PinNotSet => false,
        };
        if says(&[RvError::DeviceMemory]) {
            Self::Full
        } else if says(&[RvError::PinIncorrect, RvError::PinLenRange]) {
            Self::WrongPin
        } else if says(&[RvError::PinLocked]) {
            Self::PinLocked
        } else {
            Self::Failed { doing, source }
        }
    }
}

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    #[test]
    fn a_token_without_room_or_with_another_pin_is_told_from_one_that_fails() {
        let said =
            |error| TokenError::new("making a key", Error::Pkcs11(error, Function::GenerateKey));
        assert!(matches!(said(RvError::DeviceMemory), TokenError::Full));
        assert!(matches!(said(RvError::PinIncorrect), TokenError::WrongPin));
        assert!(matches!(said(RvError::PinLocked), TokenError::PinLocked));
        assert!(matches!(said(RvError::DeviceRemoved), TokenError::Failed { .. }));
    }
}
