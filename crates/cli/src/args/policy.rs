//! `quorate policy`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::Transaction;
use crate::clock::parse_duration;

/// Policy.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Write a bundle to start from.
    Init {
        /// An example of a whole policy. The bundle of a new node where none is named: it denies
        /// everything.
        #[arg(long, value_enum)]
        example: Option<Example>,
        /// The file. Never over an old one.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check a bundle as a node does when it starts, and show what is in it.
    Check {
        /// The bundle.
        file: PathBuf,
    },
    /// Run a bundle's own tests.
    Test {
        /// The bundle.
        file: PathBuf,
        /// A bundle without tests is no failure.
        #[arg(long)]
        allow_none: bool,
    },
    /// What would change from one bundle to the next, in words and in decisions?
    Diff {
        /// The bundle before.
        old: PathBuf,
        /// The bundle after.
        new: PathBuf,
    },
    /// Show everything about the decision of one of a bundle's own tests.
    Explain {
        /// The bundle.
        file: PathBuf,
        /// The test's name.
        #[arg(long, value_name = "NAME")]
        test: String,
    },
    /// Sign the order that brings a bundle into force: as many of the quorum `policy` have to, and of
    /// `loosening` where it may allow more. The order is proposed where nobody has done so yet.
    Sign {
        /// The bundle.
        file: PathBuf,
        /// Your key file. With a security key, sign FILE.order by `ssh-keygen -Y sign`.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The bundle before: shows what changes before anything is signed.
        #[arg(long, value_name = "FILE")]
        old: Option<PathBuf>,
        /// How long the order may begin to be carried out, at most 7d.
        #[arg(long, default_value = "24h", value_parser = parse_duration)]
        expires: Duration,
    },
    /// Have every node bring a signed bundle into force: at once where it is a tightening, after the
    /// trust root's delay where it may allow more, and never before its own `not_before`.
    Activate {
        /// The bundle. Its order and signatures lie beside it.
        file: PathBuf,
        /// Bring it to one node, through its admin socket, without any coordinator.
        #[arg(long, value_name = "SOCKET")]
        admin_socket: Option<PathBuf>,
        /// How long to wait for the nodes.
        #[arg(long, default_value = "10s", value_parser = parse_duration)]
        wait: Duration,
    },
    /// Which recorded requests would another bundle decide differently? They are asked of both bundles,
    /// at the time they were made, with the approvals that they have, and without usage.
    Replay {
        /// The other bundle.
        file: PathBuf,
        /// The bundle to compare with: the one in force.
        #[arg(long, value_name = "FILE")]
        old: PathBuf,
        /// At most so many of the requests that the coordinator keeps.
        #[arg(long, default_value_t = 1_000)]
        last: usize,
    },
    /// What would each node say to a transaction? Nothing is stored or signed.
    Simulate(Box<Transaction>),
}

/// The example bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Example {
    /// Small withdrawals leave by themselves, larger ones wait for a person.
    ExchangeHotWallet,
    /// Settlements with known counterparties, by two traders, in office hours.
    OtcDesk,
    /// Rewards go out, and everything else needs people.
    StakingOperator,
    /// Every payment needs people, office hours and a listed payee.
    Treasury,
}
