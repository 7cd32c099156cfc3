//! `quorate policy`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Transaction;

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
