//! The whole cluster in one thread, from a seed. A failing seed is replayed with
//! `QUORATE_SEED=N cargo test -p quorate-tests --test simulation replay -- --nocapture`.
#![allow(missing_docs, reason = "tests are named as sentences")]

mod bugs;
mod hostile;
mod schedules;
