//! A second decoder, of Parity's `rlp` and `ethabi` and nothing of alloy's: what transactions mean,
//! for comparison. It is as lax as its crates are; what we decode, it must decode alike.

use alloy_primitives::Address;
use ethabi::{ParamType, Token};
use rlp::Rlp;

use super::*;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) chain: u64,
    pub(super) nonce: u64,
    pub(super) fee: U256,
    pub(super) effects: Vec<Told>,
}

/// Where the fields of a type stand: chain, nonce, price, gas, and from there to, value, data.
const FIELDS: [(usize, usize, usize, usize); 5] =
    [(6, 0, 1, 2), (0, 1, 2, 3), (0, 1, 3, 4), (0, 1, 3, 4), (0, 1, 3, 4)];

pub(super) fn read(bytes: &[u8]) -> Option<Meaning> {
    let kind = *bytes.first()?;
    let (kind, body) = if kind >= 0xc0 { (0, bytes) } else { (usize::from(kind), &bytes[1..]) };
    let (chain, nonce, price, gas) = *FIELDS.get(kind)?;
    let list = Rlp::new(body);
    let field = |index| Some(list.at(index).ok()?.data().ok()?.to_vec());
    let number = |index| Some(U256::from_be_slice(&field(index)?));
    let (to, value, data) = (field(gas + 1)?, number(gas + 2)?, field(gas + 3)?);
    let mut fee = number(price)? * number(gas)?;
    let nonce = u64::try_from(number(nonce)?).ok()?;
    let mut effects = Vec::new();
    if to.is_empty() {
        let (kind, made) = (EffectKind::ContractCreation, own().create(nonce));
        effects.push((kind, native(), value, made, vec![]));
    } else {
        let to = Address::from_slice(&to);
        call(&mut effects, Frame { caller: own(), to, value, delegated: false }, &data)?;
    }
    if kind == 3 {
        let hashes = list.at(10).ok()?.item_count().ok()?;
        fee += number(9)? * U256::from(131_072 * hashes);
    }
    if kind == 4 {
        for authorization in list.at(9).ok()?.iter() {
            let of = |index| authorization.at(index).ok()?.data().ok();
            let any = U256::from_be_slice(of(0)?).is_zero();
            let flags = if any { vec![Flag::AnyChain] } else { vec![] };
            let code = Address::from_slice(of(1)?);
            effects.push((EffectKind::CodeDelegation, native(), U256::ZERO, code, flags));
        }
    }
    Some(Meaning { chain: u64::try_from(number(chain)?).ok()?, nonce, fee, effects })
}

#[derive(Clone, Copy)]
struct Frame {
    caller: Address,
    to: Address,
    value: U256,
    delegated: bool,
}

fn native() -> String {
    "slip44:60".to_owned()
}

fn flags(frame: Frame, owner: Address, first: Option<Flag>) -> Vec<Flag> {
    let delegated = frame.delegated.then_some(Flag::Delegatecall);
    let foreign = (owner != own()).then_some(Flag::ForeignFunds);
    first.into_iter().chain(delegated).chain(foreign).collect()
}

fn moved(frame: Frame, from: Address, to: Address, asset: String, amount: U256) -> Told {
    let same = (from == to).then_some(Flag::SelfDestination);
    (EffectKind::Transfer, asset, amount, to, flags(frame, from, same))
}

fn allowed(frame: Frame, spender: Address, asset: String, amount: U256) -> Told {
    let unlimited =
        (amount >= (U256::from(1) << 160usize) - U256::from(1)).then_some(Flag::UnlimitedAllowance);
    (EffectKind::Allowance, asset, amount, spender, flags(frame, frame.caller, unlimited))
}

fn called(frame: Frame, kind: EffectKind, first: Option<Flag>) -> Told {
    (kind, native(), U256::ZERO, frame.to, flags(frame, frame.caller, first))
}

/// `None` where the second decoder does not read the arguments.
#[expect(clippy::too_many_lines, reason = "one selector after the other")]
fn call(effects: &mut Vec<Told>, frame: Frame, data: &[u8]) -> Option<()> {
    let Frame { caller, to, value, .. } = frame;
    if !value.is_zero() || data.is_empty() {
        effects.push(moved(frame, caller, to, native(), value));
    }
    if data.is_empty() {
        return Some(());
    }
    let erc20 = format!("erc20:{to:#x}");
    let arguments = data.get(4..).unwrap_or_default();
    let decode = |types: &[ParamType]| ethabi::decode(types, arguments).ok();
    let (account, uint) = (|| ParamType::Address, || ParamType::Uint(256));
    match data.first_chunk::<4>().copied() {
        Some([0xa9, 0x05, 0x9c, 0xbb]) => {
            let all = decode(&[account(), uint()])?;
            effects.push(moved(frame, caller, who(&all[0]), erc20, amount(&all[1])));
        }
        Some([0x23, 0xb8, 0x72, 0xdd]) => {
            let all = decode(&[account(), account(), uint()])?;
            effects.push(moved(frame, who(&all[0]), who(&all[1]), erc20, amount(&all[2])));
        }
        Some([0x09, 0x5e, 0xa7, 0xb3]) => {
            let all = decode(&[account(), uint()])?;
            effects.push(allowed(frame, who(&all[0]), erc20, amount(&all[1])));
        }
        Some([0xa2, 0x2c, 0xb4, 0x65]) => {
            let all = decode(&[account(), ParamType::Bool])?;
            let amount = if all[1] == Token::Bool(true) { U256::MAX } else { U256::ZERO };
            effects.push(allowed(frame, who(&all[0]), format!("erc721:{to:#x}"), amount));
        }
        Some([0x42, 0x84, 0x2e, 0x0e]) => {
            let all = decode(&[account(), account(), uint()])?;
            let asset = format!("erc721:{to:#x}/{}", amount(&all[2]));
            effects.push(moved(frame, who(&all[0]), who(&all[1]), asset, U256::from(1)));
        }
        Some([0xd0, 0xe3, 0x0d, 0xb0]) => {
            effects.push(called(frame, EffectKind::ContractCall, None));
        }
        Some([0xac, 0x96, 0x50, 0xd8]) => {
            effects.push(called(frame, EffectKind::ContractCall, None));
            let all = decode(&[ParamType::Array(Box::new(ParamType::Bytes))])?;
            for inner in all[0].clone().into_array()? {
                call(effects, Frame { value: U256::ZERO, ..frame }, &inner.into_bytes()?)?;
            }
        }
        Some([0x6a, 0x76, 0x12, 0x02]) => {
            effects.push(called(frame, EffectKind::ContractCall, None));
            let uint8 = ParamType::Uint(8);
            let all = decode(&[
                account(),
                uint(),
                ParamType::Bytes,
                uint8,
                uint(),
                uint(),
                uint(),
                account(),
                account(),
                ParamType::Bytes,
            ])?;
            let inner = Frame { caller: to, to: who(&all[0]), value: amount(&all[1]), ..frame };
            let data = all[2].clone().into_bytes()?;
            operate(effects, inner, &data, amount(&all[3]))?;
        }
        Some([0x8d, 0x80, 0xff, 0x0a]) => {
            effects.push(called(frame, EffectKind::ContractCall, None));
            batch(effects, Frame { caller: to, ..frame }, data)?;
        }
        Some(_) | None if is_ours(data) => effects.push(unread()),
        Some(_) | None => {
            effects.push(called(frame, EffectKind::ContractCall, Some(Flag::UnknownSelector)));
        }
    }
    Some(())
}

/// What stands for a call that is not read here: nothing is compared.
pub(super) fn unread() -> Told {
    (EffectKind::ContractCall, "unread".to_owned(), U256::ZERO, Address::ZERO, vec![])
}

/// Whether a selector that is not read here is one that we read.
fn is_ours(data: &[u8]) -> bool {
    !matches!(abi::read(data), Ok(abi::Calldata::Unknown))
}

fn operate(effects: &mut Vec<Told>, frame: Frame, data: &[u8], operation: U256) -> Option<()> {
    if operation.is_zero() {
        return call(effects, frame, data);
    }
    let frame = Frame { delegated: true, ..frame };
    effects.push(called(frame, EffectKind::AuthorityChange, None));
    if data.get(..4) != Some([0x8d, 0x80, 0xff, 0x0a].as_slice()) {
        return Some(());
    }
    batch(effects, frame, data)
}

/// The transactions of a MultiSend, made by the frame's caller.
fn batch(effects: &mut Vec<Told>, frame: Frame, data: &[u8]) -> Option<()> {
    let all = ethabi::decode(&[ParamType::Bytes], &data[4..]).ok()?;
    let batch = all[0].clone().into_bytes()?;
    let mut rest = batch.as_slice();
    while !rest.is_empty() {
        let length = usize::try_from(U256::from_be_slice(rest.get(53..85)?)).ok()?;
        let to = Address::from_slice(&rest[1..21]);
        let value = U256::from_be_slice(&rest[21..53]);
        let inner = Frame { to, value, ..frame };
        operate(effects, inner, rest.get(85..85 + length)?, U256::from(rest[0]))?;
        rest = &rest[85 + length..];
    }
    Some(())
}

fn who(token: &Token) -> Address {
    Address::from_slice(token.clone().into_address().unwrap().as_bytes())
}

fn amount(token: &Token) -> U256 {
    let mut bytes = [0; 32];
    token.clone().into_uint().unwrap().to_big_endian(&mut bytes);
    U256::from_be_bytes(bytes)
}
