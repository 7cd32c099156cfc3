//! Denials, and the heads that every answer carries.

use quorate_model::{Heads, Timestamp};
use quorate_protocol::wire::SignedDenial;

use crate::pb::statement::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::Heads> for Heads {
    type Error = DecodeError;

    fn try_from(heads: pb::Heads) -> Result<Self, DecodeError> {
        Ok(Self {
            root: field::digest("Heads.root", &heads.root)?,
            bundle: field::digest("Heads.bundle", &heads.bundle)?,
            life: heads.life,
            audit: field::digest("Heads.audit", &heads.audit)?,
            audit_length: heads.audit_length,
            clock: Timestamp::from_millis(heads.clock_ms),
            orders: field::digest("Heads.orders", &heads.orders)?,
        })
    }
}

impl From<Heads> for pb::Heads {
    fn from(heads: Heads) -> Self {
        Self {
            root: heads.root.as_bytes().to_vec(),
            bundle: heads.bundle.as_bytes().to_vec(),
            life: heads.life,
            audit: heads.audit.as_bytes().to_vec(),
            audit_length: heads.audit_length,
            clock_ms: heads.clock.millis(),
            orders: heads.orders.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<pb::Denial> for SignedDenial {
    type Error = DecodeError;

    fn try_from(denial: pb::Denial) -> Result<Self, DecodeError> {
        Ok(Self {
            request: field::digest("Denial.request", &denial.request)?,
            reason: field::text("Denial.reason", denial.reason, limits::REASON_BYTES_MAX)?,
            heads: field::required("Denial.heads", denial.heads)?.try_into()?,
        })
    }
}

impl From<SignedDenial> for pb::Denial {
    fn from(denial: SignedDenial) -> Self {
        Self {
            request: denial.request.as_bytes().to_vec(),
            reason: denial.reason,
            heads: Some(denial.heads.into()),
        }
    }
}
