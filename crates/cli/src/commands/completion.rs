//! `quorate completion`.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::args::Args;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) fn run(shell: Shell, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "quorate", &mut script);
    output.raw(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
