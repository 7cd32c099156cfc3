//! EIP-7702: an account lets a contract's code run as its own, from then on and whoever calls it.

use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::Address as Account;
use alloy_rlp::Decodable as _;
use quorate_model::{ChainId, Network};

use super::error::reason;
use super::{EvmError, Read, text};
use crate::{Address, Amount, Asset, Effect, EffectKind, Flag};

/// The byte that sets what is signed apart from transactions.
pub(super) const MAGIC: u8 = 0x05;

/// Reads an authorisation that the key is asked to sign, to the last byte.
pub(super) fn authorization(bytes: &[u8]) -> Result<Authorization, EvmError> {
    let undecodable = |reason: String| EvmError::Authorization { reason };
    let (magic, mut rest) = bytes.split_first().ok_or_else(|| undecodable("nothing".to_owned()))?;
    if *magic != MAGIC {
        return Err(undecodable(format!("{magic:02x}")));
    }
    let authorization =
        Authorization::decode(&mut rest).map_err(|error| undecodable(reason(&error)))?;
    let encoded = encoded(&authorization);
    if encoded != bytes {
        let differs = encoded.iter().zip(bytes).position(|(ours, theirs)| ours != theirs);
        let offset = differs.unwrap_or(encoded.len().min(bytes.len()));
        return Err(EvmError::NotCanonical { offset });
    }
    Ok(authorization)
}

/// What is hashed and signed for an authorisation.
pub(crate) fn encoded(authorization: &Authorization) -> Vec<u8> {
    let mut encoded = vec![MAGIC];
    alloy_rlp::Encodable::encode(authorization, &mut encoded);
    encoded
}

/// Decodes an authorisation that the key is asked to sign.
pub(super) fn read(bytes: &[u8], chain: ChainId) -> Result<Read, EvmError> {
    let authorization = authorization(bytes)?;
    Ok(Read {
        effects: vec![effect(&authorization, chain, None)?],
        fee: Default::default(),
        account_nonce: Some(authorization.nonce),
        validity: "from now on; until the account uses its nonce otherwise, and then until it is replaced",
        digest: authorization.signature_hash(),
    })
}

/// An authorisation as an effect, of `account` where it is not the payload itself.
pub(super) fn effect(
    authorization: &Authorization,
    chain: ChainId,
    account: Option<Account>,
) -> Result<Effect, EvmError> {
    let Authorization { chain_id, address, nonce } = authorization;
    let flags = if chain_id.is_zero() {
        vec![Flag::AnyChain]
    } else if *chain_id == alloy_primitives::U256::from(chain.get()) {
        Vec::new()
    } else {
        return Err(EvmError::ChainId { found: chain_id.to_string(), expected: chain });
    };
    let detail = match account {
        Some(account) => format!("account {}, its nonce {nonce}", text(&account)),
        None => format!("the key's account, nonce {nonce}"),
    };
    let what = if address.is_zero() { "no code any more" } else { "the code of the destination" };
    Ok(Effect {
        kind: EffectKind::CodeDelegation,
        amount: Amount {
            asset: Asset::native(Network::Evm(chain)),
            base_units: Default::default(),
        },
        destination: Address(text(address)),
        flags,
        detail: format!("{detail}, runs {what}"),
    })
}

/// Whose authorisation it is; `None` where nobody signed it.
pub(super) fn authority(signed: &SignedAuthorization) -> Option<Account> {
    let signature = signed.signature().ok()?;
    // A high s is refused by the network (EIP-2).
    if signature.normalize_s().is_some() {
        return None;
    }
    signature.recover_address_from_prehash(&signed.signature_hash()).ok()
}
