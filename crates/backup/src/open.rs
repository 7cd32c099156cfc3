//! Opens a backup with the pieces of enough officers.

use std::collections::BTreeSet;
use std::fmt;

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead as _, Payload};
use frost_core::keys::reconstruct;
use quorate_model::PersonName;
use zeroize::Zeroizing;

use crate::seal::{body_key, cipher, piece_digest};
use crate::{Backup, Piece, PieceError};

/// An open backup.
pub struct Opened {
    /// The encoded contents.
    pub contents: Zeroizing<Vec<u8>>,
    /// The officers whose age file is not the one that the backup was made with: the contents are as good
    /// as they were, but these officers cannot open them with this file.
    pub damaged: Vec<PersonName>,
}

/// Why a backup does not open. Nothing of its contents was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A piece is refused.
    #[error(transparent)]
    Piece(#[from] PieceError),
    /// Somebody's piece twice.
    #[error("the piece of {0} is there twice: each officer counts once")]
    Twice(PersonName),
    /// Too few pieces.
    #[error("{found} pieces of {required}: ask more recovery officers for theirs")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many it takes.
        required: usize,
    },
    /// The pieces are right, and the contents are not what was sealed.
    #[error("the contents are damaged: the pieces fit this backup and do not open it")]
    Damaged,
}

impl Backup {
    /// Opens it. Every piece is checked, those that are more than it takes as well.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, pieces: &[Piece]) -> Result<Opened, OpenError> {
        let (header, mut officers) = (&self.header, BTreeSet::new());
        let mut verified = Vec::new();
        for piece in pieces {
            verified.push(piece.verified(header)?);
            if !officers.insert(&piece.officer) {
                return Err(OpenError::Twice(piece.officer.clone()));
            }
        }
        let (found, required) = (verified.len(), header.required);
        if found < required {
            return Err(OpenError::TooFew { found, required });
        }
        let secret = reconstruct(&verified).map_err(|_| OpenError::Damaged)?;
        let digest = header.digest();
        let key = body_key(&secret, &digest).ok_or(OpenError::Damaged)?;
        let payload = Payload { msg: &self.body, aad: digest.as_bytes() };
        let plain = cipher(&key).decrypt(&XNonce::default(), payload);
        let plain = Zeroizing::new(plain.map_err(|_| OpenError::Damaged)?);
        let mut digests = plain.chunks(32);
        let mut damaged = Vec::new();
        for name in header.officers.keys() {
            let sealed = digests.next().ok_or(OpenError::Damaged)?;
            let file = self.pieces.get(name);
            if file.is_none_or(|file| piece_digest(file).as_bytes() != sealed) {
                damaged.push(name.clone());
            }
        }
        let contents = plain.get(32 * header.officers.len()..).ok_or(OpenError::Damaged)?;
        Ok(Opened { contents: Zeroizing::new(contents.to_vec()), damaged })
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened(<redacted>, damaged: {:?})", self.damaged)
    }
}
