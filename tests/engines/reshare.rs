//! New sharings: what a node checks before it deals.

mod switch;

use quorate_model::{Attempt, Epoch, ParticipantSet, Scheme, Threshold};
use quorate_protocol::wire::{CeremonyKey, ExchangeKey, FromNode, RefusalCode, ToNode};
use quorate_protocol::{Announcement, Certificate, CertifiedKey, Vote};
use quorate_signer::Record;
use quorate_testkit::Lab;
use quorate_trust::{OrderAction, ReshareKey, Scope, SharingChange, Signed, SignedOrder};

use crate::{id, lab, refused, set};

const OFFICERS: [&str; 2] = ["alice", "bob"];

/// The certificate that a node holds of its last sharing.
fn certificate(lab: &Lab) -> Certificate {
    let found = lab.records(id(1)).into_iter().filter_map(|record| match record {
        Record::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    found.max_by_key(|certificate| certificate.certified.epoch).unwrap()
}

fn order(lab: &Lab, name: &str, change: SharingChange) -> SignedOrder {
    let certified = certificate(lab).certified;
    let epoch = certified.epoch.0 + 1;
    signed(lab, name, after(&certified, epoch, change))
}

/// What follows a sharing.
fn after(certified: &CertifiedKey, epoch: u64, change: SharingChange) -> ReshareKey {
    ReshareKey {
        key: certified.key.clone(),
        public_key: certified.group_verifying_key.clone(),
        predecessor: certified.digest(),
        epoch: Epoch(epoch),
        change,
    }
}

fn signed(lab: &Lab, name: &str, reshare: ReshareKey) -> SignedOrder {
    lab.fixture.order_to(name, OrderAction::ReshareKey(reshare), &OFFICERS, lab.now)
}

fn refresh(lab: &Lab) -> ToNode {
    ToNode::ReshareKey {
        order: order(lab, "refresh", SharingChange::Refresh),
        attempt: Attempt::FIRST,
        dealers: set([1, 2, 3]),
        predecessor: certificate(lab),
    }
}

/// Asks for a refresh, changed.
fn asked(lab: &mut Lab, change: impl FnOnce(&mut ToNode)) -> FromNode {
    let mut question = refresh(lab);
    change(&mut question);
    lab.ask(id(1), question)
}

/// Everybody's votes for what a question makes.
fn voted(lab: &mut Lab, question: &ToNode, roster: &ParticipantSet) -> Certificate {
    let ToNode::ReshareKey { attempt, .. } = question else { panic!("{question:?}") };
    let ceremony = CeremonyKey { key: Lab::key(), attempt: *attempt };
    let announcements = lab.ask_all(question, announcement);
    let question = ToNode::Announcements(ceremony.clone(), announcements);
    let first = lab.ask_all(&question, |answer| answer);
    let exchange = ExchangeKey::Ceremony(ceremony);
    let answers = lab.exchange(&exchange, roster, first, &|_, parcels| parcels);
    made(answers)
}

fn announcement(answer: FromNode) -> Signed<Announcement> {
    match answer {
        FromNode::Announcement(message) => message,
        other => panic!("{other:?}"),
    }
}

/// What nodes voted for, who all did.
fn made(answers: Vec<FromNode>) -> Certificate {
    let vote = |answer| match answer {
        FromNode::Vote(certified, vote) => (certified, vote),
        other => panic!("{other:?}"),
    };
    let votes: Vec<_> = answers.into_iter().map(vote).collect();
    let certified = votes[0].0.clone();
    Certificate::new(certified, votes.into_iter().map(|(_, vote)| vote))
}

#[test]
fn a_new_sharing_takes_an_order_for_the_present_one() {
    let mut lab = lab();
    let no_quorum = asked(&mut lab, |question| {
        if let ToNode::ReshareKey { order, .. } = question {
            order.signatures.pop();
        }
    });
    assert_eq!(refused(no_quorum), RefusalCode::Invalid);
    let certified = certificate(&lab).certified;
    let other = |key: &str, predecessor, change| {
        let (key, epoch) = (key.parse().unwrap(), Epoch(1));
        let public_key = certified.group_verifying_key.clone();
        signed(&lab, "other", ReshareKey { key, public_key, predecessor, epoch, change })
    };
    let of_another_public_key =
        ReshareKey { public_key: vec![7; 32], ..after(&certified, 1, SharingChange::Refresh) };
    let of_another_public_key = signed(&lab, "other", of_another_public_key);
    let of_another_key = other("other", certified.digest(), SharingChange::Refresh);
    let of_another_sharing = other("treasury", certified.order, SharingChange::Refresh);
    let repair_of_a_dealer = other("treasury", certified.digest(), SharingChange::Repair(id(2)));
    let repair_of_a_stranger = other("treasury", certified.digest(), SharingChange::Repair(id(9)));
    let makes_a_key = lab.order();
    for wrong in [
        of_another_key,
        of_another_sharing,
        of_another_public_key,
        repair_of_a_dealer,
        repair_of_a_stranger,
        makes_a_key,
    ] {
        let text = wrong.text.clone();
        let answer = asked(&mut lab, |question| {
            if let ToNode::ReshareKey { order, .. } = question {
                *order = wrong;
            }
        });
        assert_eq!(refused(answer), RefusalCode::Invalid, "{text}");
    }
    lab.now = lab.now.plus_millis(1);
    let question = refresh(&lab);
    lab.now = lab.now.plus_millis(3_600_000);
    assert_eq!(refused(lab.ask(id(1), question)), RefusalCode::Time);
}

#[test]
fn as_many_holders_deal_as_sign() {
    let mut lab = lab();
    for wrong in [set([1]), set([1, 4]), set([2, 3, 4])] {
        let name = wrong.to_string();
        let answer = asked(&mut lab, |question| {
            if let ToNode::ReshareKey { dealers, .. } = question {
                *dealers = wrong;
            }
        });
        assert_eq!(refused(answer), RefusalCode::Invalid, "{name}");
    }
}

#[test]
fn who_has_no_part_in_it_takes_none() {
    let mut lab = lab();
    let threshold = Threshold::new(2).unwrap();
    let change = SharingChange::Reshare { threshold, roster: set([2, 3]) };
    let without = order(&lab, "without", change);
    let answer = asked(&mut lab, |question| {
        if let ToNode::ReshareKey { order, dealers, .. } = question {
            (*order, *dealers) = (without, set([2, 3]));
        }
    });
    assert_eq!(refused(answer), RefusalCode::Invalid);
}

/// The epochs of an order are its own: its first attempt's, and on. So nobody but who orders uses them up.
#[test]
fn an_epoch_is_the_orders_later_than_all_that_were_voted_for_and_not_far() {
    let mut lab = lab();
    let certified = certificate(&lab).certified;
    let of = |lab: &Lab, name: &str, epoch: u64| {
        signed(lab, name, after(&certified, epoch, SharingChange::Refresh))
    };
    let at = |lab: &mut Lab, ordered: SignedOrder, number: u32| {
        asked(lab, |question| {
            if let ToNode::ReshareKey { order, attempt, .. } = question {
                (*order, *attempt) = (ordered, Attempt(number));
            }
        })
    };
    for wrong in [0, 4_097, u64::MAX] {
        let order = of(&lab, "wrong", wrong);
        assert_eq!(refused(at(&mut lab, order, 1)), RefusalCode::Invalid, "{wrong}");
    }
    let mut question = refresh(&lab);
    if let ToNode::ReshareKey { attempt, .. } = &mut question {
        *attempt = Attempt(3);
    }
    let made = voted(&mut lab, &question, &set([1, 2, 3]));
    assert_eq!(made.certified.epoch, Epoch(3));
    for again in [false, true] {
        for wrong in [1, 2, 3] {
            let order = of(&lab, "late", wrong);
            assert_eq!(refused(at(&mut lab, order, 1)), RefusalCode::AttemptUsed, "{wrong}");
        }
        if !again {
            lab.restart(id(1)).unwrap();
        }
    }
    let order = of(&lab, "later", 4);
    assert!(matches!(at(&mut lab, order, 1), FromNode::Announcement(_)));
}

#[test]
fn a_frozen_key_has_no_new_sharing() {
    let mut lab = lab();
    let freeze = OrderAction::Freeze(Scope::Key(Lab::key()));
    let freeze = lab.fixture.order_to("freeze", freeze, &["alice"], lab.now);
    assert!(matches!(lab.ask(id(1), ToNode::carry_out(freeze)), FromNode::Accepted(_)));
    assert_eq!(refused(asked(&mut lab, |_| {})), RefusalCode::Frozen);
}

#[test]
fn a_key_that_is_not_active_has_no_new_sharing() {
    let mut lab = Lab::new(1, 3, 2, Scheme::FrostEd25519);
    let certificate = lab.certificate();
    lab.ask_all(&ToNode::Certify(certificate), |answer| assert_eq!(answer, FromNode::Certified));
    assert_eq!(refused(asked(&mut lab, |_| {})), RefusalCode::Invalid);
}

/// A certificate says only that those whom it names voted. Two nodes that are corrupt name themselves, and a
/// key that they know: nobody who holds the real one takes it for a sharing of it.
#[test]
fn a_forged_predecessor_of_another_key_is_not_followed() {
    let mut lab = lab();
    let elsewhere = Lab::with_key(77, 3, 2, Scheme::FrostEd25519);
    let other = certificate(&elsewhere).certified;
    let mut certified = certificate(&lab).certified;
    certified.roster = set([2, 3]);
    certified.group_verifying_key = other.group_verifying_key;
    certified.verifying_shares = other.verifying_shares;
    certified.verifying_shares.remove(&id(1));
    let votes = [2, 3].map(|node| {
        let vote = Vote { certified: certified.digest() };
        Signed::sign(id(node), vote, &lab.fixture.signers.nodes[&id(node)])
    });
    let forged = Certificate::new(certified.clone(), votes);
    assert_eq!(forged.verify(&lab.fixture.root), Ok(()));
    let threshold = Threshold::new(2).unwrap();
    let change = SharingChange::Reshare { threshold, roster: set([1, 2, 3]) };
    let order = signed(&lab, "fooled", after(&certified, 1, change));
    let question = ToNode::ReshareKey {
        order,
        attempt: Attempt::FIRST,
        dealers: set([2, 3]),
        predecessor: forged,
    };
    let FromNode::Refused(refusal) = lab.ask(id(1), question) else { panic!("it is taken") };
    assert!(refusal.reason.contains("as another key"), "{refusal}");
}

fn following(
    lab: &Lab,
    present: &Certificate,
    dealers: ParticipantSet,
    roster: ParticipantSet,
) -> ToNode {
    let certified = &present.certified;
    let change = SharingChange::Reshare { threshold: Threshold::new(2).unwrap(), roster };
    let reshare = after(certified, certified.epoch.0 + 1, change);
    let order = signed(lab, &format!("to-epoch-{}", reshare.epoch), reshare);
    let predecessor = present.clone();
    ToNode::ReshareKey { order, attempt: Attempt::FIRST, dealers, predecessor }
}

/// Whoever deals goes by the sharing that it signs with, also where it has a share of a later one. Whoever only
/// receives may have been put back: it takes the word of every holder, its own among them.
#[test]
fn a_dealer_deals_the_sharing_that_it_signs_with() {
    let mut lab = lab();
    let refresh = refresh(&lab);
    let unconfirmed = voted(&mut lab, &refresh, &set([1, 2, 3]));
    let question = following(&lab, &unconfirmed, set([1, 2]), set([1, 2, 3]));
    for dealer in [1, 2] {
        assert_eq!(refused(lab.ask(id(dealer), question.clone())), RefusalCode::Invalid);
    }
    let answer = lab.ask(id(3), question);
    assert!(matches!(answer, FromNode::Announcement(_)), "{answer:?}");
}
