//! Real TLS over the loopback interface: who gets in, who does not, and what a link does when the
//! other end misbehaves.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod admin;
mod attach;
mod fixture;
mod identity;
mod listener;
mod misbehaviour;
mod uplink;
