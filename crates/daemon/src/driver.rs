//! Drives an engine: one thread, inputs in, outputs in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quorate_protocol::{Engine, Output};
use rand_core::OsRng;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::DaemonError;
use crate::clock;
use crate::error::with_causes;
use crate::storage::{Keep, Storage};

/// Inputs that wait for the engine, at most: whoever has more waits.
const INPUTS_MAX: usize = 1_024;
/// How late the engine may hear of the time while inputs keep coming.
const TICK_LATE_MS: u64 = 250;
/// How often free space is looked at.
const ROOM_CHECK: Duration = Duration::from_secs(1);

/// What is done with an action. Called on several threads, never blocking.
pub(crate) type Dispatch<A> = Arc<dyn Fn(A) + Send + Sync>;

/// What differs between the engines.
pub(crate) trait Adapter<E: Engine>: Send + 'static {
    /// The input that says that time has passed.
    fn tick(&self) -> E::Input;

    /// What is to be known of an input and its outputs, for logs and metrics.
    fn observe(&self, outputs: &[Output<E::Record, E::Action>]);

    /// Answers an input that is not admitted, because the disk is full; gives it back if it needs
    /// no room.
    fn refuse(&self, input: E::Input) -> Option<E::Input>;
}

/// A running engine.
pub(crate) struct Driver<E: Engine> {
    pub(crate) inputs: mpsc::Sender<E::Input>,
    thread: thread::JoinHandle<()>,
    failure: Arc<std::sync::OnceLock<String>>,
}

struct Loop<E: Engine, A> {
    engine: E,
    adapter: A,
    outbox: Outbox<E::Action>,
    inputs: mpsc::Receiver<E::Input>,
    stop: CancellationToken,
    room: (Instant, bool),
}

struct Outbox<A> {
    storage: Storage,
    dispatch: Dispatch<A>,
    /// Batches that are not durable yet: what is said meanwhile waits behind them.
    waiting: Arc<AtomicU64>,
    failure: Arc<std::sync::OnceLock<String>>,
    stop: CancellationToken,
}

impl<E> Driver<E>
where
    E: Engine + Send + 'static,
    E::Record: Keep,
    E::Input: Send,
    E::Action: Send,
{
    /// Starts the engine's thread. `first` is made durable before anything else. When the store
    /// fails, `stop` is cancelled.
    pub(crate) fn start(
        engine: E,
        first: Vec<E::Record>,
        storage: Storage,
        adapter: impl Adapter<E>,
        dispatch: Dispatch<E::Action>,
        stop: CancellationToken,
    ) -> Result<Self, DaemonError> {
        let failure = Arc::new(std::sync::OnceLock::new());
        let waiting = Arc::new(AtomicU64::new(0));
        let outbox = Outbox {
            storage,
            dispatch,
            waiting,
            failure: Arc::clone(&failure),
            stop: stop.clone(),
        };
        outbox.release(vec![Output::Persist(first)]);
        let (sender, inputs) = mpsc::channel(INPUTS_MAX);
        let room = (Instant::now(), true);
        let run = Loop { engine, adapter, outbox, inputs, stop, room };
        let runtime = Handle::current();
        let thread = thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || run.run(&runtime))
            .map_err(DaemonError::Thread)?;
        Ok(Self { inputs: sender, thread, failure })
    }

    /// Has [`Self::join`] say that the store failed in this way, unless it failed before.
    pub(crate) fn fail(&self, error: &dyn std::error::Error) {
        self.failure.get_or_init(|| with_causes(error));
    }

    /// Waits for the engine's thread to end, which is what `stop` makes it do.
    pub(crate) fn join(self) -> Result<(), DaemonError> {
        let panicked = self.thread.join().is_err();
        match self.failure.get() {
            Some(failure) => Err(DaemonError::StoreFailed(failure.clone())),
            None if panicked => Err(DaemonError::StoreFailed("the engine panicked".to_owned())),
            None => Ok(()),
        }
    }
}

impl<E, A> Loop<E, A>
where
    E: Engine,
    E::Record: Keep,
    E::Action: Send + 'static,
    A: Adapter<E>,
{
    fn run(mut self, runtime: &Handle) {
        // However this thread ends, the process does not go on without it.
        let stop = self.stop.clone().drop_guard();
        while let Some(input) = self.next(runtime) {
            if self.tick_is_late() {
                let tick = self.adapter.tick();
                self.handle(tick);
            }
            let admitted = if self.has_room() { Some(input) } else { self.adapter.refuse(input) };
            let Some(input) = admitted else { continue };
            self.handle(input);
        }
        drop(stop);
    }

    fn handle(&mut self, input: E::Input) {
        let outputs = self.engine.handle(input, clock::moment(), &mut OsRng);
        self.adapter.observe(&outputs);
        self.outbox.release(outputs);
    }

    /// Whether the engine has wanted to hear of the time for so long that inputs, which normally go
    /// first, have to wait.
    fn tick_is_late(&self) -> bool {
        let wanted = self.engine.wake_at();
        wanted.is_some_and(|time| clock::now().since(time) > TICK_LATE_MS)
    }

    /// The next input; `None` when it is time to stop.
    fn next(&mut self, runtime: &Handle) -> Option<E::Input> {
        if self.stop.is_cancelled() {
            return None;
        }
        // What waits goes before what is due: an answer is not late because it waited here.
        if let Ok(input) = self.inputs.try_recv() {
            return Some(input);
        }
        let wake = self.engine.wake_at();
        let pause = wake.map_or(Duration::from_secs(3_600), clock::until);
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => None,
                input = self.inputs.recv() => input,
                () = tokio::time::sleep(pause) => Some(self.adapter.tick()),
            }
        })
    }

    fn has_room(&mut self) -> bool {
        if self.room.0.elapsed() >= ROOM_CHECK {
            self.room = (Instant::now(), self.outbox.storage.room.is_left());
        }
        self.room.1
    }
}

impl<A: Send + 'static> Outbox<A> {
    /// Has records made durable and does what follows them only then; across calls as well.
    fn release<R: Keep>(&self, outputs: Vec<Output<R, A>>) {
        let mut records = None;
        let mut actions = Vec::new();
        for output in outputs {
            match output {
                Output::Act(action) => actions.push(action),
                Output::Now(action) => (self.dispatch)(action),
                Output::Persist(batch) => {
                    self.submit(records.take(), std::mem::take(&mut actions));
                    records = Some(batch);
                }
            }
        }
        self.submit(records, actions);
    }

    fn submit<R: Keep>(&self, records: Option<Vec<R>>, actions: Vec<A>) {
        if self.failure.get().is_some() {
            // What was not written must not be told of.
            return;
        }
        let records = records.unwrap_or_default();
        if records.is_empty() && (actions.is_empty() || self.waiting.load(Ordering::Acquire) == 0) {
            return actions.into_iter().for_each(|action| (self.dispatch)(action));
        }
        let batch = match self.storage.batch(&records) {
            Ok(batch) => batch,
            Err(error) => return self.fail(&error),
        };
        let obsolete: Vec<_> = records.iter().filter_map(Keep::obsolete_key).collect();
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let (dispatch, waiting) = (Arc::clone(&self.dispatch), Arc::clone(&self.waiting));
        let (failure, stop) = (Arc::clone(&self.failure), self.stop.clone());
        let store = Arc::clone(&self.storage.store);
        let completion = move |result: Result<(), quorate_store::WriteError>| {
            let result = result.map_err(|error| with_causes(&error)).and_then(|()| {
                obsolete.iter().try_for_each(|id| {
                    store.erase_data_key(id).map(|_| ()).map_err(|error| with_causes(&error))
                })
            });
            match result {
                Ok(()) => actions.into_iter().for_each(|action| dispatch(action)),
                Err(error) => {
                    failure.get_or_init(|| error);
                    stop.cancel();
                }
            }
            waiting.fetch_sub(1, Ordering::AcqRel);
        };
        if let Err(error) = self.storage.writer.submit_blocking(batch, completion) {
            self.fail(&error);
        }
    }

    fn fail(&self, error: &dyn std::error::Error) {
        self.failure.get_or_init(|| with_causes(error));
        self.stop.cancel();
    }
}
