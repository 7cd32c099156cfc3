//! Sign requests: what a service asks the cluster to sign.

use quorate_model::{
    ClusterId, DerivationPath, Digest, KeyId, Network, PayloadFormat, RequestId, RequestKey,
    Scheme, ServiceName, Tag, Timestamp, Transcript,
};

use crate::{Signature, SigningKey, TrustRoot};

/// Limits of sign requests.
pub mod limits {
    /// The longest life of a request, from its acceptance to its expiry: seven days.
    pub const LIFETIME_MAX_MS: u64 = 7 * 24 * 3600 * 1000;
    /// The largest payload.
    pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
    /// The longest client reference.
    pub const CLIENT_REFERENCE_BYTES_MAX: usize = 256;
    /// The longest action name.
    pub const ACTION_BYTES_MAX: usize = 64;
}

/// What a service asks for. Every field is under the service's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignRequest {
    /// The cluster that is asked.
    pub cluster: ClusterId,
    /// Who asks.
    pub service: ServiceName,
    /// The service's id of the request.
    pub request_id: RequestId,
    /// The key to sign with.
    pub key: KeyId,
    /// Which child of it.
    pub path: DerivationPath,
    /// The scheme that the service expects the key to have.
    pub scheme: Scheme,
    /// The network that the payload is for.
    pub network: Network,
    /// What the payload does: of the kinds of its effects the most far-reaching, as the policy names
    /// its actions.
    pub action: String,
    /// The format of the payload.
    pub payload_format: PayloadFormat,
    /// The exact bytes to be decoded and signed. They are never refreshed: a request with a newer
    /// blockhash or fee is a new request.
    pub payload: Vec<u8>,
    /// From this time on nothing is signed for the request.
    pub expires: Timestamp,
    /// The service's own reference, opaque, for its books and the audit log.
    pub client_reference: String,
}

/// A request with the service's signature, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The exact bytes that were signed: the encoding of `request`.
    pub statement: Vec<u8>,
    /// What the bytes say, as decoded by the adapter that received them. The adapter refuses bytes
    /// that are not the one encoding of what they say.
    pub request: SignRequest,
    /// The service's signature over the statement's digest.
    pub signature: Signature,
}

/// A request whose signature, cluster and limits were verified: proof by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRequest {
    request: SignRequest,
    digest: Digest,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// For another cluster.
    #[error("the request is for cluster {0}")]
    OtherCluster(ClusterId),
    /// The trust root has no such service.
    #[error("service {0} is not in the trust root")]
    UnknownService(ServiceName),
    /// Not the service's signature.
    #[error("the signature is not that of service {0}")]
    BadSignature(ServiceName),
    /// The scheme cannot sign for the network.
    #[error("network {network} takes no signatures of scheme {says}: it takes {takes}", takes = names(*network))]
    SchemeMismatch {
        /// The request's network.
        network: Network,
        /// The request's scheme.
        says: Scheme,
    },
    /// The payload is too large, or empty.
    #[error("a payload has 1 to {max} bytes", max = limits::PAYLOAD_BYTES_MAX)]
    PayloadLength,
    /// Text too long or not printable ASCII.
    #[error("{0}: printable ASCII of limited length")]
    Text(&'static str),
    /// The network's keys have no children.
    #[error(
        "derivation path {path}: {network} has no derivation without the whole secret key (SLIP-10), \
         so the path must be m. Use another key for another address"
    )]
    NoChildren {
        /// The request's network.
        network: Network,
        /// The request's path.
        path: DerivationPath,
    },
    /// Past its expiry.
    #[error("the request expired at {0}")]
    Expired(Timestamp),
    /// Its expiry is too far away.
    #[error("the request expires at {0}: more than seven days from now")]
    TooLongLived(Timestamp),
}

impl SignedRequest {
    /// Signs the encoding of a request.
    pub fn sign(statement: Vec<u8>, request: SignRequest, key: &SigningKey) -> Self {
        let signature = key.sign(&digest(&statement));
        Self { statement, request, signature }
    }

    /// Verifies everything about the request except the time.
    ///
    /// # Errors
    /// [`RequestError`], naming the first rule that was broken.
    pub fn verify(&self, root: &TrustRoot) -> Result<VerifiedRequest, RequestError> {
        let request = &self.request;
        if request.cluster != root.cluster() {
            return Err(RequestError::OtherCluster(request.cluster));
        }
        let service = root
            .services
            .get(&request.service)
            .ok_or_else(|| RequestError::UnknownService(request.service.clone()))?;
        let digest = digest(&self.statement);
        if service.key.verify(&digest, &self.signature).is_err() {
            return Err(RequestError::BadSignature(request.service.clone()));
        }
        request.check()?;
        Ok(VerifiedRequest { request: request.clone(), digest })
    }

    /// The digest of the statement: what a request is, for comparing and binding.
    pub fn digest(&self) -> Digest {
        digest(&self.statement)
    }
}

impl SignRequest {
    /// What names the request in the cluster.
    pub fn request_key(&self) -> RequestKey {
        RequestKey { service: self.service.clone(), request_id: self.request_id }
    }

    fn check(&self) -> Result<(), RequestError> {
        if !self.network.accepts(self.scheme) {
            let (network, says) = (self.network, self.scheme);
            return Err(RequestError::SchemeMismatch { network, says });
        }
        if self.payload.is_empty() || self.payload.len() > limits::PAYLOAD_BYTES_MAX {
            return Err(RequestError::PayloadLength);
        }
        let printable =
            |text: &str, max| text.len() <= max && text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !printable(&self.client_reference, limits::CLIENT_REFERENCE_BYTES_MAX) {
            return Err(RequestError::Text("client_reference"));
        }
        if !printable(&self.action, limits::ACTION_BYTES_MAX) {
            return Err(RequestError::Text("action"));
        }
        if !self.path.is_root() && !self.scheme.has_children() {
            let (network, path) = (self.network, self.path.clone());
            return Err(RequestError::NoChildren { network, path });
        }
        Ok(())
    }
}

impl VerifiedRequest {
    /// The request.
    pub fn request(&self) -> &SignRequest {
        &self.request
    }

    /// The digest of the signed statement.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Checks that the request may be worked on now.
    ///
    /// # Errors
    /// [`RequestError::Expired`] or [`RequestError::TooLongLived`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), RequestError> {
        let expires = self.request.expires;
        if now >= expires {
            return Err(RequestError::Expired(expires));
        }
        if expires.since(now) > limits::LIFETIME_MAX_MS {
            return Err(RequestError::TooLongLived(expires));
        }
        Ok(())
    }
}

fn names(network: Network) -> String {
    let names: Vec<_> = network.schemes().iter().map(|scheme| scheme.as_str()).collect();
    names.join(" or ")
}

fn digest(statement: &[u8]) -> Digest {
    Transcript::new(Tag::SignRequest).bytes(statement).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRES: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn request(path: &str, network: Network) -> SignRequest {
        SignRequest {
            cluster: Digest::new([1; 32]),
            service: "payments".parse().unwrap(),
            request_id: RequestId::new([2; 16]),
            key: "treasury".parse().unwrap(),
            path: path.parse().unwrap(),
            scheme: network.usual_scheme(),
            network,
            action: "transfer".to_owned(),
            payload_format: PayloadFormat::BitcoinPsbt,
            payload: vec![1],
            expires: EXPIRES,
            client_reference: String::new(),
        }
    }

    #[test]
    fn a_request_may_be_worked_on_until_it_expires_and_no_longer_than_a_week() {
        let request = request("m", Network::Bitcoin);
        let verified = VerifiedRequest { request, digest: Digest::new([0; 32]) };
        let before =
            |millis| verified.check_time(Timestamp::from_millis(EXPIRES.millis() - millis));
        assert_eq!(before(1), Ok(()));
        assert_eq!(before(0), Err(RequestError::Expired(EXPIRES)));
        let week = 604_800_000;
        assert_eq!(before(week), Ok(()));
        assert_eq!(before(week + 1), Err(RequestError::TooLongLived(EXPIRES)));
        let after = Timestamp::from_millis(EXPIRES.millis() + 1);
        assert_eq!(verified.check_time(after), Err(RequestError::Expired(EXPIRES)));
    }

    #[test]
    fn a_payload_is_neither_empty_nor_over_the_limit() {
        let of = |bytes| {
            SignRequest { payload: vec![0; bytes], ..request("m", Network::Bitcoin) }.check()
        };
        assert_eq!(of(0), Err(RequestError::PayloadLength));
        assert_eq!(of(1), Ok(()));
        assert_eq!(of(262_144), Ok(()));
        assert_eq!(of(262_145), Err(RequestError::PayloadLength));
    }

    #[test]
    fn texts_are_short_and_printable() {
        let referred = |client_reference: String| {
            SignRequest { client_reference, ..request("m", Network::Bitcoin) }.check()
        };
        let acting =
            |action: String| SignRequest { action, ..request("m", Network::Bitcoin) }.check();
        assert_eq!(referred("~ ".repeat(128)), Ok(()));
        assert_eq!(acting("a".repeat(64)), Ok(()));
        for text in ["a".repeat(257), "\n".to_owned(), "\u{7f}".to_owned(), "é".to_owned()] {
            assert_eq!(referred(text.clone()), Err(RequestError::Text("client_reference")));
            assert_eq!(acting(text), Err(RequestError::Text("action")));
        }
        assert_eq!(acting("a".repeat(65)), Err(RequestError::Text("action")));
    }

    #[test]
    fn a_scheme_of_another_network_is_refused_with_those_that_it_takes() {
        let scheme = Scheme::FrostEd25519;
        let refused = SignRequest { scheme, ..request("m", Network::Bitcoin) }.check().unwrap_err();
        let network = Network::Bitcoin;
        assert_eq!(refused, RequestError::SchemeMismatch { network, says: scheme });
        for scheme in network.schemes() {
            assert!(refused.to_string().contains(scheme.as_str()), "{refused}");
        }
    }

    #[test]
    fn only_a_network_whose_keys_have_children_takes_a_path() {
        for network in Network::NAMED {
            assert_eq!(request("m", network).check(), Ok(()));
            let child = request("m/0/7", network).check();
            match network.usual_scheme() {
                Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 | Scheme::EcdsaSecp256k1 => {
                    assert_eq!(child, Ok(()));
                }
                Scheme::FrostEd25519 => {
                    let path = "m/0/7".parse().unwrap();
                    assert_eq!(child, Err(RequestError::NoChildren { network, path }));
                }
            }
        }
    }
}
