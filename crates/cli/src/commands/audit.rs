//! `quorate audit`.

mod export;
mod logs;
mod report;
mod trace;

use std::path::{Path, PathBuf};

use quorate_audit::EventKind;
use quorate_model::ParticipantId;
use quorate_trust::TrustRoot;

use self::logs::{NodeLog, read, read_all};
use self::report::{EntryReport, LogReport, ShowReport, TraceReport, VerifyReport};
use self::trace::{Sought, trace};
use super::trust_root;
use crate::args::Audit;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) async fn run(
    command: Audit,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Audit::Export { admin_socket, out } => export::run(&admin_socket, &out, output).await,
        Audit::Verify { file, node, pinned } => {
            verify(&file, node, &trust_root(&pinned, dir.as_deref())?, output)
        }
        Audit::Trace { subject, files, pinned } => {
            follow(&subject, &files, &trust_root(&pinned, dir.as_deref())?, output)
        }
        Audit::Show { file, kind, last, pinned } => {
            let log = read(&file, None, &trust_root(&pinned, dir.as_deref())?)?;
            show(&log, kind, last, output)
        }
    }
}

fn verify(
    file: &Path,
    node: ParticipantId,
    root: &TrustRoot,
    output: &Output,
) -> Result<Exit, Failure> {
    output.show(&VerifyReport::of(&read(file, Some(node), root)?))?;
    Ok(Exit::Ok)
}

fn follow(
    subject: &str,
    files: &[PathBuf],
    root: &TrustRoot,
    output: &Output,
) -> Result<Exit, Failure> {
    let sought: Sought = subject.parse()?;
    let logs = read_all(files, root)?;
    let entries = trace(&sought, &logs);
    if entries.is_empty() {
        output.say(format_args!("no entry of these logs is about {subject}"));
    }
    output.show(&TraceReport {
        subject: subject.to_owned(),
        logs: logs.iter().map(LogReport::of).collect(),
        entries: entries.into_iter().map(|(node, entry)| EntryReport::of(node, entry)).collect(),
    })?;
    Ok(Exit::Ok)
}

fn show(
    log: &NodeLog,
    kind: Option<EventKind>,
    last: Option<usize>,
    output: &Output,
) -> Result<Exit, Failure> {
    let entries = log.verified.entries().iter();
    let wanted = entries.filter(|entry| kind.is_none_or(|kind| entry.event.kind == kind));
    let wanted: Vec<_> = wanted.map(|entry| EntryReport::of(log.node, entry)).collect();
    let older = last.map_or(0, |last| wanted.len().saturating_sub(last));
    let entries = wanted.into_iter().skip(older).collect();
    output.show(&ShowReport { log: LogReport::of(log), entries })?;
    Ok(Exit::Ok)
}
