//! How a command ends.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use quorate_api::status::Reason;
use quorate_model::RequestKey;
use tonic::Code;
use tonic_types::StatusExt as _;

/// The exit code of a command. Scripts rely on the numbers: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// It failed for a reason without a number of its own.
    Error,
    /// The command line cannot be carried out as it stands.
    Usage,
    /// The gates of the nodes refuse, or people did.
    Denied,
    /// It waits for approvals of people.
    Pending,
    /// Nobody answers, or too few nodes are there.
    Unavailable,
    /// The time ran out.
    Timeout,
    /// The request id stands for something else already.
    Conflict,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::Pending => 4,
            Self::Unavailable => 5,
            Self::Timeout => 6,
            Self::Conflict => 7,
        }
    }

    fn of(status: &tonic::Status) -> Self {
        if let Some(reason) = Reason::of(status) {
            return Self::of_reason(reason);
        }
        // No service of ours answered: these are the transport's own.
        match status.code() {
            // "Cancelled" is how a call ends whose deadline passed at this end.
            Code::DeadlineExceeded | Code::Cancelled => Self::Timeout,
            Code::Unavailable => Self::Unavailable,
            Code::Ok
            | Code::Unknown
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss
            | Code::Unauthenticated => Self::Error,
        }
    }

    const fn of_reason(reason: Reason) -> Self {
        match reason {
            Reason::PolicyDenied | Reason::Frozen => Self::Denied,
            Reason::NodesBelowThreshold | Reason::NotYet | Reason::Unavailable => Self::Unavailable,
            Reason::IdempotencyConflict => Self::Conflict,
            Reason::Expired => Self::Timeout,
            Reason::PairsFrozen
            | Reason::InvalidStatement
            | Reason::InvalidArgument
            | Reason::NotAuthorized
            | Reason::NotFound
            | Reason::Limit
            | Reason::FailedPrecondition
            | Reason::OperationFailed
            | Reason::Internal => Self::Error,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a command did not succeed: words for a person, a reason for a program, an exit code for a
/// script. Every error converts into one; it is no error type itself, so that it can.
pub struct Failure {
    exit: Exit,
    reason: Option<Reason>,
    message: String,
    causes: Vec<String>,
    request: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// A failure in words that a person can act on.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, reason: None, message, causes: Vec::new(), request: None, hint: None }
    }

    /// A command line that cannot be carried out.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what was attempted when it failed; what failed becomes a cause.
    #[must_use]
    pub fn while_trying(mut self, attempt: impl Into<String>) -> Self {
        let cause = std::mem::replace(&mut self.message, attempt.into());
        self.causes.insert(0, cause);
        self
    }

    /// Says it in other words.
    #[must_use]
    pub fn saying(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Exits with another code.
    #[must_use]
    pub fn exiting(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The exit code.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The reason that the cluster gave.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// What happened, without its causes.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The causes, nearest first.
    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The resource name of the request that was stored all the same.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The stored request, as an id.
    pub(crate) fn request_key(&self) -> Option<RequestKey> {
        quorate_api::name::parse_sign_request("name", self.request()?).ok()
    }

    fn of_status(status: &tonic::Status) -> Self {
        let info = status.get_details_error_info();
        let request = info.and_then(|info| info.metadata.get("name").cloned());
        let mut failure = Self::new(Exit::of(status), status.message());
        if failure.message.is_empty() {
            failure.message = format!("the coordinator answers {:?}", status.code());
        }
        (failure.reason, failure.request) = (Reason::of(status), request);
        failure.causes = causes(status.source());
        failure
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        if let Some(status) = (&error as &dyn Any).downcast_ref::<tonic::Status>() {
            return Self::of_status(status);
        }
        let mut failure = Self::new(Exit::Error, error.to_string());
        failure.causes = causes(error.source());
        failure
    }
}

fn causes(mut next: Option<&(dyn Error + 'static)>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    while let Some(error) = next {
        let text = error.to_string();
        // Wrappers that only repeat what is inside of them say nothing.
        if all.last() != Some(&text) {
            all.push(text);
        }
        next = error.source();
    }
    all
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} (exit {})", self.exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_api::status::Failure as Status;

    #[test]
    fn every_reason_of_the_cluster_has_its_exit_code() {
        for (reason, code) in [
            (Reason::PolicyDenied, 3),
            (Reason::NodesBelowThreshold, 5),
            (Reason::Unavailable, 5),
            (Reason::Expired, 6),
            (Reason::IdempotencyConflict, 7),
            (Reason::InvalidStatement, 1),
            (Reason::NotFound, 1),
        ] {
            let status = tonic::Status::from(Status::new(reason, "because"));
            let failure = Failure::from(status);
            assert_eq!(failure.exit().code(), code, "{reason:?}");
            assert_eq!((failure.reason(), failure.message()), (Some(reason), "because"));
        }
    }

    #[test]
    fn the_transports_own_codes_are_told_apart() {
        for (code, exit) in [
            (Code::DeadlineExceeded, Exit::Timeout),
            (Code::Cancelled, Exit::Timeout),
            (Code::Unavailable, Exit::Unavailable),
            // Somebody who is not quorate says this: it is no denial of a gate.
            (Code::PermissionDenied, Exit::Error),
        ] {
            assert_eq!(Failure::from(tonic::Status::new(code, "")).exit(), exit);
        }
    }

    #[test]
    fn a_failure_names_the_stored_request() {
        let name = "services/payments/signRequests/6a7c1d9e-0c0f-4b8e-9a53-0a6f2f2a1c11";
        let status = Status::new(Reason::PolicyDenied, "no").with("name", name);
        let failure = Failure::from(tonic::Status::from(status));
        assert_eq!(failure.request(), Some(name));
        assert_eq!(failure.request_key().unwrap().service.as_str(), "payments");
    }

    #[test]
    fn causes_are_told_once_each() {
        let inner = std::io::Error::other("disk");
        let outer = std::io::Error::other(inner);
        let failure = Failure::from(outer).while_trying("cannot write");
        assert_eq!(failure.to_string(), "cannot write: disk");
    }
}
