//! Key generation: the library's four phases between three rounds of messages.

use std::collections::BTreeMap;

use dkls23_core::protocols::dkg::{
    self, BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, KeepInitMulPhase3to4,
    KeepInitZeroSharePhase2to3, KeepInitZeroSharePhase3to4, ProofCommitment, SessionData,
    TransmitInitMulPhase3to4, TransmitInitZeroSharePhase2to4, TransmitInitZeroSharePhase3to4,
    UniqueKeepDerivationPhase2to3,
};
use dkls23_core::utilities::hashes::HashOutput;
use dkls23_core::utilities::proofs::DLogProof;
use k256_14::Scalar;
use k256_14::elliptic_curve::PrimeField as _;
use quorate_model::{Digest, ParticipantId, Threshold};
use zeroize::Zeroizing;

use super::code::{decode, encode, refused, scalar};
use super::{Curve, Seats, library, reseed, share};
use crate::SecretShare;
use crate::exchange::{Inbox, Outbox};
use crate::rounds::{CeremonyRound, CeremonyStep, Fault};

type ByParty<T> = BTreeMap<library::PartyIndex, T>;

struct Setup {
    seats: Seats,
    data: SessionData,
}

/// Fragments of the polynomial are out.
struct Dealt {
    setup: Setup,
    own: Zeroizing<Scalar>,
}

/// The commitment to the proof is out, the proof is not: or who comes last could choose the key.
struct Committed {
    setup: Setup,
    poly_point: Zeroizing<Scalar>,
    proof: ProofCommitment<Curve>,
    zero: ByParty<KeepInitZeroSharePhase2to3>,
    chain: UniqueKeepDerivationPhase2to3,
    chain_commitment: BroadcastDerivationPhase2to4,
}

/// Everything is out.
struct Proven {
    setup: Setup,
    poly_point: Zeroizing<Scalar>,
    proof: ProofCommitment<Curve>,
    commitments: BTreeMap<ParticipantId, HashOutput>,
    zero: ByParty<KeepInitZeroSharePhase3to4>,
    zero_received: Vec<TransmitInitZeroSharePhase2to4>,
    mul: ByParty<KeepInitMulPhase3to4<Curve>>,
    chain_commitments: ByParty<BroadcastDerivationPhase2to4>,
    chain: BroadcastDerivationPhase3to4,
}

/// Round 1: a fragment of a random polynomial for each of the others.
pub(super) fn begin(
    session: Digest,
    seats: Seats,
    threshold: Threshold,
) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
    reseed()?;
    let Setup { seats, data } = Setup::new(session, seats, threshold)?;
    let fragments = Zeroizing::new(dkg::phase1::<Curve>(&data));
    let mut outbox = Outbox::default();
    let mut own = None;
    for (id, fragment) in seats.roster.iter().zip(fragments.iter()) {
        if seats.seat(*id) == Some(seats.me) {
            own = Some(Zeroizing::new(*fragment));
        } else {
            outbox.private.insert(*id, Zeroizing::new(fragment.to_repr().to_vec()));
        }
    }
    let own = own.ok_or_else(out_of_bounds)?;
    Ok((Box::new(Dealt { setup: Setup { seats, data }, own }), outbox))
}

/// Round 2 of a key whose shares were dealt otherwise: as if everybody had dealt nothing but to itself.
pub(super) fn set_up(
    session: Digest,
    seats: Seats,
    threshold: Threshold,
    share: &SecretShare,
) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
    reseed()?;
    let own = seats.id(seats.me).ok_or_else(out_of_bounds)?;
    let share = Zeroizing::new(vec![scalar(own, share.secret_bytes())?]);
    prove(Setup::new(session, seats, threshold)?, &share)
}

/// Commits to the proof of the share that the fragments add up to.
fn prove(setup: Setup, fragments: &[Scalar]) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
    let (poly_point, proof, zero, zero_transmit, chain, chain_commitment) =
        dkg::phase2::<Curve>(&setup.data, fragments);
    let broadcast = encode(&(proof.commitment, &chain_commitment))?.to_vec();
    let mut outbox = Outbox { broadcast, ..Outbox::default() };
    for message in zero_transmit {
        let to = setup.receiver(message.parties.receiver)?;
        outbox.private.insert(to, encode(&message)?);
    }
    let poly_point = Zeroizing::new(poly_point);
    let next = Committed { setup, poly_point, proof, zero, chain, chain_commitment };
    Ok((Box::new(next), outbox))
}

impl CeremonyRound for Dealt {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault> {
        reseed()?;
        let Self { setup, own } = *self;
        let mut fragments = Zeroizing::new(vec![*own]);
        for (from, bytes) in &inbox.private {
            fragments.push(scalar(*from, bytes)?);
        }
        let (next, outbox) = prove(setup, &fragments)?;
        Ok(CeremonyStep::Next(next, outbox))
    }
}

impl CeremonyRound for Committed {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault> {
        reseed()?;
        let Self { setup, poly_point, proof, zero, chain, chain_commitment } = *self;
        let mut commitments = BTreeMap::new();
        let mut chain_commitments = ByParty::from([(setup.seats.me, chain_commitment)]);
        for (from, bytes) in &inbox.broadcasts {
            let (commitment, chain): (HashOutput, BroadcastDerivationPhase2to4) =
                decode(*from, bytes)?;
            setup.check_broadcast(*from, chain.sender_index)?;
            chain_commitments.insert(chain.sender_index, chain);
            commitments.insert(*from, commitment);
        }
        let mut zero_received = Vec::new();
        for (from, bytes) in &inbox.private {
            let message: TransmitInitZeroSharePhase2to4 = decode(*from, bytes)?;
            setup.seats.check(*from, &message.parties)?;
            zero_received.push(message);
        }
        let (zero, zero_transmit, mul, mul_transmit, chain) =
            dkg::phase3::<Curve>(&setup.data, &zero, &chain);
        let broadcast = encode(&(&proof.proof, &chain))?.to_vec();
        let mut outbox = Outbox { broadcast, ..Outbox::default() };
        for (zero, mul) in zero_transmit.iter().zip(&mul_transmit) {
            let to = setup.receiver(mul.parties.receiver)?;
            if zero.parties.receiver != mul.parties.receiver {
                return Err(Fault::Other("messages of a round are in different orders".to_owned()));
            }
            outbox.private.insert(to, encode(&(zero, mul))?);
        }
        let next = Proven {
            setup,
            poly_point,
            proof,
            commitments,
            zero,
            zero_received,
            mul,
            chain_commitments,
            chain,
        };
        Ok(CeremonyStep::Next(Box::new(next), outbox))
    }
}

impl CeremonyRound for Proven {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault> {
        reseed()?;
        let Self { setup, poly_point, proof, commitments, zero, mul, chain, .. } = &*self;
        let mut proofs = vec![proof.clone()];
        let mut chains = ByParty::from([(setup.seats.me, chain.clone())]);
        for (from, bytes) in &inbox.broadcasts {
            let (proof, chain): (DLogProof<Curve>, BroadcastDerivationPhase3to4) =
                decode(*from, bytes)?;
            setup.check_broadcast(*from, chain.sender_index)?;
            let commitment = commitments.get(from);
            let commitment = *commitment.ok_or_else(|| refused(*from, "it did not commit"))?;
            proofs.push(ProofCommitment { index: chain.sender_index, proof, commitment });
            chains.insert(chain.sender_index, chain);
        }
        let mut zero_received = Vec::new();
        let mut mul_received = Vec::new();
        for (from, bytes) in &inbox.private {
            type Both = (TransmitInitZeroSharePhase3to4, TransmitInitMulPhase3to4<Curve>);
            let (zero, mul): Both = decode(*from, bytes)?;
            setup.seats.check(*from, &zero.parties)?;
            setup.seats.check(*from, &mul.parties)?;
            zero_received.push(zero);
            mul_received.push(mul);
        }
        let (party, group) = dkg::phase4::<Curve>(
            &setup.data,
            poly_point,
            &proofs,
            zero,
            &self.zero_received,
            &zero_received,
            mul,
            &mul_received,
            &self.chain_commitments,
            &chains,
            |_| String::new(),
        )
        .map_err(|abort| setup.seats.fault(&abort))?;
        Ok(CeremonyStep::Done(Box::new(share::new(&setup.seats, &party, &group)?)))
    }
}

fn out_of_bounds() -> Fault {
    Fault::Other("so many holders are more than the library can number".to_owned())
}

impl Setup {
    fn new(session: Digest, seats: Seats, threshold: Threshold) -> Result<Self, Fault> {
        let threshold = u8::try_from(threshold.get()).map_err(|_| out_of_bounds())?;
        let holders = u8::try_from(seats.roster.len()).map_err(|_| out_of_bounds())?;
        let parameters =
            library::Parameters::new(threshold, holders).map_err(|_| out_of_bounds())?;
        let session_id = session.as_bytes().to_vec();
        let data = SessionData { parameters, party_index: seats.me, session_id };
        Ok(Self { seats, data })
    }

    fn receiver(&self, seat: library::PartyIndex) -> Result<ParticipantId, Fault> {
        let nobody = || Fault::Other("a message for nobody".to_owned());
        self.seats.id(seat).ok_or_else(nobody)
    }

    fn check_broadcast(
        &self,
        from: ParticipantId,
        claimed: library::PartyIndex,
    ) -> Result<(), Fault> {
        if self.seats.seat(from) == Some(claimed) {
            Ok(())
        } else {
            Err(refused(from, "it names another sender"))
        }
    }
}
