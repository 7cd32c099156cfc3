//! Typed data: what it is told as, and every refusal.

use alloy_primitives::Address;
use quorate_model::ChainId;
use serde_json::{Value, json};

use super::*;

/// The example of EIP-712.
pub(in super::super) fn mail() -> Value {
    json!({
        "types": {
            "EIP712Domain": domain_type(),
            "Person": [
                { "name": "name", "type": "string" },
                { "name": "wallet", "type": "address" },
            ],
            "Mail": [
                { "name": "from", "type": "Person" },
                { "name": "to", "type": "Person" },
                { "name": "contents", "type": "string" },
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
            "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
            "contents": "Hello, Bob!",
        },
    })
}

fn domain_type() -> Value {
    json!([
        { "name": "name", "type": "string" },
        { "name": "version", "type": "string" },
        { "name": "chainId", "type": "uint256" },
        { "name": "verifyingContract", "type": "address" },
    ])
}

fn read(document: &Value) -> Result<Decoded, DecodeError> {
    crate::decode(
        &Payload::EvmTypedData(document.to_string().into_bytes()),
        EvmKey::new(1).paying(),
    )
}

fn refused(document: &Value) -> TypedDataError {
    match read(document) {
        Err(DecodeError::Evm(EvmError::TypedData(error))) => error,
        other => panic!("{other:?}"),
    }
}

/// The refusal of the example after an edit.
fn refused_after(edit: impl FnOnce(&mut Value)) -> TypedDataError {
    let mut document = mail();
    edit(&mut document);
    refused(&document)
}

/// Typed data for a contract, of types as `encodeType` writes them, parts apart.
fn of(contract: Address, types: &[&str], message: Value) -> Value {
    let mut declared = json!({ "EIP712Domain": [
        { "name": "chainId", "type": "uint256" },
        { "name": "verifyingContract", "type": "address" },
    ] });
    let mut names = Vec::new();
    for text in types {
        let (name, fields) = text.strip_suffix(')').unwrap().split_once('(').unwrap();
        let fields = fields.split(',').map(|field| {
            let (of, name) = field.split_once(' ').unwrap();
            json!({ "name": name, "type": of })
        });
        declared[name] = fields.collect();
        names.push(name);
    }
    json!({
        "types": declared,
        "primaryType": names[0],
        "domain": { "chainId": "0x1", "verifyingContract": text(&contract) },
        "message": message,
    })
}

const DETAILS: &str = "PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";

#[test]
fn permits_are_allowances_too() {
    let (bob, token) = (text(&BOB), text(&TOKEN));
    let permit = of(
        TOKEN,
        &["Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"],
        json!({ "owner": text(&own()), "spender": bob, "value": "5", "nonce": 0, "deadline": 99 }),
    );
    let allowance = |amount, flags| (EffectKind::Allowance, erc20(), amount, BOB, flags);
    let told_of = |document: &Value| tell(&read(document).unwrap());
    let effects = told_of(&permit);
    assert_eq!(effects[0].0, EffectKind::TypedData);
    assert_eq!(effects[0].4, []);
    assert_eq!(effects[1..], [allowance(U256::from(5), vec![])]);
    let dai = of(
        TOKEN,
        &["Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)"],
        json!({ "holder": text(&ALICE), "spender": bob, "nonce": 0, "expiry": 0, "allowed": true }),
    );
    let flags = vec![Flag::UnlimitedAllowance, Flag::ForeignFunds];
    assert_eq!(told_of(&dai)[1..], [allowance(U256::MAX, flags)]);
    let most = (U256::from(1) << 160usize) - U256::from(1);
    let details =
        json!({ "token": token, "amount": most.to_string(), "expiration": 9, "nonce": 0 });
    for (types, details, count) in [
        (
            ["PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)", DETAILS],
            details.clone(),
            1,
        ),
        (
            ["PermitBatch(PermitDetails[] details,address spender,uint256 sigDeadline)", DETAILS],
            json!([details, details]),
            2,
        ),
    ] {
        let message = json!({ "details": details, "spender": bob, "sigDeadline": 99 });
        let effects = told_of(&of(SAFE, &types, message));
        let expected = vec![allowance(most, vec![Flag::UnlimitedAllowance]); count];
        assert_eq!(effects[1..], expected);
    }
    let types = [
        "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)",
        "TokenPermissions(address token,uint256 amount)",
    ];
    let permitted = json!({ "token": token, "amount": 5 });
    let message = json!({ "permitted": permitted, "spender": bob, "nonce": 1, "deadline": 2 });
    assert_eq!(told_of(&of(SAFE, &types, message))[1..], [allowance(U256::from(5), vec![])]);
    let types = [
        "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Order witness)",
        "Order(address swapper)",
        "TokenPermissions(address token,uint256 amount)",
    ];
    let permitted = json!({ "token": token, "amount": 5 });
    let message = json!({
        "permitted": permitted, "spender": bob, "nonce": 1, "deadline": 2,
        "witness": { "swapper": text(&own()) },
    });
    assert_eq!(told_of(&of(SAFE, &types, message))[1..], [allowance(U256::from(5), vec![])]);
}

#[test]
fn an_authorization_of_a_transfer_is_that_transfer() {
    for name in ["TransferWithAuthorization", "ReceiveWithAuthorization"] {
        let kind = format!(
            "{name}(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        let message = |from: Address| {
            json!({
                "from": text(&from), "to": text(&BOB), "value": 5, "validAfter": 0,
                "validBefore": 99, "nonce": format!("0x{}", "07".repeat(32)),
            })
        };
        let effects = |from| tell(&read(&of(TOKEN, &[&kind], message(from))).unwrap());
        let transfer = |flags| (EffectKind::Transfer, erc20(), U256::from(5), BOB, flags);
        assert_eq!(effects(own())[1..], [transfer(vec![])]);
        assert_eq!(effects(ALICE)[1..], [transfer(vec![Flag::ForeignFunds])]);
    }
}

#[test]
fn what_an_unknown_type_lets_happen_is_not_shown_and_flagged() {
    let effects = tell(&read(&mail()).unwrap());
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].4, [Flag::UnknownType]);
    // A known type, but no contract that acts on it.
    let permit =
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";
    let message = json!({
        "owner": text(&own()), "spender": text(&BOB), "value": 5, "nonce": 0, "deadline": 99,
    });
    let mut nobody = of(TOKEN, &[permit], message);
    nobody["domain"].as_object_mut().unwrap().remove("verifyingContract");
    nobody["types"]["EIP712Domain"].as_array_mut().unwrap().pop();
    let effects = tell(&read(&nobody).unwrap());
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].4, [Flag::UnknownType]);
}

fn safe_transaction(operation: u64, data: &str) -> Value {
    let types = [
        "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)",
    ];
    let zero = text(&Address::ZERO);
    of(
        SAFE,
        &types,
        json!({
            "to": text(&TOKEN), "value": 3, "data": data, "operation": operation, "safeTxGas": 0,
            "baseGas": 0, "gasPrice": 0, "gasToken": zero, "refundReceiver": zero, "nonce": 17,
        }),
    )
}

#[test]
fn a_safes_transaction_is_told_as_what_the_safe_does() {
    let transfer = calldata("transfer(address,uint256)", vec![address(BOB), uint(5)]);
    let document = safe_transaction(0, &format!("0x{}", hex::encode(transfer)));
    let effects = tell(&read(&document).unwrap());
    let foreign = vec![Flag::ForeignFunds];
    let native = "slip44:60".to_owned();
    assert_eq!(
        effects[1..],
        [
            (EffectKind::Transfer, native, U256::from(3), TOKEN, foreign.clone()),
            (EffectKind::Transfer, erc20(), U256::from(5), BOB, foreign),
        ]
    );
    let mut delegated = safe_transaction(1, "0x12345678");
    let refused = read(&delegated);
    assert_eq!(refused, Err(DecodeError::Evm(EvmError::DelegatedValue)));
    delegated["message"]["value"] = json!(0);
    let effects = tell(&read(&delegated).unwrap());
    assert_eq!(effects[1].0, EffectKind::AuthorityChange);
    assert_eq!(effects[1].4, [Flag::Delegatecall, Flag::ForeignFunds]);
}

#[test]
fn another_type_of_a_known_name_is_not_taken_for_it() {
    let types =
        ["Permit(address spender,address owner,uint256 value,uint256 nonce,uint256 deadline)"];
    let message = json!({
        "owner": text(&own()), "spender": text(&BOB), "value": 5, "nonce": 0, "deadline": 99,
    });
    let decoded = read(&of(TOKEN, &types, message)).unwrap();
    assert_eq!(decoded.intent.effects.len(), 1);
    assert_eq!(decoded.intent.effects[0].flags, [Flag::UnknownType]);
}

#[test]
fn a_document_is_its_four_members() {
    assert_eq!(refused(&json!([])), TypedDataError::Members);
    assert_eq!(refused_after(|d| d["more"] = json!(1)), TypedDataError::Members);
    for member in ["types", "primaryType", "domain", "message"] {
        let without = refused_after(|document| {
            document.as_object_mut().unwrap().remove(member);
        });
        assert_eq!(without, TypedDataError::Members);
    }
    let twice = mail().to_string().replacen('{', "{\"primaryType\":\"Mail\",", 1);
    let twice = crate::decode(&Payload::EvmTypedData(twice.into_bytes()), EvmKey::new(1).paying());
    assert!(matches!(
        twice,
        Err(DecodeError::Evm(EvmError::TypedData(TypedDataError::Json { .. })))
    ));
}

#[test]
fn the_domain_is_that_of_the_network_and_as_declared() {
    let found = "5".to_owned();
    let other = refused_after(|document| document["domain"]["chainId"] = json!(5));
    assert_eq!(other, TypedDataError::ChainId { found, expected: ChainId::ETHEREUM });
    let everywhere = refused_after(|document| {
        document["types"]["EIP712Domain"].as_array_mut().unwrap().remove(2);
        document["domain"].as_object_mut().unwrap().remove("chainId");
    });
    assert_eq!(everywhere, TypedDataError::NoChainId);
    let reordered =
        refused_after(|d| d["types"]["EIP712Domain"].as_array_mut().unwrap().swap(0, 1));
    assert_eq!(reordered, TypedDataError::DomainType);
    let undeclared = refused_after(|document| {
        document["types"].as_object_mut().unwrap().remove("EIP712Domain");
    });
    assert_eq!(undeclared, TypedDataError::DomainType);
    let more = refused_after(|document| document["domain"]["salt"] = json!("0x00"));
    assert!(matches!(more, TypedDataError::Fields { .. }));
    let less = refused_after(|document| {
        document["domain"].as_object_mut().unwrap().remove("verifyingContract");
    });
    assert!(matches!(less, TypedDataError::Fields { .. }));
    let itself = refused_after(|document| document["primaryType"] = json!("EIP712Domain"));
    assert_eq!(itself, TypedDataError::DomainOnly);
}

#[test]
fn types_are_declared_once_used_and_finite() {
    let unused = refused_after(|d| d["types"]["Extra"] = json!([{ "name": "a", "type": "bool" }]));
    assert_eq!(unused, TypedDataError::UnusedType { name: "Extra".to_owned() });
    for name in [
        "Nobody",
        "uint",
        "int",
        "byte",
        "uint7",
        "function",
        "uint256[0]",
        "uint256[01]",
        "uint256[",
        "(address)",
        "EIP712Domain",
        "bool[][][][][]",
        "string string",
    ] {
        let undeclared = refused_after(|d| d["types"]["Mail"][2]["type"] = json!(name));
        assert!(
            matches!(undeclared, TypedDataError::UndeclaredType { .. }),
            "{name}: {undeclared}"
        );
    }
    for (name, fields) in [
        ("uint256", json!([{ "name": "a", "type": "bool" }])),
        ("Two Words", json!([{ "name": "a", "type": "bool" }])),
        ("Extra", json!([{ "name": "a", "type": "bool" }, { "name": "a", "type": "bool" }])),
        ("Extra", json!([{ "name": "a b", "type": "bool" }])),
        ("Extra", json!([{ "name": "a", "type": "bool", "more": 1 }])),
        ("Extra", json!([{ "name": "a" }])),
        ("Extra", json!("bool")),
    ] {
        let refused = refused_after(|document| document["types"][name] = fields);
        assert!(matches!(refused, TypedDataError::Declaration { .. }), "{name}: {refused}");
    }
    let circle = refused_after(|document| document["types"]["Person"][0]["type"] = json!("Mail[]"));
    assert!(matches!(circle, TypedDataError::Recursive { .. }));
    // 2^40 fields behind a list that is empty.
    let doubling = refused_after(|document| {
        for depth in 0..40 {
            let inner = format!("T{}", depth + 1);
            let fields = json!([{ "name": "a", "type": inner }, { "name": "b", "type": inner }]);
            document["types"][format!("T{depth}")] = fields;
        }
        document["types"]["T40"] = json!([{ "name": "a", "type": "bool" }]);
        document["types"]["Mail"][2]["type"] = json!("T0[]");
        document["message"]["contents"] = json!([]);
    });
    assert!(matches!(doubling, TypedDataError::Recursive { .. }));
}

#[test]
fn values_have_exactly_the_declared_fields() {
    let more = refused_after(|document| document["message"]["cc"] = json!("x"));
    assert!(matches!(more, TypedDataError::Fields { field, .. } if field == "cc"));
    let less = refused_after(|document| {
        document["message"]["from"].as_object_mut().unwrap().remove("name");
    });
    assert!(matches!(less, TypedDataError::Fields { place, .. } if place == "message.from"));
}

#[test]
fn values_have_one_spelling() {
    let with = |of: &str, value: Value| {
        let mut document = mail();
        document["types"]["Mail"][2]["type"] = json!(of);
        document["message"]["contents"] = value;
        read(&document)
    };
    for (of, value) in [
        ("uint8", json!(255)),
        (
            "uint256",
            json!("115792089237316195423570985008687907853269984665640564039457584007913129639935"),
        ),
        ("uint256", json!("0xff")),
        ("int8", json!(-128)),
        ("int256", json!("-5")),
        ("bool", json!(false)),
        ("bytes", json!("0x")),
        ("bytes2", json!("0xab12")),
        ("uint8[2][]", json!([[1, 2], [3, 4]])),
        ("string", json!("")),
    ] {
        assert!(with(of, value.clone()).is_ok(), "{of} {value}");
    }
    for (of, value) in [
        ("uint8", json!(256)),
        ("uint8", json!(-1)),
        ("uint8", json!("")),
        ("uint8", json!("1_0")),
        ("uint8", json!("0b1")),
        ("uint8", json!("+1")),
        ("uint8", json!(" 1")),
        ("uint8", json!("0x")),
        ("uint8", json!([1])),
        ("int8", json!(128)),
        ("int8", json!("0x1")),
        ("int8", json!("--1")),
        ("bool", json!("true")),
        ("bool", json!(1)),
        ("address", json!("cd2a3d9f938e13cd947ec05abc7fe734df8dd826")),
        ("address", json!("0xcD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826")),
        ("bytes", json!("abcd")),
        ("bytes", json!("0xabc")),
        ("bytes", json!([1, 2])),
        ("bytes2", json!("0xab")),
        ("bytes2", json!("0xab1234")),
        ("string", json!(5)),
        ("uint8[2]", json!([1])),
        ("uint8[]", json!(1)),
    ] {
        let refused = with(of, value.clone());
        assert!(matches!(refused, Err(DecodeError::Evm(EvmError::TypedData(_)))), "{of} {value}");
    }
}

#[test]
fn typed_data_is_no_longer_than_people_read() {
    let long = refused_after(|d| d["message"]["contents"] = json!("a".repeat(8_192)));
    assert!(matches!(long, TypedDataError::Long { max: 8_192, .. }));
}
