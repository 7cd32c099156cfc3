//! What a node decides about: a request, what its payload does by this node's own decoding, and what
//! people and risk providers said to it.

use std::collections::{BTreeMap, BTreeSet};

use quorate_intent::{Decoded, PayingKey, Payload, decode};
use quorate_model::{Attempt, Digest, PersonName, ProviderName, QuorumName, Scheme, Timestamp};
use quorate_policy::{Bundle, Rating, SigningSubject, Usage};
use quorate_protocol::CertifiedKey;
use quorate_protocol::ecdsa::SIGNINGS_MAX;
use quorate_trust::{
    ApprovalSubject, Decoding, RISK_VERDICTS_MAX, RiskVerdict, SignRequest, SignedApproval,
    SignedRiskVerdict, TrustRoot, Verdict, VerifiedApproval, VerifiedRequest, VerifiedRiskVerdict,
};

/// Approvals that come with one request, at most: no quorum takes more.
const APPROVALS_MAX: usize = quorate_trust::SIGNATURES_MAX;

/// One request, ready to be decided. It is kept from the reserve phase to the share phase: what is
/// decided again is the very object that was allowed.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) verified: VerifiedRequest,
    pub(crate) decoded: Decoded,
    words: Vec<VerifiedApproval>,
    verdicts: Vec<VerifiedRiskVerdict>,
    /// Approvals and verdicts that do not count, and why.
    ignored: Vec<String>,
}

impl Case {
    pub(crate) fn new(verified: VerifiedRequest, decoded: Decoded) -> Self {
        Self { verified, decoded, words: Vec::new(), verdicts: Vec::new(), ignored: Vec::new() }
    }

    /// Takes in what people said, after verifying it against this node's own decoding. What does not
    /// count is only noted: whoever relays it may have put it there to do harm.
    pub(crate) fn hear(
        &mut self,
        approvals: &[SignedApproval],
        certified: &CertifiedKey,
        root: &TrustRoot,
        bundle: Digest,
    ) {
        if approvals.is_empty() {
            return;
        }
        let subject = match self.approval_subject(certified, bundle) {
            Ok(subject) => subject,
            Err(reason) => return self.ignored.push(reason),
        };
        let expires = self.verified.request().expires;
        for approval in approvals.iter().take(APPROVALS_MAX) {
            let heard = approval.verify(root).and_then(|verified| {
                verified.check_subject(&subject, expires)?;
                Ok(verified)
            });
            match heard {
                Ok(verified) if verified.approval().verdict == Verdict::Approve => {
                    self.words.push(verified);
                }
                Ok(verified) => self
                    .ignored
                    .push(format!("{} rejects: that is said apart", verified.approval().approver)),
                Err(error) => self.ignored.push(error.to_string()),
            }
        }
    }

    /// Takes in what risk providers said, after verifying it with the keys of the bundle and against
    /// this node's own decoding. As with approvals, what does not count is only noted.
    pub(crate) fn consult(&mut self, verdicts: &[SignedRiskVerdict], bundle: &Bundle) {
        let cluster = self.verified.request().cluster;
        let effects = self.decoded.intent.effects_digest();
        for verdict in verdicts.iter().take(RISK_VERDICTS_MAX) {
            let key = bundle.provider_key(&verdict.verdict.provider);
            match verdict.verify(cluster, effects, key) {
                Ok(verified) => self.verdicts.push(verified),
                Err(error) => self.ignored.push(error.to_string()),
            }
        }
    }

    /// What each provider said last. What is from the future is as if it had not been said.
    pub(crate) fn ratings(&self, now: Timestamp, skew_ms: u64) -> BTreeMap<ProviderName, Rating> {
        let said = self.verdicts.iter().filter(|word| word.check_time(now, skew_ms).is_ok());
        let mut said: Vec<_> = said.map(VerifiedRiskVerdict::verdict).collect();
        said.sort_by_key(|verdict| verdict.issued);
        let rating = |RiskVerdict { provider, level, issued, .. }: &RiskVerdict| {
            (provider.clone(), Rating { level: level.clone(), issued: *issued })
        };
        said.into_iter().map(rating).collect()
    }

    /// The verdicts, for the audit log: provider, level, time and the digest of what was said.
    pub(crate) fn rated_by(&self) -> String {
        let words = self.verdicts.iter().map(|word| {
            let RiskVerdict { provider, level, issued, .. } = word.verdict();
            format!("{provider} said {level} at {issued} ({})", word.digest())
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// What an approval of this has to be given to.
    fn approval_subject(
        &self,
        certified: &CertifiedKey,
        bundle: Digest,
    ) -> Result<ApprovalSubject, String> {
        let intent = &self.decoded.intent;
        let decoding = Decoding {
            lines: intent.lines(),
            effects_digest: intent.effects_digest(),
            payload_digest: intent.payload_digest,
        };
        let messages = &self.decoded.signing_messages;
        ApprovalSubject::new(&self.verified, certified.epoch, decoding, messages, bundle)
            .map_err(|error| error.to_string())
    }

    /// Whose approvals count now, each for its quorum. Of several by one person the first counts: a
    /// person counts once.
    pub(crate) fn approvals(&self, now: Timestamp) -> BTreeSet<(QuorumName, PersonName)> {
        let mut counted = BTreeMap::new();
        for word in self.words.iter().filter(|word| word.check_time(now).is_ok()) {
            let approval = word.approval();
            counted.entry(&approval.approver).or_insert(&approval.quorum);
        }
        counted.into_iter().map(|(person, quorum)| (quorum.clone(), person.clone())).collect()
    }

    /// Approvals and verdicts that do not count now, and why.
    pub(crate) fn ignored(&self, now: Timestamp, skew_ms: u64) -> Vec<String> {
        let late = self.words.iter().filter_map(|word| word.check_time(now).err());
        let late = late.map(|error| error.to_string());
        let early = self.verdicts.iter().filter_map(|word| word.check_time(now, skew_ms).err());
        let early = early.map(|error| error.to_string());
        self.ignored.iter().cloned().chain(late).chain(early).collect()
    }

    /// The approvals that count, for the audit log: person, quorum and the digest of the text.
    pub(crate) fn approved_by(&self, now: Timestamp) -> String {
        let counts = self.words.iter().filter(|word| word.check_time(now).is_ok());
        let words = counts.map(|word| {
            let approval = word.approval();
            format!("{} for {} ({})", approval.approver, approval.quorum, word.digest())
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The case as the gate is asked about it.
    pub(crate) fn subject<'a>(
        &'a self,
        certified: &'a CertifiedKey,
        attempt: Attempt,
        given: &'a Given<'a>,
    ) -> SigningSubject<'a> {
        SigningSubject {
            service: &self.verified.request().service,
            request: self.verified.digest(),
            key: &certified.key,
            scheme: certified.scheme,
            raw_ok: certified.raw_ok,
            epoch: certified.epoch,
            attempt,
            intent: &self.decoded.intent,
            approvals: &given.approvals,
            ratings: &given.ratings,
            usage: given.usage,
            now: given.now,
        }
    }
}

/// What changes between one decision about a case and the next.
pub(crate) struct Given<'a> {
    pub(crate) approvals: BTreeSet<(QuorumName, PersonName)>,
    pub(crate) ratings: BTreeMap<ProviderName, Rating>,
    pub(crate) usage: &'a Usage,
    pub(crate) now: Timestamp,
}

/// Decodes a request's payload for the key and the path that it names. The declared action must be that of the
/// intent: a service cannot have something more far-reaching signed under that name. Each effect is
/// decided on by its own kind, whatever the request is called.
pub(crate) fn decode_request(
    certified: &CertifiedKey,
    request: &SignRequest,
) -> Result<Decoded, String> {
    if request.scheme != certified.scheme {
        return Err(format!("key {} has scheme {}", request.key, certified.scheme));
    }
    let payload = Payload::new(request.payload_format, request.payload.clone());
    let child = certified.child(&request.path).map_err(|error| error.to_string())?;
    let key = PayingKey {
        group_verifying_key: &child.verifying_key,
        scheme: certified.scheme,
        network: request.network,
    };
    let decoded = decode(&payload, key).map_err(|error| format!("undecodable: {error}"))?;
    let (needed, most) = (decoded.signing_messages.len(), messages_max(certified));
    if needed > most {
        return Err(format!(
            "the payload needs {needed} signatures, this key makes {most} at once: split it"
        ));
    }
    match decoded.intent.action() {
        Some(action) if action.as_str() == request.action => Ok(decoded),
        Some(other) => Err(format!(
            "action {} was asked for, the payload does {}",
            request.action,
            other.as_str()
        )),
        None => Err("the payload has no effect".to_owned()),
    }
}

/// How many messages of one request a key signs at once: what an ECDSA signer sends has to fit a frame.
fn messages_max(certified: &CertifiedKey) -> usize {
    match certified.scheme {
        Scheme::EcdsaSecp256k1 => SIGNINGS_MAX / (certified.threshold.as_usize() - 1).max(1),
        Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => usize::MAX,
    }
}
