//! Lies: what one node is told otherwise than the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quorate_model::{Attempt, ParticipantSet, Scheme, Threshold};
use quorate_protocol::CertifiedKey;
use quorate_protocol::wire::ToNode;
use quorate_testkit::Signers;
use quorate_trust::{SharingChange, Signed};

use crate::{Life, id, key, set};

/// A change to what node 2 alone is told.
type Lie = (&'static str, fn(&mut ToNode, &Signers));

fn reshare(question: &mut ToNode) -> Option<(&mut Attempt, &mut ParticipantSet)> {
    if let ToNode::ReshareKey { attempt, dealers, .. } = question {
        Some((attempt, dealers))
    } else {
        None
    }
}

fn certified(question: &mut ToNode) -> Option<&mut CertifiedKey> {
    if let ToNode::Certify(certificate) = question {
        Some(&mut certificate.certified)
    } else {
        None
    }
}

/// Of how the change begins.
fn of_the_beginning() -> Vec<Lie> {
    vec![
        ("another attempt", |q, _| {
            reshare(q).into_iter().for_each(|(attempt, _)| attempt.0 += 1);
        }),
        ("other dealers", |q, _| {
            reshare(q).into_iter().for_each(|(_, dealers)| {
                let others = if *dealers == set(&[1, 2]) { [1, 3] } else { [1, 2] };
                *dealers = set(&others);
            });
        }),
        ("too few dealers", |q, _| {
            reshare(q).into_iter().for_each(|(_, dealers)| *dealers = set(&[2]));
        }),
        ("a dealer who holds nothing", |q, _| {
            reshare(q).into_iter().for_each(|(_, dealers)| *dealers = set(&[1, 2, 4]));
        }),
        ("another predecessor", |q, _| {
            if let ToNode::ReshareKey { predecessor, .. } = q {
                predecessor.certified.echo = predecessor.certified.order;
            }
        }),
        ("an announcement less", |q, _| {
            if let ToNode::Announcements(_, messages) = q {
                messages.pop();
            }
        }),
        ("an announcement twice", |q, _| {
            if let ToNode::Announcements(_, messages) = q {
                messages[2] = messages[0].clone();
            }
        }),
    ]
}

/// Of the round of the dealing.
fn of_the_dealing() -> Vec<Lie> {
    vec![
        ("a message less", |q, _| {
            if let ToNode::Exchange(_, parcels) = q {
                parcels.pop();
            }
        }),
        ("another's part", |q, _| {
            if let ToNode::Exchange(_, parcels) = q {
                let part = parcels[0].parts[0].sealed.clone();
                parcels[2].parts[0].sealed = part;
            }
        }),
        // A node that says one thing to node 2, and another to the others: both signed.
        ("a node's other announcement", |q, signers| {
            if let ToNode::Announcements(_, messages) = q {
                let mut body = messages[0].body.clone();
                body.nonce[0] ^= 1;
                messages[0] = Signed::sign(id(1), body, &signers.nodes[&id(1)]);
            }
        }),
        ("a node's other commitment", |q, signers| {
            if let ToNode::Exchange(_, parcels) = q {
                let mut body = parcels[0].message.body.clone();
                let half = body.broadcast.len() / 2;
                body.broadcast.copy_within(..half, half);
                if body.broadcast.is_empty() {
                    body.broadcast.push(0);
                }
                parcels[0].message = Signed::sign(id(1), body, &signers.nodes[&id(1)]);
            }
        }),
        ("a node's other history", |q, signers| {
            if let ToNode::Exchange(_, parcels) = q {
                let mut body = parcels[0].message.body.clone();
                body.seen = body.session;
                body.broadcast.push(0);
                parcels[0].message = Signed::sign(id(1), body, &signers.nodes[&id(1)]);
            }
        }),
    ]
}

/// Of how it ends.
fn of_the_end() -> Vec<Lie> {
    vec![
        ("another order", |q, _| certified(q).into_iter().for_each(|c| c.order = c.echo)),
        ("another attempt certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.attempt.0 += 1);
        }),
        ("another epoch certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.epoch.0 += 1);
        }),
        ("another predecessor certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.predecessor = Some(c.echo));
        }),
        ("no predecessor certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.predecessor = None);
        }),
        ("another roster certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.roster = set(&[1, 2]));
        }),
        ("another threshold certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.threshold = Threshold::new(3).unwrap());
        }),
        ("raw digests certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.raw_ok = true);
        }),
        ("another group key certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.group_verifying_key[0] ^= 1);
        }),
        ("other verifying shares certified", |q, _| {
            certified(q).into_iter().for_each(|c| {
                let other = c.verifying_shares[&id(1)].clone();
                c.verifying_shares.insert(id(3), other);
            });
        }),
        ("another chain code certified", |q, _| {
            certified(q).into_iter().for_each(|c| c.chain_code[0] ^= 1);
        }),
        ("another echo certified", |q, _| certified(q).into_iter().for_each(|c| c.echo = c.order)),
        ("a confirmation less", |q, _| {
            if let ToNode::Confirm { confirmations, .. } = q {
                confirmations.pop();
            }
        }),
        ("a confirmation of another set", |q, _| {
            if let ToNode::Confirm { confirmations, .. } = q {
                confirmations[0].signing_set = confirmations[1].signing_set.clone();
            }
        }),
        ("another sharing confirmed", |q, _| {
            if let ToNode::Confirm { sharing, .. } = q {
                sharing.epoch.0 += 1;
            }
        }),
    ]
}

/// Whatever one node is told otherwise than the others, by the coordinator or by another node: there is no
/// sharing of it, the key pays as before, and the change is made once the lie stops.
#[test]
fn what_is_said_otherwise_to_one_makes_no_sharing_and_strands_nobody() {
    let lies = [of_the_beginning(), of_the_dealing(), of_the_end()];
    for (what, lie) in lies.into_iter().flatten() {
        let mut life = Life::new(Scheme::FrostEd25519);
        let lies = Arc::new(AtomicBool::new(true));
        let (still, signers) = (Arc::clone(&lies), Life::new(Scheme::FrostEd25519));
        let signers = signers.cluster.fixture.signers;
        life.cluster.fault = Some(Box::new(move |to, question| {
            if to == id(2) && still.load(Ordering::Relaxed) {
                lie(question, &signers);
            }
            None
        }));
        let order = life.order(SharingChange::Refresh);
        let made = life.cluster.carry_out(&key(), &order);
        assert!(made.is_err(), "{what}: {made:?}");
        life.pays();
        lies.store(false, Ordering::Relaxed);
        life.present = life.insist(&order).unwrap_or_else(|why| panic!("{what}: {why}"));
        life.pays();
        for node in [1, 2, 3] {
            assert_eq!(life.epochs_at(node), [life.present.epoch.0], "{what}");
        }
    }
}
