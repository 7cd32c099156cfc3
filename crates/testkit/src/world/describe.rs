//! Messages in a few words, for timelines.

use quorate_protocol::wire::{FromNode, Subject, ToNode};

pub(super) fn question_name(question: &ToNode) -> String {
    match question {
        ToNode::GenerateKey { attempt, never_voted, .. } => {
            format!("generate key, attempt {attempt}, {} never voted", never_voted.len())
        }
        ToNode::ReshareKey { attempt, dealers, .. } => {
            format!("new sharing, attempt {attempt}, dealt by {dealers}")
        }
        ToNode::Announcements(key, _) => format!("announcements, attempt {}", key.attempt),
        ToNode::Round1(key, _) => format!("round 1, attempt {}", key.attempt),
        ToNode::Round2(key, _) => format!("round 2, attempt {}", key.attempt),
        ToNode::Exchange(..) => "everybody's messages".to_owned(),
        ToNode::Certify(_) => "certificate".to_owned(),
        ToNode::Reserve { subject, words, attempt, signing_set } => {
            let subject = match subject {
                Subject::Request(request) => request.request.client_reference.clone(),
                Subject::Confirmation { sharing } => format!("confirmation of {sharing}"),
            };
            let approvals = words.approvals.len();
            format!("reserve {subject}, attempt {attempt}, by {signing_set}, {approvals} approvals")
        }
        ToNode::Share { subject, attempt, .. } => {
            format!("share for {}, attempt {attempt}", subject.short())
        }
        ToNode::Replaced { certificate, .. } => {
            format!("replaced by {}", certificate.certified.sharing())
        }
        ToNode::Confirm { sharing, .. } => format!("confirmations of {sharing}"),
        ToNode::Reject { request, .. } => {
            format!("rejection of {}", request.request.client_reference)
        }
        ToNode::Simulate { .. } => "simulate".to_owned(),
        ToNode::CarryOut { order, .. } => format!("order {}", order.digest().short()),
        ToNode::Orders => "orders".to_owned(),
        ToNode::Order(digest) => format!("order {}?", digest.short()),
        ToNode::Testify { asker, challenge } => {
            format!("testify to node {asker}, {}", challenge.short())
        }
        ToNode::HearTestimony(testimony) => format!("node {} testifies", testimony.from),
        ToNode::Status => "status".to_owned(),
    }
}

pub(super) fn answer_name(answer: &FromNode) -> String {
    match answer {
        FromNode::Announcement(_) => "announcement".to_owned(),
        FromNode::Round1(_) => "round 1".to_owned(),
        FromNode::Round2(_) => "round 2".to_owned(),
        FromNode::Exchanged(parcel) => format!("round {}", parcel.message.body.round),
        FromNode::Vote(certified, _) => format!("vote, attempt {}", certified.attempt),
        FromNode::Certified => "certified".to_owned(),
        FromNode::Reserved(_) => "reserved".to_owned(),
        FromNode::Denied(denial) => format!("denied: {}", denial.body.reason),
        FromNode::Deferred(deferral) => format!("deferred: {}", deferral.body.reason),
        FromNode::Shares(_) => "shares".to_owned(),
        FromNode::Active => "active".to_owned(),
        FromNode::Simulated(_) => "simulated".to_owned(),
        FromNode::Accepted(word) => format!("accepted order {}", word.body.order.short()),
        FromNode::Orders(orders) => format!("{} orders", orders.len()),
        FromNode::Order(order) => format!("order {}", order.digest().short()),
        FromNode::Testimony(testimony) => format!("testimony: {}", testimony.body.heads.clock),
        FromNode::Status(_) => "status".to_owned(),
        FromNode::Refused(refusal) => format!("refused: {}", refusal.reason),
    }
}
