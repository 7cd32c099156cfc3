//! What a node checks before it signs with a new sharing, and erases the old one.

use quorate_audit::EventKind;
use quorate_model::{Attempt, Epoch, Erasure, ParticipantId, ParticipantSet, SharingId, Threshold};
use quorate_protocol::wire::{CeremonyKey, ExchangeKey, FromNode, RefusalCode, ToNode};
use quorate_protocol::{Certificate, Confirmation};
use quorate_signer::{Administration, Record};
use quorate_testkit::Lab;
use quorate_trust::SharingChange;

use super::{after, announcement, certificate, following, made, order, refresh, signed, voted};
use crate::administer::told;
use crate::{id, lab, refused, set};

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
    let announcements = lab.ask_all(&question, announcement);
    let ceremony = CeremonyKey { key: Lab::key(), attempt: Attempt::FIRST };
    let dealt = ToNode::Announcements(ceremony.clone(), announcements);
    let parcels = lab.ask_all(&dealt, |answer| match answer {
        FromNode::Exchanged(parcel) => parcel,
        other => panic!("{other:?}"),
    });
    let next = made(
        [2, 3]
            .map(|node| {
                let own = parcels.iter().map(|parcel| parcel.for_receiver(id(node))).collect();
                lab.ask(id(node), ToNode::Exchange(ExchangeKey::Ceremony(ceremony.clone()), own))
            })
            .to_vec(),
    );
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

/// Two orders follow one sharing. What the second began before the nodes switched to what the first made, it
/// does not end: the share that it would deal is erased.
#[test]
fn what_began_before_a_switch_ends_with_it() {
    let mut lab = lab();
    let roster = set([1, 2, 3]);
    let question = refresh(&lab);
    let first = voted(&mut lab, &question, &roster);
    let second =
        signed(&lab, "second", after(&certificate(&lab).certified, 2, SharingChange::Refresh));
    let mut question = question;
    if let ToNode::ReshareKey { order, .. } = &mut question {
        *order = second;
    }
    let announcements = lab.ask_all(&question, announcement);
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
    let order = signed(&lab, "fourth", after(&second.certified, 3, SharingChange::Refresh));
    let question = ToNode::ReshareKey {
        order,
        attempt: Attempt::FIRST,
        dealers: set([2, 3]),
        predecessor: second,
    };
    let ceremony = CeremonyKey { key: Lab::key(), attempt: Attempt::FIRST };
    let two = [id(2), id(3)];
    let ask = |lab: &mut Lab, question: &ToNode| two.map(|node| lab.ask(node, question.clone()));
    let announcements = ask(&mut lab, &question).map(announcement);
    let dealt = ToNode::Announcements(ceremony.clone(), announcements.to_vec());
    let first = ask(&mut lab, &dealt).to_vec();
    let exchange = ExchangeKey::Ceremony(ceremony);
    let fourth = made(lab.exchange(&exchange, &set([2, 3]), first, &|_, parcels| parcels));
    for node in two {
        assert_eq!(lab.ask(node, ToNode::Certify(fourth.clone())), FromNode::Certified);
    }
    let confirmations = lab.confirmations(&fourth.certified);
    let replaced = ToNode::Replaced { certificate: fourth, confirmations };
    assert_eq!(lab.ask(id(1), replaced), FromNode::Active);
    assert_eq!(epochs(&lab, id(1)), [0; 0]);
}
