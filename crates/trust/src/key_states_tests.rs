use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn key() -> KeyId {
    "treasury".parse().unwrap()
}

/// The digest of an order.
fn order(number: usize) -> Digest {
    Digest::new([u8::try_from(number).unwrap(); 32])
}

fn places(names: &[&str]) -> BTreeSet<Destination> {
    names.iter().map(|name| format!("eip155:1/{name}").parse().unwrap()).collect()
}

fn activate(until: Option<u64>) -> StateChange {
    StateChange::Activate { key: key(), until: until.map(at) }
}

fn deactivate(to: &[&str]) -> StateChange {
    StateChange::Deactivate(Sweep { key: key(), to: places(to) })
}

fn compromise(to: &[&str], quorum: &str) -> StateChange {
    let sweep = Sweep { key: key(), to: places(to) };
    StateChange::Compromise { sweep, quorum: quorum.parse().unwrap() }
}

/// Orders carried out one after the other, by a holder of the key.
struct Walk {
    states: KeyStates,
    activation: Activation,
    orders: usize,
    now: u64,
}

impl Walk {
    fn new(activation: Activation) -> Self {
        Self { states: KeyStates::default(), activation, orders: 0, now: 100 }
    }

    fn carry_out(&mut self, change: StateChange) -> Result<Digest, KeyStateError> {
        self.orders += 1;
        let delay = if change.waits() { 50 } else { 0 };
        let (order, begins) = (order(self.orders), at(self.now + delay));
        self.states.carry_out(order, &change, begins, Some(self.activation), at(self.now))?;
        Ok(order)
    }

    fn standing(&self) -> Standing {
        self.states.standing(&key(), self.activation, at(self.now))
    }

    fn illegal(&mut self, change: StateChange) -> (KeyState, KeyState) {
        match self.carry_out(change) {
            Err(KeyStateError::Illegal { from, to, .. }) => (from, to),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_that_is_activated_by_order_is_active_for_as_long_as_the_order_says() {
    let mut walk = Walk::new(Activation::ByOrder);
    assert_eq!(walk.standing(), Standing::PreActivation);
    walk.carry_out(activate(Some(200))).unwrap();
    assert_eq!(walk.standing(), Standing::Active { until: Some(at(200)) });
    walk.now = 199;
    assert_eq!(walk.standing().state(), KeyState::Active);
    walk.now = 200;
    assert_eq!(walk.standing(), Standing::Suspended, "it goes back by itself");
    walk.now = 300;
    walk.carry_out(activate(Some(400))).unwrap();
    walk.now = 350;
    walk.carry_out(activate(Some(380))).unwrap();
    assert_eq!(walk.standing(), Standing::Active { until: Some(at(400)) }, "the longest counts");
    assert_eq!(walk.states.activated_ms(&key(), at(350)), 100 + 50);
    assert_eq!(walk.states.activated_ms(&key(), at(9_000)), 100 + 100, "what overlaps counts once");
    walk.now = 500;
    walk.carry_out(activate(None)).unwrap();
    assert_eq!(walk.standing(), Standing::Active { until: None });
    let late = walk.carry_out(activate(Some(500)));
    assert_eq!(late, Err(KeyStateError::Ended(at(500))));
}

#[test]
fn a_key_that_is_active_at_once_is_not_activated() {
    let mut walk = Walk::new(Activation::AtOnce);
    assert_eq!(walk.standing(), Standing::Active { until: None });
    assert_eq!(walk.carry_out(activate(None)), Err(KeyStateError::AtOnce(key())));
}

#[test]
fn a_deactivated_key_pays_to_preset_destinations_for_ever() {
    let mut walk = Walk::new(Activation::AtOnce);
    walk.carry_out(deactivate(&["cold", "vault"])).unwrap();
    assert_eq!(walk.standing(), Standing::Deactivated(places(&["cold", "vault"])));
    walk.carry_out(deactivate(&["vault", "thief"])).unwrap();
    assert_eq!(walk.standing(), Standing::Deactivated(places(&["vault"])), "it only gets less");
    walk.carry_out(compromise(&["safe", "other"], "crisis")).unwrap();
    walk.carry_out(compromise(&["safe"], "board")).unwrap();
    let quorums = ["board", "crisis"].map(|name| name.parse().unwrap()).into();
    let compromised = Standing::Compromised { to: places(&["safe"]), quorums };
    assert_eq!(walk.standing(), compromised, "whatever was named before");
    assert_eq!(walk.illegal(deactivate(&["cold"])), (KeyState::Compromised, KeyState::Deactivated));
    assert_eq!(walk.standing(), compromised);
}

#[test]
fn a_key_is_destroyed_after_a_delay_and_can_be_kept_until_then() {
    let mut walk = Walk::new(Activation::AtOnce);
    let destroy = || StateChange::Destroy(key());
    assert_eq!(walk.illegal(destroy()), (KeyState::Active, KeyState::Destroyed));
    walk.carry_out(deactivate(&[])).unwrap();
    let first = walk.carry_out(destroy()).unwrap();
    assert_eq!(walk.states.destroyed_from(&key()), Some(at(150)));
    walk.carry_out(StateChange::Keep(first)).unwrap();
    walk.now = 160;
    assert_eq!(walk.standing().state(), KeyState::Deactivated, "it was taken back");
    walk.carry_out(destroy()).unwrap();
    walk.now = 209;
    assert_eq!(walk.standing().state(), KeyState::Deactivated);
    walk.now = 210;
    assert_eq!(walk.standing(), Standing::Destroyed);
    for action in [activate(None), deactivate(&[]), compromise(&[], "board"), destroy()] {
        let refused = walk.carry_out(action);
        assert!(matches!(
            refused,
            Err(KeyStateError::Illegal { from: KeyState::Destroyed, .. } | KeyStateError::AtOnce(_))
        ));
    }
}

#[test]
fn a_key_that_never_signed_is_destroyed_and_not_deactivated() {
    let mut walk = Walk::new(Activation::ByOrder);
    assert_eq!(walk.illegal(deactivate(&[])), (KeyState::PreActivation, KeyState::Deactivated));
    walk.carry_out(StateChange::Destroy(key())).unwrap();
    let other: KeyId = "other".parse().unwrap();
    walk.now = 150;
    assert_eq!(walk.standing(), Standing::Destroyed);
    let of_other = walk.states.standing(&other, Activation::AtOnce, at(150));
    assert_eq!(of_other.state(), KeyState::Active, "another key is another key");
}

#[test]
fn whoever_holds_no_share_follows_what_the_others_took() {
    let mut states = KeyStates::default();
    let destroy = StateChange::Destroy(key());
    assert_eq!(states.carry_out(order(1), &destroy, at(5), None, at(1)), Ok(true));
    assert_eq!(states.carry_out(order(1), &destroy, at(9), None, at(1)), Ok(false), "once");
    assert_eq!(states.destroyed_from(&key()), Some(at(5)));
}

fn any_change() -> impl Strategy<Value = StateChange> {
    prop_oneof![
        proptest::option::of(1_u64..400).prop_map(activate),
        proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3).prop_map(|to| deactivate(&to)),
        proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3)
            .prop_map(|to| compromise(&to, "board")),
        Just(StateChange::Destroy(key())),
    ]
}

proptest! {
    /// Nodes hear of the same orders in any order, and agree at every time.
    #[test]
    fn the_state_does_not_depend_on_the_order_in_which_orders_come(
        orders in proptest::collection::vec((any_change(), 0_u64..300), 0..8),
        turn in 0_usize..8,
        now in 0_u64..500,
    ) {
        let orders: Vec<_> = orders.into_iter().enumerate()
            .map(|(number, (change, begins))| (order(number), change, at(begins)))
            .collect();
        let mut turned = orders.clone();
        turned.rotate_left(turn % orders.len().max(1));
        let heard = |orders: &[(Digest, StateChange, Timestamp)]| {
            let mut states = KeyStates::default();
            for (order, change, begins) in orders {
                states.apply(*order, change, *begins).unwrap();
            }
            states
        };
        let (one, other) = (heard(&orders), heard(&turned));
        for activation in [Activation::AtOnce, Activation::ByOrder] {
            let standing = one.standing(&key(), activation, at(now));
            prop_assert_eq!(standing, other.standing(&key(), activation, at(now)));
        }
        prop_assert_eq!(one.activated_ms(&key(), at(now)), other.activated_ms(&key(), at(now)));
    }
}
