//! `grpc.health.v1`: the process lives; and some key could be signed with now.

use std::time::Duration;

use quorate_coordinator::{ClientReply, ClientRequest};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};

use super::port::Port;

const INTERVAL: Duration = Duration::from_secs(1);

/// The health service. `live` and the empty name serve while the process does; `ready` serves
/// while some active key has as many ready holders attached as its threshold.
pub(super) fn serve(port: Port, stop: CancellationToken) -> HealthServer<impl Health> {
    let (reporter, service) = tonic_health::server::health_reporter();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        reporter.set_service_status("live", ServingStatus::Serving).await;
        loop {
            let ready = could_sign(&port).await;
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            reporter.set_service_status("ready", status).await;
            metrics::gauge!("quorate_ready").set(if ready { 1.0 } else { 0.0 });
            tokio::time::sleep(INTERVAL).await;
        }
    }));
    service
}

async fn could_sign(port: &Port) -> bool {
    let (Ok(ClientReply::Cluster(cluster)), Ok(ClientReply::Keys(keys))) =
        (port.ask(ClientRequest::GetCluster).await, port.ask(ClientRequest::ListKeys).await)
    else {
        return false;
    };
    let ready: Vec<_> = cluster
        .nodes
        .iter()
        .filter(|node| node.attached && node.status.as_ref().is_some_and(|status| status.ready))
        .map(|node| node.node)
        .collect();
    keys.iter().filter(|key| key.record.active).any(|key| {
        let certified = &key.record.certificate.certified;
        let holders = ready.iter().filter(|id| certified.roster.contains(**id)).count();
        holders >= certified.threshold.as_usize()
    })
}
