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
use crate::args::{Audit, Pinned};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::profile::{self, Profile};

pub(super) async fn run(
    command: Audit,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Audit::Export { admin_socket, out } => export::run(&admin_socket, &out, output).await,
        Audit::Verify { file, node, pinned } => {
            verify(&file, node, &root(pinned, dir.as_deref())?, output)
        }
        Audit::Trace { subject, files, pinned } => {
            follow(&subject, &files, &root(pinned, dir.as_deref())?, output)
        }
        Audit::Show { file, kind, last, pinned } => {
            let log = read(&file, None, &root(pinned, dir.as_deref())?)?;
            show(&log, kind, last, output)
        }
    }
}

/// The trust root that was named, or the profile's. Either way its hash was pinned.
fn root(pinned: Pinned, dir: Option<&Path>) -> Result<TrustRoot, Failure> {
    match (pinned.root, pinned.cluster) {
        (Some(root), Some(cluster)) => Ok(profile::pinned_root(&root, cluster)?),
        (None, None) => Ok(Profile::load(dir)?.root),
        (Some(_), None) | (None, Some(_)) => {
            Err(Failure::usage("--root and --cluster are named together"))
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
