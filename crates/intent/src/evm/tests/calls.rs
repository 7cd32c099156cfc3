//! What calls are told as.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, TxKind, U256};

use super::*;

fn native() -> String {
    "slip44:60".to_owned()
}

fn bool(bool: bool) -> DynSolValue {
    DynSolValue::Bool(bool)
}

fn word() -> DynSolValue {
    DynSolValue::FixedBytes(Default::default(), 32)
}

fn small(number: u64, bits: usize) -> DynSolValue {
    DynSolValue::Uint(U256::from(number), bits)
}

fn calls_token(signature: &str, arguments: Vec<DynSolValue>) -> Vec<Told> {
    told(calling(TOKEN, 0, calldata(signature, arguments)))
}

/// An `execTransaction` of the Safe.
pub(in super::super) fn executed(to: Address, value: u64, data: &[u8], operation: u64) -> Vec<u8> {
    let signature = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)";
    calldata(
        signature,
        vec![
            address(to),
            uint(value),
            bytes(data),
            small(operation, 8),
            uint(0),
            uint(0),
            uint(0),
            address(Address::ZERO),
            address(Address::ZERO),
            bytes(&[7; 65]),
        ],
    )
}

pub(in super::super) fn packed(operation: u8, to: Address, value: u64, data: &[u8]) -> Vec<u8> {
    let value = U256::from(value).to_be_bytes::<32>();
    let length = U256::from(data.len()).to_be_bytes::<32>();
    [&[operation], to.as_slice(), &value, &length, data].concat()
}

fn transfer_of(amount: u64) -> Vec<u8> {
    calldata("transfer(address,uint256)", vec![address(BOB), uint(amount)])
}

#[test]
fn value_and_call_are_effects_each() {
    let unknown = told(calling(TOKEN, 5, vec![1, 2, 3, 4, 5]));
    let flags = vec![Flag::UnknownSelector];
    assert_eq!(
        unknown,
        [
            (EffectKind::Transfer, native(), U256::from(5), TOKEN, vec![]),
            (EffectKind::ContractCall, native(), U256::ZERO, TOKEN, flags),
        ]
    );
    let with_value = told(calling(TOKEN, 5, transfer_of(9)));
    assert_eq!(
        with_value,
        [
            (EffectKind::Transfer, native(), U256::from(5), TOKEN, vec![]),
            (EffectKind::Transfer, erc20(), U256::from(9), BOB, vec![]),
        ]
    );
    let nothing = told(calling(own(), 0, vec![]));
    let flags = vec![Flag::SelfDestination];
    assert_eq!(nothing, [(EffectKind::Transfer, native(), U256::ZERO, own(), flags)]);
    let short = told(calling(TOKEN, 0, vec![0xa9, 0x05]));
    let flags = vec![Flag::UnknownSelector];
    assert_eq!(short, [(EffectKind::ContractCall, native(), U256::ZERO, TOKEN, flags)]);
}

#[test]
fn tokens_are_told_by_their_contract() {
    let transfer = EffectKind::Transfer;
    let five = || vec![address(BOB), uint(5)];
    let moved = calls_token("transfer(address,uint256)", five());
    assert_eq!(moved, [(transfer, erc20(), U256::from(5), BOB, vec![])]);
    let foreign = vec![Flag::ForeignFunds];
    let pulled = calls_token(
        "transferFrom(address,address,uint256)",
        vec![address(ALICE), address(BOB), uint(5)],
    );
    assert_eq!(pulled, [(transfer, erc20(), U256::from(5), BOB, foreign.clone())]);
    let one = format!("erc721:{TOKEN:#x}/8");
    for (signature, more) in [
        ("safeTransferFrom(address,address,uint256)", None),
        ("safeTransferFrom(address,address,uint256,bytes)", Some(bytes(b"x"))),
    ] {
        let arguments = [address(own()), address(BOB), uint(8)].into_iter().chain(more).collect();
        let moved = calls_token(signature, arguments);
        assert_eq!(moved, [(transfer, one.clone(), U256::from(1), BOB, vec![])]);
    }
    let several = calls_token(
        "safeTransferFrom(address,address,uint256,uint256,bytes)",
        vec![address(own()), address(BOB), uint(8), uint(3), bytes(&[])],
    );
    let id = |id: u64| format!("erc1155:{TOKEN:#x}/{id}");
    assert_eq!(several, [(transfer, id(8), U256::from(3), BOB, vec![])]);
    let batch = |ids: Vec<u64>, amounts: Vec<u64>| {
        let list = |all: Vec<u64>| DynSolValue::Array(all.into_iter().map(uint).collect());
        let signature = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)";
        let arguments = vec![address(own()), address(BOB), list(ids), list(amounts), bytes(&[])];
        calling(TOKEN, 0, calldata(signature, arguments))
    };
    assert_eq!(
        told(batch(vec![1, 2], vec![10, 20])),
        [
            (transfer, id(1), U256::from(10), BOB, vec![]),
            (transfer, id(2), U256::from(20), BOB, vec![]),
        ]
    );
    assert_eq!(told(batch(vec![], vec![])).len(), 1);
    let refused = refusal(batch(vec![1, 2], vec![10]));
    assert_eq!(refused, EvmError::BatchLengths { ids: 2, amounts: 1 });
}

#[test]
fn allowances_are_told_with_their_limit_or_without() {
    let allowance = EffectKind::Allowance;
    let approve = |amount: U256| {
        calls_token("approve(address,uint256)", vec![address(BOB), DynSolValue::Uint(amount, 256)])
    };
    assert_eq!(approve(U256::from(5)), [(allowance, erc20(), U256::from(5), BOB, vec![])]);
    assert_eq!(approve(U256::ZERO), [(allowance, erc20(), U256::ZERO, BOB, vec![])]);
    let most = (U256::from(1) << 160usize) - U256::from(1);
    let unlimited = vec![Flag::UnlimitedAllowance];
    assert_eq!(approve(most - U256::from(1))[0].4, vec![]);
    for amount in [most, U256::MAX] {
        assert_eq!(approve(amount), [(allowance, erc20(), amount, BOB, unlimited.clone())]);
    }
    let all = |approved| {
        calls_token("setApprovalForAll(address,bool)", vec![address(BOB), bool(approved)])
    };
    let collection = format!("erc721:{TOKEN:#x}");
    assert_eq!(all(true), [(allowance, collection.clone(), U256::MAX, BOB, unlimited.clone())]);
    assert_eq!(all(false), [(allowance, collection, U256::ZERO, BOB, vec![])]);
    let permit = calls_token(
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
        vec![address(ALICE), address(BOB), uint(5), uint(99), small(27, 8), word(), word()],
    );
    assert_eq!(permit, [(allowance, erc20(), U256::from(5), BOB, vec![Flag::ForeignFunds])]);
    let dai = calls_token(
        "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
        vec![
            address(own()),
            address(BOB),
            uint(1),
            uint(99),
            bool(true),
            small(27, 8),
            word(),
            word(),
        ],
    );
    assert_eq!(dai, [(allowance, erc20(), U256::MAX, BOB, unlimited)]);
}

#[test]
fn permit2_is_a_call_and_what_it_allows() {
    let permit2 = Address::repeat_byte(0x22);
    let approve = calldata(
        "approve(address,address,uint160,uint48)",
        vec![address(TOKEN), address(BOB), small(5, 160), small(99, 48)],
    );
    let called = (EffectKind::ContractCall, native(), U256::ZERO, permit2, vec![]);
    assert_eq!(
        told(calling(permit2, 0, approve)),
        [called.clone(), (EffectKind::Allowance, erc20(), U256::from(5), BOB, vec![]),]
    );
    let details = || {
        let most = DynSolValue::Uint((U256::from(1) << 160usize) - U256::from(1), 160);
        DynSolValue::Tuple(vec![address(TOKEN), most, small(9, 48), small(0, 48)])
    };
    let unlimited = vec![Flag::UnlimitedAllowance];
    let most = (U256::from(1) << 160usize) - U256::from(1);
    for (signature, details, count) in [
        ("permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)", details(), 1),
        (
            "permit(address,((address,uint160,uint48,uint48)[],address,uint256),bytes)",
            DynSolValue::Array(vec![details(), details()]),
            2,
        ),
    ] {
        let permit = DynSolValue::Tuple(vec![details, address(BOB), uint(9)]);
        let data = calldata(signature, vec![address(own()), permit, bytes(&[1; 65])]);
        let allowance = (EffectKind::Allowance, erc20(), most, BOB, unlimited.clone());
        let effects = told(calling(permit2, 0, data));
        assert_eq!(effects, [vec![called.clone()], vec![allowance; count]].concat());
    }
    let one = vec![address(ALICE), address(BOB), small(5, 160), address(TOKEN)];
    let moved = (EffectKind::Transfer, erc20(), U256::from(5), BOB, vec![Flag::ForeignFunds]);
    for (signature, arguments) in [
        ("transferFrom(address,address,uint160,address)", one.clone()),
        (
            "transferFrom((address,address,uint160,address)[])",
            vec![DynSolValue::Array(vec![DynSolValue::Tuple(one)])],
        ),
    ] {
        let effects = told(calling(permit2, 0, calldata(signature, arguments)));
        assert_eq!(effects, [called.clone(), moved.clone()]);
    }
}

#[test]
fn a_safe_does_what_its_transaction_says() {
    let effects = told(calling(SAFE, 0, executed(TOKEN, 3, &transfer_of(5), 0)));
    let foreign = vec![Flag::ForeignFunds];
    assert_eq!(
        effects,
        [
            (EffectKind::ContractCall, native(), U256::ZERO, SAFE, vec![]),
            (EffectKind::Transfer, native(), U256::from(3), TOKEN, foreign.clone()),
            (EffectKind::Transfer, erc20(), U256::from(5), BOB, foreign),
        ]
    );
}

/// Bybit, 2025: what was shown as a transfer ran a stranger's code as the Safe's own, under the name
/// `transfer(address,uint256)`.
#[test]
fn a_delegatecall_is_never_told_by_its_functions_name() {
    let effects = told(calling(SAFE, 0, executed(TOKEN, 0, &transfer_of(0), 1)));
    let flags = vec![Flag::Delegatecall, Flag::ForeignFunds];
    assert_eq!(
        effects,
        [
            (EffectKind::ContractCall, native(), U256::ZERO, SAFE, vec![]),
            (EffectKind::AuthorityChange, native(), U256::ZERO, TOKEN, flags),
        ]
    );
}

#[test]
fn a_batch_of_a_safe_is_told_call_by_call() {
    let multi_send = Address::repeat_byte(0x40);
    let batch = [packed(0, TOKEN, 0, &transfer_of(5)), packed(0, ALICE, 9, &[])].concat();
    let data = calldata("multiSend(bytes)", vec![bytes(&batch)]);
    let effects = told(calling(SAFE, 0, executed(multi_send, 0, &data, 1)));
    let flags = vec![Flag::Delegatecall, Flag::ForeignFunds];
    assert_eq!(
        effects,
        [
            (EffectKind::ContractCall, native(), U256::ZERO, SAFE, vec![]),
            (EffectKind::AuthorityChange, native(), U256::ZERO, multi_send, flags.clone()),
            (EffectKind::Transfer, erc20(), U256::from(5), BOB, flags.clone()),
            (EffectKind::Transfer, native(), U256::from(9), ALICE, flags),
        ]
    );
    // Called and not delegated to, it is a contract of its own.
    let called = told(calling(multi_send, 0, data));
    assert_eq!(called.len(), 3);
    assert_eq!(called[1].4, vec![Flag::ForeignFunds]);
}

#[test]
fn a_multicall_is_told_call_by_call() {
    let inner = DynSolValue::Array(vec![bytes(&transfer_of(5)), bytes(&[1, 2, 3, 4])]);
    for (signature, arguments) in [
        ("multicall(bytes[])", vec![inner.clone()]),
        ("multicall(uint256,bytes[])", vec![uint(99), inner]),
    ] {
        let effects = told(calling(TOKEN, 7, calldata(signature, arguments)));
        assert_eq!(
            effects,
            [
                (EffectKind::Transfer, native(), U256::from(7), TOKEN, vec![]),
                (EffectKind::ContractCall, native(), U256::ZERO, TOKEN, vec![]),
                (EffectKind::Transfer, erc20(), U256::from(5), BOB, vec![]),
                (
                    EffectKind::ContractCall,
                    native(),
                    U256::ZERO,
                    TOKEN,
                    vec![Flag::UnknownSelector]
                ),
            ]
        );
    }
}

#[test]
fn who_controls_what_is_an_effect_of_its_own() {
    let change = |flags| vec![(EffectKind::AuthorityChange, native(), U256::ZERO, TOKEN, flags)];
    for (signature, arguments) in [
        ("upgradeTo(address)", vec![address(BOB)]),
        ("upgradeToAndCall(address,bytes)", vec![address(BOB), bytes(&[1])]),
        ("changeAdmin(address)", vec![address(BOB)]),
    ] {
        assert_eq!(
            calls_token(signature, arguments),
            change(vec![Flag::ProxyUpgrade]),
            "{signature}"
        );
    }
    for (signature, arguments) in [
        ("transferOwnership(address)", vec![address(BOB)]),
        ("renounceOwnership()", vec![]),
        ("grantRole(bytes32,address)", vec![word(), address(BOB)]),
        ("addOwnerWithThreshold(address,uint256)", vec![address(BOB), uint(1)]),
        ("swapOwner(address,address,address)", vec![address(ALICE), address(BOB), address(SAFE)]),
        ("changeThreshold(uint256)", vec![uint(1)]),
        ("enableModule(address)", vec![address(BOB)]),
        ("setGuard(address)", vec![address(BOB)]),
        ("setFallbackHandler(address)", vec![address(BOB)]),
    ] {
        assert_eq!(calls_token(signature, arguments), change(vec![]), "{signature}");
    }
    let set_up = |code| {
        let list = DynSolValue::Array(vec![address(BOB)]);
        let none = || address(Address::ZERO);
        let arguments =
            vec![list, uint(1), address(code), bytes(&[]), none(), none(), uint(0), none()];
        let parameters = "setup(address[],uint256,address,bytes,address,address,uint256,address)";
        calls_token(parameters, arguments)
    };
    assert_eq!(set_up(Address::ZERO), change(vec![]));
    assert_eq!(set_up(BOB), change(vec![Flag::Delegatecall]));
    let detail = |data| decoded(calling(TOKEN, 0, data)).unwrap().intent.effects[0].detail.clone();
    let owner = detail(calldata("transferOwnership(address)", vec![address(BOB)]));
    assert_eq!(owner, format!("transferOwnership({})", BOB.to_checksum(None)));
}

#[test]
fn a_creation_names_the_contract_that_it_makes() {
    let bytes = TxEip1559 {
        to: TxKind::Create,
        value: U256::from(3),
        input: vec![0x60; 100].into(),
        ..transaction()
    }
    .encoded_for_signing();
    let made = own().create(7);
    let effect = (EffectKind::ContractCreation, native(), U256::from(3), made, vec![]);
    assert_eq!(told(bytes), [effect]);
}

#[test]
fn the_action_is_the_most_far_reaching_kind() {
    let action = |bytes| decoded(bytes).unwrap().intent.action();
    assert_eq!(action(calling(TOKEN, 5, transfer_of(1))), Some(EffectKind::Transfer));
    let delegated = calling(SAFE, 5, executed(TOKEN, 0, &[], 1));
    assert_eq!(action(delegated), Some(EffectKind::AuthorityChange));
}
