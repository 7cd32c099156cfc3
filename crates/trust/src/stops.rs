//! What is stopped: freezes and suspensions, and what lifts them.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{Digest, KeyId, OrderId, PersonName, ServiceName, Timestamp};

use crate::{Order, OrderAction, Scope, VerifiedOrder};

/// Stops that are remembered, at most, and as many lifts: an order is carried out once for ever, so
/// none is ever forgotten. They are counted apart, so that no officer, who may freeze alone, can
/// leave the quorum no room to lift.
pub const STOPS_MAX: usize = 256;

/// Freezes that one person may sign among them: so that none can use up what is left for the others.
const FREEZES_PER_PERSON_MAX: usize = 64;

/// Freezes and suspensions, in force and lifted. It only grows: two nodes which heard of the same
/// orders, in whatever order, hold to the same stops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stops {
    stops: BTreeMap<Digest, Stop>,
    /// By the digest of the order that lifts.
    lifts: BTreeMap<Digest, Lift>,
}

/// An order that stops something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The order's id.
    pub id: OrderId,
    /// What it stops.
    pub scope: Scope,
    /// Whether it is a suspension of a key, and no freeze.
    pub suspends: bool,
    /// Who signed it.
    pub by: BTreeSet<PersonName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Lift {
    /// Digest of the stop, which may not have arrived here yet.
    stop: Digest,
    resumes: bool,
    from: Timestamp,
}

/// Why an order about stops is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// Neither stops nor lifts anything.
    #[error("an order to {0} neither stops nor lifts anything")]
    NoStop(&'static str),
    /// A freeze is lifted by an unfreeze, a suspension by a resume.
    #[error("order {0} cannot be lifted by this one: unfreeze lifts a freeze, resume a suspension")]
    WrongLift(OrderId),
    /// Whoever freezes has frozen as often as anybody may.
    #[error(
        "{FREEZES_PER_PERSON_MAX} freezes by one person are remembered: somebody else may freeze"
    )]
    TooManyOfOne,
    /// As many stops are remembered as can be.
    #[error(
        "{STOPS_MAX} stops, or as many lifts, are remembered: no more fit under this trust root"
    )]
    TooMany,
}

impl Stops {
    /// Carries out an order that stops or lifts: a lift from `begins` on. `false` where it had been
    /// carried out.
    ///
    /// # Errors
    /// [`StopError`]; nothing has changed.
    pub fn carry_out(
        &mut self,
        order: &VerifiedOrder,
        begins: Timestamp,
    ) -> Result<bool, StopError> {
        let (digest, action) = (order.digest(), &order.order().action);
        match action {
            OrderAction::Unfreeze(stop) | OrderAction::Resume(stop) => {
                let resumes = matches!(action, OrderAction::Resume(_));
                if let Some(known) = self.stops.get(stop).filter(|stop| stop.suspends != resumes) {
                    return Err(StopError::WrongLift(known.id.clone()));
                }
            }
            OrderAction::Freeze(_) => {
                let is_new = !self.stops.contains_key(&digest);
                if is_new && order.signers().iter().all(|person| self.is_spent(person)) {
                    return Err(StopError::TooManyOfOne);
                }
            }
            OrderAction::Suspend(_)
            | OrderAction::GenerateKey(_)
            | OrderAction::ReshareKey(_)
            | OrderAction::ChangeState(_)
            | OrderAction::ReadmitNode(_)
            | OrderAction::ActivatePolicy(_)
            | OrderAction::UpdateRoot(_) => {}
        }
        let by = order.signers().clone();
        self.apply(order.order(), by, begins)
    }

    /// As [`Stops::carry_out`], for an order that this process verified and kept before. The orders come
    /// in any order, and a lift of the wrong kind, which may have come before its stop, lifts nothing.
    ///
    /// # Errors
    /// [`StopError`]; nothing has changed.
    pub fn apply(
        &mut self,
        order: &Order,
        by: BTreeSet<PersonName>,
        begins: Timestamp,
    ) -> Result<bool, StopError> {
        let digest = order.digest();
        let id = order.id.clone();
        match &order.action {
            OrderAction::Freeze(scope) => {
                let stop = Stop { id, scope: scope.clone(), suspends: false, by };
                self.stop(digest, stop)
            }
            OrderAction::Suspend(key) => {
                let stop = Stop { id, scope: Scope::Key(key.clone()), suspends: true, by };
                self.stop(digest, stop)
            }
            OrderAction::Unfreeze(stop) => {
                self.lift(digest, Lift { stop: *stop, resumes: false, from: begins })
            }
            OrderAction::Resume(stop) => {
                self.lift(digest, Lift { stop: *stop, resumes: true, from: begins })
            }
            OrderAction::GenerateKey(_)
            | OrderAction::ReshareKey(_)
            | OrderAction::ChangeState(_)
            | OrderAction::ReadmitNode(_)
            | OrderAction::ActivatePolicy(_)
            | OrderAction::UpdateRoot(_) => Err(StopError::NoStop(order.action.as_str())),
        }
    }

    fn stop(&mut self, digest: Digest, stop: Stop) -> Result<bool, StopError> {
        if self.stops.contains_key(&digest) {
            return Ok(false);
        }
        room(self.stops.len())?;
        self.stops.insert(digest, stop);
        Ok(true)
    }

    fn is_spent(&self, person: &PersonName) -> bool {
        let freezes = self.stops.values().filter(|stop| !stop.suspends && stop.by.contains(person));
        freezes.count() >= FREEZES_PER_PERSON_MAX
    }

    fn lift(&mut self, digest: Digest, lift: Lift) -> Result<bool, StopError> {
        if self.lifts.contains_key(&digest) {
            return Ok(false);
        }
        room(self.lifts.len())?;
        self.lifts.insert(digest, lift);
        Ok(true)
    }

    /// The orders that stop or lift, in force and past, by their digests.
    pub fn orders(&self) -> impl Iterator<Item = &Digest> {
        self.stops.keys().chain(self.lifts.keys())
    }

    /// The stops in force at a time, by the digests of their orders.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = (&Digest, &Stop)> {
        let ended = move |(digest, stop): &(&Digest, &Stop)| {
            self.lifts_of(digest, stop).any(|lift| lift.from <= now)
        };
        self.stops.iter().filter(move |stop| !ended(stop))
    }

    fn lifts_of(&self, digest: &Digest, stop: &Stop) -> impl Iterator<Item = &Lift> {
        let (digest, suspends) = (*digest, stop.suspends);
        self.lifts.values().filter(move |lift| lift.stop == digest && lift.resumes == suspends)
    }

    /// The stop that holds whatever is done with a key, if one does.
    pub fn on_key(&self, key: &KeyId, now: Timestamp) -> Option<&Stop> {
        self.in_force(now).map(|(_, stop)| stop).find(|stop| match &stop.scope {
            Scope::Cluster => true,
            Scope::Key(stopped) => stopped == key,
            Scope::Service(_) => false,
        })
    }

    /// The stop that holds a service's requests for a key, if one does.
    pub fn on_request(&self, key: &KeyId, service: &ServiceName, now: Timestamp) -> Option<&Stop> {
        let of_service = || {
            let stops = self.in_force(now).map(|(_, stop)| stop);
            stops.into_iter().find(|stop| stop.scope == Scope::Service(service.clone()))
        };
        self.on_key(key, now).or_else(of_service)
    }

    /// Whether a suspension of the key is in force.
    pub fn suspends(&self, key: &KeyId, now: Timestamp) -> bool {
        let scope = Scope::Key(key.clone());
        self.in_force(now).any(|(_, stop)| stop.suspends && stop.scope == scope)
    }

    /// When the next stop ends, if one does.
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.in_force(now).flat_map(|(digest, stop)| self.lifts_of(digest, stop));
        ends.map(|lift| lift.from).min()
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = if self.suspends { "suspended" } else { "frozen" };
        let by: Vec<_> = self.by.iter().map(PersonName::as_str).collect();
        write!(f, "{} is {verb} by {} ({})", self.scope, by.join(", "), self.id)
    }
}

const fn room(remembered: usize) -> Result<(), StopError> {
    if remembered < STOPS_MAX { Ok(()) } else { Err(StopError::TooMany) }
}

#[cfg(test)]
#[path = "stops_tests.rs"]
mod tests;
