//! Randomness from a seed.

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng as _};

/// A generator that gives the same numbers for the same seed, on every machine.
pub fn seeded(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A number below `bound`, which is not zero.
pub(crate) fn below(rng: &mut ChaCha20Rng, bound: u64) -> u64 {
    rng.next_u64() % bound
}

/// Whether something that happens `per_mille` times in a thousand happens now.
pub(crate) fn chance(rng: &mut ChaCha20Rng, per_mille: u64) -> bool {
    below(rng, 1_000) < per_mille
}
