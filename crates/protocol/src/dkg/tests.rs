use quorate_trust::Signed;

use crate::fixture::{Fixture, Outbox, id};
use crate::suite::{Ed25519, Secp256k1, Secp256k1Tr, Suite};
use crate::{Abort, AbortReason, Certificate, CertificateError, Round1, Round2, Vote};

fn everybody_agrees<S: Suite>(nodes: u16, threshold: u32) {
    let fixture = Fixture::new(nodes);
    let shares = fixture.generate::<S>(threshold);
    let first = shares[&id(1)].certified.digest();
    assert!(shares.values().all(|new| new.certified.digest() == first));
    assert_eq!(shares.len(), usize::from(nodes));
}

#[test]
fn honest_finishers_agree_on_everything_certified() {
    everybody_agrees::<Ed25519>(3, 2);
    everybody_agrees::<Secp256k1>(3, 2);
    everybody_agrees::<Secp256k1Tr>(5, 3);
}

fn proven(reason: AbortReason, culprit: u16) -> Abort {
    Abort::proven(reason, id(culprit))
}

/// Delivers round 1 to node 1 after `tamper`.
fn round1_after(tamper: impl Fn(&mut Outbox<Round1>)) -> Abort {
    let fixture = Fixture::new(3);
    let (mut states, mut sent) = fixture.round1::<Secp256k1Tr>(&fixture.ceremony::<Secp256k1Tr>(2));
    tamper(&mut sent);
    states.remove(&id(1)).unwrap().handle(fixture.deliver(&sent)).err().unwrap()
}

/// Delivers round 2 to node 1 after `tamper`.
fn round2_after(tamper: impl Fn(&mut Outbox<Round2>)) -> Abort {
    let fixture = Fixture::new(3);
    let (mut states, mut sent) = fixture.round2::<Ed25519>(&fixture.ceremony::<Ed25519>(2));
    tamper(&mut sent);
    states.remove(&id(1)).unwrap().handle(fixture.deliver(&sent)).err().unwrap()
}

#[test]
fn raising_the_threshold_convicts_whoever_tries() {
    for extra in [0, 1, 3, 4, 10] {
        let abort = round1_after(|sent| {
            let commitments = &mut sent.get_mut(&id(2)).unwrap().commitments;
            let one = commitments[0].clone();
            commitments.resize(extra, one);
        });
        let reason = AbortReason::CommitmentLength { from: id(2), found: extra, expected: 2 };
        assert_eq!(abort, proven(reason, 2));
    }
}

#[test]
fn a_copied_or_false_proof_of_knowledge_convicts() {
    let copied = round1_after(|sent| {
        let proof = sent[&id(3)].proof_of_knowledge.clone();
        sent.get_mut(&id(2)).unwrap().proof_of_knowledge = proof;
    });
    assert_eq!(copied, proven(AbortReason::ProofOfKnowledge(id(2)), 2));
    let rogue = round1_after(|sent| {
        let commitments = sent[&id(3)].commitments.clone();
        sent.get_mut(&id(2)).unwrap().commitments = commitments;
    });
    assert_eq!(rogue, proven(AbortReason::ProofOfKnowledge(id(2)), 2));
}

#[test]
fn bytes_that_are_no_element_convict() {
    let what = "commitment";
    for bytes in [vec![], vec![0; 33], vec![0xff; 33], vec![2; 32]] {
        let abort =
            round1_after(|sent| sent.get_mut(&id(2)).unwrap().commitments[1] = bytes.clone());
        assert_eq!(abort, proven(AbortReason::Malformed { from: id(2), what }, 2));
    }
}

#[test]
fn a_message_of_another_session_blames_nobody() {
    let fixture = Fixture::new(3);
    let ceremony = fixture.ceremony::<Ed25519>(2);
    let (_, old1) = fixture.round1::<Ed25519>(&ceremony);
    let (mut states, mut sent) = fixture.round1::<Ed25519>(&ceremony);
    sent.insert(id(2), old1[&id(2)].clone());
    let abort = states.remove(&id(1)).unwrap().handle(fixture.deliver(&sent)).err().unwrap();
    assert_eq!(abort, Abort::unproven(AbortReason::OtherSession(id(2))));

    let (_, old2) = fixture.round2::<Ed25519>(&ceremony);
    let (mut states, mut sent) = fixture.round2::<Ed25519>(&ceremony);
    sent.insert(id(2), old2[&id(2)].clone());
    let abort = states.remove(&id(1)).unwrap().handle(fixture.deliver(&sent)).err().unwrap();
    assert_eq!(abort, Abort::unproven(AbortReason::OtherSession(id(2))));
}

#[test]
fn an_announcement_of_another_attempt_blames_nobody() {
    let fixture = Fixture::new(3);
    let (mut states, mut sent) = fixture.announce::<Ed25519>(&fixture.ceremony::<Ed25519>(2));
    sent.get_mut(&id(3)).unwrap().attempt.0 = 2;
    let state = states.remove(&id(1)).unwrap();
    let abort = state.handle(fixture.deliver(&sent), &mut rand_core::OsRng).err().unwrap();
    assert_eq!(abort, Abort::unproven(AbortReason::OtherSession(id(3))));
}

#[test]
fn a_degenerate_ephemeral_key_convicts() {
    let fixture = Fixture::new(3);
    let (mut states, mut sent) = fixture.announce::<Ed25519>(&fixture.ceremony::<Ed25519>(2));
    sent.get_mut(&id(3)).unwrap().ephemeral = [0; 32];
    let state = states.remove(&id(1)).unwrap();
    let abort = state.handle(fixture.deliver(&sent), &mut rand_core::OsRng).err().unwrap();
    assert_eq!(abort, proven(AbortReason::DegenerateKey(id(3)), 3));
}

#[test]
fn a_replayed_message_of_our_own_is_noticed() {
    let fixture = Fixture::new(3);
    let ceremony = fixture.ceremony::<Ed25519>(2);
    let (_, old) = fixture.announce::<Ed25519>(&ceremony);
    let (mut states, mut sent) = fixture.announce::<Ed25519>(&ceremony);
    sent.insert(id(1), old[&id(1)].clone());
    let state = states.remove(&id(1)).unwrap();
    let abort = state.handle(fixture.deliver(&sent), &mut rand_core::OsRng).err().unwrap();
    assert_eq!(abort, Abort::unproven(AbortReason::NotOurs));
}

#[test]
fn missing_and_repeated_messages_are_noticed() {
    assert_eq!(
        round1_after(|sent| drop(sent.remove(&id(3)))),
        Abort::unproven(AbortReason::Missing(id(3)))
    );
    let fixture = Fixture::new(3);
    let (mut states, sent) = fixture.round1::<Ed25519>(&fixture.ceremony::<Ed25519>(2));
    let mut messages = fixture.deliver(&sent);
    messages.push(fixture.authentic(id(2), sent[&id(2)].clone()));
    let abort = states.remove(&id(1)).unwrap().handle(messages).err().unwrap();
    assert_eq!(abort, Abort::unproven(AbortReason::Duplicate(id(2))));
}

#[test]
fn equivocation_in_round_1_aborts_in_round_2_without_blame() {
    let fixture = Fixture::new(3);
    let ceremony = fixture.ceremony::<Ed25519>(2);
    let (states, sent) = fixture.round1::<Ed25519>(&ceremony);
    // Node 3 shows node 1 another, perfectly valid commitment.
    let (_, other) = fixture.round1::<Ed25519>(&ceremony);
    let mut to_first = sent.clone();
    to_first.insert(id(3), Round1 { session: sent[&id(3)].session, ..other[&id(3)].clone() });
    let step = |(id, state): (_, super::AwaitRound1<Ed25519>)| {
        let inbox = if id == crate::fixture::id(1) { &to_first } else { &sent };
        (id, state.handle(fixture.deliver(inbox)))
    };
    let mut results: Outbox<_> = states.into_iter().map(step).collect();
    // The proof of knowledge binds the identifier only, so node 1 goes on; the echo shows it.
    let (_, first) = results.remove(&id(1)).unwrap().ok().unwrap();
    let mut round2 = Outbox::new();
    round2.insert(id(1), first);
    let (second_state, second) = results.remove(&id(2)).unwrap().ok().unwrap();
    round2.insert(id(2), second);
    round2.insert(id(3), results.remove(&id(3)).unwrap().ok().unwrap().1);
    let abort = second_state.handle(fixture.deliver(&round2)).err().unwrap();
    assert_eq!(abort, Abort::unproven(AbortReason::EchoMismatch(id(1))));
}

#[test]
fn a_bad_share_names_its_sender_and_convicts_nobody() {
    let swapped = round2_after(|sent| {
        let shares = &mut sent.get_mut(&id(2)).unwrap().shares;
        let (first, third) = (shares[0].sealed.clone(), shares[1].sealed.clone());
        shares[0].sealed = third;
        shares[1].sealed = first;
    });
    assert_eq!(swapped, Abort::unproven(AbortReason::SealedShare(id(2))));
    let flipped = round2_after(|sent| sent.get_mut(&id(3)).unwrap().shares[0].sealed[0] ^= 1);
    assert_eq!(flipped, Abort::unproven(AbortReason::SealedShare(id(3))));
}

#[test]
fn a_share_that_contradicts_its_commitment_is_refused() {
    // Node 2 runs an honest session with a polynomial that it does not announce.
    let fixture = Fixture::new(3);
    let ceremony = fixture.ceremony::<Ed25519>(2);
    let (states, mut sent) = fixture.round1::<Ed25519>(&ceremony);
    let (_, other) = fixture.round1::<Ed25519>(&ceremony);
    let lie = Round1 { session: sent[&id(2)].session, ..other[&id(2)].clone() };
    let honest_own = sent.insert(id(2), lie).unwrap();
    let mut results = Outbox::new();
    for (from, state) in states {
        let mut inbox = sent.clone();
        if from == id(2) {
            inbox.insert(id(2), honest_own.clone());
        }
        results.insert(from, state.handle(fixture.deliver(&inbox)).ok().unwrap());
    }
    let echo = results[&id(1)].1.echo;
    let mut round2: Outbox<_> = results.iter().map(|(id, (_, m))| (*id, m.clone())).collect();
    round2.get_mut(&id(2)).unwrap().echo = echo;
    let (state, _) = results.remove(&id(1)).unwrap();
    let abort = state.handle(fixture.deliver(&round2)).err().unwrap();
    assert_eq!(abort, Abort::unproven(AbortReason::ShareMismatch(id(2))));
}

#[test]
fn a_list_of_shares_for_others_than_the_roster_convicts() {
    let what = "list of sealed shares";
    let short = round2_after(|sent| drop(sent.get_mut(&id(2)).unwrap().shares.pop()));
    assert_eq!(short, proven(AbortReason::Malformed { from: id(2), what }, 2));
    let doubled = round2_after(|sent| {
        let shares = &mut sent.get_mut(&id(2)).unwrap().shares;
        shares[1].to = shares[0].to;
    });
    assert_eq!(doubled, proven(AbortReason::Malformed { from: id(2), what }, 2));
}

#[test]
fn a_certificate_needs_the_vote_of_every_holder_for_exactly_this() {
    let fixture = Fixture::new(3);
    let shares = fixture.generate::<Ed25519>(2);
    let certified = shares[&id(1)].certified.clone();
    let vote = |from: u16, digest| {
        Signed::sign(id(from), Vote { certified: digest }, &fixture.keys[&id(from)])
    };
    let digest = certified.digest();
    let votes = || (1..=3).map(|from| vote(from, digest));
    let full = Certificate::new(certified.clone(), votes());
    assert_eq!(full.verify(&fixture.root), Ok(()));

    let missing = Certificate::new(certified.clone(), votes().take(2));
    assert_eq!(missing.verify(&fixture.root), Err(CertificateError::MissingVote(id(3))));
    let other = quorate_model::Digest::new([9; 32]);
    let wrong = Certificate::new(certified.clone(), votes().take(2).chain([vote(3, other)]));
    assert_eq!(wrong.verify(&fixture.root), Err(CertificateError::BadVote(id(3))));

    let mut changed = full.clone();
    changed.certified.chain_code[0] ^= 1;
    assert_eq!(changed.verify(&fixture.root), Err(CertificateError::BadVote(id(1))));
    let mut stranger = full.clone();
    let signature = stranger.votes[&id(1)];
    stranger.votes.insert(id(9), signature);
    assert_eq!(stranger.verify(&fixture.root), Err(CertificateError::Stranger(id(9))));
    let mut hidden = full.clone();
    hidden.certified.verifying_shares.remove(&id(3));
    assert_eq!(hidden.verify(&fixture.root), Err(CertificateError::Roster));
    let elsewhere = Fixture::new(3);
    assert!(matches!(full.verify(&elsewhere.root), Err(CertificateError::OtherCluster(_))));
}
