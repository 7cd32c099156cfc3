//! `quorate status`: the whole cluster in one table.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use quorate_api::pb::custody::v1::{Cluster, Node};
use quorate_model::{Heads, ParticipantId, Timestamp};
use quorate_trust::TrustRoot;
use serde::Serialize;

use super::connect;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report, table};

/// Offsets that a good clock may seem to have.
const CLOCK_OK_MS: RangeInclusive<i64> = -6_000..=1_000;

#[derive(Serialize)]
struct StatusReport {
    cluster: String,
    coordinator_version: String,
    threshold_floor: u32,
    nodes: Vec<NodeReport>,
}

/// A node, as the coordinator says it is.
#[derive(Serialize)]
struct NodeReport {
    id: u32,
    operator: String,
    region: String,
    provider: String,
    attached: bool,
    ready: bool,
    reasons: Vec<String>,
    active_keys: u64,
    open_sessions: u64,
    root: Option<String>,
    root_version: u64,
    policy: Option<String>,
    policy_version: u64,
    /// The freezes and suspensions in force there.
    stops: Vec<String>,
    /// What waits to come into force there.
    scheduled: Vec<String>,
    audit: Option<String>,
    audit_length: Option<u64>,
    /// The node's clock, less the coordinator's, in milliseconds: up to 6 s too low, since what a
    /// node last said of its clock is older than what it last said.
    clock_offset_ms: Option<i64>,
    version: String,
    last_seen: Option<String>,
}

pub(super) async fn run(dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let client = connect(dir).await?;
    let cluster = client.cluster().await?;
    let report = StatusReport::new(cluster, &client.profile().root);
    output.show(&report)?;
    for warning in report.warnings() {
        output.say(format_args!("warning: {warning}"));
    }
    Ok(Exit::Ok)
}

impl StatusReport {
    fn new(cluster: Cluster, root: &TrustRoot) -> Self {
        Self {
            cluster: hex::encode(&cluster.cluster),
            coordinator_version: cluster.version,
            threshold_floor: cluster.threshold_floor,
            nodes: cluster.nodes.into_iter().map(|node| NodeReport::new(node, root)).collect(),
        }
    }

    /// What keeps nodes from signing together.
    fn warnings(&self) -> Vec<String> {
        let differ = |of: fn(&NodeReport) -> &Option<String>| {
            let mut heads: Vec<_> = self.nodes.iter().filter_map(|node| of(node).clone()).collect();
            heads.sort();
            heads.dedup();
            heads.len() > 1
        };
        let mut warnings = Vec::new();
        if differ(|node| &node.policy) {
            warnings.push("nodes hold different policies: they cannot sign together".to_owned());
        }
        if differ(|node| &node.root) {
            warnings.push("nodes hold different trust roots: they cannot sign together".to_owned());
        }
        let attached = self.nodes.iter().filter(|node| node.attached).count();
        if attached < usize::try_from(self.threshold_floor).unwrap_or(usize::MAX) {
            warnings.push(format!(
                "{attached} nodes are attached, no key is signed with by fewer than {}",
                self.threshold_floor
            ));
        }
        warnings
    }
}

impl NodeReport {
    fn new(node: Node, root: &TrustRoot) -> Self {
        let id = u16::try_from(node.id).ok().and_then(|id| ParticipantId::new(id).ok());
        let entry = id.and_then(|id| root.nodes.get(&id));
        let label = |label: Option<&quorate_trust::Label>| {
            label.map_or_else(|| "not in the root".to_owned(), ToString::to_string)
        };
        let status = node.status.unwrap_or_default();
        let heads = status.heads.and_then(|heads| Heads::try_from(heads).ok());
        let offset = |heads: Heads| {
            let clock = i64::try_from(heads.clock.millis()).unwrap_or(i64::MAX);
            clock.saturating_sub(i64::try_from(node.last_seen_ms).unwrap_or(i64::MAX))
        };
        let seen = (node.last_seen_ms > 0).then(|| Timestamp::from_millis(node.last_seen_ms));
        Self {
            id: node.id,
            operator: label(entry.map(|entry| &entry.operator)),
            region: label(entry.map(|entry| &entry.region)),
            provider: label(entry.map(|entry| &entry.provider)),
            attached: node.attached,
            ready: node.attached && status.ready,
            reasons: status.reasons,
            active_keys: status.active_keys,
            open_sessions: status.open_sessions,
            root: heads.map(|heads| heads.root.to_string()),
            root_version: status.root_version,
            policy: heads.map(|heads| heads.bundle.to_string()),
            policy_version: status.policy_version,
            stops: status.stops,
            scheduled: status.scheduled,
            audit: heads.map(|heads| heads.audit.to_string()),
            audit_length: heads.map(|heads| heads.audit_length),
            clock_offset_ms: heads.map(offset),
            version: status.version,
            last_seen: seen.map(|seen| seen.to_string()),
        }
    }

    /// A clock is shown where it is certainly off.
    fn clock(&self) -> String {
        match self.clock_offset_ms {
            None => "-".to_owned(),
            Some(offset) if CLOCK_OK_MS.contains(&offset) => "ok".to_owned(),
            Some(offset) => format!("{offset:+} ms"),
        }
    }

    fn state(&self, paint: Paint) -> String {
        match (self.attached, self.ready) {
            (false, _) => paint.bad("not attached"),
            (true, true) => paint.good("ready"),
            (true, false) => format!("not ready: {}", self.reasons.join("; ")),
        }
    }
}

impl Report for StatusReport {
    const SCHEMA: &'static str = "quorate.cluster/v1";

    fn text(&self, paint: Paint) -> String {
        let short = |digest: &Option<String>| {
            digest
                .as_ref()
                .map_or_else(|| "-".to_owned(), |digest| digest.chars().take(8).collect())
        };
        let named = |digest, version| match version {
            0 => short(digest),
            version => format!("{version}: {}", short(digest)),
        };
        let rows = self.nodes.iter().map(|node| {
            let audit = node.audit_length.map_or(String::new(), |length| format!(" ({length})"));
            [
                node.id.to_string(),
                node.operator.clone(),
                node.state(paint),
                node.active_keys.to_string(),
                node.open_sessions.to_string(),
                named(&node.root, node.root_version),
                named(&node.policy, node.policy_version),
                short(&node.audit) + &audit,
                node.clock(),
                node.version.clone(),
                node.last_seen.clone().unwrap_or_else(|| "never".to_owned()),
            ]
        });
        let header = [
            "node",
            "operator",
            "state",
            "keys",
            "sessions",
            "root",
            "policy",
            "audit",
            "clock",
            "version",
            "last seen",
        ];
        let nodes = table(header, rows);
        let (cluster, version) = (paint.strong(&self.cluster), &self.coordinator_version);
        let mut text = format!("cluster {cluster}, coordinator {version}\n\n{nodes}");
        for node in &self.nodes {
            for line in node.stops.iter().chain(&node.scheduled) {
                text.push_str(&format!("\nnode {}: {line}", node.id));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u32, attached: bool, policy: &str) -> NodeReport {
        NodeReport {
            id,
            operator: "ops".to_owned(),
            region: "eu".to_owned(),
            provider: "own".to_owned(),
            attached,
            ready: attached,
            reasons: Vec::new(),
            active_keys: 1,
            open_sessions: 0,
            root: Some("aa".to_owned()),
            root_version: 1,
            policy: Some(policy.to_owned()),
            policy_version: 2,
            stops: Vec::new(),
            scheduled: Vec::new(),
            audit: None,
            audit_length: None,
            clock_offset_ms: Some(-3),
            version: "1".to_owned(),
            last_seen: None,
        }
    }

    fn report(nodes: Vec<NodeReport>) -> StatusReport {
        let (cluster, coordinator_version) = ("ab".repeat(32), "1".to_owned());
        StatusReport { cluster, coordinator_version, threshold_floor: 2, nodes }
    }

    #[test]
    fn what_keeps_nodes_from_signing_is_said() {
        let good = report(vec![node(1, true, "p"), node(2, true, "p")]);
        assert!(good.warnings().is_empty());
        let differ = report(vec![node(1, true, "p"), node(2, true, "q")]);
        assert!(differ.warnings()[0].contains("different policies"));
        let lost = report(vec![node(1, true, "p"), node(2, false, "p")]);
        assert!(lost.warnings()[0].contains("1 nodes are attached"));
    }

    #[test]
    fn every_node_has_a_line() {
        let text = report(vec![node(1, true, "p"), node(2, false, "p")]).text(Paint::PLAIN);
        assert!(text.contains("ready") && text.contains("not attached") && text.contains("ok"));
        assert!(text.contains("1: aa") && text.contains("2: p"), "{text}");
    }

    #[test]
    fn what_is_stopped_and_what_waits_is_told() {
        let stops = vec!["cluster is frozen by alice (order-1)".to_owned()];
        let scheduled = vec!["policy version 3 begins tomorrow".to_owned()];
        let nodes = vec![NodeReport { stops, scheduled, ..node(4, true, "p") }];
        let text = report(nodes).text(Paint::PLAIN);
        assert!(text.contains("node 4: cluster is frozen by alice"), "{text}");
        assert!(text.contains("node 4: policy version 3 begins tomorrow"), "{text}");
    }

    #[test]
    fn a_clock_that_is_off_is_shown() {
        let at =
            |offset| NodeReport { clock_offset_ms: Some(offset), ..node(1, true, "p") }.clock();
        assert_eq!((at(-5_900), at(900)), ("ok".to_owned(), "ok".to_owned()));
        assert_eq!((at(-7_000), at(2_000)), ("-7000 ms".to_owned(), "+2000 ms".to_owned()));
    }
}
