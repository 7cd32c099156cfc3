//! `quorate doctor`: what is wrong with a cluster, or will be, and what to do about it.

mod fleet;
mod keys;
mod root;

use std::path::PathBuf;

use serde::Serialize;

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report};
use crate::profile::Profile;

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    /// It works, and one more mishap may end that.
    Warn,
    /// Something does not work, or somebody can do alone what should take several.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    level: Level,
    /// What was looked at.
    what: String,
    /// What was found.
    found: String,
    /// What to do about it.
    fix: Option<String>,
}

impl Finding {
    fn ok(what: &str, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, what: what.to_owned(), found: found.into(), fix: None }
    }

    fn bad(level: Level, what: &str, found: impl Into<String>, fix: &str) -> Self {
        let fix = Some(fix.to_owned());
        Self { level, what: what.to_owned(), found: found.into(), fix }
    }
}

#[derive(Serialize)]
struct DoctorReport {
    findings: Vec<Finding>,
}

/// Looks at everything that can be seen from here.
pub(super) async fn run(dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let profile = Profile::load(dir.as_deref())?;
    let mut findings = root::look(&profile.root);
    match look(profile).await {
        Ok(found) => findings.extend(found),
        Err(failure) => findings.push(Finding::bad(
            Level::Fail,
            "coordinator",
            failure.message(),
            "start it, or check its address in client.toml; nothing behind it was looked at",
        )),
    }
    let worst = findings.iter().map(|finding| finding.level).max();
    output.show(&DoctorReport { findings })?;
    Ok(if worst == Some(Level::Fail) { Exit::Error } else { Exit::Ok })
}

/// What a coordinator tells. Keys are verified here; how nodes are is their word, as it was relayed.
async fn look(profile: Profile) -> Result<Vec<Finding>, Failure> {
    let client = Client::connect(profile).await?;
    let (cluster, keys) = (client.cluster().await?, client.keys().await?);
    let root = &client.profile().root;
    let of_keys = keys.iter().flat_map(|key| keys::look(key, &cluster, root));
    Ok(fleet::look(&cluster, root).into_iter().chain(of_keys).collect())
}

impl Report for DoctorReport {
    const SCHEMA: &'static str = "quorate.doctor/v1";

    fn text(&self, paint: Paint) -> String {
        let mut lines = Vec::new();
        for Finding { level, what, found, fix } in &self.findings {
            let mark = match level {
                Level::Ok => "ok  ".to_owned(),
                Level::Warn => paint.strong("warn"),
                Level::Fail => paint.strong("FAIL"),
            };
            lines.push(format!("{mark}  {what}: {found}"));
            lines.extend(fix.iter().map(|fix| format!("      {fix}")));
        }
        let count = |level| self.findings.iter().filter(|finding| finding.level == level).count();
        let (failed, warned) = (count(Level::Fail), count(Level::Warn));
        lines.push(format!("\n{failed} to mend, {warned} to know"));
        lines.join("\n")
    }
}
