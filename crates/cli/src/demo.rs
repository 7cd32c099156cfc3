//! Everything that a cluster does, shown in a minute on one that is thrown away.

mod forger;
mod people;
mod report;
mod rotate;
mod steps;

pub(crate) use steps::run;
