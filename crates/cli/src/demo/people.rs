//! The steps in which people decide: approve, reject, freeze and lift.

use std::time::Duration;

use quorate_api::pb::custody::v1::{SignRequest as Answer, SignRequestState};
use quorate_api::status::Reason;
use quorate_model::{PersonName, RequestKey};
use quorate_trust::{
    Credential, OrderAction, Scope, SignedApproval, SigningKey, Verdict, VerifiedOrder,
};
use tokio::time::{Instant, sleep};

use super::steps::{Demo, Payment, listed};
use crate::client::Client;
use crate::clock;
use crate::dev::sample;
use crate::exit::{Exit, Failure};
use crate::signing::approval::Waiting;
use crate::signing::order;
use crate::signing::report::RequestReport;
use crate::signing::state_name;

const WAIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
const APPROVAL_MS: u64 = 60_000;
/// More than the sample policy lets the service spend by itself.
const LARGE: u64 = 110_000;

impl Demo<'_> {
    /// A payment over the limit waits for two persons, and is signed once both have approved.
    pub(super) async fn ask_people(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("ask for a large one");
        let payment = Payment::bitcoin(sample::BTC_PAYEE, LARGE);
        let (transaction, answer) = self.send(client, &payment).await?;
        let answer = answer?;
        let name = self.waits(&answer)?;
        self.done("PENDING_APPROVAL: nothing is signed until people have approved");
        self.detail("because", &answer.reason);
        self.begin("approve it");
        let persons = self.officers()?;
        for (person, key) in persons.iter().take(2) {
            say(client, &name, key, person, Verdict::Approve).await?;
        }
        let signed = self.settled(client, &name).await?;
        self.signed("approve it", &transaction, &signed)
    }

    /// Another is rejected by one of those who are asked.
    pub(super) async fn reject(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("reject another");
        let payment = Payment::bitcoin(sample::BTC_PAYEE, LARGE - 1_000);
        let (_, answer) = self.send(client, &payment).await?;
        let name = self.waits(&answer?)?;
        let persons = self.officers()?;
        let rejecter = persons.last();
        let (person, key) = rejecter.ok_or_else(|| Failure::new(Exit::Error, "nobody is asked"))?;
        let answer = say(client, &name, key, person, Verdict::Reject).await?;
        if answer.state() != SignRequestState::Rejected {
            let message = format!("the request is {}, not REJECTED", state_name(answer.state()));
            return Err(Failure::new(Exit::Error, message));
        }
        self.done(format!("REJECTED: {}, for good, at every node", answer.reason));
        self.report.rejected = Some(RequestReport::new(&answer, &client.profile().root));
        Ok(())
    }

    /// One officer freezes the cluster; two lift the freeze, and it holds on for a while.
    pub(super) async fn freeze(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("freeze everything");
        let persons = self.officers()?;
        let freeze = OrderAction::Freeze(Scope::Cluster);
        let frozen = self.order(client, freeze, persons.get(..1).unwrap_or_default()).await?;
        let by: Vec<_> = frozen.signers().iter().collect();
        self.done(format!("FROZEN by {} alone; every node holds it", listed(&by)));
        let payment = Payment::bitcoin(sample::BTC_PAYEE, 50_000);
        let (_, answer) = self.send(client, &payment).await?;
        let refusal = match answer {
            Err(failure) if failure.reason() == Some(Reason::Frozen) => failure,
            Err(failure) => return Err(failure),
            Ok(_) => return Err(Failure::new(Exit::Error, "a frozen cluster took a request")),
        };
        self.detail("because", refusal.message());
        self.report.frozen = Some(refusal.message().to_owned());
        self.begin("lift the freeze");
        let lift = OrderAction::Unfreeze(frozen.digest());
        let lifted = self.order(client, lift, persons.get(..2).unwrap_or_default()).await?;
        let deadline = Instant::now() + WAIT;
        while let Err(failure) = self.send(client, &payment).await?.1 {
            if failure.reason() != Some(Reason::Frozen) || Instant::now() >= deadline {
                return Err(failure);
            }
            sleep(POLL * 10).await;
        }
        let by: Vec<_> = lifted.signers().iter().collect();
        self.done(format!("signing again: {} lifted it, after the root's delay", listed(&by)));
        Ok(())
    }

    /// The request's name, if it waits for people.
    fn waits(&self, answer: &Answer) -> Result<RequestKey, Failure> {
        if answer.state() != SignRequestState::PendingApproval {
            let message = format!("{} does not wait for people", state_name(answer.state()));
            return Err(Failure::new(Exit::Error, message));
        }
        Ok(quorate_api::name::parse_sign_request("SignRequest.name", &answer.name)?)
    }

    /// The officers, with their key files.
    pub(super) fn officers(&self) -> Result<Vec<(PersonName, SigningKey)>, Failure> {
        let folders = self.cluster.officer_folders().into_iter();
        let files: Vec<_> = folders.map(|folder| folder.join("person.pem")).collect();
        order::officers(&files, self.cluster.root())
    }

    /// Has every node that is up carry an order out.
    async fn order(
        &self,
        client: &Client,
        action: OrderAction,
        by: &[(PersonName, SigningKey)],
    ) -> Result<VerifiedOrder, Failure> {
        let root = &client.profile().root;
        let text = order::propose(root, action, clock::now(), order::AT_ONCE)?;
        let signed = order::sign(text, by, root)?;
        let verified = signed.verify(root)?;
        client.submit_order(signed).await?;
        let (up, deadline) = (self.cluster.running().len(), Instant::now() + WAIT);
        loop {
            let answer = client.order(&verified.order().id).await?;
            if answer.answers.iter().filter(|said| said.acceptance.is_some()).count() == up {
                return Ok(verified);
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(Exit::Timeout, "the order does not reach every node"));
            }
            sleep(POLL).await;
        }
    }

    /// The request, once it is final.
    async fn settled(&self, client: &Client, name: &RequestKey) -> Result<Answer, Failure> {
        let deadline = Instant::now() + WAIT;
        loop {
            let answer = client.request(name).await?;
            if crate::signing::is_final(answer.state()) {
                return Ok(answer);
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(Exit::Timeout, "the request does not end"));
            }
            sleep(POLL).await;
        }
    }
}

/// Says yes or no, after verifying and decoding the request as `quorate approve` does.
async fn say(
    client: &Client,
    name: &RequestKey,
    key: &SigningKey,
    person: &PersonName,
    verdict: Verdict,
) -> Result<Answer, Failure> {
    let waiting = Waiting::open(client, name).await?;
    let quorum = waiting.quorum_for(person, None)?;
    let credential = Credential::from(key.public_key()).fingerprint();
    let who = (person.clone(), credential);
    let approval = waiting.approval(verdict, who, quorum, (clock::now(), APPROVAL_MS));
    client.submit_approval(SignedApproval::sign(&approval, key)).await
}
