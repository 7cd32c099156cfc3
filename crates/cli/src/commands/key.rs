//! `quorate key`.

mod address;
mod report;
mod reshare;

use std::path::PathBuf;
use std::time::Duration;

use quorate_api::pb::custody::v1::CeremonyMetadata;
use quorate_api::pb::longrunning::{Operation, operation};
use quorate_model::ParticipantSet;
use quorate_protocol::CertifiedKey;
use quorate_trust::{SharingChange, TrustRoot};
use tokio::time::{Instant, sleep};

use self::report::KeyList;
pub(crate) use self::report::KeyReport;
pub(crate) use self::reshare::reshare;
use super::{connect, trust_root};
use crate::args::{Key, KeyCreate};
use crate::client::Client;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::signing::order;

const POLL: Duration = Duration::from_millis(100);

pub(super) async fn run(
    command: Key,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Key::Create(create) => {
            let client = connect(dir).await?;
            output.show(&self::create(&client, &create, output).await?)?;
            output.say("\nNext: quorate sign, once the policy of the nodes has the key");
        }
        Key::Refresh { keys, all: _, by } => {
            reshare::refresh(&connect(dir).await?, keys, &by, output).await?;
        }
        Key::Reshare { change, threshold, nodes } => {
            let reshared = |present: &CertifiedKey| {
                let threshold = threshold.unwrap_or(present.threshold);
                let roster = match nodes.is_empty() {
                    true => present.roster.clone(),
                    false => ParticipantSet::new(nodes.iter().copied())?,
                };
                Ok(SharingChange::Reshare { threshold, roster })
            };
            reshare::one(&connect(dir).await?, &change, reshared, output).await?;
        }
        Key::Repair { change, node } => {
            let repair = |_: &CertifiedKey| Ok(SharingChange::Repair(node));
            reshare::one(&connect(dir).await?, &change, repair, output).await?;
        }
        Key::List => {
            let keys = connect(dir).await?.keys().await?;
            let keys = keys.iter().map(KeyReport::new).collect::<Result<_, _>>()?;
            output.show(&KeyList { keys })?;
        }
        Key::Show { key } => {
            output.show(&KeyReport::new(&connect(dir).await?.key(&key).await?)?)?;
        }
        Key::Address { key, path, proof } => {
            let key = connect(dir).await?.key(&key).await?.at(&path)?;
            address::show(&key, proof.as_deref(), output)?;
        }
        Key::Verify { file, pinned } => {
            address::verify(&file, &trust_root(&pinned, dir.as_deref())?, output)?;
        }
    }
    Ok(Exit::Ok)
}

/// Orders a key, waits for it, and verifies it.
pub(crate) async fn create(
    client: &Client,
    create: &KeyCreate,
    output: &Output,
) -> Result<KeyReport, Failure> {
    let root = &client.profile().root;
    let officers = order::officers(&create.officer_keys, root)?;
    let action = order::generate_key(
        create.key.clone(),
        create.scheme,
        create.threshold,
        roster(create, root)?,
        (create.raw_ok, create.activation),
        root,
    )?;
    let text = order::propose(&client.profile().root, action, clock::now(), order::AT_ONCE)?;
    output.say(format_args!("The order, as the officers sign it:\n\n{text}"));
    let order = order::sign(text, &officers, root)?;
    let operation = client.generate_key(order).await?;
    wait_for(client, operation, ("generating the key", create.wait), output).await?;
    KeyReport::new(&client.key(&create.key).await?)
}

fn roster(create: &KeyCreate, root: &TrustRoot) -> Result<Option<ParticipantSet>, Failure> {
    if create.nodes.is_empty() {
        return Ok(None);
    }
    if let Some(id) = create.nodes.iter().find(|id| !root.nodes.contains_key(id)) {
        return Err(Failure::usage(format!("the trust root has no node {id}")));
    }
    Ok(Some(ParticipantSet::new(create.nodes.iter().copied())?))
}

/// Waits until an operation is done, at most so long.
async fn wait_for(
    client: &Client,
    mut operation: Operation,
    (what, wait): (&'static str, Duration),
    output: &Output,
) -> Result<(), Failure> {
    let deadline = Instant::now() + wait;
    let progress = output.progress(what);
    while !operation.done {
        let detail = detail(&operation);
        progress.update(format!("{what}: {detail}"));
        if Instant::now() >= deadline {
            let message = format!("not done after {} s: {detail}", wait.as_secs());
            let hint = "the operation goes on; `quorate key show` tells when it is done";
            return Err(Failure::new(Exit::Timeout, message).hint(hint));
        }
        sleep(POLL).await;
        operation = client.operation(&operation.name).await?;
    }
    match operation.result {
        Some(operation::Result::Error(status)) => {
            Err(Failure::new(Exit::Error, status.message).while_trying(what))
        }
        // The key itself is read and verified by whoever waited.
        Some(operation::Result::Response(_)) | None => Ok(()),
    }
}

fn detail(operation: &Operation) -> String {
    let metadata = operation.metadata.as_ref();
    let metadata = metadata.and_then(|any| any.to_msg::<CeremonyMetadata>().ok());
    metadata.map(|metadata| metadata.detail).unwrap_or_default()
}
