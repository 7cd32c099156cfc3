//! What an order says, and where it holds: verified here.

use quorate_api::pb::custody::v1::{Order as Answer, OrderAnswer};
use quorate_api::pb::statement::v1::SignedAcceptance;
use quorate_model::{Digest, ParticipantId};
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
    /// The root's delay, where it applies.
    delay_s: u64,
}

impl OrderReport {
    pub(super) fn new(answer: &Answer, profile: &Profile) -> Result<Self, Failure> {
        let order = verified(answer, profile)?;
        let mut report = Self::of(&order);
        for OrderAnswer { node, acceptance, refusal } in answer.answers.clone() {
            match acceptance {
                Some(word) => report.held_by.push(held_by(word, order.digest(), profile)?.get()),
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
        report.held_by.push(held_by(word, order.digest(), profile)?.get());
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
        let delay_s = if self.action == "unfreeze" { profile.root.unfreeze_delay_s } else { 0 };
        Holds { held: self.held_by.len(), needed, is_stop, delay_s }
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
            (true, false) => match self.delay_s {
                0 => format!("{held} nodes hold it."),
                delay => format!("{held} nodes hold it; the freeze holds on for {delay} s more."),
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
    Ok(order.verify(&profile.root)?)
}

/// Which node said, verifiably, that it holds this order.
fn held_by(
    word: SignedAcceptance,
    order: Digest,
    profile: &Profile,
) -> Result<ParticipantId, Failure> {
    let word = Signed::<Acceptance>::try_from(word)?.verify(&profile.root)?;
    if word.body().order == order {
        return Ok(word.from());
    }
    let message = format!("node {} spoke of another order", word.from());
    Err(Failure::new(Exit::Error, message))
}

impl Report for OrderReport {
    const SCHEMA: &'static str = "quorate.order/1";

    fn text(&self, _paint: Paint) -> String {
        let mut text = format!("{}\ndigest: {}\n", self.text, self.digest);
        text.push_str(&format!("signed by: {}\n", self.signed_by.join(", ")));
        text.push_str(&format!("held by nodes: {}\n", numbers(&self.held_by)));
        for RefusalReport { node, reason } in &self.refused_by {
            text.push_str(&format!("refused by node {node}: {reason}\n"));
        }
        text
    }
}

impl Report for OrderList {
    const SCHEMA: &'static str = "quorate.orders/1";

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
