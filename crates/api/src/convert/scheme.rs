//! Schemes.

use quorate_model::Scheme;

use crate::pb::statement::v1 as pb;
use crate::{DecodeError, Fault};

pub(crate) fn scheme(field: &'static str, scheme: i32) -> Result<Scheme, DecodeError> {
    match pb::Scheme::try_from(scheme) {
        Ok(pb::Scheme::FrostEd25519) => Ok(Scheme::FrostEd25519),
        Ok(pb::Scheme::FrostSecp256k1Tr) => Ok(Scheme::FrostSecp256k1Tr),
        Ok(pb::Scheme::FrostSecp256k1) => Ok(Scheme::FrostSecp256k1),
        Ok(pb::Scheme::EcdsaSecp256k1) => Ok(Scheme::EcdsaSecp256k1),
        Ok(pb::Scheme::Unspecified) | Err(_) => {
            Err(DecodeError::new(field, Fault::Unknown(scheme)))
        }
    }
}

impl From<Scheme> for pb::Scheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::FrostEd25519 => Self::FrostEd25519,
            Scheme::FrostSecp256k1Tr => Self::FrostSecp256k1Tr,
            Scheme::FrostSecp256k1 => Self::FrostSecp256k1,
            Scheme::EcdsaSecp256k1 => Self::EcdsaSecp256k1,
        }
    }
}

pub(crate) fn scheme_to_pb(scheme: Scheme) -> i32 {
    pb::Scheme::from(scheme).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_has_a_number_and_no_other_number_is_a_scheme() {
        for known in Scheme::ALL {
            assert_eq!(scheme("a", scheme_to_pb(known)), Ok(known));
        }
        for bad in [0, 5, -1] {
            assert_eq!(scheme("a", bad).unwrap_err().fault, Fault::Unknown(bad));
        }
    }
}
