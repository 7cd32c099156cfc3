//! Sets up tracing and the metrics registry; owns redaction.
