//! The library's messages as bytes.

use k256_14::elliptic_curve::PrimeField as _;
use k256_14::{FieldBytes, Scalar};
use quorate_model::ParticipantId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Seats, library};
use crate::rounds::Fault;

pub(super) fn encode(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let failed = |error: postcard::Error| Fault::Other(error.to_string());
    postcard::to_allocvec(value).map(Zeroizing::new).map_err(failed)
}

/// Exactly one value, to the last byte.
pub(super) fn decode<T: DeserializeOwned>(from: ParticipantId, bytes: &[u8]) -> Result<T, Fault> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(refused(from, "bytes after the end of a message")),
        Err(error) => Err(refused(from, &format!("no message of this round: {error}"))),
    }
}

pub(super) fn scalar(from: ParticipantId, bytes: &[u8]) -> Result<Scalar, Fault> {
    let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| refused(from, "no scalar: length"))?;
    Option::from(Scalar::from_repr(FieldBytes::from(bytes)))
        .ok_or_else(|| refused(from, "no scalar: not below the order of the group"))
}

pub(super) fn refused(from: ParticipantId, what: &str) -> Fault {
    Fault::Refused { from, what: what.to_owned() }
}

impl Seats {
    /// A message says who it is from and for: who it is from follows from its signature, and nothing
    /// else is believed.
    pub(super) fn check(
        &self,
        from: ParticipantId,
        parties: &library::PartiesMessage,
    ) -> Result<(), Fault> {
        if self.seat(from) == Some(parties.sender) && parties.receiver == self.me {
            Ok(())
        } else {
            Err(refused(from, "it names another sender or receiver"))
        }
    }
}
