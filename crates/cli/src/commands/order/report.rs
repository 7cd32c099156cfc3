//! What an order says, and where it holds: verified here.

use std::collections::BTreeMap;

use quorate_api::pb::custody::v1::{Order as Answer, OrderAnswer};
use quorate_api::pb::statement::v1::SignedAcceptance;
use quorate_model::{Digest, ParticipantId, Timestamp};
use quorate_protocol::wire::Acceptance;
use quorate_trust::{Signed, SignedOrder, VerifiedOrder};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::{Paint, Report, table};
use crate::profile::Profile;

#[derive(Serialize)]
pub(super) struct OrderReport {
    order: String,
    action: &'static str,
    digest: String,
    text: String,
    signed_by: Vec<String>,
    /// Nodes whose signed word that it holds was verified.
    held_by: Vec<u16>,
    /// From when on it holds at as many nodes as sign, where so many hold it.
    begins: Option<String>,
    refused_by: Vec<RefusalReport>,
}

#[derive(Serialize)]
struct RefusalReport {
    node: u32,
    reason: String,
}

#[derive(Serialize)]
pub(super) struct OrderList {
    pub(super) orders: Vec<OrderReport>,
}

/// How many nodes hold an order, and how many have to.
pub(super) struct Holds {
    held: usize,
    needed: usize,
    is_stop: bool,
    begins: Option<String>,
}

impl OrderReport {
    pub(super) fn new(answer: &Answer, profile: &Profile) -> Result<Self, Failure> {
        let order = verified(answer, profile)?;
        let mut report = Self::of(&order);
        report.begins = begins(answer, order.digest(), profile)?.map(|time| time.to_string());
        for OrderAnswer { node, acceptance, refusal } in answer.answers.clone() {
            match acceptance {
                Some(word) => {
                    report.held_by.push(held_by(word, order.digest(), profile)?.0.get());
                }
                None => report.refused_by.push(RefusalReport { node, reason: refusal }),
            }
        }
        Ok(report)
    }

    /// An order that one node took by its admin socket.
    pub(super) fn by_hand(
        order: SignedOrder,
        acceptance: Option<SignedAcceptance>,
        profile: &Profile,
    ) -> Result<Self, Failure> {
        let order = order.verify(&profile.root)?;
        let mut report = Self::of(&order);
        let word = acceptance.ok_or_else(|| Failure::new(Exit::Error, "the node said nothing"))?;
        let (node, begins) = held_by(word, order.digest(), profile)?;
        report.held_by.push(node.get());
        report.begins = Some(begins.to_string());
        Ok(report)
    }

    fn of(order: &VerifiedOrder) -> Self {
        Self {
            order: order.order().id.to_string(),
            action: order.order().action.as_str(),
            digest: order.digest().to_string(),
            text: order.order().render(),
            signed_by: order.signers().iter().map(ToString::to_string).collect(),
            held_by: Vec::new(),
            begins: None,
            refused_by: Vec::new(),
        }
    }

    pub(super) fn holds(&self, profile: &Profile) -> Holds {
        let nodes = profile.root.nodes.len();
        let floor = profile.root.threshold_floor.as_usize();
        let is_stop = matches!(self.action, "freeze" | "suspend");
        // Of so many nodes, fewer than the threshold are left without it; a lift has to reach as
        // many as sign.
        let needed = if is_stop { nodes + 1 - floor } else { floor };
        Holds { held: self.held_by.len(), needed, is_stop, begins: self.begins.clone() }
    }
}

impl Holds {
    pub(super) const fn is_enough(&self) -> bool {
        self.held >= self.needed
    }

    pub(super) fn words(&self) -> String {
        let Self { held, needed, is_stop, .. } = self;
        match (self.is_enough(), is_stop) {
            (true, true) => format!("{held} nodes hold it: nothing in its scope is signed now."),
            (true, false) => match &self.begins {
                Some(begins) => format!("{held} nodes hold it; it is in force from {begins}."),
                None => format!("{held} nodes hold it."),
            },
            (false, _) => format!(
                "{held} nodes hold it, {needed} have to. It goes on to the others as they attach; \
                 `quorate order show` tells."
            ),
        }
    }
}

/// The order that a coordinator answered with, verified back to the trust root.
pub(super) fn verified(answer: &Answer, profile: &Profile) -> Result<VerifiedOrder, Failure> {
    let missing = || Failure::new(Exit::Error, "the coordinator answered without an order");
    let order = SignedOrder::try_from(answer.order.clone().ok_or_else(missing)?)?;
    order.verify(&profile.root).map_err(|error| {
        let hint = "it may be signed under another version of the trust root: quorate root fetch";
        Failure::from(error).hint(hint)
    })
}

/// From when on as many nodes as sign hold an order, by words that are verified here.
pub(crate) fn begins(
    answer: &Answer,
    order: Digest,
    profile: &Profile,
) -> Result<Option<Timestamp>, Failure> {
    let mut begins = BTreeMap::new();
    for word in answer.answers.iter().filter_map(|said| said.acceptance.clone()) {
        let (node, from) = held_by(word, order, profile)?;
        begins.insert(node, from);
    }
    let mut begins: Vec<_> = begins.into_values().collect();
    begins.sort_unstable();
    let enough = profile.root.threshold_floor.as_usize().checked_sub(1);
    Ok(enough.and_then(|at| begins.get(at)).copied())
}

/// Which node said, verifiably, that it holds this order, and from when on.
fn held_by(
    word: SignedAcceptance,
    order: Digest,
    profile: &Profile,
) -> Result<(ParticipantId, Timestamp), Failure> {
    let word = Signed::<Acceptance>::try_from(word)?.verify(&profile.root)?;
    if word.body().order == order {
        return Ok((word.from(), word.body().begins));
    }
    let message = format!("node {} spoke of another order", word.from());
    Err(Failure::new(Exit::Error, message))
}

impl Report for OrderReport {
    const SCHEMA: &'static str = "quorate.order/v1";

    fn text(&self, _paint: Paint) -> String {
        let mut text = format!("{}\ndigest: {}\n", self.text, self.digest);
        text.push_str(&format!("signed by: {}\n", self.signed_by.join(", ")));
        text.push_str(&format!("held by nodes: {}\n", numbers(&self.held_by)));
        if let Some(begins) = &self.begins {
            text.push_str(&format!("in force from: {begins}\n"));
        }
        for RefusalReport { node, reason } in &self.refused_by {
            text.push_str(&format!("refused by node {node}: {reason}\n"));
        }
        text
    }
}

impl Report for OrderList {
    const SCHEMA: &'static str = "quorate.orders/v1";

    fn text(&self, _paint: Paint) -> String {
        let row = |order: &OrderReport| {
            let subject = order.text.lines().nth(4).unwrap_or_default().to_owned();
            let (by, held) = (order.signed_by.join(", "), numbers(&order.held_by));
            [order.order.clone(), order.action.to_owned(), subject, by, held]
        };
        table(["ORDER", "ACTION", "WHAT", "SIGNED BY", "HELD BY"], self.orders.iter().map(row))
    }
}

fn numbers(nodes: &[u16]) -> String {
    let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
    if nodes.is_empty() { "none".to_owned() } else { nodes.join(", ") }
}
