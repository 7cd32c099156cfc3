//! Approving a request: everything that is approved is decoded and verified here, whatever the
//! coordinator says about it.

use quorate_api::pb::custody::v1::SignRequest as Answer;
use quorate_intent::{Decoded, Payload};
use quorate_model::{Digest, PersonName, QuorumName, RequestKey, Timestamp};
use quorate_protocol::wire::Deferral;
use quorate_trust::{
    Approval, ApprovalNonce, ApprovalSubject, Decoding, Signed, SignedRequest, TrustRoot, Verdict,
    VerifiedRequest,
};
use rand_core::{OsRng, RngCore as _};

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::verified_key::VerifiedKey;

/// How long before now an approval begins, for nodes whose clocks are behind.
const LEAD_MS: u64 = 30_000;

/// A request that waits for people, as this machine sees it.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) verified: VerifiedRequest,
    pub(crate) decoded: Decoded,
    pub(crate) subject: ApprovalSubject,
    /// What nodes said, each verified.
    pub(crate) deferrals: Vec<Deferral>,
}

impl Waiting {
    /// Fetches a request, verifies it back to its service, decodes it, and compares with what nodes
    /// said.
    pub(crate) async fn open(client: &Client, asked: &RequestKey) -> Result<Self, Failure> {
        let root = &client.profile().root;
        let answer = client.request(asked).await?;
        let verified = verify(&answer, asked, root)?;
        let key = client.key(&verified.request().key).await?;
        Self::new(verified, &key, &answer, root)
    }

    fn new(
        verified: VerifiedRequest,
        key: &VerifiedKey,
        answer: &Answer,
        root: &TrustRoot,
    ) -> Result<Self, Failure> {
        let request = verified.request();
        let key = key.at(&request.path)?;
        let payload = Payload::new(request.payload_format, request.payload.clone());
        let decoded = quorate_intent::decode(&payload, key.paying(request.network))
            .map_err(|error| Failure::from(error).while_trying("the payload is refused"))?;
        let deferrals = deferrals(answer, &verified, root)?;
        let bundle = agreed(&deferrals, decoded.intent.effects_digest())?;
        let decoding = Decoding {
            lines: decoded.intent.lines(),
            effects_digest: decoded.intent.effects_digest(),
            payload_digest: decoded.intent.payload_digest,
        };
        let (epoch, messages) = (key.certified().epoch, &decoded.signing_messages);
        let subject = ApprovalSubject::new(&verified, epoch, decoding, messages, bundle)?;
        Ok(Self { verified, decoded, subject, deferrals })
    }

    /// The quorum that asks for a person, if that is clear.
    pub(crate) fn quorum_for(
        &self,
        person: &PersonName,
        wanted: Option<QuorumName>,
    ) -> Result<QuorumName, Failure> {
        let missing = self.deferrals.iter().flat_map(|deferral| &deferral.missing);
        let asks = missing.filter(|quorum| quorum.members.contains(person));
        let mut quorums: Vec<_> = asks.map(|quorum| quorum.name.clone()).collect();
        quorums.sort();
        quorums.dedup();
        quorums.retain(|quorum| wanted.as_ref().is_none_or(|wanted| wanted == quorum));
        match quorums.as_slice() {
            [quorum] => Ok(quorum.clone()),
            [] => {
                Err(Failure::new(Exit::Error, format!("nobody asks {person} about this request")))
            }
            several => {
                let names: Vec<_> = several.iter().map(ToString::to_string).collect();
                let message = format!("{} ask {person}: a person counts once", names.join(" and "));
                Err(Failure::usage(message).hint("name one with --quorum"))
            }
        }
    }

    /// What the person would sign.
    pub(crate) fn approval(
        &self,
        verdict: Verdict,
        (person, credential): (PersonName, String),
        quorum: QuorumName,
        (now, lasts_ms): (Timestamp, u64),
    ) -> Approval {
        let mut nonce = [0; 16];
        OsRng.fill_bytes(&mut nonce);
        let request_expires = self.verified.request().expires;
        Approval {
            verdict,
            subject: self.subject.clone(),
            quorum,
            approver: person,
            credential,
            nonce: ApprovalNonce(nonce),
            not_before: Timestamp::from_millis(now.millis().saturating_sub(LEAD_MS)),
            expires: now.plus_millis(lasts_ms).min(request_expires),
        }
    }

    /// A few characters to compare with other approvers over another channel: the beginning of the
    /// digest of what the service signed.
    pub(crate) fn phrase(&self) -> String {
        let digest = self.verified.digest().to_string();
        let groups = digest.as_bytes().chunks(4).take(6);
        let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
        groups.join("-")
    }
}

/// The request that was asked for, as its service signed it.
fn verify(
    answer: &Answer,
    asked: &RequestKey,
    root: &TrustRoot,
) -> Result<VerifiedRequest, Failure> {
    let signed = answer.signed_request.clone().ok_or_else(|| {
        Failure::new(Exit::Error, "the coordinator did not send what the service signed")
    })?;
    let verified = SignedRequest::try_from(signed)?.verify(root)?;
    match verified.request().request_key() {
        found if found == *asked => Ok(verified),
        found => {
            let message = format!("the coordinator sent {found}, not {asked}: do not approve");
            Err(Failure::new(Exit::Error, message))
        }
    }
}

/// What nodes said about this very request, each verified.
fn deferrals(
    answer: &Answer,
    verified: &VerifiedRequest,
    root: &TrustRoot,
) -> Result<Vec<Deferral>, Failure> {
    let mut deferrals = Vec::new();
    for deferral in answer.deferrals.clone() {
        let (_, body) = Signed::<Deferral>::try_from(deferral)?.verify(root)?.into_parts();
        if body.request == verified.digest() {
            deferrals.push(body);
        }
    }
    Ok(deferrals)
}

/// The bundle that nodes ask under. Refuses where they decoded something else than this machine did.
fn agreed(deferrals: &[Deferral], effects: Digest) -> Result<Digest, Failure> {
    if deferrals.iter().any(|deferral| deferral.effects != effects) {
        let message =
            "a node decoded something else than this machine: do not approve, and find out";
        return Err(Failure::new(Exit::Error, message));
    }
    let mut bundles: Vec<_> = deferrals.iter().map(|deferral| deferral.heads.bundle).collect();
    bundles.sort();
    bundles.dedup();
    match bundles.as_slice() {
        [bundle] => Ok(*bundle),
        [] => Err(Failure::new(Exit::Error, "no node waits for people on this request")),
        _ => Err(Failure::new(Exit::Error, "nodes ask under different policy bundles")),
    }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
