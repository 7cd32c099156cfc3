//! Threads for what takes long: as many pieces of work at once as leave a core to the engine.

use std::sync::{Arc, OnceLock};

use quorate_signer::{Input, Work};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Gives work away, and tells the engine of its outcomes.
#[derive(Clone)]
pub(super) struct Workers {
    runtime: Handle,
    free: Arc<Semaphore>,
    inputs: Arc<OnceLock<mpsc::Sender<Input>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Workers {
    /// Of this runtime, until `stop`. Work waits its turn there; how much may wait is bounded by the sessions and key
    /// generations that the engine admits.
    pub(super) fn new(stop: &CancellationToken) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let free = Arc::new(Semaphore::new(cores.saturating_sub(1).max(1)));
        let (inputs, tasks, stop) = (Arc::default(), TaskTracker::new(), stop.clone());
        Self { runtime: Handle::current(), free, inputs, tasks, stop }
    }

    /// Who is told of outcomes, from now on.
    pub(super) fn tell(&self, inputs: &mpsc::Sender<Input>) {
        self.inputs.get_or_init(|| inputs.clone());
    }

    pub(super) fn take(&self, work: Work) {
        let Self { runtime, free, inputs, stop, .. } = self.clone();
        let task = async move {
            // Nobody closes the semaphore, and a node that is stopping needs no outcome.
            let Some(Ok(_permit)) = stop.run_until_cancelled(free.acquire()).await else { return };
            let Ok(outcome) = runtime.spawn_blocking(move || work.run()).await else { return };
            if let Some(inputs) = inputs.get() {
                let _ = inputs.send(Input::WorkDone(outcome)).await;
            }
        };
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Waits for the work that is being done, once no more comes: it has secrets in memory.
    pub(super) async fn end(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
