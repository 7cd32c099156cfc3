//! The arguments of `quorate backup` and `quorate recover`.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};
use quorate_model::PersonName;

use super::Pinned;

/// Backups of nodes: each is sealed to recovery officers, who open it together.
#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Have a node make a backup of its shares, sealed to the recovery officers that the trust root names.
    /// Needs no profile and no coordinator.
    Create {
        /// The node's admin socket.
        #[arg(long, value_name = "SOCKET")]
        admin_socket: PathBuf,
        /// The file, which must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what a backup is of, and who opens it. Needs no secret.
    Show {
        /// The backup.
        file: PathBuf,
    },
    /// Take an officer's piece out of a backup: an age file that this officer opens, with `age -d` or
    /// `quorate backup open-piece`. Needs no secret.
    Piece {
        /// The backup.
        file: PathBuf,
        /// Whose piece.
        #[arg(long, value_name = "PERSON")]
        officer: PersonName,
        /// The age file, which must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Open the age file of a piece, as `age -d` does, on the officer's own machine.
    OpenPiece {
        /// The age file.
        file: PathBuf,
        /// The officer's identity, as `age-keygen` writes it (AGE-SECRET-KEY-1…).
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// The open piece: a secret. The file must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Open a backup in memory, check every share against its certificate, and write for each key a proof
    /// that tells nothing of the share. Offline.
    Verify {
        /// The backup.
        file: PathBuf,
        /// The open piece of an officer. Repeat it for each.
        #[arg(long = "piece", value_name = "FILE", required = true)]
        pieces: Vec<PathBuf>,
        /// The folder of the proofs.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// By whose word.
        #[command(flatten)]
        pinned: Pinned,
    },
    /// Check a proof that a backup holds a share. Offline.
    CheckProof {
        /// The proof, as `quorate backup verify` writes it.
        file: PathBuf,
        /// By whose word.
        #[command(flatten)]
        pinned: Pinned,
    },
}

/// Makes what a node starts from, out of its backup. Offline.
#[derive(Debug, Group)]
pub struct Recover {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    pub backup: PathBuf,
    /// The open piece of an officer. Repeat it for each.
    #[arg(long = "piece", value_name = "FILE", required = true)]
    pub pieces: Vec<PathBuf>,
    /// The folder for the store and the identity key, which must not exist or be empty.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// The passphrase that wraps the data keys of the new store, and that the node will read.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: PathBuf,
    /// By whose word.
    #[command(flatten)]
    pub pinned: Pinned,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use clap::error::ErrorKind;

    use crate::args::Args;

    #[test]
    fn what_is_required_is_asked_for() {
        for line in [
            "quorate backup create --out a",
            "quorate backup create --admin-socket s",
            "quorate backup piece a --officer ann",
            "quorate backup open-piece a --out b",
            "quorate backup verify a --out d",
            "quorate backup verify a --piece p",
            "quorate recover --backup a --piece p --out d",
            "quorate recover --backup a --out d --passphrase-file f",
        ] {
            let error = Args::try_parse_from(line.split_whitespace()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::MissingRequiredArgument, "{line}");
        }
        let line = "quorate backup verify a --piece p --piece q --out d";
        assert!(Args::try_parse_from(line.split_whitespace()).is_ok());
    }
}
