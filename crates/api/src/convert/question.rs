//! Questions of a coordinator.

use quorate_model::{Attempt, Epoch, ParticipantSet, SharingId};
use quorate_protocol::wire::{CallId, CeremonyKey, ToNode, Words};
use quorate_protocol::{Certificate, Confirmation};
use quorate_trust::{Signed, SignedOrder};

use crate::convert::verdict::verdicts;
use crate::pb::node::v1 as pb;
use crate::pb::node::v1::coordinator_frame::Question;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::CoordinatorFrame> for (CallId, ToNode) {
    type Error = DecodeError;

    fn try_from(frame: pb::CoordinatorFrame) -> Result<Self, DecodeError> {
        let question = field::required("CoordinatorFrame.question", frame.question)?;
        Ok((CallId(frame.call), question.try_into()?))
    }
}

impl From<(CallId, ToNode)> for pb::CoordinatorFrame {
    fn from((call, question): (CallId, ToNode)) -> Self {
        Self { call: call.0, question: Some(question.into()) }
    }
}

impl TryFrom<Question> for ToNode {
    type Error = DecodeError;

    fn try_from(question: Question) -> Result<Self, DecodeError> {
        Ok(match question {
            Question::GenerateKey(generate) => Self::GenerateKey {
                order: field::required("GenerateKey.order", generate.order)?.try_into()?,
                attempt: field::attempt("GenerateKey.attempt", generate.attempt)?,
                never_voted: round("GenerateKey.never_voted", generate.never_voted)?,
            },
            Question::ReshareKey(reshare) => reshared(reshare)?,
            Question::Announcements(pb::Announcements { ceremony: run, messages }) => {
                let list = round("Announcements.messages", messages)?;
                Self::Announcements(ceremony("Announcements.ceremony", run)?, list)
            }
            Question::Round1(pb::Round1Messages { ceremony: run, messages }) => {
                let list = round("Round1Messages.messages", messages)?;
                Self::Round1(ceremony("Round1Messages.ceremony", run)?, list)
            }
            Question::Round2(pb::Round2Messages { ceremony: run, messages }) => {
                let list = round("Round2Messages.messages", messages)?;
                Self::Round2(ceremony("Round2Messages.ceremony", run)?, list)
            }
            Question::Exchange(exchange) => exchanged(exchange)?,
            Question::Certify(pb::Certify { certificate }) => {
                Self::Certify(field::required("Certify.certificate", certificate)?.try_into()?)
            }
            Question::Reserve(reserve) => Self::Reserve {
                subject: field::required("Reserve.subject", reserve.subject)?.try_into()?,
                attempt: field::attempt("Reserve.attempt", reserve.attempt)?,
                signing_set: field::participants("Reserve.signing_set", reserve.signing_set)?,
                words: Words {
                    approvals: field::list(
                        "Reserve.approvals",
                        reserve.approvals,
                        limits::APPROVALS_MAX,
                    )?,
                    verdicts: verdicts("Reserve.verdicts", reserve.verdicts)?,
                },
            },
            Question::Reject(pb::Reject { request, rejection }) => Self::Reject {
                request: field::required("Reject.request", request)?.try_into()?,
                rejection: field::required("Reject.rejection", rejection)?.try_into()?,
            },
            Question::Share(share) => Self::Share {
                subject: field::digest("Share.subject", &share.subject)?,
                attempt: field::attempt("Share.attempt", share.attempt)?,
                answers: round("Share.answers", share.answers)?,
            },
            Question::Confirm(confirm) => confirmed(confirm)?,
            Question::Replaced(replaced) => replaced_from_pb(replaced)?,
            Question::Testify(pb::Testify { challenge, asker }) => Self::Testify {
                asker: field::participant("Testify.asker", asker)?,
                challenge: field::digest("Testify.challenge", &challenge)?,
            },
            Question::HearTestimony(testimony) => Self::HearTestimony(testimony.try_into()?),
            Question::Simulate(simulate) => Self::Simulate {
                request: field::required("Simulate.request", simulate.request)?.try_into()?,
                verdicts: verdicts("Simulate.verdicts", simulate.verdicts)?,
            },
            Question::CarryOut(pb::CarryOut { order, acceptances }) => Self::CarryOut {
                order: field::required("CarryOut.order", order)?.try_into()?,
                acceptances: round("CarryOut.acceptances", acceptances)?,
            },
            Question::Order(pb::OrderQuery { digest }) => {
                Self::Order(field::digest("OrderQuery.digest", &digest)?)
            }
            Question::Orders(pb::OrdersQuery {}) => Self::Orders,
            Question::Status(pb::StatusQuery {}) => Self::Status,
        })
    }
}

fn reshared(reshare: pb::ReshareKey) -> Result<ToNode, DecodeError> {
    Ok(ToNode::ReshareKey {
        order: field::required("ReshareKey.order", reshare.order)?.try_into()?,
        attempt: field::attempt("ReshareKey.attempt", reshare.attempt)?,
        dealers: field::participants("ReshareKey.dealers", reshare.dealers)?,
        predecessor: field::required("ReshareKey.predecessor", reshare.predecessor)?.try_into()?,
    })
}

fn replaced_from_pb(replaced: pb::Replaced) -> Result<ToNode, DecodeError> {
    const CONFIRMATIONS: &str = "Replaced.confirmations";
    let confirmations = replaced.confirmations;
    Ok(ToNode::Replaced {
        certificate: field::required("Replaced.certificate", replaced.certificate)?.try_into()?,
        confirmations: field::list(CONFIRMATIONS, confirmations, limits::CONFIRMATIONS_MAX)?,
    })
}

fn confirmed(confirm: pb::Confirm) -> Result<ToNode, DecodeError> {
    const CONFIRMATIONS: &str = "Confirm.confirmations";
    let key = field::parse("Confirm.key", &confirm.key)?;
    Ok(ToNode::Confirm {
        sharing: SharingId { key, epoch: Epoch(confirm.epoch) },
        confirmations: field::list(
            CONFIRMATIONS,
            confirm.confirmations,
            limits::CONFIRMATIONS_MAX,
        )?,
    })
}

fn confirmed_to_pb(sharing: &SharingId, confirmations: Vec<Confirmation>) -> pb::Confirm {
    pb::Confirm {
        key: sharing.key.to_string(),
        confirmations: confirmations.into_iter().map(Into::into).collect(),
        epoch: sharing.epoch.0,
    }
}

fn exchanged(pb::Exchange { exchange, parcels }: pb::Exchange) -> Result<ToNode, DecodeError> {
    let exchange = field::required("Exchange.exchange", exchange)?.try_into()?;
    let parcels = field::list("Exchange.parcels", parcels, limits::PARTICIPANTS_MAX)?;
    Ok(ToNode::Exchange(exchange, parcels))
}

fn reshared_to_pb(
    order: SignedOrder,
    Attempt(attempt): Attempt,
    dealers: &ParticipantSet,
    predecessor: Certificate,
) -> pb::ReshareKey {
    let dealers = field::participants_to_pb(dealers);
    let (order, predecessor) = (Some(order.into()), Some(predecessor.into()));
    pb::ReshareKey { order, attempt, dealers, predecessor }
}

fn replaced_to_pb(certificate: Certificate, confirmations: Vec<Confirmation>) -> pb::Replaced {
    let confirmations = confirmations.into_iter().map(Into::into).collect();
    pb::Replaced { certificate: Some(certificate.into()), confirmations }
}

impl From<ToNode> for Question {
    fn from(question: ToNode) -> Self {
        match question {
            ToNode::GenerateKey { order, attempt: Attempt(attempt), never_voted } => {
                let never_voted = never_voted.into_iter().map(Into::into).collect();
                let order = Some(order.into());
                Self::GenerateKey(pb::GenerateKey { order, attempt, never_voted })
            }
            ToNode::ReshareKey { order, attempt, dealers, predecessor } => {
                Self::ReshareKey(reshared_to_pb(order, attempt, &dealers, predecessor))
            }
            ToNode::Replaced { certificate, confirmations } => {
                Self::Replaced(replaced_to_pb(certificate, confirmations))
            }
            ToNode::Announcements(run, list) => {
                let (ceremony, messages) = round_to_pb(run, list);
                Self::Announcements(pb::Announcements { ceremony, messages })
            }
            ToNode::Round1(run, list) => {
                let (ceremony, messages) = round_to_pb(run, list);
                Self::Round1(pb::Round1Messages { ceremony, messages })
            }
            ToNode::Round2(run, list) => {
                let (ceremony, messages) = round_to_pb(run, list);
                Self::Round2(pb::Round2Messages { ceremony, messages })
            }
            ToNode::Exchange(exchange, parcels) => {
                let parcels = parcels.into_iter().map(Into::into).collect();
                Self::Exchange(pb::Exchange { exchange: Some(exchange.into()), parcels })
            }
            ToNode::Certify(certificate) => {
                Self::Certify(pb::Certify { certificate: Some(certificate.into()) })
            }
            ToNode::Reserve { subject, words, attempt: Attempt(attempt), signing_set } => {
                let signing_set = field::participants_to_pb(&signing_set);
                let approvals = words.approvals.into_iter().map(Into::into).collect();
                let verdicts = words.verdicts.into_iter().map(Into::into).collect();
                let subject = Some(subject.into());
                Self::Reserve(pb::Reserve { subject, attempt, signing_set, approvals, verdicts })
            }
            ToNode::Reject { request, rejection } => {
                let (request, rejection) = (Some(request.into()), Some(rejection.into()));
                Self::Reject(pb::Reject { request, rejection })
            }
            ToNode::Share { subject, attempt: Attempt(attempt), answers } => {
                let answers = answers.into_iter().map(Into::into).collect();
                Self::Share(pb::Share { subject: subject.as_bytes().to_vec(), attempt, answers })
            }
            ToNode::Confirm { sharing, confirmations } => {
                Self::Confirm(confirmed_to_pb(&sharing, confirmations))
            }
            ToNode::Testify { asker, challenge } => Self::Testify(pb::Testify {
                challenge: challenge.as_bytes().to_vec(),
                asker: field::participant_to_pb(asker),
            }),
            ToNode::HearTestimony(testimony) => Self::HearTestimony(testimony.into()),
            ToNode::Simulate { request, verdicts } => {
                let verdicts = verdicts.into_iter().map(Into::into).collect();
                Self::Simulate(pb::Simulate { request: Some(request.into()), verdicts })
            }
            ToNode::CarryOut { order, acceptances } => {
                let acceptances = acceptances.into_iter().map(Into::into).collect();
                Self::CarryOut(pb::CarryOut { order: Some(order.into()), acceptances })
            }
            ToNode::Order(digest) => {
                Self::Order(pb::OrderQuery { digest: digest.as_bytes().to_vec() })
            }
            ToNode::Orders => Self::Orders(pb::OrdersQuery {}),
            ToNode::Status => Self::Status(pb::StatusQuery {}),
        }
    }
}

fn ceremony(field: &'static str, run: Option<pb::CeremonyKey>) -> Result<CeremonyKey, DecodeError> {
    field::required(field, run)?.try_into()
}

/// One message of each participant.
fn round<P, T>(field: &'static str, messages: Vec<P>) -> Result<Vec<Signed<T>>, DecodeError>
where
    Signed<T>: TryFrom<P, Error = DecodeError>,
{
    field::list(field, messages, limits::PARTICIPANTS_MAX)
}

fn round_to_pb<P: From<Signed<T>>, T>(
    run: CeremonyKey,
    messages: Vec<Signed<T>>,
) -> (Option<pb::CeremonyKey>, Vec<P>) {
    (Some(run.into()), messages.into_iter().map(Into::into).collect())
}
