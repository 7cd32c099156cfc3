//! A cluster of this machine's processes, in one folder: to try things, never for funds.

mod cluster;
mod make;
mod process;
pub(crate) mod sample;

pub use cluster::{Cluster, Start};
