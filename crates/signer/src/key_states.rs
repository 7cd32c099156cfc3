//! What a key may sign by its state, and the end of keys that are destroyed.

use std::collections::BTreeSet;

use quorate_intent::{Decoded, EffectKind};
use quorate_model::{Digest, KeyId, Tag, Timestamp, Transcript};
use quorate_policy::MissingQuorum;
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_trust::{Destination, KeyStateError, Standing, StateChange};

use crate::case::{Case, Given};
use crate::keys::HeldKey;
use crate::node::Node;
use crate::refusal::refuse;
use crate::turn::Turn;

/// Keys that are erased in one step: what that writes has to fit a batch.
const DESTROYED_AT_ONCE_MAX: usize = 16;

/// Why a payload is not signed with a key that is no longer in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutOfUse {
    /// It pays to the destinations that were named for it.
    #[error("key {key} is {state}: it pays to {to} only, and this is a {kind} to {destination}")]
    Elsewhere {
        key: KeyId,
        state: &'static str,
        to: String,
        kind: &'static str,
        destination: String,
    },
    /// The bundle in force has no such quorum.
    #[error(
        "key {key} is compromised: each payment takes quorum {quorum}, which the policy does not have"
    )]
    NoQuorum { key: KeyId, quorum: String },
    /// The quorum has not approved yet.
    #[error("key {key} is compromised: each payment takes quorum {}", missing.name)]
    Unapproved { key: KeyId, missing: MissingQuorum },
}

impl Node {
    /// Changes what a key may sign. Gives from when on it holds.
    pub(crate) fn change_state(
        &mut self,
        change: &StateChange,
        order: Digest,
        settled: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        if let StateChange::Keep(destroys) = change
            && settled.is_none()
            && let Some((key, from)) = self.key_states.destruction(destroys)
            && from <= now
            && self.keys.present(key).is_none()
        {
            // Who still holds the key may have taken it in time.
            let reason =
                format!("key {key} is destroyed here since {from}: it cannot be kept any more");
            return Err(refuse(RefusalCode::HeadsDiffer, reason));
        }
        // What cannot be undone waits at every holder for its own whole delay, whatever others say: later is
        // always safe.
        let begins = if change.waits() {
            self.after_change_delay(now)
        } else {
            settled.map_or(now, |settled| settled.min(now))
        };
        let activation = change.key().and_then(|key| self.keys.present(key));
        let activation = activation.map(|held| held.certified.activation);
        self.key_states.carry_out(order, change, begins, activation, now).map_err(refusal)?;
        Ok(begins)
    }

    /// What a key that this node holds may sign by its state.
    fn standing(&self, held: &HeldKey, now: Timestamp) -> Standing {
        self.key_states.standing(&held.certified.key, held.certified.activation, now)
    }

    /// Whether a key signs requests, of whatever kind.
    pub(crate) fn signs(&self, held: &HeldKey, now: Timestamp) -> bool {
        let in_use = match self.standing(held, now) {
            Standing::Active { .. } | Standing::Deactivated(_) | Standing::Compromised { .. } => {
                true
            }
            Standing::PreActivation | Standing::Suspended | Standing::Destroyed => false,
        };
        in_use && held.confirmations.is_some()
    }

    /// Refuses what the state of a key keeps from signing anything.
    pub(crate) fn check_key_state(&self, key: &KeyId, now: Timestamp) -> Result<(), Refusal> {
        let Some(held) = self.keys.present(key) else { return Ok(()) };
        let standing = self.standing(held, now);
        let why = match &standing {
            Standing::Active { .. } | Standing::Deactivated(_) | Standing::Compromised { .. } => {
                return Ok(());
            }
            Standing::PreActivation => "no order has activated it yet",
            Standing::Suspended => "its activation has ended",
            Standing::Destroyed => "an order destroyed it",
        };
        let reason = format!("key {key} is in state {}: {why}", standing.state());
        Err(refuse(RefusalCode::Frozen, reason))
    }

    /// Refuses to make shares of a key that was destroyed, under whatever order: an id is used once.
    pub(crate) fn check_not_destroyed(&self, key: &KeyId, now: Timestamp) -> Result<(), Refusal> {
        match self.key_states.destroyed_from(key).filter(|from| *from <= now) {
            None => Ok(()),
            Some(from) => {
                let reason = format!("key {key} is destroyed since {from}: an id is used once");
                Err(refuse(RefusalCode::Invalid, reason))
            }
        }
    }

    /// Whether a key that is out of use may sign this payload.
    pub(crate) fn check_use(&self, case: &Case, given: &Given<'_>) -> Result<(), OutOfUse> {
        let key = &case.verified.request().key;
        let Some(held) = self.keys.present(key) else { return Ok(()) };
        let standing = self.standing(held, given.now);
        let state = standing.state().as_str();
        match standing {
            Standing::Deactivated(to) => pays_to(&case.decoded, key, state, &to),
            Standing::Compromised { to, quorums } => {
                pays_to(&case.decoded, key, state, &to)?;
                for quorum in &quorums {
                    match self.gate.missing_of(quorum, &given.approvals) {
                        None => {
                            let (key, quorum) = (key.clone(), quorum.to_string());
                            return Err(OutOfUse::NoQuorum { key, quorum });
                        }
                        Some(Err(missing)) => {
                            return Err(OutOfUse::Unapproved { key: key.clone(), missing });
                        }
                        Some(Ok(())) => {}
                    }
                }
                Ok(())
            }
            Standing::Active { .. }
            | Standing::PreActivation
            | Standing::Suspended
            | Standing::Destroyed => Ok(()),
        }
    }

    /// Erases the keys whose time has come, some at a time, except what is stopped: so whoever sees that it is a
    /// mistake can hold it, and a quorum can take it back. A node that does not know yet whether it forgot
    /// something erases nothing.
    pub(crate) fn destroy_due(&mut self, now: Timestamp, turn: &mut Turn) {
        if self.history.is_in_doubt() {
            return;
        }
        let due = self.destructions(now).filter(|(_, from)| *from <= now).map(|(key, _)| key);
        for key in due.take(DESTROYED_AT_ONCE_MAX).cloned().collect::<Vec<_>>() {
            for held in self.keys.remove_all(&key) {
                self.erase(&held, turn);
            }
        }
    }

    /// When the next key is to be erased that this node holds, where nothing stops that.
    pub(crate) fn next_destruction(&self, now: Timestamp) -> Option<Timestamp> {
        let destructions = self.destructions(now).filter(|_| !self.history.is_in_doubt());
        destructions.map(|(_, from)| from).min()
    }

    /// The keys of this node that are to be erased, and are not stopped.
    fn destructions(&self, now: Timestamp) -> impl Iterator<Item = (&KeyId, Timestamp)> {
        let held = |key: &KeyId| self.keys.of_key(key).next().is_some();
        let destructions = self.key_states.destructions();
        destructions.filter(move |(key, _)| held(key) && self.stops.on_key(key, now).is_none())
    }

    /// One hash of the orders about stops and states of keys that were carried out here.
    pub(crate) fn holds(&self) -> Digest {
        let mut orders: Vec<_> = self.stops.orders().chain(self.key_states.orders()).collect();
        orders.sort_unstable();
        let mut transcript = Transcript::new(Tag::Holds);
        transcript.u64(orders.len() as u64);
        orders.into_iter().for_each(|order| {
            transcript.digest(order);
        });
        transcript.finish()
    }
}

fn pays_to(
    decoded: &Decoded,
    key: &KeyId,
    state: &'static str,
    to: &BTreeSet<Destination>,
) -> Result<(), OutOfUse> {
    let intent = &decoded.intent;
    for effect in &intent.effects {
        let destination = effect.destination.as_str();
        let is_preset = to.iter().any(|preset| preset.is(intent.network, destination));
        if effect.kind != EffectKind::Transfer || !is_preset {
            let to: Vec<_> = to.iter().map(ToString::to_string).collect();
            return Err(OutOfUse::Elsewhere {
                key: key.clone(),
                state,
                to: if to.is_empty() { "nobody".to_owned() } else { to.join(", ") },
                kind: effect.kind.as_str(),
                destination: destination.to_owned(),
            });
        }
    }
    Ok(())
}

/// The refusal of an order about the state of a key.
pub(crate) fn refusal(error: KeyStateError) -> Refusal {
    let code = match error {
        KeyStateError::TooMany => RefusalCode::Busy,
        // What is missing may come.
        ref error if error.may_pass() => RefusalCode::HeadsDiffer,
        KeyStateError::Illegal { .. } | KeyStateError::AtOnce(_) | KeyStateError::Ended(_) => {
            RefusalCode::Invalid
        }
    };
    refuse(code, error)
}
