use super::*;

#[test]
fn what_a_rule_permits_gets_a_permit_of_its_phase() {
    let (gate, case) = (gate(RULES), Case::new());
    let expected = |phase| Permit {
        key: "treasury".parse().unwrap(),
        epoch: Epoch(4),
        subject: Digest::new([1; 32]),
        attempt: Attempt(2),
        phase,
        rules: vec!["p01-hot".to_owned()],
        charges: Vec::new(),
    };
    let Decision::Allow(reserved) = gate.reserve(&case.subject()) else { panic!() };
    assert_eq!(reserved, expected(Phase::Reserve));
    assert_eq!(reserved.rules(), ["p01-hot"]);
    let shared = gate.share(&case.subject(), reserved);
    assert_eq!(shared, Decision::Allow(expected(Phase::Share)));
    assert_eq!(case.simulate(&gate), Ok(vec!["p01-hot".to_owned()]));
    assert_eq!(gate.bundle_hash(), gate.bundle().hash());
}

#[test]
fn the_share_phase_needs_the_reserve_permit_of_the_same_attempt() {
    let (gate, case) = (gate(RULES), Case::new());
    let other: KeyId = "other".parse().unwrap();
    let reserve = |subject: &SigningSubject<'_>| match gate.reserve(subject) {
        Decision::Allow(permit) => permit,
        other => panic!("{other}"),
    };
    let part = |permit: Permit| match gate.share(&case.subject(), permit) {
        Decision::Deny(Denial::PermitMismatch { part }) => part,
        decision => panic!("{decision:?}"),
    };
    let subject = case.subject();
    assert_eq!(part(Permit { key: other, ..reserve(&subject) }), "key");
    assert_eq!(part(reserve(&SigningSubject { epoch: Epoch(5), ..subject })), "epoch");
    let request = Digest::new([2; 32]);
    assert_eq!(part(reserve(&SigningSubject { request, ..subject })), "request");
    assert_eq!(part(reserve(&SigningSubject { attempt: Attempt(3), ..subject })), "attempt");
    let Decision::Allow(shared) = gate.share(&subject, reserve(&subject)) else { panic!() };
    assert_eq!(part(shared), "phase");
    let confirmation = ConfirmationSubject {
        key: &case.key,
        epoch: subject.epoch,
        statement: Digest::new([7; 32]),
        attempt: subject.attempt,
    };
    assert_eq!(part(gate.confirm(&confirmation, Phase::Reserve)), "request");
}

#[test]
fn the_share_phase_decides_again() {
    let (gate, mut case) = (gate(RULES), Case::new());
    let Decision::Allow(reserved) = gate.reserve(&case.subject()) else { panic!() };
    case.now = "2027-01-01T00:00:00.000Z".parse().unwrap();
    let decision = gate.share(&case.subject(), reserved);
    assert!(matches!(decision, Decision::Deny(Denial::NotPermitted { .. })), "{decision:?}");

    let case = Case::new();
    let Decision::Allow(reserved) = gate.reserve(&case.subject()) else { panic!() };
    let tightened = super::gate("");
    let decision = tightened.share(&case.subject(), reserved);
    assert!(matches!(decision, Decision::Deny(Denial::NotPermitted { .. })), "{decision:?}");
}

#[test]
fn a_confirmation_is_permitted_without_a_policy() {
    let key: KeyId = "treasury".parse().unwrap();
    let statement = Digest::new([7; 32]);
    let (epoch, attempt) = (Epoch::FIRST, Attempt::FIRST);
    let subject = ConfirmationSubject { key: &key, epoch, statement, attempt };
    for phase in [Phase::Reserve, Phase::Share] {
        let permit = gate("").confirm(&subject, phase);
        assert_eq!((permit.key(), permit.epoch(), permit.attempt()), (&key, epoch, attempt));
        assert_eq!((permit.subject(), permit.phase()), (statement, phase));
        assert!(permit.rules().is_empty());
    }
}
