//! A call, and everything that it does as far as its bytes say.

use alloy_consensus::Transaction as _;
use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address as Account, U256};
use quorate_model::{ChainId, Network};

use super::abi::{self, Calldata, Function, Method};
use super::transaction::Unsigned;
use super::{EvmError, authority, batch, collection, permit2, safe, shown, text, token};
use crate::asset::TokenStandard;
use crate::{Address, Amount, Asset, EFFECTS_MAX, Effect, EffectKind, Flag};

/// Calls within calls: a Safe that has another Safe run a batch is four deep.
const DEPTH_MAX: usize = 8;

/// A call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// Whose funds it moves: the sender that the called contract sees.
    pub(super) caller: Account,
    pub(super) to: Account,
    /// In wei.
    pub(super) value: U256,
    pub(super) data: &'a [u8],
    pub(super) depth: usize,
    /// Whether code that runs in the caller's name chose it.
    pub(super) delegated: bool,
}

/// What the calls of a payload do.
#[derive(Debug)]
pub(super) struct Calls {
    network: Network,
    own: Account,
    effects: Vec<Effect>,
}

/// Before anything of a call is read, whether it is run or its code is.
pub(super) const fn check_depth(call: &Call<'_>) -> Result<(), EvmError> {
    if call.depth < DEPTH_MAX { Ok(()) } else { Err(EvmError::TooDeep { max: DEPTH_MAX }) }
}

impl Calls {
    /// Nothing yet, of the account `own`.
    pub(super) const fn new(chain: ChainId, own: Account) -> Self {
        Self { network: Network::Evm(chain), own, effects: Vec::new() }
    }

    /// Everything found.
    pub(super) fn effects(self) -> Vec<Effect> {
        self.effects
    }

    pub(super) fn push(&mut self, effect: Effect) -> Result<(), EvmError> {
        if self.effects.len() >= EFFECTS_MAX {
            return Err(EvmError::TooManyEffects { max: EFFECTS_MAX });
        }
        self.effects.push(effect);
        Ok(())
    }

    /// Puts an effect before all that was found.
    pub(super) fn push_first(&mut self, effect: Effect) -> Result<(), EvmError> {
        self.push(effect)?;
        self.effects.rotate_right(1);
        Ok(())
    }

    /// The creation of a contract by the transaction's sender.
    pub(super) fn create(&mut self, transaction: &Unsigned) {
        let made = self.own.create(transaction.nonce());
        let detail = format!("init code of {}", shown::bytes(transaction.input()));
        let amount = self.native(transaction.value());
        let destination = Address(text(&made));
        let kind = EffectKind::ContractCreation;
        self.effects.push(Effect { kind, amount, destination, flags: Vec::new(), detail });
    }

    /// The key's own word to a contract, in place of a call.
    pub(super) const fn signed(&self, contract: Account) -> Call<'static> {
        let (caller, value) = (self.own, U256::ZERO);
        Call { caller, to: contract, value, data: &[], depth: 0, delegated: false }
    }

    /// Adds what a call does.
    pub(super) fn run(&mut self, call: &Call<'_>) -> Result<(), EvmError> {
        check_depth(call)?;
        let calldata = abi::read(call.data)?;
        if !call.value.is_zero() || matches!(calldata, Calldata::Empty) {
            let amount = self.native(call.value);
            self.transfer(call, call.caller, call.to, amount, String::new())?;
        }
        match calldata {
            Calldata::Empty => Ok(()),
            Calldata::Unknown => {
                let detail = format!("calldata {}", selector_and_digest(call.data));
                self.called(call, EffectKind::ContractCall, vec![Flag::UnknownSelector], detail)
            }
            Calldata::Known(function, arguments) => self.known(call, function, &arguments),
        }
    }

    fn known(
        &mut self,
        call: &Call<'_>,
        function: &'static Function,
        arguments: &[DynSolValue],
    ) -> Result<(), EvmError> {
        let detail = shown::call(function.signature, arguments, call.data);
        let read = match function.method {
            Method::Token(method) => token::read(self, call, method, arguments, detail)?,
            Method::Collection(method) => collection::read(self, call, method, arguments, detail)?,
            Method::Permit2(method) => permit2::read(self, call, method, arguments, detail)?,
            Method::Safe(method) => safe::read(self, call, method, arguments, detail)?,
            Method::Batch(method) => batch::read(self, call, method, arguments, detail)?,
            Method::Authority(method) => authority::read(self, call, method, detail).map(Some)?,
        };
        // The types of the arguments are those of the signature, so each reader knows them all.
        read.ok_or(EvmError::Arguments { signature: function.signature })
    }

    /// Value or tokens that move from an account.
    pub(super) fn transfer(
        &mut self,
        call: &Call<'_>,
        from: Account,
        to: Account,
        amount: Amount,
        detail: String,
    ) -> Result<(), EvmError> {
        let mut flags = self.flags(call, from);
        if to == from {
            flags.insert(0, Flag::SelfDestination);
        }
        let kind = EffectKind::Transfer;
        self.push(Effect { kind, amount, destination: Address(text(&to)), flags, detail })
    }

    /// What somebody may move from an account from now on.
    pub(super) fn allowance(
        &mut self,
        call: &Call<'_>,
        owner: Account,
        spender: Account,
        amount: Amount,
        detail: String,
    ) -> Result<(), EvmError> {
        let mut flags = self.flags(call, owner);
        if is_unlimited(amount.base_units) {
            flags.insert(0, Flag::UnlimitedAllowance);
        }
        let kind = EffectKind::Allowance;
        self.push(Effect { kind, amount, destination: Address(text(&spender)), flags, detail })
    }

    /// What a call does to the contract that is called.
    pub(super) fn called(
        &mut self,
        call: &Call<'_>,
        kind: EffectKind,
        mut flags: Vec<Flag>,
        detail: String,
    ) -> Result<(), EvmError> {
        flags.extend(self.flags(call, call.caller));
        let amount = self.native(U256::ZERO);
        self.push(Effect { kind, amount, destination: Address(text(&call.to)), flags, detail })
    }

    pub(super) fn native(&self, wei: U256) -> Amount {
        Amount { asset: Asset::native(self.network), base_units: wei }
    }

    /// An amount of the token of a contract.
    pub(super) fn fungible(&self, contract: Account, base_units: U256) -> Amount {
        self.collection(TokenStandard::Erc20, contract, base_units)
    }

    /// So many of whatever a contract's tokens are.
    pub(super) fn collection(
        &self,
        standard: TokenStandard,
        contract: Account,
        base_units: U256,
    ) -> Amount {
        let asset = Asset::contract(self.network, standard, &text(&contract));
        Amount { asset, base_units }
    }

    /// So many of one token of a collection.
    pub(super) fn item(
        &self,
        standard: TokenStandard,
        contract: Account,
        id: U256,
        base_units: U256,
    ) -> Amount {
        let asset = Asset::item(self.network, standard, &text(&contract), id);
        Amount { asset, base_units }
    }

    /// What is to be noticed of everything that a call does with what `owner` holds.
    fn flags(&self, call: &Call<'_>, owner: Account) -> Vec<Flag> {
        [(call.delegated, Flag::Delegatecall), (owner != self.own, Flag::ForeignFunds)]
            .into_iter()
            .filter_map(|(applies, flag)| applies.then_some(flag))
            .collect()
    }
}

/// An allowance of 2^160 - 1, the most that Permit2 keeps and for it no limit, or more.
pub(super) fn is_unlimited(base_units: U256) -> bool {
    base_units >= (U256::from(1) << 160usize).wrapping_sub(U256::from(1))
}

fn selector_and_digest(data: &[u8]) -> String {
    match data.split_first_chunk::<4>() {
        Some((selector, arguments)) if !arguments.is_empty() => {
            format!("{} and {}", shown::hexadecimal(selector), shown::bytes(arguments))
        }
        Some(_) | None => shown::hexadecimal(data),
    }
}
