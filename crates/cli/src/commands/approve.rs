//! `quorate approve`, `reject` and `pending`: what a person says to a request.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use quorate_api::name::Parent;
use quorate_api::pb::custody::v1::{SignRequest as Answer, SignRequestState};
use quorate_api::pb::statement::v1::SignedDeferral;
use quorate_model::PersonName;
use quorate_trust::{Approval, Credential, Namespace, SignedApproval, SigningKey, Verdict};

use super::connect;
use super::request::{list, named};
use crate::args::Approve;
use crate::client::Client;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::Output;
use crate::profile::Who;
use crate::setup::join::{read_key, read_ssh_key};
use crate::signing::approval::Waiting;
use crate::signing::order::person_of;
use crate::signing::report::{RequestList, RequestReport};
use crate::signing::{exit_of, signature};

/// What signs.
enum Pen {
    File(SigningKey),
    /// A public key: `ssh-keygen` finds the private one, in a file, an agent or a security key.
    Ssh(PathBuf),
}

pub(super) async fn approve(
    command: Approve,
    verdict: Verdict,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let client = connect(dir.clone()).await?;
    let key = named(client.profile(), &command.request)?;
    let waiting = Waiting::open(&client, &key).await?;
    let (pen, person, credential) = pen(&command, &client, dir.as_deref())?;
    let quorum = waiting.quorum_for(&person, command.quorum.clone())?;
    let time = (clock::now(), clock::millis(command.expires));
    let approval = waiting.approval(verdict, (person, credential), quorum, time);
    show(&waiting, &approval, output);
    if !command.yes && !confirmed(verdict, output)? {
        return Err(Failure::new(Exit::Error, "not signed"));
    }
    let signed = sign(&pen, &approval, &client)?;
    signed.verify(&client.profile().root)?;
    let answer = client.submit_approval(signed).await?;
    output.show(&RequestReport::new(&answer, &client.profile().root))?;
    Ok(match (verdict, exit_of(answer.state())) {
        (Verdict::Reject, Exit::Denied) | (Verdict::Approve, Exit::Pending | Exit::Timeout) => {
            Exit::Ok
        }
        (_, exit) => exit,
    })
}

pub(super) async fn pending(dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let client = connect(dir).await?;
    let state = Some(SignRequestState::PendingApproval);
    let mut requests = list(&client, &Parent::Any, state, u32::MAX).await?;
    requests.retain(waits_for_people);
    let report = |answer| RequestReport::new(answer, &client.profile().root);
    output.show(&RequestList { requests: requests.iter().map(report).collect() })?;
    if !requests.is_empty() {
        output.say("\nNext: quorate approve REQUEST, or quorate reject REQUEST");
    }
    Ok(Exit::Ok)
}

/// Whether people can do anything about it: not where every node waits for a risk provider alone.
fn waits_for_people(answer: &Answer) -> bool {
    let of_provider = |deferral: &SignedDeferral| {
        let said = deferral.body.as_ref();
        said.is_some_and(|said| said.missing.is_empty() && !said.verdicts.is_empty())
    };
    answer.deferrals.is_empty() || !answer.deferrals.iter().all(of_provider)
}

/// What signs, for whom, with which credential.
fn pen(
    command: &Approve,
    client: &Client,
    dir: Option<&Path>,
) -> Result<(Pen, PersonName, String), Failure> {
    let root = &client.profile().root;
    if let Some(path) = &command.ssh_key {
        let credential = read_ssh_key(path)?;
        let mut persons = root.persons.iter();
        let person = persons.find(|(_, entry)| entry.credentials.contains(&credential));
        let (person, _) = person.ok_or_else(|| nobody(path))?;
        return Ok((Pen::Ssh(path.clone()), person.clone(), credential.fingerprint()));
    }
    let path = match (&command.key, &client.profile().who) {
        (Some(path), _) => path.clone(),
        (None, Who::Person(_)) => dir.unwrap_or(Path::new(".")).join("person.pem"),
        (None, Who::Service { .. }) => {
            let message = "a service approves nothing: name a person's key with --key or --ssh-key";
            return Err(Failure::usage(message));
        }
    };
    let key = read_key(&path)?;
    let person = person_of(&key, root).ok_or_else(|| nobody(&path))?;
    let credential = Credential::from(key.public_key()).fingerprint();
    Ok((Pen::File(key), person, credential))
}

fn nobody(path: &Path) -> Failure {
    let message = format!("{}: the trust root names nobody with this key", path.display());
    Failure::new(Exit::Error, message)
}

fn show(waiting: &Waiting, approval: &Approval, output: &Output) {
    let intent = &waiting.decoded.intent;
    output.say("Decoded on this machine:\n");
    for line in intent.lines() {
        output.say(format_args!("  {line}"));
    }
    output.say(format_args!("  valid {}", intent.validity));
    for deferral in &waiting.deferrals {
        output.say(format_args!("\nA node says: {}", deferral.reason));
    }
    output.say(format_args!("\nYou sign:\n\n{}", approval.render()));
    output.say(format_args!("Compare with the others: {}", waiting.phrase()));
}

/// Asks the person, on a terminal.
fn confirmed(verdict: Verdict, output: &Output) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        let message = format!("nobody to ask whether to {verdict}: stdin is no terminal");
        return Err(Failure::usage(message).hint("add --yes once you have read what is signed"));
    }
    output.say(format_args!("\nType {verdict} to sign:"));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == verdict.to_string())
}

fn sign(pen: &Pen, approval: &Approval, client: &Client) -> Result<SignedApproval, Failure> {
    match pen {
        Pen::File(key) => Ok(SignedApproval::sign(approval, key)),
        Pen::Ssh(path) => sign_with_ssh_keygen(path, approval, client),
    }
}

/// Has `ssh-keygen` sign: it asks the agent, or the person to touch the security key.
fn sign_with_ssh_keygen(
    key: &Path,
    approval: &Approval,
    client: &Client,
) -> Result<SignedApproval, Failure> {
    let text = approval.render();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("approval.txt");
    files::create(&file, &text)?;
    let namespace = Namespace::Approval;
    // The agent or the private file beside the public one: ssh-keygen takes either by this name.
    let private = key.with_extension("");
    let key = if private.exists() { private.as_path() } else { key };
    let signed = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", namespace.as_str(), "-f"])
        .args([key, &file])
        .status()
        .map_err(|error| Failure::new(Exit::Error, format!("ssh-keygen: {error}")))?;
    if !signed.success() {
        return Err(Failure::new(Exit::Error, "ssh-keygen did not sign"));
    }
    let path = folder.path().join("approval.txt.sig");
    let signature = signature::read(&path, &text, namespace, &client.profile().root)?;
    Ok(SignedApproval { text, signature })
}
