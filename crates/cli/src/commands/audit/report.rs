//! What `quorate audit` prints.

use std::path::PathBuf;

use quorate_audit::Entry;
use quorate_model::{Digest, ParticipantId};
use serde::Serialize;

use super::logs::NodeLog;
use crate::output::{Paint, Report, fields, table};

/// A log that was verified.
#[derive(Serialize)]
pub(super) struct LogReport {
    file: PathBuf,
    cluster: String,
    node: u16,
    /// How many entries it has.
    length: u64,
    head: String,
    /// Times of the first and the last entry.
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize)]
pub(super) struct EntryReport {
    node: u16,
    index: u64,
    time: String,
    kind: &'static str,
    /// Names and values; a name may stand there several times.
    facts: Vec<(String, String)>,
}

#[derive(Serialize)]
pub(super) struct VerifyReport {
    verified: bool,
    #[serde(flatten)]
    log: LogReport,
}

#[derive(Serialize)]
pub(super) struct TraceReport {
    pub(super) subject: String,
    pub(super) logs: Vec<LogReport>,
    pub(super) entries: Vec<EntryReport>,
}

#[derive(Serialize)]
pub(super) struct ShowReport {
    #[serde(flatten)]
    pub(super) log: LogReport,
    pub(super) entries: Vec<EntryReport>,
}

impl LogReport {
    pub(super) fn of(log: &NodeLog) -> Self {
        let entries = log.verified.entries();
        let time = |entry: &Entry| entry.time.to_string();
        Self {
            file: log.file.clone(),
            cluster: log.cluster.to_string(),
            node: log.node.get(),
            length: log.verified.length(),
            head: log.verified.head().to_string(),
            first: entries.first().map(time),
            last: entries.last().map(time),
        }
    }
}

impl EntryReport {
    pub(super) fn of(node: ParticipantId, entry: &Entry) -> Self {
        Self {
            node: node.get(),
            index: entry.index,
            time: entry.time.to_string(),
            kind: entry.event.kind.as_str(),
            facts: entry.event.facts.clone(),
        }
    }
}

impl VerifyReport {
    pub(super) fn of(log: &NodeLog) -> Self {
        Self { verified: true, log: LogReport::of(log) }
    }
}

impl Report for VerifyReport {
    const SCHEMA: &'static str = "quorate.audit-verified/v1";

    fn text(&self, paint: Paint) -> String {
        let LogReport { file, cluster, node, length, head, first, last } = &self.log;
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
        let table = fields([
            ("log", format!("node {node} of cluster {cluster}")),
            ("length", format!("{length} entries")),
            ("head", head.clone()),
            ("first", time(first)),
            ("last", time(last)),
        ]);
        format!("{}: {}\n{table}", file.display(), paint.good("ok"))
    }
}

impl Report for TraceReport {
    const SCHEMA: &'static str = "quorate.audit-trace/v1";

    fn text(&self, _paint: Paint) -> String {
        let log = |log: &LogReport| {
            let LogReport { file, node, length, head, .. } = log;
            format!("node {node}: {length} entries, head {head}, {}\n", file.display())
        };
        let logs: String = self.logs.iter().map(log).collect();
        format!("{logs}\n{}", rows(&self.entries))
    }
}

impl Report for ShowReport {
    const SCHEMA: &'static str = "quorate.audit-log/v1";

    fn text(&self, _paint: Paint) -> String {
        rows(&self.entries)
    }
}

fn rows(entries: &[EntryReport]) -> String {
    let row = |entry: &EntryReport| {
        let EntryReport { node, index, time, kind, facts } = entry;
        let facts: Vec<_> =
            facts.iter().map(|(name, value)| format!("{name}={}", harmless(value))).collect();
        [time.clone(), node.to_string(), index.to_string(), (*kind).to_owned(), facts.join(" ")]
    };
    table(["time", "node", "entry", "kind", "facts"], entries.iter().map(row))
}

/// A value as one word of a line. It may quote what a stranger sent: a terminal must not obey it, and
/// it must not pass for another fact. Of a digest, a reader of lines needs the beginning; programs have
/// all of it in the JSON.
fn harmless(value: &str) -> String {
    if let Ok(digest) = value.parse::<Digest>() {
        return format!("{}\u{2026}", digest.short());
    }
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let escaped = value.chars().map(|c| match c {
        ' ' => c.to_string(),
        _ => c.escape_default().to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_neither_breaks_its_line_nor_passes_for_a_fact() {
        assert_eq!(harmless("payments/6a7c-1"), "payments/6a7c-1");
        assert_eq!(harmless(""), "\"\"");
        assert_eq!(harmless("1 key=btc"), "\"1 key=btc\"");
        assert_eq!(harmless("a\" b\\\u{1b}[2J\n"), r#""a\" b\\\u{1b}[2J\n""#);
        assert_eq!(harmless("\u{202e}x"), r#""\u{202e}x""#);
        assert_eq!(harmless(&"ab".repeat(32)), "abababab\u{2026}");
    }
}
