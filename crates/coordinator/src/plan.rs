//! What an order to make a key, or a new sharing of one, comes to.

use quorate_model::{Attempt, KeyId, ParticipantId, ParticipantSet, Scheme, Threshold};
use quorate_protocol::{Ceremony, Certificate, ReshareError};
use quorate_trust::{KeyOrder, OrderAction, SharingChange, VerifiedOrder};

/// An order that was verified, with what it asks for.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) order: VerifiedOrder,
    pub(crate) key: KeyId,
    pub(crate) scheme: Scheme,
    pub(crate) threshold: Threshold,
    /// Who will hold a share.
    pub(crate) roster: ParticipantSet,
    /// The sharing that there is, where the order is for the next one.
    pub(crate) predecessor: Option<Certificate>,
}

impl Plan {
    pub(crate) fn generate(order: KeyOrder) -> Self {
        let generate = order.generate_key().clone();
        let order = order.verified().clone();
        Self {
            order,
            key: generate.key,
            scheme: generate.scheme,
            threshold: generate.threshold,
            roster: generate.roster,
            predecessor: None,
        }
    }

    pub(crate) fn reshare(
        order: VerifiedOrder,
        present: Certificate,
    ) -> Result<Self, ReshareError> {
        let certified = &present.certified;
        let dealers = certified.roster.iter().filter(|id| Some(*id) != repaired(&order));
        let dealers = ParticipantSet::new(dealers).unwrap_or_else(|_| certified.roster.clone());
        let ceremony = Ceremony::reshare(&order, Attempt::FIRST, certified, dealers)?;
        Ok(Self {
            order,
            key: ceremony.key,
            scheme: ceremony.scheme,
            threshold: ceremony.threshold,
            roster: ceremony.roster,
            predecessor: Some(present),
        })
    }

    /// Who deals in an attempt, of the nodes that can work: holders who stay, and of those who leave only as
    /// many as it takes. After the first attempt no more than it takes, and others each time: one who spoils
    /// it is not always among them. `None` where there are too few.
    pub(crate) fn dealers(
        &self,
        attempt: Attempt,
        can_work: impl Fn(ParticipantId) -> bool,
    ) -> Option<ParticipantSet> {
        let certified = &self.predecessor.as_ref()?.certified;
        let threshold = certified.threshold.as_usize();
        let here = |id: &ParticipantId| can_work(*id) && Some(*id) != repaired(&self.order);
        let (staying, leaving): (Vec<_>, Vec<_>) =
            certified.roster.iter().filter(here).partition(|id| self.roster.contains(*id));
        let turned = |ids: Vec<ParticipantId>| {
            let by = attempt.0.saturating_sub(1) as usize;
            let (count, all) = (ids.len(), ids.into_iter().cycle());
            all.skip(by.checked_rem(count).unwrap_or(0)).take(count)
        };
        let most = if attempt == Attempt::FIRST { staying.len() } else { threshold };
        let mut dealers: Vec<_> = turned(staying).take(most).collect();
        let missing = threshold.saturating_sub(dealers.len());
        dealers.extend(turned(leaving).take(missing));
        let dealers = ParticipantSet::new(dealers).ok()?;
        (dealers.len() >= threshold).then_some(dealers)
    }
}

/// The node that an order repairs.
fn repaired(order: &VerifiedOrder) -> Option<ParticipantId> {
    let OrderAction::ReshareKey(reshare) = &order.order().action else { return None };
    match reshare.change {
        SharingChange::Repair(node) => Some(node),
        SharingChange::Refresh | SharingChange::Reshare { .. } => None,
    }
}
