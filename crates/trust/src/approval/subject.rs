//! What an approval is given to: everything about one request that decides what is signed.

use quorate_model::{
    ClusterId, DerivationPath, Digest, Epoch, KeyId, Network, RequestKey, Tag, Transcript,
};

use crate::VerifiedRequest;
use crate::text::{Reader, TextError, Writer};

/// A request that people approve has at most so many effects: nobody reads more.
pub const EFFECTS_MAX: usize = 64;

/// What an approval is given to. Nodes, clients and the person's own machine each make it from the
/// bytes that are to be signed, and compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalSubject {
    /// The cluster.
    pub cluster: ClusterId,
    /// The request's name.
    pub request: RequestKey,
    /// Digest of the request's statement.
    pub request_digest: Digest,
    /// The key that would sign.
    pub key: KeyId,
    /// The epoch of its shares.
    pub epoch: Epoch,
    /// Which child of it.
    pub path: DerivationPath,
    /// The network.
    pub network: Network,
    /// What the payload does: of the kinds of its effects the most far-reaching.
    pub action: String,
    /// The payload in words: who pays, each effect, the fee.
    pub effects: Vec<String>,
    /// Digest of the decoded effects.
    pub effects_digest: Digest,
    /// Digest of the payload.
    pub payload_digest: Digest,
    /// Digest of the messages that would be signed.
    pub signing_digest: Digest,
    /// Hash of the policy bundle under which approval is asked for.
    pub bundle: Digest,
}

/// What the payload does, in words and digests: made from the decoded intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoding {
    /// Lines of printable ASCII.
    pub lines: Vec<String>,
    /// Digest of the effects.
    pub effects_digest: Digest,
    /// Digest of the payload.
    pub payload_digest: Digest,
}

/// More effects than anybody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a request that people approve has at most {EFFECTS_MAX} effects: split it")]
pub struct TooManyEffects;

impl ApprovalSubject {
    /// What an approval of a request is given to.
    ///
    /// # Errors
    /// [`TooManyEffects`].
    pub fn new(
        request: &VerifiedRequest,
        epoch: Epoch,
        decoding: Decoding,
        signing_messages: &[Vec<u8>],
        bundle: Digest,
    ) -> Result<Self, TooManyEffects> {
        let Decoding { lines, effects_digest, payload_digest } = decoding;
        // Beside the effects: who pays, a durable nonce account or the account nonce, and the fee.
        if lines.len() > EFFECTS_MAX + 3 {
            return Err(TooManyEffects);
        }
        let mut messages = Transcript::new(Tag::SigningMessages);
        messages.list(signing_messages.iter().map(Vec::as_slice));
        let asked = request.request();
        Ok(Self {
            cluster: asked.cluster,
            request: asked.request_key(),
            request_digest: request.digest(),
            key: asked.key.clone(),
            epoch,
            path: asked.path.clone(),
            network: asked.network,
            action: asked.action.clone(),
            effects: lines,
            effects_digest,
            payload_digest,
            signing_digest: messages.finish(),
            bundle,
        })
    }

    pub(super) fn write(&self, text: &mut Writer) {
        text.field("cluster", self.cluster).field("request", &self.request);
        text.field("request-digest", self.request_digest).field("key", &self.key);
        text.field("epoch", self.epoch).field("path", &self.path);
        text.field("network", self.network).field("action", &self.action);
        for line in &self.effects {
            text.field("does", line);
        }
        text.field("effects-digest", self.effects_digest);
        text.field("payload-digest", self.payload_digest);
        text.field("signing-digest", self.signing_digest).field("bundle", self.bundle);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, TextError> {
        let (cluster, request) = (reader.parse("cluster")?, reader.parse("request")?);
        let (request_digest, key) = (reader.parse("request-digest")?, reader.parse("key")?);
        let epoch = Epoch(reader.parse("epoch")?);
        let (path, network) = (reader.parse("path")?, reader.parse("network")?);
        let action = reader.text("action")?.to_owned();
        let mut effects = Vec::new();
        while let Some(line) = reader.optional("does") {
            effects.push(line.to_owned());
        }
        Ok(Self {
            cluster,
            request,
            request_digest,
            key,
            epoch,
            path,
            network,
            action,
            effects,
            effects_digest: reader.parse("effects-digest")?,
            payload_digest: reader.parse("payload-digest")?,
            signing_digest: reader.parse("signing-digest")?,
            bundle: reader.parse("bundle")?,
        })
    }

    /// The first field in which two differ, with both values.
    pub(super) fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let fields = |subject: &Self| {
            [
                ("cluster", subject.cluster.to_string()),
                ("request", subject.request.to_string()),
                ("request-digest", subject.request_digest.to_string()),
                ("key", subject.key.to_string()),
                ("epoch", subject.epoch.to_string()),
                ("path", subject.path.to_string()),
                ("network", subject.network.to_string()),
                ("action", subject.action.clone()),
                ("effect", subject.effects.join("; ")),
                ("effects-digest", subject.effects_digest.to_string()),
                ("payload-digest", subject.payload_digest.to_string()),
                ("signing-digest", subject.signing_digest.to_string()),
                ("bundle", subject.bundle.to_string()),
            ]
        };
        let both = fields(self).into_iter().zip(fields(other));
        let mut different = both.filter(|((_, given), (_, expected))| given != expected);
        different.next().map(|((field, given), (_, expected))| (field, given, expected))
    }
}
