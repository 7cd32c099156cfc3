//! `quorate key refresh`, `reshare` and `repair`.

use std::time::Duration;

use quorate_api::pb::longrunning::Operation;
use quorate_model::{KeyId, KeyState};
use quorate_protocol::CertifiedKey;
use quorate_trust::{OrderAction, ReshareKey, SharingChange};

use super::report::{KeyList, KeyReport};
use super::wait_for;
use crate::args::{KeyChange, OrderedBy};
use crate::client::Client;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::signing::order;
use crate::verified_key::VerifiedKey;

/// How long an order may wait for its turn, where there are many.
const FOR_MANY: Duration = Duration::from_secs(24 * 3600);
/// What is said of every new sharing.
const SAME: &str = "\nThe addresses are the same. Nodes that switched have erased their old shares";

/// A new sharing that was ordered.
struct Begun {
    before: VerifiedKey,
    operation: Operation,
}

/// Has one key get other shares, and shows it.
pub(super) async fn one(
    client: &Client,
    change: &KeyChange,
    what: impl FnOnce(&CertifiedKey) -> Result<SharingChange, Failure>,
    output: &Output,
) -> Result<(), Failure> {
    output.show(&reshare(client, change, what, output).await?)?;
    output.say(SAME);
    Ok(())
}

/// Has keys get new shares, all that have some where none is named, and shows them.
pub(super) async fn refresh(
    client: &Client,
    keys: Vec<KeyId>,
    by: &OrderedBy,
    output: &Output,
) -> Result<(), Failure> {
    if let [key] = &keys[..] {
        let change = KeyChange { key: key.clone(), by: by.clone() };
        return one(client, &change, |_| Ok(SharingChange::Refresh), output).await;
    }
    let all = client.keys().await?;
    let has_shares =
        |key: &&VerifiedKey| key.state() != KeyState::Destroyed && !key.confirmations().is_empty();
    let known = |key: &KeyId| all.iter().find(|known| known.certified().key == *key).cloned();
    let chosen: Vec<_> = if keys.is_empty() {
        all.iter().filter(has_shares).cloned().collect()
    } else {
        let missing = |key: &KeyId| Failure::new(Exit::Error, format!("there is no key {key}"));
        keys.iter().map(|key| known(key).ok_or_else(|| missing(key))).collect::<Result<_, _>>()?
    };
    let mut begun = Vec::new();
    for key in chosen {
        begun.push(begin(client, key, SharingChange::Refresh, (by, FOR_MANY), output).await?);
    }
    let mut keys = Vec::new();
    for begun in begun {
        keys.push(finish(client, begun, by.wait, output).await?);
    }
    output.show(&KeyList { keys })?;
    output.say(SAME);
    Ok(())
}

/// Orders a new sharing of a key, waits for it, and verifies that it is of the same key.
pub(crate) async fn reshare(
    client: &Client,
    change: &KeyChange,
    what: impl FnOnce(&CertifiedKey) -> Result<SharingChange, Failure>,
    output: &Output,
) -> Result<KeyReport, Failure> {
    let before = client.key(&change.key).await?;
    let what = what(before.certified())?;
    let begun = begin(client, before, what, (&change.by, order::AT_ONCE), output).await?;
    finish(client, begun, change.by.wait, output).await
}

/// Orders a new sharing.
async fn begin(
    client: &Client,
    before: VerifiedKey,
    change: SharingChange,
    (by, lifetime): (&OrderedBy, Duration),
    output: &Output,
) -> Result<Begun, Failure> {
    let root = &client.profile().root;
    let officers = order::officers(&by.officer_keys, root)?;
    let present = before.certified();
    let action = OrderAction::ReshareKey(ReshareKey {
        key: present.key.clone(),
        public_key: present.group_verifying_key.clone(),
        predecessor: present.digest(),
        epoch: before.next_epoch(),
        change,
    });
    let text = order::propose(root, action, clock::now(), lifetime)?;
    output.say(format_args!("The order, as the officers sign it:\n\n{text}"));
    let order = order::sign(text, &officers, root)?;
    let operation = client.reshare_key(order).await?;
    Ok(Begun { before, operation })
}

/// Waits for it, and verifies that it is of the same key.
async fn finish(
    client: &Client,
    Begun { before, operation }: Begun,
    wait: Duration,
    output: &Output,
) -> Result<KeyReport, Failure> {
    wait_for(client, operation, ("making new shares", wait), output).await?;
    let after = client.key(&before.certified().key).await?;
    let (old, new) = (before.certified(), after.certified());
    if !old.is_same_key(new) || old.epoch >= new.epoch {
        let message =
            format!("what the coordinator shows of key {} is no new sharing of it", old.key);
        return Err(Failure::new(Exit::Error, message).hint("freeze the cluster, and find out"));
    }
    KeyReport::new(&after)
}
