//! Orders about keys, and the officers who sign them.

use std::path::PathBuf;

use quorate_model::{
    Digest, KeyId, OrderId, ParticipantSet, PersonName, Scheme, Threshold, Timestamp,
};
use quorate_trust::{
    GenerateKey, Order, OrderSignature, SignedOrder, SigningKey, TrustRoot, Window,
};
use rand_core::{OsRng, RngCore as _};

use crate::exit::{Exit, Failure};
use crate::setup::join::read_key;

/// How long before now an order begins, for nodes whose clocks are behind.
const LEAD_MS: u64 = 30_000;
/// How long an order may begin to be carried out.
const LIFETIME_MS: u64 = 10 * 60_000;

/// An order's text, to be shown before it is signed.
pub(crate) fn generate_key(
    cluster: Digest,
    generate_key: GenerateKey,
    now: Timestamp,
) -> Result<String, Failure> {
    let mut random = [0; 8];
    OsRng.fill_bytes(&mut random);
    let id: OrderId = format!("order-{}", hex::encode(random)).parse()?;
    let not_before = Timestamp::from_millis(now.millis().saturating_sub(LEAD_MS));
    let window = Window { not_before, expires: now.plus_millis(LIFETIME_MS) };
    Ok(Order { cluster, id, generate_key, window }.render())
}

/// What to generate, with the root's nodes as roster where none is named.
pub(crate) fn subject(
    key: KeyId,
    scheme: Scheme,
    threshold: Threshold,
    roster: Option<ParticipantSet>,
    root: &TrustRoot,
) -> Result<GenerateKey, Failure> {
    let roster = match roster {
        Some(roster) => roster,
        None => ParticipantSet::new(root.nodes.keys().copied())?,
    };
    Ok(GenerateKey { key, scheme, threshold, roster })
}

/// The officers' keys, each with the name that the trust root knows it by.
pub(crate) fn officers(
    files: &[PathBuf],
    root: &TrustRoot,
) -> Result<Vec<(PersonName, SigningKey)>, Failure> {
    let officer = |path: &PathBuf| {
        let key = read_key(path)?;
        let public = key.public_key();
        let person = root.persons.iter().find(|(_, entry)| entry.key == public);
        let (name, _) = person.ok_or_else(|| {
            let message = format!("{}: the trust root names nobody with this key", path.display());
            Failure::new(Exit::Error, message)
        })?;
        Ok((name.clone(), key))
    };
    files.iter().map(officer).collect()
}

/// Signs an order, and checks it as every node will.
pub(crate) fn sign(
    text: String,
    officers: &[(PersonName, SigningKey)],
    root: &TrustRoot,
) -> Result<SignedOrder, Failure> {
    let sign =
        |(name, key): &(PersonName, SigningKey)| OrderSignature::sign(&text, name.clone(), key);
    let signatures = officers.iter().map(sign).collect();
    let order = SignedOrder { text, signatures };
    order.verify(root)?;
    Ok(order)
}
