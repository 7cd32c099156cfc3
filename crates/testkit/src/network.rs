//! What travels between coordinator and nodes, and who may meddle with it.

use quorate_model::ParticipantId;
use quorate_protocol::wire::{CallId, FromNode, ToNode};

/// One message between the coordinator and a node.
#[derive(Debug, Clone)]
pub enum Frame {
    /// Down.
    Question(ParticipantId, CallId, ToNode),
    /// Up.
    Answer(ParticipantId, CallId, FromNode),
}

/// A hostile relay: sees every message and decides what arrives instead.
pub trait Meddler {
    /// What is delivered in place of `frame`.
    fn meddle(&mut self, frame: Frame) -> Vec<Frame>;
}

impl<F: FnMut(Frame) -> Vec<Frame>> Meddler for F {
    fn meddle(&mut self, frame: Frame) -> Vec<Frame> {
        self(frame)
    }
}
