//! `quorate node`.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

/// Runs a signer node, or administers one that runs.
#[derive(Debug, Group)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Node {
    /// Its node.toml.
    #[arg(long, value_name = "FILE", required = true)]
    pub config: Option<PathBuf>,
    /// Stop when stdin is closed: so no child outlives a parent that was killed.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
    /// What to do with a node that runs.
    #[command(subcommand)]
    pub command: Option<NodeCommand>,
}

/// What to do with a node that runs, over its admin socket.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Show whether it is sealed, and why it would not sign.
    Status(Configured),
    /// Give a sealed node its passphrase, or the PIN of its token.
    Unseal(Secret),
    /// Make it end what it does, and let go of every key until it is unsealed.
    Seal(Configured),
    /// Wrap its data keys anew while it signs: by [store.next_kek] of its node.toml, or where there is
    /// none by a new passphrase, or by new keys in its token.
    RotateKek(Secret),
}

/// Which node.
#[derive(Debug, Group)]
pub struct Configured {
    /// Its node.toml.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Which node, and what only a person knows.
#[derive(Debug, Group)]
pub struct Secret {
    /// Its node.toml.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Read the passphrase from this file, which must be its owner's alone, and not from the terminal or
    /// stdin.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}
