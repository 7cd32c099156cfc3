//! A cluster's people, keys, trust root and policy, from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use quorate_api::statement::encode_sign_request;
use quorate_intent::compose::{
    Coin, EvmSending, Payment, bitcoin_payment, evm_transfer, solana_transfer,
};
use quorate_intent::{Address, Asset, PayingKey};
use quorate_model::{
    Activation, BootId, ChainId, DerivationPath, Digest, Erasure, KeyId, Network, OrderId,
    ParticipantId, ParticipantSet, PayloadFormat, PersonName, RequestId, Scheme, ServiceName,
    Threshold, Timestamp,
};
use quorate_policy::Bundle;
use quorate_protocol::ecdsa::Dkls23;
use quorate_signer::{Identity, Limits, NodeConfig};
use quorate_trust::{
    GenerateKey, Lineage, Namespace, NodeEntry, Order, OrderAction, PersonEntry, QUORUMS, Quorum,
    Recipient, ServiceEntry, SignRequest, SignedOrder, SignedRequest, SigningKey,
    StatementSignature, Successor, TrustRoot, UserVerification, Window,
};
use rand_core::CryptoRngCore;
use ruint::aliases::U256;

/// The service of every fixture.
pub const SERVICE: &str = "payments";

/// The network of every payment of a scheme; `None` for the scheme that no network here takes.
pub fn network_of(scheme: Scheme) -> Option<Network> {
    match scheme {
        Scheme::FrostEd25519 => Some(Network::SolanaDevnet),
        Scheme::FrostSecp256k1Tr => Some(Network::BitcoinRegtest),
        Scheme::EcdsaSecp256k1 => Some(Network::Evm(ChainId::DEVELOPMENT)),
        Scheme::FrostSecp256k1 => None,
    }
}

/// The most that the fixture's policy lets be paid at once, fee included.
pub(crate) const LIMIT: u64 = 1_000_000;
const FEE: u64 = 500;
/// How long an order may begin to be carried out, in milliseconds.
const ORDER_LIFETIME_MS: u64 = 3_600_000;

/// Private keys of everybody in a cluster: what no single place holds in life.
#[derive(Debug)]
pub struct Signers {
    /// Of the nodes.
    pub nodes: BTreeMap<ParticipantId, SigningKey>,
    /// Of the service.
    pub service: SigningKey,
    /// Of the people.
    pub persons: BTreeMap<PersonName, SigningKey>,
}

/// A cluster from outside: its trust root and everybody who signs under it.
#[derive(Debug)]
pub struct ClusterFixture {
    /// The trust root.
    pub root: TrustRoot,
    /// Everybody's private keys.
    pub signers: Signers,
    /// When the keys that are ordered begin to sign.
    pub activation: Activation,
}

impl ClusterFixture {
    /// How long a freeze holds on after it was lifted.
    pub(crate) const UNFREEZE_DELAY_S: u64 = 5;

    /// How long what may allow more waits.
    pub(crate) const CHANGE_DELAY_S: u64 = 5;

    /// Makes a cluster of so many nodes, that begins with the fixture's policy.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn new(nodes: u16, rng: &mut impl CryptoRngCore) -> Self {
        Self::with_policy(nodes, &Self::bundle(), rng)
    }

    /// Makes a cluster of so many nodes, that begins with a policy.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn with_policy(nodes: u16, policy: &Bundle, rng: &mut impl CryptoRngCore) -> Self {
        let id = |n| ParticipantId::new(n).expect("ids count from 1");
        let name = |text: &str| text.parse::<PersonName>().expect("a name");
        let signers = Signers {
            nodes: (1..=nodes).map(|n| (id(n), SigningKey::generate(rng))).collect(),
            service: SigningKey::generate(rng),
            persons: ["alice", "bob", "carol"]
                .map(|text| (name(text), SigningKey::generate(rng)))
                .into_iter()
                .collect(),
        };
        let label = |text: &str| text.parse().expect("a label");
        let node = |(id, key): (&ParticipantId, &SigningKey)| {
            let entry = NodeEntry {
                identity: key.public_key(),
                tls: Digest::new([u8::try_from(id.get()).expect("few nodes"); 32]),
                operator: label("simulated"),
                region: label("here"),
                provider: label("none"),
                recovery: None,
            };
            (*id, entry)
        };
        let person = |(name, key): (&PersonName, &SigningKey)| {
            let entry = PersonEntry {
                officer: true,
                user_verification: UserVerification::NotRequired,
                credentials: [key.public_key().into()].into(),
                recovery: None,
            };
            (name.clone(), entry)
        };
        let members = || signers.persons.keys().cloned().collect();
        let quorum = || Quorum { required: 2, members: members() };
        let service = ServiceEntry { key: signers.service.public_key(), owners: BTreeSet::new() };
        let root = TrustRoot {
            lineage: None,
            created: Timestamp::from_millis(1_700_000_000_000),
            policy: policy.hash(),
            threshold_floor: Threshold::new(u32::from(nodes / 2 + 1)).expect("a majority"),
            unfreeze_delay_s: Self::UNFREEZE_DELAY_S,
            change_delay_s: Self::CHANGE_DELAY_S,
            nodes: signers.nodes.iter().map(node).collect(),
            services: [(SERVICE.parse().expect("a name"), service)].into(),
            persons: signers.persons.iter().map(person).collect(),
            quorums: QUORUMS.map(|q| (q.parse().expect("a name"), quorum())).into(),
        };
        root.check().expect("the fixture's root keeps every rule");
        Self { root, signers, activation: Activation::AtOnce }
    }

    /// Names the three persons recovery officers: of each node two, and both are needed. So no two of them
    /// open the backups of as many nodes as sign.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn name_recovery_officers(&mut self) {
        let recipients = (2..).map(|byte| Recipient::from_bytes([byte; 32]).ok());
        for (person, recipient) in self.root.persons.values_mut().zip(recipients) {
            person.recovery = recipient;
        }
        let names: Vec<_> = self.root.persons.keys().cloned().collect();
        for (node, left_out) in self.root.nodes.values_mut().zip((0..names.len()).cycle()) {
            let mut members: BTreeSet<_> = names.iter().cloned().collect();
            members.remove(&names[left_out]);
            node.recovery = Some(Quorum { required: 2, members });
        }
        self.root.check().expect("the fixture's root keeps every rule");
    }

    /// What a node of this cluster starts with. A policy that the cluster does not begin with is that
    /// of a node in other hands: it has a root of its own, which pins that policy.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn node_config(&self, node: ParticipantId, policy: Bundle) -> NodeConfig {
        let key = self.signers.nodes.get(&node).expect("a node of the fixture");
        let pem = key.to_pkcs8_pem().expect("a key has a file form");
        let key = SigningKey::from_pkcs8_pem(&pem).expect("what was written can be read");
        let mut root = self.root.clone();
        if policy.hash() != root.policy {
            root = TrustRoot { policy: policy.hash(), ..root.next_version() };
        }
        NodeConfig {
            identity: Identity { participant: node, key },
            root,
            policy,
            limits: Limits::default(),
            version: "simulated".to_owned(),
            boot: Some(BootId::from_bytes([1; 16])),
            erasure: Erasure::Medium,
            ecdsa: Arc::new(Dkls23),
        }
    }

    /// An order for a key held by all nodes, signed by two persons.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn order(
        &self,
        key: &KeyId,
        scheme: Scheme,
        threshold: u16,
        now: Timestamp,
    ) -> SignedOrder {
        let generate = GenerateKey {
            key: key.clone(),
            scheme,
            threshold: Threshold::new(u32::from(threshold)).expect("at least 2"),
            roster: ParticipantSet::new(self.root.nodes.keys().copied()).expect("nodes"),
            raw_ok: false,
            activation: self.activation,
        };
        let action = OrderAction::GenerateKey(generate);
        self.order_to(&format!("make-{key}"), action, &["alice", "bob"], now)
    }

    /// An order to do anything, from now on, signed by these persons.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn order_to(
        &self,
        id: &str,
        action: OrderAction,
        by: &[&str],
        now: Timestamp,
    ) -> SignedOrder {
        let expires = (!action.is_stop()).then(|| now.plus_millis(ORDER_LIFETIME_MS));
        let window = Window { not_before: now, expires };
        let id = id.parse::<OrderId>().expect("a name");
        let text = Order { cluster: self.root.cluster(), id, action, window }.render();
        let sign = |name: &&str| {
            let name: PersonName = name.parse().expect("a name");
            let key = self.signers.persons.get(&name).expect("a person of the fixture");
            StatementSignature::sign(&text, Namespace::Order, name, key)
        };
        let signatures = by.iter().map(sign).collect();
        SignedOrder { text, signatures, document: None }
    }

    /// An order to bring a policy bundle into force, signed by these persons.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn activate(&self, id: &str, text: &str, by: &[&str], now: Timestamp) -> SignedOrder {
        let bundle = Bundle::parse(text).expect("a bundle");
        let successor = Successor {
            version: bundle.version(),
            hash: bundle.hash(),
            previous: bundle.previous().clone(),
        };
        let order = self.order_to(id, OrderAction::ActivatePolicy(successor), by, now);
        SignedOrder { document: Some(text.to_owned()), ..order }
    }

    /// The version of the trust root after this one, changed.
    pub fn next_root(&self, change: impl FnOnce(&mut TrustRoot)) -> TrustRoot {
        let mut root = self.root.next_version();
        change(&mut root);
        root
    }

    /// An order to bring a version of the trust root into force, signed by these persons.
    ///
    /// # Panics
    /// If the root follows nothing.
    pub fn update_root(
        &self,
        id: &str,
        root: &TrustRoot,
        by: &[&str],
        now: Timestamp,
    ) -> SignedOrder {
        let lineage = root.lineage.clone().expect("a root that follows another");
        let Lineage { version, previous, .. } = lineage;
        let successor = Successor { version, hash: root.hash(), previous };
        let order = self.order_to(id, OrderAction::UpdateRoot(successor), by, now);
        SignedOrder { document: Some(root.render()), ..order }
    }

    /// A request to pay, signed by the service.
    ///
    /// # Panics
    /// If the fixture itself is wrong, or the network does not fit the key.
    pub fn payment(
        &self,
        key: &KeyId,
        group_verifying_key: &[u8],
        request: PaymentRequest,
    ) -> SignedRequest {
        let PaymentRequest { network, number, size, expires } = request;
        let amount = match size {
            PaymentSize::Small => LIMIT - FEE - 10_000,
            PaymentSize::Large => LIMIT + 1,
            PaymentSize::TooLarge => 2 * LIMIT + 1,
        };
        let paying = PayingKey { group_verifying_key, network, scheme: network.usual_scheme() };
        let payload = payload(paying, amount, number);
        let payload_format = match network.usual_scheme() {
            Scheme::FrostEd25519 => PayloadFormat::SolanaMessage,
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => PayloadFormat::BitcoinPsbt,
            Scheme::EcdsaSecp256k1 => PayloadFormat::EvmTransaction,
        };
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let request = SignRequest {
            cluster: self.root.cluster(),
            service: SERVICE.parse::<ServiceName>().expect("a name"),
            request_id: RequestId::new(id),
            key: key.clone(),
            path: DerivationPath::root(),
            scheme: network.usual_scheme(),
            network,
            action: "transfer".to_owned(),
            payload_format,
            payload,
            expires,
            client_reference: format!("payment {number}"),
        };
        SignedRequest::sign(encode_sign_request(&request), request, &self.signers.service)
    }

    /// The fixture's policy: payments of the service up to a limit, to one payee on each chain.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let parse = || Bundle::parse(&Self::bundle_text()).expect("the fixture's bundle is valid");
        BUNDLE.get_or_init(parse).clone()
    }

    /// Its text.
    pub fn bundle_text() -> String {
        let condition = |chain: &str| {
            format!(
                r#"context.limits.contains("small-{chain}") &&
                   context.destination in Custody::AddressList::"payees-{chain}""#
            )
        };
        Self::text_of(&condition, "")
    }

    /// A policy that permits every transfer: what a node without its gate would hold to.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn permissive_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        // A bundle may not have one rule twice.
        let condition = |chain: &str| match chain {
            "btc" => "true".to_owned(),
            "sol" => "context.effects > 0".to_owned(),
            _ => "context.effects > 1 || context.effects == 1".to_owned(),
        };
        BUNDLE.get_or_init(|| Self::parse_with(&condition, "")).clone()
    }

    /// The fixture's policy, where other payments than those within the limit are permitted too, under
    /// a condition; and some more tables.
    pub(crate) fn bundle_of(condition: &str, tables: &str) -> Bundle {
        Bundle::parse(&Self::text_with(condition, tables)).expect("the fixture's bundle is valid")
    }

    /// The text of [`ClusterFixture::bundle_of`].
    pub(crate) fn text_with(condition: &str, tables: &str) -> String {
        let either =
            |chain: &str| format!(r#"context.limits.contains("small-{chain}") || {condition}"#);
        Self::text_of(&either, tables)
    }

    /// The fixture's policy, where payments within the limit are permitted under a condition only; and
    /// some more tables.
    pub(crate) fn bundle_within(condition: &str, tables: &str) -> Bundle {
        let both =
            |chain: &str| format!(r#"context.limits.contains("small-{chain}") && {condition}"#);
        Self::parse_with(&both, tables)
    }

    fn parse_with(condition: &dyn Fn(&str) -> String, tables: &str) -> Bundle {
        let text = Self::text_of(condition, tables);
        Bundle::parse(&text).expect("the fixture's bundle is valid")
    }

    /// The policy whose rule for each chain has this condition.
    fn text_of(condition: &dyn Fn(&str) -> String, tables: &str) -> String {
        let rule = |id: &str, chain: &str| {
            let condition = condition(chain);
            format!(
                r#"@id("{id}") @title("{id}")
permit (principal, action == Custody::Action::"transfer", resource) when {{ {condition} }};
"#
            )
        };
        let rules = [rule("bitcoin", "btc"), rule("solana", "sol"), rule("ethereum", "eth")];
        let mut text = format!("version = 1\npolicies = '''\n{}'''\n", rules.concat());
        let schemes = [Scheme::FrostSecp256k1Tr, Scheme::FrostEd25519, Scheme::EcdsaSecp256k1];
        let networks = schemes.map(|scheme| network_of(scheme).expect("a scheme with a network"));
        for (chain, network) in ["btc", "sol", "eth"].into_iter().zip(networks) {
            let asset = Asset::native(network);
            let payee = payee(network);
            text.push_str(&format!(
                "[assets.\"{asset}\"]\nsymbol = \"X\"\ndecimals = 8\n\
                 [lists.payees-{chain}]\nnetwork = \"{network}\"\naddresses = [\"{payee}\"]\n\
                 [limits.small-{chain}]\nasset = \"{asset}\"\nper_transaction = \"{LIMIT}\"\n"
            ));
        }
        text.push_str(tables);
        text
    }
}

/// Which payment to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentRequest {
    /// On which network.
    pub network: Network,
    /// Makes it different from the others, and names it.
    pub number: u64,
    /// How much.
    pub size: PaymentSize,
    /// When it expires.
    pub expires: Timestamp,
}

/// How much to pay, by what the fixture's policies say to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentSize {
    /// Within the limit.
    Small,
    /// Over the limit: policies that ask people ask them about it.
    Large,
    /// More than people can approve, where there is such a limit.
    TooLarge,
}

fn payload(key: PayingKey<'_>, amount: u64, number: u64) -> Vec<u8> {
    let payee = payee(key.network);
    match key.network.usual_scheme() {
        Scheme::FrostEd25519 => {
            let mut blockhash = [9; 32];
            blockhash[..8].copy_from_slice(&number.to_be_bytes());
            solana_transfer(key, &payee, amount, blockhash).expect("a transfer")
        }
        Scheme::EcdsaSecp256k1 => {
            let sending = EvmSending {
                nonce: number,
                gas_limit: FEE,
                max_fee_per_gas: 1,
                max_priority_fee_per_gas: 1,
            };
            evm_transfer(key, &payee, U256::from(amount), sending).expect("a transfer")
        }
        Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
            let outpoint = format!("{:064x}:0", number + 1);
            let coin = Coin { outpoint: &outpoint, sats: 10 * LIMIT };
            let payment = Payment { address: &payee, sats: amount };
            bitcoin_payment(key, &[coin], &[payment], FEE).expect("a payment")
        }
    }
}

/// Whom the fixture's policy lets be paid: on Bitcoin, the holder of the secret key 1.
fn payee(network: Network) -> Address {
    const GENERATOR: [u8; 33] = [
        0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87,
        0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16,
        0xf8, 0x17, 0x98,
    ];
    match network.usual_scheme() {
        Scheme::FrostEd25519 => {
            Address::parse("4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM", network).expect("valid")
        }
        Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
            let key = PayingKey {
                group_verifying_key: &GENERATOR,
                network,
                scheme: network.usual_scheme(),
            };
            quorate_intent::address(key).expect("a curve point")
        }
    }
}
