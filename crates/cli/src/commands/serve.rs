//! `quorate node` and `quorate coordinator`: the services, until they are asked to stop.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use quorate_daemon::{run_coordinator, run_node};
use quorate_protocol::ecdsa::Dkls23;
use quorate_telemetry::{LogFormat, init_logs};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Coordinator;
use crate::exit::{Exit, Failure};

pub(super) async fn node(config: &Path, until_stdin_closes: bool) -> Result<Exit, Failure> {
    init_logs(LogFormat::Text);
    run_node(config, Arc::new(Dkls23), shutdown(until_stdin_closes)?).await?;
    Ok(Exit::Ok)
}

pub(super) async fn coordinator(coordinator: Coordinator) -> Result<Exit, Failure> {
    init_logs(LogFormat::Text);
    let Coordinator { config, ready_file, until_stdin_closes } = coordinator;
    run_coordinator(&config, ready_file, shutdown(until_stdin_closes)?).await?;
    Ok(Exit::Ok)
}

/// Ends when somebody asks the process to stop.
pub(super) fn shutdown(until_stdin_closes: bool) -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = stdin_closed(), if until_stdin_closes => {}
        }
    })
}

async fn stdin_closed() {
    let (mut stdin, mut unread) = (tokio::io::stdin(), [0; 256]);
    while stdin.read(&mut unread).await.is_ok_and(|bytes| bytes > 0) {}
}
