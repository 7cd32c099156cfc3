use super::*;
use crate::Window;

const DELAY: u64 = 1_000;

fn order(number: u8, action: OrderAction) -> Order {
    Order {
        cluster: Digest::new([1; 32]),
        id: format!("order-{number}").parse().unwrap(),
        action,
        window: Window { not_before: Timestamp::ZERO, expires: None },
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn key() -> KeyId {
    "treasury".parse().unwrap()
}

fn apply(stops: &mut Stops, order: &Order, accepted: u64) -> Result<bool, StopError> {
    let delay = if matches!(order.action, OrderAction::Unfreeze(_)) { DELAY } else { 0 };
    stops.apply(order, BTreeSet::new(), at(accepted + delay))
}

#[test]
fn a_stop_holds_its_scope_and_nothing_else() {
    let (other, service) = ("other".parse().unwrap(), "payments".parse().unwrap());
    let elsewhere: ServiceName = "elsewhere".parse().unwrap();
    let held = |scope: Scope| {
        let mut stops = Stops::default();
        assert_eq!(apply(&mut stops, &order(1, OrderAction::Freeze(scope)), 0), Ok(true));
        [(&key(), &service), (&other, &service), (&key(), &elsewhere), (&other, &elsewhere)]
            .map(|(key, service)| stops.on_request(key, service, at(5)).is_some())
    };
    assert_eq!(held(Scope::Cluster), [true; 4]);
    assert_eq!(held(Scope::Key(key())), [true, false, true, false]);
    assert_eq!(held(Scope::Service(service.clone())), [true, true, false, false]);
}

#[test]
fn a_freeze_ends_a_delay_after_its_own_unfreeze_and_never_comes_back() {
    let mut stops = Stops::default();
    let freeze = order(1, OrderAction::Freeze(Scope::Cluster));
    let again = order(2, OrderAction::Freeze(Scope::Cluster));
    let lift = order(3, OrderAction::Unfreeze(freeze.digest()));
    assert_eq!(apply(&mut stops, &freeze, 0), Ok(true));
    assert_eq!(apply(&mut stops, &freeze, 1), Ok(false), "carried out once");
    assert_eq!(apply(&mut stops, &lift, 10), Ok(true));
    assert_eq!(apply(&mut stops, &lift, 500), Ok(false), "a repeat does not begin a new delay");
    assert!(stops.on_key(&key(), at(1_009)).is_some());
    assert_eq!(stops.next_end(at(1_009)), Some(at(1_010)));
    assert!(stops.on_key(&key(), at(1_010)).is_none());
    assert_eq!(apply(&mut stops, &freeze, 2_000), Ok(false), "a replayed freeze is the lifted one");
    assert!(stops.on_key(&key(), at(2_000)).is_none());
    assert_eq!(apply(&mut stops, &again, 3_000), Ok(true));
    assert!(stops.on_key(&key(), at(9_000)).is_some(), "the old lift lifts the old freeze only");
}

#[test]
fn a_lift_that_arrives_first_lifts_its_stop_when_that_comes() {
    let mut stops = Stops::default();
    let suspend = order(1, OrderAction::Suspend(key()));
    let resume = order(2, OrderAction::Resume(suspend.digest()));
    assert_eq!(apply(&mut stops, &resume, 0), Ok(true));
    assert_eq!(apply(&mut stops, &suspend, 1), Ok(true));
    assert!(stops.on_key(&key(), at(1)).is_none());
}

#[test]
fn only_the_right_kind_of_order_lifts() {
    let mut stops = Stops::default();
    let freeze = order(1, OrderAction::Freeze(Scope::Key(key())));
    let resume = order(2, OrderAction::Resume(freeze.digest()));
    apply(&mut stops, &freeze, 0).unwrap();
    assert_eq!(apply(&mut stops, &resume, 1), Ok(true), "kept, as it may have come first");
    assert!(stops.on_key(&key(), at(9_000)).is_some(), "but it lifts nothing");
    // Where the resume comes first, it cannot be told from a right one yet; it lifts nothing.
    let mut stops = Stops::default();
    apply(&mut stops, &resume, 0).unwrap();
    apply(&mut stops, &freeze, 1).unwrap();
    assert!(stops.on_key(&key(), at(9_999_999)).is_some());
}

#[test]
fn the_order_of_arrival_does_not_show() {
    let freeze = order(1, OrderAction::Freeze(Scope::Cluster));
    let orders = [
        order(2, OrderAction::Suspend(key())),
        order(3, OrderAction::Unfreeze(freeze.digest())),
        freeze,
    ];
    let stops = |order: [usize; 3]| {
        let mut stops = Stops::default();
        for index in order {
            apply(&mut stops, &orders[index], 7).unwrap();
        }
        stops
    };
    assert_eq!(stops([0, 1, 2]), stops([2, 1, 0]));
}

#[test]
fn what_is_remembered_is_limited() {
    let mut stops = Stops::default();
    for number in 0..STOPS_MAX {
        let mut order = order(0, OrderAction::Freeze(Scope::Cluster));
        order.id = format!("order-{number}").parse().unwrap();
        apply(&mut stops, &order, 0).unwrap();
    }
    let more = order(255, OrderAction::Suspend(key()));
    assert_eq!(apply(&mut stops, &more, 0), Err(StopError::TooMany));
    // Whoever filled it cannot keep the quorum from lifting.
    let first = stops.in_force(at(0)).map(|(digest, _)| *digest).next().unwrap();
    assert_eq!(apply(&mut stops, &order(254, OrderAction::Unfreeze(first)), 0), Ok(true));
}
