//! Opens a backup in memory, and checks what is in it.

use std::path::{Path, PathBuf};

use quorate_api::backup::decode_contents;
use quorate_backup::{Contents, Header};
use quorate_model::PersonName;
use quorate_trust::TrustRoot;

use super::{piece, read};
use crate::exit::Failure;

/// An open backup: these are the shares that the cluster certified for the node.
pub(in crate::commands) struct Opened {
    pub(in crate::commands) header: Header,
    pub(in crate::commands) contents: Contents,
    /// Whose age file in it is damaged.
    pub(in crate::commands) damaged: Vec<PersonName>,
}

/// Opens a backup with the pieces of enough officers.
pub(in crate::commands) fn open(
    file: &Path,
    pieces: &[PathBuf],
    root: &TrustRoot,
) -> Result<Opened, Failure> {
    let backup = read(file)?;
    let pieces = pieces.iter().map(|path| piece::read(path)).collect::<Result<Vec<_>, _>>()?;
    let refused = |failure: Failure| {
        failure.while_trying(format!("{} is not to be relied on", file.display()))
    };
    let opened = backup.open(&pieces).map_err(|error| refused(error.into()))?;
    let header = backup.header;
    let contents = decode_contents(&header, &opened.contents).map_err(|e| refused(e.into()))?;
    contents.check(&header, root).map_err(|error| refused(error.into()))?;
    Ok(Opened { header, contents, damaged: opened.damaged })
}
