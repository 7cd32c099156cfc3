//! What the people of a fixture say to requests.

use std::sync::OnceLock;

use quorate_intent::{Asset, PayingKey, Payload, decode};
use quorate_model::{ChainId, Digest, Network, Timestamp};
use quorate_policy::Bundle;
use quorate_protocol::CertifiedKey;
use quorate_trust::{
    Approval, ApprovalNonce, ApprovalSubject, Credential, Decoding, SignedApproval, SignedRequest,
    Verdict,
};

use crate::cluster::{ClusterFixture, LIMIT};

/// What the fixture's asking policy wants for payments over the limit.
const QUORUMS: &str = r#"
[quorums.treasury]
required = 2
members = ["alice", "bob", "carol"]
[quorums.risk]
required = 1
members = ["carol"]
"#;

/// How long an approval counts.
const LIFETIME_MS: u64 = 120_000;

impl ClusterFixture {
    /// The fixture's policy, where payments over the limit take two of the treasury's three persons.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn asking_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let asks = r#"context.quorums.contains("treasury")"#;
        BUNDLE.get_or_init(|| Self::bundle_of(asks, QUORUMS)).clone()
    }

    /// As [`ClusterFixture::asking_bundle`], up to a limit for what people can approve.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn people_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let parse = || Bundle::parse(&Self::people_text(2 * LIMIT)).expect("a bundle");
        BUNDLE.get_or_init(parse).clone()
    }

    /// The text of the bundle after [`ClusterFixture::people_bundle`]: people can approve more.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn loosened_text() -> String {
        let previous = Self::people_bundle().hash();
        let next = format!("version = 2\nprevious = \"{previous}\"\n");
        Self::people_text(4 * LIMIT).replacen("version = 1\n", &next, 1)
    }

    fn people_text(most: u64) -> String {
        let asks = r#"context.quorums.contains("treasury") &&
            (context.limits.contains("large-btc") || context.limits.contains("large-sol") ||
             context.limits.contains("large-eth"))"#;
        let limit = |(chain, network): (&str, Network)| {
            let asset = Asset::native(network);
            format!("[limits.large-{chain}]\nasset = \"{asset}\"\nper_transaction = \"{most}\"\n")
        };
        let limits = [
            ("btc", Network::BitcoinRegtest),
            ("sol", Network::SolanaDevnet),
            ("eth", Network::Evm(ChainId::DEVELOPMENT)),
        ];
        let limits = limits.map(limit);
        Self::text_with(asks, &format!("{QUORUMS}{}", limits.concat()))
    }

    /// The fixture's policy, where payments over the limit take the treasury and risk.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn strictly_asking_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let asks = r#"context.quorums.containsAll(["treasury", "risk"])"#;
        BUNDLE.get_or_init(|| Self::bundle_of(asks, QUORUMS)).clone()
    }

    /// The fixture's policy, with at most two Solana payments an hour.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn windowed_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let window = |asset: &Asset| {
            format!("[windows.hourly]\nasset = \"{asset}\"\nseconds = 3600\ncount = 2\n")
        };
        let open = r#"context.windows.contains("hourly")"#;
        let tables = window(&Asset::native(Network::SolanaDevnet));
        BUNDLE.get_or_init(|| Self::bundle_within(open, &tables)).clone()
    }

    /// The fixture's policy, where a payment is permitted on working days only, from eight to six.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn calendar_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let open = r#"context.calendars.contains("office")"#;
        let office = r#"
[calendars.office]
utc_offset = "+00:00"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "08:00"
to = "18:00"
"#;
        BUNDLE.get_or_init(|| Self::bundle_within(open, office)).clone()
    }

    /// What a person would say to a request, as their own machine makes it.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn approval(
        &self,
        request: &SignedRequest,
        certified: &CertifiedKey,
        bundle: Digest,
        (person, quorum): (&str, &str),
        now: Timestamp,
    ) -> Approval {
        let verified = request.verify(&self.root).expect("a good request");
        let asked = verified.request();
        let payload = Payload::new(asked.payload_format, asked.payload.clone());
        let child = certified.child(&asked.path).expect("a child");
        let key = PayingKey {
            group_verifying_key: &child.verifying_key,
            scheme: certified.scheme,
            network: asked.network,
        };
        let decoded = decode(&payload, key).expect("a good payload");
        let decoding = Decoding {
            lines: decoded.intent.lines(),
            effects_digest: decoded.intent.effects_digest(),
            payload_digest: decoded.intent.payload_digest,
        };
        let (epoch, messages) = (certified.epoch, &decoded.signing_messages);
        let subject = ApprovalSubject::new(&verified, epoch, decoding, messages, bundle);
        let approver = person.parse().expect("a name");
        let key = self.signers.persons.get(&approver).expect("a person of the fixture");
        Approval {
            verdict: Verdict::Approve,
            subject: subject.expect("few effects"),
            quorum: quorum.parse().expect("a name"),
            credential: Credential::from(key.public_key()).fingerprint(),
            approver,
            nonce: ApprovalNonce([7; 16]),
            not_before: now,
            expires: now.plus_millis(LIFETIME_MS).min(asked.expires),
        }
    }

    /// Signs what a person says.
    ///
    /// # Panics
    /// If the fixture has no such person.
    pub fn say(&self, approval: &Approval) -> SignedApproval {
        let key = self.signers.persons.get(&approval.approver).expect("a person of the fixture");
        SignedApproval::sign(approval, key)
    }
}
