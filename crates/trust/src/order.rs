//! Orders: what the root's quorums tell the cluster to do.

use std::collections::BTreeSet;

use quorate_model::{
    ClusterId, Digest, KeyId, OrderId, ParticipantSet, PersonName, Scheme, Tag, Threshold,
    Timestamp, Transcript,
};

use crate::text::{Reader, TextError, Writer, list};
use crate::{Signature, SigningKey, TrustRoot};

const KIND: &str = "quorate-order/1";
/// No order lives longer: an old signature must not surprise anyone.
const LIFETIME_MAX_MS: u64 = 7 * 24 * 3600 * 1000;
const SIGNATURES_MAX: usize = 64;

/// An order to make a key by distributed key generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateKey {
    /// The new key's id. An id is used once, for ever.
    pub key: KeyId,
    /// Its scheme.
    pub scheme: Scheme,
    /// Signers required.
    pub threshold: Threshold,
    /// Who holds a share.
    pub roster: ParticipantSet,
}

/// A statement of people that the cluster carries out at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The cluster that it is for.
    pub cluster: ClusterId,
    /// Its unique id.
    pub id: OrderId,
    /// What to do.
    pub generate_key: GenerateKey,
    /// When it may be carried out.
    pub window: Window,
}

/// The time in which an order may begin to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Not before this time.
    pub not_before: Timestamp,
    /// Not from this time on; at most seven days later.
    pub expires: Timestamp,
}

/// An order's text with the signatures under it, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOrder {
    /// The canonical text, verbatim.
    pub text: String,
    /// Who signed it.
    pub signatures: Vec<OrderSignature>,
}

/// One person's signature under an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSignature {
    /// The person, by name: the trust root knows the key.
    pub person: PersonName,
    /// Over the order's digest.
    pub signature: Signature,
}

/// An order that the root's quorum signed: proof by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOrder {
    order: Order,
    digest: Digest,
}

/// Why an order is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The text is no order.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An order for another cluster.
    #[error("the order is for cluster {0}")]
    OtherCluster(ClusterId),
    /// Before its window.
    #[error("the order is valid from {0}")]
    NotYet(Timestamp),
    /// After its window.
    #[error("the order expired at {0}")]
    Expired(Timestamp),
    /// A window that ends before it begins, or lasts longer than seven days.
    #[error("an order is valid for at most seven days, and expires after it begins")]
    BadWindow,
    /// The threshold does not fit.
    #[error("threshold: {0}")]
    Threshold(#[from] quorate_model::ThresholdError),
    /// Below the root's floor.
    #[error("threshold {asked} is below the trust root's floor of {floor}")]
    BelowFloor {
        /// What the order asks for.
        asked: Threshold,
        /// The least that the root allows.
        floor: Threshold,
    },
    /// Somebody who is not a node of this cluster.
    #[error("the roster {0} names a node that is not in the trust root")]
    UnknownNode(ParticipantSet),
    /// A signature that is not what it claims: the whole order is refused.
    #[error("the signature of {0} is not theirs, or they are not in the trust root")]
    BadSignature(PersonName),
    /// More signatures than anyone needs.
    #[error("an order carries at most 64 signatures")]
    TooManySignatures,
    /// Fewer distinct members of the quorum than it requires.
    #[error("quorum keys: {present} of {required} members signed")]
    QuorumMissing {
        /// Distinct members who signed.
        present: usize,
        /// How many must.
        required: usize,
    },
}

impl Order {
    /// The canonical text: what is shown and signed.
    pub fn render(&self) -> String {
        let GenerateKey { key, scheme, threshold, roster } = &self.generate_key;
        Writer::new(KIND)
            .field("cluster", self.cluster)
            .field("order", &self.id)
            .field("action", "generate-key")
            .field("key", key)
            .field("scheme", scheme)
            .field("threshold", threshold)
            .field("roster", roster)
            .field("not-before", self.window.not_before)
            .field("expires", self.window.expires)
            .finish()
    }

    fn parse(text: &str) -> Result<Self, OrderError> {
        let mut reader = Reader::new(text, KIND)?;
        let cluster = reader.parse("cluster")?;
        let id = reader.parse("order")?;
        if reader.text("action")? != "generate-key" {
            let reason = "expected generate-key".to_owned();
            return Err(TextError::Value { field: "action", reason }.into());
        }
        let key = reader.parse("key")?;
        let scheme = reader.parse("scheme")?;
        let threshold = Threshold::new(reader.parse("threshold")?)?;
        let members: Vec<_> = list("roster", reader.text("roster")?)?;
        let roster = ParticipantSet::new(members)
            .map_err(|e| TextError::Value { field: "roster", reason: e.to_string() })?;
        let window =
            Window { not_before: reader.parse("not-before")?, expires: reader.parse("expires")? };
        reader.finish()?;
        let generate_key = GenerateKey { key, scheme, threshold, roster };
        let order = Self { cluster, id, generate_key, window };
        if order.render() == text { Ok(order) } else { Err(TextError::NotCanonical.into()) }
    }

    fn check(&self, root: &TrustRoot) -> Result<(), OrderError> {
        if self.cluster != root.hash() {
            return Err(OrderError::OtherCluster(self.cluster));
        }
        let lifetime = self.window.expires.since(self.window.not_before);
        if lifetime == 0 || lifetime > LIFETIME_MAX_MS {
            return Err(OrderError::BadWindow);
        }
        let GenerateKey { threshold, roster, .. } = &self.generate_key;
        threshold.check(roster.len())?;
        if *threshold < root.threshold_floor {
            let floor = root.threshold_floor;
            return Err(OrderError::BelowFloor { asked: *threshold, floor });
        }
        if roster.iter().any(|id| !root.nodes.contains_key(&id)) {
            return Err(OrderError::UnknownNode(roster.clone()));
        }
        Ok(())
    }
}

impl OrderSignature {
    /// Signs an order's text for a person.
    pub fn sign(text: &str, person: PersonName, key: &SigningKey) -> Self {
        Self { person, signature: key.sign(&digest(text)) }
    }
}

impl SignedOrder {
    /// Verifies everything about the order except the time.
    ///
    /// # Errors
    /// [`OrderError`], naming the first rule that was broken.
    pub fn verify(&self, root: &TrustRoot) -> Result<VerifiedOrder, OrderError> {
        let order = Order::parse(&self.text)?;
        order.check(root)?;
        if self.signatures.len() > SIGNATURES_MAX {
            return Err(OrderError::TooManySignatures);
        }
        let digest = digest(&self.text);
        let mut signers = BTreeSet::new();
        for OrderSignature { person, signature } in &self.signatures {
            let key = root.persons.get(person).map(|entry| entry.key);
            if key.is_none_or(|key| key.verify(&digest, signature).is_err()) {
                return Err(OrderError::BadSignature(person.clone()));
            }
            signers.insert(person.clone());
        }
        let (required, present) = root.quorum("keys").map_or((usize::MAX, 0), |quorum| {
            (quorum.required, quorum.members.intersection(&signers).count())
        });
        if present < required {
            return Err(OrderError::QuorumMissing { present, required });
        }
        Ok(VerifiedOrder { order, digest })
    }
}

impl VerifiedOrder {
    /// The order.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The digest of its text: what ceremonies bind.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Checks that the order may begin to be carried out now.
    ///
    /// # Errors
    /// [`OrderError::NotYet`] or [`OrderError::Expired`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), OrderError> {
        let Window { not_before, expires } = self.order.window;
        if now < not_before {
            return Err(OrderError::NotYet(not_before));
        }
        if now >= expires {
            return Err(OrderError::Expired(expires));
        }
        Ok(())
    }
}

fn digest(text: &str) -> Digest {
    Transcript::new(Tag::Order).text(text).finish()
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
