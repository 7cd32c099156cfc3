//! Whether a node runs or is sealed, and what moves it between the two.

use std::future::Future;

use quorate_api::status::{Failure, Reason};
use quorate_model::Erasure;
use quorate_signer::Administration;
use quorate_store::{KekError, KeyringError, OpenError, Passphrase, RewrapError, TokenError};
use rand_core::OsRng;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::Opener;
use super::live::LiveNode;
use super::running::Running;
use crate::DaemonError;
use crate::config::{KekContext, pinned};
use crate::error::with_causes;
use crate::files;
use crate::storage::Whose;

/// Who is told how it went.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// What an administrator wants of the node as a whole.
pub(super) enum LifeCall {
    /// Opens a sealed node.
    Unseal(Option<Passphrase>, Reply<()>),
    /// Seals one that runs.
    Seal(Reply<()>),
    /// Replaces the key-encryption key of one that runs.
    RotateKek(Option<Passphrase>, Reply<Rotated>),
}

/// What a rotation has made.
pub(super) struct Rotated {
    /// What wraps the data keys now, in words.
    pub(super) to: String,
    pub(super) erasure: Erasure,
}

/// A node, sealed or running.
pub(super) struct Life {
    opener: Opener,
    running: Option<Running>,
    live: LiveNode,
}

impl Life {
    pub(super) fn new(opener: Opener, running: Option<Running>) -> Self {
        let live = LiveNode::default();
        live.set(running.as_ref().map(|running| running.live().clone()));
        if running.is_none() {
            info!("sealed: waits for quorate node unseal");
        }
        Self { opener, running, live }
    }

    pub(super) fn live(&self) -> LiveNode {
        self.live.clone()
    }

    /// Does what administrators want, until `shutdown` or until the store fails.
    pub(super) async fn run(
        mut self,
        mut calls: mpsc::Receiver<LifeCall>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), DaemonError> {
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => {
                    info!("asked to stop");
                    return self.stop().await;
                }
                () = stopped(self.running.as_ref()) => return self.stop().await,
                Some(call) = calls.recv() => self.take(call).await?,
            }
        }
    }

    async fn take(&mut self, call: LifeCall) -> Result<(), DaemonError> {
        // Whoever asked may be gone.
        match call {
            LifeCall::Unseal(given, reply) => drop(reply.send(self.unseal(given).await)),
            LifeCall::RotateKek(given, reply) => drop(reply.send(self.rotate_kek(given).await)),
            LifeCall::Seal(reply) => {
                let sealed = match self.note(Administration::Seal).await {
                    Ok(()) => Ok(self.stop().await?),
                    Err(refused) => Err(refused),
                };
                drop(reply.send(sealed));
            }
        }
        Ok(())
    }

    async fn unseal(&mut self, given: Option<Passphrase>) -> Result<(), Failure> {
        if self.running.is_some() {
            return Err(Failure::new(Reason::FailedPrecondition, "the node is not sealed"));
        }
        let running = self.opener.open(given).await.map_err(|refused| {
            warn!(error = %with_causes(&refused), "not unsealed");
            Failure::new(reason(&refused), with_causes(&refused))
        })?;
        info!("unsealed");
        self.live.set(Some(running.live().clone()));
        self.running = Some(running);
        Ok(())
    }

    /// Lets go of everything that a node that runs has.
    async fn stop(&mut self) -> Result<(), DaemonError> {
        self.live.set(None);
        match self.running.take() {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }

    async fn rotate_kek(&mut self, given: Option<Passphrase>) -> Result<Rotated, Failure> {
        let file = self.opener.file().map_err(|refused| precondition(with_causes(&refused)))?;
        let kek = file.store.rotation().map_err(precondition)?;
        if kek.manual != given.is_some() {
            let wanted =
                if kek.manual { "give the new passphrase" } else { "no passphrase is asked for" };
            return Err(Failure::new(Reason::InvalidArgument, wanted));
        }
        let to = kek.in_words();
        let cluster = pinned(&file.cluster).map_err(precondition)?;
        let role = format!("node/{}", file.participant);
        let owner = Whose { cluster: &cluster, role: &role }.label();
        let base = files::base(&self.opener.config);
        let context = KekContext { base: &base, owner, given };
        let kek = context.one(kek).ok_or_else(|| precondition("the passphrase is missing"))?;
        self.note(Administration::RotateKek { to: to.clone() }).await?;
        let store = self.running.as_ref().and_then(Running::store);
        let store = store.ok_or_else(|| precondition("the node is stopping"))?;
        let rewrapped = tokio::task::spawn_blocking(move || {
            store.rewrap(&kek, &mut OsRng)?;
            Ok(store.erasure())
        });
        let internal =
            |error: tokio::task::JoinError| Failure::new(Reason::Internal, error.to_string());
        let erasure = rewrapped.await.map_err(internal)?.map_err(|error: RewrapError| {
            let refusal = precondition(with_causes(&error));
            match error {
                RewrapError::Refused(_) => {
                    warn!(error = %with_causes(&error), "the KEK was not replaced")
                }
                // As after any write that failed.
                RewrapError::Failed(_) => {
                    error!(error = %with_causes(&error), "the keyring failed");
                    self.running.iter().for_each(|running| running.fail(&error));
                }
            }
            refusal
        })?;
        info!(to, erasure = erasure.as_str(), "the KEK was replaced");
        self.note(Administration::KekRotated { to: to.clone(), erasure }).await?;
        Ok(Rotated { to, erasure })
    }

    /// Has the audit log tell it, durably.
    async fn note(&self, act: Administration) -> Result<(), Failure> {
        self.live.get()?.note(act).await
    }
}

async fn stopped(running: Option<&Running>) {
    match running {
        Some(running) => running.stopped().await,
        None => std::future::pending().await,
    }
}

fn precondition(message: impl Into<String>) -> Failure {
    Failure::new(Reason::FailedPrecondition, message)
}

fn reason(refused: &DaemonError) -> Reason {
    if let DaemonError::Open(OpenError::Keyring(KeyringError::Kek(
        KekError::Wrong | KekError::Token(TokenError::WrongPin),
    ))) = refused
    {
        return Reason::NotAuthorized;
    }
    let missing = matches!(refused, DaemonError::NoPassphrase);
    if missing { Reason::InvalidArgument } else { Reason::FailedPrecondition }
}
