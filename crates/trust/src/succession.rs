//! What is in force, and what follows it: policy bundles, and versions of the trust root.

use quorate_model::{Digest, Timestamp};

use crate::Successor;

/// Documents that wait to come into force, at most.
const SCHEDULED_MAX: usize = 8;

/// A chain of documents, each of which names the one before it. Never goes back, and never branches:
/// the first of two that follow the same one is taken, the other is refused for ever.
#[derive(Debug, Clone)]
pub struct Succession<T> {
    newest: (u64, Digest),
    /// Ascending by version.
    scheduled: Vec<Scheduled<T>>,
}

/// A document that was accepted and is not in force yet.
#[derive(Debug, Clone)]
pub struct Scheduled<T> {
    /// Its version.
    pub version: u64,
    /// Its hash.
    pub hash: Digest,
    /// When it comes into force.
    pub begins: Timestamp,
    /// The document.
    pub document: T,
}

/// Why a document does not come next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// The newest is as new or newer.
    #[error("version {offered} was offered, and version {newest} is here: nothing goes back")]
    NotNewer {
        /// Its version.
        offered: u64,
        /// The newest version here.
        newest: u64,
    },
    /// It follows another one: an earlier one is missing here, or there is a fork.
    #[error(
        "it does not follow {}, the newest here (version {version}): bring what is missing, or, after a fork, one that names every branch",
        .newest.short()
    )]
    OtherPredecessor {
        /// The newest here.
        newest: Digest,
        /// Its version.
        version: u64,
    },
    /// Too many wait already.
    #[error("{SCHEDULED_MAX} wait to come into force already: take them back, or wait for one")]
    TooMany,
}

impl<T> Succession<T> {
    /// A chain of which this is the first.
    pub fn new(version: u64, hash: Digest) -> Self {
        Self { newest: (version, hash), scheduled: Vec::new() }
    }

    /// The version and the hash of the newest, in force or not.
    pub fn newest(&self) -> (u64, Digest) {
        self.newest
    }

    /// Checks that a document comes next.
    ///
    /// # Errors
    /// [`SuccessionError`].
    pub fn check(&self, successor: &Successor) -> Result<(), SuccessionError> {
        let (version, newest) = self.newest;
        if successor.version <= version {
            let offered = successor.version;
            return Err(SuccessionError::NotNewer { offered, newest: version });
        }
        if !successor.previous.contains(&newest) {
            return Err(SuccessionError::OtherPredecessor { newest, version });
        }
        Ok(())
    }

    /// Checks that one more may wait. One that does not wait needs no room: it takes back what does.
    ///
    /// # Errors
    /// [`SuccessionError::TooMany`].
    pub fn check_room(&self) -> Result<(), SuccessionError> {
        if self.scheduled.len() < SCHEDULED_MAX { Ok(()) } else { Err(SuccessionError::TooMany) }
    }

    /// Takes the next document.
    ///
    /// # Errors
    /// As [`Succession::check`]; nothing has changed.
    pub fn append(
        &mut self,
        successor: &Successor,
        begins: Timestamp,
        document: T,
    ) -> Result<(), SuccessionError> {
        self.check(successor)?;
        let Successor { version, hash, .. } = *successor;
        self.newest = (version, hash);
        self.scheduled.push(Scheduled { version, hash, begins, document });
        Ok(())
    }

    /// Takes out the newest document whose time has come. Older ones that wait go with it: what is in
    /// force never goes back to them.
    pub fn begin(&mut self, now: Timestamp) -> Option<Scheduled<T>> {
        let last = self.scheduled.iter().rposition(|scheduled| scheduled.begins <= now)?;
        self.scheduled.drain(..=last).next_back()
    }

    /// Has a document that waits come into force sooner.
    pub fn hasten(&mut self, hash: &Digest, begins: Timestamp) {
        for scheduled in self.scheduled.iter_mut().filter(|scheduled| scheduled.hash == *hash) {
            scheduled.begins = scheduled.begins.min(begins);
        }
    }

    /// When the next document comes into force.
    pub fn next_begin(&self) -> Option<Timestamp> {
        self.scheduled.iter().map(|scheduled| scheduled.begins).min()
    }

    /// What waits to come into force, oldest version first.
    pub fn scheduled(&self) -> &[Scheduled<T>] {
        &self.scheduled
    }
}

#[cfg(test)]
#[path = "succession_tests.rs"]
mod tests;
