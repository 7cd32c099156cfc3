//! Makes many keys, as many at one time as the machine has cores.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use quorate_cli::dev::Cluster;
use quorate_model::Scheme;

use crate::clients::Failure;
use crate::processes::make_key;

/// How often it is said how far this is.
const SAY: Duration = Duration::from_secs(30);

/// What is still to be done, and what came of it.
struct Progress<'a> {
    names: &'a mut VecDeque<String>,
    missing: usize,
    made: Vec<String>,
    said: Instant,
}

/// Makes so many keys, with as many of these names as it takes: a name whose key generation failed is not
/// used again. Gives the names of those that were made.
pub(crate) fn make_keys(
    cluster: &Cluster,
    executable: &Path,
    names: &mut VecDeque<String>,
    count: usize,
    scheme: Scheme,
) -> Result<Vec<String>, Failure> {
    let begun = Instant::now();
    let progress = Progress { names, missing: count, made: Vec::new(), said: begun };
    let progress = Mutex::new(progress);
    let locked = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || -> Result<(), Failure> {
        loop {
            let name = {
                let mut progress = locked();
                if progress.missing == 0 {
                    return Ok(());
                }
                progress.missing -= 1;
                progress.names.pop_front().ok_or("too many key generations failed")?
            };
            let made = make_key(cluster, executable, &name, scheme);
            let mut progress = locked();
            match made {
                Ok(()) => progress.made.push(name),
                Err(failure) => {
                    println!("{failure}");
                    progress.missing += 1;
                }
            }
            if progress.said.elapsed() >= SAY {
                progress.said = Instant::now();
                let (made, elapsed) = (progress.made.len(), begun.elapsed().as_secs());
                println!("{made} of {count} keys after {elapsed} s");
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(count);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut ended = workers.into_iter().map(|worker| worker.join());
        ended.try_for_each(|ended| ended.map_err(|_| "a thread panicked")?)
    })?;
    let made = progress.into_inner().unwrap_or_else(PoisonError::into_inner).made;
    let elapsed = begun.elapsed();
    println!("{count} more keys in {elapsed:.0?}, {:.2?} each", elapsed / u32::try_from(count)?);
    Ok(made)
}
