//! The arguments of `quorate key`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use quorate_model::{DerivationPath, KeyId, ParticipantId, Threshold};

use super::{KeyCreate, Pinned, parse_duration, threshold};

/// Keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key by distributed key generation, on the order of officers.
    Create(KeyCreate),
    /// Give every holder a new share of the same key, and have the old ones erased. The key signs meanwhile.
    Refresh {
        /// The keys.
        #[arg(required_unless_present = "all")]
        keys: Vec<KeyId>,
        /// Every key that has shares, one after the other, with rests for what is to be signed meanwhile.
        #[arg(long, conflicts_with = "keys")]
        all: bool,
        /// Who orders it.
        #[command(flatten)]
        by: OrderedBy,
    },
    /// Have other nodes hold the key, or another number sign: add, remove and replace nodes. The address
    /// stays, and the key signs meanwhile.
    Reshare {
        /// Which key, and who orders it.
        #[command(flatten)]
        change: KeyChange,
        /// How many signers a signature takes from then on: as before where it is not said.
        #[arg(long, value_parser = threshold)]
        threshold: Option<Threshold>,
        /// The nodes that hold a share from then on: as before where none is named.
        #[arg(long, value_delimiter = ',', value_name = "ID,ID,…")]
        nodes: Vec<ParticipantId>,
    },
    /// Give a node a share again that lost its own. All shares are new, so that the lost one is of no use.
    Repair {
        /// Which key, and who orders it.
        #[command(flatten)]
        change: KeyChange,
        /// The node that lost its share.
        #[arg(long)]
        node: ParticipantId,
    },
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

/// Makes a new sharing of a key.
#[derive(Debug, Args)]
pub struct KeyChange {
    /// The key.
    pub key: KeyId,
    /// Who orders it.
    #[command(flatten)]
    pub by: OrderedBy,
}

/// Who orders something, and for how long to wait for it.
#[derive(Debug, Clone, Args)]
pub struct OrderedBy {
    /// The key file of an officer (person.pem). Repeat it for each who signs the order.
    #[arg(long = "officer-key", value_name = "FILE", required = true)]
    pub officer_keys: Vec<PathBuf>,
    /// How long to wait for the new sharing.
    #[arg(long, default_value = "120s", value_parser = parse_duration)]
    pub wait: Duration,
}
