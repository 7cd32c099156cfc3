//! What the risk providers of a fixture say about requests.

use std::sync::OnceLock;

use quorate_intent::{PayingKey, Payload, decode};
use quorate_model::{Digest, Timestamp};
use quorate_policy::Bundle;
use quorate_protocol::CertifiedKey;
use quorate_trust::{RiskVerdict, SignedRequest, SignedRiskVerdict, SigningKey};

use crate::cluster::ClusterFixture;
use crate::rng::seeded;

/// How long a verdict counts in the fixture's policies.
const FRESH_SECONDS: u64 = 60;

impl ClusterFixture {
    /// The fixture's policy, where payments over the limit take a fresh verdict of the provider
    /// `chainwatch`, `low-risk`: level `low`, at most a minute old.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn screened_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let asks = r#"context.verdicts.contains("low-risk")"#;
        BUNDLE.get_or_init(|| Self::bundle_of(asks, &tables("chainwatch"))).clone()
    }

    /// As [`ClusterFixture::screened_bundle`], with the key of somebody else for the provider.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn otherwise_screened_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let asks = r#"context.verdicts.contains("low-risk")"#;
        BUNDLE.get_or_init(|| Self::bundle_of(asks, &tables("another"))).clone()
    }

    /// As [`ClusterFixture::screened_bundle`], with one of two persons besides.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn screened_and_asking_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let asks =
            r#"context.verdicts.contains("low-risk") && context.quorums.contains("treasury")"#;
        let quorum = "[quorums.treasury]\nrequired = 1\nmembers = [\"alice\", \"bob\"]\n";
        let tables = format!("{}{quorum}", tables("chainwatch"));
        BUNDLE.get_or_init(|| Self::bundle_of(asks, &tables)).clone()
    }

    /// As [`ClusterFixture::screened_bundle`], with one of two persons instead.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn screened_or_asking_bundle() -> Bundle {
        static BUNDLE: OnceLock<Bundle> = OnceLock::new();
        let asks =
            r#"context.verdicts.contains("low-risk") || context.quorums.contains("treasury")"#;
        let quorum = "[quorums.treasury]\nrequired = 1\nmembers = [\"alice\", \"bob\"]\n";
        let tables = format!("{}{quorum}", tables("chainwatch"));
        BUNDLE.get_or_init(|| Self::bundle_of(asks, &tables)).clone()
    }

    /// The key of a risk provider, by its name: the same in every fixture.
    pub fn provider_key(name: &str) -> SigningKey {
        let seed = name.bytes().fold(0, |seed, byte| seed * 31 + u64::from(byte));
        SigningKey::generate(&mut seeded(seed))
    }

    /// What the provider `chainwatch` would say of a request: level `low`.
    ///
    /// # Panics
    /// If the fixture itself is wrong.
    pub fn verdict(
        &self,
        request: &SignedRequest,
        certified: &CertifiedKey,
        issued: Timestamp,
    ) -> RiskVerdict {
        RiskVerdict {
            cluster: self.root.hash(),
            provider: "chainwatch".parse().expect("a name"),
            effects: effects(request, certified),
            level: "low".parse().expect("a name"),
            issued,
        }
    }

    /// Signs what a provider says, in its own name.
    pub fn rate(verdict: RiskVerdict) -> SignedRiskVerdict {
        let key = Self::provider_key(verdict.provider.as_str());
        SignedRiskVerdict::sign(verdict, &key)
    }
}

fn tables(key_of: &str) -> String {
    let key = ClusterFixture::provider_key(key_of).public_key();
    format!(
        "[providers.chainwatch]\nkey = \"{key}\"\n\
         [verdicts.low-risk]\nprovider = \"chainwatch\"\nlevels = [\"low\"]\n\
         fresh_seconds = {FRESH_SECONDS}\n"
    )
}

fn effects(request: &SignedRequest, certified: &CertifiedKey) -> Digest {
    let asked = &request.request;
    let payload = Payload::new(asked.payload_format, asked.payload.clone());
    let child = certified.child(&asked.path).expect("a child");
    let key = PayingKey {
        group_verifying_key: &child.verifying_key,
        scheme: certified.scheme,
        network: asked.network,
    };
    decode(&payload, key).expect("a good payload").intent.effects_digest()
}
