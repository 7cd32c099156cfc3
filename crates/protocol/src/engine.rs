//! The contract between an engine and whatever drives it.

use quorate_model::{Moment, Timestamp};
use rand_core::CryptoRngCore;

/// A pure state machine: a node or a coordinator without its sockets, disks and clocks.
pub trait Engine {
    /// What the outside tells it.
    type Input;
    /// What it wants durable.
    type Record;
    /// What it wants done.
    type Action;

    /// Takes one input and answers with what is to be done, in order. `now` never goes back by its
    /// uptime; by its time it may.
    fn handle(
        &mut self,
        input: Self::Input,
        now: Moment,
        rng: &mut dyn CryptoRngCore,
    ) -> Vec<Output<Self::Record, Self::Action>>;

    /// When, by the wall clock, it wants to hear of time passing, if it waits for anything.
    fn wake_at(&self) -> Option<Timestamp>;
}

/// One thing to be done. The driver keeps the order: no `Act` after a `Persist` happens before what
/// it holds is durable, across all calls of [`Engine::handle`].
#[derive(Debug)]
pub enum Output<R, A> {
    /// Make these records durable, all or none.
    Persist(Vec<R>),
    /// Do this once everything before it is durable.
    Act(A),
    /// Do this at once: it rests on nothing that is to be durable.
    Now(A),
}
