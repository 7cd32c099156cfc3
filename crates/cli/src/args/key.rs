//! The arguments of `quorate key`.

use std::path::PathBuf;

use clap::Subcommand;
use quorate_model::{DerivationPath, KeyId};

use super::{KeyCreate, Pinned};

/// Keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key by distributed key generation, on the order of officers.
    Create(KeyCreate),
    /// List the keys. Each certificate is verified.
    List,
    /// Show a key and its addresses, derived here from its verified certificate.
    Show {
        /// The key.
        key: KeyId,
    },
    /// Show the addresses of a child of a key, derived here from its verified certificate.
    Address {
        /// The key.
        key: KeyId,
        /// Which child: a BIP-32 path that is not hardened, such as m/0/7.
        #[arg(long)]
        path: DerivationPath,
        /// Write what proves the addresses here, for `quorate key verify`.
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
    },
    /// Verify addresses and their proof, back to the trust root. Offline.
    Verify {
        /// The file that `quorate key address --proof` wrote.
        file: PathBuf,
        /// By whose word.
        #[command(flatten)]
        pinned: Pinned,
    },
}
