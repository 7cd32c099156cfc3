//! Nodes that hold a key, and a policy that permits every transfer.

use quorate_api::statement::encode_sign_request;
use quorate_audit::EventKind;
use quorate_intent::{Asset, DecodeError, PayingKey, Payload, decode};
use quorate_model::{
    Attempt, DerivationPath, Network, ParticipantId, ParticipantSet, PayloadFormat, RequestId,
    Scheme, ServiceName,
};
use quorate_policy::Bundle;
use quorate_protocol::CertifiedKey;
use quorate_protocol::wire::{FromNode, RefusalCode, Subject, ToNode};
use quorate_testkit::{Lab, SERVICE, ToSign};
use quorate_trust::{SignRequest, SignedRequest};

/// A nonce account that the policy names as ours.
pub(crate) const OUR_NONCE: &str = "SysvarS1otHashes111111111111111111111111111";

/// Nodes that hold shares of one key, 2 of 3.
pub(crate) struct Cluster {
    pub(crate) lab: Lab,
    pub(crate) network: Network,
    pub(crate) certified: CertifiedKey,
    /// Which child of the key pays.
    path: DerivationPath,
    verifying_key: Vec<u8>,
    requests: u64,
}

/// The policy: whatever is understood may be done.
pub(crate) fn anything() -> Bundle {
    bundle(r#"@id("p1") @title("Anything") permit (principal, action, resource);"#, "")
}

/// A policy of these rules and more tables, which knows the assets of the corpus.
pub(crate) fn bundle(rules: &str, tables: &str) -> Bundle {
    let mut text = format!("version = 1\npolicies = '''\n{rules}\n'''\n");
    for network in [Network::BitcoinRegtest, Network::SolanaDevnet] {
        let asset = Asset::native(network);
        text.push_str(&format!("[assets.\"{asset}\"]\nsymbol = \"X\"\ndecimals = 8\n"));
    }
    text.push_str(&format!(
        "[nonce_accounts.ours]\nnetwork = \"{}\"\naddresses = [\"{OUR_NONCE}\"]\n{tables}",
        Network::SolanaDevnet
    ));
    Bundle::parse(&text).unwrap()
}

impl Cluster {
    pub(crate) fn new(scheme: Scheme) -> Self {
        Self::under(scheme, &anything())
    }

    /// Nodes with another policy.
    pub(crate) fn under(scheme: Scheme, bundle: &Bundle) -> Self {
        let mut lab = Lab::with_key(9, 3, 2, scheme);
        for node in lab.ids() {
            lab.restart_with(node, bundle.clone(), |_| {}).unwrap();
        }
        let network = match scheme {
            Scheme::FrostEd25519 => Network::SolanaDevnet,
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
                Network::BitcoinRegtest
            }
        };
        let certified = lab.certified();
        let verifying_key = certified.group_verifying_key.clone();
        Self { lab, network, certified, path: DerivationPath::root(), verifying_key, requests: 0 }
    }

    /// From now on this child of the key pays.
    pub(crate) fn at(&mut self, path: &str) {
        self.path = path.parse().unwrap();
        self.verifying_key = self.certified.child(&self.path).unwrap().verifying_key;
    }

    pub(crate) fn paying(&self) -> PayingKey<'_> {
        PayingKey {
            group_verifying_key: &self.verifying_key,
            scheme: self.network.usual_scheme(),
            network: self.network,
        }
    }

    /// What this payload is by the decoder alone.
    pub(crate) fn decoding(&self, payload: &[u8]) -> Result<quorate_intent::Decoded, DecodeError> {
        decode(&Payload::new(self.format(), payload.to_vec()), self.paying())
    }

    /// A new request of the service to sign a payload.
    pub(crate) fn request(&mut self, payload: &[u8]) -> SignedRequest {
        self.requests += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.requests.to_be_bytes());
        let request = SignRequest {
            cluster: self.lab.fixture.root.hash(),
            service: SERVICE.parse::<ServiceName>().unwrap(),
            request_id: RequestId::new(id),
            key: Lab::key(),
            path: self.path.clone(),
            scheme: self.network.usual_scheme(),
            network: self.network,
            action: "transfer".to_owned(),
            payload_format: self.format(),
            payload: payload.to_vec(),
            expires: self.lab.now.plus_millis(60_000),
            client_reference: "a small payment to a known payee".to_owned(),
        };
        let statement = encode_sign_request(&request);
        SignedRequest::sign(statement, request, &self.lab.fixture.signers.service)
    }

    /// Signs a payload with nodes 1 and 2.
    pub(crate) fn sign(&mut self, payload: &[u8]) -> Vec<Vec<u8>> {
        let request = self.request(payload);
        let what = ToSign {
            digest: request.digest(),
            messages: self.decoding(payload).unwrap().signing_messages,
            subject: Subject::Request(request),
        };
        let certified = self.certified.clone();
        self.lab.sign(what, &pair(id(1), id(2)), Attempt::FIRST, &certified)
    }

    /// That every node denies the payload as not decodable, for exactly this reason.
    pub(crate) fn refuses(&mut self, name: &str, payload: &[u8], expected: &DecodeError) {
        assert_eq!(self.decoding(payload).as_ref().unwrap_err(), expected, "{name}");
        self.denies(name, payload, &format!("undecodable: {expected}"));
    }

    /// That every node denies the payload for this reason, whatever a coordinator does next.
    pub(crate) fn denies(&mut self, name: &str, payload: &[u8], reason: &str) {
        let request = self.request(payload);
        for node in self.lab.ids() {
            for attempt in [1, 2] {
                let set = pair(node, id(if node == id(1) { 2 } else { 1 }));
                let answer = self.lab.reserve(node, &request, Attempt(attempt), &set);
                let FromNode::Denied(denial) = answer else { panic!("{name}: {answer:?}") };
                let denial = denial.verify(&self.lab.fixture.root).unwrap().into_parts().1;
                assert_eq!(denial.request, request.digest(), "{name}");
                let expected: String = reason.chars().take(1_000).collect();
                assert_eq!(denial.reason, expected, "{name}");
            }
        }
        self.gives_no_share(name, &request);
    }

    /// That no node gives a share, also with answers that were harvested from a good request, and
    /// that none has noted that it reserved or released.
    fn gives_no_share(&mut self, name: &str, request: &SignedRequest) {
        let (subject, attempt) = (request.digest(), Attempt::FIRST);
        let answers = self.harvest();
        for node in self.lab.ids() {
            for answers in [vec![], answers.clone()] {
                let answer = self.lab.ask(node, ToNode::Share { subject, attempt, answers });
                let FromNode::Refused(refusal) = answer else { panic!("{name}: {answer:?}") };
                assert_eq!(refusal.code, RefusalCode::NotFound, "{name}");
            }
            let digest = subject.to_string();
            let about = |entry: &quorate_audit::Entry| {
                entry.event.facts.iter().any(|(_, value)| *value == digest)
            };
            let (entries, _) = self.lab.read_audit(node);
            let kinds: Vec<_> =
                entries.iter().filter(|entry| about(entry)).map(|entry| entry.event.kind).collect();
            assert_eq!(kinds, [EventKind::RequestDenied], "{name} at {node}");
        }
    }

    /// Answers to the reserve phase of a harmless request.
    fn harvest(&mut self) -> Vec<quorate_trust::Signed<quorate_protocol::sign::ReserveAnswer>> {
        let harmless = match self.network.usual_scheme() {
            Scheme::FrostEd25519 => crate::solana::harmless(self),
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
                crate::bitcoin::harmless(self)
            }
        };
        let subject = Subject::Request(self.request(&harmless));
        let answers = self.lab.reserve_all(&subject, Attempt::FIRST, &pair(id(1), id(2)));
        // Open sessions are limited: these end here.
        self.lab.now = self.lab.now.plus_millis(15_001);
        for node in self.lab.ids() {
            self.lab.tick(node);
        }
        answers
    }

    fn format(&self) -> PayloadFormat {
        match self.network.usual_scheme() {
            Scheme::FrostEd25519 => PayloadFormat::SolanaMessage,
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
                PayloadFormat::BitcoinPsbt
            }
        }
    }
}

pub(crate) fn id(number: u16) -> ParticipantId {
    ParticipantId::new(number).unwrap()
}

pub(crate) fn pair(one: ParticipantId, other: ParticipantId) -> ParticipantSet {
    ParticipantSet::new([one, other]).unwrap()
}
