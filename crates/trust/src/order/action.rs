//! What orders say is to be done.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use quorate_model::{
    Activation, Digest, Epoch, KeyId, ParticipantId, ParticipantSet, Scheme, ServiceName, Tag,
    Threshold, Transcript,
};

use super::StateChange;
use crate::root::previous_text;
use crate::text::{Reader, TextError, Writer, list};

/// What an order tells the cluster to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderAction {
    /// Make a key by distributed key generation.
    GenerateKey(GenerateKey),
    /// Make the next sharing of a key. The group key, and so every address, stays as it is.
    ReshareKey(ReshareKey),
    /// Freeze: nothing in the scope is signed until the freeze is lifted.
    Freeze(Scope),
    /// Lift one freeze, named by the digest of its order. It holds on for the root's unfreeze delay.
    Unfreeze(Digest),
    /// Put an active key into the state *suspended* (NIST SP 800-57 part 1, section 7.3).
    Suspend(KeyId),
    /// Lift one suspension, named by the digest of its order: the key is *active* again.
    Resume(Digest),
    /// Change the state of a key: see [`StateChange`].
    ChangeState(StateChange),
    /// Sign with a node again that was put back to an earlier state, or lost all it had: its next life begins.
    ReadmitNode(Readmission),
    /// Bring a policy bundle into force after the one before it.
    ActivatePolicy(Successor),
    /// Bring a version of the trust root into force after the one before it.
    UpdateRoot(Successor),
}

/// A document that follows others of its kind: a policy bundle or a version of the trust root. It
/// travels beside the order, which names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// Its version, from 2.
    pub version: u64,
    /// Its hash.
    pub hash: Digest,
    /// Hashes of those that it follows: one, or every branch of a fork.
    pub previous: BTreeSet<Digest>,
}

/// An order to sign with a node again, on the audit log that it has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readmission {
    /// The node.
    pub node: ParticipantId,
    /// Which life of it begins, from 2. What it said in an earlier one is held against it no more.
    pub life: u64,
    /// How many entries its audit log has.
    pub length: u64,
    /// The root of the tree of all of them (RFC 6962, section 2.1): so the order is for this log, and for
    /// none that the node is put back to later.
    pub head: Digest,
}

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
    /// Whether it may sign raw digests: bytes of which no node can say what they do. For ever, since it
    /// is part of the key's certificate.
    pub raw_ok: bool,
    /// When it begins to sign. For ever, as well.
    pub activation: Activation,
}

/// An order to make the next sharing of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReshareKey {
    /// The key.
    pub key: KeyId,
    /// Its group verifying key, in the scheme's encoding: what stays as it is, for whoever signs to compare.
    pub public_key: Vec<u8>,
    /// Digest of the sharing that the new one follows: an order is for one sharing and no other.
    pub predecessor: Digest,
    /// The epoch that the first attempt makes; each further attempt makes the next. It has to be later than
    /// every one that a node voted for.
    pub epoch: Epoch,
    /// What is new about it.
    pub change: SharingChange,
}

/// What is new about a sharing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharingChange {
    /// The shares: roster and threshold stay.
    Refresh,
    /// Who holds a share, or how many sign.
    Reshare {
        /// Signers required.
        threshold: Threshold,
        /// Who holds a share.
        roster: ParticipantSet,
    },
    /// The shares, without the help of a node that lost its own: roster and threshold stay, and the old
    /// shares are useless, the lost one among them.
    Repair(ParticipantId),
}

impl SharingChange {
    /// The name of the action.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Refresh => "refresh-key",
            Self::Reshare { .. } => "reshare-key",
            Self::Repair(_) => "repair-key",
        }
    }
}

/// What a freeze holds: written `cluster`, `key:NAME` or `service:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every key, and every ceremony.
    Cluster,
    /// One key.
    Key(KeyId),
    /// Every request of one service.
    Service(ServiceName),
}

/// Who must sign an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// As many members of the root's quorum of that name as it requires.
    Quorum(&'static str),
    /// Any one officer: one person can stop.
    AnyOfficer,
}

/// The text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope: expected cluster, key:NAME or service:NAME")]
pub struct ParseScope(String);

impl OrderAction {
    /// The name on every surface.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::GenerateKey(_) => "generate-key",
            Self::ReshareKey(reshare) => reshare.change.as_str(),
            Self::Freeze(_) => "freeze",
            Self::Unfreeze(_) => "unfreeze",
            Self::Suspend(_) => "suspend",
            Self::Resume(_) => "resume",
            Self::ChangeState(change) => change.as_str(),
            Self::ReadmitNode(_) => "readmit-node",
            Self::ActivatePolicy(_) => "activate-policy",
            Self::UpdateRoot(_) => "update-root",
        }
    }

    /// Whose signatures it takes. Only stopping everything at once is left to one person.
    pub const fn authority(&self) -> Authority {
        match self {
            Self::GenerateKey(_)
            | Self::ReshareKey(_)
            | Self::Suspend(_)
            | Self::Resume(_)
            | Self::ChangeState(_)
            | Self::ReadmitNode(_) => Authority::Quorum("keys"),
            Self::Unfreeze(_) => Authority::Quorum("unfreeze"),
            Self::Freeze(_) => Authority::AnyOfficer,
            Self::ActivatePolicy(_) => Authority::Quorum("policy"),
            Self::UpdateRoot(_) => Authority::Quorum("root"),
        }
    }

    /// Whether it stops something. Such orders never expire: a delayed stop is still a stop.
    pub const fn is_stop(&self) -> bool {
        match self {
            Self::Freeze(_) | Self::Suspend(_) => true,
            Self::ChangeState(change) => change.is_stop(),
            Self::GenerateKey(_)
            | Self::ReshareKey(_)
            | Self::Unfreeze(_)
            | Self::Resume(_)
            | Self::ReadmitNode(_)
            | Self::ActivatePolicy(_)
            | Self::UpdateRoot(_) => false,
        }
    }

    /// The document that the order brings, if it brings one.
    pub const fn successor(&self) -> Option<&Successor> {
        match self {
            Self::ActivatePolicy(successor) | Self::UpdateRoot(successor) => Some(successor),
            Self::GenerateKey(_)
            | Self::ReshareKey(_)
            | Self::Freeze(_)
            | Self::Unfreeze(_)
            | Self::Suspend(_)
            | Self::Resume(_)
            | Self::ChangeState(_)
            | Self::ReadmitNode(_) => None,
        }
    }

    /// The hash of a document, where the order brings one of its kind.
    pub(super) fn hash_of(&self, document: &str) -> Option<Digest> {
        self.successor()?;
        let is_root = matches!(self, Self::UpdateRoot(_));
        let tag = if is_root { Tag::TrustRoot } else { Tag::Bundle };
        Some(Transcript::new(tag).text(document).finish())
    }

    pub(super) fn write(&self, text: &mut Writer) {
        text.field("action", self.as_str());
        match self {
            Self::GenerateKey(generate) => {
                let GenerateKey { key, scheme, threshold, roster, raw_ok, activation } = generate;
                text.field("key", key).field("scheme", scheme);
                text.field("threshold", threshold).field("roster", roster);
                text.field("raw-ok", raw_ok).field("activation", activation);
            }
            Self::ReshareKey(ReshareKey { key, public_key, predecessor, epoch, change }) => {
                text.field("key", key).field("public-key", hex::encode(public_key));
                text.field("predecessor", predecessor).field("epoch", epoch);
                match change {
                    SharingChange::Refresh => {}
                    SharingChange::Reshare { threshold, roster } => {
                        text.field("threshold", threshold).field("roster", roster);
                    }
                    SharingChange::Repair(node) => {
                        text.field("node", node);
                    }
                }
            }
            Self::Freeze(scope) => {
                text.field("scope", scope);
            }
            Self::Unfreeze(stop) | Self::Resume(stop) => {
                text.field("lifts", stop);
            }
            Self::Suspend(key) => {
                text.field("key", key);
            }
            Self::ChangeState(change) => change.write(text),
            Self::ReadmitNode(Readmission { node, life, length, head }) => {
                text.field("node", node).field("life", life);
                text.field("log-length", length).field("log-head", head);
            }
            Self::ActivatePolicy(successor) => successor.write("policy", text),
            Self::UpdateRoot(successor) => successor.write("root", text),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, TextError> {
        match reader.text("action")? {
            "generate-key" => {
                let (key, scheme) = (reader.parse("key")?, reader.parse("scheme")?);
                let (threshold, roster) = sharing(reader)?;
                let raw_ok = reader.parse("raw-ok")?;
                let activation = reader.parse("activation")?;
                Ok(Self::GenerateKey(GenerateKey {
                    key,
                    scheme,
                    threshold,
                    roster,
                    raw_ok,
                    activation,
                }))
            }
            "refresh-key" => ReshareKey::read(reader, |_| Ok(SharingChange::Refresh)),
            "reshare-key" => ReshareKey::read(reader, |reader| {
                let (threshold, roster) = sharing(reader)?;
                Ok(SharingChange::Reshare { threshold, roster })
            }),
            "repair-key" => {
                ReshareKey::read(reader, |reader| Ok(SharingChange::Repair(reader.parse("node")?)))
            }
            "freeze" => Ok(Self::Freeze(reader.parse("scope")?)),
            "unfreeze" => Ok(Self::Unfreeze(reader.parse("lifts")?)),
            "suspend" => Ok(Self::Suspend(reader.parse("key")?)),
            "resume" => Ok(Self::Resume(reader.parse("lifts")?)),
            "readmit-node" => Ok(Self::ReadmitNode(Readmission {
                node: reader.parse("node")?,
                life: reader.parse("life")?,
                length: reader.parse("log-length")?,
                head: reader.parse("log-head")?,
            })),
            "activate-policy" => Successor::read("policy", reader).map(Self::ActivatePolicy),
            "update-root" => Successor::read("root", reader).map(Self::UpdateRoot),
            other => match StateChange::read(other, reader) {
                Some(change) => change.map(Self::ChangeState),
                None => Err(invalid("action", &format!("there is no action {other:?}"))),
            },
        }
    }
}

impl ReshareKey {
    fn read<'a>(
        reader: &mut Reader<'a>,
        change: impl FnOnce(&mut Reader<'a>) -> Result<SharingChange, TextError>,
    ) -> Result<OrderAction, TextError> {
        let key = reader.parse("key")?;
        let public_key = hex::decode(reader.text("public-key")?)
            .map_err(|error| invalid("public-key", &error))?;
        let (predecessor, epoch) = (reader.parse("predecessor")?, Epoch(reader.parse("epoch")?));
        let change = change(reader)?;
        Ok(OrderAction::ReshareKey(Self { key, public_key, predecessor, epoch, change }))
    }
}

/// How many sign, and who holds a share.
fn sharing(reader: &mut Reader<'_>) -> Result<(Threshold, ParticipantSet), TextError> {
    let threshold =
        Threshold::new(reader.parse("threshold")?).map_err(|error| invalid("threshold", &error))?;
    let members: Vec<_> = list("roster", reader.text("roster")?)?;
    let roster = ParticipantSet::new(members).map_err(|error| invalid("roster", &error))?;
    Ok((threshold, roster))
}

impl Successor {
    fn write(&self, field: &str, text: &mut Writer) {
        text.field(field, self.hash).field("version", self.version);
        text.field("previous", previous_text(&self.previous));
    }

    fn read(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, TextError> {
        let (hash, version) = (reader.parse(field)?, reader.parse("version")?);
        let previous = list("previous", reader.text("previous")?)?.into_iter().collect();
        Ok(Self { version, hash, previous })
    }
}

fn invalid(field: &'static str, reason: &dyn fmt::Display) -> TextError {
    TextError::Value { field, reason: reason.to_string() }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("cluster"),
            Self::Key(key) => write!(f, "key:{key}"),
            Self::Service(service) => write!(f, "service:{service}"),
        }
    }
}

impl FromStr for Scope {
    type Err = ParseScope;

    fn from_str(text: &str) -> Result<Self, ParseScope> {
        let error = || ParseScope(text.chars().take(80).collect());
        match text.split_once(':') {
            None if text == "cluster" => Ok(Self::Cluster),
            Some(("key", key)) => key.parse().map(Self::Key).map_err(|_| error()),
            Some(("service", name)) => name.parse().map(Self::Service).map_err(|_| error()),
            Some(_) | None => Err(error()),
        }
    }
}
