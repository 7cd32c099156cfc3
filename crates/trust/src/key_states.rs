//! The states that orders put keys into, by the names of NIST SP 800-57 part 1, section 7. Suspension is among
//! the [`Stops`](crate::Stops).
//!
//! It only grows, and what it says does not depend on the order in which it heard: nodes that heard of the same
//! orders have every key in the same state.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{Activation, Digest, KeyId, KeyState, QuorumName, Timestamp};

use crate::{Destination, StateChange, Sweep};

/// Orders about the states of keys that are remembered, at most: none is ever forgotten. Those that take a key out of
/// use have as much room again, so that nothing else is in their way.
pub const KEY_STATE_ORDERS_MAX: usize = 1_024;

/// What orders say of the states of keys, each by the digest of the order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyStates {
    activations: BTreeMap<Digest, Activated>,
    deactivations: BTreeMap<Digest, Sweep>,
    compromises: BTreeMap<Digest, (Sweep, QuorumName)>,
    destructions: BTreeMap<Digest, (KeyId, Timestamp)>,
    /// The orders to destroy that were taken back; they may not have arrived here yet.
    keeps: BTreeMap<Digest, Digest>,
}

/// For how long a key is active.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Activated {
    key: KeyId,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// What a key may sign by its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing yet.
    PreActivation,
    /// Whatever the gate permits; until a time, where an order says so.
    Active {
        /// From when on nothing.
        until: Option<Timestamp>,
    },
    /// Nothing, since its activation ended.
    Suspended,
    /// Payments to these destinations.
    Deactivated(BTreeSet<Destination>),
    /// Payments to these destinations that each of these quorums of the policy bundle approves.
    Compromised {
        /// Where to.
        to: BTreeSet<Destination>,
        /// Whose approval.
        quorums: BTreeSet<QuorumName>,
    },
    /// Nothing, for ever.
    Destroyed,
}

/// Why an order about the state of a key is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyStateError {
    /// There is no such transition.
    #[error("key {key} is {from}: it does not become {to}{}", advice(*from, *to))]
    Illegal {
        /// The key.
        key: KeyId,
        /// The state that it is in.
        from: KeyState,
        /// The state that it would be in.
        to: KeyState,
    },
    /// A key that needs no order is not activated by one.
    #[error("key {0} was made to be active at once: suspend and resume it")]
    AtOnce(KeyId),
    /// The time until when it would be active is past.
    #[error("the activation would have ended at {0}")]
    Ended(Timestamp),
    /// As many orders are remembered as can be.
    #[error("{KEY_STATE_ORDERS_MAX} orders about states of keys are remembered: no more fit")]
    TooMany,
}

impl KeyStateError {
    /// Whether the order may be carried out later: one before it may be missing here.
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Illegal {
                from: KeyState::PreActivation | KeyState::Active | KeyState::Suspended,
                ..
            }
        )
    }
}

const fn advice(from: KeyState, to: KeyState) -> &'static str {
    match (from, to) {
        (KeyState::PreActivation, KeyState::Deactivated) => "; it never signed: destroy it",
        (KeyState::Active | KeyState::Suspended, KeyState::Destroyed) => {
            "; deactivate it first, so that late deposits can be paid on"
        }
        _ => "",
    }
}

impl KeyStates {
    /// Carries out the order of this digest, from `begins` on. `activation` is that of the key, where it is known
    /// here. What was taken in time elsewhere may be over by now. `false` where it had been carried out.
    ///
    /// # Errors
    /// [`KeyStateError`]; nothing has changed.
    pub fn carry_out(
        &mut self,
        order: Digest,
        change: &StateChange,
        begins: Timestamp,
        activation: Option<Activation>,
        now: Timestamp,
    ) -> Result<bool, KeyStateError> {
        self.check(change, begins, activation, now)?;
        self.apply(order, change, begins)
    }

    /// Takes up an order that was carried out before, or elsewhere: whether it was legal then is not looked at.
    ///
    /// # Errors
    /// [`KeyStateError::TooMany`]; nothing has changed.
    pub fn apply(
        &mut self,
        order: Digest,
        change: &StateChange,
        begins: Timestamp,
    ) -> Result<bool, KeyStateError> {
        if self.orders().any(|known| *known == order) {
            return Ok(false);
        }
        let most = KEY_STATE_ORDERS_MAX * if change.is_stop() { 2 } else { 1 };
        if self.orders().count() >= most {
            return Err(KeyStateError::TooMany);
        }
        match change.clone() {
            StateChange::Activate { key, until } => {
                self.activations.insert(order, Activated { key, from: begins, until });
            }
            StateChange::Deactivate(sweep) => {
                self.deactivations.insert(order, sweep);
            }
            StateChange::Compromise { sweep, quorum } => {
                self.compromises.insert(order, (sweep, quorum));
            }
            StateChange::Destroy(key) => {
                self.destructions.insert(order, (key, begins));
            }
            StateChange::Keep(destroys) => {
                self.keeps.insert(order, destroys);
            }
        }
        Ok(true)
    }

    /// The orders that were carried out, by their digests.
    pub fn orders(&self) -> impl Iterator<Item = &Digest> {
        let takes_out = self.deactivations.keys().chain(self.compromises.keys());
        let destroys = self.destructions.keys().chain(self.keeps.keys());
        self.activations.keys().chain(takes_out).chain(destroys)
    }

    /// The transitions of NIST SP 800-57 part 1, section 7.1, figure 2. A key that was in use is deactivated before
    /// it is destroyed.
    fn check(
        &self,
        change: &StateChange,
        begins: Timestamp,
        activation: Option<Activation>,
        now: Timestamp,
    ) -> Result<(), KeyStateError> {
        use KeyState::{Active, Compromised, Deactivated, Destroyed, PreActivation, Suspended};
        let (key, to) = match change {
            StateChange::Activate { key, until } => {
                if activation == Some(Activation::AtOnce) {
                    return Err(KeyStateError::AtOnce(key.clone()));
                }
                if let Some(until) = until.filter(|until| *until <= begins) {
                    return Err(KeyStateError::Ended(until));
                }
                (key, Active)
            }
            StateChange::Deactivate(Sweep { key, .. }) => (key, Deactivated),
            StateChange::Compromise { sweep: Sweep { key, .. }, .. } => (key, Compromised),
            StateChange::Destroy(key) => (key, Destroyed),
            StateChange::Keep(_) => return Ok(()),
        };
        // Whoever has no share of the key follows the others.
        let Some(activation) = activation else { return Ok(()) };
        let from = self.standing(key, activation, now).state();
        let legal = match to {
            Active => matches!(from, PreActivation | Active | Suspended),
            Deactivated => matches!(from, Active | Suspended | Deactivated),
            Compromised => from != Destroyed,
            Destroyed => matches!(from, PreActivation | Deactivated | Compromised),
            PreActivation | Suspended => false,
        };
        if legal { Ok(()) } else { Err(KeyStateError::Illegal { key: key.clone(), from, to }) }
    }

    /// What a key that is confirmed may sign, as far as it is for orders of this kind to say.
    pub fn standing(&self, key: &KeyId, activation: Activation, now: Timestamp) -> Standing {
        if self.destroyed_from(key).is_some_and(|from| from <= now) {
            return Standing::Destroyed;
        }
        let compromises = self.compromises.values().filter(|(sweep, _)| sweep.key == *key);
        if let Some(to) = in_all(compromises.clone().map(|(sweep, _)| sweep)) {
            let quorums = compromises.map(|(_, quorum)| quorum.clone()).collect();
            return Standing::Compromised { to, quorums };
        }
        let deactivations = self.deactivations.values().filter(|sweep| sweep.key == *key);
        if let Some(to) = in_all(deactivations) {
            return Standing::Deactivated(to);
        }
        if activation == Activation::AtOnce {
            return Standing::Active { until: None };
        }
        let begun = self.activations_of(key).filter(|activated| activated.from <= now);
        let ends: Vec<_> = begun.map(|activated| activated.until).collect();
        // One that does not end outlasts the others.
        let last = if ends.contains(&None) { None } else { ends.iter().copied().max().flatten() };
        match last {
            _ if ends.is_empty() => Standing::PreActivation,
            Some(until) if until <= now => Standing::Suspended,
            until => Standing::Active { until },
        }
    }

    /// For how long, in milliseconds, orders had the key activated so far. Times that overlap count once.
    pub fn activated_ms(&self, key: &KeyId, now: Timestamp) -> u64 {
        let end = |until: Option<Timestamp>| until.unwrap_or(now).min(now);
        let windows = self.activations_of(key).map(|one| (one.from, end(one.until)));
        let mut windows: Vec<_> = windows.collect();
        windows.sort_unstable();
        let (total, _) =
            windows.into_iter().fold((0_u64, Timestamp::ZERO), |(total, up_to), (from, until)| {
                (total.saturating_add(until.since(from.max(up_to))), up_to.max(until))
            });
        total
    }

    /// The keys that are to be destroyed, with from when on. What was taken back is not among them.
    pub fn destructions(&self) -> impl Iterator<Item = (&KeyId, Timestamp)> {
        let kept: BTreeSet<_> = self.keeps.values().collect();
        let destructions = self.destructions.iter().filter(move |(order, _)| !kept.contains(order));
        destructions.map(|(_, (key, from))| (key, *from))
    }

    /// The key that the order of this digest destroys, with from when on. Nothing where it was taken back.
    pub fn destruction(&self, order: &Digest) -> Option<(&KeyId, Timestamp)> {
        let kept = self.keeps.values().any(|kept| kept == order);
        self.destructions.get(order).filter(|_| !kept).map(|(key, from)| (key, *from))
    }

    /// From when on a key is destroyed, if it is to be.
    pub fn destroyed_from(&self, key: &KeyId) -> Option<Timestamp> {
        self.destructions().filter(|(destroyed, _)| *destroyed == key).map(|(_, from)| from).min()
    }

    fn activations_of(&self, key: &KeyId) -> impl Iterator<Item = &Activated> {
        self.activations.values().filter(move |activated| activated.key == *key)
    }
}

/// Of several orders, what all of them allow: so it does not matter which came first.
fn in_all<'a>(mut sweeps: impl Iterator<Item = &'a Sweep>) -> Option<BTreeSet<Destination>> {
    let first = sweeps.next()?.to.clone();
    Some(sweeps.fold(first, |common, sweep| common.intersection(&sweep.to).cloned().collect()))
}

impl Standing {
    /// Until when the key is active, where an order says so.
    pub const fn active_until(&self) -> Option<Timestamp> {
        match self {
            Self::Active { until } => *until,
            Self::PreActivation
            | Self::Suspended
            | Self::Deactivated(_)
            | Self::Compromised { .. }
            | Self::Destroyed => None,
        }
    }

    /// The state by its name.
    pub const fn state(&self) -> KeyState {
        match self {
            Self::PreActivation => KeyState::PreActivation,
            Self::Active { .. } => KeyState::Active,
            Self::Suspended => KeyState::Suspended,
            Self::Deactivated(_) => KeyState::Deactivated,
            Self::Compromised { .. } => KeyState::Compromised,
            Self::Destroyed => KeyState::Destroyed,
        }
    }
}

#[cfg(test)]
#[path = "key_states_tests.rs"]
mod tests;
