//! The group key as an owner of outputs.

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{PublicKey, Secp256k1};
use bitcoin::{ScriptBuf, XOnlyPublicKey};
use quorate_model::{Network, Scheme};

use crate::chain::Chain;
use crate::{Address, DecodeError, PayingKey};

/// Length of a compressed point (SEC 1).
const COMPRESSED_BYTES: usize = 33;

/// What belongs to a group key on one network: its P2TR output without script tree.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) network: Network,
    pub(crate) chain: bitcoin::Network,
    /// The group key itself, x-only: BIP-341's internal key.
    pub(crate) internal_key: XOnlyPublicKey,
    /// The internal key with its tweak, under which signatures verify.
    pub(crate) output_key: XOnlyPublicKey,
    pub(crate) script: ScriptBuf,
    pub(crate) address: Address,
}

impl Owner {
    pub(crate) fn new(key: PayingKey<'_>) -> Result<Self, DecodeError> {
        let bytes = key.group_verifying_key.len();
        let refusal = DecodeError::Key { bytes, scheme: key.scheme, network: key.network };
        let Chain::Bitcoin(chain) = Chain::of(key.network) else {
            return Err(refusal);
        };
        if bytes != COMPRESSED_BYTES || key.scheme != Scheme::FrostSecp256k1Tr {
            return Err(refusal);
        }
        let Ok(point) = PublicKey::from_slice(key.group_verifying_key) else {
            return Err(refusal);
        };
        let (internal_key, _) = point.x_only_public_key();
        // No merkle root: the tweak proves that there is no hidden script path (BIP-341).
        let (tweaked, _) = internal_key.tap_tweak(&Secp256k1::verification_only(), None);
        Ok(Self {
            network: key.network,
            chain,
            internal_key,
            output_key: tweaked.to_x_only_public_key(),
            script: ScriptBuf::new_p2tr_tweaked(tweaked),
            address: Address(bitcoin::Address::p2tr_tweaked(tweaked, chain).to_string()),
        })
    }
}
