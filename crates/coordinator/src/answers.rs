//! What nodes answer in a signing session: checked before anybody else is shown it.

use quorate_model::{Attempt, Digest, ParticipantId, Scheme, Timestamp};
use quorate_protocol::exchange::Parcel;
use quorate_protocol::sign::ReserveAnswer;
use quorate_protocol::wire::{ExchangeKey, FromNode, Refusal, RefusalCode, SignedDenial, ToNode};
use quorate_protocol::{Abort, AbortReason};
use quorate_trust::{Authentic, Signed, TrustRoot};

use crate::calls::{Phase, Purpose};
use crate::config::Limits;
use crate::coordinator::Coordinator;
use crate::out::Out;
use crate::session::{Job, Session};
use crate::signing::Fault;

/// Rounds of an ECDSA signing after which there are shares.
const SIGNING_ROUNDS: u8 = 2;

impl Coordinator {
    /// An answer in a signing session. It counts in its phase only, and is checked before others
    /// are shown it: or they would refuse it and seem to be at fault.
    pub(crate) fn signing_answered(
        &mut self,
        node: ParticipantId,
        (subject, attempt): (Digest, Attempt),
        phase: Phase,
        answer: FromNode,
        out: &mut Out,
    ) {
        let Some(session) = self.sessions.get_mut(&(subject, attempt)) else {
            if let FromNode::Deferred(deferral) = answer
                && deferral.from == node
            {
                self.deferred_late((subject, attempt), deferral, out);
            }
            return;
        };
        let (fault, reason) = match (phase, answer) {
            (Phase::Reserve, FromNode::Reserved(answer)) if answer.from == node => {
                match check_reserved(&self.root, &self.limits, session, &answer, out.now) {
                    Ok(authentic) => {
                        self.nodes.is_on(node, &authentic.body().heads);
                        session.answers.insert(node, (authentic, answer));
                        return self.reserved(subject, attempt, out);
                    }
                    Err(reason) => (Fault::Node(node), reason.to_owned()),
                }
            }
            (Phase::Share, FromNode::Shares(answer)) if answer.from == node => {
                match answer.verify(&self.root) {
                    Ok(authentic) => {
                        session.shares.insert(node, authentic);
                        return self.shared(subject, attempt, out);
                    }
                    Err(error) => (Fault::Node(node), error.to_string()),
                }
            }
            (Phase::Round(round), FromNode::Exchanged(parcel)) => {
                match check_parcel(&self.root, session, node, round, &parcel) {
                    Ok(()) => {
                        session.parcels.insert(node, parcel);
                        return self.exchanged(subject, attempt, round, out);
                    }
                    Err(reason) => (Fault::Node(node), reason.to_owned()),
                }
            }
            (_, FromNode::Denied(denial)) if denial.from == node => {
                return self.denied(subject, attempt, denial, out);
            }
            (_, FromNode::Deferred(deferral)) if deferral.from == node => {
                let Job::Request(key) = session.job.clone() else { return };
                return self.deferred(subject, attempt, deferral, &key, out);
            }
            (phase, FromNode::Refused(refusal)) => {
                (self.fault_of_refusal(node, (subject, attempt), phase, &refusal), refusal.reason)
            }
            (
                _,
                FromNode::Reserved(_)
                | FromNode::Shares(_)
                | FromNode::Denied(_)
                | FromNode::Deferred(_)
                | FromNode::Announcement(_)
                | FromNode::Round1(_)
                | FromNode::Round2(_)
                | FromNode::Exchanged(_)
                | FromNode::Vote(..)
                | FromNode::Certified
                | FromNode::Active
                | FromNode::Accepted(_)
                | FromNode::Orders(_)
                | FromNode::Order(_)
                | FromNode::Testimony(_)
                | FromNode::Simulated(_)
                | FromNode::Status(_),
            ) => (Fault::Node(node), "it answered something else than it was asked".to_owned()),
        };
        self.end_attempt(subject, attempt, fault, &format!("node {node}: {reason}"), out);
    }

    fn fault_of_refusal(
        &mut self,
        node: ParticipantId,
        session: (Digest, Attempt),
        phase: Phase,
        refusal: &Refusal,
    ) -> Fault {
        if let RefusalCode::PairFrozen(with) = refusal.code {
            // It is about two of them, who are not asked together again.
            let genuine = self.learn_frozen_pair(session, (node, with));
            return if genuine { Fault::Nobody } else { Fault::Node(node) };
        }
        match phase {
            // The attempt may have been used before this coordinator started, or the node may lie.
            Phase::Reserve if refusal.code == RefusalCode::AttemptUsed => Fault::Set,
            Phase::Reserve => Fault::Node(node),
            // Two of them, and not each by itself.
            Phase::Round(_) => Fault::Set,
            // It may refuse for what another said: who is at fault shows in the answers, or it does
            // not show, and then another set is tried.
            Phase::Share => self.check_answers(session).map_or(Fault::Set, Fault::Node),
        }
    }

    /// Once everybody has reserved, everybody is shown everybody's answers.
    fn reserved(&mut self, subject: Digest, attempt: Attempt, out: &mut Out) {
        let Some(session) = self.sessions.get(&(subject, attempt)) else { return };
        if !session.all_reserved() {
            return;
        }
        if !session.on_one_head() {
            // They would refuse each other. The next set is picked by what they have just said.
            let reason = "its signers are on different trust roots or policy bundles";
            return self.end_attempt(subject, attempt, Fault::Nobody, reason, out);
        }
        let phase = match session.context.scheme {
            Scheme::EcdsaSecp256k1 => Phase::Round(1),
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
                Phase::Share
            }
        };
        let answers: Vec<_> = session.answers.values().map(|(_, signed)| signed.clone()).collect();
        for node in session.context.signing_set.clone().iter() {
            let purpose = Purpose::Signing { subject, attempt, phase };
            let question = ToNode::Share { subject, attempt, answers: answers.clone() };
            self.ask(node, purpose, question, self.limits.phase_ms, out);
        }
    }

    /// Once everybody's message of a round is here, everybody is shown all of them, with its own parts.
    fn exchanged(&mut self, subject: Digest, attempt: Attempt, round: u8, out: &mut Out) {
        let Some(session) = self.sessions.get_mut(&(subject, attempt)) else { return };
        if session.parcels.len() != session.context.signing_set.len() {
            return;
        }
        let parcels = std::mem::take(&mut session.parcels);
        let phase = if round < SIGNING_ROUNDS { Phase::Round(round + 1) } else { Phase::Share };
        for node in session.context.signing_set.clone().iter() {
            let purpose = Purpose::Signing { subject, attempt, phase };
            let exchange = ExchangeKey::Signing { subject, attempt };
            let own = parcels.values().map(|parcel| parcel.for_receiver(node)).collect();
            let question = ToNode::Exchange(exchange, own);
            self.ask(node, purpose, question, self.limits.phase_ms, out);
        }
    }

    /// Whose reserve answer the others had to refuse, if that shows.
    fn check_answers(&self, session: (Digest, Attempt)) -> Option<ParticipantId> {
        let session = self.sessions.get(&session)?;
        let group = &self.keys.get(&session.sharing())?.group;
        let answers = session.answers.iter();
        let answers = answers.map(|(id, (answer, _))| (*id, answer.body().clone())).collect();
        group.check(&session.context, &answers).err().and_then(|abort| abort.named())
    }

    /// Once everybody has shared: aggregates and verifies. A bad share ends the attempt and names
    /// its signer.
    fn shared(&mut self, subject: Digest, attempt: Attempt, out: &mut Out) {
        let Some(session) = self.sessions.get(&(subject, attempt)) else { return };
        if !session.all_shared() {
            return;
        }
        match self.aggregate(session) {
            Ok(signatures) => {
                let Some(session) = self.sessions.remove(&(subject, attempt)) else { return };
                self.signed(session, signatures, out);
            }
            Err(abort) => {
                let (sharing, signing_set) =
                    (session.sharing(), session.context.signing_set.clone());
                if let (AbortReason::Combination, Some(activation)) =
                    (&abort.reason, self.keys.get_mut(&sharing))
                {
                    activation.holders.doubt(&signing_set);
                }
                let fault = abort.named().map_or(Fault::Set, Fault::Node);
                self.end_attempt(subject, attempt, fault, &abort.to_string(), out);
            }
        }
    }

    fn aggregate(&self, session: &Session) -> Result<Vec<Vec<u8>>, Abort> {
        let unknown = || Abort::unproven(AbortReason::Library("the key is gone".to_owned()));
        let activation = self.keys.get(&session.sharing()).ok_or_else(unknown)?;
        let answers = session.answers.values().map(|(answer, _)| answer.clone()).collect();
        let shares = session.shares.values().cloned().collect();
        activation.group.aggregate(&session.context, answers, shares)
    }

    /// A node's gate said no: for good, at that node.
    fn denied(
        &mut self,
        subject: Digest,
        attempt: Attempt,
        denial: Signed<SignedDenial>,
        out: &mut Out,
    ) {
        let (node, reason) = (denial.from, denial.body.reason.clone());
        let genuine = denial.body.request == subject && denial.clone().verify(&self.root).is_ok();
        let session = self.sessions.get(&(subject, attempt));
        let job = session.map(|session| session.job.clone());
        if let (true, Some(Job::Request(key))) = (genuine, job)
            && let Some(mut record) = self.requests.get(&key).cloned()
            && !record.is_denied_by(node)
        {
            record.denials.push(denial);
            self.requests.put(record, out.now);
        }
        // Words that the node did not sign, or about something else, are a fault and no denial.
        let fault = if genuine { Fault::Nobody } else { Fault::Node(node) };
        self.end_attempt(subject, attempt, fault, &format!("node {node}: {reason}"), out);
    }
}

/// What can be checked of a message of a round: the rest, only its receivers can tell.
fn check_parcel(
    root: &TrustRoot,
    session: &Session,
    node: ParticipantId,
    round: u8,
    parcel: &Parcel,
) -> Result<(), &'static str> {
    let message = &parcel.message;
    if message.from != node || message.clone().verify(root).is_err() {
        return Err("its message is not signed by it");
    }
    if message.body.round != round || !parcel.is_whole(&session.context.signing_set) {
        return Err("its message is of another round, or not whole");
    }
    Ok(())
}

/// What can be checked of one reserve answer by itself.
fn check_reserved(
    root: &TrustRoot,
    limits: &Limits,
    session: &Session,
    answer: &Signed<ReserveAnswer>,
    now: Timestamp,
) -> Result<Authentic<ReserveAnswer>, &'static str> {
    let authentic = answer.clone().verify(root).map_err(|_| "its answer is not signed by it")?;
    let body = authentic.body();
    if body.context != session.digest {
        return Err("it reserved something else");
    }
    let (commitments, offer) = match session.context.scheme {
        Scheme::EcdsaSecp256k1 => (0, true),
        Scheme::FrostEd25519 | Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
            (session.context.messages.len(), false)
        }
    };
    if body.commitments.len() != commitments || body.offer.is_some() != offer {
        return Err("it did not commit once for each message");
    }
    let clock = body.heads.clock;
    if clock.since(now).max(now.since(clock)) > limits.clock_skew_ms {
        return Err("its clock is off");
    }
    Ok(authentic)
}
