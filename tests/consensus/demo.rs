//! What real processes signed: the reports of `quorate demo -o json`, which `tests/e2e/run` makes.

use std::{env, fs};

use ::bitcoin::{Amount, ScriptBuf, TxOut};
use serde_json::Value;

use crate::judge::accepted;

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn prevout(value: &Value) -> TxOut {
    TxOut {
        value: Amount::from_sat(value["sats"].as_u64().unwrap()),
        script_pubkey: ScriptBuf::from_bytes(bytes(&value["script_pubkey"])),
    }
}

/// Judges the reports in the folder `QUORATE_DEMOS`; without it there is nothing to judge.
#[test]
fn the_consensus_code_accepts_what_a_demo_signed() {
    let Some(folder) = env::var_os("QUORATE_DEMOS") else { return };
    let mut judged = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let report: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for signature in report["signatures"].as_array().unwrap() {
            if signature["scheme"] != "frost-secp256k1-tr" {
                continue;
            }
            let transaction = bytes(&signature["transaction"]);
            let spent: Vec<_> =
                signature["prevouts"].as_array().unwrap().iter().map(prevout).collect();
            assert!(!spent.is_empty(), "{}: it spends something", path.display());
            assert!(accepted(&transaction, &spent), "{}", path.display());
            for input in 0..spent.len() {
                let mut poorer = spent.clone();
                poorer[input].value -= Amount::from_sat(1);
                assert!(!accepted(&transaction, &poorer), "{}: input {input}", path.display());
            }
            judged += 1;
        }
    }
    assert!(judged >= 3, "only {judged} transactions in the reports");
}
