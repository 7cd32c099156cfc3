//! What releases used up, such as outputs that can be spent once: of two payloads with one claim the
//! network takes one, so a second one needs people who say that it replaces the first.
//!
//! It is read back from the audit log, as what windows were charged is: the entry that has to be on the
//! disk before a share leaves names every claim.

use std::collections::BTreeMap;

use quorate_audit::{Entry, Event, EventKind};
use quorate_intent::{Claim, Decoded};
use quorate_model::{Digest, Timestamp};
use quorate_policy::Usage;

/// The fact of a release that names a claim and its value; one for each claim.
const FACT: &str = "claim";
/// The fact of a release with claims that names the payload they are of.
const PAYLOAD_FACT: &str = "payload";

/// Claims that are remembered at one time, each as often as payloads were released for it. They take
/// less than 100 MB.
const CLAIMS_MAX: usize = 262_144;
/// How often it is looked for what may be forgotten.
const FORGET_EVERY_MILLIS: u64 = 3_600_000;

/// Why a payload is not signed, whatever its rules say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Conflict {
    /// Two payloads say different things of what cannot differ.
    #[error(
        "{what} is said to be {says}, and was {was} when shares were released for request {request}: \
         one of them is a lie, take it from the chain"
    )]
    Value { what: String, says: String, was: String, request: Digest },
    /// Another payload was released.
    #[error(
        "{what} was used by request {request}, for which shares were released with another payload: \
         send that payload again, or have a quorum approve that this one replaces it"
    )]
    Replaces { what: String, request: Digest },
    /// There is no room.
    #[error(
        "this node remembers what releases of the last 31 days used up, and is at its limit of \
         {CLAIMS_MAX}: send it again when the oldest are forgotten"
    )]
    Full,
}

/// What was used up by the releases of this node.
#[derive(Debug)]
pub(crate) struct Claims {
    held: BTreeMap<String, Held>,
    /// Of all claims together.
    releases: usize,
    /// Everything before this time is forgotten.
    forgotten: Timestamp,
}

/// One claim.
#[derive(Debug)]
struct Held {
    value: String,
    /// The payloads that were released for it: several, where people approved a replacement.
    releases: Vec<Release>,
}

#[derive(Debug)]
struct Release {
    payload: Digest,
    /// The last request that was released with this payload.
    request: Digest,
    time: Timestamp,
}

impl Default for Claims {
    fn default() -> Self {
        Self { held: BTreeMap::new(), releases: 0, forgotten: Timestamp::ZERO }
    }
}

impl Claims {
    /// Whether a payload may be released. Of several reasons against it, the one that nobody can
    /// remedy comes first, and [`Conflict::Replaces`] last.
    pub(crate) fn check(&self, decoded: &Decoded) -> Result<(), Conflict> {
        let payload = decoded.intent.payload_digest;
        let (mut replaces, mut more) = (None, 0);
        for Claim { what, value } in &decoded.claims {
            let held = self.held.get(what);
            let newest = held.and_then(|held| held.releases.iter().max_by_key(|r| r.time));
            let (Some(held), Some(newest)) = (held, newest) else {
                more += 1;
                continue;
            };
            if held.value != *value {
                let (what, says, was) = (what.clone(), value.clone(), held.value.clone());
                return Err(Conflict::Value { what, says, was, request: newest.request });
            }
            if !held.releases.iter().any(|release| release.payload == payload) {
                more += 1;
                let (what, request) = (what.clone(), newest.request);
                replaces = replaces.or(Some(Conflict::Replaces { what, request }));
            }
        }
        if self.releases.saturating_add(more) > CLAIMS_MAX && more > 0 {
            return Err(Conflict::Full);
        }
        replaces.map_or(Ok(()), Err)
    }

    /// Takes note of a release.
    pub(crate) fn remember(
        &mut self,
        claims: impl IntoIterator<Item = Claim>,
        payload: Digest,
        request: Digest,
        time: Timestamp,
    ) {
        for Claim { what, value } in claims {
            let held = self.held.entry(what);
            let held = held.or_insert_with(|| Held { value, releases: Vec::new() });
            match held.releases.iter_mut().find(|release| release.payload == payload) {
                Some(release) => {
                    release.request = request;
                    release.time = release.time.max(time);
                }
                None => {
                    held.releases.push(Release { payload, request, time });
                    self.releases += 1;
                }
            }
        }
    }

    /// Drops what was released before the horizon of all that is remembered of releases. It may be an
    /// hour late.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        let before = Timestamp::from_millis(now.millis().saturating_sub(Usage::HORIZON_MILLIS));
        if before.since(self.forgotten) < FORGET_EVERY_MILLIS {
            return;
        }
        self.forgotten = before;
        for held in self.held.values_mut() {
            held.releases.retain(|release| release.time >= before);
        }
        self.held.retain(|_, held| !held.releases.is_empty());
        self.releases = self.held.values().map(|held| held.releases.len()).sum();
    }

    /// Reads back what a node has released.
    pub(crate) fn of_log(entries: &[Entry]) -> Self {
        let mut claims = Self::default();
        let released = entries.iter().filter(|entry| entry.event.kind == EventKind::SharesReleased);
        for entry in released {
            let digest = |name| entry.event.values(name).next().and_then(|text| text.parse().ok());
            let (Some(payload), Some(request)) = (digest(PAYLOAD_FACT), digest("subject")) else {
                continue;
            };
            let named = entry.event.values(FACT).filter_map(read);
            claims.remember(named, payload, request, entry.time);
        }
        claims
    }
}

/// Adds to a release what it uses up.
pub(crate) fn with_claims(event: Event, decoded: &Decoded) -> Event {
    if decoded.claims.is_empty() {
        return event;
    }
    let event = event.fact(PAYLOAD_FACT, decoded.intent.payload_digest);
    let claims = decoded.claims.iter();
    claims.fold(event, |event, Claim { what, value }| event.fact(FACT, format!("{what} {value}")))
}

fn read(fact: &str) -> Option<Claim> {
    let (what, value) = fact.split_once(' ')?;
    Some(Claim { what: what.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests;
