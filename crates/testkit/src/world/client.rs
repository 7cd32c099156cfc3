//! The people and the service: they order one key, then ask for payments, and look how they end.

use std::collections::BTreeMap;

use quorate_coordinator::{
    ClientCall, ClientError, ClientReply, ClientRequest, ErrorCode, OperationState, RequestState,
};
use quorate_model::{KeyId, RequestKey, Timestamp};
use quorate_protocol::verify_signature;
use quorate_trust::{SignedOrder, SignedRequest};
use rand_chacha::ChaCha20Rng;

use crate::cluster::{ClusterFixture, PaymentRequest, network_of};
use crate::faults::Faults;
use crate::oracle::{Oracle, Violation};
use crate::rng::{below, chance};
use crate::workload::Workload;

const REQUEST_LIFE_MS: u64 = 300_000;

pub(super) struct Client {
    workload: Workload,
    order: Option<SignedOrder>,
    group_verifying_key: Option<Vec<u8>>,
    failed: bool,
    calls: u64,
    open: BTreeMap<ClientCall, Option<u64>>,
    payments: BTreeMap<u64, Payment>,
}

struct Payment {
    signed: SignedRequest,
    permitted: bool,
    known: bool,
    end: Option<(RequestState, Vec<Vec<u8>>)>,
}

impl Client {
    pub(super) fn new(workload: Workload) -> Self {
        Self {
            workload,
            order: None,
            group_verifying_key: None,
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
        self.group_verifying_key.is_some()
    }

    pub(super) fn is_done(&self) -> bool {
        let wanted = self.workload.permitted + self.workload.denied;
        let wanted = if network_of(self.workload.scheme).is_some() { wanted } else { 0 };
        let ended = self.payments.values().filter(|payment| payment.end.is_some()).count();
        self.failed || (self.key_is_active() && ended as u64 == wanted)
    }

    fn call(&mut self, about: Option<u64>) -> ClientCall {
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
        let Some(group_verifying_key) = self.group_verifying_key.clone() else {
            let order = self
                .order
                .get_or_insert_with(|| fixture.order(&Self::key(), scheme, threshold, now));
            let create = ClientRequest::GenerateKey(order.clone());
            let create = (self.call(None), create);
            return vec![create, (self.call(None), ClientRequest::GetKey(Self::key()))];
        };
        let next = self.payments.len() as u64;
        let Workload { permitted, denied, .. } = self.workload;
        if let Some(network) = network_of(scheme)
            && next < permitted + denied
            && chance(rng, 700)
        {
            let is_permitted = next < permitted;
            let expires = now.plus_millis(REQUEST_LIFE_MS);
            let request =
                PaymentRequest { network, number: next, permitted: is_permitted, expires };
            let signed = fixture.payment(&Self::key(), &group_verifying_key, request);
            if is_permitted {
                oracle.permitted.insert(signed.digest());
            }
            let payment = Payment { signed, permitted: is_permitted, known: false, end: None };
            self.payments.insert(next, payment);
        }
        let mut requests = Vec::new();
        let open: Vec<_> =
            self.payments.iter().filter(|(_, p)| p.end.is_none()).map(|(n, _)| *n).collect();
        for number in open {
            let again = below(rng, 10) == 0;
            let call = self.call(Some(number));
            let Some(payment) = self.payments.get(&number) else { continue };
            let request = if payment.known && !again {
                ClientRequest::GetSignRequest(payment.signed.request.request_key())
            } else {
                let request = payment.signed.clone();
                ClientRequest::CreateSignRequest { request, validate_only: false }
            };
            requests.push((call, request));
        }
        requests
    }

    pub(super) fn hear(&mut self, call: ClientCall, reply: Result<ClientReply, ClientError>) {
        let about = self.open.remove(&call).flatten();
        match reply {
            Ok(ClientReply::Key(view)) if view.record.active => {
                let certified = &view.record.certificate.certified;
                self.group_verifying_key = Some(certified.group_verifying_key.clone());
            }
            Ok(ClientReply::Operation(view)) => {
                self.failed |= matches!(view.record.state, OperationState::Failed(_));
            }
            Ok(ClientReply::SignRequest(view)) => {
                let Some(payment) = about.and_then(|number| self.payments.get_mut(&number)) else {
                    return;
                };
                payment.known = true;
                if view.record.state.is_final() {
                    payment.end = Some((view.record.state, view.messages));
                }
            }
            Err(ClientError { code: ErrorCode::NotFound, .. }) => {
                if let Some(payment) = about.and_then(|number| self.payments.get_mut(&number)) {
                    payment.known = false;
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
        self.payments.values().find_map(|payment| self.judge_payment(payment, calm, meddled))
    }

    fn judge_payment(&self, payment: &Payment, calm: bool, meddled: bool) -> Option<Violation> {
        let name: RequestKey = payment.signed.request.request_key();
        let wrong = |state: &str| Some(Violation::WrongEnd(format!("{name} ended {state}")));
        let Some((state, messages)) = &payment.end else {
            return if meddled { None } else { wrong("nowhere: it is still open") };
        };
        match (state, payment.permitted) {
            (RequestState::Signed { signatures, .. }, true) => {
                let key = self.group_verifying_key.as_deref().unwrap_or_default();
                let scheme = self.workload.scheme;
                let good = signatures.len() == messages.len()
                    && messages.iter().zip(signatures).all(|(message, signature)| {
                        verify_signature(scheme, key, message, signature)
                    });
                if good { None } else { Some(Violation::BadSignature) }
            }
            (RequestState::Signed { .. }, false) => wrong("SIGNED although it is not permitted"),
            (RequestState::Denied, true) if !meddled => wrong("DENIED although it is permitted"),
            (RequestState::Failed, _) if calm => wrong("FAILED although nothing went wrong"),
            (state, _) if calm && !matches!(state, RequestState::Denied) => wrong(state.as_str()),
            _ => None,
        }
    }
}
