//! What a version of the trust root changes.

use quorate_model::ParticipantId;

use super::{NodeEntry, PersonEntry, Quorum, ServiceEntry};
use crate::{SinglePoint, TrustRoot, UserVerification};

/// What a version of the trust root does to what the one before it lets people do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amendment {
    /// Nobody can do what they could not do before, and nothing takes fewer people or less time.
    Tightening,
    /// It may let somebody do more.
    Loosening {
        /// Everything that may, in words.
        why: Vec<String>,
    },
}

/// Why no quorum can make this the next version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendmentError {
    /// Of another cluster.
    #[error("it is a root of another cluster")]
    OtherCluster,
    /// The bundle that the cluster began with is history.
    #[error("policy: the bundle that the cluster began with cannot change; order activate-policy")]
    Policy,
    /// A node's key signs votes and certificates that clients verify.
    #[error(
        "node {0} is new, is gone, or has another identity key: that takes a reshare of the keys, which this version does not do"
    )]
    Node(ParticipantId),
    /// Somebody could decide alone what took several.
    #[error("{0}")]
    SinglePoint(SinglePoint),
}

impl Amendment {
    /// Compares a version with the one before it.
    ///
    /// A tightening may remove persons, credentials, services and members of quorums; require more
    /// members, more signers, longer delays or a person's verification; add owners to services; and have
    /// backups opened by fewer people, or by more of them.
    /// Whoever is removed can approve nothing any more at once: that must not wait.
    ///
    /// # Errors
    /// [`AmendmentError`], whoever signs it.
    pub fn between(old: &TrustRoot, new: &TrustRoot) -> Result<Self, AmendmentError> {
        if new.cluster() != old.cluster() {
            return Err(AmendmentError::OtherCluster);
        }
        if new.policy != old.policy {
            return Err(AmendmentError::Policy);
        }
        let known = old.single_points();
        if let Some(point) = new.single_points().into_iter().find(|point| !known.contains(point)) {
            return Err(AmendmentError::SinglePoint(point));
        }
        for id in old.nodes.keys().chain(new.nodes.keys()) {
            let identity = |root: &TrustRoot| root.nodes.get(id).map(|node| node.identity);
            if identity(old) != identity(new) {
                return Err(AmendmentError::Node(*id));
            }
        }
        let mut comparison = Comparison { old, new, why: Vec::new() };
        comparison.numbers();
        comparison.nodes();
        comparison.services();
        comparison.persons();
        comparison.quorums();
        Ok(match comparison.why {
            why if why.is_empty() => Self::Tightening,
            why => Self::Loosening { why },
        })
    }
}

struct Comparison<'a> {
    old: &'a TrustRoot,
    new: &'a TrustRoot,
    why: Vec<String>,
}

impl Comparison<'_> {
    fn numbers(&mut self) {
        let (old, new) = (self.old, self.new);
        if new.threshold_floor < old.threshold_floor {
            self.why.push("the threshold floor is lower".to_owned());
        }
        if new.unfreeze_delay_s < old.unfreeze_delay_s {
            self.why.push("a freeze ends sooner after it is lifted".to_owned());
        }
        if new.change_delay_s < old.change_delay_s {
            self.why.push("what may allow more begins sooner".to_owned());
        }
    }

    fn nodes(&mut self) {
        for (id, node) in &self.new.nodes {
            let before = self.old.nodes.get(id);
            // Whoever opens its backups is looked at below.
            let now = before
                .map(|before| NodeEntry { recovery: before.recovery.clone(), ..node.clone() });
            if before != now.as_ref() {
                self.why.push(format!("node {id} has changed"));
            }
            let recovery = before.and_then(|before| before.recovery.as_ref());
            if !node
                .recovery
                .as_ref()
                .is_none_or(|now| recovery.is_some_and(|old| opens_no_more(old, now)))
            {
                self.why.push(format!("node {id} has other recovery officers"));
            }
        }
    }

    fn services(&mut self) {
        for (name, service) in &self.new.services {
            let ServiceEntry { key, owners } = service;
            match self.old.services.get(name) {
                None => self.why.push(format!("service {name} is new")),
                Some(before) if before.key != *key => {
                    self.why.push(format!("service {name} has another key"));
                }
                // An owner who leaves may approve what the service asks for.
                Some(before) if !before.owners.is_subset(owners) => {
                    self.why.push(format!("service {name} has fewer owners"));
                }
                Some(_) => {}
            }
        }
    }

    fn persons(&mut self) {
        for (name, person) in &self.new.persons {
            let Some(before) = self.old.persons.get(name) else {
                self.why.push(format!("person {name} is new"));
                continue;
            };
            let PersonEntry { officer, user_verification, credentials, recovery } = person;
            if before.officer != *officer {
                self.why.push(format!("person {name} has another role"));
            }
            let verified = before.user_verification == UserVerification::Required;
            if verified && *user_verification == UserVerification::NotRequired {
                self.why.push(format!("person {name} need not be verified any more"));
            }
            if !credentials.is_subset(&before.credentials) {
                self.why.push(format!("person {name} has a new credential"));
            }
            // Whoever has it can open backups that are made from then on.
            if recovery.is_some() && *recovery != before.recovery {
                self.why.push(format!("person {name} has another recovery recipient"));
            }
        }
    }

    fn quorums(&mut self) {
        for (name, quorum) in &self.new.quorums {
            match self.old.quorums.get(name) {
                None => self.why.push(format!("quorum {name} is new")),
                Some(before) if quorum.required < before.required => {
                    self.why.push(format!("quorum {name} takes fewer"));
                }
                Some(before) if !quorum.members.is_subset(&before.members) => {
                    self.why.push(format!("quorum {name} has new members"));
                }
                Some(_) => {}
            }
        }
        for name in self.old.quorums.keys().filter(|name| !self.new.quorums.contains_key(*name)) {
            self.why.push(format!("quorum {name} is gone"));
        }
    }
}

/// Whether nobody opens what they did not open before, and it takes no fewer.
fn opens_no_more(old: &Quorum, new: &Quorum) -> bool {
    new.required >= old.required && new.members.is_subset(&old.members)
}

#[cfg(test)]
mod tests;
