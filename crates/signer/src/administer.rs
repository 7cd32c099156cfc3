//! What an administrator of this node does to it as a whole. It is in the audit log.

use quorate_audit::{Event, EventKind};
use quorate_model::Erasure;
use quorate_protocol::Output;
use quorate_protocol::wire::{CallId, FromNode, RefusalCode};

use crate::node::{Action, Input, Node};
use crate::record::Record;
use crate::refusal::refuse;
use crate::turn::Turn;
use crate::vault::Vault;

/// What an administrator of this node does to it as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Administration {
    /// The node is sealed: it ends what it does, lets go of its shares, and answers nobody any more.
    Seal,
    /// The key-encryption key is to be replaced.
    RotateKek {
        /// By what, in words.
        to: String,
    },
    /// The key-encryption key was replaced.
    KekRotated {
        /// By what, in words.
        to: String,
        /// How surely erased shares are gone from here on.
        erasure: Erasure,
    },
}

impl Node {
    /// Notes what an administrator does. [`Action::Noted`] says that it is durable.
    pub(crate) fn administer(
        &mut self,
        call: CallId,
        act: Administration,
        mut turn: Turn,
    ) -> Vec<Output<Record, Action>> {
        let event = match act {
            Administration::Seal => {
                self.sessions.end_all();
                self.ceremonies.end_all();
                self.vault = Vault::default();
                self.sealed = true;
                Event::new(EventKind::NodeSealed)
            }
            Administration::RotateKek { to } => {
                Event::new(EventKind::KekRotation).fact("stage", "begun").fact("to", to)
            }
            Administration::KekRotated { to, erasure } => {
                self.erasure = erasure;
                let event = Event::new(EventKind::KekRotation).fact("stage", "done");
                event.fact("to", to).fact("erasure", erasure)
            }
        };
        self.audit(event, &mut turn);
        turn.finish(Some(Action::Noted { call }))
    }

    /// What a node that was sealed does: nothing.
    pub(crate) fn while_sealed(input: Input) -> Vec<Output<Record, Action>> {
        match input {
            Input::Question { link, call, .. } => {
                let refusal = refuse(RefusalCode::Busy, "the node is sealed");
                vec![Output::Act(Action::Answer { link, call, answer: FromNode::Refused(refusal) })]
            }
            Input::ReadAudit { .. }
            | Input::CreateBackup { .. }
            | Input::Administer { .. }
            | Input::WorkDone(_)
            | Input::Tick => Vec::new(),
        }
    }
}
