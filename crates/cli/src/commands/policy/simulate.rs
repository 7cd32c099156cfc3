//! `quorate policy simulate`.

use std::path::PathBuf;

use quorate_api::pb::custody::v1::NodeDecision;
use serde::Serialize;

use super::super::{connect, sign};
use crate::args::Transaction;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report, fields, table};
use crate::signing::intent::IntentReport;

#[derive(Serialize)]
struct SimulationReport {
    key: String,
    threshold: u16,
    allowed: bool,
    intent: IntentReport,
    decisions: Vec<DecisionReport>,
}

#[derive(Serialize)]
struct DecisionReport {
    node: u32,
    answered: bool,
    allowed: bool,
    rules: Vec<String>,
    reason: String,
}

pub(super) async fn run(
    args: Transaction,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let client = connect(dir).await?;
    let (transaction, envelope) = sign::prepare(&client, &args).await?;
    let request = transaction.request(client.profile(), &envelope)?;
    let verdicts = sign::said(&client, &args, &transaction)?;
    let decisions = client.simulate(request, verdicts).await?;
    let threshold = transaction.key.certified().threshold;
    let report = SimulationReport {
        key: transaction.key_id().to_string(),
        threshold: threshold.get(),
        allowed: decisions.iter().filter(|node| node.allowed).count() >= threshold.as_usize(),
        intent: IntentReport::new(&transaction.decoded.intent),
        decisions: decisions.into_iter().map(DecisionReport::new).collect(),
    };
    output.show(&report)?;
    Ok(report.exit())
}

impl SimulationReport {
    /// Denied only where nodes denied: those that did not answer said nothing.
    fn exit(&self) -> Exit {
        let denied = self.decisions.iter().any(|node| node.answered && !node.allowed);
        match (self.allowed, denied) {
            (true, _) => Exit::Ok,
            (false, true) => Exit::Denied,
            (false, false) => Exit::Unavailable,
        }
    }
}

impl DecisionReport {
    fn new(decision: NodeDecision) -> Self {
        let NodeDecision { node, allowed, rules, reason, answered } = decision;
        Self { node, answered, allowed, rules, reason }
    }
}

impl Report for SimulationReport {
    const SCHEMA: &'static str = "quorate.simulation/v1";

    fn text(&self, paint: Paint) -> String {
        let mut rows = vec![("key", self.key.clone())];
        rows.extend(self.intent.fields());
        let rows = fields(rows);
        let decisions = self.decisions.iter().map(|decision| {
            let says = match (decision.answered, decision.allowed) {
                (true, true) => paint.good("ALLOW"),
                (true, false) => paint.bad("DENY"),
                (false, _) => "no answer".to_owned(),
            };
            let why =
                if decision.allowed { decision.rules.join(", ") } else { decision.reason.clone() };
            [decision.node.to_string(), says, why]
        });
        let decisions = table(["node", "says", "because"], decisions);
        let needed = self.threshold;
        format!("{rows}\n\n{decisions}\n\n{needed} nodes that allow it are needed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_denial_is_a_denial() {
        let report = |allowed, decisions: &[(bool, bool)]| SimulationReport {
            key: "btc".to_owned(),
            threshold: 2,
            allowed,
            intent: IntentReport {
                network: String::new(),
                from: String::new(),
                effects: Vec::new(),
                fee: Default::default(),
                change: Vec::new(),
                account_nonce: None,
                validity: String::new(),
                payload_digest: String::new(),
                effects_digest: String::new(),
            },
            decisions: decisions
                .iter()
                .map(|(answered, allowed)| DecisionReport {
                    node: 1,
                    answered: *answered,
                    allowed: *allowed,
                    rules: Vec::new(),
                    reason: String::new(),
                })
                .collect(),
        };
        assert_eq!(report(true, &[(true, true), (true, true), (true, false)]).exit(), Exit::Ok);
        assert_eq!(report(false, &[(true, true), (true, false)]).exit(), Exit::Denied);
        assert_eq!(report(false, &[(true, true), (false, false)]).exit(), Exit::Unavailable);
    }
}
