//! `quorate verdict`.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};
use quorate_model::{Digest, Network, ProviderName, RiskLevel};

use super::PayloadArgs;
use crate::network_name;

/// What a risk provider does. All of it offline: no cluster and no profile is needed.
#[derive(Debug, Subcommand)]
pub enum Verdict {
    /// Make a provider's key, and print what goes into the policy bundle.
    Keygen {
        /// The provider's name in the bundle.
        #[arg(long)]
        provider: ProviderName,
        /// The file of the key. Never over an old one.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Show what a payload does, as decoded here.
    Decode(Subject),
    /// Sign a verdict on what a payload does, as decoded here.
    Sign {
        /// What it is about.
        #[command(flatten)]
        subject: Subject,
        /// The cluster that is to rely on it.
        #[arg(long, value_name = "HASH")]
        cluster: Digest,
        /// The provider's name in the bundle.
        #[arg(long)]
        provider: ProviderName,
        /// The file of the provider's key: PKCS#8, PEM.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// How risky it is, in the words of the bundle, such as `low`.
        #[arg(long)]
        level: RiskLevel,
        /// The file to write, for `quorate sign --verdict`.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// A payload, and what it takes to decode it.
#[derive(Debug, Group)]
#[command(group = clap::ArgGroup::new("payload").required(true))]
pub struct Subject {
    /// The payload.
    #[command(flatten)]
    pub payload: PayloadArgs,
    /// The network: its name, such as bitcoin-signet, or its CAIP-2 id.
    #[arg(long, value_parser = network_name::parse)]
    pub network: Network,
    /// The public key of the key that pays, in hexadecimal digits, as `quorate key show` prints it, or
    /// `quorate key address` for a child.
    #[arg(long, value_name = "HEX")]
    pub public_key: String,
}
