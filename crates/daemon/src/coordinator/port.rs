//! The engine, as services see it: ask and hear, and be told of changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use quorate_api::status::{Failure, Reason};
use quorate_coordinator::{ClientCall, ClientError, ClientReply, ClientRequest, ErrorCode, Input};
use quorate_model::RequestKey;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Changes that a slow watcher may be behind; then it misses some and is told so.
const CHANGES_MAX: usize = 4_096;

type Reply = Result<ClientReply, ClientError>;

/// One end of the engine.
#[derive(Clone)]
pub(super) struct Port(Arc<Shared>);

struct Shared {
    inputs: OnceLock<mpsc::Sender<Input>>,
    waiting: Mutex<Waiting>,
    changes: broadcast::Sender<RequestKey>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    open: BTreeMap<ClientCall, oneshot::Sender<Reply>>,
}

impl Port {
    pub(super) fn new(stop: CancellationToken) -> Self {
        let (changes, _) = broadcast::channel(CHANGES_MAX);
        let (inputs, waiting) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Shared { inputs, waiting, changes, stop }))
    }

    /// Gives the port its engine.
    pub(super) fn connect(&self, inputs: mpsc::Sender<Input>) {
        self.0.inputs.get_or_init(|| inputs);
    }

    /// Cancelled when the process is to end.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Asks the engine.
    pub(super) async fn ask(&self, request: ClientRequest) -> Result<ClientReply, Status> {
        let stopping = || Failure::new(Reason::Unavailable, "the coordinator is stopping");
        let inputs = self.0.inputs.get().ok_or_else(stopping)?;
        let (sender, receiver) = oneshot::channel();
        let call = {
            let mut waiting = self.lock();
            waiting.last += 1;
            let call = ClientCall(waiting.last);
            waiting.open.insert(call, sender);
            call
        };
        let asked = Asked { port: self, call };
        inputs.send(Input::Client { call, request }).await.map_err(|_| stopping())?;
        let reply = self.0.stop.run_until_cancelled(receiver).await.ok_or_else(stopping)?;
        let reply = reply.map_err(|_| stopping())?;
        drop(asked);
        reply.map_err(|error| Failure::from(error).into())
    }

    pub(super) fn reply(&self, call: ClientCall, reply: Reply) {
        if let Some(sender) = self.lock().open.remove(&call) {
            // Whoever asked may be gone.
            let _ = sender.send(reply);
        }
    }

    pub(super) fn changed(&self, request: RequestKey) {
        // Nobody may be watching.
        let _ = self.0.changes.send(request);
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<RequestKey> {
        self.0.changes.subscribe()
    }

    /// Refuses work that would need room on a disk that has none.
    pub(super) fn refuse_without_room(&self, input: Input) -> Option<Input> {
        match input {
            Input::Client {
                call,
                request: ClientRequest::BeginCeremony(_) | ClientRequest::CreateSignRequest { .. },
            } => {
                let message = "the coordinator's disk is nearly full".to_owned();
                self.reply(call, Err(ClientError { code: ErrorCode::Exhausted, message }));
                None
            }
            input @ (Input::Client { .. }
            | Input::Attached(_)
            | Input::Detached(_)
            | Input::Answer { .. }
            | Input::Tick) => Some(input),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a call whose client is gone, so that calls do not pile up.
struct Asked<'a> {
    port: &'a Port,
    call: ClientCall,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.port.lock().open.remove(&self.call);
    }
}
