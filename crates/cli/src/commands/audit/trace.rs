//! Which entries of the logs of several nodes are about one request.

use std::collections::BTreeSet;
use std::str::FromStr;

use quorate_api::name::parse_sign_request;
use quorate_audit::Entry;
use quorate_model::{Digest, ParticipantId, RequestId, RequestKey, Timestamp};

use super::logs::NodeLog;
use crate::exit::Failure;

/// What a trace is of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// The request of this name.
    Request(RequestKey),
    /// Requests with this id, of whatever service.
    Id(RequestId),
    /// A statement by its digest, whatever name it was given.
    Digest(Digest),
}

impl FromStr for Sought {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if let Ok(key) = parse_sign_request("request", text) {
            return Ok(Self::Request(key));
        }
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::Digest).map_err(|_| {
            let expected = "services/SERVICE/signRequests/UUID, a UUID, or 64 hexadecimal digits";
            Failure::usage(format!("{text:?} is no request: expected {expected}"))
        })
    }
}

/// The entries about it, in the order of time. An entry that releases shares names a statement by its
/// digest only, so the digests that any of the nodes knew the request by are looked for at all.
pub(super) fn trace<'a>(sought: &Sought, logs: &'a [NodeLog]) -> Vec<(ParticipantId, &'a Entry)> {
    let logs = logs.iter().map(|log| (log.node, log.verified.entries()));
    select(sought, &logs.collect::<Vec<_>>())
}

fn select<'a>(
    sought: &Sought,
    logs: &[(ParticipantId, &'a [Entry])],
) -> Vec<(ParticipantId, &'a Entry)> {
    let all = logs.iter().flat_map(|(_, entries)| entries.iter());
    let named = all.filter(|entry| sought.is_named_by(entry));
    let mut digests: BTreeSet<_> =
        named.flat_map(|entry| entry.event.values("digest")).map(str::to_owned).collect();
    if let Sought::Digest(digest) = sought {
        digests.insert(digest.to_string());
    }
    let is_about = |entry: &Entry| {
        let event = &entry.event;
        let mut known = event.values("digest").chain(event.values("subject"));
        sought.is_named_by(entry) || known.any(|digest| digests.contains(digest))
    };
    let mut found = Vec::new();
    for (node, entries) in logs {
        // A node's own order holds, also where its clock was set back in between.
        let mut time = Timestamp::ZERO;
        for entry in entries.iter().filter(|entry| is_about(entry)) {
            time = time.max(entry.time);
            found.push((time, *node, entry));
        }
    }
    found.sort_by_key(|(time, node, entry)| (*time, *node, entry.index));
    found.into_iter().map(|(_, node, entry)| (node, entry)).collect()
}

impl Sought {
    fn is_named_by(&self, entry: &Entry) -> bool {
        let names = || entry.event.values("request");
        let keys = || names().filter_map(|name| name.parse::<RequestKey>().ok());
        match self {
            Self::Request(sought) => keys().any(|key| key == *sought),
            Self::Id(sought) => keys().any(|key| key.request_id == *sought),
            Self::Digest(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use quorate_audit::{Event, EventKind, Log};

    use super::*;

    const ID: &str = "6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11";
    const OTHER_ID: &str = "6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c12";

    fn digest(byte: u8) -> Digest {
        Digest::new([byte; 32])
    }

    fn log(events: Vec<(u64, Event)>) -> Vec<Entry> {
        let mut log = Log::default();
        let append = |(time, event)| log.append(event, Timestamp::from_millis(time), digest(0));
        events.into_iter().map(append).collect()
    }

    fn reserved(service: &str, id: &str, statement: u8) -> Event {
        Event::new(EventKind::RequestReserved)
            .fact("request", format!("{service}/{id}"))
            .fact("digest", digest(statement))
    }

    fn released(statement: u8) -> Event {
        Event::new(EventKind::SharesReleased).fact("key", "btc").fact("subject", digest(statement))
    }

    /// `node:index` of every entry found.
    fn found(sought: &str, logs: &[Vec<Entry>]) -> String {
        let node = |at: usize| ParticipantId::new(u16::try_from(at + 1).unwrap()).unwrap();
        let logs: Vec<_> = logs.iter().enumerate().map(|(at, log)| (node(at), &**log)).collect();
        let found = select(&sought.parse().unwrap(), &logs);
        let found: Vec<_> = found.iter().map(|(n, entry)| format!("{n}:{}", entry.index)).collect();
        found.join(" ")
    }

    fn logs() -> Vec<Vec<Entry>> {
        let one = log(vec![
            (1, Event::new(EventKind::NodeStarted)),
            (10, reserved("payments", ID, 1)),
            (12, reserved("payroll", ID, 2)),
            (14, released(1)),
            (15, released(9)),
        ]);
        let two = log(vec![
            (11, reserved("payments", ID, 1)),
            (13, released(1)),
            (16, reserved("payments", OTHER_ID, 3)),
            (17, released(2)),
        ]);
        vec![one, two]
    }

    #[test]
    fn a_request_is_followed_from_its_name_to_its_shares_in_the_order_of_time() {
        let name = format!("services/payments/signRequests/{ID}");
        assert_eq!(found(&name, &logs()), "1:1 2:0 2:1 1:3");
        assert_eq!(found(&format!("services/treasury/signRequests/{ID}"), &logs()), "");
    }

    #[test]
    fn an_id_is_followed_over_services_and_a_digest_alone() {
        assert_eq!(found(ID, &logs()), "1:1 2:0 1:2 2:1 1:3 2:3");
        assert_eq!(found(&digest(2).to_string(), &logs()), "1:2 2:3");
        assert_eq!(found(&digest(9).to_string(), &logs()), "1:4");
    }

    #[test]
    fn a_digest_that_another_node_knew_the_request_by_is_followed() {
        // This node's log has the release only.
        let logs = [log(vec![(5, released(1))]), log(vec![(4, reserved("payments", ID, 1))])];
        assert_eq!(found(ID, &logs), "2:0 1:0");
    }

    #[test]
    fn a_name_in_another_fact_is_not_followed() {
        let event = Event::new(EventKind::RequestDenied)
            .fact("request", format!("payments/{OTHER_ID}"))
            .fact("digest", digest(3))
            .fact("client_reference", format!("payments/{ID}"))
            .fact("reason", digest(1));
        let logs = [log(vec![(1, event)])];
        assert_eq!((found(ID, &logs).as_str(), found(OTHER_ID, &logs).as_str()), ("", "1:0"));
        assert_eq!(found(&digest(1).to_string(), &logs), "");
    }

    #[test]
    fn the_order_of_a_node_holds_whatever_its_clock_said() {
        let one = log(vec![(50, reserved("payments", ID, 1)), (20, released(1))]);
        let two = log(vec![(30, reserved("payments", ID, 1)), (60, released(1))]);
        assert_eq!(found(ID, &[one, two]), "2:0 1:0 1:1 2:1");
    }

    #[test]
    fn what_names_no_request_is_a_matter_of_usage() {
        for text in ["", "payments", "payments/1", "services/payments/signRequests/1", "12ab"] {
            let failure = text.parse::<Sought>().unwrap_err();
            assert_eq!(failure.exit(), crate::exit::Exit::Usage, "{text}");
        }
    }
}
