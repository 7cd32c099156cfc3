//! `quorate request`.

use std::path::PathBuf;

use quorate_api::name::{Parent, parse_sign_request};
use quorate_api::pb::custody::v1::{SignRequest as Answer, SignRequestState};
use quorate_model::{RequestId, RequestKey};

use super::connect;
use crate::args::Request;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::profile::{Profile, Who};
use crate::signing::report::{RequestList, RequestReport, line};
use crate::signing::{exit_of, is_final};

/// How many a page has at most.
const PAGE_MAX: u32 = 1_000;

pub(super) async fn run(
    command: Request,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let client = connect(dir).await?;
    let profile = client.profile();
    match command {
        Request::Show { request } => {
            show(&client, &client.request(&named(profile, &request)?).await?, output)?;
        }
        Request::List { service, state, limit } => {
            let parent = parent(client.profile(), service.as_deref())?;
            let state = state.as_deref().map(parse_state).transpose()?;
            let requests = list(&client, &parent, state, limit).await?;
            let report = |answer: &Answer| RequestReport::new(answer, &client.profile().root);
            output.show(&RequestList { requests: requests.iter().map(report).collect() })?;
        }
        Request::Watch { request: Some(request), .. } => {
            return watch_one(&client, &named(profile, &request)?, output).await;
        }
        Request::Watch { request: None, service } => {
            let parent = parent(client.profile(), service.as_deref())?;
            return watch_all(&client, &parent, output).await;
        }
        Request::Cancel { request } => {
            show(&client, &client.cancel(&named(profile, &request)?).await?, output)?;
        }
    }
    Ok(Exit::Ok)
}

pub(super) async fn list(
    client: &Client,
    parent: &Parent,
    state: Option<SignRequestState>,
    limit: u32,
) -> Result<Vec<Answer>, Failure> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let missing = limit.saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            return Ok(all);
        }
        let page = client.requests(parent, state, missing.min(PAGE_MAX), token).await?;
        all.extend(page.sign_requests);
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(all);
        }
    }
}

/// Prints one request as it changes, until it is final.
async fn watch_one(client: &Client, name: &RequestKey, output: &Output) -> Result<Exit, Failure> {
    // Watched before it is read, so that no change is missed in between.
    let mut events = client.watch(&Parent::Service(name.service.clone())).await?;
    let mut answer = client.request(name).await?;
    let full = answer.name.clone();
    loop {
        if is_final(answer.state()) {
            show(client, &answer, output)?;
            return Ok(exit_of(answer.state()));
        }
        print(client, &answer, output)?;
        answer = loop {
            let event = events.message().await?.ok_or_else(ended)?;
            match event.sign_request {
                Some(changed) if changed.name == full => break changed,
                Some(_) | None => {}
            }
        };
    }
}

/// Prints every request as it changes, until somebody stops it.
async fn watch_all(client: &Client, parent: &Parent, output: &Output) -> Result<Exit, Failure> {
    let mut events = client.watch(parent).await?;
    output.say(format_args!("watching {parent}; Ctrl-C ends it"));
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Ok),
            event = events.message() => {
                let event = event?.ok_or_else(ended)?;
                if let Some(answer) = event.sign_request {
                    print(client, &answer, output)?;
                }
            }
        }
    }
}

fn ended() -> Failure {
    Failure::new(Exit::Unavailable, "the coordinator ended the watch: is it stopping?")
}

fn show(client: &Client, answer: &Answer, output: &Output) -> Result<(), Failure> {
    output.show(&RequestReport::new(answer, &client.profile().root))
}

/// One line for people, one object for programs.
fn print(client: &Client, answer: &Answer, output: &Output) -> Result<(), Failure> {
    let report = RequestReport::new(answer, &client.profile().root);
    if output.is_json() { output.show(&report) } else { output.raw(&line(&report, output.paint())) }
}

/// A request by its full name, or by its UUID among those of the profile's service.
pub(super) fn named(profile: &Profile, text: &str) -> Result<RequestKey, Failure> {
    if text.contains('/') {
        let key = parse_sign_request("request", text);
        return key.map_err(|error| Failure::usage(error.to_string()));
    }
    let request_id: RequestId =
        text.parse().map_err(|error| Failure::usage(format!("{text:?}: {error}")))?;
    match &profile.who {
        Who::Service { name, .. } => Ok(RequestKey { service: name.clone(), request_id }),
        Who::Person(_) => {
            Err(Failure::usage("name the service too: services/SERVICE/signRequests/UUID"))
        }
    }
}

/// Whose requests are meant.
fn parent(profile: &Profile, service: Option<&str>) -> Result<Parent, Failure> {
    match (service, &profile.who) {
        (Some("-"), _) | (None, Who::Person(_)) => Ok(Parent::Any),
        (Some(service), _) => match service.parse() {
            Ok(service) => Ok(Parent::Service(service)),
            Err(error) => Err(Failure::usage(format!("--service: {error}"))),
        },
        (None, Who::Service { name, .. }) => Ok(Parent::Service(name.clone())),
    }
}

fn parse_state(text: &str) -> Result<SignRequestState, Failure> {
    let name = format!("SIGN_REQUEST_STATE_{}", text.to_uppercase());
    let state = SignRequestState::from_str_name(&name);
    state.filter(|state| *state != SignRequestState::Unspecified).ok_or_else(|| {
        Failure::usage(format!(
            "{text:?} is no state: expected PENDING_APPROVAL, QUEUED, SIGNING, SIGNED, DENIED, \
             REJECTED, EXPIRED, CANCELED or FAILED"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_named_as_they_are_shown() {
        assert_eq!(parse_state("queued").unwrap(), SignRequestState::Queued);
        assert_eq!(parse_state("PENDING_APPROVAL").unwrap(), SignRequestState::PendingApproval);
        for text in ["", "UNSPECIFIED", "DONE"] {
            assert_eq!(parse_state(text).unwrap_err().exit(), Exit::Usage, "{text}");
        }
    }
}
