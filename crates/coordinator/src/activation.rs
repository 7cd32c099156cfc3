//! From certificate to active key: every holder takes the certificate, sets that cover all holders
//! sign a confirmation, and every holder takes those.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{
    Attempt, DerivationPath, Digest, Epoch, ParticipantId, ParticipantSet, SharingId, Timestamp,
};
use quorate_protocol::Confirmation;
use quorate_protocol::sign::{AnyGroupInfo, KeyShareError, SigningContext};
use quorate_protocol::wire::{FromNode, Subject, ToNode, Words};

use crate::calls::Purpose;
use crate::coordinator::Coordinator;
use crate::holders::Holders;
use crate::out::Out;
use crate::record::{KeyRecord, OperationState, Record};
use crate::session::Job;

/// A certified key on its way to being active; or an active one.
#[derive(Debug)]
pub(crate) struct Activation {
    pub(crate) record: KeyRecord,
    pub(crate) group: AnyGroupInfo,
    pub(crate) holders: Holders,
    certified_at: BTreeSet<ParticipantId>,
    active_at: BTreeSet<ParticipantId>,
    /// Nodes without a share, of which it is known that they hold nothing of the key.
    erased_at: BTreeSet<ParticipantId>,
    asked: BTreeSet<ParticipantId>,
    attempts: BTreeMap<ParticipantSet, Attempt>,
    signing: BTreeSet<ParticipantSet>,
    next_try: Timestamp,
    /// Until when holders may be about to switch to it: whoever waits for them does so quietly.
    switches_until: Timestamp,
    /// How many orders there were for a sharing after it.
    followed_by: u64,
    /// No attempts are left: the operation has failed for good.
    given_up: bool,
}

impl Activation {
    pub(crate) fn new(record: KeyRecord) -> Result<Self, KeyShareError> {
        let group = AnyGroupInfo::new(&record.certificate.certified)?;
        Ok(Self {
            record,
            group,
            holders: Holders::default(),
            certified_at: BTreeSet::new(),
            active_at: BTreeSet::new(),
            erased_at: BTreeSet::new(),
            asked: BTreeSet::new(),
            attempts: BTreeMap::new(),
            signing: BTreeSet::new(),
            next_try: Timestamp::ZERO,
            switches_until: Timestamp::ZERO,
            followed_by: 0,
            given_up: false,
        })
    }

    /// When to go on, if the key is not active yet.
    pub(crate) fn retry_at(&self) -> Option<Timestamp> {
        (!self.record.active && !self.given_up).then_some(self.next_try)
    }

    pub(crate) fn sharing(&self) -> SharingId {
        self.record.certificate.certified.sharing()
    }

    /// Whether the key signs: once it is active; and where another sharing was before this one, as soon as
    /// nodes are told to switch.
    pub(crate) fn signs(&self) -> bool {
        let follows = self.record.certificate.certified.predecessor.is_some();
        self.record.active || follows && self.unconfirmed().is_empty()
    }

    /// There is another order for a sharing after it.
    pub(crate) fn follow(&mut self) {
        self.followed_by = self.followed_by.saturating_add(1);
    }

    /// The first epoch that no attempt at a sharing after this one has made, as far as is known here: each
    /// order may make as many as it has attempts.
    pub(crate) fn next_epoch(&self, attempts_max: u32) -> Epoch {
        let made = self.followed_by.saturating_mul(u64::from(attempts_max));
        Epoch(self.sharing().epoch.0.saturating_add(made).saturating_add(1))
    }

    /// Holders are about to switch to it.
    pub(crate) fn begin_switch(&mut self, until: Timestamp) {
        self.switches_until = until;
    }

    /// Whether holders are about to switch to it.
    pub(crate) fn is_switching(&self, now: Timestamp) -> bool {
        !self.record.active && now < self.switches_until
    }

    /// Whether a node may hold shares that this sharing took the place of.
    fn replaced_at(&self, node: ParticipantId) -> bool {
        let certified = &self.record.certificate.certified;
        let follows = self.record.active && certified.predecessor.is_some();
        follows && !certified.roster.contains(node) && !self.erased_at.contains(&node)
    }

    /// Whether a holder signs with this sharing, as far as is known.
    pub(crate) fn is_active_at(&self, node: ParticipantId) -> bool {
        self.record.active || self.active_at.contains(&node)
    }

    fn roster(&self) -> &ParticipantSet {
        &self.record.certificate.certified.roster
    }

    /// The sets that have not signed yet.
    fn unconfirmed(&self) -> Vec<ParticipantSet> {
        let certified = &self.record.certificate.certified;
        let signed = |set: &ParticipantSet| {
            self.record.confirmations.iter().any(|done| done.signing_set == *set)
        };
        let sets = Confirmation::signing_sets(certified);
        sets.into_iter().filter(|set| !signed(set)).collect()
    }
}

impl Coordinator {
    /// Moves every key that is not active one step on.
    pub(crate) fn advance_activations(&mut self, out: &mut Out) {
        let due = |key: &&Activation| key.retry_at().is_some_and(|time| time <= out.now);
        let due = self.keys.all().filter(due);
        for sharing in due.map(Activation::sharing).collect::<Vec<_>>() {
            self.advance_activation(&sharing, out);
        }
    }

    pub(crate) fn advance_activation(&mut self, key: &SharingId, out: &mut Out) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        activation.next_try = out.now.plus_millis(self.limits.retry_ms);
        let roster = activation.roster().clone();
        let unconfirmed = activation.unconfirmed();
        let certified = activation.certified_at.len();
        if unconfirmed.is_empty() && activation.active_at.len() == roster.len() {
            activation.record.active = true;
            let record = activation.record.clone();
            self.finish_operation(&record, out);
            out.write(Record::Key(record));
            for node in self.nodes.attached() {
                self.ask_to_erase(node, out);
            }
        } else if unconfirmed.is_empty() {
            self.take_place(key, out);
            self.ask_to_switch(key, out);
        } else if certified < roster.len() {
            let certificate = activation.record.certificate.clone();
            let done = activation.certified_at.clone();
            self.ask_missing(key, &done, &ToNode::Certify(certificate), out);
        } else {
            for set in unconfirmed {
                self.begin_confirmation(key, set, out);
            }
        }
    }

    /// Has each holder take the certificate and then the confirmations, whatever the others do.
    fn ask_to_switch(&mut self, key: &SharingId, out: &mut Out) {
        let Some(activation) = self.keys.get(key) else { return };
        let KeyRecord { certificate, confirmations, .. } = activation.record.clone();
        let roster = activation.roster().clone();
        let (certified, active) = (activation.certified_at.clone(), activation.active_at.clone());
        self.ask_missing(key, &certified, &ToNode::Certify(certificate), out);
        let waits = |id: &ParticipantId| active.contains(id) || !certified.contains(id);
        let done = roster.iter().filter(waits).collect();
        let question = ToNode::Confirm { sharing: key.clone(), confirmations };
        self.ask_missing(key, &done, &question, out);
    }

    /// Puts a later sharing that is confirmed in the place of the one before it, whose certificate is of no
    /// use any more once a node has switched.
    fn take_place(&mut self, sharing: &SharingId, out: &mut Out) {
        if let Some(replaced) = self.keys.switch(sharing) {
            let until = out.now.plus_millis(self.limits.phase_ms);
            if let Some(activation) = self.keys.get_mut(sharing) {
                activation.begin_switch(until);
            }
            out.write(Record::ForgetSharing(replaced.sharing()));
        }
    }

    /// Another sharing took the place of one that was not confirmed.
    pub(crate) fn give_way(&mut self, replaced: &Activation, out: &mut Out) {
        out.write(Record::ForgetSharing(replaced.sharing()));
        let order = replaced.record.certificate.certified.order;
        let state = OperationState::Failed("a later sharing took its place".to_owned());
        self.set_operation_by(order, &state, out);
    }

    /// Has nodes that hold no share any more erase what they held: whenever one attaches, until it did.
    pub(crate) fn ask_to_erase(&mut self, node: ParticipantId, out: &mut Out) {
        let signing = self.keys.all_present().filter(|activation| activation.replaced_at(node));
        let questions = signing.map(|activation| {
            let certificate = activation.record.certificate.clone();
            let confirmations = activation.record.confirmations.clone();
            (activation.sharing(), ToNode::Replaced { certificate, confirmations })
        });
        for (sharing, question) in questions.collect::<Vec<_>>() {
            let purpose = Purpose::Activation(sharing);
            self.ask(node, purpose, question, self.limits.phase_ms, out);
        }
    }

    /// Asks every attached holder that is not done and has no open question of this kind.
    fn ask_missing(
        &mut self,
        key: &SharingId,
        done: &BTreeSet<ParticipantId>,
        question: &ToNode,
        out: &mut Out,
    ) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        let missing: Vec<_> = activation
            .roster()
            .iter()
            .filter(|id| !done.contains(id) && !activation.asked.contains(id))
            .filter(|id| self.nodes.is_attached(*id))
            .collect();
        activation.asked.extend(missing.iter());
        for node in missing {
            let purpose = Purpose::Activation(key.clone());
            self.ask_durably(node, purpose, question.clone(), self.limits.phase_ms, out);
        }
    }

    fn begin_confirmation(&mut self, key: &SharingId, signing_set: ParticipantSet, out: &mut Out) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        let here = signing_set.iter().all(|id| self.nodes.can_work(id));
        if !here || activation.signing.contains(&signing_set) {
            return;
        }
        if let Some((one, other)) = activation.holders.frozen_in(&signing_set) {
            let reason = format!(
                "nodes {one} and {other} must not sign with {key} together: order another one"
            );
            return self.give_up(key, &reason, out);
        }
        let last = activation.attempts.get(&signing_set).copied().unwrap_or(Attempt(0));
        let next = last.next().filter(|next| next.0 <= self.limits.attempts_max);
        if activation.given_up {
            return;
        }
        let Some(attempt) = next else {
            let reason = match activation.record.certificate.certified.predecessor {
                None => format!("key {key} could not be confirmed: order a key with another id"),
                Some(_) => format!("sharing {key} could not be confirmed: order another"),
            };
            return self.give_up(key, &reason, out);
        };
        activation.attempts.insert(signing_set.clone(), attempt);
        activation.signing.insert(signing_set.clone());
        let certified = &activation.record.certificate.certified;
        let statement = Confirmation::statement(certified, &signing_set);
        let context = SigningContext {
            cluster: self.cluster,
            key: certified.key.clone(),
            scheme: certified.scheme,
            epoch: certified.epoch,
            subject: statement,
            attempt,
            signing_set,
            path: DerivationPath::root(),
            messages: vec![statement.as_bytes().to_vec()],
        };
        let subject = Subject::Confirmation { sharing: key.clone() };
        self.begin_session(
            Job::Confirmation(key.clone()),
            context,
            (&subject, &Words::default()),
            out,
        );
    }

    /// A holder answered the certificate, or the confirmations.
    pub(crate) fn activation_answered(
        &mut self,
        node: ParticipantId,
        key: &SharingId,
        answer: &FromNode,
        out: &mut Out,
    ) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        activation.asked.remove(&node);
        let holders = activation.roster().len();
        if matches!(answer, FromNode::Active) && !activation.roster().contains(node) {
            activation.erased_at.insert(node);
            return;
        }
        let done = match answer {
            FromNode::Certified => &mut activation.certified_at,
            FromNode::Active => &mut activation.active_at,
            FromNode::Announcement(_)
            | FromNode::Round1(_)
            | FromNode::Round2(_)
            | FromNode::Exchanged(_)
            | FromNode::Vote(..)
            | FromNode::Reserved(_)
            | FromNode::Denied(_)
            | FromNode::Deferred(_)
            | FromNode::Shares(_)
            | FromNode::Simulated(_)
            | FromNode::Accepted(_)
            | FromNode::Orders(_)
            | FromNode::Order(_)
            | FromNode::Testimony(_)
            | FromNode::Status(_)
            | FromNode::Refused(_) => return,
        };
        done.insert(node);
        if done.len() == holders || activation.unconfirmed().is_empty() {
            activation.next_try = out.now;
        }
        if matches!(answer, FromNode::Active) {
            self.requests.wake_all(out.now);
        }
    }

    /// A holder did not answer: it is asked again after a pause.
    pub(crate) fn activation_failed(
        &mut self,
        node: ParticipantId,
        key: &SharingId,
        reason: &str,
        out: &mut Out,
    ) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        activation.asked.remove(&node);
        if activation.record.active {
            return;
        }
        activation.next_try = out.now.plus_millis(self.limits.retry_ms);
        self.note_activation(key, reason, out);
    }

    pub(crate) fn confirmation_signed(
        &mut self,
        key: &SharingId,
        signing_set: ParticipantSet,
        signatures: Vec<Vec<u8>>,
        out: &mut Out,
    ) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        let Some(signature) = signatures.into_iter().next() else { return };
        activation.signing.remove(&signing_set);
        activation.record.confirmations.push(Confirmation { signing_set, signature });
        out.write(Record::Key(activation.record.clone()));
        if activation.unconfirmed().is_empty() {
            activation.next_try = out.now;
        }
    }

    pub(crate) fn confirmation_failed(
        &mut self,
        key: &SharingId,
        signing_set: &ParticipantSet,
        reason: &str,
        out: &mut Out,
    ) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        activation.signing.remove(signing_set);
        let attempt = activation.attempts.get(signing_set).map_or(0, |attempt| attempt.0);
        activation.next_try = out.now.plus_millis(self.limits.retry_ms << attempt.min(7));
        self.note_activation(key, reason, out);
    }

    fn note_activation(&mut self, key: &SharingId, reason: &str, out: &mut Out) {
        if self.keys.get(key).is_some_and(|activation| !activation.given_up) {
            let state = OperationState::Running(format!("confirming: {reason}"));
            self.set_operation_of(key, &state, out);
        }
    }

    fn give_up(&mut self, key: &SharingId, reason: &str, out: &mut Out) {
        let Some(activation) = self.keys.get_mut(key) else { return };
        activation.given_up = true;
        self.rest_after(&key.key, out);
        self.set_operation_of(key, &OperationState::Failed(reason.to_owned()), out);
    }

    fn finish_operation(&mut self, record: &KeyRecord, out: &mut Out) {
        let sharing = record.certificate.certified.sharing();
        self.rest_after(&sharing.key, out);
        self.set_operation_of(&sharing, &OperationState::Done, out);
    }

    fn set_operation_of(&mut self, key: &SharingId, state: &OperationState, out: &mut Out) {
        let Some(activation) = self.keys.get(key) else { return };
        let order = activation.record.certificate.certified.order;
        self.set_operation_by(order, state, out);
    }

    fn set_operation_by(&mut self, order: Digest, state: &OperationState, out: &mut Out) {
        let found = self.operations.values_mut().find(|record| record.digest == order);
        if let Some(record) = found.filter(|record| record.state != *state) {
            record.state = state.clone();
            record.updated = out.now;
            out.write(Record::Operation(record.clone()));
        }
    }
}
