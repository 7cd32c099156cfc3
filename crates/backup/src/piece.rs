//! One officer's piece of the secret.

use std::fmt;

use frost_core::keys::{KeyPackage, SecretShare, SigningShare};
use quorate_model::{Digest, PersonName};
use quorate_protocol::suite::Ed25519;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Header, HeaderError};

/// One officer's piece: what an age file of a backup holds. Zeroized when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Piece {
    /// Of which backup it is a piece.
    #[zeroize(skip)]
    pub backup: Digest,
    /// Whose it is.
    #[zeroize(skip)]
    pub officer: PersonName,
    share: [u8; 32],
}

/// Why a piece is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// The header is damaged.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It belongs to another backup.
    #[error(
        "the piece of {officer} is of backup {found}, not of {expected}: take the pieces of one file"
    )]
    OtherBackup {
        /// Whose.
        officer: PersonName,
        /// Of which backup it is.
        found: Digest,
        /// Which one is to be opened, or its header was changed.
        expected: Digest,
    },
    /// It is of nobody who is an officer of this backup.
    #[error("{0} is no recovery officer of this backup")]
    Stranger(PersonName),
    /// It is not what was given to the officer.
    #[error("the piece of {0} is false: it does not match the commitments of the backup")]
    False(PersonName),
}

impl Piece {
    /// A piece by its parts. `share` is a scalar of edwards25519, little-endian.
    pub fn new(backup: Digest, officer: PersonName, share: [u8; 32]) -> Self {
        Self { backup, officer, share }
    }

    /// The scalar. For encryption to the officer, nothing else.
    pub fn secret_bytes(&self) -> &[u8; 32] {
        &self.share
    }

    /// Checks that it is this officer's piece of the backup with this header, without any other piece.
    ///
    /// # Errors
    /// [`PieceError`].
    pub fn check(&self, header: &Header) -> Result<(), PieceError> {
        self.verified(header).map(drop)
    }

    pub(crate) fn verified(&self, header: &Header) -> Result<KeyPackage<Ed25519>, PieceError> {
        let (officer, found, expected) = (self.officer.clone(), self.backup, header.digest());
        if found != expected {
            return Err(PieceError::OtherBackup { officer, found, expected });
        }
        let commitment = header.commitment()?;
        let Some(identifier) = header.identifier(&officer) else {
            return Err(PieceError::Stranger(officer));
        };
        let share = SigningShare::<Ed25519>::deserialize(&self.share);
        let share = share.map_err(|_| PieceError::False(officer.clone()))?;
        // This is Feldman's check: the commitments, taken at the number, are the share's point.
        let share = SecretShare::new(identifier, share, commitment);
        KeyPackage::try_from(share).map_err(|_| PieceError::False(officer))
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece(of {} for {}, <redacted>)", self.backup.short(), self.officer)
    }
}
