//! Amounts as rules see them.

use ruint::aliases::U256;

/// The largest number of decimals of an asset: 10^77 is the last power of ten below 2^256.
pub(crate) const DECIMALS_MAX: u8 = 77;

const NANO_DECIMALS: u8 = 9;

/// An amount in the two scales that fit Cedar's 64-bit numbers, both rounded up, so that an upper
/// bound on them is an upper bound on the amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// Whole tokens.
    pub(crate) units: i64,
    /// Billionths of a token.
    pub(crate) nano: i64,
}

impl Scaled {
    /// `None` where either scale does not fit: a saturated number would read as a small amount to
    /// any rule that bounds it by the same number.
    pub(crate) fn from_base_units(base_units: U256, decimals: u8) -> Option<Self> {
        let units = divide_rounding_up(base_units, decimals)?;
        let nano = match decimals.checked_sub(NANO_DECIMALS) {
            Some(excess) => divide_rounding_up(base_units, excess)?,
            None => base_units.checked_mul(power_of_ten(NANO_DECIMALS.checked_sub(decimals)?)?)?,
        };
        Some(Self { units: i64::try_from(units).ok()?, nano: i64::try_from(nano).ok()? })
    }
}

fn divide_rounding_up(base_units: U256, exponent: u8) -> Option<U256> {
    Some(base_units.div_ceil(power_of_ten(exponent)?))
}

fn power_of_ten(exponent: u8) -> Option<U256> {
    U256::from(10).checked_pow(U256::from(exponent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scaled(base_units: u128, decimals: u8) -> Option<(i64, i64)> {
        let scaled = Scaled::from_base_units(U256::from(base_units), decimals)?;
        Some((scaled.units, scaled.nano))
    }

    #[test]
    fn both_scales_are_rounded_up() {
        assert_eq!(scaled(0, 8), Some((0, 0)));
        assert_eq!(scaled(1, 8), Some((1, 10)));
        assert_eq!(scaled(100_000_000, 8), Some((1, 1_000_000_000)));
        assert_eq!(scaled(100_000_001, 8), Some((2, 1_000_000_010)));
        assert_eq!(scaled(1, 18), Some((1, 1)));
        assert_eq!(scaled(1_000_000_001, 18), Some((1, 2)));
        assert_eq!(scaled(7, 0), Some((7, 7_000_000_000)));
        assert_eq!(scaled(1, 77), Some((1, 1)));
    }

    #[test]
    fn what_does_not_fit_is_not_saturated() {
        let last = i64::MAX as u128;
        assert_eq!(scaled(last, 9), Some((9_223_372_037, i64::MAX)));
        assert_eq!(scaled(last + 1, 9), None);
        assert_eq!(scaled(last, 0), None);
        assert_eq!(
            Scaled::from_base_units(U256::MAX, 77),
            Some(Scaled { units: 2, nano: 1_157_920_893 })
        );
        assert_eq!(Scaled::from_base_units(U256::MAX, 18), None);
        assert_eq!(Scaled::from_base_units(U256::MAX, 0), None);
        assert_eq!(Scaled::from_base_units(U256::from(1), 78), None);
    }

    proptest! {
        /// `nano` is the least number of billionths that is not below the amount.
        #[test]
        fn nano_is_the_tightest_upper_bound(base_units in any::<u64>(), decimals in 0u8..30) {
            if let Some(scaled) = Scaled::from_base_units(U256::from(base_units), decimals) {
                let one = U256::from(10).pow(U256::from(decimals));
                let amount = U256::from(base_units) * U256::from(1_000_000_000u64);
                prop_assert!(U256::from(scaled.nano) * one >= amount);
                prop_assert!(scaled.nano == 0 || U256::from(scaled.nano - 1) * one < amount);
            }
        }
    }
}
