//! `quorate policy replay`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use quorate_api::name::{Parent, parse_sign_request};
use quorate_api::pb::custody::v1::SignRequest as Answer;
use quorate_intent::{Decoded, Payload};
use quorate_model::{Attempt, PersonName, ProviderName, QuorumName, Timestamp};
use quorate_policy::{Bundle, Decision, Gate, Rating, SigningSubject, Usage};
use quorate_trust::{
    Approval, RiskVerdict, SignedApproval, SignedRequest, SignedRiskVerdict, Verdict,
    VerifiedRequest,
};
use serde::Serialize;

use super::load;
use super::outcome::Outcome;
use crate::client::Client;
use crate::commands::{connect, request};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report};
use crate::verified_key::VerifiedKey;

#[derive(Serialize)]
struct ReplayReport {
    /// How many recorded requests were asked of both bundles.
    asked: usize,
    /// Those that could not be, and why.
    skipped: Vec<Skipped>,
    changed: Vec<Changed>,
}

#[derive(Serialize)]
struct Skipped {
    request: String,
    reason: String,
}

#[derive(Serialize)]
struct Changed {
    request: String,
    reference: String,
    before: Outcome,
    after: Outcome,
}

/// A recorded request, verified and decoded here.
struct Recorded {
    verified: VerifiedRequest,
    key: VerifiedKey,
    decoded: Decoded,
    approvals: BTreeSet<(QuorumName, PersonName)>,
    /// As they were kept: whose key they are under is for each bundle to say.
    ratings: BTreeMap<ProviderName, Rating>,
    made: Timestamp,
}

pub(super) async fn run(
    file: &Path,
    old: &Path,
    last: usize,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let (before, after) = (load(old)?, load(file)?);
    let (old_gate, new_gate) = (Gate::new(before.clone()), Gate::new(after.clone()));
    let client = connect(dir).await?;
    let limit = u32::try_from(last).unwrap_or(u32::MAX);
    let listed = request::list(&client, &Parent::Any, None, limit).await?;
    let mut report = ReplayReport { asked: 0, skipped: Vec::new(), changed: Vec::new() };
    for answer in listed {
        let name = answer.name.clone();
        let recorded = match Recorded::open(&client, &answer).await {
            Ok(recorded) => recorded,
            Err(failure) => {
                report.skipped.push(Skipped { request: name, reason: failure.to_string() });
                continue;
            }
        };
        report.asked += 1;
        let (was, is) = (recorded.ask(&old_gate), recorded.ask(&new_gate));
        report.changed.extend(changed(
            name,
            answer.client_reference,
            (&was, &before),
            (&is, &after),
        ));
    }
    output.show(&report)?;
    Ok(Exit::Ok)
}

fn changed(
    request: String,
    reference: String,
    (was, old): (&Decision<Vec<String>>, &Bundle),
    (is, new): (&Decision<Vec<String>>, &Bundle),
) -> Option<Changed> {
    let (before, after) = (Outcome::new(was, old), Outcome::new(is, new));
    let differs = before.outcome != after.outcome;
    differs.then_some(Changed { request, reference, before, after })
}

impl Recorded {
    async fn open(client: &Client, listed: &Answer) -> Result<Self, Failure> {
        let missing = || Failure::new(Exit::Error, "the coordinator did not send what was signed");
        let answer = client.request(&parse_sign_request("name", &listed.name)?).await?;
        let signed = SignedRequest::try_from(answer.signed_request.ok_or_else(missing)?)?;
        let verified = signed.verify(&client.profile().root)?;
        let request = verified.request();
        let key = client.key(&request.key).await?.at(&request.path)?;
        let payload = Payload::new(request.payload_format, request.payload.clone());
        let decoded = quorate_intent::decode(&payload, key.paying(request.network))?;
        let mut approvals = BTreeSet::new();
        for approval in answer.approvals {
            let approval = Approval::parse(&SignedApproval::try_from(approval)?.text)?;
            if approval.verdict == Verdict::Approve {
                approvals.insert((approval.quorum, approval.approver));
            }
        }
        let mut ratings = BTreeMap::new();
        let mut made = Timestamp::from_millis(answer.create_time_ms);
        for verdict in answer.verdicts {
            let RiskVerdict { provider, level, issued, .. } =
                SignedRiskVerdict::try_from(verdict)?.verdict;
            made = made.max(issued);
            ratings.insert(provider, Rating { level, issued });
        }
        Ok(Self { verified, key, decoded, approvals, ratings, made })
    }

    fn ask(&self, gate: &Gate) -> Decision<Vec<String>> {
        let (request, certified) = (self.verified.request(), self.key.certified());
        gate.simulate(&SigningSubject {
            service: &request.service,
            request: self.verified.digest(),
            key: &certified.key,
            scheme: certified.scheme,
            raw_ok: certified.raw_ok,
            epoch: certified.epoch,
            attempt: Attempt::FIRST,
            intent: &self.decoded.intent,
            approvals: &self.approvals,
            ratings: &self.ratings,
            usage: &Usage::new(),
            now: self.made,
        })
    }
}

impl Report for ReplayReport {
    const SCHEMA: &'static str = "quorate.policy-replay/v1";

    fn text(&self, paint: Paint) -> String {
        let Self { asked, skipped, changed } = self;
        let mut text = format!("Of {asked} recorded requests, {} would change.", changed.len());
        for Changed { request, reference, before, after } in changed {
            let reference = super::legible::line(reference);
            text.push_str(&format!("\n  {} ({reference})", paint.strong(request)));
            text.push_str(&format!("\n    old  {}\n    new  {}", before.line(), after.line()));
        }
        for Skipped { request, reason } in skipped {
            text.push_str(&format!(
                "\n{} {request} was not asked: {reason}",
                paint.bad("WARNING:")
            ));
        }
        text
    }
}
