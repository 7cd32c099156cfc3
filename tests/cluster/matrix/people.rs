//! A cluster with every role in it, a key, and requests in the states that the calls need.

use std::collections::BTreeSet;
use std::time::Duration;

use quorate_api::name;
use quorate_api::pb::custody::v1 as pb;
use quorate_api::pb::custody::v1::fleet_service_client::FleetServiceClient;
use quorate_api::pb::custody::v1::key_service_client::KeyServiceClient;
use quorate_api::statement::encode_sign_request;
use quorate_intent::compose::{Coin, Payment, bitcoin_payment};
use quorate_intent::{Address, PayingKey, Payload, decode};
use quorate_model::{
    DerivationPath, Epoch, KeyId, Network, OrderId, ParticipantId, ParticipantSet, PayloadFormat,
    RequestId, Scheme, Threshold, Timestamp,
};
use quorate_net::{ExpectedServer, TlsMaterial, connect};
use quorate_policy::Bundle;
use quorate_protocol::Certificate;
use quorate_trust::{
    Approval, ApprovalNonce, ApprovalSubject, Credential, Decoding, GenerateKey, Namespace, Order,
    OrderAction, ReshareKey, SharingChange, SignRequest, SignedApproval, SignedOrder,
    SignedRequest, SigningKey, StatementSignature, Successor, TrustRoot, Verdict, Window,
};
use tonic::transport::Channel;

use crate::by_hand::ByHand;
use crate::lab::BTC_PAYEE;

const POLICY: &str = include_str!("../../../crates/cli/src/dev/policy.toml");
const NETWORK: Network = Network::BitcoinRegtest;
const MINUTE_MS: u64 = 60_000;

/// The officers: any three are a quorum. Erin is an approver only.
pub(super) const OFFICERS: [&str; 4] = ["alice", "bob", "carol", "dora"];
pub(super) const APPROVER: &str = "erin";

pub(super) struct People {
    pub(super) hand: ByHand,
    pub(super) root: TrustRoot,
    pub(super) make_key: SignedOrder,
    key: pb::Key,
    now: Timestamp,
}

impl People {
    pub(super) async fn start() -> Self {
        let mut hand = ByHand::under(&[
            "keys=3:alice,bob,carol,dora",
            "unfreeze=3:alice,bob,carol,dora",
            "policy=3:alice,bob,carol,dora",
            "root=3:alice,bob,carol,dora",
        ]);
        hand.join_all().await;
        for name in OFFICERS.iter().skip(1) {
            hand.join(name, &format!("person-{name}"), &["officer", "--name", name]).await;
        }
        hand.join(APPROVER, "person-erin", &["approver", "--name", APPROVER]).await;
        hand.join("other", "service-other", &["service", "--name", "other"]).await;
        let policy = hand.path("policy.toml");
        std::fs::write(&policy, POLICY).unwrap();
        let cluster = hand.init_with(&["--policy", policy.to_str().unwrap()]).await;
        hand.accept_all(&cluster).await;
        // So that there is something to rotate to.
        let config = hand.path("n1").join("node.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let next = "\n[store.next_kek]\npassphrase_file = \"passphrase\"\n";
        std::fs::write(&config, text + next).unwrap();
        hand.start().await;
        let root = std::fs::read_to_string(hand.path("o").join("root.txt")).unwrap();
        let now = quorate_now();
        let mut people = Self {
            hand,
            root: TrustRoot::parse(&root).unwrap(),
            make_key: SignedOrder { text: String::new(), signatures: vec![], document: None },
            key: pb::Key::default(),
            now,
        };
        people.make_key = people.order("make-btc", people.generate("btc"), &OFFICERS[..3]);
        people.key = people.made_key().await;
        people
    }

    /// Kills node 3: its place is taken by whoever attaches in its name.
    pub(super) async fn make_room_for_a_node(&mut self) {
        self.hand.kill_last_node().await;
        let mut fleet = FleetServiceClient::new(self.channel().await);
        for _ in 0..600 {
            let cluster = fleet.get_cluster(pb::GetClusterRequest {}).await.unwrap().into_inner();
            if cluster.nodes.iter().filter(|node| node.attached).count() == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("node 3 does not leave")
    }

    /// Waits until node 1 is on a version of policy and trust root.
    pub(super) async fn wait_for_version(&self, version: u64) {
        let mut fleet = FleetServiceClient::new(self.channel().await);
        for _ in 0..600 {
            let cluster = fleet.get_cluster(pb::GetClusterRequest {}).await.unwrap().into_inner();
            let status = cluster.nodes[0].status.clone().unwrap_or_default();
            if (status.policy_version, status.root_version) == (version, version) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("node 1 does not come to version {version}")
    }

    pub(super) fn generate(&self, key: &str) -> OrderAction {
        OrderAction::GenerateKey(GenerateKey {
            key: key.parse().unwrap(),
            scheme: Scheme::FrostSecp256k1Tr,
            threshold: Threshold::new(2).unwrap(),
            roster: ParticipantSet::new((1..=3).map(|n| ParticipantId::new(n).unwrap())).unwrap(),
            raw_ok: false,
            activation: quorate_model::Activation::AtOnce,
        })
    }

    /// A refresh of the key that there is.
    pub(super) async fn refresh(&self) -> OrderAction {
        let mut keys = KeyServiceClient::new(self.channel().await);
        let call = pb::GetKeyRequest { name: name::key(&key_id()) };
        let found = keys.get_key(call).await.unwrap().into_inner();
        let certificate = Certificate::try_from(found.certificate.unwrap()).unwrap();
        let certified = certificate.certified;
        OrderAction::ReshareKey(ReshareKey {
            predecessor: certified.digest(),
            epoch: Epoch(found.next_epoch),
            key: certified.key,
            public_key: certified.group_verifying_key,
            change: SharingChange::Refresh,
        })
    }

    /// An order with the signatures of these persons.
    pub(super) fn order(&self, id: &str, action: OrderAction, by: &[&str]) -> SignedOrder {
        let expires = (!action.is_stop()).then(|| self.now.plus_millis(60 * MINUTE_MS));
        let window = Window { not_before: self.now, expires };
        let id: OrderId = id.parse().unwrap();
        let text = Order { cluster: self.root.cluster(), id, action, window }.render();
        let sign = |name: &&str| {
            let key = self.signing_key(name);
            StatementSignature::sign(&text, Namespace::Order, name.parse().unwrap(), &key)
        };
        let signatures = by.iter().map(sign).collect();
        SignedOrder { text, signatures, document: None }
    }

    /// The policy bundle and the trust root of a version, each with what orders it. They change nothing.
    pub(super) fn successors(&self, version: u64) -> [(OrderAction, String); 2] {
        let (mut policy, mut root) = (POLICY.to_owned(), self.root.clone());
        let mut named = None;
        for version in 2..=version {
            let previous = Bundle::parse(&policy).unwrap().hash();
            let head = format!("version = {version}\nprevious = \"{previous}\"\n");
            policy = format!("{head}{}", &POLICY[POLICY.find("\npolicies").unwrap()..]);
            let hash = Bundle::parse(&policy).unwrap().hash();
            let bundle = Successor { version, hash, previous: [previous].into() };
            let previous = BTreeSet::from([root.hash()]);
            root = root.next_version();
            named = Some((bundle, Successor { version, hash: root.hash(), previous }));
        }
        let (bundle, next) = named.unwrap();
        [
            (OrderAction::ActivatePolicy(bundle), policy),
            (OrderAction::UpdateRoot(next), root.render()),
        ]
    }

    /// A request of the service `payments` for so many satoshis, to the payee that the policy lists.
    pub(super) fn request(&self, number: u8, sats: u64) -> SignedRequest {
        let request = SignRequest {
            cluster: self.root.cluster(),
            service: "payments".parse().unwrap(),
            request_id: RequestId::new([number; 16]),
            key: key_id(),
            path: DerivationPath::root(),
            scheme: NETWORK.usual_scheme(),
            network: NETWORK,
            action: "transfer".to_owned(),
            payload_format: PayloadFormat::BitcoinPsbt,
            payload: self.payload(number, sats),
            expires: self.now.plus_millis(30 * MINUTE_MS),
            client_reference: String::new(),
        };
        let key = self.read_key("s/request.pem");
        SignedRequest::sign(encode_sign_request(&request), request, &key)
    }

    /// What alice says to a request of [`Self::request`] for the treasury: yes.
    pub(super) fn approval(&self, request: &SignedRequest) -> SignedApproval {
        let verified = request.verify(&self.root).unwrap();
        let payload = Payload::new(PayloadFormat::BitcoinPsbt, request.request.payload.clone());
        let decoded = decode(&payload, self.paying()).unwrap();
        let decoding = Decoding {
            lines: decoded.intent.lines(),
            effects_digest: decoded.intent.effects_digest(),
            payload_digest: decoded.intent.payload_digest,
        };
        let (epoch, messages) = (Epoch::FIRST, &decoded.signing_messages);
        let bundle = Bundle::parse(POLICY).unwrap().hash();
        let subject = ApprovalSubject::new(&verified, epoch, decoding, messages, bundle).unwrap();
        let key = self.signing_key("alice");
        let approval = Approval {
            verdict: Verdict::Approve,
            subject,
            quorum: "treasury".parse().unwrap(),
            approver: "alice".parse().unwrap(),
            credential: Credential::from(key.public_key()).fingerprint(),
            nonce: ApprovalNonce([7; 16]),
            not_before: self.now,
            expires: self.now.plus_millis(20 * MINUTE_MS),
        };
        SignedApproval::sign(&approval, &key)
    }

    pub(super) fn payload(&self, number: u8, sats: u64) -> Vec<u8> {
        let payee = Address::parse(BTC_PAYEE, NETWORK).unwrap();
        let outpoint = format!("{}:0", format!("{number:02x}").repeat(32));
        let coins = [Coin { outpoint: &outpoint, sats: 10 * sats }];
        let payments = [Payment { address: &payee, sats }];
        bitcoin_payment(self.paying(), &coins, &payments, 500).unwrap()
    }

    /// A connection of the service that asks.
    pub(super) async fn channel(&self) -> Channel {
        let file = |name: &str| self.hand.path("s").join(name);
        let tls = TlsMaterial::load(&file("ca.crt"), &file("tls.crt"), &file("tls.key")).unwrap();
        let at = ExpectedServer::at("127.0.0.1").unwrap();
        connect(&self.hand.address, &tls, at).await.unwrap()
    }

    fn paying(&self) -> PayingKey<'_> {
        PayingKey {
            group_verifying_key: &self.key.group_verifying_key,
            network: NETWORK,
            scheme: NETWORK.usual_scheme(),
        }
    }

    fn signing_key(&self, person: &str) -> SigningKey {
        let folder = if person == "alice" { "o" } else { person };
        self.read_key(&format!("{folder}/person.pem"))
    }

    fn read_key(&self, file: &str) -> SigningKey {
        let pem = std::fs::read_to_string(self.hand.path(file)).unwrap();
        SigningKey::from_pkcs8_pem(&pem).unwrap()
    }

    async fn made_key(&self) -> pb::Key {
        let mut keys = KeyServiceClient::new(self.channel().await);
        let order = Some(self.make_key.clone().into());
        keys.generate_key(pb::GenerateKeyRequest { order }).await.unwrap();
        for _ in 0..600 {
            let call = pb::GetKeyRequest { name: name::key(&key_id()) };
            match keys.get_key(call).await.map(tonic::Response::into_inner) {
                Ok(key) if key.state() == pb::KeyState::Active => return key,
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("no key was made")
    }
}

pub(super) fn key_id() -> KeyId {
    "btc".parse().unwrap()
}

fn quorate_now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    // A second ago, for clocks that are behind.
    Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap() - 1_000)
}

/// Names without repetition.
pub(super) fn distinct(names: &[String]) -> bool {
    names.iter().collect::<BTreeSet<_>>().len() == names.len()
}
