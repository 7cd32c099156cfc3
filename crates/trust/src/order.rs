//! Orders: what officers and the root's quorums tell the cluster to do.

mod action;
mod state_change;

use std::collections::BTreeSet;

use quorate_model::{
    ClusterId, DOCUMENT_BYTES_MAX, Digest, OrderId, ParticipantId, ParticipantSet, PersonName,
    ServiceName, Tag, Threshold, Timestamp, Transcript,
};

pub use self::action::{
    Authority, GenerateKey, OrderAction, ParseScope, Readmission, ReshareKey, Scope, SharingChange,
    Successor,
};
pub use self::state_change::StateChange;
use crate::text::{Reader, TextError, Writer, value};
use crate::{Namespace, SignerError, StatementSignature, TrustRoot};

const KIND: &str = "quorate-order/1";
/// No order lives longer: an old signature must not surprise anyone.
const LIFETIME_MAX_MS: u64 = 7 * 24 * 3600 * 1000;
/// Signatures under one statement of people, at most: with 2 KiB each, a statement fits a record.
pub const SIGNATURES_MAX: usize = 16;
/// How a window is written that does not end.
const NEVER: &str = "never";

/// A statement of people that the cluster carries out at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The cluster that it is for.
    pub cluster: ClusterId,
    /// Its unique id.
    pub id: OrderId,
    /// What to do.
    pub action: OrderAction,
    /// When it may be carried out.
    pub window: Window,
}

/// The time in which an order may begin to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Not before this time.
    pub not_before: Timestamp,
    /// Not from this time on; at most seven days later. Never, for an order that stops something,
    /// and for no other.
    pub expires: Option<Timestamp>,
}

/// An order's text with the signatures under it, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOrder {
    /// The canonical text, verbatim.
    pub text: String,
    /// Who signed it.
    pub signatures: Vec<StatementSignature>,
    /// The document that the order brings into force, verbatim: see [`Successor`].
    pub document: Option<String>,
}

/// An order that the root's quorum signed: proof by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOrder {
    order: Order,
    digest: Digest,
    signers: BTreeSet<PersonName>,
}

/// A verified order to make a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOrder {
    verified: VerifiedOrder,
    generate: GenerateKey,
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
    /// A window that ends before it begins, or lasts longer than seven days; or one that ends, of an
    /// order that stops something.
    #[error(
        "an order that stops something never expires; any other is valid for at most seven days, and expires after it begins"
    )]
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
    /// A service that is not in the trust root.
    #[error("service {0} is not in the trust root")]
    UnknownService(ServiceName),
    /// Somebody who is not a node of this cluster.
    #[error("the roster {0} names a node that is not in the trust root")]
    UnknownNode(ParticipantSet),
    /// A signature that is not what it claims: the whole order is refused.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The document beside the order is not the one that it names.
    #[error(
        "the document beside the order is missing, is larger than {DOCUMENT_BYTES_MAX} bytes, or is not the one that the order names"
    )]
    Document,
    /// A node that is not of this cluster.
    #[error("node {0} is not in the trust root")]
    NoSuchNode(ParticipantId),
    /// Lives count from 1, and the first begins without an order; every audit log begins with an entry.
    #[error("an order begins a node's life 2 or a later one, on an audit log that has entries")]
    Life,
    /// Versions count from 1, and the first follows nothing.
    #[error("an order brings version 2 or a later one, which follows at least one")]
    Version,
    /// More signatures than anyone needs.
    #[error("an order carries at most {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// No officer signed an order that takes one.
    #[error("no officer signed: an order that freezes takes any one of them")]
    NoOfficer,
    /// Fewer distinct members of the quorum than it requires.
    #[error("quorum {quorum}: {present} of {required} members signed")]
    QuorumMissing {
        /// The quorum.
        quorum: &'static str,
        /// Distinct members who signed.
        present: usize,
        /// How many must.
        required: usize,
    },
}

impl Order {
    /// The canonical text: what is shown and signed.
    pub fn render(&self) -> String {
        let mut text = Writer::new(KIND);
        text.field("cluster", self.cluster).field("order", &self.id);
        self.action.write(&mut text);
        text.field("not-before", self.window.not_before);
        match self.window.expires {
            Some(expires) => text.field("expires", expires),
            None => text.field("expires", NEVER),
        };
        text.finish()
    }

    /// Reads the canonical text of an order. Whose it is and whether it may be carried out is not
    /// looked at.
    ///
    /// # Errors
    /// [`TextError`], naming the line or field.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut reader = Reader::new(text, KIND)?;
        let (cluster, id) = (reader.parse("cluster")?, reader.parse("order")?);
        let action = OrderAction::read(&mut reader)?;
        let not_before = reader.parse("not-before")?;
        let expires = match reader.text("expires")? {
            NEVER => None,
            time => Some(value("expires", time)?),
        };
        reader.finish()?;
        let order = Self { cluster, id, action, window: Window { not_before, expires } };
        if order.render() == text { Ok(order) } else { Err(TextError::NotCanonical) }
    }

    /// The digest of the text: what the order is, for naming and binding.
    pub fn digest(&self) -> Digest {
        digest(&self.render())
    }

    /// Whether it may be given in this cluster at all, whoever signs it. Looks at no clock.
    ///
    /// # Errors
    /// [`OrderError`], naming the first rule that was broken.
    pub fn check(&self, root: &TrustRoot) -> Result<(), OrderError> {
        if self.cluster != root.cluster() {
            return Err(OrderError::OtherCluster(self.cluster));
        }
        self.window.check(self.action.is_stop())?;
        match &self.action {
            OrderAction::GenerateKey(GenerateKey { threshold, roster, .. })
            | OrderAction::ReshareKey(ReshareKey {
                change: SharingChange::Reshare { threshold, roster },
                ..
            }) => check_sharing(*threshold, roster, root),
            OrderAction::Freeze(Scope::Service(service))
                if !root.services.contains_key(service) =>
            {
                Err(OrderError::UnknownService(service.clone()))
            }
            OrderAction::ReadmitNode(Readmission { node, .. })
                if !root.nodes.contains_key(node) =>
            {
                Err(OrderError::NoSuchNode(*node))
            }
            OrderAction::ReadmitNode(Readmission { life, length, .. })
                if *life < 2 || *length == 0 =>
            {
                Err(OrderError::Life)
            }
            OrderAction::ActivatePolicy(successor) | OrderAction::UpdateRoot(successor) => {
                let follows = successor.version >= 2 && !successor.previous.is_empty();
                if follows { Ok(()) } else { Err(OrderError::Version) }
            }
            OrderAction::ReshareKey(_)
            | OrderAction::Freeze(_)
            | OrderAction::Unfreeze(_)
            | OrderAction::Suspend(_)
            | OrderAction::Resume(_)
            | OrderAction::ChangeState(_)
            | OrderAction::ReadmitNode(_) => Ok(()),
        }
    }
}

impl Window {
    fn check(&self, is_stop: bool) -> Result<(), OrderError> {
        let fits = match self.expires {
            None => is_stop,
            Some(expires) => {
                let lifetime = expires.since(self.not_before);
                !is_stop && lifetime > 0 && lifetime <= LIFETIME_MAX_MS
            }
        };
        if fits { Ok(()) } else { Err(OrderError::BadWindow) }
    }
}

/// Whether so many of these nodes may hold a key.
fn check_sharing(
    threshold: Threshold,
    roster: &ParticipantSet,
    root: &TrustRoot,
) -> Result<(), OrderError> {
    threshold.check(roster.len())?;
    if threshold < root.threshold_floor {
        let (asked, floor) = (threshold, root.threshold_floor);
        return Err(OrderError::BelowFloor { asked, floor });
    }
    if roster.iter().any(|id| !root.nodes.contains_key(&id)) {
        return Err(OrderError::UnknownNode(roster.clone()));
    }
    Ok(())
}

impl SignedOrder {
    /// The digest of the text: what the order is, for naming and binding.
    pub fn digest(&self) -> Digest {
        digest(&self.text)
    }

    /// Verifies everything about the order except the time.
    ///
    /// # Errors
    /// [`OrderError`], naming the first rule that was broken.
    pub fn verify(&self, root: &TrustRoot) -> Result<VerifiedOrder, OrderError> {
        let order = Order::parse(&self.text)?;
        order.check(root)?;
        self.check_document(&order.action)?;
        if self.signatures.len() > SIGNATURES_MAX {
            return Err(OrderError::TooManySignatures);
        }
        let digest = digest(&self.text);
        let mut signers = BTreeSet::new();
        for signature in &self.signatures {
            signature.verify(Namespace::Order, &self.text, root)?;
            signers.insert(signature.person.clone());
        }
        order.action.authority().check(root, &signers)?;
        Ok(VerifiedOrder { order, digest, signers })
    }

    fn check_document(&self, action: &OrderAction) -> Result<(), OrderError> {
        let named = action.successor().map(|successor| successor.hash);
        let fits = |document: &&String| document.len() <= DOCUMENT_BYTES_MAX;
        let found = self.document.as_ref().filter(fits).and_then(|text| action.hash_of(text));
        let unnamed = named.is_none() && self.document.is_some();
        if named == found && !unnamed { Ok(()) } else { Err(OrderError::Document) }
    }
}

impl Authority {
    fn check(self, root: &TrustRoot, signers: &BTreeSet<PersonName>) -> Result<(), OrderError> {
        match self {
            Self::AnyOfficer => {
                let officer = |name| root.persons.get(name).is_some_and(|person| person.officer);
                if signers.iter().any(officer) { Ok(()) } else { Err(OrderError::NoOfficer) }
            }
            Self::Quorum(quorum) => {
                let (required, present) = root.quorum(quorum).map_or((usize::MAX, 0), |quorum| {
                    (quorum.required, quorum.members.intersection(signers).count())
                });
                if present >= required {
                    return Ok(());
                }
                Err(OrderError::QuorumMissing { quorum, present, required })
            }
        }
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

    /// The persons whose signatures were verified.
    pub fn signers(&self) -> &BTreeSet<PersonName> {
        &self.signers
    }

    /// Checks that the signers may also bring into force what may allow more than is allowed now.
    ///
    /// # Errors
    /// [`OrderError::QuorumMissing`].
    pub fn check_loosening(&self, root: &TrustRoot) -> Result<(), OrderError> {
        Authority::Quorum("loosening").check(root, &self.signers)
    }

    /// The order as one to make a key, if it is one.
    pub fn key_order(self) -> Option<KeyOrder> {
        let OrderAction::GenerateKey(generate) = self.order.action.clone() else { return None };
        Some(KeyOrder { verified: self, generate })
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
        match expires {
            Some(expires) if now >= expires => Err(OrderError::Expired(expires)),
            Some(_) | None => Ok(()),
        }
    }
}

impl KeyOrder {
    /// The order.
    pub fn verified(&self) -> &VerifiedOrder {
        &self.verified
    }

    /// What it says to generate.
    pub fn generate_key(&self) -> &GenerateKey {
        &self.generate
    }
}

/// One hash of all orders that somebody carried out, given by their digests, ascending.
pub fn orders_head<'a>(digests: impl ExactSizeIterator<Item = &'a Digest>) -> Digest {
    let mut transcript = Transcript::new(Tag::Orders);
    transcript.u64(digests.len() as u64);
    digests.for_each(|digest| {
        transcript.digest(digest);
    });
    transcript.finish()
}

fn digest(text: &str) -> Digest {
    Namespace::Order.digest(text)
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
