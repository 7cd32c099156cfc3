//! The people and the service: they order one key, then ask for payments, and look how they end.

use std::collections::BTreeMap;

use quorate_coordinator::{
    ClientCall, ClientError, ClientReply, ClientRequest, ErrorCode, OperationState, RequestState,
};
use quorate_model::{Digest, KeyId, RequestKey, Timestamp};
use quorate_protocol::{CertifiedKey, verify_signature};
use quorate_trust::{SignedOrder, SignedRequest};
use rand_chacha::ChaCha20Rng;

use super::people::{People, Words};
use super::rotation::Rotation;
use crate::cluster::{ClusterFixture, PaymentRequest, PaymentSize, network_of};
use crate::faults::Faults;
use crate::oracle::{Oracle, Violation};
use crate::rng::{below, chance};
use crate::workload::Workload;

const REQUEST_LIFE_MS: u64 = 300_000;

pub(super) struct Client {
    workload: Workload,
    order: Option<SignedOrder>,
    certified: Option<CertifiedKey>,
    rotation: Rotation,
    people: People,
    failed: bool,
    calls: u64,
    open: BTreeMap<ClientCall, Option<u64>>,
    payments: BTreeMap<u64, Payment>,
}

struct Payment {
    signed: SignedRequest,
    wanted: Wanted,
    state: Option<RequestState>,
    /// The policy bundle of the nodes that said that it waits for people.
    bundle: Option<Digest>,
    end: Option<(RequestState, Vec<Vec<u8>>)>,
}

/// How a payment should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Signed,
    Denied,
    /// Signed, once two persons have approved it.
    Approved,
    Rejected,
}

impl Wanted {
    const fn size(self) -> PaymentSize {
        match self {
            Self::Signed => PaymentSize::Small,
            Self::Approved | Self::Rejected => PaymentSize::Large,
            Self::Denied => PaymentSize::TooLarge,
        }
    }

    const fn state(self) -> &'static str {
        match self {
            Self::Signed | Self::Approved => "SIGNED",
            Self::Denied => "DENIED",
            Self::Rejected => "REJECTED",
        }
    }
}

impl Client {
    pub(super) fn new(workload: Workload) -> Self {
        Self {
            workload,
            order: None,
            certified: None,
            rotation: Rotation::default(),
            people: People::default(),
            failed: false,
            calls: 0,
            open: BTreeMap::new(),
            payments: BTreeMap::new(),
        }
    }

    fn key() -> KeyId {
        "treasury".parse().expect("a name")
    }

    pub(super) fn key_is_active(&self) -> bool {
        self.certified.is_some()
    }

    pub(super) const fn rotations(&self) -> u64 {
        self.rotation.made
    }

    pub(super) fn is_done(&self) -> bool {
        let Workload { permitted, denied, asking, scheme, .. } = self.workload;
        let wanted = if network_of(scheme).is_some() { permitted + denied + asking } else { 0 };
        let ended = self.payments.values().filter(|payment| payment.end.is_some()).count();
        let rotated = self.rotation.made == self.workload.rotations;
        self.failed || (self.key_is_active() && rotated && ended as u64 == wanted)
    }

    pub(super) fn call(&mut self, about: Option<u64>) -> ClientCall {
        self.calls += 1;
        let call = ClientCall(self.calls);
        self.open.insert(call, about);
        call
    }

    /// What to ask now. Everything is asked until it is answered, so a crash loses nothing.
    pub(super) fn ask(
        &mut self,
        fixture: &ClusterFixture,
        oracle: &mut Oracle,
        now: Timestamp,
        rng: &mut ChaCha20Rng,
    ) -> Vec<(ClientCall, ClientRequest)> {
        let Workload { threshold, scheme, .. } = self.workload;
        let Some(certified) = self.certified.clone() else {
            let order = self
                .order
                .get_or_insert_with(|| fixture.order(&Self::key(), scheme, threshold, now));
            let create = ClientRequest::BeginCeremony(order.clone());
            let create = (self.call(None), create);
            return vec![create, (self.call(None), ClientRequest::GetKey(Self::key()))];
        };
        let mut requests = self.pay(fixture, oracle, &certified, now, rng);
        if self.workload.asking > 0 {
            let orders = self.people.orders(fixture, oracle, &Self::key(), now, rng);
            requests.extend(orders.into_iter().map(|order| (None, order)));
        }
        if self.workload.changes {
            let changes = self.people.changes(fixture, oracle, now, rng);
            requests.extend(changes.into_iter().map(|order| (None, order)));
        }
        if self.rotation.made < self.workload.rotations {
            let orders = self.rotation.ask(fixture, &certified, now, rng);
            requests.extend(orders.into_iter().map(|order| (None, order)));
        }
        let words = Words { fixture, certified: &certified, now };
        for payment in self.payments.values().filter(|payment| payment.is_waiting()) {
            let Some(bundle) = payment.bundle.filter(|_| below(rng, 12) == 0) else { continue };
            let (signed, digest) = (&payment.signed, payment.signed.digest());
            let said = match payment.wanted {
                Wanted::Approved => {
                    oracle.permitted.insert(digest);
                    words.approve(signed, bundle)
                }
                // It waits: so it is the second policy that speaks.
                Wanted::Denied => {
                    oracle.permitted_later.insert(digest);
                    words.approve(signed, bundle)
                }
                Wanted::Rejected => words.reject(signed, bundle),
                Wanted::Signed => continue,
            };
            requests.extend(said.into_iter().map(|word| (None, word)));
        }
        requests.into_iter().map(|(about, request)| (self.call(about), request)).collect()
    }

    /// New payments, and how the open ones are.
    fn pay(
        &mut self,
        fixture: &ClusterFixture,
        oracle: &mut Oracle,
        certified: &CertifiedKey,
        now: Timestamp,
        rng: &mut ChaCha20Rng,
    ) -> Vec<(Option<u64>, ClientRequest)> {
        let next = self.payments.len() as u64;
        if let (Some(network), Some(wanted)) = (network_of(self.workload.scheme), self.wanted(next))
            && chance(rng, 700)
        {
            let expires = now.plus_millis(REQUEST_LIFE_MS);
            let request = PaymentRequest { network, number: next, size: wanted.size(), expires };
            let signed = fixture.payment(&Self::key(), &certified.group_verifying_key, request);
            if wanted == Wanted::Signed {
                oracle.permitted.insert(signed.digest());
            }
            self.payments
                .insert(next, Payment { signed, wanted, state: None, bundle: None, end: None });
        }
        let mut requests = Vec::new();
        for (number, payment) in self.payments.iter().filter(|(_, payment)| payment.end.is_none()) {
            let again = below(rng, 10) == 0;
            let request = if payment.state.is_some() && !again {
                ClientRequest::GetSignRequest(payment.signed.request.request_key())
            } else {
                let request = payment.signed.clone();
                ClientRequest::CreateSignRequest { request, verdicts: vec![], validate_only: false }
            };
            requests.push((Some(*number), request));
        }
        requests
    }

    fn wanted(&self, number: u64) -> Option<Wanted> {
        let Workload { permitted, denied, asking, .. } = self.workload;
        match number.checked_sub(permitted + denied) {
            None if number < permitted => Some(Wanted::Signed),
            None => Some(Wanted::Denied),
            Some(number) if number >= asking => None,
            Some(number) if number % 2 == 0 => Some(Wanted::Approved),
            Some(_) => Some(Wanted::Rejected),
        }
    }

    pub(super) fn hear(&mut self, call: ClientCall, reply: Result<ClientReply, ClientError>) {
        let about = self.open.remove(&call).flatten();
        match reply {
            Ok(ClientReply::Key(view)) if view.record.active => {
                let certified = view.record.certificate.certified;
                self.rotation.hear(&certified, view.next_epoch);
                self.certified = Some(certified);
            }
            Ok(ClientReply::Operation(view)) => {
                let failed = matches!(view.record.state, OperationState::Failed(_));
                if self.key_is_active() {
                    self.rotation.operation(view.record.digest, failed);
                } else {
                    self.failed |= failed;
                }
            }
            Ok(ClientReply::SignRequest(view)) => {
                let Some(payment) = about.and_then(|number| self.payments.get_mut(&number)) else {
                    return;
                };
                if let Some(deferral) = view.record.deferrals.last() {
                    payment.bundle = Some(deferral.body.heads.bundle);
                }
                if view.record.state.is_final() {
                    payment.end = Some((view.record.state.clone(), view.messages));
                }
                payment.state = Some(view.record.state);
            }
            Err(ClientError { code: ErrorCode::NotFound, .. }) => {
                if let Some(payment) = about.and_then(|number| self.payments.get_mut(&number)) {
                    payment.state = None;
                }
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// How many payments ended in each state.
    pub(super) fn ends(&self) -> BTreeMap<String, u64> {
        let mut ends = BTreeMap::new();
        for payment in self.payments.values() {
            let state = payment.end.as_ref().map_or("OPEN", |(state, _)| state.as_str());
            *ends.entry(state.to_owned()).or_default() += 1;
        }
        ends
    }

    /// Looks at how everything ended.
    pub(super) fn judge(
        &self,
        fixture: &ClusterFixture,
        faults: &Faults,
        meddled: bool,
    ) -> Option<Violation> {
        let calm = *faults == Faults::none() && !meddled;
        if calm && !self.key_is_active() {
            return Some(Violation::WrongEnd("no key although nothing went wrong".to_owned()));
        }
        let _ = fixture;
        if calm && self.rotation.made < self.workload.rotations {
            return Some(Violation::WrongEnd(
                "no new sharing although nothing went wrong".to_owned(),
            ));
        }
        self.payments.values().find_map(|payment| self.judge_payment(payment, calm, meddled))
    }

    fn judge_payment(&self, payment: &Payment, calm: bool, meddled: bool) -> Option<Violation> {
        let name: RequestKey = payment.signed.request.request_key();
        let wrong = |state: &str| Some(Violation::WrongEnd(format!("{name} ended {state}")));
        let Some((state, messages)) = &payment.end else {
            return if meddled { None } else { wrong("nowhere: it is still open") };
        };
        let expected = payment.wanted.state();
        // Whether it was not too early, the oracle has seen.
        let loosened = self.workload.changes && payment.wanted == Wanted::Denied;
        match state {
            RequestState::Signed { signatures, .. } if expected == "SIGNED" || loosened => {
                let key = self.certified.as_ref().map(|key| key.group_verifying_key.as_slice());
                let (scheme, key) = (self.workload.scheme, key.unwrap_or_default());
                let good = signatures.len() == messages.len()
                    && messages.iter().zip(signatures).all(|(message, signature)| {
                        verify_signature(scheme, key, message, signature)
                    });
                if good { None } else { Some(Violation::BadSignature) }
            }
            RequestState::Signed { .. } => wrong("SIGNED although it is not permitted"),
            RequestState::Denied if expected != "DENIED" && !meddled => {
                wrong("DENIED although it is permitted")
            }
            RequestState::Rejected if expected != "REJECTED" && !meddled => {
                wrong("REJECTED although nobody did")
            }
            state if calm && !loosened && state.as_str() != expected => wrong(state.as_str()),
            _ => None,
        }
    }
}

impl Payment {
    fn is_waiting(&self) -> bool {
        self.state == Some(RequestState::PendingApproval)
    }
}
