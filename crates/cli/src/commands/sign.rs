//! `quorate sign`.

use std::path::PathBuf;

use quorate_api::pb::custody::v1::{SignRequest as Answer, SignRequestState};
use quorate_api::status::Reason;
use quorate_model::{RequestKey, Timestamp};
use quorate_trust::SignedRiskVerdict;
use serde::Serialize;

use super::connect;
use crate::args::{Sign, Transaction as TransactionArgs};
use crate::client::Client;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::{Output, Paint, Report, fields};
use crate::signing::finish::SignedReport;
use crate::signing::intent::IntentReport;
use crate::signing::payload::{EvmOrder, PaymentOrder, Source};
use crate::signing::report::RequestReport;
use crate::signing::{Envelope, Transaction, exit_of, new_request_id, verdict};

/// A call waits no longer: the request goes on by itself.
const WAIT_MAX_S: u64 = 60;

#[derive(Serialize)]
struct ValidReport {
    key: String,
    intent: IntentReport,
}

impl Report for ValidReport {
    const SCHEMA: &'static str = "quorate.valid/v1";

    fn text(&self, _paint: Paint) -> String {
        let mut rows = vec![("key", self.key.clone())];
        rows.extend(self.intent.fields());
        rows.push(("checked", "the coordinator would take it; no gate was asked".to_owned()));
        fields(rows)
    }
}

pub(super) async fn run(
    command: Sign,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    if command.wait.as_secs() > WAIT_MAX_S {
        return Err(Failure::usage(format!("--wait is at most {WAIT_MAX_S}s")));
    }
    let client = connect(dir).await?;
    let (transaction, envelope) = prepare(&client, &command.transaction).await?;
    let request = transaction.request(client.profile(), &envelope)?;
    let verdicts = said(&client, &command.transaction, &transaction)?;
    let name = request.request.request_key();
    let progress = output.progress(format!("request {}", name.request_id));
    let answer = client.create((request, verdicts), command.validate_only, command.wait).await;
    drop(progress);
    let answer = match answer {
        Ok(_) if command.validate_only => return valid(&transaction, output),
        Ok(answer) => answer,
        Err(failure) => return Err(stored(&client, failure, output).await),
    };
    if answer.state() != SignRequestState::Signed {
        return waiting(&client, &answer, &name, output);
    }
    let report = SignedReport::new(&transaction, &answer)?;
    if let Some(path) = &command.out {
        files::replace(path, format!("{}\n", report.file()).as_bytes())?;
    }
    output.show(&report)?;
    Ok(Exit::Ok)
}

/// The transaction that the arguments name, decoded here, and what is said about it.
pub(super) async fn prepare(
    client: &Client,
    args: &TransactionArgs,
) -> Result<(Transaction, Envelope), Failure> {
    let key = client.key(&args.key).await?.at(&args.path)?;
    let network = client.profile().network(args.network, key.certified().scheme)?;
    let payload = source(args)?.load(&key, network)?;
    let envelope = Envelope {
        request_id: args.request_id.unwrap_or_else(new_request_id),
        expires: expires(client, args).await?,
        reference: args.reference.clone(),
    };
    Ok((Transaction::new(key, network, payload)?, envelope))
}

/// What risk providers say about it, from the files that the arguments name.
pub(super) fn said(
    client: &Client,
    args: &TransactionArgs,
    transaction: &Transaction,
) -> Result<Vec<SignedRiskVerdict>, Failure> {
    verdict::load(&args.verdicts, client.profile().cluster, transaction)
}

/// From when on nothing is signed. A request that is sent again keeps what it said first: otherwise
/// it would be another request under the same id.
async fn expires(client: &Client, args: &TransactionArgs) -> Result<Timestamp, Failure> {
    let fresh = clock::now().plus_millis(clock::millis(args.expires));
    let Some(request_id) = args.request_id else { return Ok(fresh) };
    let (service, _) = client.profile().service()?;
    match client.request(&RequestKey { service, request_id }).await {
        Ok(earlier) => Ok(Timestamp::from_millis(earlier.expire_time_ms)),
        Err(failure) if failure.reason() == Some(Reason::NotFound) => Ok(fresh),
        Err(failure) => Err(failure),
    }
}

fn source(args: &TransactionArgs) -> Result<Source, Failure> {
    match (args.payload.load()?, &args.pay, args.amount) {
        (Some(payload), None, _) => Ok(Source::Payload(payload)),
        (None, Some(to), Some(amount)) => Ok(Source::Payment(Box::new(PaymentOrder {
            to: to.clone(),
            amount,
            coins: args.coins.clone(),
            fee: args.fee,
            blockhash: args.blockhash,
            nonce_account: args.nonce_account.clone(),
            evm: EvmOrder {
                token: args.token.clone(),
                nonce: args.nonce,
                gas: args.gas,
                max_fee: args.max_fee,
                priority_fee: args.priority_fee,
            },
        }))),
        _ => {
            Err(Failure::usage("name one payload, such as --psbt or --evm, or --pay with --amount"))
        }
    }
}

fn valid(transaction: &Transaction, output: &Output) -> Result<Exit, Failure> {
    let intent = IntentReport::new(&transaction.decoded.intent);
    output.show(&ValidReport { key: transaction.key_id().to_string(), intent })?;
    Ok(Exit::Ok)
}

/// A request that is not signed within the time.
fn waiting(
    client: &Client,
    answer: &Answer,
    name: &RequestKey,
    output: &Output,
) -> Result<Exit, Failure> {
    output.show(&RequestReport::new(answer, &client.profile().root))?;
    let exit = exit_of(answer.state());
    if exit == Exit::Timeout || exit == Exit::Pending {
        output.say(format_args!("\nNext: quorate request watch {}", name.request_id));
        let said = answer.deferrals.iter().filter_map(|deferral| deferral.body.as_ref());
        if said.into_iter().any(|deferral| !deferral.verdicts.is_empty()) {
            let id = name.request_id;
            output.say(format_args!(
                "      or the same command with --request-id {id} and a fresh --verdict FILE"
            ));
        }
    }
    Ok(exit)
}

/// A call that failed, while the request it made is stored: shows the request, for it says more.
async fn stored(client: &Client, failure: Failure, output: &Output) -> Failure {
    let Some(name) = failure.request_key() else { return failure };
    if let Ok(answer) = client.request(&name).await {
        let report = RequestReport::new(&answer, &client.profile().root);
        if let Err(failure) = output.show(&report) {
            return failure;
        }
    }
    match failure.exit() {
        Exit::Denied => {
            let hint = "`quorate policy simulate` asks the nodes without making a request";
            // People have just read each node's words.
            let said = !output.is_json();
            let failure = if said { failure.saying("the policy denies it") } else { failure };
            failure.hint(hint)
        }
        Exit::Unavailable => failure.hint(format!(
            "the request stays QUEUED and is signed once enough nodes are there: \
             quorate request watch {}",
            name.request_id
        )),
        Exit::Ok | Exit::Error | Exit::Usage | Exit::Pending | Exit::Timeout | Exit::Conflict => {
            failure
        }
    }
}
