//! Checks that Cargo and clippy cannot make. `cargo xtask layers` checks the arrows between crates,
//! `cargo xtask tidy` the size, names and words of files. Neither changes anything.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod layers;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <layers|tidy>

  layers   which crate may depend on which, and what a pure crate may never reach
  tidy     file sizes, file names, words banned from pure crates, paths of a machine";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["layers"] => report("layers", layers::check()),
        ["tidy"] => report("tidy", tidy::check()),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// What a check found: `faults` fail the run, `warnings` do not.
struct Findings {
    checked: String,
    warnings: Vec<String>,
    faults: Vec<String>,
}

fn report<E: std::error::Error>(check: &str, outcome: Result<Findings, E>) -> ExitCode {
    let findings = match outcome {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("{check}: could not run: {error}");
            return ExitCode::from(2);
        }
    };
    for warning in &findings.warnings {
        println!("warning: {warning}");
    }
    for fault in &findings.faults {
        println!("error: {fault}");
    }
    if findings.faults.is_empty() {
        println!("{check}: ok ({})", findings.checked);
        return ExitCode::SUCCESS;
    }
    eprintln!("{check}: {} fault(s) in {}", findings.faults.len(), findings.checked);
    ExitCode::FAILURE
}
