//! Nodes that are lost with their disks and begin from backups: any of them that the others can do without,
//! and all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quorate_api::backup::{
    decode_backup, decode_contents, decode_piece, encode_backup, encode_contents, encode_piece,
};
use quorate_audit::Log;
use quorate_backup::{Piece, Sealing};
use quorate_coordinator::RequestState;
use quorate_model::{KeyId, Moment, ParticipantId, Scheme, Threshold};
use quorate_protocol::ecdsa::{Dkls23, EcdsaBackend};
use quorate_protocol::{CertifiedKey, verify_signature};
use quorate_signer::{Node, Record, StartError, restored_records};
use quorate_testkit::{
    ClusterFixture, Disk, OpenEcdsa, PaymentRequest, PaymentSize, network_of, seeded,
};
use quorate_trust::{OrderAction, Readmission, ReshareKey, SharingChange, SignedRequest};

use crate::lockstep::Lockstep;
use crate::{OFFICERS, id, key};

/// How long a request may take that nobody is in the way of, and that a lost node is in the way of.
const SOON_MS: u64 = 30_000;
/// How long it takes until a node that starts was told what the others have of it.
const HEARD_MS: u64 = 6_000;

/// A cluster all of whose nodes hold the key `treasury`.
struct Cluster {
    lockstep: Lockstep,
    key: KeyId,
    present: CertifiedKey,
    lives: BTreeMap<ParticipantId, u64>,
    numbers: u64,
}

/// A backup as a file, with enough open pieces.
struct Backup {
    file: Vec<u8>,
    pieces: Vec<Piece>,
}

impl Cluster {
    /// What takes the real backend its time is the set-up of pairs, of which a backup has nothing.
    fn new(scheme: Scheme, nodes: u16, threshold: u16) -> Self {
        Self::with_ecdsa(scheme, nodes, threshold, Arc::new(OpenEcdsa))
    }

    fn with_ecdsa(
        scheme: Scheme,
        nodes: u16,
        threshold: u16,
        ecdsa: Arc<dyn EcdsaBackend>,
    ) -> Self {
        let mut fixture = ClusterFixture::new(nodes, &mut seeded(41));
        fixture.root.threshold_floor = Threshold::new(u32::from(threshold)).unwrap();
        fixture.name_recovery_officers();
        let mut lockstep = Lockstep::with_ecdsa(fixture, 41, ecdsa);
        let present = lockstep.generate_key(&key(), scheme, threshold);
        Self { lockstep, key: key(), present, lives: BTreeMap::new(), numbers: 0 }
    }

    /// Seals what a node gives away, and opens the pieces. Encryption is left out.
    fn back_up(&mut self, node: u16) -> Backup {
        let draft = self.lockstep.back_up(id(node));
        let (sealing, contents) = Sealing::begin(draft, &mut seeded(42)).unwrap();
        let files: BTreeMap<_, _> = sealing
            .pieces()
            .iter()
            .map(|piece| (piece.officer.clone(), encode_piece(piece).to_vec()))
            .collect();
        let pieces = files.values().map(|file| decode_piece(file).unwrap()).collect();
        let backup = sealing.finish(files, &encode_contents(&contents)).unwrap();
        Backup { file: encode_backup(&backup), pieces }
    }

    fn back_up_all(&mut self) -> BTreeMap<u16, Backup> {
        self.nodes().into_iter().map(|node| (node, self.back_up(node))).collect()
    }

    fn nodes(&self) -> Vec<u16> {
        self.lockstep.nodes.keys().map(|id| id.get()).collect()
    }

    /// The records of a node that begins from a backup.
    fn records(&self, backup: &Backup) -> Vec<Record> {
        let Backup { file, pieces } = backup;
        let backup = decode_backup(file).unwrap();
        let opened = backup.open(pieces).unwrap();
        let contents = decode_contents(&backup.header, &opened.contents).unwrap();
        let root = &self.lockstep.fixture.root;
        restored_records(&backup.header, contents, root, self.lockstep.now).unwrap()
    }

    /// Loses these nodes at once, and starts them from backups.
    fn restore<'a>(&mut self, backups: impl IntoIterator<Item = (u16, &'a Backup)>) {
        let records = |(node, backup)| (id(node), self.records(backup));
        let records = backups.into_iter().map(records).collect();
        self.lockstep.begin_with(records);
        self.lockstep.wait(HEARD_MS);
    }

    /// Orders that a node be signed with again, on the log that it has.
    fn readmit(&mut self, node: u16) {
        let mut disk = Disk::default();
        self.lockstep.nodes[&id(node)].batches.iter().for_each(|batch| disk.apply(batch));
        let mut entries = Vec::new();
        for record in disk.records() {
            if let Record::Audit(entry) = record {
                entries.push(entry);
            }
        }
        let log = Log::verify(&entries).unwrap();
        let life = self.lives.entry(id(node)).or_insert(1);
        *life += 1;
        let (length, head) = (log.length(), log.head());
        let readmission = Readmission { node: id(node), life: *life, length, head };
        self.order(OrderAction::ReadmitNode(readmission));
        self.lockstep.wait(HEARD_MS);
    }

    fn order(&mut self, action: OrderAction) {
        self.numbers += 1;
        let (name, now) = (format!("order-{}", self.numbers), self.lockstep.now);
        let order = self.lockstep.fixture.order_to(&name, action, &OFFICERS, now);
        self.lockstep.submit(&order);
    }

    fn change(&mut self, change: SharingChange) {
        self.numbers += 1;
        let action = OrderAction::ReshareKey(ReshareKey {
            key: self.key.clone(),
            public_key: self.present.group_verifying_key.clone(),
            predecessor: self.present.digest(),
            epoch: self.lockstep.next_epoch(&self.key),
            change,
        });
        let (name, now) = (format!("change-{}", self.numbers), self.lockstep.now);
        let order = self.lockstep.fixture.order_to(&name, action, &OFFICERS, now);
        let next = self.lockstep.carry_out(&self.key, &order).unwrap();
        assert_eq!(next.group_verifying_key, self.present.group_verifying_key);
        self.present = next;
    }

    fn payment(&mut self) -> SignedRequest {
        self.numbers += 1;
        let payment = PaymentRequest {
            network: network_of(self.present.scheme).unwrap(),
            number: self.numbers,
            size: PaymentSize::Small,
            expires: self.lockstep.now.plus_millis(600_000),
        };
        let group = &self.present.group_verifying_key;
        self.lockstep.fixture.payment(&self.key, group, payment)
    }

    /// Who signs a payment, if anybody does; the signature is the key's.
    fn pay(&mut self) -> Option<BTreeSet<u16>> {
        let request = self.payment();
        let view = self.lockstep.ask_to_sign(&request, SOON_MS);
        let RequestState::Signed { signatures, signers } = &view.record.state else { return None };
        let CertifiedKey { scheme, group_verifying_key, .. } = &self.present;
        for (message, signature) in view.messages.iter().zip(signatures) {
            assert!(verify_signature(*scheme, group_verifying_key, message, signature));
        }
        Some(signers.iter().map(ParticipantId::get).collect())
    }

    /// Who signs while nobody but these nodes is there.
    fn pay_with(&mut self, nodes: &BTreeSet<u16>) -> Option<BTreeSet<u16>> {
        let others: Vec<_> =
            self.nodes().into_iter().filter(|node| !nodes.contains(node)).collect();
        others.iter().for_each(|node| self.lockstep.attach(id(*node), false));
        let signers = self.pay();
        others.iter().for_each(|node| self.lockstep.attach(id(*node), true));
        self.lockstep.wait(1_000);
        signers
    }

    /// The lost nodes, and as many others as it takes to sign.
    fn with_some_of_the_others(&self, lost: &BTreeSet<u16>) -> BTreeSet<u16> {
        let others = self.nodes().into_iter().filter(|node| !lost.contains(node));
        let missing = self.present.threshold.as_usize().saturating_sub(lost.len());
        lost.iter().copied().chain(others.take(missing)).collect()
    }
}

/// Loses and restores every choice of nodes that the others can do without.
fn every_subset_comes_back(scheme: Scheme, nodes: u16, threshold: u16) {
    let mut cluster = Cluster::new(scheme, nodes, threshold);
    assert!(cluster.pay().is_some());
    for chosen in 1_u32..1 << nodes {
        let lost: BTreeSet<_> = (1..=nodes).filter(|node| chosen >> (node - 1) & 1 == 1).collect();
        if lost.len() > usize::from(nodes - threshold) {
            continue;
        }
        let backups = cluster.back_up_all();
        // Every node signs once more after its backup: it has something to forget.
        for node in &lost {
            let set = cluster.with_some_of_the_others(&[*node].into());
            assert_eq!(cluster.pay_with(&set), Some(set), "{scheme} {lost:?}");
        }
        cluster.restore(lost.iter().map(|node| (*node, &backups[node])));
        let signers = cluster.pay().unwrap();
        assert!(signers.is_disjoint(&lost), "{scheme}: {signers:?} sign, and {lost:?} may not yet");
        let with_lost = cluster.with_some_of_the_others(&lost);
        assert_eq!(cluster.pay_with(&with_lost), None, "{scheme} {lost:?}: not readmitted");
        lost.iter().for_each(|node| cluster.readmit(*node));
        // A restored FROST share signs as it is; an ECDSA share has nothing of its pairs.
        let signed = cluster.pay_with(&with_lost);
        if scheme == Scheme::EcdsaSecp256k1 {
            assert_eq!(signed, None, "{lost:?}: refreshed only then");
        } else {
            assert_eq!(signed.as_ref(), Some(&with_lost), "{scheme} {lost:?}");
        }
        cluster.change(SharingChange::Refresh);
        assert_eq!(cluster.pay_with(&with_lost), Some(with_lost), "{scheme} {lost:?}");
    }
}

#[test]
fn every_node_of_three_comes_back() {
    for scheme in [Scheme::FrostEd25519, Scheme::FrostSecp256k1Tr, Scheme::EcdsaSecp256k1] {
        every_subset_comes_back(scheme, 3, 2);
    }
}

#[test]
fn every_one_and_two_of_five_come_back_of_a_taproot_key() {
    every_subset_comes_back(Scheme::FrostSecp256k1Tr, 5, 3);
}

#[test]
fn every_one_and_two_of_five_come_back_of_an_ed25519_key() {
    every_subset_comes_back(Scheme::FrostEd25519, 5, 3);
}

#[test]
fn every_one_and_two_of_five_come_back_of_an_ecdsa_key() {
    every_subset_comes_back(Scheme::EcdsaSecp256k1, 5, 3);
}

/// Everything is lost at once. Nobody is left who could show that somebody forgot anything, so nobody has to
/// be readmitted.
#[test]
fn a_cluster_comes_back_from_backups_alone() {
    for (scheme, nodes, threshold) in [
        (Scheme::FrostEd25519, 3, 2),
        (Scheme::FrostSecp256k1Tr, 5, 3),
        (Scheme::EcdsaSecp256k1, 3, 2),
        (Scheme::EcdsaSecp256k1, 5, 3),
    ] {
        let mut cluster = Cluster::new(scheme, nodes, threshold);
        cluster.change(SharingChange::Refresh);
        all_come_back(cluster);
    }
}

#[test]
fn a_cluster_with_the_real_ecdsa_comes_back_from_backups_alone() {
    all_come_back(Cluster::with_ecdsa(Scheme::EcdsaSecp256k1, 3, 2, Arc::new(Dkls23)));
}

fn all_come_back(mut cluster: Cluster) {
    assert!(cluster.pay().is_some());
    let backups = cluster.back_up_all();
    cluster.restore(backups.iter().map(|(node, backup)| (*node, backup)));
    let (signed, scheme) = (cluster.pay(), cluster.present.scheme);
    assert_eq!(signed.is_some(), scheme != Scheme::EcdsaSecp256k1, "{scheme}");
    cluster.change(SharingChange::Refresh);
    assert!(cluster.pay().is_some(), "{scheme}");
}

#[test]
fn a_backup_from_before_a_refresh_signs_with_nobody_and_is_repaired() {
    for scheme in [Scheme::FrostEd25519, Scheme::EcdsaSecp256k1] {
        let mut cluster = Cluster::new(scheme, 3, 2);
        let earlier = cluster.back_up(1);
        cluster.change(SharingChange::Refresh);
        cluster.restore([(1, &earlier)]);
        cluster.readmit(1);
        assert_eq!(cluster.pay(), Some([2, 3].into()), "{scheme}");
        for other in [2, 3] {
            assert_eq!(cluster.pay_with(&[1, other].into()), None, "{scheme}: two epochs");
        }
        cluster.change(SharingChange::Repair(id(1)));
        for other in [2, 3] {
            let set = BTreeSet::from([1, other]);
            assert_eq!(cluster.pay_with(&set), Some(set), "{scheme}");
        }
    }
}

/// Two of them have the sharing that is present, so the third is repaired; one alone is not enough.
#[test]
fn backups_of_different_epochs_sign_where_enough_are_of_one() {
    let mut cluster = Cluster::new(Scheme::FrostSecp256k1Tr, 3, 2);
    let first = cluster.back_up(1);
    cluster.change(SharingChange::Refresh);
    let second = cluster.back_up(2);
    cluster.change(SharingChange::Refresh);
    let third = cluster.back_up_all();
    cluster.restore([(1, &first), (2, &second), (3, &third[&3])]);
    assert_eq!(cluster.pay(), None, "three epochs");
    cluster.restore([(2, &third[&2])]);
    assert_eq!(cluster.pay(), Some([2, 3].into()));
    cluster.change(SharingChange::Repair(id(1)));
    assert!(cluster.pay_with(&[1, 2].into()).is_some());
}

#[test]
fn a_node_does_not_start_from_the_backup_of_another() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519, 3, 2);
    let backup = cluster.back_up(2);
    let records = cluster.records(&backup);
    let config = cluster.lockstep.fixture.node_config(id(1), ClusterFixture::bundle());
    let now = Moment { time: cluster.lockstep.now, uptime_ms: 0 };
    let started = Node::start(config, records, now).err();
    assert!(matches!(started, Some(StartError::Share { .. })), "{started:?}");
}

/// The order of sharings is part of what a log says, also where some of them follow others and some do not.
#[test]
fn first_and_later_sharings_are_restored_together() {
    let mut cluster = Cluster::new(Scheme::FrostEd25519, 3, 2);
    cluster.lockstep.generate_key(&"abroad".parse().unwrap(), Scheme::FrostEd25519, 2);
    cluster.lockstep.generate_key(&"yonder".parse().unwrap(), Scheme::FrostEd25519, 2);
    cluster.change(SharingChange::Refresh);
    let backup = cluster.back_up(1);
    cluster.restore([(1, &backup)]);
    cluster.readmit(1);
    assert_eq!(cluster.pay_with(&[1, 2].into()), Some([1, 2].into()));
}
