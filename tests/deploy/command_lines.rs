//! Every command line in `deploy/`, read as `quorate` reads it.

use clap::Parser as _;
use quorate_cli::args::{Args, Command};

use crate::text;

/// The arguments, and whose they are.
fn command_lines() -> Vec<(&'static str, Vec<String>)> {
    let mut found = Vec::new();
    for unit in ["systemd/quorate-node.service", "systemd/quorate-coordinator.service"] {
        let text = text(unit);
        let starts: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix("ExecStart=")).collect();
        let [start] = starts[..] else { panic!("{unit}: one command") };
        found.push((unit, start.split_whitespace().map(str::to_owned).collect()));
    }
    let compose = "compose/compose.yaml";
    for line in text(compose).lines() {
        let Some(list) = line.trim().strip_prefix("command: [") else { continue };
        let args = list.trim_end_matches(']').split(", ").map(str::to_owned);
        found.push((compose, ["/usr/bin/quorate".to_owned()].into_iter().chain(args).collect()));
    }
    found
}

#[test]
fn every_command_line_is_understood() {
    let lines = command_lines();
    assert_eq!(lines.len(), 6, "two units and four services: {lines:?}");
    for (file, line) in lines {
        assert_eq!(line[0], "/usr/bin/quorate", "{file}");
        let args = Args::try_parse_from(&line).unwrap_or_else(|error| panic!("{file}: {error}"));
        let config = match args.command {
            Command::Node(node) => node.config.unwrap(),
            Command::Coordinator(coordinator) => coordinator.config,
            other => panic!("{file}: {other:?}"),
        };
        assert!(config.starts_with("/etc/quorate"), "{file}: {}", config.display());
    }
}

#[test]
fn a_flag_that_does_not_exist_is_refused() {
    for (file, mut line) in command_lines() {
        line.push("--no-such-flag".to_owned());
        assert!(Args::try_parse_from(&line).is_err(), "{file}");
    }
}

#[test]
fn the_image_runs_the_program_that_the_units_run() {
    let dockerfile = text("container/Dockerfile");
    assert!(dockerfile.contains("ENTRYPOINT [\"/usr/bin/quorate\"]"));
    assert!(dockerfile.contains("cargo build --release --locked --bin quorate"));
}
