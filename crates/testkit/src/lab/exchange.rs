//! Rounds of an ECDSA key generation or signing, relayed between the nodes of a lab.

use quorate_model::{ParticipantId, ParticipantSet};
use quorate_protocol::exchange::Parcel;
use quorate_protocol::wire::{ExchangeKey, FromNode, ToNode};

use super::Lab;

impl Lab {
    /// Relays rounds until there are none: what `members`, ascending, answered last. `change` is what the
    /// relay makes of the messages to one member.
    pub fn exchange(
        &mut self,
        exchange: &ExchangeKey,
        members: &ParticipantSet,
        mut answers: Vec<FromNode>,
        change: &dyn Fn(ParticipantId, Vec<Parcel>) -> Vec<Parcel>,
    ) -> Vec<FromNode> {
        loop {
            let parcel = |answer: &FromNode| match answer {
                FromNode::Exchanged(parcel) => Some(parcel.clone()),
                _ => None,
            };
            let Some(parcels) = answers.iter().map(parcel).collect::<Option<Vec<_>>>() else {
                return answers;
            };
            let ask = |to: ParticipantId| {
                let own = parcels.iter().map(|parcel| parcel.for_receiver(to)).collect();
                self.ask(to, ToNode::Exchange(exchange.clone(), change(to, own)))
            };
            answers = members.iter().map(ask).collect();
        }
    }
}
