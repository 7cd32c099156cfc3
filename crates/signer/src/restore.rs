//! A node that begins from a backup.

use quorate_audit::{Event, EventKind, Log};
use quorate_backup::{Contents, ContentsError, Header, KeyContents};
use quorate_model::{KeyId, Timestamp};
use quorate_protocol::ecdsa::PairStates;
use quorate_trust::TrustRoot;

use crate::backup::name_sharings;
use crate::confirm;
use crate::keygen::Ceremonies;
use crate::keys::{HeldKey, Keys};
use crate::orders::Orders;
use crate::pairs::FrozenPairs;
use crate::record::{ActiveRecord, Record, ShareRecord};
use crate::state::state_root;

/// Why no node begins from a backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It does not hold what the cluster certified for the node.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// Nothing shows that every share of a sharing signs.
    #[error("key {key}: {reason}")]
    Unconfirmed {
        /// The key.
        key: KeyId,
        /// What is wrong with its confirmations.
        reason: &'static str,
    },
}

/// The records of the node that the backup with this header is of: its shares with all that belongs to
/// them, and an audit log that begins with saying from which backup. Everything else that the node knew
/// is gone: what it signed, which orders it carried out, what it heard of others.
///
/// # Errors
/// [`RestoreError`].
pub fn restored_records(
    header: &Header,
    contents: Contents,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<Vec<Record>, RestoreError> {
    contents.check(header, root)?;
    let (mut records, mut keys) = (Vec::new(), Keys::default());
    for KeyContents { certificate, confirmations, share } in contents.keys {
        let certified = certificate.certified.clone();
        confirm::check(&certified, &confirmations)
            .map_err(|reason| RestoreError::Unconfirmed { key: certified.key.clone(), reason })?;
        // That it is there was verified with the certificate.
        let unsigned = || ContentsError::Identity(header.node);
        let vote = *certificate.votes.get(&header.node).ok_or_else(unsigned)?;
        let sharing = certified.sharing();
        let held =
            HeldKey { certified: certified.clone(), vote, certificate: None, confirmations: None };
        keys.put(held);
        keys.switch(&sharing);
        let pairs = PairStates::new();
        records.push(Record::Share(ShareRecord { certified, vote, share, pairs }));
        records.push(Record::Certificate(certificate));
        records.push(Record::Active(ActiveRecord { sharing, confirmations }));
    }
    let state =
        state_root(&Orders::default(), &Ceremonies::default(), &keys, &FrozenPairs::default());
    let event = Event::new(EventKind::NodeRestored)
        .fact("backup", header.digest())
        .fact("made", header.created);
    let mut log = Log::default();
    let events = name_sharings(&event, header.sharings.iter().cloned());
    records.extend(events.into_iter().map(|event| Record::Audit(log.append(event, now, state))));
    Ok(records)
}
