//! `quorate policy`. All but `simulate` needs no cluster.

mod cases;
mod check;
mod diff;
mod entry;
mod explain;
mod fault;
mod init;
mod legible;
mod outcome;
mod simulate;

use std::path::{Path, PathBuf};

use quorate_policy::Bundle;

use crate::args::Policy;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::Output;

pub(super) async fn run(
    command: Policy,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Policy::Init { example, out } => init::run(example, &out, output),
        Policy::Check { file } => check::run(&file, output),
        Policy::Test { file, allow_none } => cases::run(&file, allow_none, output),
        Policy::Diff { old, new } => diff::run(&old, &new, output),
        Policy::Explain { file, test } => explain::run(&file, &test, output),
        Policy::Simulate(transaction) => simulate::run(*transaction, dir, output).await,
    }
}

/// A bundle, accepted as a node accepts it.
fn load(file: &Path) -> Result<Bundle, Failure> {
    let text = files::read(file)?;
    Bundle::parse(&text).map_err(|error| fault::failure(file, &error))
}

/// An argument as a shell reads it.
fn quoted(argument: &str) -> String {
    format!("'{}'", legible::line(argument).replace('\'', r"'\''"))
}
