//! PSBTs.

use bitcoin::psbt::PsbtSighashType;
use bitcoin::secp256k1::XOnlyPublicKey;
use bitcoin::taproot::TapNodeHash;
use bitcoin::{Amount, OutPoint, Psbt, ScriptBuf, Transaction, TxOut};
use quorate_intent::bitcoin::{Place, PsbtError, extract, finalize};
use quorate_intent::compose::{Coin, Payment, bitcoin_payment};
use quorate_intent::{Address, Asset};
use quorate_model::{Network, Scheme};
use quorate_policy::{Bundle, Denial, NearestRule};

use crate::cluster::{Cluster, bundle};
use crate::judge::accepted;

/// BIP-84's first test address, on regtest.
pub(crate) const PAYEE: &str = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx";
/// What the thief's output pays to: P2WPKH of a hash that nobody knows a key of.
const THIEF: [u8; 22] = [
    0x00, 0x14, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
];
const COINS: [u64; 2] = [300_000, 700_000];
const PAID: u64 = 500_000;
const FEE: u64 = 500;

type Case = (&'static str, Vec<u8>, PsbtError);

/// What everybody believes to sign: two coins, one payment, change.
pub(crate) fn harmless(cluster: &Cluster) -> Vec<u8> {
    let outpoints = [1, 2].map(|number| format!("{number:064x}:{number}"));
    let coins = [0, 1].map(|n| Coin { outpoint: &outpoints[n], sats: COINS[n] });
    let payee = Address::parse(PAYEE, Network::BitcoinRegtest).unwrap();
    let payments = [Payment { address: &payee, sats: PAID }];
    bitcoin_payment(cluster.paying(), &coins, &payments, FEE).unwrap()
}

fn edited(cluster: &Cluster, edit: impl FnOnce(&mut Psbt)) -> Vec<u8> {
    let mut psbt = Psbt::deserialize(&harmless(cluster)).unwrap();
    edit(&mut psbt);
    psbt.serialize()
}

fn thief() -> ScriptBuf {
    ScriptBuf::from_bytes(THIEF.to_vec())
}

fn foreign_key() -> XOnlyPublicKey {
    bitcoin::PublicKey::from_slice(&[2; 33]).unwrap().inner.x_only_public_key().0
}

fn utxo(psbt: &mut Psbt, input: usize) -> &mut TxOut {
    psbt.inputs[input].witness_utxo.as_mut().unwrap()
}

/// Puts in a previous transaction that says the truth about an input.
fn tell_the_truth(psbt: &mut Psbt, input: usize) {
    let spent = utxo(psbt, input).clone();
    let previous = Transaction { output: vec![spent], ..psbt.unsigned_tx.clone() };
    let outpoint = OutPoint { txid: previous.compute_txid(), vout: 0 };
    psbt.unsigned_tx.input[input].previous_output = outpoint;
    psbt.inputs[input].non_witness_utxo = Some(previous);
}

fn amounts(cluster: &Cluster) -> Vec<Case> {
    let less = Amount::from_sat(1_000);
    vec![
        (
            "an amount that the previous transaction denies",
            edited(cluster, |psbt| {
                tell_the_truth(psbt, 1);
                utxo(psbt, 1).value += less;
            }),
            PsbtError::PreviousTransaction { input: 1 },
        ),
        (
            "a previous transaction of another coin",
            edited(cluster, |psbt| {
                tell_the_truth(psbt, 0);
                psbt.inputs[1].non_witness_utxo = psbt.inputs[0].non_witness_utxo.clone();
            }),
            PsbtError::PreviousTransaction { input: 1 },
        ),
        (
            "an amount that nobody says",
            edited(cluster, |psbt| psbt.inputs[0].witness_utxo = None),
            PsbtError::MissingWitnessUtxo { input: 0 },
        ),
        (
            "outputs worth more than the inputs are said to be",
            edited(cluster, |psbt| utxo(psbt, 1).value = less),
            PsbtError::NegativeFee { inputs: 301_000, outputs: COINS[0] + COINS[1] - FEE },
        ),
        (
            "amounts that overflow",
            edited(cluster, |psbt| {
                for input in [0, 1] {
                    utxo(psbt, input).value = Amount::MAX;
                }
            }),
            PsbtError::Overflow("inputs"),
        ),
    ]
}

fn inputs(cluster: &Cluster) -> Vec<Case> {
    let address = quorate_intent::address(cluster.paying()).unwrap().to_string();
    let unexpected = |field| PsbtError::Unexpected { place: Place::Input(1), field };
    vec![
        (
            "a foreign input",
            edited(cluster, |psbt| utxo(psbt, 1).script_pubkey = thief()),
            PsbtError::NotOurs { input: 1, address },
        ),
        (
            "a coin spent twice",
            edited(cluster, |psbt| {
                psbt.unsigned_tx.input[1].previous_output =
                    psbt.unsigned_tx.input[0].previous_output;
            }),
            PsbtError::RepeatedInput { input: 1 },
        ),
        (
            "a foreign internal key",
            edited(cluster, |psbt| psbt.inputs[1].tap_internal_key = Some(foreign_key())),
            PsbtError::InternalKey { place: Place::Input(1) },
        ),
        (
            "a hidden script path",
            edited(cluster, |psbt| {
                psbt.inputs[1].tap_merkle_root = Some(TapNodeHash::assume_hidden([7; 32]));
            }),
            unexpected("PSBT_IN_TAP_MERKLE_ROOT"),
        ),
        (
            "a script to run",
            edited(cluster, |psbt| psbt.inputs[1].witness_script = Some(thief())),
            unexpected("PSBT_IN_WITNESS_SCRIPT"),
        ),
    ]
}

/// Signatures that leave something for somebody else to fill in.
fn sighash_types(cluster: &Cluster) -> impl Iterator<Item = Case> {
    [("NONE", 2), ("SINGLE", 3), ("ALL|ACP", 0x81), ("NONE|ACP", 0x82), ("SINGLE|ACP", 0x83)]
        .map(|(name, sighash_type)| {
            let payload = edited(cluster, |psbt| {
                psbt.inputs[1].sighash_type = Some(PsbtSighashType::from_u32(sighash_type));
            });
            (name, payload, PsbtError::SighashType { input: 1, sighash_type })
        })
        .into_iter()
}

fn outputs_and_form(cluster: &Cluster) -> Vec<Case> {
    let harmless = harmless(cluster);
    let offset = harmless.len();
    let unknown = ScriptBuf::from_bytes(vec![0x51]);
    let field = bitcoin::psbt::raw::Key { type_value: 0x42, key: vec![] };
    vec![
        (
            "change with a script tree",
            edited(cluster, |psbt| psbt.outputs[1].witness_script = Some(thief())),
            PsbtError::Unexpected { place: Place::Output(1), field: "PSBT_OUT_WITNESS_SCRIPT" },
        ),
        (
            "change with a foreign internal key",
            edited(cluster, |psbt| psbt.outputs[1].tap_internal_key = Some(foreign_key())),
            PsbtError::InternalKey { place: Place::Output(1) },
        ),
        (
            "an output that anybody can spend",
            edited(cluster, |psbt| psbt.unsigned_tx.output[0].script_pubkey = unknown.clone()),
            PsbtError::UnknownScript { output: 0, script: unknown.to_hex_string() },
        ),
        (
            "an unknown field",
            edited(cluster, |psbt| drop(psbt.unknown.insert(field, vec![]))),
            PsbtError::UnknownField { place: Place::Global, key_type: 0x42 },
        ),
        (
            "trailing bytes",
            [harmless.as_slice(), &[0]].concat(),
            PsbtError::TrailingBytes { offset },
        ),
        (
            "two PSBTs",
            [harmless.as_slice(), &harmless].concat(),
            PsbtError::TrailingBytes { offset },
        ),
    ]
}

#[test]
fn psbts_that_are_not_what_they_seem_are_denied() {
    let mut cluster = Cluster::new(Scheme::FrostSecp256k1Tr);
    let mut cases = [amounts(&cluster), inputs(&cluster), outputs_and_form(&cluster)].concat();
    cases.extend(sighash_types(&cluster));
    for (name, payload, expected) in cases {
        cluster.refuses(name, &payload, &expected.into());
    }
}

/// A PSBT may say any amount of a coin where no previous transaction comes with it, and a node knows
/// no chain. But a Taproot signature covers every amount (BIP-341), so a lie gives no transaction:
/// neither alone nor put together from two sessions, as in the fee attack on segwit version 0. Each
/// session is with nodes that know nothing of the others; those that do refuse it.
#[test]
fn a_signature_over_lied_amounts_spends_nothing() {
    let cluster = Cluster::new(Scheme::FrostSecp256k1Tr);
    let honest = harmless(&cluster);
    let signed = |payload: &[u8]| signed(&mut Cluster::new(Scheme::FrostSecp256k1Tr), payload);
    let lie = |input: usize| {
        edited(&cluster, |psbt| {
            // The coin is said to be smaller, and the difference would be fee.
            utxo(psbt, input).value -= Amount::from_sat(100_000);
            psbt.unsigned_tx.output[1].value -= Amount::from_sat(100_000);
        })
    };
    let lies = [lie(0), lie(1)];
    let truth = spent(&honest);
    assert!(accepted(&signed(&honest), &truth), "the judge knows a good one");
    let mut witnesses = Vec::new();
    for (input, payload) in lies.iter().enumerate() {
        let fee = cluster.decoding(payload).unwrap().intent.fee.base_units;
        assert_eq!(fee.to_string(), FEE.to_string(), "that is what everybody is shown");
        let transaction = signed(payload);
        assert!(accepted(&transaction, &spent(payload)), "as said, it would be good");
        assert!(!accepted(&transaction, &truth), "on the chain it is not");
        let transaction: Transaction = bitcoin::consensus::deserialize(&transaction).unwrap();
        // Of each session, the input whose amount was said right.
        witnesses.push((1 - input, transaction));
    }
    let [(right, mut together), (other, second)] = witnesses.try_into().unwrap();
    assert_ne!(right, other);
    together.input[other].witness = second.input[other].witness.clone();
    assert!(!accepted(&bitcoin::consensus::serialize(&together), &truth));
}

/// Of two sessions that say different amounts of one coin, the second is refused.
#[test]
fn a_second_amount_of_one_coin_is_denied() {
    let mut cluster = Cluster::new(Scheme::FrostSecp256k1Tr);
    let honest = harmless(&cluster);
    let request = cluster.request(&honest);
    let certified = cluster.certified.clone();
    let what = quorate_testkit::ToSign {
        digest: request.digest(),
        messages: cluster.decoding(&honest).unwrap().signing_messages,
        subject: quorate_protocol::wire::Subject::Request(request.clone()),
    };
    // Every node is in one of these sets, and so has released.
    for (attempt, other) in [(1, 2), (2, 3)] {
        let set = crate::cluster::pair(crate::cluster::id(1), crate::cluster::id(other));
        cluster.lab.sign(what.clone(), &set, quorate_model::Attempt(attempt), &certified);
    }
    let lie = edited(&cluster, |psbt| {
        utxo(psbt, 1).value -= Amount::from_sat(1_000);
        psbt.unsigned_tx.output[1].value -= Amount::from_sat(1_000);
    });
    let outpoint = Psbt::deserialize(&honest).unwrap().unsigned_tx.input[1].previous_output;
    let reason = format!(
        "outpoint:{outpoint} is said to be 699000 sat, and was 700000 sat when shares were released \
         for request {}: one of them is a lie, take it from the chain",
        request.digest()
    );
    cluster.denies("another amount of a coin", &lie, &reason);
}

fn spent(payload: &[u8]) -> Vec<TxOut> {
    let inputs = Psbt::deserialize(payload).unwrap().inputs.into_iter();
    inputs.map(|input| input.witness_utxo.unwrap()).collect()
}

fn signed(cluster: &mut Cluster, payload: &[u8]) -> Vec<u8> {
    let signatures = cluster.sign(payload).into_iter();
    let signatures: Vec<[u8; 64]> = signatures.map(|bytes| bytes.try_into().unwrap()).collect();
    let paying = cluster.paying();
    extract(&finalize(payload, paying, &signatures).unwrap(), paying).unwrap()
}

const TITLE: &str = "A little, to known payees";
const LIMIT: u64 = PAID + 1_000;

fn strict() -> Bundle {
    let network = Network::BitcoinRegtest;
    let asset = Asset::native(network);
    let rule = format!(
        r#"@id("p1") @title("{TITLE}") permit (principal, action, resource) when {{
             context.limits.contains("little") &&
             context.destination in Custody::AddressList::"payees" }};"#
    );
    let tables = format!(
        "[limits.little]\nasset = \"{asset}\"\nper_transaction = \"{LIMIT}\"\n\
         [lists.payees]\nnetwork = \"{network}\"\naddresses = [\"{PAYEE}\"]\n"
    );
    bundle(&rule, &tables)
}

fn nearest(effect: usize, unmet: &str, observed: String) -> String {
    let (id, title, unmet) = ("p1".to_owned(), TITLE.to_owned(), unmet.to_owned());
    let nearest = Some(NearestRule { id, title, unmet, observed });
    let refused = Box::default();
    Denial::NotPermitted { effect, nearest, refused }.to_string()
}

/// What the decoder understands, and what only a limit and a list of payees can tell from theft.
#[test]
fn change_and_fee_are_judged_by_what_they_are() {
    let mut cluster = Cluster::under(Scheme::FrostSecp256k1Tr, &strict());
    let harmless = harmless(&cluster);
    assert_eq!(cluster.sign(&harmless).len(), 2);
    let destination = r#"context.destination in Custody::AddressList::"payees""#;
    let limit = r#"context.limits.contains("little")"#;
    let stolen_change = edited(&cluster, |psbt| {
        psbt.unsigned_tx.output[1].script_pubkey = thief();
        // Whatever the notes claim, the script alone counts.
        psbt.outputs[1].tap_internal_key = psbt.inputs[0].tap_internal_key;
    });
    let effects = cluster.decoding(&stolen_change).unwrap().intent.effects;
    let [_, stolen] = effects.as_slice() else { panic!("{effects:?}") };
    // Both effects take of the limit; the first that is not allowed is named.
    assert_eq!(stolen.amount.base_units.to_string(), "499500");
    let beyond = nearest(0, limit, "limits = []".to_owned());
    cluster.denies("change to a thief", &stolen_change, &beyond);
    let small_change = edited(&cluster, |psbt| {
        psbt.unsigned_tx.output[1].value -= Amount::from_sat(400);
        let taken = TxOut { value: Amount::from_sat(400), script_pubkey: thief() };
        psbt.unsigned_tx.output.push(taken);
        psbt.outputs.push(Default::default());
    });
    let thief = cluster.decoding(&small_change).unwrap().intent.effects[1].destination.clone();
    let unlisted = nearest(1, destination, format!("destination = {thief}, in lists []"));
    cluster.denies("a little of the change to a thief", &small_change, &unlisted);
    let high_fee = edited(&cluster, |psbt| {
        psbt.unsigned_tx.output[1].value -= Amount::from_sat(LIMIT - PAID - FEE + 1);
    });
    cluster.denies("a high fee", &high_fee, &beyond);
    let within = edited(&cluster, |psbt| {
        psbt.unsigned_tx.output[1].value -= Amount::from_sat(LIMIT - PAID - FEE);
    });
    // At nodes that have not signed another payment of the same coins.
    let mut cluster = Cluster::under(Scheme::FrostSecp256k1Tr, &strict());
    assert_eq!(cluster.sign(&within).len(), 2);
}
