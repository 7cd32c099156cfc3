//! What a backup keeps secret, and the certificates that belong to it.

use prost::Message as _;
use quorate_backup::{Contents, Header, KeyContents};
use quorate_protocol::SecretShare;
use quorate_trust::SigningKey;
use zeroize::Zeroizing;

use super::{SECRET, read, split};
use crate::pb::storage::v1 as pb;
use crate::{DecodeError, field, limits};

const MESSAGE: &str = "BackupContents";

/// The bytes of contents, to be sealed.
#[must_use]
pub fn encode_contents(contents: &Contents) -> Zeroizing<Vec<u8>> {
    let Contents { identity, keys } = contents;
    let key = |key: &KeyContents| pb::BackupKey {
        certificate: Some(key.certificate.clone().into()),
        confirmations: key.confirmations.iter().cloned().map(Into::into).collect(),
    };
    let public = pb::BackupContents { keys: keys.iter().map(key).collect() }.encode_to_vec();
    let mut bytes = Zeroizing::new(Vec::new());
    // Whatever grows leaves its earlier self behind, which nobody erases.
    bytes.reserve_exact(SECRET * (1 + keys.len()) + public.len());
    bytes.extend_from_slice(identity.secret_bytes().as_slice());
    for key in keys {
        bytes.extend_from_slice(key.share.secret_bytes());
    }
    bytes.extend_from_slice(&public);
    bytes
}

/// Reads the contents of an open backup with this header.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_contents(header: &Header, bytes: &[u8]) -> Result<Contents, DecodeError> {
    let (identity, mut rest) = split(MESSAGE, bytes)?;
    let mut shares = Vec::new();
    for _ in &header.sharings {
        let (share, after) = split(MESSAGE, rest)?;
        shares.push(field::required(MESSAGE, SecretShare::from_bytes(share))?);
        rest = after;
    }
    let message: pb::BackupContents = read(MESSAGE, rest)?;
    if message.keys.len() != shares.len() {
        return Err(DecodeError::value("BackupContents.keys", "as many as the header lists"));
    }
    let key = |(key, share): (pb::BackupKey, SecretShare)| {
        const CONFIRMATIONS: &str = "BackupKey.confirmations";
        let certificate = field::required("BackupKey.certificate", key.certificate)?.try_into()?;
        let most = limits::CONFIRMATIONS_MAX;
        let confirmations = field::list(CONFIRMATIONS, key.confirmations, most)?;
        Ok(KeyContents { certificate, confirmations, share })
    };
    let keys = message.keys.into_iter().zip(shares).map(key).collect::<Result<_, DecodeError>>()?;
    Ok(Contents { identity: SigningKey::from_secret_bytes(identity), keys })
}
