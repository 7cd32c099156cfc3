//! What risk providers say about requests: carried, and judged by nodes only.

use std::collections::BTreeSet;

use quorate_trust::{RISK_VERDICTS_MAX, SignedRequest, SignedRiskVerdict};

use crate::client::{ClientError, ErrorCode};
use crate::coordinator::{Action, Coordinator};
use crate::out::Out;
use crate::queries::Reply;
use crate::record::Record;
use crate::request::{RequestState, SignRequestRecord};
use crate::signing::decode_request;

impl Coordinator {
    /// Refuses what no node could count: a service has sent it by mistake. Whether a verdict is its
    /// provider's, and fresh, is for nodes to say.
    pub(crate) fn check_verdicts(
        &self,
        request: &SignedRequest,
        verdicts: &[SignedRiskVerdict],
    ) -> Result<(), ClientError> {
        if verdicts.is_empty() {
            return Ok(());
        }
        let invalid = |error: String| ClientError::new(ErrorCode::Invalid, error);
        let certified = &self.activation(&request.request.key)?.record.certificate.certified;
        let decoded = decode_request(certified, &request.request).map_err(invalid)?;
        let effects = decoded.intent.effects_digest();
        let mut providers = BTreeSet::new();
        for signed in verdicts {
            let subject = signed.check_subject(self.cluster, effects);
            subject.map_err(|error| invalid(error.to_string()))?;
            let provider = &signed.verdict.provider;
            if !providers.insert(provider) {
                return Err(invalid(format!("two verdicts of {provider}: send what it said last")));
            }
        }
        check_count(providers.len())
    }

    /// Takes up what the service has brought since, and tries the request again.
    pub(crate) fn add_verdicts(
        &mut self,
        mut record: SignRequestRecord,
        verdicts: Vec<SignedRiskVerdict>,
        out: &mut Out,
    ) -> Reply {
        let news = verdicts.iter().any(|verdict| !record.verdicts.contains(verdict));
        if record.state.is_final() || !news {
            return Ok(self.view(&record));
        }
        let brought = |earlier: &SignedRiskVerdict| {
            verdicts.iter().any(|verdict| verdict.verdict.provider == earlier.verdict.provider)
        };
        record.verdicts.retain(|earlier| !brought(earlier));
        record.verdicts.extend(verdicts);
        check_count(record.verdicts.len())?;
        // Whoever waits for the request is not to take the old answer for the new one.
        if record.state != RequestState::Signing {
            record.state = RequestState::Queued;
        }
        record.updated = out.now;
        let key = record.signed.request.request_key();
        if let Some(waiting) = self.requests.waiting_mut(&key) {
            waiting.hold = None;
        }
        self.requests.put(record.clone(), out.now);
        let reply = self.view(&record);
        out.write(Record::Request(record));
        out.say(Action::Changed(key));
        Ok(reply)
    }
}

fn check_count(count: usize) -> Result<(), ClientError> {
    if count > RISK_VERDICTS_MAX {
        let message = format!("at most {RISK_VERDICTS_MAX} providers speak about a request");
        return Err(ClientError::new(ErrorCode::Exhausted, message));
    }
    Ok(())
}
