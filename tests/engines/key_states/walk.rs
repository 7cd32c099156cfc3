//! Random walks through the states of a key, at a node that crashes, beside a model of what may happen
//! (NIST SP 800-57 part 1, section 7.1): only legal transitions, on the word of the right people.

use quorate_model::{Activation, Digest, Timestamp};
use quorate_protocol::wire::{FromNode, RefusalCode, ToNode};
use quorate_testkit::{ClusterFixture, Lab};
use quorate_trust::{OrderAction, Scope, SignedOrder, StateChange};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use super::{DELAY_MS, lab, nowhere, payee, sweep};
use crate::{FIRST, id, set};

const STEPS: usize = 60;
const SEEDS: u64 = 40;

/// What the model says that the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    PreActivation,
    Active,
    /// Since its activation ended.
    Idle,
    /// Whether it pays to the payee of the walk.
    Deactivated(bool),
    /// Whether it pays there, and whether somebody can approve it.
    Compromised(bool, bool),
    Destroyed,
}

/// The states and what is about to change them, without any code of the node's.
#[derive(Debug)]
struct Model {
    activation: Activation,
    state: State,
    /// Until when it is active, where an order said so: the latest of them, or for ever.
    until: Option<Timestamp>,
    activated: bool,
    destroys: Vec<(Digest, Timestamp)>,
    suspended_by: Option<Digest>,
    frozen_by: Option<Digest>,
    thaws: Option<Timestamp>,
}

impl Model {
    fn new(activation: Activation) -> Self {
        let state = match activation {
            Activation::AtOnce => State::Active,
            Activation::ByOrder => State::PreActivation,
        };
        Self {
            activation,
            state,
            until: None,
            activated: false,
            destroys: Vec::new(),
            suspended_by: None,
            frozen_by: None,
            thaws: None,
        }
    }

    fn pass(&mut self, now: Timestamp) {
        if self.thaws.is_some_and(|thaws| thaws <= now) {
            (self.frozen_by, self.thaws) = (None, None);
        }
        if self.state == State::Active && self.activated && self.until.is_some_and(|end| end <= now)
        {
            self.state = State::Idle;
        }
        if self.is_doomed(now) && self.is_free() {
            self.state = State::Destroyed;
        }
    }

    /// Whether nothing stops the key.
    fn is_free(&self) -> bool {
        self.frozen_by.is_none() && self.suspended_by.is_none()
    }

    /// Its destruction is due, and held.
    fn is_doomed(&self, now: Timestamp) -> bool {
        self.destroys.iter().any(|(_, due)| *due <= now)
    }

    /// Whether the order is carried out; then it has been.
    fn carry_out(&mut self, order: &SignedOrder, by: usize, action: &Move, now: Timestamp) -> bool {
        use State::{Active, Compromised, Deactivated, Destroyed, Idle, PreActivation};
        let enough = if matches!(action, Move::Freeze) { 1 } else { 2 };
        if by < enough {
            return false;
        }
        let is_over = self.state == Destroyed || self.is_doomed(now);
        let legal = match action {
            Move::Activate(_) => {
                self.activation == Activation::ByOrder
                    && !is_over
                    && matches!(self.state, PreActivation | Active | Idle)
            }
            Move::Deactivate(_) => !is_over && matches!(self.state, Active | Idle | Deactivated(_)),
            Move::Compromise(..) => !is_over,
            Move::Destroy => {
                !is_over && matches!(self.state, PreActivation | Deactivated(_) | Compromised(..))
            }
            Move::Keep(_) => self.state != Destroyed,
            Move::Suspend | Move::Resume(_) | Move::Freeze | Move::Unfreeze(_) => true,
        };
        // A node that has erased the key knows no more of it than anybody else, but that it is destroyed.
        let legal = legal || self.state == Destroyed && !matches!(action, Move::Keep(_));
        if !legal {
            return false;
        }
        match action {
            Move::Activate(until) if self.state != Destroyed => {
                self.until = match (self.state, self.until) {
                    (Active, None) if self.activated => None,
                    (_, earlier) => until.map(|until| earlier.map_or(until, |e| e.max(until))),
                };
                (self.activated, self.state) = (true, Active);
            }
            Move::Deactivate(pays) if self.state != Destroyed => {
                let before = !matches!(self.state, Deactivated(false));
                self.state = Deactivated(before && *pays);
            }
            Move::Compromise(pays, known) if self.state != Destroyed => {
                let (before, knew) = match self.state {
                    Compromised(pays, known) => (pays, known),
                    _ => (true, true),
                };
                self.state = Compromised(before && *pays, knew && *known);
            }
            Move::Destroy if self.state != Destroyed => {
                self.destroys.push((order.digest(), now.plus_millis(DELAY_MS)));
            }
            Move::Keep(order) => self.destroys.retain(|(named, _)| named != order),
            Move::Suspend => self.suspended_by = Some(order.digest()),
            Move::Resume(_) => self.suspended_by = None,
            Move::Freeze => (self.frozen_by, self.thaws) = (Some(order.digest()), None),
            Move::Unfreeze(_) => self.thaws = Some(now.plus_millis(DELAY_MS)),
            _ => {}
        }
        self.pass(now);
        true
    }

    /// What a node says to an ordinary payment.
    fn says(&self, now: Timestamp) -> &'static str {
        match self.state {
            State::Destroyed => "no key",
            _ if !self.is_free() || self.is_doomed(now) => "stopped",
            State::PreActivation | State::Idle => "stopped",
            State::Active | State::Deactivated(true) => "signs",
            State::Deactivated(false) | State::Compromised(false, _) => "denied",
            State::Compromised(true, true) => "asks",
            State::Compromised(true, false) => "denied",
        }
    }
}

/// What people may want.
#[derive(Debug, Clone)]
enum Move {
    Activate(Option<Timestamp>),
    Deactivate(bool),
    Compromise(bool, bool),
    Destroy,
    Keep(Digest),
    Suspend,
    Resume(Digest),
    Freeze,
    Unfreeze(Digest),
}

impl Move {
    /// Something that makes sense to ask for, legal or not. One stop of a kind at a time, to keep the model
    /// small; that they add up is shown elsewhere.
    fn any(model: &Model, now: Timestamp, rng: &mut ChaCha20Rng) -> Option<Self> {
        let mut one_in = |times: u32| rng.next_u32().is_multiple_of(times);
        let (coin, rare, known) = (!one_in(4), one_in(2), !one_in(4));
        Some(match rng.next_u32() % 10 {
            0 => Self::Activate(None),
            1 | 2 => Self::Activate(Some(now.plus_millis(1 + u64::from(rng.next_u32() % 9_000)))),
            3 => Self::Deactivate(coin),
            4 if rare => Self::Compromise(coin, known),
            5 => Self::Destroy,
            6 => Self::Keep(model.destroys.first()?.0),
            7 => model.suspended_by.map_or(Self::Suspend, Self::Resume),
            8 if model.frozen_by.is_none() => Self::Freeze,
            9 if model.thaws.is_none() => Self::Unfreeze(model.frozen_by?),
            _ => return None,
        })
    }

    fn action(&self, place: &quorate_trust::Destination) -> OrderAction {
        let to = |pays: bool| sweep(&[if pays { place.clone() } else { nowhere() }]);
        match self {
            Self::Activate(until) => {
                OrderAction::ChangeState(StateChange::Activate { key: Lab::key(), until: *until })
            }
            Self::Deactivate(pays) => OrderAction::ChangeState(StateChange::Deactivate(to(*pays))),
            Self::Compromise(pays, known) => {
                let quorum = if *known { "treasury" } else { "board" }.parse().unwrap();
                OrderAction::ChangeState(StateChange::Compromise { sweep: to(*pays), quorum })
            }
            Self::Destroy => OrderAction::ChangeState(StateChange::Destroy(Lab::key())),
            Self::Keep(order) => OrderAction::ChangeState(StateChange::Keep(*order)),
            Self::Suspend => OrderAction::Suspend(Lab::key()),
            Self::Resume(order) => OrderAction::Resume(*order),
            Self::Freeze => OrderAction::Freeze(Scope::Key(Lab::key())),
            Self::Unfreeze(order) => OrderAction::Unfreeze(*order),
        }
    }
}

fn said(answer: &FromNode) -> &'static str {
    match answer {
        FromNode::Reserved(_) => "signs",
        FromNode::Denied(_) => "denied",
        FromNode::Deferred(_) => "asks",
        FromNode::Refused(refusal) => match refusal.code {
            RefusalCode::Frozen => "stopped",
            RefusalCode::NotFound => "no key",
            _ => panic!("{refusal:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn walk(seed: u64, seen: &mut std::collections::BTreeMap<&'static str, u32>) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let activation = [Activation::AtOnce, Activation::ByOrder][usize::from(seed.is_multiple_of(2))];
    let mut lab = lab(activation);
    let first = lab.payment(1_000_000, true);
    let place = payee(&lab, &first);
    let mut model = Model::new(activation);
    let mut history = Vec::new();
    for step in 0..STEPS {
        lab.now = lab.now.plus_millis(u64::from(rng.next_u32() % 4_000));
        model.pass(lab.now);
        if rng.next_u32().is_multiple_of(6) {
            lab.restart_with(id(1), ClusterFixture::asking_bundle(), |_| {}).unwrap();
        }
        if let Some(wanted) = Move::any(&model, lab.now, &mut rng) {
            let by = [&["alice", "bob"][..], &["alice", "bob"], &["bob", "carol"], &["carol"], &[]]
                [rng.next_u32() as usize % 5];
            let name = format!("step-{step}");
            let order = lab.fixture.order_to(&name, wanted.action(&place), by, lab.now);
            let answer = lab.ask(id(1), ToNode::carry_out(order.clone()));
            let taken = matches!(answer, FromNode::Accepted(_));
            history.push(format!("{wanted:?} by {} at {}: {taken}", by.len(), lab.now));
            let expected = model.carry_out(&order, by.len(), &wanted, lab.now);
            assert_eq!(taken, expected, "seed {seed}: {history:#?}\n{answer:?}\n{model:?}");
        }
        let request = lab.payment(step as u64, true);
        let answer = lab.reserve(id(1), &request, FIRST, &set([1, 2]));
        let expected = model.says(lab.now);
        assert_eq!(said(&answer), expected, "seed {seed}: {history:#?}\n{answer:?}\n{model:?}");
        *seen.entry(expected).or_default() += 1;
    }
}

#[test]
fn a_key_goes_through_its_states_as_the_model_says() {
    let mut seen = std::collections::BTreeMap::new();
    (0..SEEDS).for_each(|seed| walk(seed, &mut seen));
    for everything in ["signs", "stopped", "denied", "asks", "no key"] {
        assert!(seen.get(everything).is_some_and(|times| *times > 10), "{seen:?}");
    }
}
