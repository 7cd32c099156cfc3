use quorate_model::ParticipantId;

use super::*;
use crate::{Log, Origin, Tree, fixture};

const COUNT: u64 = 40;

fn checkpoint(entries: &[Entry]) -> Checkpoint {
    Log::verify(entries).unwrap().checkpoint(fixture::origin())
}

/// A checkpoint of the log when it had each length, from 0.
fn checkpoints(entries: &[Entry]) -> Vec<Checkpoint> {
    (0..=entries.len()).map(|length| checkpoint(&entries[..length])).collect()
}

#[test]
fn every_entry_is_proven_in_every_log_that_has_it_and_nowhere_else() {
    let entries = fixture::entries(COUNT);
    let (tree, checkpoints) = (Tree::new(&entries).unwrap(), checkpoints(&entries));
    for length in 1..=COUNT {
        let within = &checkpoints[usize::try_from(length).unwrap()];
        for entry in &entries[..usize::try_from(length).unwrap()] {
            let proof = tree.prove_inclusion(entry.index, length).unwrap();
            assert_eq!(proof.verify(entry, within), Ok(()));
            let mut changed = entry.clone();
            changed.event.facts[0].1.push('!');
            assert_eq!(proof.verify(&changed, within), Err(ProofError::Invalid));
            changed = entry.clone();
            changed.index ^= 1;
            assert_eq!(proof.verify(&changed, within), Err(ProofError::Invalid));
        }
        assert_eq!(tree.prove_inclusion(length, length), Err(ProofError::OutOfRange));
    }
}

#[test]
fn every_log_is_proven_to_be_the_beginning_of_every_later_one_and_of_no_other() {
    let entries = fixture::entries(COUNT);
    let (tree, checkpoints) = (Tree::new(&entries).unwrap(), checkpoints(&entries));
    let mut forked = entries.clone();
    forked[0].event.facts[0].1.push('!');
    let forked = self::checkpoints(&relinked(&forked));
    for old in 0..=COUNT {
        for new in old..=COUNT {
            let [from, to] = [old, new].map(|length| usize::try_from(length).unwrap());
            let proof = tree.prove_consistency(old, new).unwrap();
            assert_eq!(proof.verify(&checkpoints[from], &checkpoints[to]), Ok(()), "{old} {new}");
            if old > 0 {
                let fork = proof.verify(&forked[from], &checkpoints[to]);
                assert_eq!(fork, Err(ProofError::Invalid), "{old} {new}");
                let fork = proof.verify(&checkpoints[from], &forked[to]);
                assert_eq!(fork, Err(ProofError::Invalid), "{old} {new}");
            }
            if old < new {
                let shrunk = proof.verify(&checkpoints[to], &checkpoints[from]);
                assert_eq!(shrunk, Err(ProofError::Invalid), "{old} {new}");
                assert_eq!(tree.prove_consistency(new, old), Err(ProofError::OutOfRange));
            }
        }
    }
}

/// The same events as a log of their own, valid by itself.
fn relinked(entries: &[Entry]) -> Vec<Entry> {
    let mut log = Log::default();
    entries.iter().map(|entry| log.append(entry.event.clone(), entry.time, entry.state)).collect()
}

#[test]
fn a_changed_shortened_or_lengthened_proof_is_refused() {
    let entries = fixture::entries(COUNT);
    let (tree, checkpoints) = (Tree::new(&entries).unwrap(), checkpoints(&entries));
    let (old, new) = (&checkpoints[13], &checkpoints[40]);
    let proofs = [
        tree.prove_inclusion(7, COUNT).unwrap().hashes().to_vec(),
        tree.prove_consistency(13, COUNT).unwrap().hashes().to_vec(),
    ];
    let verify = |number: usize, hashes: Vec<Digest>| match number {
        0 => InclusionProof::new(hashes).unwrap().verify(&entries[7], new),
        _ => ConsistencyProof::new(hashes).unwrap().verify(old, new),
    };
    for (number, hashes) in proofs.into_iter().enumerate() {
        assert_eq!(verify(number, hashes.clone()), Ok(()));
        for at in 0..hashes.len() {
            let mut changed = hashes.clone();
            changed[at] = Digest::new([9; 32]);
            assert_eq!(verify(number, changed), Err(ProofError::Invalid), "{number} {at}");
            let mut shorter = hashes.clone();
            shorter.remove(at);
            assert_eq!(verify(number, shorter), Err(ProofError::Invalid), "{number} {at}");
            let mut longer = hashes.clone();
            longer.insert(at, Digest::new([9; 32]));
            assert_eq!(verify(number, longer), Err(ProofError::Invalid), "{number} {at}");
        }
    }
}

#[test]
fn an_empty_log_is_the_beginning_of_every_log_only_as_what_it_is() {
    let new = checkpoint(&fixture::entries(3));
    let nothing = Log::default().checkpoint(fixture::origin());
    let proof = ConsistencyProof::new(Vec::new()).unwrap();
    assert_eq!(proof.verify(&nothing, &new), Ok(()));
    let false_root = Checkpoint::new(fixture::origin(), 0, Digest::new([1; 32]));
    assert_eq!(proof.verify(&false_root, &new), Err(ProofError::Invalid));
    let padded = ConsistencyProof::new(vec![Digest::new([1; 32])]).unwrap();
    assert_eq!(padded.verify(&nothing, &new), Err(ProofError::Invalid));
}

#[test]
fn checkpoints_of_two_nodes_are_not_compared() {
    let log = Log::verify(&fixture::entries(3)).unwrap();
    let neighbour = Origin { node: ParticipantId::new(3).unwrap(), ..fixture::origin() };
    let proof = ConsistencyProof::new(Vec::new()).unwrap();
    let (ours, theirs) = (log.checkpoint(fixture::origin()), log.checkpoint(neighbour));
    assert_eq!(proof.verify(&ours, &theirs), Err(ProofError::OtherLog));
    assert_eq!(proof.verify(&ours, &ours), Ok(()));
}

#[test]
fn what_the_log_does_not_have_is_not_proven() {
    let tree = Tree::new(&fixture::entries(3)).unwrap();
    assert_eq!(tree.length(), 3);
    for length in [4, u64::MAX] {
        assert_eq!(tree.root(length), Err(ProofError::OutOfRange));
        assert_eq!(tree.prove_inclusion(0, length), Err(ProofError::OutOfRange));
        assert_eq!(tree.prove_consistency(0, length), Err(ProofError::OutOfRange));
        assert_eq!(tree.prove_consistency(1, length), Err(ProofError::OutOfRange));
    }
}

#[test]
fn a_checkpoint_of_any_length_is_refused_without_a_panic() {
    let (entry, hash) = (&fixture::entries(1)[0], Digest::new([5; 32]));
    for length in [0, 1, 2, u64::MAX - 1, u64::MAX] {
        let claim = Checkpoint::new(fixture::origin(), length, hash);
        for count in [0, 1, 63, 64, 65] {
            let mut entry = entry.clone();
            for index in [0, 1, u64::MAX - 2, u64::MAX] {
                entry.index = index;
                let proof = InclusionProof::new(vec![hash; count]).unwrap();
                assert_eq!(proof.verify(&entry, &claim), Err(ProofError::Invalid));
                let old = Checkpoint::new(fixture::origin(), index, Digest::new([6; 32]));
                let proof = ConsistencyProof::new(vec![hash; count]).unwrap();
                assert_eq!(proof.verify(&old, &claim), Err(ProofError::Invalid));
            }
        }
    }
}

#[test]
fn a_proof_longer_than_any_log_needs_is_refused() {
    let hashes = vec![Digest::new([1; 32]); HASHES_MAX + 1];
    assert_eq!(InclusionProof::new(hashes.clone()), Err(ProofError::TooLong));
    assert_eq!(ConsistencyProof::new(hashes), Err(ProofError::TooLong));
}
