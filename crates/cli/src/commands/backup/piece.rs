//! Officers' pieces: age files, and what is in them.

use std::io::Read as _;
use std::path::Path;

use age::x25519::Identity;
use quorate_api::backup::{decode_piece, encode_piece};
use quorate_api::limits;
use quorate_backup::{Backup, Piece};
use quorate_model::PersonName;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::files;

/// Writes the age file that only this officer opens.
pub(super) fn take(backup: &Backup, officer: &PersonName, out: &Path) -> Result<(), Failure> {
    let Some(file) = backup.pieces.get(officer) else {
        let names: Vec<_> = backup.pieces.keys().map(PersonName::as_str).collect();
        let officers = names.join(", ");
        let message = format!("{officer} is no recovery officer of this backup: {officers}");
        return Err(Failure::usage(message));
    };
    Ok(files::create_bytes(out, file)?)
}

/// Opens an age file with an identity, and writes the piece.
pub(super) fn open_file(file: &Path, identity: &Path, out: &Path) -> Result<Piece, Failure> {
    let sealed = files::read_long(file, limits::BACKUP_PIECE_BYTES_MAX as u64)?;
    let piece = read_identity(identity)
        .and_then(|identity| decrypt(&identity, &sealed))
        .map_err(|failure| failure.while_trying(format!("{} does not open", file.display())))?;
    files::create_secret_bytes(out, &encode_piece(&piece))?;
    Ok(piece)
}

/// Reads an open piece, as `age -d` or this command wrote it.
pub(super) fn read(path: &Path) -> Result<Piece, Failure> {
    let bytes = files::read_secret_bytes(path)?;
    decode_piece(&bytes).map_err(|error| {
        let failure = Failure::from(error);
        let failure =
            failure.while_trying(format!("{} is no open piece of a backup", path.display()));
        failure.hint("open the age file first: age -d, or quorate backup open-piece")
    })
}

fn decrypt(identity: &Identity, sealed: &[u8]) -> Result<Piece, Failure> {
    let decryptor = age::Decryptor::new_buffered(sealed)?;
    let mut reader = decryptor.decrypt(std::iter::once(identity as &dyn age::Identity))?;
    // Whatever grows leaves its earlier self behind, which nobody erases.
    let most = limits::BACKUP_PIECE_BYTES_MAX;
    let mut piece = Zeroizing::new(Vec::with_capacity(most + 1));
    reader.by_ref().take(most as u64 + 1).read_to_end(&mut piece)?;
    Ok(decode_piece(&piece)?)
}

/// The first identity of a file in the format of `age-keygen`: lines, of which some are comments.
fn read_identity(path: &Path) -> Result<Identity, Failure> {
    let text = files::read_secret(path)?;
    let mut lines = text.lines().map(str::trim);
    let identity = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let parsed = identity.unwrap_or_default().parse::<Identity>();
    parsed.map_err(|_| {
        let message =
            format!("{} holds no X25519 identity of age (AGE-SECRET-KEY-1…)", path.display());
        Failure::new(Exit::Error, message).hint("where a plugin or a passphrase is needed: age -d")
    })
}
