//! One node that lies: the others sign without it (L2), and nothing leaks or hangs.

use std::collections::BTreeMap;

use quorate_model::{Digest, ParticipantId, Scheme, Timestamp};
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode, SignedDenial};
use quorate_testkit::{Faults, Frame, Workload, World, seeded};
use quorate_trust::{Body, Signed, SigningKey};
use rand_core::RngCore;

/// What the liar has at hand.
struct Liar {
    key: SigningKey,
    me: ParticipantId,
    honest: bool,
}

impl Liar {
    fn sign<T: Body>(&self, body: T) -> Signed<T> {
        Signed::sign(self.me, body, &self.key)
    }
}

/// Runs with node 3 answering through `lie` once its key is made, and expects that everything ends
/// as if it were not there.
fn lies(
    what: &str,
    lie: impl Fn(&Liar, FromNode, &mut dyn RngCore) -> Option<FromNode> + Copy + 'static,
) {
    for seed in 0..12 {
        let scheme = [Scheme::FrostEd25519, Scheme::FrostSecp256k1Tr][(seed % 2) as usize];
        let workload = Workload {
            nodes: 3,
            threshold: 2,
            scheme,
            permitted: 3,
            denied: 1,
            asking: 2,
            changes: false,
            rotations: 0,
        };
        let world = World::new(seed, workload, Faults::none());
        let me = ParticipantId::new(3).unwrap();
        let pem = world.fixture().signers.nodes[&me].to_pkcs8_pem().unwrap();
        let key = SigningKey::from_pkcs8_pem(&pem).unwrap();
        let mut liar = Liar { key, me, honest: true };
        let mut rng = seeded(seed ^ 0x11a5);
        let meddler = move |frame: Frame| match frame {
            Frame::Answer(node, call, answer) if node == me => {
                if answer == FromNode::Active {
                    liar.honest = false;
                    return vec![Frame::Answer(node, call, answer)];
                }
                let said = if liar.honest { Some(answer) } else { lie(&liar, answer, &mut rng) };
                said.map(|answer| Frame::Answer(node, call, answer)).into_iter().collect()
            }
            frame => vec![frame],
        };
        let outcome = world.with_meddler(meddler).run();
        if let Some(violation) = &outcome.violation {
            panic!("{what}, seed {seed}: {violation}\n{}", outcome.timeline);
        }
        let expected = BTreeMap::from([
            ("SIGNED".to_owned(), 4),
            ("DENIED".to_owned(), 1),
            ("REJECTED".to_owned(), 1),
        ]);
        assert_eq!(outcome.ends, expected, "{what}, seed {seed}\n{}", outcome.timeline);
    }
}

#[test]
fn silence_is_worked_around() {
    lies("silence", |_, answer, _| match answer {
        FromNode::Status(_) => Some(answer),
        _ => None,
    });
}

#[test]
fn silence_after_reserving_is_worked_around() {
    lies("silence after reserving", |_, answer, _| match answer {
        FromNode::Shares(_) => None,
        answer => Some(answer),
    });
}

#[test]
fn answers_of_the_other_phase_are_worked_around() {
    lies("phases", |liar, answer, _| match answer {
        FromNode::Reserved(answer) => {
            let (context, package) = (answer.body.context, Digest::new([0; 32]));
            let shares = vec![vec![1; 32]];
            let body = quorate_protocol::sign::ShareAnswer { context, package, shares };
            Some(FromNode::Shares(liar.sign(body)))
        }
        FromNode::Shares(answer) => Some(FromNode::Denied(liar.sign(SignedDenial {
            request: answer.body.context,
            reason: "no".to_owned(),
            heads: quorate_model::Heads {
                root: Digest::new([0; 32]),
                bundle: Digest::new([0; 32]),
                orders: Digest::new([0; 32]),
                life: 1,
                audit: Digest::new([0; 32]),
                audit_length: 0,
                clock: Timestamp::ZERO,
            },
        }))),
        answer => Some(answer),
    });
}

#[test]
fn reserve_answers_that_the_others_must_refuse_are_worked_around() {
    lies("reserve answers", |liar, answer, rng| match answer {
        FromNode::Reserved(answer) => {
            let mut body = answer.body;
            match rng.next_u32() % 6 {
                0 => body.context = Digest::new([7; 32]),
                1 => drop(body.commitments.pop()),
                2 => body.commitments[0][0] = vec![0xff; body.commitments[0][0].len()],
                3 => body.heads.bundle = Digest::new([7; 32]),
                4 => body.heads.root = Digest::new([7; 32]),
                _ => body.heads.clock = body.heads.clock.plus_millis(3_600_000),
            }
            Some(FromNode::Reserved(liar.sign(body)))
        }
        answer => Some(answer),
    });
}

#[test]
fn bad_shares_are_worked_around() {
    lies("shares", |liar, answer, rng| match answer {
        FromNode::Shares(answer) => {
            let mut body = answer.body;
            match rng.next_u32() % 4 {
                0 => body.shares[0][3] ^= 1,
                1 => body.package = Digest::new([7; 32]),
                2 => body.context = Digest::new([7; 32]),
                _ => body.shares.clear(),
            }
            Some(FromNode::Shares(liar.sign(body)))
        }
        answer => Some(answer),
    });
}

#[test]
fn refusals_in_either_phase_are_worked_around() {
    lies("refusals", |_, answer, rng| match answer {
        FromNode::Reserved(_) | FromNode::Shares(_) if rng.next_u32().is_multiple_of(2) => {
            let codes = [RefusalCode::Aborted, RefusalCode::Busy, RefusalCode::HeadsDiffer];
            let code = codes[rng.next_u32() as usize % codes.len()];
            Some(FromNode::Refused(Refusal { code, reason: "because".to_owned() }))
        }
        answer => Some(answer),
    });
}

#[test]
fn denials_of_what_is_permitted_are_no_veto() {
    lies("denials", |liar, answer, _| match answer {
        FromNode::Reserved(answer) => Some(FromNode::Denied(liar.sign(SignedDenial {
            request: Digest::new([9; 32]),
            reason: "because".to_owned(),
            heads: answer.body.heads,
        }))),
        answer => Some(answer),
    });
}
