//! The machines alone, each measured as one node runs it (key generation: as all nodes run it):
//! `cargo bench -p quorate-benches --bench protocol`. Name the CPU beside any number you quote.

mod heads;
mod machines;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion};
use quorate_protocol::sign::{Reserved, aggregate};
use quorate_protocol::suite::{Ed25519, Secp256k1, Secp256k1Tr, Suite};
use rand_core::OsRng;

use crate::heads::heads;
use crate::machines::{Ceremonies, Signing, deliver};

/// Signers required, and nodes.
const SIZES: [(u16, u16); 3] = [(2, 3), (3, 5), (5, 7)];

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    suite::<Ed25519>(&mut criterion);
    suite::<Secp256k1Tr>(&mut criterion);
    suite::<Secp256k1>(&mut criterion);
    criterion.final_summary();
}

fn suite<S: Suite>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(S::SCHEME.as_str());
    for (threshold, nodes) in SIZES {
        dkg::<S>(&mut group, threshold, nodes);
        let signing = Signing::<S>::new(threshold, nodes);
        commit(&mut group, &signing);
        sign(&mut group, &signing);
        aggregation(&mut group, &signing);
    }
    group.finish();
}

fn id<S: Suite>(what: &str, signing: &Signing<S>) -> BenchmarkId {
    BenchmarkId::new(what, format!("{}-of-{}", signing.threshold, signing.nodes))
}

/// The whole ceremony, from announcements to shares: the sum of what all nodes compute. Signatures
/// over the messages between them are included; sending and storing are not.
fn dkg<S: Suite>(group: &mut BenchmarkGroup<'_, WallTime>, threshold: u16, nodes: u16) {
    let ceremonies = Ceremonies::new(nodes);
    let id = BenchmarkId::new("dkg, all nodes", format!("{threshold}-of-{nodes}"));
    group.bench_function(id, |bencher| bencher.iter(|| ceremonies.generate::<S>(threshold)));
}

/// Round one at one node: nonces and commitments for one message.
fn commit<S: Suite>(group: &mut BenchmarkGroup<'_, WallTime>, signing: &Signing<S>) {
    let (me, share) = signing.shares.first_key_value().expect("a signer");
    group.bench_function(id("commit", signing), |bencher| {
        bencher.iter_batched(
            || signing.context.clone(),
            |context| Reserved::reserve(context, *me, share, heads(), &mut OsRng),
            BatchSize::SmallInput,
        );
    });
}

/// Round two at one node: everybody's answers checked, one share released.
fn sign<S: Suite>(group: &mut BenchmarkGroup<'_, WallTime>, signing: &Signing<S>) {
    let (me, share) = signing.shares.first_key_value().expect("a signer");
    group.bench_function(id("sign", signing), |bencher| {
        bencher.iter_batched(
            || {
                let (mut reserved, answers) = signing.reserve();
                let mine = reserved.remove(me).expect("a signer");
                (mine, deliver(&signing.fixture, &answers))
            },
            |(mine, answers)| mine.release(share, answers).expect("honest answers"),
            BatchSize::SmallInput,
        );
    });
}

/// At the coordinator: shares into a signature, which is verified.
fn aggregation<S: Suite>(group: &mut BenchmarkGroup<'_, WallTime>, signing: &Signing<S>) {
    let (answers, shares) = signing.release();
    group.bench_function(id("aggregate", signing), |bencher| {
        bencher.iter_batched(
            || (deliver(&signing.fixture, &answers), deliver(&signing.fixture, &shares)),
            |(answers, shares)| {
                let signatures = aggregate(&signing.context, &signing.group, answers, shares);
                black_box(signatures.expect("honest shares"))
            },
            BatchSize::SmallInput,
        );
    });
}
