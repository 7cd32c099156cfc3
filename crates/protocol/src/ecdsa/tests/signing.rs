//! A signer that says something else than it computed: every field of every message of the library.

use dkls23_core::protocols::signing::{TransmitPhase1to2, TransmitPhase2to3};
use k256_14::Secp256k1 as Curve;

use super::faults::Blame::{Pair, Sender, SenderOrPair};
use super::faults::{Message, victim};
use super::tree::Tree;
use super::*;

static MESSAGES: [Message; 2] = [
    Message {
        round: 1,
        private: true,
        parse: Tree::of::<TransmitPhase1to2>,
        fields: &[
            ("", SenderOrPair),
            ("parties", Sender),
            ("parties.sender", Sender),
            ("parties.receiver", Sender),
            ("session_binding", Sender),
            ("commitment", Sender),
            ("mul_transmit", Pair),
            ("mul_transmit.nonce", Pair),
            ("mul_transmit.u", Pair),
            ("mul_transmit.verify_x", Pair),
            ("mul_transmit.verify_t", Pair),
            ("mul_transmit.verify_t[]", Pair),
        ],
    },
    Message {
        round: 2,
        private: true,
        parse: Tree::of::<TransmitPhase2to3<Curve>>,
        fields: &[
            ("", SenderOrPair),
            ("parties", Sender),
            ("parties.sender", Sender),
            ("parties.receiver", Sender),
            ("session_binding", Sender),
            ("gamma_u", Pair),
            ("gamma_v", Pair),
            ("psi", Sender),
            ("public_share", Pair),
            ("instance_point", Sender),
            ("salt", Sender),
            ("mul_transmit", Pair),
            ("mul_transmit.vector_of_tau", Pair),
            ("mul_transmit.vector_of_tau[]", Pair),
            ("mul_transmit.vector_of_tau[][]", Pair),
            ("mul_transmit.ote_salt", Pair),
            ("mul_transmit.verify_r", Pair),
            ("mul_transmit.verify_u", Pair),
            ("mul_transmit.verify_u[]", Pair),
            ("mul_transmit.gamma_sender", Pair),
            ("mul_transmit.gamma_sender[]", Pair),
        ],
    },
];

/// What is said in an honest signing.
fn earlier() -> &'static Said {
    static SAID: OnceLock<Said> = OnceLock::new();
    SAID.get_or_init(|| {
        let key = key();
        let listening = Meddling::nothing();
        let doing = Doing::with(Arc::new(listening.clone()));
        sign(&key.fixture, &key.shares, &context(key, [1, 3], vec![vec![7; 32]]), &doing);
        listening.said()
    })
}

#[test]
fn no_field_of_a_signing_makes_a_signature_or_blames_anybody_wrongly() {
    let key = key();
    let context = context(key, [1, 3], vec![vec![7; 32]]);
    for case in MESSAGES.iter().flat_map(|message| message.cases(earlier())) {
        let (backend, expected) = case.backend(earlier());
        let doing = Doing::with(Arc::new(backend));
        let (_, ended) = sign(&key.fixture, &key.shares, &context, &doing);
        let expected = expected.lock().unwrap().take();
        let Some(blame) = expected else {
            assert!(case.may_change_nothing(), "{case}: as it would have been");
            continue;
        };
        let abort = ended[&victim()].as_ref().err().unwrap_or_else(|| panic!("{case}: signed"));
        assert!(blame.is_of(abort), "{case}: {blame:?} expected, {abort:?}");
    }
    // Nothing lasts: the honest two sign.
    let honest = super::context(key, [1, 2], vec![vec![7; 32]]);
    assert!(signatures(&key.fixture, &key.shares, &honest).is_ok());
}
