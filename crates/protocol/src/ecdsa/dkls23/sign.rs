//! Signing: the library's phases between the rounds of messages. Its last one, which puts the parts
//! together, is [`combine`](crate::ecdsa::combine).

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23_core::protocols::signing::{
    KeepPhase1to2, KeepPhase2to3, SignData, TransmitPhase1to2, TransmitPhase2to3, UniqueKeep1to2,
    UniqueKeep2to3,
};
use k256_14::elliptic_curve::PrimeField as _;
use quorate_model::ParticipantId;

use super::code::{decode, encode};
use super::{Curve, Seats, library, reseed};
use crate::ecdsa::backend::{PartialSignature, SignRound, SignStep, Signing};
use crate::exchange::{Inbox, Outbox};
use crate::rounds::Fault;

type Party = library::Party<Curve>;
type ByParty<T> = BTreeMap<library::PartyIndex, T>;

struct Setup {
    seats: Seats,
    party: Arc<Party>,
    data: SignData,
}

struct Committed {
    setup: Setup,
    unique: UniqueKeep1to2<Curve>,
    kept: ByParty<KeepPhase1to2<Curve>>,
}

struct Multiplied {
    setup: Setup,
    unique: UniqueKeep2to3<Curve>,
    kept: ByParty<KeepPhase2to3<Curve>>,
}

/// Round 1: commits to a nonce, and begins a multiplication with each of the others.
pub(super) fn begin(
    seats: Seats,
    party: Arc<Party>,
    signing: &Signing<'_>,
) -> Result<(Box<dyn SignRound>, Outbox), Fault> {
    let mut counterparties = Vec::new();
    for id in signing.signing_set.iter() {
        let stranger = || Fault::Other(format!("node {id} holds no share of this key"));
        counterparties.push(seats.seat(id).ok_or_else(stranger)?);
    }
    counterparties.retain(|seat| *seat != seats.me);
    let sign_id = signing.id.as_bytes().to_vec();
    let data = SignData { sign_id, counterparties, message_hash: signing.message };
    let (unique, kept, messages) = party.sign_phase1(&data).map_err(|abort| seats.fault(&abort))?;
    let setup = Setup { seats, party, data };
    let mut outbox = Outbox::default();
    for message in &messages {
        outbox.private.insert(setup.receiver(message.parties.receiver)?, encode(message)?);
    }
    Ok((Box::new(Committed { setup, unique, kept }), outbox))
}

impl SignRound for Committed {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<SignStep, Fault> {
        reseed()?;
        let Self { setup, unique, kept } = *self;
        let mut received = Vec::new();
        for (from, bytes) in &inbox.private {
            let message: TransmitPhase1to2 = decode(*from, bytes)?;
            setup.seats.check(*from, &message.parties)?;
            received.push(message);
        }
        let stepped = setup.party.sign_phase2(&setup.data, unique, kept, &received);
        let (unique, kept, messages) = stepped.map_err(|abort| setup.seats.fault(&abort))?;
        let mut outbox = Outbox::default();
        for message in &messages {
            outbox.private.insert(setup.receiver(message.parties.receiver)?, encode(message)?);
        }
        Ok(SignStep::Next(Box::new(Multiplied { setup, unique, kept }), outbox))
    }
}

impl SignRound for Multiplied {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<SignStep, Fault> {
        reseed()?;
        let Self { setup, unique, kept } = *self;
        let mut received: Vec<TransmitPhase2to3<Curve>> = Vec::new();
        for (from, bytes) in &inbox.private {
            let message: TransmitPhase2to3<Curve> = decode(*from, bytes)?;
            setup.seats.check(*from, &message.parties)?;
            received.push(message);
        }
        let stepped = setup.party.sign_phase3(&setup.data, unique, kept, &received);
        let (x, part) = stepped.map_err(|abort| setup.seats.fault(&abort))?;
        let mut r = [0; 32];
        let bad = |_| Fault::Other("the nonce point has no x-coordinate".to_owned());
        hex::decode_to_slice(x, &mut r).map_err(bad)?;
        let (u, w) = (part.u.to_repr().into(), part.w.to_repr().into());
        Ok(SignStep::Done(PartialSignature { r, u, w }))
    }
}

impl Setup {
    fn receiver(&self, seat: library::PartyIndex) -> Result<ParticipantId, Fault> {
        let nobody = || Fault::Other("a message for nobody".to_owned());
        self.seats.id(seat).ok_or_else(nobody)
    }
}
