//! The whole cluster in one thread, from a seed. A failing seed is replayed with
//! `QUORATE_SEED=N cargo test -p quorate-tests --test simulation replay -- --nocapture`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it expects, not the rest")]

mod bugs;
mod hostile;
mod hostile_changes;
mod hostile_node;
mod hostile_people;
mod schedules;
