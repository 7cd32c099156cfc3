//! A request as the coordinator has it, with what of it this client could verify.

use quorate_api::pb::custody::v1::{NodeDenial, SignRequest as Answer, SignRequestState};
use quorate_model::Timestamp;
use quorate_protocol::wire::SignedDenial;
use quorate_trust::{Signed, TrustRoot};
use serde::Serialize;

use super::state_name;
use crate::output::{Paint, Report, fields, table};

/// A request and how it stands.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RequestReport {
    pub(crate) name: String,
    pub(crate) key: String,
    /// Which child of the key signs.
    pub(crate) path: String,
    pub(crate) network: String,
    pub(crate) action: String,
    pub(crate) state: &'static str,
    pub(crate) reason: String,
    pub(crate) effects: Vec<String>,
    pub(crate) client_reference: String,
    pub(crate) attempts: u32,
    pub(crate) signers: Vec<u32>,
    pub(crate) signing_messages: Vec<String>,
    pub(crate) signatures: Vec<String>,
    pub(crate) denials: Vec<DenialReport>,
    pub(crate) created: String,
    pub(crate) updated: String,
    pub(crate) expires: String,
}

/// What a node said that denied a request.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DenialReport {
    pub(crate) node: u32,
    pub(crate) reason: String,
    /// Whether that node signed this denial of this request.
    pub(crate) verified: bool,
}

impl RequestReport {
    pub(crate) fn new(answer: &Answer, root: &TrustRoot) -> Self {
        let time = |millis| Timestamp::from_millis(millis).to_string();
        let all = |bytes: &[Vec<u8>]| bytes.iter().map(hex::encode).collect();
        let effects = answer.intent.iter().flat_map(|intent| &intent.effects).map(|effect| {
            let amount = effect.amount.clone().unwrap_or_default();
            format!("{} of {} to {}", amount.base_units, amount.asset, effect.destination)
        });
        Self {
            name: answer.name.clone(),
            key: answer.key.clone(),
            path: answer.path.clone(),
            network: answer.network.clone(),
            action: answer.action.clone(),
            state: state_name(answer.state()),
            reason: answer.reason.clone(),
            effects: effects.collect(),
            client_reference: answer.client_reference.clone(),
            attempts: answer.attempts,
            signers: answer.signers.clone(),
            signing_messages: all(&answer.signing_messages),
            signatures: all(&answer.signatures),
            denials: answer.denials.iter().map(|d| denial(d, &answer.digest, root)).collect(),
            created: time(answer.create_time_ms),
            updated: time(answer.update_time_ms),
            expires: time(answer.expire_time_ms),
        }
    }
}

fn denial(denial: &NodeDenial, request: &[u8], root: &TrustRoot) -> DenialReport {
    let signed = denial.denial.clone().and_then(|d| Signed::<SignedDenial>::try_from(d).ok());
    let authentic = signed.and_then(|signed| signed.verify(root).ok());
    let verified = authentic.is_some_and(|authentic| {
        u32::from(authentic.from().get()) == denial.node
            && authentic.body().reason == denial.reason
            && authentic.body().request.as_bytes() == request
    });
    DenialReport { node: denial.node, reason: denial.reason.clone(), verified }
}

impl Report for RequestReport {
    const SCHEMA: &'static str = "quorate.request/v1";

    fn text(&self, paint: Paint) -> String {
        let mut rows = vec![("request", self.name.clone()), ("state", painted(self.state, paint))];
        rows.push(("key", self.key.clone()));
        rows.push(("path", self.path.clone()));
        rows.push(("network", self.network.clone()));
        rows.extend(self.effects.iter().map(|effect| ("effect", effect.clone())));
        if !self.client_reference.is_empty() {
            rows.push(("reference", self.client_reference.clone()));
        }
        for denial in &self.denials {
            let proof = if denial.verified { "signed by it" } else { "NOT PROVEN" };
            rows.push(("denied", format!("node {} ({proof}): {}", denial.node, denial.reason)));
        }
        if self.denials.is_empty() && !self.reason.is_empty() {
            rows.push(("reason", self.reason.clone()));
        }
        if !self.signers.is_empty() {
            rows.push(("signed by", format!("nodes {}", joined(&self.signers))));
        }
        rows.extend(self.signatures.iter().map(|signature| ("signature", signature.clone())));
        rows.push(("attempts", self.attempts.to_string()));
        rows.push(("created", self.created.clone()));
        rows.push(("updated", self.updated.clone()));
        rows.push(("expires", self.expires.clone()));
        fields(rows)
    }
}

/// A list of requests.
#[derive(Debug, Serialize)]
pub(crate) struct RequestList {
    pub(crate) requests: Vec<RequestReport>,
}

impl Report for RequestList {
    const SCHEMA: &'static str = "quorate.requests/v1";

    fn text(&self, paint: Paint) -> String {
        if self.requests.is_empty() {
            return "no requests".to_owned();
        }
        let rows = self.requests.iter().map(|request| {
            [
                request.name.clone(),
                painted(request.state, paint),
                request.key.trim_start_matches("keys/").to_owned(),
                request.effects.join("; "),
                request.updated.clone(),
            ]
        });
        table(["request", "state", "key", "effects", "updated"], rows)
    }
}

/// One line of `request watch`.
pub(crate) fn line(report: &RequestReport, paint: Paint) -> String {
    let RequestReport { updated, state, name, reason, .. } = report;
    format!("{updated}  {:<17} {name}  {reason}", painted(state, paint)).trim_end().to_owned()
}

/// A state, in its colour.
fn painted(state: &str, paint: Paint) -> String {
    let is = |known: SignRequestState| state_name(known) == state;
    if is(SignRequestState::Signed) {
        paint.good(state)
    } else if [
        SignRequestState::Denied,
        SignRequestState::Rejected,
        SignRequestState::Expired,
        SignRequestState::Failed,
    ]
    .into_iter()
    .any(is)
    {
        paint.bad(state)
    } else {
        state.to_owned()
    }
}

fn joined(ids: &[u32]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use quorate_model::{Digest, Heads, Threshold};
    use quorate_trust::{NodeEntry, SigningKey};
    use rand_core::OsRng;

    use super::*;

    fn root(identity: &SigningKey) -> TrustRoot {
        let label = || "test".parse().unwrap();
        let entry = NodeEntry {
            identity: identity.public_key(),
            tls: Digest::new([1; 32]),
            operator: label(),
            region: label(),
            provider: label(),
            recovery: None,
        };
        TrustRoot {
            lineage: None,
            created: Timestamp::ZERO,
            policy: Digest::new([8; 32]),
            threshold_floor: Threshold::new(2).unwrap(),
            unfreeze_delay_s: 0,
            change_delay_s: 0,
            nodes: [("1".parse().unwrap(), entry)].into(),
            services: BTreeMap::new(),
            persons: BTreeMap::new(),
            quorums: BTreeMap::new(),
        }
    }

    fn answer(signer: &SigningKey, request: Digest, reason: &str) -> Answer {
        let (root, clock) = (Digest::new([0; 32]), Timestamp::ZERO);
        let heads = Heads {
            root,
            bundle: root,
            orders: root,
            life: 1,
            audit: root,
            audit_length: 0,
            clock,
        };
        let body = SignedDenial { request, reason: "no rule".to_owned(), heads };
        let signed = Signed::sign("1".parse().unwrap(), body, signer);
        let denial = NodeDenial { node: 1, reason: reason.to_owned(), denial: Some(signed.into()) };
        let digest = Digest::new([5; 32]).as_bytes().to_vec();
        let state = SignRequestState::Denied.into();
        Answer { denials: vec![denial], digest, state, ..Answer::default() }
    }

    #[test]
    fn a_denial_is_the_nodes_own_or_is_not_proven() {
        let (node, other) = (SigningKey::generate(&mut OsRng), SigningKey::generate(&mut OsRng));
        let (ours, foreign) = (Digest::new([5; 32]), Digest::new([6; 32]));
        for (signer, request, reason, verified) in [
            (&node, ours, "no rule", true),
            (&other, ours, "no rule", false),
            (&node, foreign, "no rule", false),
            (&node, ours, "another reason", false),
        ] {
            let report = RequestReport::new(&answer(signer, request, reason), &root(&node));
            assert_eq!(report.denials[0].verified, verified, "{reason}");
            assert_eq!(report.state, "DENIED");
            assert_eq!(report.text(Paint::PLAIN).contains("NOT PROVEN"), !verified);
        }
    }
}
