//! Metrics: one registry a process, in the Prometheus text format.

use std::net::SocketAddr;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Buckets for durations, in seconds: from a local sync to a deadline.
const SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The process's metrics.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The registry or its listener could not be set up.
    #[error("metrics cannot be set up")]
    Build(#[from] BuildError),
}

impl Metrics {
    /// Sets the registry up; with an address, also a listener that answers scrapes there. Call it
    /// once a process, inside a tokio runtime.
    ///
    /// # Errors
    /// [`MetricsError`], where the address is taken.
    pub fn install(address: Option<SocketAddr>) -> Result<Self, MetricsError> {
        let suffix = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(suffix, &SECONDS)?;
        match address {
            None => Ok(Self(builder.install_recorder()?)),
            Some(address) => {
                let (recorder, exporter) = builder.with_http_listener(address).build()?;
                let handle = recorder.handle();
                // Fails only where a recorder is set already: then the first one stays.
                let _ = metrics::set_global_recorder(recorder);
                tokio::spawn(exporter);
                Ok(Self(handle))
            }
        }
    }

    /// What a scrape would see.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
