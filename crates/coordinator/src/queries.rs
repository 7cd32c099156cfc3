//! What clients ask, answered.

use quorate_intent::{PayingKey, Payload, decode};
use quorate_model::{Attempt, DerivationPath, KeyId, KeyState, Network, RequestKey, Timestamp};
use quorate_trust::{
    OrderAction, SignRequest, SignedOrder, SignedRequest, SignedRiskVerdict, Standing,
    VerifiedOrder,
};

use crate::activation::Activation;
use crate::client::{
    ClientCall, ClientError, ClientReply, ClientRequest, ClusterView, ErrorCode, KeyView,
    ListFilter, NodeView, OperationView, SignRequestView,
};
use crate::coordinator::{Action, Coordinator};
use crate::keygen::Ceremony;
use crate::out::Out;
use crate::plan::Plan;
use crate::record::{OperationRecord, OperationState, Record};
use crate::request::{RequestState, SignRequestRecord};
use crate::signing::decode_request;

pub(crate) type Reply = Result<ClientReply, ClientError>;

impl Coordinator {
    pub(crate) fn client(&mut self, call: ClientCall, request: ClientRequest, out: &mut Out) {
        let reply = match request {
            ClientRequest::BeginCeremony(order) => self.begin_operation(order, out),
            ClientRequest::GetOperation(id) => match self.operations.get(&id) {
                Some(record) => Self::operation_view(record),
                None => Err(not_found("operation", &id)),
            },
            ClientRequest::SubmitOrder(order) => self.submit_order(order, out),
            ClientRequest::GetOrder(id) => self.order(&id),
            ClientRequest::ListOrders => Ok(self.list_orders()),
            ClientRequest::SubmitApproval(approval) => self.submit_approval(approval, out),
            ClientRequest::GetKey(key) => self
                .activation(&key)
                .map(|key| ClientReply::Key(Box::new(self.key_view(key, out.now)))),
            ClientRequest::ListKeys => Ok(ClientReply::Keys(
                self.keys.all_present().map(|key| self.key_view(key, out.now)).collect(),
            )),
            ClientRequest::CreateSignRequest { request, verdicts, validate_only: false } => {
                self.create(request, verdicts, out)
            }
            ClientRequest::CreateSignRequest { request, verdicts, validate_only: true } => {
                let checked = self.validate(&request, out.now).map(drop);
                match checked.and_then(|()| self.check_verdicts(&request, &verdicts)) {
                    Ok(()) => return self.simulate(call, (&request, &verdicts), true, out),
                    Err(error) => Err(error),
                }
            }
            ClientRequest::Simulate { request, verdicts } => {
                let checked = self.verify(&request, out.now);
                match checked.and_then(|()| self.check_verdicts(&request, &verdicts)) {
                    Ok(()) => return self.simulate(call, (&request, &verdicts), false, out),
                    Err(error) => Err(error),
                }
            }
            ClientRequest::GetSignRequest(key) => self.find(&key).map(|record| self.view(record)),
            ClientRequest::ListSignRequests(filter) => Ok(self.list(&filter)),
            ClientRequest::CancelSignRequest(key) => self.cancel(&key, out),
            ClientRequest::DecodePayload { key, path, network, format, payload } => {
                self.decode_payload(&key, &path, network, &Payload::new(format, payload))
            }
            ClientRequest::GetCluster => Ok(self.cluster_view()),
        };
        out.say(Action::Reply { call, reply });
    }

    fn decode_payload(
        &self,
        key: &KeyId,
        path: &DerivationPath,
        network: Network,
        payload: &Payload,
    ) -> Reply {
        let invalid = |error: &dyn std::fmt::Display| ClientError::new(ErrorCode::Invalid, error);
        let certified = &self.activation(key)?.record.certificate.certified;
        let child = certified.child(path).map_err(|error| invalid(&error))?;
        let group_verifying_key = &child.verifying_key;
        let key = PayingKey { group_verifying_key, scheme: certified.scheme, network };
        let decoded = decode(payload, key).map_err(|error| invalid(&error))?;
        Ok(ClientReply::Decoded(Box::new(decoded.intent)))
    }

    /// What an order for a ceremony comes to.
    pub(crate) fn plan(&self, verified: VerifiedOrder) -> Result<Plan, ClientError> {
        let invalid = |error: &dyn std::fmt::Display| ClientError::new(ErrorCode::Invalid, error);
        if let OrderAction::ReshareKey(reshare) = &verified.order().action {
            let present = self.activation(&reshare.key)?;
            if !present.signs() {
                let message = format!("key {} is not active yet", reshare.key);
                return Err(ClientError::new(ErrorCode::Precondition, message));
            }
            let present = present.record.certificate.clone();
            return Plan::reshare(verified, present).map_err(|error| invalid(&error));
        }
        let order = verified.key_order();
        let message = "this order makes no key: submit it as an order";
        order.map(Plan::generate).ok_or_else(|| invalid(&message))
    }

    fn begin_operation(&mut self, order: SignedOrder, out: &mut Out) -> Reply {
        let invalid =
            |error: quorate_trust::OrderError| ClientError::new(ErrorCode::Invalid, error);
        let verified = order.verify(&self.root).map_err(invalid)?;
        let id = &verified.order().id;
        if let Some(record) = self.operations.get(id) {
            if record.digest == verified.digest() {
                return Self::operation_view(record);
            }
            let message = format!("order id {id} stands for another order");
            return Err(ClientError::new(ErrorCode::Conflict, message));
        }
        let plan = self.plan(verified.clone())?;
        let key = &plan.key;
        verified.check_time(out.now).map_err(invalid)?;
        if let Some(stop) = self.stops.on_key(key, out.now) {
            return Err(ClientError::new(ErrorCode::Frozen, stop));
        }
        if self.key_states.destroyed_from(key).is_some_and(|from| from <= out.now) {
            let message = format!("key {key} is destroyed: an id is used once");
            return Err(ClientError::new(ErrorCode::Precondition, message));
        }
        let taken = plan.predecessor.is_none() && self.keys.present(key).is_some();
        if taken || self.ceremonies.contains_key(key) {
            let message = match plan.predecessor {
                None => format!("key {key} exists or is being made: a key id is used once"),
                Some(_) => format!("another sharing of key {key} is being made: wait for it"),
            };
            return Err(ClientError::new(ErrorCode::Conflict, message));
        }
        let record = OperationRecord {
            order,
            digest: verified.digest(),
            attempt: Attempt(0),
            state: OperationState::Running("about to begin".to_owned()),
            created: out.now,
            updated: out.now,
        };
        let followed = plan.predecessor.as_ref().map(|present| present.certified.sharing());
        if let Some(present) = followed.and_then(|present| self.keys.get_mut(&present)) {
            present.follow();
        }
        self.operations.insert(id.clone(), record.clone());
        self.ceremonies.insert(key.clone(), Ceremony::resume(plan, Attempt(0)));
        out.write(Record::Operation(record.clone()));
        Self::operation_view(&record)
    }

    fn operation_view(record: &OperationRecord) -> Reply {
        let unreadable = || ClientError::new(ErrorCode::NotFound, "the operation makes no key");
        let (id, key) = record.makes().ok_or_else(unreadable)?;
        let record = record.clone();
        Ok(ClientReply::Operation(Box::new(OperationView { id, key, record })))
    }

    fn key_view(&self, key: &Activation, now: Timestamp) -> KeyView {
        let record = key.record.clone();
        let name = &record.certificate.certified.key;
        KeyView {
            state: self.state(key, now),
            next_epoch: key.next_epoch(self.limits.attempts_max),
            active_until: self.standing(key, now).active_until(),
            activated_ms: self.key_states.activated_ms(name, now),
            record,
        }
    }

    fn standing(&self, key: &Activation, now: Timestamp) -> Standing {
        let certified = &key.record.certificate.certified;
        self.key_states.standing(&certified.key, certified.activation, now)
    }

    /// The state of a key, as far as is known here.
    fn state(&self, key: &Activation, now: Timestamp) -> KeyState {
        let suspended = self.stops.suspends(&key.record.certificate.certified.key, now);
        let state = self.standing(key, now).state();
        if state != KeyState::Destroyed && !key.signs() {
            return KeyState::PreActivation;
        }
        if state == KeyState::Active && suspended { KeyState::Suspended } else { state }
    }

    pub(crate) fn activation(&self, key: &KeyId) -> Result<&Activation, ClientError> {
        self.keys.present(key).ok_or_else(|| not_found("key", key))
    }

    fn verify(&self, request: &SignedRequest, now: Timestamp) -> Result<(), ClientError> {
        let invalid = |error| ClientError::new(ErrorCode::Invalid, error);
        let verified = request.verify(&self.root).map_err(invalid)?;
        verified.check_time(now).map_err(invalid)?;
        let SignRequest { key, service, .. } = &request.request;
        if let Some(stop) = self.stops.on_request(key, service, now) {
            return Err(ClientError::new(ErrorCode::Frozen, stop));
        }
        match self.state(self.activation(key)?, now) {
            KeyState::Active | KeyState::Deactivated | KeyState::Compromised => Ok(()),
            state @ (KeyState::PreActivation | KeyState::Suspended | KeyState::Destroyed) => {
                let message = format!("key {key} is {state}: it signs nothing");
                Err(ClientError::new(ErrorCode::Precondition, message))
            }
        }
    }

    /// All that creating a request checks; gives the earlier request of that id, if there is one.
    fn validate(
        &self,
        request: &SignedRequest,
        now: Timestamp,
    ) -> Result<Option<&SignRequestRecord>, ClientError> {
        let key = request.request.request_key();
        let invalid = |error| ClientError::new(ErrorCode::Invalid, error);
        let verified = request.verify(&self.root).map_err(invalid)?;
        if let Some(earlier) = self.requests.get(&key) {
            if earlier.digest == verified.digest() {
                return Ok(Some(earlier));
            }
            let message = format!("request id {key} stands for another request");
            return Err(ClientError::new(ErrorCode::Conflict, message));
        }
        self.verify(request, now)?;
        let activation = self.activation(&request.request.key)?;
        decode_request(&activation.record.certificate.certified, &request.request)
            .map_err(|error| ClientError::new(ErrorCode::Invalid, error))?;
        if self.requests.bytes() + request.statement.len() > self.limits.kept_bytes_max {
            let message = "the coordinator keeps as many requests as it can";
            return Err(ClientError::new(ErrorCode::Exhausted, message));
        }
        if self.requests.open_of(&key.service) >= self.limits.open_requests_max {
            let message =
                format!("{} requests of {} are open", self.limits.open_requests_max, key.service);
            return Err(ClientError::new(ErrorCode::Exhausted, message));
        }
        Ok(None)
    }

    fn create(
        &mut self,
        request: SignedRequest,
        verdicts: Vec<SignedRiskVerdict>,
        out: &mut Out,
    ) -> Reply {
        let earlier = self.validate(&request, out.now)?.cloned();
        self.check_verdicts(&request, &verdicts)?;
        if let Some(earlier) = earlier {
            return self.add_verdicts(earlier, verdicts, out);
        }
        let record = SignRequestRecord {
            digest: request.digest(),
            signed: request,
            state: RequestState::Queued,
            attempt: Attempt(0),
            denials: Vec::new(),
            deferrals: Vec::new(),
            approvals: Vec::new(),
            verdicts,
            reason: String::new(),
            created: out.now,
            updated: out.now,
        };
        let reply = self.view(&record);
        out.write(Record::Request(record.clone()));
        self.requests.put(record, out.now);
        Ok(reply)
    }

    pub(crate) fn find(&self, key: &RequestKey) -> Result<&SignRequestRecord, ClientError> {
        self.requests.get(key).ok_or_else(|| not_found("request", key))
    }

    pub(crate) fn view(&self, record: &SignRequestRecord) -> ClientReply {
        ClientReply::SignRequest(Box::new(self.sign_request_view(record)))
    }

    fn sign_request_view(&self, record: &SignRequestRecord) -> SignRequestView {
        let request = &record.signed.request;
        let decoded = self.keys.present(&request.key).and_then(|activation| {
            decode_request(&activation.record.certificate.certified, request).ok()
        });
        let (intent, messages) =
            decoded.map(|d| (Some(d.intent), d.signing_messages)).unwrap_or_default();
        let waiting = self.requests.waiting(&request.request_key());
        let hold = waiting.and_then(|waiting| waiting.hold);
        SignRequestView { record: record.clone(), intent, messages, hold }
    }

    fn list(&self, filter: &ListFilter) -> ClientReply {
        let wanted = |record: &&SignRequestRecord| {
            let service = &record.signed.request.service;
            filter.service.as_ref().is_none_or(|wanted| wanted == service)
                && filter.state.as_ref().is_none_or(|wanted| wanted == record.state.as_str())
        };
        let found = self.requests.after(filter.after.as_ref()).filter(wanted).take(filter.limit);
        ClientReply::SignRequests(found.map(|record| self.sign_request_view(record)).collect())
    }

    fn cancel(&mut self, key: &RequestKey, out: &mut Out) -> Reply {
        let record = self.find(key)?.clone();
        match &record.state {
            RequestState::PendingApproval | RequestState::Queued => {
                self.finish(record, RequestState::Canceled, "the service withdrew it", out);
                self.find(key).map(|record| self.view(record))
            }
            RequestState::Canceled => Ok(self.view(&record)),
            state @ (RequestState::Signing
            | RequestState::Signed { .. }
            | RequestState::Denied
            | RequestState::Rejected
            | RequestState::Expired
            | RequestState::Failed) => {
                let message = format!("request {key} is {}: too late to cancel", state.as_str());
                Err(ClientError::new(ErrorCode::Precondition, message))
            }
        }
    }

    fn cluster_view(&self) -> ClientReply {
        let nodes = self.nodes.0.iter().map(|(id, state)| NodeView {
            node: *id,
            attached: state.attached,
            status: state.status.clone(),
            last_seen: state.last_seen,
        });
        ClientReply::Cluster(Box::new(ClusterView {
            cluster: self.cluster,
            root: self.root.render(),
            threshold_floor: self.root.threshold_floor,
            nodes: nodes.collect(),
        }))
    }
}

pub(crate) fn not_found(what: &str, name: &impl std::fmt::Display) -> ClientError {
    ClientError::new(ErrorCode::NotFound, format!("there is no {what} {name}"))
}
