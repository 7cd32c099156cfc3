//! New sharings: what a node checks before it deals, and before it erases.

use quorate_audit::EventKind;
use quorate_model::{
    Attempt, Epoch, Erasure, ParticipantId, ParticipantSet, Scheme, SharingId, Threshold,
};
use quorate_protocol::wire::{CeremonyKey, ExchangeKey, FromNode, RefusalCode, ToNode};
use quorate_protocol::{Certificate, Confirmation, Vote};
use quorate_signer::{Administration, Record};
use quorate_testkit::Lab;
use quorate_trust::{OrderAction, ReshareKey, Scope, SharingChange, Signed, SignedOrder};

use crate::administer::told;
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
    let reshare = ReshareKey {
        key: certified.key.clone(),
        public_key: certified.group_verifying_key.clone(),
        predecessor: certified.digest(),
        epoch: Epoch(certified.epoch.0 + 1),
        change,
    };
    signed(lab, name, reshare)
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
    let announcements = lab.ask_all(question, |answer| match answer {
        FromNode::Announcement(message) => message,
        other => panic!("{other:?}"),
    });
    let question = ToNode::Announcements(ceremony.clone(), announcements);
    let first = lab.ask_all(&question, |answer| answer);
    let exchange = ExchangeKey::Ceremony(ceremony);
    let answers = lab.exchange(&exchange, roster, first, &|_, parcels| parcels);
    let votes: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer {
            FromNode::Vote(certified, vote) => (certified, vote),
            other => panic!("{other:?}"),
        })
        .collect();
    let certified = votes[0].0.clone();
    Certificate::new(certified, votes.into_iter().map(|(_, vote)| vote))
}

fn certify(lab: &mut Lab, certificate: &Certificate) -> Vec<Confirmation> {
    let question = ToNode::Certify(certificate.clone());
    lab.ask_all(&question, |answer| assert_eq!(answer, FromNode::Certified));
    lab.confirmations(&certificate.certified)
}

/// The sharings that a node has on its disk.
fn epochs(lab: &Lab, node: ParticipantId) -> Vec<u64> {
    let shares = lab.records(node).into_iter().filter_map(|record| match record {
        Record::Share(share) => Some(share.certified.epoch.0),
        _ => None,
    });
    shares.collect()
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
    let of_another_public_key = ReshareKey {
        key: certified.key.clone(),
        public_key: vec![7; 32],
        predecessor: certified.digest(),
        epoch: Epoch(1),
        change: SharingChange::Refresh,
    };
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
        signed(
            lab,
            name,
            ReshareKey {
                key: certified.key.clone(),
                public_key: certified.group_verifying_key.clone(),
                predecessor: certified.digest(),
                epoch: Epoch(epoch),
                change: SharingChange::Refresh,
            },
        )
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

/// Until the confirmations are here the old sharing signs, and both are kept, also over a restart.
#[test]
fn a_node_switches_when_every_share_was_seen_to_sign_and_then_erases() {
    let mut lab = lab();
    let question = refresh(&lab);
    let next = voted(&mut lab, &question, &set([1, 2, 3]));
    let sharing = next.certified.sharing();
    let confirm = |confirmations: &[Confirmation]| ToNode::Confirm {
        sharing: sharing.clone(),
        confirmations: confirmations.to_vec(),
    };
    assert_eq!(refused(lab.ask(id(1), confirm(&[]))), RefusalCode::NotFound);
    let confirmations = certify(&mut lab, &next);
    assert_eq!(epochs(&lab, id(1)), [0, 1]);
    assert_eq!(refused(lab.ask(id(1), confirm(&confirmations[..1]))), RefusalCode::Invalid);
    let mut false_one = confirmations.clone();
    false_one[0].signature[7] ^= 1;
    assert_eq!(refused(lab.ask(id(1), confirm(&false_one))), RefusalCode::Invalid);
    // Those of the sharing before are of another statement.
    let old = first_confirmations(&lab);
    assert_eq!(refused(lab.ask(id(1), confirm(&old))), RefusalCode::Invalid);
    lab.restart(id(1)).unwrap();
    assert_eq!(epochs(&lab, id(1)), [0, 1]);
    assert_eq!(lab.ask(id(1), confirm(&confirmations)), FromNode::Active);
    assert_eq!(epochs(&lab, id(1)), [1]);
    lab.restart(id(1)).unwrap();
    assert_eq!(lab.ask(id(1), confirm(&confirmations)), FromNode::Active);
    assert_eq!(epochs(&lab, id(2)), [0, 1], "nobody told it");
}

/// Whoever reads the log learns how surely the old share is gone.
#[test]
fn what_is_erased_is_told_with_how_surely_it_is_gone() {
    for erasure in [Erasure::Medium, Erasure::Complete] {
        let mut lab = lab();
        let to = "another".to_owned();
        assert!(lab.administer(id(1), Administration::KekRotated { to, erasure }));
        let question = refresh(&lab);
        let next = voted(&mut lab, &question, &set([1, 2, 3]));
        let confirmations = certify(&mut lab, &next);
        let confirm = ToNode::Confirm { sharing: next.certified.sharing(), confirmations };
        assert_eq!(lab.ask(id(1), confirm), FromNode::Active);
        let dropped = told(&lab, id(1), EventKind::ShareDropped);
        let said: Vec<_> = dropped.iter().flat_map(|event| event.values("erasure")).collect();
        assert_eq!(said, [erasure.as_str()]);
    }
}

/// What made the first sharing active.
fn first_confirmations(lab: &Lab) -> Vec<Confirmation> {
    let active = lab.records(id(1)).into_iter().find_map(|record| match record {
        Record::Active(active) => Some(active.confirmations),
        _ => None,
    });
    active.unwrap()
}

/// Of two sharings that were both certified, the later one signs in the end, whichever a node is told of
/// first.
#[test]
fn a_later_sharing_takes_the_place_of_an_earlier_one_and_never_the_other_way() {
    let mut lab = lab();
    let roster = set([1, 2, 3]);
    let question = refresh(&lab);
    let first = voted(&mut lab, &question, &roster);
    let mut question = question;
    if let ToNode::ReshareKey { attempt, .. } = &mut question {
        *attempt = Attempt(2);
    }
    let second = voted(&mut lab, &question, &roster);
    let confirmed = [first, second].map(|certificate| {
        let confirmations = certify(&mut lab, &certificate);
        let sharing = certificate.certified.sharing();
        ToNode::Confirm { sharing, confirmations }
    });
    let [first, second] = confirmed;
    assert_eq!(lab.ask(id(1), first.clone()), FromNode::Active);
    assert_eq!(epochs(&lab, id(1)), [1, 2]);
    lab.restart(id(1)).unwrap();
    assert_eq!(lab.ask(id(1), second.clone()), FromNode::Active);
    assert_eq!(epochs(&lab, id(1)), [2]);
    assert_eq!(lab.ask(id(2), second), FromNode::Active);
    assert_eq!(epochs(&lab, id(2)), [2]);
    assert_eq!(refused(lab.ask(id(2), first)), RefusalCode::NotFound);
}

/// A node that leaves erases on the word of everybody who stays, and a signature of each: of its own key.
#[test]
fn a_node_that_leaves_erases_only_for_a_later_sharing_of_the_same_key() {
    let mut lab = lab();
    let threshold = Threshold::new(2).unwrap();
    let change = SharingChange::Reshare { threshold, roster: set([2, 3]) };
    let first = certificate(&lab);
    let first_confirmations = first_confirmations(&lab);
    let question = ToNode::ReshareKey {
        order: order(&lab, "without", change),
        attempt: Attempt::FIRST,
        dealers: set([1, 2, 3]),
        predecessor: first.clone(),
    };
    let announcements = lab.ask_all(&question, |answer| match answer {
        FromNode::Announcement(message) => message,
        other => panic!("{other:?}"),
    });
    let ceremony = CeremonyKey { key: Lab::key(), attempt: Attempt::FIRST };
    let dealt = ToNode::Announcements(ceremony.clone(), announcements);
    let parcels = lab.ask_all(&dealt, |answer| match answer {
        FromNode::Exchanged(parcel) => parcel,
        other => panic!("{other:?}"),
    });
    let votes = [2, 3].map(|node| {
        let own = parcels.iter().map(|parcel| parcel.for_receiver(id(node))).collect();
        match lab.ask(id(node), ToNode::Exchange(ExchangeKey::Ceremony(ceremony.clone()), own)) {
            FromNode::Vote(certified, vote) => (certified, vote),
            other => panic!("{other:?}"),
        }
    });
    let next = Certificate::new(votes[0].0.clone(), votes.map(|(_, vote)| vote));
    let sharing: SharingId = next.certified.sharing();
    for node in [2, 3] {
        assert_eq!(lab.ask(id(node), ToNode::Certify(next.clone())), FromNode::Certified);
    }
    let confirmations = lab.confirmations(&next.certified);
    let replaced = |certificate: &Certificate, confirmations: &[Confirmation]| ToNode::Replaced {
        certificate: certificate.clone(),
        confirmations: confirmations.to_vec(),
    };
    let mut one_vote = next.clone();
    one_vote.votes.remove(&id(3));
    let mut other_key = next.clone();
    other_key.certified.group_verifying_key[0] ^= 1;
    for wrong in [
        replaced(&next, &[]),
        replaced(&one_vote, &confirmations),
        replaced(&other_key, &confirmations),
        replaced(&next, &first_confirmations),
        // It is of that one itself.
        replaced(&first, &first_confirmations),
    ] {
        assert_eq!(refused(lab.ask(id(1), wrong)), RefusalCode::Invalid);
    }
    assert_eq!(epochs(&lab, id(1)), [0]);
    assert_eq!(lab.ask(id(1), replaced(&next, &confirmations)), FromNode::Active);
    assert_eq!(epochs(&lab, id(1)), [0; 0]);
    lab.restart(id(1)).unwrap();
    assert_eq!(lab.ask(id(1), replaced(&next, &confirmations)), FromNode::Active);
    // Who stays switches, and is not told to erase.
    let answer = lab.ask(id(2), replaced(&next, &confirmations));
    assert_eq!(refused(answer), RefusalCode::Invalid);
    assert_eq!(lab.ask(id(2), ToNode::Confirm { sharing, confirmations }), FromNode::Active);
    assert_eq!(epochs(&lab, id(2)), [1]);
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
    let order = signed(
        &lab,
        "fooled",
        ReshareKey {
            key: certified.key.clone(),
            public_key: certified.group_verifying_key.clone(),
            predecessor: certified.digest(),
            epoch: Epoch(1),
            change: SharingChange::Reshare { threshold, roster: set([1, 2, 3]) },
        },
    );
    let question = ToNode::ReshareKey {
        order,
        attempt: Attempt::FIRST,
        dealers: set([2, 3]),
        predecessor: forged,
    };
    let FromNode::Refused(refusal) = lab.ask(id(1), question) else { panic!("it is taken") };
    assert!(refusal.reason.contains("as another key"), "{refusal}");
}

/// Two orders follow one sharing. What the second began before the nodes switched to what the first made, it
/// does not end: the share that it would deal is erased.
#[test]
fn what_began_before_a_switch_ends_with_it() {
    let mut lab = lab();
    let roster = set([1, 2, 3]);
    let question = refresh(&lab);
    let first = voted(&mut lab, &question, &roster);
    let second = signed(
        &lab,
        "second",
        ReshareKey {
            key: Lab::key(),
            public_key: first.certified.group_verifying_key.clone(),
            predecessor: first.certified.predecessor.unwrap(),
            epoch: Epoch(2),
            change: SharingChange::Refresh,
        },
    );
    let mut question = question;
    if let ToNode::ReshareKey { order, .. } = &mut question {
        *order = second;
    }
    let announcements = lab.ask_all(&question, |answer| match answer {
        FromNode::Announcement(message) => message,
        other => panic!("{other:?}"),
    });
    let confirmations = certify(&mut lab, &first);
    let confirm = ToNode::Confirm { sharing: first.certified.sharing(), confirmations };
    lab.ask_all(&confirm, |answer| assert_eq!(answer, FromNode::Active));
    let ceremony = CeremonyKey { key: Lab::key(), attempt: Attempt::FIRST };
    let dealt = ToNode::Announcements(ceremony, announcements);
    lab.ask_all(&dealt, |answer| assert_eq!(refused(answer), RefusalCode::NotFound));
}

/// Makes a sharing and switches to it.
fn switch(lab: &mut Lab, question: &ToNode, roster: &ParticipantSet) -> Certificate {
    let next = voted(lab, question, roster);
    for node in roster.iter() {
        assert_eq!(lab.ask(node, ToNode::Certify(next.clone())), FromNode::Certified);
    }
    let confirmations = lab.confirmations(&next.certified);
    let sharing = next.certified.sharing();
    for node in roster.iter() {
        let confirmations = confirmations.clone();
        let confirm = ToNode::Confirm { sharing: sharing.clone(), confirmations };
        assert_eq!(lab.ask(node, confirm), FromNode::Active);
    }
    next
}

fn following(
    lab: &Lab,
    present: &Certificate,
    dealers: ParticipantSet,
    roster: ParticipantSet,
) -> ToNode {
    let certified = &present.certified;
    let reshare = ReshareKey {
        key: certified.key.clone(),
        public_key: certified.group_verifying_key.clone(),
        predecessor: certified.digest(),
        epoch: Epoch(certified.epoch.0 + 1),
        change: SharingChange::Reshare { threshold: Threshold::new(2).unwrap(), roster },
    };
    let order = signed(lab, &format!("to-epoch-{}", reshare.epoch), reshare);
    let predecessor = present.clone();
    ToNode::ReshareKey { order, attempt: Attempt::FIRST, dealers, predecessor }
}

/// An order for what follows an earlier sharing is none for a node that signs with a later one, also where it
/// held no share of the earlier.
#[test]
fn an_order_for_an_earlier_sharing_moves_nobody_who_signs_with_a_later_one() {
    let mut lab = lab();
    let first = certificate(&lab);
    let without = following(&lab, &first, set([1, 2, 3]), set([2, 3]));
    let second = switch(&mut lab, &without, &set([2, 3]));
    let question = following(&lab, &second, set([2, 3]), set([1, 2, 3]));
    let third = switch(&mut lab, &question, &set([1, 2, 3]));
    assert_eq!(third.certified.epoch, Epoch(2));
    let mut late = following(&lab, &second, set([2, 3]), set([1, 2, 3]));
    if let ToNode::ReshareKey { attempt, .. } = &mut late {
        *attempt = Attempt(5);
    }
    lab.ask_all(&late, |answer| assert_eq!(refused(answer), RefusalCode::Invalid));
}

/// A node that voted for a sharing and was never told more of it erases that, too.
#[test]
fn what_was_only_voted_for_is_erased_as_well() {
    let mut lab = lab();
    let first = certificate(&lab);
    let without = following(&lab, &first, set([1, 2, 3]), set([2, 3]));
    let second = switch(&mut lab, &without, &set([2, 3]));
    // Node 1 keeps the first: nobody told it. It votes for a third, and leaves with a fourth.
    let back = following(&lab, &second, set([2, 3]), set([1, 2, 3]));
    voted(&mut lab, &back, &set([1, 2, 3]));
    assert_eq!(epochs(&lab, id(1)), [0, 2]);
    let certified = &second.certified;
    let order = signed(
        &lab,
        "fourth",
        ReshareKey {
            key: certified.key.clone(),
            public_key: certified.group_verifying_key.clone(),
            predecessor: certified.digest(),
            epoch: Epoch(3),
            change: SharingChange::Refresh,
        },
    );
    let question = ToNode::ReshareKey {
        order,
        attempt: Attempt::FIRST,
        dealers: set([2, 3]),
        predecessor: second,
    };
    let ceremony = CeremonyKey { key: Lab::key(), attempt: Attempt::FIRST };
    let two = [id(2), id(3)];
    let ask = |lab: &mut Lab, question: &ToNode| two.map(|node| lab.ask(node, question.clone()));
    let announcements = ask(&mut lab, &question).map(|answer| match answer {
        FromNode::Announcement(message) => message,
        other => panic!("{other:?}"),
    });
    let dealt = ToNode::Announcements(ceremony.clone(), announcements.to_vec());
    let first = ask(&mut lab, &dealt).to_vec();
    let exchange = ExchangeKey::Ceremony(ceremony);
    let votes = lab.exchange(&exchange, &set([2, 3]), first, &|_, parcels| parcels);
    let votes: Vec<_> = votes
        .into_iter()
        .map(|answer| match answer {
            FromNode::Vote(certified, vote) => (certified, vote),
            other => panic!("{other:?}"),
        })
        .collect();
    let fourth = Certificate::new(votes[0].0.clone(), votes.into_iter().map(|(_, vote)| vote));
    for node in two {
        assert_eq!(lab.ask(node, ToNode::Certify(fourth.clone())), FromNode::Certified);
    }
    let confirmations = lab.confirmations(&fourth.certified);
    let replaced = ToNode::Replaced { certificate: fourth, confirmations };
    assert_eq!(lab.ask(id(1), replaced), FromNode::Active);
    assert_eq!(epochs(&lab, id(1)), [0; 0]);
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
