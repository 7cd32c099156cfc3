use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::*;
use crate::store::tests::{Fixture, RECORDS, put, scan, share};
use crate::{DataKeyId, Write};

const CONFIG: WriterConfig = WriterConfig { queue_batches_max: 256, free_bytes_min: 0 };

/// A test that waits for nothing fails rather than hangs.
fn wait<T>(results: &Receiver<T>) -> T {
    results.recv_timeout(Duration::from_secs(10)).unwrap()
}

fn batch(key: &[u8]) -> Batch {
    Batch { writes: vec![put(RECORDS, key, b"value")] }
}

/// Waits, at each sync, until it may go on.
struct GatedFile {
    begun: Sender<()>,
    go_on: Receiver<()>,
}

impl SyncFile for GatedFile {
    fn sync_data(&mut self) -> io::Result<()> {
        self.begun.send(()).map_err(io::Error::other)?;
        self.go_on.recv().map_err(io::Error::other)
    }
}

/// A writer whose syncs wait: the store, the writer, what tells that a sync has begun, what lets it
/// go on.
fn gated(
    fixture: &Fixture,
    config: WriterConfig,
) -> (Arc<Store>, Writer, Receiver<()>, Sender<()>) {
    let store = fixture.open().unwrap();
    let ((begun, begins), (go_on, goes_on)) = (channel(), channel());
    let log = Box::new(GatedFile { begun, go_on: goes_on });
    let writer = Writer::start_with(&store, config, log).unwrap();
    (store, writer, begins, go_on)
}

/// A writer that is busy with a batch of its own.
fn busy(fixture: &Fixture, config: WriterConfig) -> (Arc<Store>, Writer, Receiver<()>, Sender<()>) {
    let (store, writer, begins, go_on) = gated(fixture, config);
    writer.submit(batch(b"first"), |written| written.unwrap()).unwrap();
    wait(&begins);
    (store, writer, begins, go_on)
}

#[test]
fn many_batches_share_a_sync_and_complete_in_order() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let writer = Writer::start(&store, CONFIG).unwrap();
    let stats = writer.stats();
    let completed: Vec<Arc<Mutex<Vec<u32>>>> = (0..8).map(|_| Arc::default()).collect();
    thread::scope(|scope| {
        for (thread, completed) in completed.iter().enumerate() {
            let writer = &writer;
            scope.spawn(move || {
                for number in 0..125_u32 {
                    let key = [&[thread as u8][..], &number.to_be_bytes()].concat();
                    let completed = Arc::clone(completed);
                    let completion = move |written: Result<(), WriteError>| {
                        written.unwrap();
                        completed.lock().unwrap().push(number);
                    };
                    writer.submit_blocking(batch(&key), completion).unwrap();
                }
            });
        }
    });
    drop(writer);
    for completed in &completed {
        assert_eq!(*completed.lock().unwrap(), (0..125).collect::<Vec<_>>());
    }
    assert_eq!(stats.batches(), 1_000);
    assert!((4..500).contains(&stats.syncs()), "{} syncs", stats.syncs());
    assert!(stats.last_sync() > Duration::ZERO);
    assert_eq!(store.generation().number, stats.syncs());
    drop(store);
    assert_eq!(scan(&fixture.open().unwrap(), RECORDS).len(), 1_000);
}

#[test]
fn a_batch_completes_after_its_sync() {
    let fixture = Fixture::new();
    let (store, writer, begins, go_on) = gated(&fixture, CONFIG);
    let durable = Arc::new(AtomicBool::new(false));
    let (seen, completion) = (Arc::clone(&durable), Arc::clone(&durable));
    writer.submit(batch(b"1"), move |written| completion.store(written.is_ok(), SeqCst)).unwrap();
    wait(&begins);
    assert!(!seen.load(SeqCst));
    assert_eq!(store.generation().number, 0);
    go_on.send(()).unwrap();
    drop(writer);
    assert!(seen.load(SeqCst));
    assert_eq!(store.generation().number, 1);
}

#[test]
fn what_waits_is_written_in_one_transaction_up_to_its_limits() {
    let fixture = Fixture::new();
    let config = WriterConfig { queue_batches_max: 1_000, ..CONFIG };
    let (_store, writer, begins, go_on) = busy(&fixture, config);
    for number in 0..600_u32 {
        writer.submit(batch(&number.to_be_bytes()), |written| written.unwrap()).unwrap();
    }
    let great = || {
        let put = |key| put(RECORDS, &[key], &vec![0; 52_000]);
        Batch { writes: (0..20).map(put).collect() }
    };
    for _ in 0..3 {
        writer.submit(great(), |written| written.unwrap()).unwrap();
    }
    (0..20).for_each(|_| go_on.send(()).unwrap());
    let stats = writer.stats();
    drop(writer);
    assert_eq!(stats.batches(), 604);
    // The first; 256, 256, and 88 with a great one; then two great ones in one.
    assert_eq!((stats.syncs(), begins.iter().count()), (5, 4));
}

#[test]
fn an_empty_batch_completes_in_order_and_syncs_nothing() {
    let fixture = Fixture::new();
    let (_store, writer, _begins, go_on) = busy(&fixture, CONFIG);
    let order: Arc<Mutex<Vec<&str>>> = Arc::default();
    let note = |name: &'static str| {
        let order = Arc::clone(&order);
        move |written: Result<(), WriteError>| {
            written.unwrap();
            order.lock().unwrap().push(name);
        }
    };
    writer.submit(Batch::default(), note("empty")).unwrap();
    writer.submit(batch(b"2"), note("second")).unwrap();
    writer.submit(Batch::default(), note("barrier")).unwrap();
    go_on.send(()).unwrap();
    go_on.send(()).unwrap();
    let stats = writer.stats();
    drop(writer);
    assert_eq!(*order.lock().unwrap(), ["empty", "second", "barrier"]);
    assert_eq!((stats.batches(), stats.syncs()), (4, 2));

    let store = Fixture::new();
    let (store, writer, begins, go_on) = gated(&store, CONFIG);
    drop(go_on);
    writer.submit(Batch::default(), |written| written.unwrap()).unwrap();
    drop(writer);
    assert_eq!((begins.iter().count(), store.generation().number), (0, 0));
}

#[test]
fn a_full_queue_refuses_work_and_a_blocking_caller_waits() {
    let fixture = Fixture::new();
    let config = WriterConfig { queue_batches_max: 1, ..CONFIG };
    let (_store, writer, _begins, go_on) = busy(&fixture, config);
    writer.submit(batch(b"2"), |written| written.unwrap()).unwrap();
    let refused = writer.submit(batch(b"3"), |_| panic!("a refused batch completes"));
    assert!(matches!(refused, Err(SubmitError::QueueFull { batches: 1 })));
    thread::scope(|scope| {
        let waiting =
            scope.spawn(|| writer.submit_blocking(batch(b"4"), |written| written.unwrap()));
        (0..3).for_each(|_| go_on.send(()).unwrap());
        waiting.join().unwrap().unwrap();
    });
    let stats = writer.stats();
    drop(writer);
    assert_eq!(stats.batches(), 3);
}

#[test]
fn a_full_disk_refuses_new_work_only() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let config = WriterConfig { free_bytes_min: u64::MAX, ..CONFIG };
    let writer = Writer::start(&store, config).unwrap();
    let refused = writer.submit(batch(b"1"), |_| panic!("a refused batch completes"));
    assert!(matches!(refused, Err(SubmitError::DiskFull { free: 1.., required: u64::MAX })));
    writer.submit_blocking(batch(b"2"), |written| written.unwrap()).unwrap();
    drop(writer);
    assert_eq!(scan(&store, RECORDS).len(), 1);
}

#[test]
fn what_can_never_be_written_is_refused() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let writer = Writer::start(&store, CONFIG).unwrap();
    let value = vec![0; crate::VALUE_BYTES_MAX + 1];
    let great = || Batch { writes: vec![put(RECORDS, b"1", &value)] };
    let unknown = || {
        let value = Vec::new().into();
        let write = Write::Put { tree: RECORDS, key: vec![1], value, data_key: share() };
        Batch { writes: vec![write] }
    };
    let never = |_| panic!("a refused batch completes");
    assert!(matches!(writer.submit(great(), never), Err(SubmitError::Batch(_))));
    assert!(matches!(writer.submit_blocking(great(), never), Err(SubmitError::Batch(_))));
    for refused in [writer.submit(unknown(), never), writer.submit_blocking(unknown(), never)] {
        assert!(matches!(refused, Err(SubmitError::UnknownDataKey { id }) if id == share()));
    }
    store.add_data_key(&share()).unwrap();
    writer.submit(unknown(), |written| written.unwrap()).unwrap();
}

struct BrokenFile(Arc<AtomicU64>);

impl SyncFile for BrokenFile {
    fn sync_data(&mut self) -> io::Result<()> {
        self.0.fetch_add(1, SeqCst);
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn a_failed_sync_stops_the_writer_and_acknowledges_nothing() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let syncs = Arc::new(AtomicU64::new(0));
    let log = Box::new(BrokenFile(Arc::clone(&syncs)));
    let writer = Arc::new(Writer::start_with(&store, CONFIG, log).unwrap());
    let (done, results) = channel();
    // Submitted by a completion, when the writer has failed and says so.
    let again = Arc::downgrade(&writer);
    let first = done.clone();
    writer
        .submit(batch(b"1"), move |written| {
            let resubmitted = again.upgrade().unwrap().submit(batch(b"2"), |_| {});
            first.send((written, resubmitted)).unwrap();
        })
        .unwrap();
    let (written, resubmitted) = wait(&results);
    assert!(matches!(written, Err(WriteError::Failed(_))));
    assert!(matches!(resubmitted, Err(SubmitError::Stopped(_))));
    let refused = writer.submit_blocking(batch(b"3"), |_| panic!("a refused batch completes"));
    assert!(matches!(refused, Err(SubmitError::Stopped(_))));
    assert!(matches!(*writer.failure().unwrap(), WriterFailure::Sync(_)));
    assert_eq!((syncs.load(SeqCst), writer.stats().syncs(), writer.stats().batches()), (1, 0, 0));
    assert_eq!(store.generation().number, 0);
}

#[test]
fn what_waits_behind_a_failure_is_stopped_and_not_written() {
    let fixture = Fixture::new();
    let (store, writer, begins, go_on) = gated(&fixture, CONFIG);
    let (done, results) = channel();
    let pass_on = |done: &Sender<_>| {
        let done = done.clone();
        move |written| done.send(written).unwrap()
    };
    writer.submit(batch(b"1"), pass_on(&done)).unwrap();
    wait(&begins);
    writer.submit(batch(b"2"), pass_on(&done)).unwrap();
    writer.submit(Batch::default(), pass_on(&done)).unwrap();
    // The gate breaks: the sync fails.
    drop(go_on);
    drop((writer, done));
    let results: Vec<Result<(), WriteError>> = results.iter().collect();
    let failed = matches!(
        results.as_slice(),
        [Err(WriteError::Failed(_)), Err(WriteError::Stopped(_)), Err(WriteError::Stopped(_))]
    );
    assert!(failed, "{results:?}");
    assert!(scan(&store, RECORDS).iter().all(|(key, _)| key != b"2"));
}

#[test]
fn erasing_a_data_key_that_a_waiting_write_needs_stops_the_writer() {
    let fixture = Fixture::new();
    let (store, writer, _begins, go_on) = busy(&fixture, CONFIG);
    store.add_data_key(&share()).unwrap();
    let value = b"share".to_vec().into();
    let write = Write::Put { tree: RECORDS, key: vec![1], value, data_key: share() };
    let (done, results) = channel();
    let completion = move |written| done.send(written).unwrap();
    writer.submit(Batch { writes: vec![write] }, completion).unwrap();
    assert!(store.erase_data_key(&share()).unwrap());
    go_on.send(()).unwrap();
    assert!(matches!(wait(&results), Err(WriteError::Failed(_))));
    let failure = writer.failure().unwrap();
    assert!(failure.to_string().contains("transaction"), "{failure}");
}

#[test]
fn a_completion_that_panics_stops_the_writer_and_keeps_what_is_durable() {
    let fixture = Fixture::new();
    let (store, writer, begins, go_on) = busy(&fixture, CONFIG);
    let (done, results) = channel();
    let after = done.clone();
    writer.submit(batch(b"2"), |_| panic!("a bug")).unwrap();
    writer.submit(batch(b"3"), move |written| after.send(written).unwrap()).unwrap();
    (0..2).for_each(|_| go_on.send(()).unwrap());
    wait(&results).unwrap();
    let failure = writer.failure().unwrap();
    assert!(matches!(&*failure, WriterFailure::Panicked { message } if message == "a bug"));
    assert!(matches!(writer.submit(batch(b"4"), |_| {}), Err(SubmitError::Stopped(_))));
    drop((writer, begins));
    assert_eq!(scan(&store, RECORDS).len(), 3);
}

#[test]
fn a_store_has_one_writer() {
    let fixture = Fixture::new();
    let store = fixture.open().unwrap();
    let writer = Writer::start(&store, CONFIG).unwrap();
    assert!(matches!(Writer::start(&store, CONFIG), Err(StartError::Started)));
    drop(writer);
    assert!(matches!(Writer::start(&store, CONFIG), Err(StartError::Started)));
}

#[test]
fn a_completion_may_drop_the_writer() {
    let fixture = Fixture::new();
    let (store, writer, _begins, go_on) = gated(&fixture, CONFIG);
    let writer = Arc::new(writer);
    let last = Arc::clone(&writer);
    let (done, results) = channel();
    let completion = move |written: Result<(), WriteError>| {
        drop(last);
        done.send(written).unwrap();
    };
    writer.submit(batch(b"1"), completion).unwrap();
    drop(writer);
    go_on.send(()).unwrap();
    wait(&results).unwrap();
    assert_eq!(store.data_keys(), [DataKeyId::Root]);
}
