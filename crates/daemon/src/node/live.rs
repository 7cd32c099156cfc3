//! What administrators reach of a node that runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use quorate_api::status::{Failure, Reason};
use quorate_protocol::wire::{CallId, FromNode, ToNode};
use quorate_signer::{Action, Administration, Input, LinkId};
use tokio::sync::{mpsc, oneshot};

use super::backup::Backups;
use super::export::Exports;

/// The coordinators that the node is attached to now, by address.
pub(super) type AttachedTo = Arc<Mutex<BTreeMap<usize, String>>>;

/// What administrators reach of a node that runs.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) attached_to: AttachedTo,
    pub(super) calls: AdminCalls,
    pub(super) exports: Exports,
    pub(super) backups: Backups,
}

impl Live {
    /// Asks the engine what a coordinator may ask as well.
    pub(super) async fn ask(&self, question: ToNode) -> Result<FromNode, Failure> {
        let input = |call| Input::Question { link: LinkId::ADMIN, call, question };
        match self.tell(input).await? {
            Action::Answer { answer, .. } => Ok(answer),
            Action::Checkpoint { .. }
            | Action::Backup { .. }
            | Action::Noted { .. }
            | Action::Work(_) => Err(unexpected()),
        }
    }

    /// Has the audit log tell what an administrator does, durably.
    pub(super) async fn note(&self, act: Administration) -> Result<(), Failure> {
        match self.tell(|call| Input::Administer { call, act }).await? {
            Action::Noted { .. } => Ok(()),
            Action::Answer { .. }
            | Action::Checkpoint { .. }
            | Action::Backup { .. }
            | Action::Work(_) => Err(unexpected()),
        }
    }

    /// Tells the engine something, and waits for what it wants done.
    pub(super) async fn tell(
        &self,
        input: impl FnOnce(CallId) -> Input,
    ) -> Result<Action, Failure> {
        let (call, answer) = self.calls.open();
        self.inputs.send(input(call)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())
    }

    /// By address.
    pub(super) fn attached_to(&self) -> Vec<String> {
        let attached = self.attached_to.lock().unwrap_or_else(PoisonError::into_inner);
        attached.values().cloned().collect()
    }
}

/// Questions of the admin socket that wait for the engine.
#[derive(Clone, Default)]
pub(super) struct AdminCalls(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    last: u64,
    open: BTreeMap<CallId, oneshot::Sender<Action>>,
}

impl AdminCalls {
    fn open(&self) -> (CallId, oneshot::Receiver<Action>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.last += 1;
        let call = CallId(waiting.last);
        waiting.open.insert(call, sender);
        (call, receiver)
    }

    pub(super) fn answer(&self, call: CallId, answer: Action) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&call);
        if let Some(sender) = sender {
            // Whoever asked may be gone.
            let _ = sender.send(answer);
        }
    }

    /// Ends all that wait: the engine is gone.
    pub(super) fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).open.clear();
    }
}

/// The node while it runs; nothing while it is sealed.
#[derive(Clone, Default)]
pub(super) struct LiveNode(Arc<Mutex<Option<Live>>>);

impl LiveNode {
    /// # Errors
    /// Where the node is sealed: what to do about it.
    pub(super) fn get(&self) -> Result<Live, Failure> {
        let live = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        live.ok_or_else(|| {
            Failure::new(Reason::Unavailable, "the node is sealed: quorate node unseal opens it")
        })
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    pub(super) fn set(&self, live: Option<Live>) {
        metrics::gauge!("quorate_sealed").set(if live.is_some() { 0.0 } else { 1.0 });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = live;
    }
}

/// A call that waits when its node is sealed or ends.
pub(super) fn stopping() -> Failure {
    Failure::new(Reason::Unavailable, "the node is stopping")
}

/// The engine answered another kind of answer than it was asked for: a fault of quorate's own.
pub(super) fn unexpected() -> Failure {
    Failure::new(Reason::Internal, "the engine answered something else")
}
