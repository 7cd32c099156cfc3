//! The command `quorate`: brings a cluster up, and speaks to one.
//!
//! A client believes no coordinator: it pins the trust root's hash, verifies the certificate of every
//! key back to it, derives addresses itself, decodes what it sends, and verifies every signature
//! against the payload that it sent.
//!
//! **Architecture invariant:** data goes to stdout, everything else to stderr, and both only by way
//! of [`Output`].
#![deny(clippy::panic)]

pub mod args;
mod client;
mod clock;
mod commands;
mod demo;
pub mod dev;
mod exit;
mod files;
mod network_name;
mod output;
mod profile;
mod roots;
mod setup;
mod signing;
mod verified_key;

pub use exit::{Exit, Failure};
pub use output::{Format, Output};

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.global.output, args.global.no_color);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.map_err(Failure::from).and_then(|runtime| {
        let ended = runtime.block_on(commands::run(args, &output));
        // A blocking read of stdin may never end: nobody waits for it.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.fail(&failure);
            failure.exit().into()
        }
    }
}
