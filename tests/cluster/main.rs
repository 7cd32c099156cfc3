//! Clusters of real processes: everything between the command line and the disk is the real part.

#![expect(clippy::unwrap_used, reason = "a test fails where something unexpected is")]

#[path = "../altered.rs"]
mod altered;
mod audit;
mod backup;
mod by_hand;
mod demo;
mod dev;
mod doctor;
mod files;
mod key_states;
mod lab;
mod loss;
mod matrix;
mod pairs;
mod paths;
mod people;
mod put_back;
mod raw;
mod restart;
mod roots;
mod rotation;
mod seal;
mod setup;
mod sign;
#[path = "../softhsm.rs"]
mod softhsm;
mod token;
mod verdicts;
