//! A holder-to-be that says something else than it computed: every field of every message of the
//! library.

use dkls23_core::protocols::dkg::{
    BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, TransmitInitMulPhase3to4,
    TransmitInitZeroSharePhase2to4, TransmitInitZeroSharePhase3to4,
};
use dkls23_core::utilities::hashes::HashOutput;
use dkls23_core::utilities::proofs::DLogProof;
use k256_14::elliptic_curve::PrimeField as _;
use k256_14::{FieldBytes, Scalar, Secp256k1 as Curve};

use super::faults::Blame::{Nobody, Sender, Unnoticed};
use super::faults::{Case, Fault, Message, victim};
use super::tree::Tree;
use super::*;
use crate::AbortReason;

/// Has no factor in common with the number of kinds of faults: so there are all kinds in the sample.
const SAMPLE_STEP: usize = 47;

type Commitments = (HashOutput, BroadcastDerivationPhase2to4);
type Openings = (DLogProof<Curve>, BroadcastDerivationPhase3to4);
type Pair = (TransmitInitZeroSharePhase3to4, TransmitInitMulPhase3to4<Curve>);

static MESSAGES: [Message; 5] = [
    Message { round: 1, private: true, parse: fragment, fields: &[("", Nobody)] },
    Message {
        round: 2,
        private: false,
        parse: Tree::of::<Commitments>,
        fields: &[
            ("", Sender),
            ("0", Sender),
            ("1", Sender),
            ("1.sender_index", Sender),
            ("1.cc_commitment", Sender),
        ],
    },
    Message {
        round: 2,
        private: true,
        parse: Tree::of::<TransmitInitZeroSharePhase2to4>,
        fields: &[
            ("", Sender),
            ("parties", Sender),
            ("parties.sender", Sender),
            ("parties.receiver", Sender),
            ("commitment", Sender),
        ],
    },
    Message {
        round: 3,
        private: false,
        parse: Tree::of::<Openings>,
        fields: &[
            ("", Sender),
            ("0", Sender),
            ("0.point", Sender),
            ("0.rand_commitments", Sender),
            ("0.rand_commitments[]", Sender),
            ("0.proofs", Sender),
            ("0.proofs[]", Sender),
            ("0.proofs[].challenge", Sender),
            ("0.proofs[].challenge_response", Sender),
            ("1", Sender),
            ("1.sender_index", Sender),
            ("1.aux_chain_code", Sender),
            ("1.cc_salt", Sender),
        ],
    },
    Message {
        round: 3,
        private: true,
        parse: Tree::of::<Pair>,
        fields: &[
            ("", Sender),
            ("0", Sender),
            ("0.parties", Sender),
            ("0.parties.sender", Sender),
            ("0.parties.receiver", Sender),
            ("0.seed", Sender),
            ("0.salt", Sender),
            ("1", Sender),
            ("1.parties", Sender),
            ("1.parties.sender", Sender),
            ("1.parties.receiver", Sender),
            ("1.dlog_proof", Sender),
            ("1.dlog_proof.point", Sender),
            ("1.dlog_proof.rand_commitments", Sender),
            ("1.dlog_proof.rand_commitments[]", Sender),
            ("1.dlog_proof.proofs", Sender),
            ("1.dlog_proof.proofs[]", Sender),
            ("1.dlog_proof.proofs[].challenge", Sender),
            ("1.dlog_proof.proofs[].challenge_response", Sender),
            ("1.nonce", Unnoticed),
            ("1.enc_proofs", Sender),
            ("1.enc_proofs[]", Sender),
            ("1.enc_proofs[].proof0", Sender),
            ("1.enc_proofs[].proof0.base_g", Sender),
            ("1.enc_proofs[].proof0.base_h", Sender),
            ("1.enc_proofs[].proof0.point_u", Sender),
            ("1.enc_proofs[].proof0.point_v", Sender),
            ("1.enc_proofs[].proof0.challenge_response", Sender),
            ("1.enc_proofs[].proof1", Sender),
            ("1.enc_proofs[].proof1.base_g", Sender),
            ("1.enc_proofs[].proof1.base_h", Sender),
            ("1.enc_proofs[].proof1.point_u", Sender),
            ("1.enc_proofs[].proof1.point_v", Sender),
            ("1.enc_proofs[].proof1.challenge_response", Sender),
            ("1.enc_proofs[].commitments0", Sender),
            ("1.enc_proofs[].commitments0.rc_g", Sender),
            ("1.enc_proofs[].commitments0.rc_h", Sender),
            ("1.enc_proofs[].commitments1", Sender),
            ("1.enc_proofs[].commitments1.rc_g", Sender),
            ("1.enc_proofs[].commitments1.rc_h", Sender),
            ("1.enc_proofs[].challenge0", Sender),
            ("1.enc_proofs[].challenge1", Sender),
            ("1.seed", Sender),
        ],
    },
];

/// The fragment of a polynomial is written by us: a scalar, and nothing around it.
fn fragment(bytes: &[u8]) -> Option<Tree> {
    let bytes = <[u8; 32]>::try_from(bytes).ok()?;
    let scalar = Option::<Scalar>::from(Scalar::from_repr(FieldBytes::from(bytes)));
    scalar.map(|_| Tree::Array(bytes.to_vec()))
}

fn cases() -> Vec<Case> {
    MESSAGES.iter().flat_map(|message| message.cases(&key().said)).collect()
}

/// Makes a key with the fault in it: nobody is blamed wrongly, and there is no key that everybody has,
/// or none that the pair could sign with, so that it is never announced.
fn try_case(case: &Case) {
    let fixture = &key().fixture;
    let (backend, expected) = case.backend(&key().said);
    let mut ended = generate(fixture, &Doing::with(Arc::new(backend)));
    let Some(blame) = expected.lock().unwrap().take() else {
        assert!(case.may_change_nothing(), "{case}: as it would have been");
        return;
    };
    if blame == Unnoticed {
        return unnoticed(case, ended);
    }
    // Who is told differs; what does not add up in round 1 concerns all.
    let all = !case.message.private || blame == Nobody;
    for honest in if all { vec![victim(), id(2)] } else { vec![victim()] } {
        let ended = ended.remove(&honest).unwrap_or_else(|| panic!("{case}: went on at {honest}"));
        let abort = ended.err().unwrap_or_else(|| panic!("{case}: a key at {honest}"));
        assert!(blame.is_of(&abort), "{case}: {blame:?} expected at {honest}, {abort:?}");
    }
}

fn unnoticed(case: &Case, ended: Ended<Share>) {
    let shares: BTreeMap<_, _> =
        ended.into_iter().map(|(id, share)| (id, share.unwrap())).collect();
    let signing = |signers| {
        let context = context(key(), signers, vec![vec![7; 32]]);
        signatures(&key().fixture, &shares, &context)
    };
    assert!(signing([1, 2]).is_ok(), "{case}: the others");
    let abort = signing([1, 3]).expect_err("the pair");
    // Not a failed check: what the pair shares differs, and that shows before.
    assert!(matches!(abort.reason, AbortReason::Refused { .. }), "{case}: {abort:?}");
    assert!(abort.culprits.is_empty());
}

/// Some of them: each takes a key generation, and all of them minutes.
#[test]
fn a_false_field_of_a_key_generation_makes_no_key_that_signs() {
    cases().iter().step_by(SAMPLE_STEP).for_each(try_case);
}

/// The one field that no check of a key generation covers.
#[test]
fn a_false_nonce_makes_a_pair_that_never_signs_and_so_no_active_key() {
    let of_nonce = |case: &Case| case.blame == Unnoticed && case.fault == Fault::Flipped;
    let cases: Vec<_> = cases().into_iter().filter(of_nonce).collect();
    assert_eq!(cases.len(), 1);
    cases.iter().for_each(try_case);
}

#[test]
#[ignore = "minutes: `just faults`"]
fn every_fault_of_every_field_of_a_key_generation() {
    let cases = cases();
    std::thread::scope(|threads| {
        for part in cases.chunks(cases.len().div_ceil(2)) {
            threads.spawn(move || {
                for case in part {
                    try_case(case);
                    println!("{case}: as expected");
                }
            });
        }
    });
}
