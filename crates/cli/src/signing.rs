//! What is sent to be signed, and what comes back: both decoded and verified here.

pub(crate) mod approval;
pub(crate) mod document;
pub(crate) mod finish;
pub(crate) mod intent;
pub(crate) mod order;
pub(crate) mod payload;
pub(crate) mod report;
pub(crate) mod signature;
pub(crate) mod verdict;

use quorate_api::pb::custody::v1::{SignRequest as Answer, SignRequestState};
use quorate_api::statement::encode_sign_request;
use quorate_intent::{Decoded, EffectKind, Payload};
use quorate_model::{KeyId, Network, RequestId, Timestamp};
use quorate_trust::{SignRequest, SignedRequest};
use rand_core::{OsRng, RngCore as _};

use crate::exit::{Exit, Failure};
use crate::profile::Profile;
use crate::verified_key::VerifiedKey;

/// A payload that this client decoded itself, for a key that it verified.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) key: VerifiedKey,
    pub(crate) network: Network,
    pub(crate) payload: Payload,
    pub(crate) decoded: Decoded,
}

/// What a service says about its request, beside the payload.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) request_id: RequestId,
    pub(crate) expires: Timestamp,
    pub(crate) reference: String,
}

impl Transaction {
    /// Decodes a payload as every node will.
    pub(crate) fn new(
        key: VerifiedKey,
        network: Network,
        payload: Payload,
    ) -> Result<Self, Failure> {
        let decoded = quorate_intent::decode(&payload, key.paying(network))
            .map_err(|error| Failure::from(error).while_trying("the payload is refused"))?;
        Ok(Self { key, network, payload, decoded })
    }

    /// The request for this transaction, under the signature of the profile's service.
    pub(crate) fn request(
        &self,
        profile: &Profile,
        envelope: &Envelope,
    ) -> Result<SignedRequest, Failure> {
        let (service, service_key) = profile.service()?;
        let request = SignRequest {
            cluster: profile.cluster,
            service,
            request_id: envelope.request_id,
            key: self.key_id().clone(),
            path: self.key.path().clone(),
            scheme: self.key.certified().scheme,
            network: self.network,
            action: self
                .decoded
                .intent
                .action()
                .unwrap_or(EffectKind::Transfer)
                .as_str()
                .to_owned(),
            payload_format: self.payload.payload_format(),
            payload: self.payload.as_bytes().to_vec(),
            expires: envelope.expires,
            client_reference: envelope.reference.clone(),
        };
        let statement = encode_sign_request(&request);
        Ok(SignedRequest::sign(statement, request, &service_key))
    }

    /// The signatures of an answer, each verified over the message that was decoded here.
    pub(crate) fn signatures(&self, answer: &Answer) -> Result<Vec<Vec<u8>>, Failure> {
        let messages = &self.decoded.signing_messages;
        if answer.signatures.len() != messages.len() {
            let (found, needed) = (answer.signatures.len(), messages.len());
            let message = format!("the coordinator sent {found} signatures, {needed} are needed");
            return Err(Failure::new(Exit::Error, message));
        }
        for (index, (message, signature)) in messages.iter().zip(&answer.signatures).enumerate() {
            if !self.key.signed(message, signature) {
                let message = format!("signature {index} does not verify over what was sent");
                return Err(Failure::new(Exit::Error, message));
            }
        }
        Ok(answer.signatures.clone())
    }

    pub(crate) const fn key_id(&self) -> &KeyId {
        &self.key.certified().key
    }
}

/// The state of a request, by the name on every surface: `QUEUED`.
pub(crate) fn state_name(state: SignRequestState) -> &'static str {
    let name = state.as_str_name();
    name.strip_prefix("SIGN_REQUEST_STATE_").unwrap_or(name)
}

/// How a command ends that finds a request in this state.
pub(crate) const fn exit_of(state: SignRequestState) -> Exit {
    match state {
        SignRequestState::Signed => Exit::Ok,
        SignRequestState::Denied | SignRequestState::Rejected => Exit::Denied,
        SignRequestState::PendingApproval => Exit::Pending,
        // Asked for within a time, and not there yet.
        SignRequestState::Queued | SignRequestState::Signing | SignRequestState::Expired => {
            Exit::Timeout
        }
        SignRequestState::Unspecified | SignRequestState::Canceled | SignRequestState::Failed => {
            Exit::Error
        }
    }
}

/// Whether a request in this state stays there for ever.
pub(crate) const fn is_final(state: SignRequestState) -> bool {
    match state {
        SignRequestState::Unspecified
        | SignRequestState::PendingApproval
        | SignRequestState::Queued
        | SignRequestState::Signing => false,
        SignRequestState::Signed
        | SignRequestState::Denied
        | SignRequestState::Rejected
        | SignRequestState::Expired
        | SignRequestState::Canceled
        | SignRequestState::Failed => true,
    }
}

/// A new id: a random UUID (RFC 9562, version 4).
pub(crate) fn new_request_id() -> RequestId {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    RequestId::new(bytes)
}

#[cfg(test)]
mod tests {
    use quorate_intent::Address;
    use quorate_intent::compose::solana_transfer;
    use quorate_model::Digest;

    use super::*;
    use crate::verified_key::tests::Fixture;

    #[test]
    fn a_new_id_is_a_version_4_uuid() {
        let (one, other) = (new_request_id(), new_request_id());
        assert_ne!(one, other);
        let text = one.to_string();
        assert_eq!(text.as_bytes()[14], b'4', "{text}");
        assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
    }

    /// A transaction whose one signing message is a digest, which the fixture's key can sign.
    fn transaction(fixture: &Fixture, digest: Digest) -> Transaction {
        let (key, network) = (fixture.verified(), Network::SolanaDevnet);
        let to = Address::parse("11111111111111111111111111111111", network).unwrap();
        let message = solana_transfer(key.paying(network), &to, 5, [7; 32]).unwrap();
        let mut made = Transaction::new(key, network, Payload::SolanaMessage(message)).unwrap();
        made.decoded.signing_messages = vec![digest.as_bytes().to_vec()];
        made
    }

    #[test]
    fn only_signatures_over_what_was_sent_are_taken() {
        let fixture = Fixture::new();
        let (sent, other) = (Digest::new([1; 32]), Digest::new([2; 32]));
        let transaction = transaction(&fixture, sent);
        let answer = |signatures: &[Vec<u8>]| Answer {
            signatures: signatures.to_vec(),
            // What a coordinator says was signed is not asked.
            signing_messages: vec![other.as_bytes().to_vec()],
            ..Answer::default()
        };
        let good = fixture.sign(&sent);
        let mut spoiled = good.clone();
        spoiled[40] ^= 1;
        let only = std::slice::from_ref(&good);
        assert_eq!(transaction.signatures(&answer(only)).unwrap(), only);
        for bad in [
            vec![],
            vec![spoiled],
            vec![fixture.sign(&other)],
            vec![Fixture::new().sign(&sent)],
            vec![good.clone(), good],
        ] {
            assert!(transaction.signatures(&answer(&bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_payload_that_another_key_pays_is_refused() {
        let (one, other) = (Fixture::new(), Fixture::new());
        let payload = transaction(&one, Digest::new([1; 32])).payload;
        let network = Network::SolanaDevnet;
        let failure = Transaction::new(other.verified(), network, payload).unwrap_err();
        assert_eq!(failure.message(), "the payload is refused");
    }

    #[test]
    fn every_state_has_its_exit_code() {
        for (state, code, last) in [
            (SignRequestState::PendingApproval, 4, false),
            (SignRequestState::Queued, 6, false),
            (SignRequestState::Signing, 6, false),
            (SignRequestState::Signed, 0, true),
            (SignRequestState::Denied, 3, true),
            (SignRequestState::Rejected, 3, true),
            (SignRequestState::Expired, 6, true),
            (SignRequestState::Canceled, 1, true),
            (SignRequestState::Failed, 1, true),
        ] {
            assert_eq!((exit_of(state).code(), is_final(state)), (code, last), "{state:?}");
        }
        assert_eq!(state_name(SignRequestState::PendingApproval), "PENDING_APPROVAL");
    }
}
