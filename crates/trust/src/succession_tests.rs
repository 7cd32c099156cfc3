use super::*;

fn hash(byte: u8) -> Digest {
    Digest::new([byte; 32])
}

fn time(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn successor(version: u64, byte: u8, previous: &[u8]) -> Successor {
    let previous = previous.iter().map(|byte| hash(*byte)).collect();
    Successor { version, hash: hash(byte), previous }
}

fn begun(chain: &mut Succession<&'static str>, now: u64) -> Option<&'static str> {
    chain.begin(time(now)).map(|scheduled| scheduled.document)
}

#[test]
fn what_follows_comes_into_force_in_its_time() {
    let mut chain = Succession::new(1, hash(1));
    chain.append(&successor(2, 2, &[1]), time(100), "second").unwrap();
    assert_eq!((chain.newest(), chain.next_begin()), ((2, hash(2)), Some(time(100))));
    let [waiting] = chain.scheduled() else { panic!("one waits") };
    assert_eq!((waiting.version, waiting.hash, waiting.document), (2, hash(2), "second"));
    assert_eq!(begun(&mut chain, 99), None);
    assert_eq!(begun(&mut chain, 100), Some("second"));
    assert_eq!((begun(&mut chain, 200), chain.next_begin()), (None, None), "once only");
}

#[test]
fn a_newer_one_that_begins_sooner_supersedes_what_waits() {
    let mut chain = Succession::new(1, hash(1));
    chain.append(&successor(2, 2, &[1]), time(100), "looser").unwrap();
    chain.append(&successor(3, 3, &[2]), time(10), "back to the first").unwrap();
    assert_eq!(begun(&mut chain, 10), Some("back to the first"));
    assert_eq!(begun(&mut chain, 100), None, "the looser one never comes");
}

#[test]
fn what_waits_can_be_hastened_and_never_delayed() {
    let mut chain = Succession::new(1, hash(1));
    chain.append(&successor(2, 2, &[1]), time(100), "second").unwrap();
    chain.hasten(&hash(2), time(200));
    chain.hasten(&hash(3), time(1));
    assert_eq!(chain.next_begin(), Some(time(100)));
    chain.hasten(&hash(2), time(50));
    assert_eq!(begun(&mut chain, 50), Some("second"));
}

#[test]
fn nothing_goes_back_or_branches() {
    let mut chain = Succession::new(1, hash(1));
    chain.append(&successor(2, 2, &[1]), time(0), "second").unwrap();
    let other = chain.append(&successor(2, 3, &[1]), time(0), "fork");
    assert_eq!(other, Err(SuccessionError::NotNewer { offered: 2, newest: 2 }));
    let over = chain.append(&successor(3, 3, &[1]), time(0), "fork");
    assert_eq!(over, Err(SuccessionError::OtherPredecessor { newest: hash(2), version: 2 }));
    let gap = chain.append(&successor(4, 4, &[3]), time(0), "gap");
    assert_eq!(gap, Err(SuccessionError::OtherPredecessor { newest: hash(2), version: 2 }));
    assert_eq!(chain.newest(), (2, hash(2)));
}

#[test]
fn one_that_names_every_branch_heals_a_fork() {
    let healing = successor(4, 9, &[2, 3]);
    for branch in [2, 3] {
        let mut chain = Succession::new(1, hash(1));
        chain.append(&successor(2, branch, &[1]), time(0), "branch").unwrap();
        chain.append(&healing, time(0), "healed").unwrap();
        assert_eq!(chain.newest(), (4, hash(9)));
    }
}

#[test]
fn only_so_many_wait() {
    let mut chain = Succession::new(1, hash(1));
    for version in 2..2 + SCHEDULED_MAX as u8 {
        let next = successor(version.into(), version, &[version - 1]);
        chain.check_room().unwrap();
        chain.append(&next, time(100), "waits").unwrap();
    }
    assert_eq!(chain.check_room(), Err(SuccessionError::TooMany));
    // What takes effect at once takes all of them back.
    let (version, _) = chain.newest();
    let next = successor(version + 1, 99, &[u8::try_from(version).unwrap()]);
    chain.append(&next, time(1), "back").unwrap();
    assert_eq!(begun(&mut chain, 1), Some("back"));
    assert_eq!(chain.check_room(), Ok(()));
}
