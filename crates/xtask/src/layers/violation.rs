//! What can be wrong with an arrow, in words that say what to do about it.

/// One arrow that may not be there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error(
        "{name}: in no layer; add it to `allowed` in crates/xtask/src/layers/table.rs and to the \
         crates of ARCHITECTURE.md"
    )]
    UnknownCrate { name: String },
    #[error("{from} -> {to}: not an allowed arrow; of our crates, {from} may use {allowed}")]
    Arrow { from: String, to: String, allowed: String },
    #[error("{from} -> {to}: only {owner} may name {to}; go through {owner}")]
    Owned { from: String, to: String, owner: String },
    #[error(
        "{from} -> {to}: only [dev-dependencies] of the tests and benches members may name {to}"
    )]
    TestOnly { from: String, to: String },
    #[error("{path}: a pure crate may not reach {forbidden} at any depth")]
    Reaches { forbidden: String, path: String },
    #[error("{from} -> {to}: a pure crate does not log; return an event and let the driver log it")]
    Logs { from: String, to: String },
}
