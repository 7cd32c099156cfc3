//! A driver of an engine as the real one is: outputs in order, one sync at a time.

use std::collections::VecDeque;

use quorate_protocol::{Engine, Output};
use rand_chacha::ChaCha20Rng;

use crate::disk::{Disk, Keeps};
use crate::rng::chance;

/// A defect planted to see that the checks catch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Answers leave before what they rest on is durable.
    SendBeforePersist,
    /// What was answered for a request or a confirmation is never made durable, so that a restarted
    /// node answers the same attempt again.
    ForgetAttempts,
    /// The nodes' gates permit everything.
    NoGate,
    /// Nodes believe whatever their clocks show.
    BelieveClocks,
}

/// One process: an engine, its disk, and what waits for the disk. A crash takes all but the disk.
pub(crate) struct Process<E: Engine> {
    pub(crate) engine: Option<E>,
    pub(crate) disk: Disk,
    held: VecDeque<Held<E::Record, E::Action>>,
    syncing: bool,
    /// Distinguishes one life of the process from the next.
    pub(crate) life: u64,
    send_before_persist: bool,
}

/// An output that has to wait for its turn.
enum Held<R, A> {
    Persist(Vec<R>),
    Act(A),
}

impl<E: Engine> Process<E>
where
    E::Record: Keeps,
{
    pub(crate) fn new(send_before_persist: bool) -> Self {
        let (engine, disk, held) = (None, Disk::default(), VecDeque::new());
        Self { engine, disk, held, syncing: false, life: 0, send_before_persist }
    }

    /// Queues outputs; gives the actions that may happen now, and whether a sync begins.
    pub(crate) fn queue(
        &mut self,
        outputs: Vec<Output<E::Record, E::Action>>,
    ) -> (Vec<E::Action>, bool) {
        let mut at_once = Vec::new();
        for output in outputs {
            match output {
                Output::Now(action) => at_once.push(action),
                Output::Persist(batch) => self.held.push_back(Held::Persist(batch)),
                Output::Act(action) => self.held.push_back(Held::Act(action)),
            }
        }
        let (actions, syncing) = self.pump();
        at_once.extend(actions);
        (at_once, syncing)
    }

    /// The sync in flight is done.
    pub(crate) fn synced(&mut self) -> (Vec<E::Action>, bool) {
        self.syncing = false;
        if let Some(Held::Persist(batch)) = self.held.pop_front() {
            self.disk.apply(&batch);
        }
        self.pump()
    }

    fn pump(&mut self) -> (Vec<E::Action>, bool) {
        let mut actions = Vec::new();
        if self.send_before_persist {
            let all = std::mem::take(&mut self.held);
            for output in all {
                match output {
                    Held::Act(action) => actions.push(action),
                    persist @ Held::Persist(_) => self.held.push_back(persist),
                }
            }
        }
        if self.syncing {
            return (actions, false);
        }
        let acts = |held: &mut Held<_, _>| matches!(held, Held::Act(_));
        while let Some(Held::Act(action)) = self.held.pop_front_if(acts) {
            actions.push(action);
        }
        self.syncing = !self.held.is_empty();
        (actions, self.syncing)
    }

    /// The process dies. A sync in flight may or may not have reached the disk.
    pub(crate) fn crash(&mut self, rng: &mut ChaCha20Rng) {
        if let (true, Some(Held::Persist(batch))) = (self.syncing, self.held.front())
            && chance(rng, 500)
        {
            self.disk.apply(batch);
        }
        self.engine = None;
        self.held.clear();
        self.syncing = false;
        self.life += 1;
    }
}
