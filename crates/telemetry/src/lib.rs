//! Sets up tracing and the metrics registry.
//!
//! Nothing secret reaches either: secret types show `<redacted>`, and this crate never sees them.

mod logs;
mod metrics;

pub use logs::{LogFormat, init_logs};
pub use metrics::{Metrics, MetricsError};
