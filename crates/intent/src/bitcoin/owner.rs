//! The group key as an owner of outputs.

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{PublicKey, Secp256k1};
use bitcoin::{CompressedPublicKey, ScriptBuf, XOnlyPublicKey};
use quorate_model::{Network, Scheme};

use crate::chain::Chain;
use crate::{Address, DecodeError, PayingKey};

/// Length of a compressed point (SEC 1).
const COMPRESSED_BYTES: usize = 33;

/// What belongs to a group key on one network: its outputs of one form, which its scheme decides.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) network: Network,
    pub(crate) chain: bitcoin::Network,
    pub(crate) form: Form,
    pub(crate) script: ScriptBuf,
    pub(crate) address: Address,
}

/// The form of a key's own outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// P2TR without script tree (BIP-341), spent by the key path.
    Taproot {
        /// The group key itself, x-only: BIP-341's internal key.
        internal_key: XOnlyPublicKey,
        /// The internal key with its tweak, under which signatures verify.
        output_key: XOnlyPublicKey,
    },
    /// P2WPKH (BIP-141): the hash of the group key as it is.
    KeyHash {
        /// The group key, under which signatures verify.
        key: CompressedPublicKey,
    },
}

impl Owner {
    pub(crate) fn new(key: PayingKey<'_>) -> Result<Self, DecodeError> {
        let bytes = key.group_verifying_key.len();
        let refusal = DecodeError::Key { bytes, scheme: key.scheme, network: key.network };
        let Chain::Bitcoin(chain) = Chain::of(key.network) else {
            return Err(refusal);
        };
        if bytes != COMPRESSED_BYTES {
            return Err(refusal);
        }
        let Ok(point) = PublicKey::from_slice(key.group_verifying_key) else {
            return Err(refusal);
        };
        let (form, script, address) = match key.scheme {
            Scheme::FrostSecp256k1Tr => taproot(point, chain),
            Scheme::EcdsaSecp256k1 => key_hash(point, chain),
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1 => return Err(refusal),
        };
        let address = Address(address.to_string());
        Ok(Self { network: key.network, chain, form, script, address })
    }
}

fn taproot(point: PublicKey, chain: bitcoin::Network) -> (Form, ScriptBuf, bitcoin::Address) {
    let (internal_key, _) = point.x_only_public_key();
    // No merkle root: the tweak proves that there is no hidden script path (BIP-341).
    let (tweaked, _) = internal_key.tap_tweak(&Secp256k1::verification_only(), None);
    let form = Form::Taproot { internal_key, output_key: tweaked.to_x_only_public_key() };
    let address = bitcoin::Address::p2tr_tweaked(tweaked, chain);
    (form, ScriptBuf::new_p2tr_tweaked(tweaked), address)
}

fn key_hash(point: PublicKey, chain: bitcoin::Network) -> (Form, ScriptBuf, bitcoin::Address) {
    let key = CompressedPublicKey(point);
    let address = bitcoin::Address::p2wpkh(&key, chain);
    (Form::KeyHash { key }, ScriptBuf::new_p2wpkh(&key.wpubkey_hash()), address)
}
