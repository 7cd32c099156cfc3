//! `quorate root`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use crate::clock::parse_duration;

/// The trust root.
#[derive(Debug, Subcommand)]
pub enum Root {
    /// Show the newest version that this folder knows, and who could do harm alone under it.
    Show,
    /// Write the next version to edit: the newest, with what it follows filled in.
    Next {
        /// The file. Never over an old one.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// What would a version change, and does it wait?
    Diff {
        /// The version.
        file: PathBuf,
    },
    /// Sign the order that brings a version into force: as many of the quorum `root` have to. The order
    /// is proposed where nobody has done so yet.
    Sign {
        /// The version.
        file: PathBuf,
        /// Your key file. With a security key, sign FILE.order by `ssh-keygen -Y sign`.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// How long the order may begin to be carried out, at most 7d.
        #[arg(long, default_value = "24h", value_parser = parse_duration)]
        expires: Duration,
    },
    /// Have every node bring a signed version into force: at once where nobody can do more under it,
    /// after the delay of the version before where somebody may.
    Update {
        /// The version. Its order and signatures lie beside it.
        file: PathBuf,
        /// Bring it to one node, through its admin socket, without any coordinator.
        #[arg(long, value_name = "SOCKET")]
        admin_socket: Option<PathBuf>,
        /// How long to wait for the nodes.
        #[arg(long, default_value = "10s", value_parser = parse_duration)]
        wait: Duration,
    },
    /// Bring this folder to the version in force. Every version is verified under the one before it.
    Fetch,
}
