//! `quorate join`: a member's keys, and what comes back for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quorate_model::Digest;
use quorate_trust::{Credential, PersonEntry, TrustRoot, UserVerification};
use serde::Serialize;

use super::{purpose, required};
use crate::args::{Join, Person};
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::{Output, Paint, Report, fields};
use crate::setup::join::{join, read_ssh_key};
use crate::setup::member::{JoinRequest, Member, Standing};
use crate::setup::{JOIN_FILE, Purpose, accept};

#[derive(Serialize)]
struct JoinReport {
    role: String,
    key: Option<String>,
    tls_key: String,
    file: PathBuf,
}

impl Report for JoinReport {
    const SCHEMA: &'static str = "quorate.join/v1";

    fn text(&self, _paint: Paint) -> String {
        let mut rows = vec![("role", self.role.clone())];
        rows.extend(self.key.clone().map(|key| ("public key", key)));
        rows.push(("TLS key", self.tls_key.clone()));
        rows.push(("join file", self.file.display().to_string()));
        fields(rows)
    }
}

#[derive(Serialize)]
struct AcceptReport {
    role: String,
    cluster: String,
    /// Hash of the policy bundle that the cluster begins with.
    policy: String,
    /// The fingerprints of everybody's credentials, to compare.
    people: BTreeMap<String, Vec<String>>,
    config: PathBuf,
}

impl Report for AcceptReport {
    const SCHEMA: &'static str = "quorate.accept/v1";

    fn text(&self, _paint: Paint) -> String {
        let mut rows = vec![
            ("role", self.role.clone()),
            ("cluster", self.cluster.clone()),
            ("policy", self.policy.clone()),
            ("config", self.config.display().to_string()),
        ];
        let people = self.people.iter();
        rows.extend(people.map(|(name, credentials)| (name.as_str(), credentials.join(", "))));
        fields(rows)
    }
}

pub(super) fn run(command: Join, dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let dir = required(dir)?;
    let mut ssh_key = None;
    let member = match command {
        Join::Accept { welcome, cluster, dev } => {
            return accept(&dir, &welcome, cluster, purpose(dev), output);
        }
        Join::Node { id, operator, region, provider } => {
            Member::Node { id, operator, region, provider }
        }
        Join::Coordinator { name, address } => {
            Member::Coordinator { name, address: address.parse()? }
        }
        Join::Service { name, owners } => Member::Service { name, owners },
        Join::Officer(person) => self::person(true, person, &mut ssh_key)?,
        Join::Approver(person) => self::person(false, person, &mut ssh_key)?,
    };
    let request = join(&dir, member, ssh_key)?;
    let JoinRequest { member, key, tls, .. } = &request;
    let file = dir.join(JOIN_FILE);
    output.show(&JoinReport {
        role: member.role().to_string(),
        key: key.as_ref().map(ToString::to_string),
        tls_key: tls.to_string(),
        file: file.clone(),
    })?;
    output.say(format_args!(
        "\nThe private keys are in {} and stay there.\n\
         Next: hand in {} for `quorate init`, then accept what comes back:\n  \
         quorate join accept --dir {} --welcome FILE --cluster HASH",
        dir.display(),
        file.display(),
        dir.display()
    ));
    Ok(Exit::Ok)
}

fn person(
    officer: bool,
    person: Person,
    ssh_key: &mut Option<Credential>,
) -> Result<Member, Failure> {
    let Person { name, ssh_key: path, require_user_verification, recovery } = person;
    *ssh_key = path.as_deref().map(read_ssh_key).transpose()?;
    let user_verification = if require_user_verification {
        UserVerification::Required
    } else {
        UserVerification::NotRequired
    };
    Ok(Member::Person { name, standing: Standing { officer, user_verification, recovery } })
}

/// Everybody's credentials, as people compare them.
fn people(root: &TrustRoot) -> BTreeMap<String, Vec<String>> {
    let fingerprints = |person: &PersonEntry| {
        let role = if person.officer { "officer" } else { "approver" };
        let credentials = person.credentials.iter();
        credentials.map(|credential| format!("{} ({role})", credential.fingerprint())).collect()
    };
    let persons = root.persons.iter();
    persons.map(|(name, person)| (name.to_string(), fingerprints(person))).collect()
}

fn accept(
    dir: &Path,
    welcome: &Path,
    cluster: Digest,
    purpose: Purpose,
    output: &Output,
) -> Result<Exit, Failure> {
    let accepted = accept::accept(dir, &files::read(welcome)?, cluster, purpose)?;
    let config = accept::configure(dir, &accepted, &[])?;
    output.show(&AcceptReport {
        role: accepted.member.role().to_string(),
        cluster: accepted.cluster.to_string(),
        policy: accepted.root.policy.to_string(),
        people: people(&accepted.root),
        config: config.clone(),
    })?;
    output.say(
        "\nCompare the fingerprints with the people themselves, over another channel than the file \
         came by.",
    );
    let next = match accepted.member {
        Member::Node { .. } => format!("quorate node --config {}", config.display()),
        Member::Coordinator { .. } => format!("quorate coordinator --config {}", config.display()),
        Member::Service { .. } | Member::Person { .. } => {
            format!("quorate status --dir {}", dir.display())
        }
    };
    output.say(format_args!("\nNext: {next}"));
    Ok(Exit::Ok)
}
