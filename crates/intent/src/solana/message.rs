//! A message decoded to the last byte, and signed by nobody but the group key.

use std::collections::BTreeSet;

use solana_message::{Address as AccountKey, VersionedMessage};

use super::error::MessageError;
use crate::quote::quoted;

pub(super) fn read(bytes: &[u8], payer: &AccountKey) -> Result<VersionedMessage, MessageError> {
    let message = decode(bytes)?;
    message
        .sanitize()
        .map_err(|error| MessageError::Inconsistent { reason: quoted(&error.to_string()) })?;
    only_signer(&message, payer)?;
    if let Some(table) = message.address_table_lookups().and_then(<[_]>::first) {
        return Err(MessageError::LookupTable { table: table.account_key.to_string() });
    }
    Ok(message)
}

/// Decodes the bytes, which must be what the message serialises to.
fn decode(bytes: &[u8]) -> Result<VersionedMessage, MessageError> {
    let message: VersionedMessage = wincode::deserialize(bytes)
        .map_err(|error| MessageError::Undecodable { reason: quoted(&error.to_string()) })?;
    match &message {
        VersionedMessage::Legacy(_) | VersionedMessage::V0(_) => {}
        VersionedMessage::V1(_) => return Err(MessageError::Version(1)),
    }
    let again = wincode::serialize(&message)
        .map_err(|error| MessageError::Undecodable { reason: quoted(&error.to_string()) })?;
    if again != bytes {
        let same = again.iter().zip(bytes).take_while(|(ours, theirs)| ours == theirs);
        return Err(MessageError::NotCanonical { offset: same.count() });
    }
    Ok(message)
}

fn only_signer(message: &VersionedMessage, payer: &AccountKey) -> Result<(), MessageError> {
    let required = message.header().num_required_signatures;
    if required != 1 {
        return Err(MessageError::Signers { required });
    }
    let accounts = message.static_account_keys();
    if accounts.first() != Some(payer) {
        let found = accounts.first().map(ToString::to_string).unwrap_or_default();
        return Err(MessageError::Payer { found, payer: payer.to_string() });
    }
    let mut seen = BTreeSet::new();
    match accounts.iter().find(|account| !seen.insert(account.as_array())) {
        None => Ok(()),
        Some(account) => Err(MessageError::RepeatedAccount { account: account.to_string() }),
    }
}
