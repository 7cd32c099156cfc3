//! The header of a backup.

use std::collections::{BTreeMap, BTreeSet};

use quorate_backup::Header;
use quorate_model::{Epoch, SharingId, Timestamp};

use crate::pb::storage::v1 as pb;
use crate::{DecodeError, field, limits};

pub(super) fn to_pb(header: &Header) -> pb::BackupHeader {
    let sharing = |SharingId { key, epoch }: &SharingId| pb::BackupSharing {
        key: key.to_string(),
        epoch: epoch.0,
    };
    let officer = |(name, recipient): (&_, &_)| {
        let (name, recipient) = (ToString::to_string(name), ToString::to_string(recipient));
        pb::BackupOfficer { name, recipient }
    };
    pb::BackupHeader {
        cluster: header.cluster.as_bytes().to_vec(),
        node: field::participant_to_pb(header.node),
        create_time_ms: header.created.millis(),
        root: header.root.as_bytes().to_vec(),
        sharings: header.sharings.iter().map(sharing).collect(),
        // Whatever does not fit is refused by whoever reads it.
        required: u32::try_from(header.required).unwrap_or_default(),
        officers: header.officers.iter().map(officer).collect(),
        commitments: header.commitments.clone(),
    }
}

pub(super) fn from_pb(header: pb::BackupHeader) -> Result<Header, DecodeError> {
    const SHARINGS: &str = "BackupHeader.sharings";
    const OFFICERS: &str = "BackupHeader.officers";
    const REQUIRED: &str = "BackupHeader.required";
    field::count(SHARINGS, header.sharings.len(), quorate_backup::KEYS_MAX)?;
    field::count(OFFICERS, header.officers.len(), limits::BACKUP_OFFICERS_MAX)?;
    let mut sharings = BTreeSet::new();
    for pb::BackupSharing { key, epoch } in header.sharings {
        let key = field::parse("BackupSharing.key", &key)?;
        sharings.insert(SharingId { key, epoch: Epoch(epoch) });
    }
    let mut officers = BTreeMap::new();
    for pb::BackupOfficer { name, recipient } in header.officers {
        let name = field::parse("BackupOfficer.name", &name)?;
        officers.insert(name, field::parse("BackupOfficer.recipient", &recipient)?);
    }
    Ok(Header {
        cluster: field::digest("BackupHeader.cluster", &header.cluster)?,
        node: field::participant("BackupHeader.node", header.node)?,
        created: Timestamp::from_millis(header.create_time_ms),
        root: field::digest("BackupHeader.root", &header.root)?,
        sharings,
        required: usize::try_from(header.required).map_err(|e| DecodeError::value(REQUIRED, e))?,
        officers,
        commitments: field::byte_list(
            "BackupHeader.commitments",
            header.commitments,
            limits::BACKUP_OFFICERS_MAX,
            limits::ELEMENT_BYTES_MAX,
        )?,
    })
}
