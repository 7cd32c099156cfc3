//! `quorate backup`: making, looking at and verifying backups of nodes.

mod open;
mod piece;
mod proof;
mod report;

pub(super) use self::open::open;

use std::path::{Path, PathBuf};

use quorate_api::backup::decode_backup;
use quorate_api::limits;
use quorate_api::pb::node::v1::CreateBackupRequest;
use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_backup::Backup as Sealed;
use quorate_net::connect_uds;

use self::report::{BackupReport, PieceReport};
use super::trust_root;
use crate::args::Backup;
use crate::exit::{Exit, Failure};
use crate::files::{self, NewFile};
use crate::output::Output;

pub(super) async fn run(
    command: Backup,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Backup::Create { admin_socket, out } => return create(&admin_socket, &out, output).await,
        Backup::Show { file } => output.show(&BackupReport::new(&file, &read(&file)?.header))?,
        Backup::Piece { file, officer, out } => {
            piece::take(&read(&file)?, &officer, &out)?;
            output.show(&PieceReport { officer: officer.to_string(), file: out.clone() })?;
            output.say(format_args!(
                "Next, {officer}, on a machine of your own: age -d -i IDENTITY -o PIECE {}",
                out.display()
            ));
        }
        Backup::OpenPiece { file, identity, out } => {
            let piece = piece::open_file(&file, &identity, &out)?;
            output.show(&PieceReport { officer: piece.officer.to_string(), file: out.clone() })?;
            output.say("It is a secret: hand it over in person, and destroy it after use.");
        }
        Backup::Verify { file, pieces, out, pinned } => {
            let root = trust_root(&pinned, dir.as_deref())?;
            let opened = open(&file, &pieces, &root)?;
            proof::write_all(&file, &opened, &out, output)?;
        }
        Backup::CheckProof { file, pinned } => {
            proof::check(&file, &trust_root(&pinned, dir.as_deref())?, output)?;
        }
    }
    Ok(Exit::Ok)
}

/// Has a node make a backup. It is looked at before it is kept: a file that nobody reads is no backup.
async fn create(socket: &Path, out: &Path, output: &Output) -> Result<Exit, Failure> {
    let mut file = NewFile::begin(out)?;
    let mut node = NodeAdminClient::new(connect_uds(socket).await?);
    let mut stream = node.create_backup(CreateBackupRequest {}).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await? {
        bytes.extend_from_slice(&piece.chunk);
        if bytes.len() > limits::BACKUP_BYTES_MAX {
            let message = format!("the node sends more than {} bytes", limits::BACKUP_BYTES_MAX);
            return Err(Failure::new(Exit::Error, message));
        }
    }
    let backup = decode_backup(&bytes)?;
    file.write(&bytes)?;
    file.finish()?;
    output.show(&BackupReport::new(out, &backup.header))?;
    output.say(format_args!(
        "Next: keep it where the node is not. Have it verified by {} officers:\n  \
         quorate backup piece {} --officer NAME --out PIECE.age",
        backup.header.required,
        out.display()
    ));
    Ok(Exit::Ok)
}

/// Reads the file of a backup.
fn read(file: &Path) -> Result<Sealed, Failure> {
    let bytes = files::read_long(file, limits::BACKUP_BYTES_MAX as u64)?;
    decode_backup(&bytes).map_err(|error| {
        Failure::from(error).while_trying(format!("{} is no backup", file.display()))
    })
}
