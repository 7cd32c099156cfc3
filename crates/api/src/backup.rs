//! Backups as files, and what is in them as bytes.
//!
//! Secrets are in no message: they stand before one, 32 bytes each, so that they are only ever in
//! buffers that are erased.

mod contents;
mod header;
mod piece;
mod proof;

pub use contents::{decode_contents, encode_contents};
pub use piece::{decode_piece, encode_piece};
pub use proof::{decode_restore_proof, encode_restore_proof};

use prost::Message;
use quorate_backup::Backup;

use crate::pb::storage::v1 as pb;
use crate::{DecodeError, Fault, field, limits};

const MESSAGE: &str = "Backup";
/// What the file of a backup begins with: its format and version.
const FORMAT: &[u8] = b"quorate-backup/1\n";
/// Bytes of a secret: a scalar, or the seed of an Ed25519 key.
const SECRET: usize = 32;

/// The file of a backup.
#[must_use]
pub fn encode_backup(backup: &Backup) -> Vec<u8> {
    let Backup { header, pieces, body } = backup;
    let message = pb::Backup {
        header: Some(header::to_pb(header)),
        pieces: pieces.values().cloned().collect(),
        body: body.clone(),
    };
    [FORMAT, &message.encode_to_vec()].concat()
}

/// Reads the file of a backup. Nothing of it is verified yet.
///
/// # Errors
/// [`DecodeError`] for what is no backup of this version, or over a limit; and with
/// [`Fault::NotCanonical`] for bytes that are not its one encoding, so that no byte of a file is without
/// a meaning.
pub fn decode_backup(file: &[u8]) -> Result<Backup, DecodeError> {
    field::length(MESSAGE, file.len(), limits::BACKUP_BYTES_MAX)?;
    let bytes = file.strip_prefix(FORMAT).ok_or_else(|| {
        DecodeError::value(MESSAGE, "the file does not begin with quorate-backup/1")
    })?;
    let message: pb::Backup = read(MESSAGE, bytes)?;
    let header = field::required("Backup.header", message.header)?;
    let header = header::from_pb(header)?;
    if message.pieces.len() != header.officers.len() {
        return Err(DecodeError::value("Backup.pieces", "as many as there are officers"));
    }
    let most = limits::BACKUP_PIECE_BYTES_MAX;
    let pieces = field::byte_list("Backup.pieces", message.pieces, header.officers.len(), most)?;
    let pieces = header.officers.keys().cloned().zip(pieces).collect();
    let backup = Backup { header, pieces, body: message.body };
    if encode_backup(&backup) == file {
        Ok(backup)
    } else {
        Err(DecodeError::new(MESSAGE, Fault::NotCanonical))
    }
}

fn read<M: Message + Default>(message: &'static str, bytes: &[u8]) -> Result<M, DecodeError> {
    M::decode(bytes).map_err(|error| DecodeError::encoding(message, &error))
}

/// The secret that the bytes begin with, and the rest.
fn split<'a>(
    message: &'static str,
    bytes: &'a [u8],
) -> Result<(&'a [u8; SECRET], &'a [u8]), DecodeError> {
    bytes.split_first_chunk().ok_or_else(|| DecodeError::value(message, "cut short"))
}

#[cfg(test)]
mod tests;
