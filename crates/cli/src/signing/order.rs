//! Orders about keys, and the officers who sign them.

use std::path::PathBuf;
use std::time::Duration;

use quorate_model::{
    Activation, KeyId, OrderId, ParticipantSet, PersonName, Scheme, Threshold, Timestamp,
};
use quorate_trust::{
    GenerateKey, Namespace, Order, OrderAction, SignedOrder, SigningKey, StatementSignature,
    TrustRoot, Window,
};
use rand_core::{OsRng, RngCore as _};

use crate::clock;
use crate::exit::{Exit, Failure};
use crate::setup::join::read_key;

/// How long before now an order begins, for nodes whose clocks are behind.
const LEAD_MS: u64 = 30_000;
/// How long an order that is signed and sent by one command may begin to be carried out.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(10 * 60);

/// An order's text, to be shown before it is signed. What stops never expires.
pub(crate) fn propose(
    root: &TrustRoot,
    action: OrderAction,
    now: Timestamp,
    lifetime: Duration,
) -> Result<String, Failure> {
    let mut random = [0; 8];
    OsRng.fill_bytes(&mut random);
    let id: OrderId = format!("order-{}", hex::encode(random)).parse()?;
    let not_before = Timestamp::from_millis(now.millis().saturating_sub(LEAD_MS));
    let expires = (!action.is_stop()).then(|| not_before.plus_millis(clock::millis(lifetime)));
    let window = Window { not_before, expires };
    let order = Order { cluster: root.cluster(), id, action, window };
    order.check(root)?;
    Ok(order.render())
}

/// What to generate, with the root's nodes as roster where none is named.
pub(crate) fn generate_key(
    key: KeyId,
    scheme: Scheme,
    threshold: Threshold,
    roster: Option<ParticipantSet>,
    (raw_ok, activation): (bool, Activation),
    root: &TrustRoot,
) -> Result<OrderAction, Failure> {
    let roster = match roster {
        Some(roster) => roster,
        None => ParticipantSet::new(root.nodes.keys().copied())?,
    };
    Ok(OrderAction::GenerateKey(GenerateKey { key, scheme, threshold, roster, raw_ok, activation }))
}

/// The officers' keys, each with the name that the trust root knows it by.
pub(crate) fn officers(
    files: &[PathBuf],
    root: &TrustRoot,
) -> Result<Vec<(PersonName, SigningKey)>, Failure> {
    let officer = |path: &PathBuf| {
        let key = read_key(path)?;
        let name = person_of(&key, root).ok_or_else(|| {
            let message = format!("{}: the trust root names nobody with this key", path.display());
            Failure::new(Exit::Error, message)
        })?;
        Ok((name, key))
    };
    files.iter().map(officer).collect()
}

/// The person whose key file it is.
pub(crate) fn person_of(key: &SigningKey, root: &TrustRoot) -> Option<PersonName> {
    let credential = key.public_key().into();
    let person = root.persons.iter().find(|(_, entry)| entry.credentials.contains(&credential));
    person.map(|(name, _)| name.clone())
}

/// Signs an order, and checks it as every node will.
pub(crate) fn sign(
    text: String,
    officers: &[(PersonName, SigningKey)],
    root: &TrustRoot,
) -> Result<SignedOrder, Failure> {
    let sign = |(name, key): &(PersonName, SigningKey)| {
        StatementSignature::sign(&text, Namespace::Order, name.clone(), key)
    };
    let signatures = officers.iter().map(sign).collect();
    let order = SignedOrder { text, signatures, document: None };
    order.verify(root)?;
    Ok(order)
}
