//! The layers, as a table. ARCHITECTURE.md draws the same picture; this is what CI enforces.

use std::fmt;

/// Crates without I/O, clock, randomness source or logging.
pub(crate) const PURE: [&str; 9] = [
    "quorate-model",
    "quorate-trust",
    "quorate-protocol",
    "quorate-intent",
    "quorate-policy",
    "quorate-audit",
    "quorate-backup",
    "quorate-signer",
    "quorate-coordinator",
];

const ADAPTERS: [&str; 4] = ["quorate-api", "quorate-store", "quorate-net", "quorate-telemetry"];

/// What a pure crate may not reach through normal dependencies, however indirectly.
pub(crate) const UNREACHABLE_FOR_PURE: [&str; 4] = ["tokio", "tonic", "prost", "sled"];

/// What a pure crate may not name itself; a dependency of it may.
pub(crate) const UNNAMEABLE_FOR_PURE: [&str; 2] = ["tracing", "log"];

pub(crate) fn is_pure(name: &str) -> bool {
    PURE.contains(&name)
}

/// Crates that must never be linked into anything that ships.
pub(crate) fn is_test_only(name: &str) -> bool {
    name == "quorate-testkit"
}

/// Members that hold nothing but tests or benches.
pub(crate) fn may_test(name: &str) -> bool {
    matches!(name, "quorate-tests" | "quorate-benches")
}

/// The one crate of ours that may name this dependency, if it has an owner. sled, because its
/// durability needs care at every call; cryptoki, because what is destroyed in a token has to go with
/// what is written; cedar-policy, because compiling it takes a minute and because what it says is not yet
/// a decision.
pub(crate) fn owner(dependency: &str) -> Option<&'static str> {
    match dependency {
        "sled" | "cryptoki" => Some("quorate-store"),
        "cedar-policy" => Some("quorate-policy"),
        _ => None,
    }
}

/// Which crates of ours one crate may depend on. The test kit has its own rule and is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed(Vec<&'static str>);

impl Allowed {
    pub(crate) fn permits(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("none"),
            names => f.write_str(&names.join(", ")),
        }
    }
}

/// The row of one crate, or `None` for a crate that nobody has placed yet.
#[must_use]
pub(crate) fn allowed(name: &str) -> Option<Allowed> {
    let row = match name {
        "quorate-model" | "quorate-telemetry" | "xtask" => Vec::new(),
        "quorate-trust" | "quorate-intent" => vec!["quorate-model"],
        "quorate-protocol" | "quorate-audit" => vec!["quorate-model", "quorate-trust"],
        "quorate-backup" => vec!["quorate-model", "quorate-protocol", "quorate-trust"],
        "quorate-policy" => vec!["quorate-model", "quorate-intent", "quorate-trust"],
        "quorate-signer" => vec![
            "quorate-model",
            "quorate-protocol",
            "quorate-trust",
            "quorate-intent",
            "quorate-policy",
            "quorate-audit",
            "quorate-backup",
        ],
        // Neither signer (a coordinator has no type that could hold a share) nor policy (it decides
        // nothing).
        "quorate-coordinator" => vec![
            "quorate-model",
            "quorate-protocol",
            "quorate-trust",
            "quorate-intent",
            "quorate-audit",
        ],
        "quorate-api" => PURE.to_vec(),
        "quorate-store" => vec!["quorate-model", "quorate-api"],
        "quorate-net" => vec!["quorate-model", "quorate-api", "quorate-protocol", "quorate-trust"],
        "quorate-daemon" => below_services(),
        "quorate-cli" | "quorate-testkit" => [below_services(), vec!["quorate-daemon"]].concat(),
        "quorate-tests" | "quorate-benches" => {
            [below_services(), vec!["quorate-daemon", "quorate-cli"]].concat()
        }
        _ => return None,
    };
    Some(Allowed(row))
}

fn below_services() -> Vec<&'static str> {
    [PURE.as_slice(), ADAPTERS.as_slice()].concat()
}
