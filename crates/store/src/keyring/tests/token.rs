//! A keyring whose wrapping keys are destroyed, killed between any two steps.

use std::sync::{Arc, Mutex};

use super::*;
use crate::TokenError;

/// What a token holds: survives whoever uses it.
#[derive(Debug, Clone, Default)]
struct Held(Arc<Mutex<Objects>>);

#[derive(Debug, Default)]
struct Objects {
    /// What each wrapping key wraps.
    keys: BTreeMap<WrappingId, Vec<u8>>,
    settled: u64,
}

/// A session with it, which dies after so many steps.
#[derive(Debug)]
struct Session {
    held: Held,
    steps_left: usize,
}

impl Session {
    /// Does a step, unless the process is dead by then.
    fn step<T>(&mut self, act: impl FnOnce(&mut Objects) -> T) -> Result<T, KekError> {
        let dead = || TokenError::KeyMissing { label: "killed".to_owned() };
        self.steps_left = self.steps_left.checked_sub(1).ok_or_else(dead)?;
        Ok(act(&mut self.held.0.lock().unwrap()))
    }
}

impl WrappingKeys for Session {
    fn description(&self) -> Vec<u8> {
        b"token".to_vec()
    }

    fn are_destroyed(&self) -> bool {
        true
    }

    fn wrap(
        &mut self,
        id: WrappingId,
        (_, key): (&DataKeyId, &DataKey),
        _: &[u8],
        _: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, KekError> {
        let wraps = key.secret_bytes().to_vec();
        let former = self.step(|held| held.keys.insert(id, wraps))?;
        assert!(former.is_none(), "a wrapping key was used twice");
        // The file has nothing of it: without its key a wrapping is worth nothing.
        Ok(vec![0; 8])
    }

    fn unwrap(&mut self, id: WrappingId, _: &[u8], _: &[u8]) -> Result<Option<DataKey>, KekError> {
        let missing = TokenError::KeyMissing { label: "gone".to_owned() };
        let held = self.held.0.lock().unwrap();
        Ok(DataKey::from_slice(held.keys.get(&id).ok_or(missing)?))
    }

    fn destroy(&mut self, id: WrappingId) -> Result<(), KekError> {
        self.step(|held| drop(held.keys.remove(&id).unwrap()))
    }

    fn settle(&mut self, revision: u64) -> Result<(), KekError> {
        if self.held.0.lock().unwrap().settled == revision {
            return Ok(());
        }
        self.step(|held| held.settled = revision)
    }

    fn tidy(&mut self, used: &BTreeSet<WrappingId>, revision: u64) -> Result<(), KekError> {
        let settled = self.held.0.lock().unwrap().settled;
        if settled > revision {
            return Err(TokenError::PutBack { settled, found: revision }.into());
        }
        let ids: Vec<_> = self.held.0.lock().unwrap().keys.keys().copied().collect();
        ids.into_iter().filter(|id| !used.contains(id)).try_for_each(|id| self.destroy(id))?;
        self.settle(if used.is_empty() { 0 } else { revision })
    }
}

/// A keyring of this token, which its process opens, and dies after so many steps of the token.
fn reopen(dir: &Path, held: &Held, steps: usize) -> Result<Keyring, KeyringError> {
    let session = Session { held: held.clone(), steps_left: usize::MAX };
    let bytes = fs::read(dir.join("keyring")).unwrap();
    let (wrapped, sealed) = file::check(&bytes)?;
    let mut keyring = Keyring::open_by(dir.join("keyring"), wrapped, sealed, Box::new(session))?;
    keyring.wrapping = Box::new(Session { held: held.clone(), steps_left: steps });
    Ok(keyring)
}

fn new(dir: &Path) -> (Keyring, Held) {
    let held = Held::default();
    let session = Session { held: held.clone(), steps_left: usize::MAX };
    let mut keyring = Keyring::empty(dir.join("keyring"), NODE, Box::new(session));
    keyring.wrap(DataKeyId::Root, FIRST, &mut OsRng).unwrap();
    keyring.save(&mut OsRng).unwrap();
    (keyring, held)
}

/// That the token has a key for each data key of the keyring, and none besides.
fn assert_tidy(keyring: &Keyring, held: &Held) {
    let held = held.0.lock().unwrap();
    assert_eq!(held.keys.keys().copied().collect::<BTreeSet<_>>(), keyring.used());
    assert_eq!(held.settled, keyring.revision());
}

#[test]
fn a_kill_while_a_key_is_added_leaves_all_others_and_nothing_in_the_token() {
    for steps in 0..=2 {
        let dir = tempfile::tempdir().unwrap();
        let (mut keyring, held) = new(dir.path());
        keyring.add(&share(0), &mut OsRng).unwrap();
        let first = secret(&keyring, &share(0));
        let mut keyring = reopen(dir.path(), &held, steps).unwrap();
        assert_eq!(keyring.add(&share(1), &mut OsRng).is_ok(), steps == 2);

        let mut keyring = reopen(dir.path(), &held, usize::MAX).unwrap();
        assert_tidy(&keyring, &held);
        assert_eq!(secret(&keyring, &share(0)), first, "{steps}");
        assert_eq!(
            keyring.by_id(&share(1)).is_some(),
            steps > 0,
            "the file is written after a step"
        );
        keyring.add(&share(1), &mut OsRng).unwrap();
        assert_tidy(&keyring, &held);
    }
}

#[test]
fn a_kill_while_a_key_is_erased_keeps_the_others_and_the_next_start_ends_it() {
    for steps in 0..=2 {
        let dir = tempfile::tempdir().unwrap();
        let (mut keyring, held) = new(dir.path());
        keyring.add(&share(0), &mut OsRng).unwrap();
        keyring.add(&share(1), &mut OsRng).unwrap();
        let kept = secret(&keyring, &share(1));
        let before = fs::read(dir.path().join("keyring")).unwrap();
        let mut keyring = reopen(dir.path(), &held, steps).unwrap();
        assert_eq!(keyring.erase(&share(0), &mut OsRng).is_ok(), steps == 2);

        let keyring = reopen(dir.path(), &held, usize::MAX).unwrap();
        assert_tidy(&keyring, &held);
        assert!(keyring.by_id(&share(0)).is_none());
        assert_eq!(secret(&keyring, &share(1)), kept);
        // The copy of before, with what the token holds now.
        fs::write(dir.path().join("keyring"), before).unwrap();
        let refused = reopen(dir.path(), &held, usize::MAX);
        assert!(matches!(refused, Err(KeyringError::Kek(KekError::Token(_)))), "{refused:?}");
    }
}

#[test]
fn a_kill_while_a_keyring_is_wrapped_anew_loses_no_key() {
    // Two data keys: each is wrapped, all is settled, and their former wrapping keys are destroyed.
    for steps in 0..=5 {
        let dir = tempfile::tempdir().unwrap();
        let (mut keyring, held) = new(dir.path());
        keyring.add(&share(0), &mut OsRng).unwrap();
        let keys = [DataKeyId::Root, share(0)].map(|id| secret(&keyring, &id));
        let mut keyring = reopen(dir.path(), &held, steps).unwrap();
        match rewrap(&mut keyring, None) {
            Ok(()) => assert_eq!(steps, 5),
            Err(RewrapError::Refused(_)) => assert!(steps < 2, "{steps}"),
            Err(RewrapError::Failed(_)) => assert!((2..5).contains(&steps), "{steps}"),
        }

        let mut keyring = reopen(dir.path(), &held, usize::MAX).unwrap();
        assert_tidy(&keyring, &held);
        assert_eq!([DataKeyId::Root, share(0)].map(|id| secret(&keyring, &id)), keys);
        rewrap(&mut keyring, None).unwrap();
        assert_tidy(&keyring, &held);
    }
}

#[test]
fn a_kill_while_a_keyring_moves_into_a_token_leaves_it_in_one_of_the_two() {
    for steps in 0..=3 {
        let dir = tempfile::tempdir().unwrap();
        let mut keyring = create(dir.path());
        keyring.add(&share(0), &mut OsRng).unwrap();
        let keys = [DataKeyId::Root, share(0)].map(|id| secret(&keyring, &id));
        let held = Held::default();
        let session = Session { held: held.clone(), steps_left: steps };
        assert_eq!(rewrap(&mut keyring, Some(Box::new(session))).is_ok(), steps == 3);

        let keyring = if steps < 2 {
            open(dir.path()).unwrap()
        } else {
            assert!(open(dir.path()).is_err());
            reopen(dir.path(), &held, usize::MAX).unwrap()
        };
        assert_eq!([DataKeyId::Root, share(0)].map(|id| secret(&keyring, &id)), keys, "{steps}");
        // What was left in the token of a move that was not made is no hindrance to the next.
        if steps < 2 {
            let mut keyring = keyring;
            let session = Session { held: held.clone(), steps_left: usize::MAX };
            rewrap(&mut keyring, Some(Box::new(session))).unwrap();
            assert_tidy(&keyring, &held);
        }
    }
}

#[test]
fn a_refused_move_leaves_the_keyring_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    let session = Session { held: Held::default(), steps_left: 0 };
    let refused = rewrap(&mut keyring, Some(Box::new(session)));
    assert!(matches!(refused, Err(RewrapError::Refused(_))), "{refused:?}");
    keyring.add(&share(0), &mut OsRng).unwrap();
    assert_eq!(secret(&open(dir.path()).unwrap(), &share(0)), secret(&keyring, &share(0)));
}

#[test]
fn an_earlier_keyring_is_refused_and_destroys_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut keyring, held) = new(dir.path());
    let before = fs::read(dir.path().join("keyring")).unwrap();
    keyring.add(&share(0), &mut OsRng).unwrap();
    let present = fs::read(dir.path().join("keyring")).unwrap();
    fs::write(dir.path().join("keyring"), before).unwrap();
    let refused = reopen(dir.path(), &held, usize::MAX);
    let Err(KeyringError::Kek(KekError::Token(error))) = refused else { panic!("{refused:?}") };
    assert!(matches!(error, TokenError::PutBack { .. }), "{error}");
    fs::write(dir.path().join("keyring"), present).unwrap();
    assert_tidy(&reopen(dir.path(), &held, usize::MAX).unwrap(), &held);
}

#[test]
fn an_erasure_is_complete_where_no_passphrase_ever_wrapped_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let (mut keyring, held) = new(dir.path());
    keyring.add(&share(0), &mut OsRng).unwrap();
    rewrap(&mut keyring, None).unwrap();
    assert_eq!(reopen(dir.path(), &held, 0).unwrap().erasure(), Erasure::Complete);

    let dir = tempfile::tempdir().unwrap();
    let mut keyring = create(dir.path());
    keyring.add(&share(0), &mut OsRng).unwrap();
    let session = || Session { held: Held::default(), steps_left: usize::MAX };
    let wrapping = session();
    let held = wrapping.held.clone();
    rewrap(&mut keyring, Some(Box::new(wrapping))).unwrap();
    keyring.add(&share(1), &mut OsRng).unwrap();
    assert_eq!(keyring.erasure(), Erasure::Medium, "a passphrase wrapped the first share");
    keyring.erase(&share(0), &mut OsRng).unwrap();
    assert_eq!(reopen(dir.path(), &held, 0).unwrap().erasure(), Erasure::Complete);
}

#[test]
fn a_passphrase_in_place_of_a_token_leaves_nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    let (mut keyring, held) = new(dir.path());
    keyring.add(&share(0), &mut OsRng).unwrap();
    rewrap(&mut keyring, passphrase(b"horse")).unwrap();
    let held = held.0.lock().unwrap();
    assert!(held.keys.is_empty() && held.settled == 0);
    assert_eq!(secret(&open(dir.path()).unwrap(), &share(0)), secret(&keyring, &share(0)));
}

#[test]
fn what_is_added_and_erased_while_a_keyring_is_wrapped_anew_counts() {
    for moves in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (mut keyring, mut held) = new(dir.path());
        for epoch in 0..3 {
            keyring.add(&share(epoch), &mut OsRng).unwrap();
        }
        let session = Session { held: Held::default(), steps_left: usize::MAX };
        let other = session.held.clone();
        let next = moves.then(|| Box::new(session) as Box<dyn WrappingKeys>);
        let mut rewrap = keyring.begin_rewrap(next).unwrap();
        for _ in 0..3 {
            assert!(keyring.wrap_next(&mut rewrap, &mut OsRng).unwrap());
        }
        // One that was wrapped already, and comes again under its name; one that was not yet; a new one.
        keyring.erase(&share(0), &mut OsRng).unwrap();
        keyring.add(&share(0), &mut OsRng).unwrap();
        keyring.erase(&share(1), &mut OsRng).unwrap();
        keyring.add(&share(3), &mut OsRng).unwrap();
        while keyring.wrap_next(&mut rewrap, &mut OsRng).unwrap() {}
        let mut before = keyring.switch(rewrap, &mut OsRng).unwrap();
        while keyring.destroy_next(&mut before).unwrap() {}
        if moves {
            assert!(held.0.lock().unwrap().keys.is_empty());
            held = other;
        }
        assert_tidy(&keyring, &held);
        let reopened = reopen(dir.path(), &held, 0).unwrap();
        for epoch in [0, 2, 3] {
            assert_eq!(secret(&reopened, &share(epoch)), secret(&keyring, &share(epoch)));
        }
        assert!(reopened.by_id(&share(1)).is_none());
        let erasure = if moves { Erasure::Medium } else { Erasure::Complete };
        assert_eq!(reopened.erasure(), erasure);
    }
}
