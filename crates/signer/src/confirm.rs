//! The end of a ceremony: the certificate, proof that every share signs, and the end of the sharing before.

use quorate_audit::{Event, EventKind};
use quorate_model::{Scheme, SharingId};
use quorate_protocol::ecdsa::covers_pairs;
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode};
use quorate_protocol::{Certificate, CertifiedKey, Confirmation, verify_signature};

use crate::keys::HeldKey;
use crate::node::Node;
use crate::record::{ActiveRecord, Record};
use crate::refusal::{certificate as bad_certificate, refuse};
use crate::turn::Turn;

impl Node {
    /// Takes the certificate: every holder's vote for what this node voted for.
    pub(crate) fn certify(
        &mut self,
        certificate: Certificate,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let key = certificate.certified.key.clone();
        let held = self.keys.find_mut(&certificate.certified.sharing())?;
        if held.certified != certificate.certified {
            let reason = format!("the certificate is not for what this node voted for as {key}");
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        if held.certificate.is_some() {
            return Ok(FromNode::Certified);
        }
        certificate.verify(&self.root).map_err(bad_certificate)?;
        held.certificate = Some(certificate.clone());
        let event = Event::new(EventKind::KeyCertified)
            .fact("key", &key)
            .fact("epoch", certificate.certified.epoch)
            .fact("certified", certificate.certified.digest());
        self.audit(event, turn);
        turn.write(Record::Certificate(certificate));
        Ok(FromNode::Certified)
    }

    /// Takes the confirmations: the sharing signs once they cover its whole roster. One that follows
    /// another takes its place, and the other is erased: the certificate says that every holder of this one
    /// has its share on the disk, and the confirmations that each of them signs.
    pub(crate) fn confirm(
        &mut self,
        sharing: &SharingId,
        confirmations: Vec<Confirmation>,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let held = self.keys.find_mut(sharing)?;
        if held.confirmations.is_some() {
            return Ok(FromNode::Active);
        }
        if held.certificate.is_none() {
            let reason = format!("sharing {sharing} is not certified at this node");
            return Err(refuse(RefusalCode::NotFound, reason));
        }
        check(&held.certified, &confirmations)
            .map_err(|reason| refuse(RefusalCode::Invalid, reason))?;
        let certified = held.certified.clone();
        let present = self.keys.present(&sharing.key);
        if present.is_some_and(|present| !present.certified.is_same_key(&certified)) {
            return Err(refuse(RefusalCode::Invalid, "that is a sharing of another key"));
        }
        self.keys.find_mut(sharing)?.confirmations = Some(confirmations.clone());
        turn.write(Record::Active(ActiveRecord { sharing: sharing.clone(), confirmations }));
        for replaced in self.keys.switch(sharing) {
            self.erase(&replaced, turn);
        }
        let event = Event::new(EventKind::KeyActivated)
            .fact("key", &sharing.key)
            .fact("epoch", sharing.epoch);
        self.audit(event, turn);
        Ok(FromNode::Active)
    }

    /// Erases every sharing of a key that one took the place of which this node holds no share of. It takes
    /// the word of every holder of that one, and a signature of each; and it has to be of the same key.
    pub(crate) fn replaced(
        &mut self,
        certificate: &Certificate,
        confirmations: &[Confirmation],
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let certified = &certificate.certified;
        let Some(known) = self.keys.of_key(&certified.key).next() else {
            return Ok(FromNode::Active);
        };
        let invalid = |reason: &str| refuse(RefusalCode::Invalid, reason);
        if certified.roster.contains(self.me) {
            return Err(invalid("this node holds a share of that sharing: it switches to it"));
        }
        if !known.certified.is_same_key(certified) || certified.predecessor.is_none() {
            return Err(invalid("that is no later sharing of the same key"));
        }
        certificate.verify(&self.root).map_err(bad_certificate)?;
        check(certified, confirmations).map_err(invalid)?;
        for held in self.keys.let_go(&certified.sharing()) {
            self.erase(&held, turn);
        }
        Ok(FromNode::Active)
    }

    /// Erases a sharing that was let go: its records and its data key.
    pub(crate) fn erase(&mut self, held: &HeldKey, turn: &mut Turn) {
        let sharing = held.sharing();
        // One that would deal this share has it in memory.
        self.ceremonies.end_of(&sharing.key);
        self.sessions.drop_sharing(&sharing);
        self.vault.drop_share(&sharing);
        let event = Event::new(EventKind::ShareDropped)
            .fact("key", &sharing.key)
            .fact("epoch", sharing.epoch)
            .fact("erasure", self.erasure);
        self.audit(event, turn);
        turn.write(Record::DropSharing { peers: held.peers(self.me), sharing });
    }
}

/// Checks that sets of threshold size which together cover the roster have signed.
pub(crate) fn check(
    certified: &CertifiedKey,
    confirmations: &[Confirmation],
) -> Result<(), &'static str> {
    for Confirmation { signing_set, signature } in confirmations {
        let threshold = certified.threshold.as_usize();
        if signing_set.len() != threshold || !signing_set.is_subset(&certified.roster) {
            return Err("a confirmation is signed by exactly as many holders as the threshold");
        }
        let statement = Confirmation::statement(certified, signing_set);
        let group = &certified.group_verifying_key;
        if !verify_signature(certified.scheme, group, statement.as_bytes(), signature) {
            return Err("a confirmation's signature does not verify");
        }
    }
    let covered = |id| confirmations.iter().any(|c| c.signing_set.contains(id));
    if !certified.roster.iter().all(covered) {
        return Err("the confirmations do not cover every holder");
    }
    let sets = confirmations.iter().map(|confirmation| &confirmation.signing_set);
    match certified.scheme {
        Scheme::EcdsaSecp256k1 if !covers_pairs(&certified.roster, sets) => {
            Err("the confirmations do not cover every pair of holders")
        }
        Scheme::EcdsaSecp256k1
        | Scheme::FrostEd25519
        | Scheme::FrostSecp256k1Tr
        | Scheme::FrostSecp256k1 => Ok(()),
    }
}
