//! A coordinator in the wrong hands: with the real one's keys, in the real one's place.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quorate_api::statement::encode_sign_request;
use quorate_model::{Attempt, ParticipantId, ParticipantSet, PersonName};
use quorate_net::attach::{Gateway, GatewayEvent, GatewayHandle, GatewayLimits};
use quorate_net::{Listener, ListenerLimits, TlsMaterial, server};
use quorate_policy::Bundle;
use quorate_protocol::wire::{CallId, FromNode, Refusal, Subject, ToNode, Words};
use quorate_trust::{
    Namespace, OrderAction, SignedOrder, SigningKey, StatementSignature, Successor, TrustRoot,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::report::ForgedReport;
use super::steps::{Demo, Payment};
use crate::client::Client;
use crate::clock;
use crate::dev::sample;
use crate::exit::{Exit, Failure};
use crate::setup::address::CoordinatorAddress;
use crate::signing::order;

/// How long a node may take to attach, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nodes attach to it, and hear whatever it likes to say.
pub(super) struct Forger {
    gateway: GatewayHandle,
    events: mpsc::Receiver<GatewayEvent>,
    stop: CancellationToken,
    server: JoinHandle<()>,
    calls: u64,
}

impl Forger {
    /// Takes the place of the coordinator in `dir`, which must not run.
    pub(super) async fn start(
        dir: &Path,
        address: &str,
        root: &TrustRoot,
    ) -> Result<Self, Failure> {
        let tls = ["ca.crt", "tls.crt", "tls.key"].map(|name| dir.join(name));
        let [ca, certificate, key] = &tls;
        let tls = TlsMaterial::load(ca, certificate, key)?;
        let address = address.parse().map_err(|_| failed("the coordinator has no address"))?;
        let listener = Listener::bind(address, &tls, ListenerLimits::default())
            .await
            .map_err(|error| failed(&error.to_string()))?;
        let (sender, events) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let limits = GatewayLimits::default();
        let (service, gateway) =
            Gateway::open(Arc::new(root.clone()), sender, limits, stop.clone());
        let serving = server()
            .add_service(service)
            .serve_with_incoming_shutdown(listener.incoming(), stop.clone().cancelled_owned());
        let server = tokio::spawn(async move { drop(serving.await) });
        Ok(Self { gateway, events, stop, server, calls: 0 })
    }

    /// Waits for a node, whichever comes first.
    pub(super) async fn victim(&mut self) -> Result<ParticipantId, Failure> {
        loop {
            if let GatewayEvent::Attached { node } = self.event().await? {
                return Ok(node);
            }
        }
    }

    /// Has a node refuse something.
    pub(super) async fn refused(
        &mut self,
        node: ParticipantId,
        question: ToNode,
    ) -> Result<Refusal, Failure> {
        self.calls += 1;
        let call = CallId(self.calls);
        let sent = self.gateway.send(node, call, question);
        sent.map_err(|error| failed(&error.to_string()))?;
        loop {
            match self.event().await? {
                GatewayEvent::Answer { call: answered, answer, .. } if answered == call => {
                    return if let FromNode::Refused(refusal) = answer {
                        Ok(refusal)
                    } else {
                        Err(failed("the node was taken in"))
                    };
                }
                GatewayEvent::Attached { .. }
                | GatewayEvent::Detached { .. }
                | GatewayEvent::Answer { .. } => {}
            }
        }
    }

    async fn event(&mut self) -> Result<GatewayEvent, Failure> {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        event.ok().flatten().ok_or_else(|| failed("no node attaches, or answers"))
    }

    /// Leaves the place.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(PATIENCE, self.server).await;
    }
}

impl Demo<'_> {
    /// The coordinator is taken over. It has the keys of the real one, and gets nothing for them.
    pub(super) async fn be_forged(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("forge a coordinator");
        let root = self.cluster.root().clone();
        let questions = [self.theft(client).await?, self.loosening(&root)?];
        let address = client.profile().coordinators.first().map(CoordinatorAddress::authority);
        self.cluster.kill_coordinator().await;
        let dir = self.cluster.coordinator_dir();
        let mut forger = Forger::start(&dir, &address.unwrap_or_default(), &root).await?;
        let node = forger.victim().await?;
        let mut refusals = Vec::new();
        for (what, question) in questions {
            let refusal = forger.refused(node, question).await?;
            refusals.push(ForgedReport { node: node.get(), what, reason: refusal.reason });
        }
        forger.stop().await;
        self.cluster.start_coordinator().await?;
        self.cluster.wait_attached(&self.cluster.running()).await?;
        self.done(format!("REFUSED by node {node}, though it has the keys of the real one"));
        for ForgedReport { what, reason, .. } in &refusals {
            self.detail(what, reason);
        }
        self.report.forged = refusals;
        Ok(())
    }

    /// What the service signed, with a payment to somebody else in it.
    async fn theft(&self, client: &Client) -> Result<(&'static str, ToNode), Failure> {
        let asked = self.transaction(client, &Payment::bitcoin(sample::BTC_PAYEE, 80_000)).await?;
        let other =
            self.transaction(client, &Payment::bitcoin(sample::BTC_STRANGER, 80_000)).await?;
        let mut request = asked.request(client.profile(), &self.envelope())?;
        request.request.payload =
            other.request(client.profile(), &self.envelope())?.request.payload;
        request.statement = encode_sign_request(&request.request);
        let signing_set = asked.key.certified().roster.clone();
        let signers = signing_set.iter().take(asked.key.certified().threshold.as_usize());
        let question = ToNode::Reserve {
            subject: Subject::Request(request),
            words: Words::default(),
            attempt: Attempt::FIRST,
            signing_set: ParticipantSet::new(signers)?,
        };
        Ok(("a payment swapped", question))
    }

    /// A policy that allows everything, signed by one officer.
    fn loosening(&self, root: &TrustRoot) -> Result<(&'static str, ToNode), Failure> {
        let previous = root.policy;
        let text = format!(
            "version = 2\nprevious = \"{previous}\"\npolicies = '''\n@id(\"p1\") @title(\"Anything\")\n\
             permit (principal, action, resource) when {{ context.effects > 0 }};\n'''\n"
        );
        let bundle = Bundle::parse(&text)?;
        let (version, hash) = (bundle.version(), bundle.hash());
        let named = Successor { version, hash, previous: bundle.previous().clone() };
        let action = OrderAction::ActivatePolicy(named);
        let proposed = order::propose(root, action, clock::now(), order::AT_ONCE)?;
        let officers = self.officers()?;
        let sign = |(name, key): &(PersonName, SigningKey)| {
            StatementSignature::sign(&proposed, Namespace::Order, name.clone(), key)
        };
        let signatures = officers.iter().take(1).map(sign).collect();
        let document = Some(text);
        let order = SignedOrder { text: proposed, signatures, document };
        Ok(("a policy by one person", ToNode::carry_out(order)))
    }
}

fn failed(message: &str) -> Failure {
    Failure::new(Exit::Error, message)
}
