//! Whether this node may rest on what its wall clock shows.
//!
//! A wall clock shows what it was set to. A node believes its own once enough others agree with it,
//! and from then on for as long as it keeps pace with the clock that counts from the machine's start,
//! which nobody sets: so it need not ask again after a restart of the process, but after one of the
//! machine it does. Others answer a challenge, so that no old answer serves.

use std::collections::BTreeMap;

use quorate_model::{BootId, Digest, Moment, ParticipantId, Tag, Timestamp, Transcript};
use quorate_protocol::wire::Testimony;
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

use crate::record::ClockRecord;

/// The clocks of this node's machine, and what is known of them.
pub(crate) struct Clock {
    boot: Option<BootId>,
    /// How far clocks may differ, in milliseconds; also how old an answer to a challenge may be.
    skew_ms: u64,
    now: Moment,
    /// What the clocks showed when others agreed, in this run of the machine.
    confirmed: Option<Moment>,
    doubt: Option<Doubt>,
    challenge: Option<Challenge>,
}

/// Why a node does not rest on its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Too few others have agreed with it since the machine was started.
    Unconfirmed,
    /// Since others agreed with it, it was set: by so many milliseconds, ahead or back.
    Jumped(i128),
}

/// What others are asked to sign beside the time.
struct Challenge {
    drawn: Digest,
    uptime_ms: u64,
    heard: BTreeMap<ParticipantId, Heard>,
}

/// What another node's clock showed, at some moment between the challenge and this one.
struct Heard {
    time: Timestamp,
    uptime_ms: u64,
}

impl Clock {
    pub(crate) fn new(boot: Option<BootId>, skew_ms: u64, now: Moment) -> Self {
        let (confirmed, doubt, challenge) = (None, Some(Doubt::Unconfirmed), None);
        Self { boot, skew_ms, now, confirmed, doubt, challenge }
    }

    /// Takes up what was confirmed before the process was started, in the same run of the machine.
    pub(crate) fn load(&mut self, record: ClockRecord) {
        if self.boot == Some(record.boot) {
            self.confirmed = Some(record.confirmed);
        }
    }

    /// Looks at the clocks. Gives by how much the wall clock was set, where that is news.
    pub(crate) fn observe(&mut self, now: Moment) -> Option<i128> {
        self.now = now;
        let before = self.doubt;
        self.doubt = match self.confirmed {
            None => Some(Doubt::Unconfirmed),
            Some(then) => {
                let by = start_of(now.time, now.uptime_ms) - start_of(then.time, then.uptime_ms);
                (by.unsigned_abs() > u128::from(self.skew_ms)).then_some(Doubt::Jumped(by))
            }
        };
        match (before, self.doubt) {
            (None | Some(Doubt::Unconfirmed), Some(Doubt::Jumped(by))) => Some(by),
            (Some(Doubt::Jumped(_)), Some(Doubt::Jumped(_)))
            | (_, None | Some(Doubt::Unconfirmed)) => None,
        }
    }

    /// What the wall clock showed last.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.time
    }

    pub(crate) fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// What others are to sign beside what they know. It is drawn anew before it is too old for an answer.
    pub(crate) fn challenge(&mut self, rng: &mut dyn CryptoRngCore) -> Option<Digest> {
        let uptime_ms = self.now.uptime_ms;
        let is_young = |challenge: &Challenge| {
            uptime_ms.saturating_sub(challenge.uptime_ms) < self.skew_ms / 2
        };
        if !self.challenge.as_ref().is_some_and(is_young) {
            let mut drawn = [0; 32];
            rng.fill_bytes(&mut drawn);
            // Hashed: what the source of nonces gave is shown to nobody.
            let drawn = Transcript::new(Tag::Challenge).bytes(&drawn).finish();
            self.challenge = Some(Challenge { drawn, uptime_ms, heard: BTreeMap::new() });
        }
        self.challenge.as_ref().map(|challenge| challenge.drawn)
    }

    /// Takes in what another node's clock shows; `false` where that answers no challenge, or too late.
    pub(crate) fn hear(&mut self, testimony: &Authentic<Testimony>) -> bool {
        let Moment { uptime_ms, .. } = self.now;
        let Testimony { challenge: answered, heads, .. } = testimony.body();
        let Some(challenge) = &mut self.challenge else { return false };
        let age_ms = uptime_ms.saturating_sub(challenge.uptime_ms);
        if challenge.drawn != *answered || age_ms > self.skew_ms {
            return false;
        }
        challenge.heard.insert(testimony.from(), Heard { time: heads.clock, uptime_ms });
        true
    }

    /// The nodes that answered, and by how many milliseconds the clock of each is ahead of this node's,
    /// or behind: zero where they agree.
    pub(crate) fn differences(&self) -> impl Iterator<Item = (ParticipantId, i128)> {
        let own = start_of(self.now.time, self.now.uptime_ms);
        let skew = i128::from(self.skew_ms);
        self.challenge.iter().flat_map(move |challenge| {
            challenge.heard.iter().map(move |(node, heard)| {
                // It was read after the challenge was drawn, and before it was heard.
                let least = start_of(heard.time, heard.uptime_ms) - own;
                let most = start_of(heard.time, challenge.uptime_ms) - own;
                match (least > skew, most < -skew) {
                    (true, _) => (*node, least),
                    (false, true) => (*node, most),
                    (false, false) => (*node, 0),
                }
            })
        })
    }

    /// From now on the clock is believed. Gives what is to be made durable of that.
    pub(crate) fn confirm(&mut self) -> Option<ClockRecord> {
        self.confirmed = Some(self.now);
        self.doubt = None;
        self.boot.map(|boot| ClockRecord { boot, confirmed: self.now })
    }
}

/// When the machine was started, by a time that was read so long after.
fn start_of(time: Timestamp, uptime_ms: u64) -> i128 {
    i128::from(time.millis()) - i128::from(uptime_ms)
}
