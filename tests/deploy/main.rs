//! What `deploy/` ships is what the programs take: configuration is read with the programs' own
//! types, and units and the compose file fit it.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it expects, not the rest")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod command_lines;
mod compose;
mod configuration;
mod units;

use std::path::{Path, PathBuf};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(deploy().join(path)).unwrap()
}
