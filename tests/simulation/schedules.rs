//! Seeded schedules: with faults and without.

use quorate_model::Scheme;
use quorate_testkit::{Faults, Outcome, Workload, World};

/// The run of a seed: every property of it follows from the number.
pub(crate) fn run(seed: u64, faults: Faults) -> Outcome {
    world(seed, faults).run()
}

pub(crate) fn world(seed: u64, faults: Faults) -> World {
    World::new(seed, workload(seed), faults)
}

fn workload(seed: u64) -> Workload {
    let scheme = Scheme::ALL[(seed % 4) as usize];
    let (nodes, threshold) = [(3, 2), (4, 3), (5, 3)][(seed / 4 % 3) as usize];
    let changes = seed % 2 == 1;
    let (permitted, denied, asking, rotations) = (3, 1, 2, 0);
    Workload { nodes, threshold, scheme, permitted, denied, asking, changes, rotations }
}

fn check(seed: u64, outcome: &Outcome) {
    if let Some(violation) = &outcome.violation {
        panic!("seed {seed}: {violation}\n{}", outcome.timeline);
    }
}

fn seeds(range: std::ops::Range<u64>) {
    let mut active = 0;
    let total = range.end - range.start;
    for seed in range {
        let outcome = run(seed, Faults::some());
        check(seed, &outcome);
        active += u64::from(outcome.key_active);
    }
    // Faults may cost a key, but not most of them.
    assert!(active * 10 >= total * 8, "only {active} of {total} keys became active");
}

// Two tests, so that two cores share the seeds.
#[test]
fn five_hundred_seeds_with_faults_keep_every_promise() {
    seeds(0..500);
}

#[test]
fn five_hundred_more_seeds_with_faults_keep_every_promise() {
    seeds(500..1_000);
}

#[test]
fn without_faults_everything_ends_as_it_should() {
    for seed in 0..60 {
        check(seed, &run(seed, Faults::none()));
    }
}

/// Shares are made anew, by refreshes, repairs and other rosters, while payments are made and whatever goes
/// wrong.
#[test]
fn keys_that_are_rotated_keep_every_promise() {
    let mut rotated = 0;
    for seed in 0..120 {
        let workload = Workload { rotations: 3, ..workload(seed) };
        let outcome = World::new(seed, workload, Faults::some()).run();
        check(seed, &outcome);
        rotated += outcome.rotations;
    }
    assert!(rotated > 180, "only {rotated} of 360 new sharings were made");
    // Approvals bind the epoch, so nobody is asked here.
    for seed in 0..40 {
        let workload = Workload { rotations: 3, asking: 0, ..workload(seed) };
        let outcome = World::new(seed, workload, Faults::none()).run();
        check(seed, &outcome);
        assert_eq!(outcome.rotations, 3, "seed {seed}");
    }
}

/// A disk is put back while payments are made. Whoever forgot something that another can show signs nothing until
/// the officers readmit it; and everything ends.
#[test]
fn a_node_that_was_put_back_signs_nothing_until_it_is_readmitted() {
    let mut forgot = 0;
    for seed in 0..160 {
        let workload =
            Workload { nodes: 3, threshold: 2, permitted: 40, asking: 0, ..workload(seed) };
        // Whatever else goes wrong would make others forget as well.
        let faults = Faults { crashes: 0, jumps: 0, put_back: true, ..Faults::some() };
        let outcome = World::new(seed, workload, faults).run();
        check(seed, &outcome);
        let (forgets, readmitted) = outcome.put_back;
        assert_eq!(forgets, readmitted, "seed {seed}: it was not readmitted\n{}", outcome.timeline);
        forgot += u64::from(forgets);
    }
    assert!(forgot > 40, "only {forgot} of 160 forgot something");
}

#[test]
fn a_seed_replays_bit_for_bit() {
    for seed in [1, 7, 42] {
        let first = run(seed, Faults::some()).timeline;
        let second = run(seed, Faults::some()).timeline;
        assert_eq!(first.digest(), second.digest(), "seed {seed}");
    }
}

/// Prints the timeline of `QUORATE_SEED`, and fails as it failed.
#[test]
fn replay() {
    let Some(seed) = std::env::var("QUORATE_SEED").ok().and_then(|seed| seed.parse().ok()) else {
        return;
    };
    let outcome = run(seed, Faults::some());
    println!("{}", outcome.timeline);
    check(seed, &outcome);
}
