//! A whole cluster in one thread: real engines, simulated network, clock, disks and faults, all from
//! one seed. For tests and benches only.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fixture names what it expects, not the rest"
)]

mod approvals;
mod cluster;
mod disk;
mod driver;
mod ecdsa;
mod faults;
mod lab;
mod network;
mod oracle;
mod rng;
mod timeline;
mod verdicts;
mod workload;
mod world;

pub use cluster::{ClusterFixture, PaymentRequest, PaymentSize, SERVICE, Signers, network_of};
pub use disk::{Disk, Keeps};
pub use driver::Bug;
pub use ecdsa::OpenEcdsa;
pub use faults::Faults;
pub use lab::{Lab, ToSign};
pub use network::{Frame, Meddler};
pub use oracle::Violation;
pub use rng::seeded;
pub use timeline::Timeline;
pub use workload::Workload;
pub use world::{Outcome, World};
