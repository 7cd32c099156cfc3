//! The steps, in order. Each is what the commands do, with real processes at the other end.

use std::fmt::Display;
use std::time::{Duration, Instant};

use quorate_api::pb::custody::v1::{SignRequest as Answer, SignRequestState};
use quorate_api::status::Reason;
use quorate_intent::{Amount, Payload};
use quorate_model::{ChainId, KeyId, Network, ParticipantId, Scheme};

use super::report::{DemoReport, RefusedReport, SignatureReport, Step, prevouts};
use crate::args::{CoinArg, KeyCreate};
use crate::client::Client;
use crate::clock;
use crate::commands::create_key;
use crate::dev::{Cluster, sample};
use crate::exit::{Exit, Failure};
use crate::network_name;
use crate::output::Output;
use crate::signing::finish::SignedReport;
use crate::signing::payload::{Blockhash, EvmOrder, PaymentOrder, Source};
use crate::signing::report::RequestReport;
use crate::signing::{Envelope, Transaction, new_request_id, state_name};

pub(super) const KEY_WAIT: Duration = Duration::from_secs(60);
const SIGN_WAIT: Duration = Duration::from_secs(30);
const LIFETIME_MS: u64 = 10 * 60_000;
const FEE: u64 = 500;

/// Runs all steps on a cluster that was made and not started. The caller stops it.
pub(crate) async fn run(cluster: &mut Cluster, output: &Output) -> Result<DemoReport, Failure> {
    let begun = Instant::now();
    let report = DemoReport {
        version: env!("CARGO_PKG_VERSION"),
        cluster: cluster.id(),
        nodes: cluster.node_ids().len(),
        threshold: cluster.threshold().get(),
        keys: Vec::new(),
        signatures: Vec::new(),
        denied: None,
        rejected: None,
        frozen: None,
        forged: Vec::new(),
        below_threshold: None,
        steps: Vec::new(),
        seconds: 0.0,
    };
    let mut demo = Demo { cluster, output, report, step: "", begun };
    match demo.steps().await {
        Ok(()) => {
            demo.report.seconds = begun.elapsed().as_secs_f64();
            Ok(demo.report)
        }
        Err(failure) => Err(failure.while_trying(format!("step {:?} failed", demo.step))),
    }
}

pub(super) struct Demo<'a> {
    pub(super) cluster: &'a mut Cluster,
    output: &'a Output,
    pub(super) report: DemoReport,
    /// The step that is under way, and since when.
    step: &'static str,
    begun: Instant,
}

impl Demo<'_> {
    async fn steps(&mut self) -> Result<(), Failure> {
        self.bring_up().await?;
        let client = self.cluster.client().await?;
        for (name, scheme) in sample::KEYS {
            self.make_key(&client, name.parse()?, scheme).await?;
        }
        self.sign("sign a PSBT", &client, Payment::bitcoin(sample::BTC_PAYEE, 100_000)).await?;
        self.sign("sign a Solana transfer", &client, Payment::solana(1_500_000)).await?;
        self.sign("sign an EVM transfer", &client, Payment::ether(10_000_000_000_000_000)).await?;
        self.sign("sign a token transfer", &client, Payment::token(125_000_000)).await?;
        self.be_denied(&client).await?;
        self.deny_delegatecall(&client).await?;
        self.refresh(&client).await?;
        self.ask_people(&client).await?;
        self.reject(&client).await?;
        self.freeze(&client).await?;
        self.be_forged(&client).await?;
        let client = self.cluster.client().await?;
        self.lose_one(&client).await?;
        self.lose_more(&client).await?;
        self.begin("stop everything");
        self.cluster.stop().await;
        self.done("every process was asked to, and did");
        Ok(())
    }

    async fn bring_up(&mut self) -> Result<(), Failure> {
        self.begin("bring the cluster up");
        self.cluster.start().await?;
        let nodes = self.report.nodes;
        self.done(format!("a coordinator and {nodes} nodes, attached over mutual TLS"));
        Ok(())
    }

    async fn make_key(
        &mut self,
        client: &Client,
        key: KeyId,
        scheme: Scheme,
    ) -> Result<(), Failure> {
        self.begin(match scheme {
            Scheme::FrostSecp256k1Tr => "make a Taproot key",
            Scheme::FrostEd25519 => "make an Ed25519 key",
            Scheme::FrostSecp256k1 => "make a Schnorr key",
            Scheme::EcdsaSecp256k1 => "make an ECDSA key",
        });
        let order = KeyCreate {
            key,
            scheme,
            threshold: self.cluster.threshold(),
            nodes: Vec::new(),
            raw_ok: false,
            activation: quorate_model::Activation::AtOnce,
            officer_keys: self.cluster.officer_keys(),
            wait: KEY_WAIT,
        };
        let report = create_key(client, &order, &self.output.quiet()).await?;
        let (threshold, nodes) = (report.threshold, report.nodes.len());
        self.done(format!("{}: {threshold} of {nodes}, certified and confirmed", report.key));
        self.detail("public key", &report.public_key);
        for network in sample::NETWORKS.map(network_name::short) {
            if let Some(address) = report.addresses.get(&network) {
                self.detail(&format!("{network} address"), address);
            }
        }
        self.report.keys.push(report);
        Ok(())
    }

    pub(super) async fn sign(
        &mut self,
        step: &'static str,
        client: &Client,
        payment: Payment,
    ) -> Result<(), Failure> {
        self.begin(step);
        let (transaction, answer) = self.send(client, &payment).await?;
        let answer = answer?;
        if answer.state() != SignRequestState::Signed {
            let message = format!("the request is {}, not SIGNED", state_name(answer.state()));
            return Err(Failure::new(Exit::Error, message));
        }
        self.signed(step, &transaction, &answer)
    }

    /// Verifies and shows what was signed.
    pub(super) fn signed(
        &mut self,
        step: &'static str,
        transaction: &Transaction,
        answer: &Answer,
    ) -> Result<(), Failure> {
        let signed = SignedReport::new(transaction, answer)?;
        let (count, plural) = match signed.signatures.len() {
            1 => (1, ""),
            count => (count, "s"),
        };
        let signers = listed(&signed.signers);
        self.done(format!("SIGNED: {count} signature{plural} by nodes {signers}, verified here"));
        for effect in &transaction.decoded.intent.effects {
            let Amount { base_units, asset } = &effect.amount;
            self.detail(
                "effect",
                format_args!("{base_units} of {asset} to {}", effect.destination),
            );
        }
        for signature in &signed.signatures {
            self.detail("signature", signature);
        }
        self.report.signatures.push(SignatureReport {
            step,
            nodes_up: self.nodes_up(),
            prevouts: prevouts(&transaction.payload)?,
            signed,
        });
        Ok(())
    }

    /// Sends a payment to be signed: the outer failure is ours, the inner one the cluster's answer.
    pub(super) async fn send(
        &self,
        client: &Client,
        payment: &Payment,
    ) -> Result<(Transaction, Result<Answer, Failure>), Failure> {
        let transaction = self.transaction(client, payment).await?;
        let request = transaction.request(client.profile(), &self.envelope())?;
        let answer = client.create((request, Vec::new()), false, SIGN_WAIT).await;
        Ok((transaction, answer))
    }

    pub(super) async fn transaction(
        &self,
        client: &Client,
        payment: &Payment,
    ) -> Result<Transaction, Failure> {
        let key = client.key(&payment.key.parse()?).await?;
        let payload = payment.source()?.load(&key, payment.network)?;
        Transaction::new(key, payment.network, payload)
    }

    pub(super) fn envelope(&self) -> Envelope {
        Envelope {
            request_id: new_request_id(),
            expires: clock::now().plus_millis(LIFETIME_MS),
            reference: self.step.to_owned(),
        }
    }

    async fn be_denied(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("pay a stranger");
        let payment = Payment::bitcoin(sample::BTC_STRANGER, 50_000);
        let refused = self.refused(client, &payment, Reason::PolicyDenied).await?;
        let denials = &refused.request.denials;
        if refused.request.state != "DENIED" || !denials.iter().all(|denial| denial.verified) {
            let message = "the denial is not final, or not signed by the nodes";
            return Err(Failure::new(Exit::Error, message));
        }
        let nodes: Vec<_> = denials.iter().map(|denial| denial.node).collect();
        self.done(format!("DENIED by nodes {}, with their signatures", listed(&nodes)));
        if let Some(denial) = denials.first() {
            self.detail("because", &denial.reason);
        }
        self.report.denied = Some(refused);
        Ok(())
    }

    /// Code that would run as the Safe's own: what the Bybit drain had its signers sign.
    async fn deny_delegatecall(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("send a delegatecall");
        let payment = Payment { key: "eth", network: EVM, what: What::Delegatecall };
        let (transaction, answer) = self.send(client, &payment).await?;
        let Err(failure) = answer else {
            return Err(Failure::new(Exit::Error, "a delegatecall was not denied"));
        };
        if failure.reason() != Some(Reason::PolicyDenied) {
            return Err(failure);
        }
        self.done("DENIED: the nodes decoded the call inside the call");
        for effect in &transaction.decoded.intent.effects {
            let flags: Vec<_> = effect.flags.iter().map(|flag| flag.as_str()).collect();
            let (kind, to) = (effect.kind.as_str(), &effect.destination);
            self.detail("effect", format_args!("{kind} to {to} ({})", flags.join(", ")));
        }
        self.detail("because", failure.message());
        Ok(())
    }

    /// A node is lost: whoever is left signs, if they are enough.
    async fn lose_one(&mut self, client: &Client) -> Result<(), Failure> {
        let running = self.cluster.running();
        if running.len() <= self.cluster.threshold().as_usize() {
            self.begin("lose a node");
            self.done("left out: every node is needed here");
            return Ok(());
        }
        self.begin("lose a node");
        let lost = self.lose(1).await?;
        self.done(format!("node {} killed", listed(&lost)));
        let payment = Payment::bitcoin(sample::BTC_PAYEE, 90_000);
        self.sign("sign without it", client, payment).await
    }

    /// Nodes are lost until one is missing.
    async fn lose_more(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("lose too many");
        let too_many = self.cluster.running().len() + 1 - self.cluster.threshold().as_usize();
        let lost = self.lose(too_many).await?;
        self.done(format!("node {} killed", listed(&lost)));
        self.begin("sign with too few");
        let payment = Payment::solana(1_600_000);
        let refused = self.refused(client, &payment, Reason::NodesBelowThreshold).await?;
        if refused.request.state != "QUEUED" {
            let message = format!("the request is {}, not QUEUED", refused.request.state);
            return Err(Failure::new(Exit::Error, message));
        }
        self.done("UNAVAILABLE: fewer than threshold, the request stays QUEUED");
        self.detail("because", &refused.message);
        self.report.below_threshold = Some(refused);
        Ok(())
    }

    /// Kills so many nodes, the highest first, and waits until the coordinator has noticed.
    async fn lose(&mut self, count: usize) -> Result<Vec<u16>, Failure> {
        let running = self.cluster.running();
        let lost: Vec<ParticipantId> = running.iter().rev().take(count).copied().collect();
        for id in &lost {
            self.cluster.kill_node(*id).await;
        }
        self.cluster.wait_attached(&self.cluster.running()).await?;
        Ok(lost.into_iter().map(ParticipantId::get).collect())
    }

    /// Sends a payment that must be refused for this reason.
    async fn refused(
        &self,
        client: &Client,
        payment: &Payment,
        reason: Reason,
    ) -> Result<RefusedReport, Failure> {
        let (_, answer) = self.send(client, payment).await?;
        let failure = match answer {
            Ok(answer) => {
                let state = state_name(answer.state());
                let message = format!("expected {}, but it is {state}", reason.as_str());
                return Err(Failure::new(Exit::Error, message));
            }
            Err(failure) if failure.reason() == Some(reason) => failure,
            Err(failure) => return Err(failure),
        };
        let name = failure.request_key();
        let name = name.ok_or_else(|| Failure::new(Exit::Error, "no stored request is named"))?;
        let stored = client.request(&name).await?;
        Ok(RefusedReport {
            exit: failure.exit().code(),
            reason: reason.as_str(),
            message: failure.message().to_owned(),
            nodes_up: self.nodes_up(),
            request: RequestReport::new(&stored, &client.profile().root),
        })
    }

    fn nodes_up(&self) -> Vec<u16> {
        self.cluster.running().into_iter().map(ParticipantId::get).collect()
    }

    pub(super) const fn output(&self) -> &Output {
        self.output
    }

    pub(super) fn begin(&mut self, step: &'static str) {
        (self.step, self.begun) = (step, Instant::now());
    }

    pub(super) fn done(&mut self, outcome: impl Into<String>) {
        let (seconds, outcome) = (self.begun.elapsed().as_secs_f64(), outcome.into());
        self.output.say(format_args!("{seconds:>6.2} s  {:<22}  {outcome}", self.step));
        self.report.steps.push(Step { step: self.step, seconds, outcome });
    }

    /// Says more about the step that was done last.
    pub(super) fn detail(&self, name: &str, text: impl Display) {
        self.output.say(format_args!("{:10}{name:<22}  {text}", ""));
    }
}

pub(super) fn listed<T: Display>(ids: &[T]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

/// The development chain of the samples.
const EVM: Network = Network::Evm(ChainId::DEVELOPMENT);

/// A payment of a demo.
pub(super) struct Payment {
    pub(super) key: &'static str,
    network: Network,
    what: What,
}

enum What {
    Bitcoin {
        to: &'static str,
        sats: u64,
    },
    Solana {
        lamports: u64,
    },
    Evm {
        token: Option<&'static str>,
        base_units: u64,
        nonce: u64,
    },
    /// Code of another contract, run as a Safe's own.
    Delegatecall,
}

impl Payment {
    pub(super) const fn bitcoin(to: &'static str, sats: u64) -> Self {
        let what = What::Bitcoin { to, sats };
        Self { key: "btc", network: Network::BitcoinRegtest, what }
    }

    const fn solana(lamports: u64) -> Self {
        Self { key: "sol", network: Network::SolanaDevnet, what: What::Solana { lamports } }
    }

    const fn ether(wei: u64) -> Self {
        Self::evm(None, wei, 0)
    }

    const fn token(base_units: u64) -> Self {
        Self::evm(Some(sample::ETH_TOKEN), base_units, 1)
    }

    const fn evm(token: Option<&'static str>, base_units: u64, nonce: u64) -> Self {
        Self { key: "eth", network: EVM, what: What::Evm { token, base_units, nonce } }
    }

    fn source(&self) -> Result<Source, Failure> {
        let order = |to: &str, amount: u64| PaymentOrder {
            to: to.to_owned(),
            amount: amount.into(),
            coins: Vec::new(),
            fee: None,
            blockhash: None,
            nonce_account: None,
            evm: EvmOrder::default(),
        };
        Ok(Source::Payment(Box::new(match self.what {
            What::Bitcoin { to, sats } => {
                // Coins of its own: what one payment has spent, another does not spend again.
                let coin = |(outpoint, worth): (&str, u64)| {
                    let (transaction, _) = outpoint.split_once(':').unwrap_or((outpoint, ""));
                    CoinArg { outpoint: format!("{transaction}:{sats}"), sats: worth }
                };
                let coins = sample::COINS.map(coin).to_vec();
                PaymentOrder { coins, fee: Some(FEE), ..order(to, sats) }
            }
            What::Solana { lamports } => {
                let blockhash = Some(Blockhash(sample::BLOCKHASH));
                PaymentOrder { blockhash, ..order(sample::SOL_PAYEE, lamports) }
            }
            What::Evm { token, base_units, nonce } => {
                let evm = EvmOrder {
                    token: token.map(str::to_owned),
                    nonce: Some(nonce),
                    gas: Some(if token.is_some() { 65_000 } else { 21_000 }),
                    max_fee: Some(30_000_000_000),
                    priority_fee: Some(1_000_000_000),
                };
                PaymentOrder { evm, ..order(sample::ETH_PAYEE, base_units) }
            }
            What::Delegatecall => {
                let call = hex::decode(sample::ETH_DELEGATECALL)?;
                return Ok(Source::Payload(Payload::EvmTransaction(call)));
            }
        })))
    }
}
