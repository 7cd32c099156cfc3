//! What is going to happen, by time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use quorate_model::{ParticipantId, Timestamp};
use quorate_protocol::wire::{CallId, FromNode, ToNode};

/// Something that happens at a time.
pub(super) enum Event {
    Down { node: ParticipantId, link: u64, call: CallId, question: ToNode },
    Up { node: ParticipantId, link: u64, call: CallId, answer: FromNode },
    NodeSynced { node: ParticipantId, life: u64 },
    CoordinatorSynced { life: u64 },
    NodeTick { node: ParticipantId, life: u64 },
    CoordinatorTick { life: u64 },
    CrashNode(ParticipantId),
    StartNode(ParticipantId),
    CrashCoordinator,
    StartCoordinator,
    Cut(ParticipantId),
    Attach(ParticipantId),
    CopyDisk(ParticipantId),
    PutBack(ParticipantId),
    SetClock { node: ParticipantId, wrong_ms: i64 },
    Client,
}

/// Events by time; those of one time in the order in which they were pushed.
#[derive(Default)]
pub(super) struct Queue {
    order: BinaryHeap<Reverse<(Timestamp, u64)>>,
    events: BTreeMap<u64, Event>,
    next_tick: Option<Timestamp>,
    last: u64,
}

impl Queue {
    pub(super) fn push(&mut self, time: Timestamp, event: Event) {
        self.last += 1;
        self.order.push(Reverse((time, self.last)));
        self.events.insert(self.last, event);
    }

    /// Pushes a tick unless an earlier one is waiting already.
    pub(super) fn push_unique(&mut self, time: Timestamp, event: Event) {
        if self.next_tick.is_none_or(|next| time < next) {
            self.next_tick = Some(time);
            self.push(time, event);
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Timestamp, Event)> {
        let Reverse((time, number)) = self.order.pop()?;
        let event = self.events.remove(&number)?;
        if matches!(event, Event::CoordinatorTick { .. }) {
            self.next_tick = None;
        }
        Some((time, event))
    }
}
