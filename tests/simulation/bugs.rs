//! Defects planted in the nodes' drivers: each is caught, or the checks check nothing.

use quorate_testkit::{Bug, Faults, Violation};

use crate::schedules::{run, world};

/// The first violation that a defect shows within some seeds.
fn caught(bug: Bug) -> Option<Violation> {
    (0..60).find_map(|seed| {
        assert_eq!(run(seed, Faults::some()).violation, None, "seed {seed} without the defect");
        world(seed, Faults::some()).with_bug(bug).run().violation
    })
}

#[test]
fn sending_before_persisting_is_caught() {
    assert!(matches!(caught(Bug::SendBeforePersist), Some(Violation::NotDurable { .. })));
}

#[test]
fn reusing_an_attempt_is_caught() {
    let violation = caught(Bug::ForgetAttempts);
    let expected =
        matches!(violation, Some(Violation::AttemptReused { .. } | Violation::NotDurable { .. }));
    assert!(expected, "{violation:?}");
}

#[test]
fn a_gate_that_checks_nothing_is_caught() {
    let violation = caught(Bug::NoGate);
    assert!(matches!(violation, Some(Violation::NotPermitted { .. })), "{violation:?}");
}

#[test]
fn believing_every_clock_is_caught() {
    let violation = caught(Bug::BelieveClocks);
    assert!(matches!(violation, Some(Violation::WrongClock { .. })), "{violation:?}");
}
