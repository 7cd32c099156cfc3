//! The Compute Budget program: what a message pays beyond its signature.
//!
//! `solana-compute-budget-interface` is compared with in tests only: decoding takes its Borsh, some
//! twenty crates for two fixed layouts.

use super::calls::Call;
use super::error::MessageError;

/// As many compute units as the network gives one transaction.
pub(super) const UNITS_MAX: u32 = 1_400_000;

const SET_COMPUTE_UNIT_LIMIT: u8 = 2;
const SET_COMPUTE_UNIT_PRICE: u8 = 3;
const MICRO_LAMPORTS_PER_LAMPORT: u128 = 1_000_000;

/// What the instructions read so far have set.
#[derive(Debug)]
pub(super) struct Budget {
    units: Option<u32>,
    /// Micro-lamports for each unit.
    price: Option<u64>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { units: None, price: None }
    }

    pub(super) fn read(&mut self, call: &Call<'_>) -> Result<(), MessageError> {
        let instruction = call.index;
        let [] = call.exactly()?;
        let repeated = match call.data.split_first() {
            Some((&SET_COMPUTE_UNIT_LIMIT, value)) if value.len() == size_of::<u32>() => {
                let units = value.first_chunk().map(|value| u32::from_le_bytes(*value));
                std::mem::replace(&mut self.units, units).is_some()
            }
            Some((&SET_COMPUTE_UNIT_PRICE, value)) if value.len() == size_of::<u64>() => {
                let price = value.first_chunk().map(|value| u64::from_le_bytes(*value));
                std::mem::replace(&mut self.price, price).is_some()
            }
            Some(_) | None => {
                return Err(MessageError::UnknownInstruction {
                    instruction,
                    program: "Compute Budget",
                    supported: "SetComputeUnitLimit or SetComputeUnitPrice",
                });
            }
        };
        if repeated { Err(MessageError::RepeatedBudget { instruction }) } else { Ok(()) }
    }

    /// Lamports, rounded up: price times limit, used or not.
    pub(super) fn priority_fee(&self) -> Result<u64, MessageError> {
        if let Some(units) = self.units.filter(|units| *units > UNITS_MAX) {
            return Err(MessageError::TooManyUnits { units });
        }
        let Some(price) = self.price else {
            return Ok(0);
        };
        let units = self.units.ok_or(MessageError::PriceWithoutLimit)?;
        let micro_lamports = u128::from(price) * u128::from(units);
        u64::try_from(micro_lamports.div_ceil(MICRO_LAMPORTS_PER_LAMPORT))
            .map_err(|_| MessageError::FeeOverflow)
    }
}
