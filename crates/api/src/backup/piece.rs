//! An officer's piece, as its age file holds it.

use prost::Message as _;
use quorate_backup::Piece;
use zeroize::Zeroizing;

use super::{read, split};
use crate::pb::storage::v1 as pb;
use crate::{DecodeError, field, limits};

const MESSAGE: &str = "BackupPiece";

/// The bytes of a piece, to be encrypted.
#[must_use]
pub fn encode_piece(piece: &Piece) -> Zeroizing<Vec<u8>> {
    let (backup, officer) = (piece.backup.as_bytes().to_vec(), piece.officer.to_string());
    let public = pb::BackupPiece { backup, officer }.encode_to_vec();
    Zeroizing::new([piece.secret_bytes().as_slice(), &public].concat())
}

/// Reads a piece that was decrypted.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_piece(bytes: &[u8]) -> Result<Piece, DecodeError> {
    field::length(MESSAGE, bytes.len(), limits::BACKUP_PIECE_BYTES_MAX)?;
    let (share, public) = split(MESSAGE, bytes)?;
    let message: pb::BackupPiece = read(MESSAGE, public)?;
    let backup = field::digest("BackupPiece.backup", &message.backup)?;
    Ok(Piece::new(backup, field::parse("BackupPiece.officer", &message.officer)?, *share))
}
