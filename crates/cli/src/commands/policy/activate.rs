//! `quorate policy sign` and `quorate policy activate`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_trust::{OrderAction, Successor};

use super::{diff, load};
use crate::commands::order;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::profile::Profile;
use crate::setup::join::read_key;
use crate::signing::document;

pub(super) fn sign(
    file: &Path,
    key: &Path,
    old: Option<&Path>,
    expires: Duration,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let profile = Profile::load(dir.as_deref())?;
    let bundle = load(file)?;
    if let Some((failed, _)) = bundle.run_tests().failures().next() {
        let message = format!("the bundle fails its own test {failed:?}: no node would take it");
        return Err(Failure::new(Exit::Error, message).hint("quorate policy test shows why"));
    }
    if let Some(old) = old {
        output.say(diff::text(old, file)?);
    }
    let action = OrderAction::ActivatePolicy(Successor {
        version: bundle.version(),
        hash: bundle.hash(),
        previous: bundle.previous().clone(),
    });
    let signed = document::sign(file, action, &read_key(key)?, expires, &profile.root)?;
    output.say(signed.next("policy sign", "policy activate"));
    Ok(Exit::Ok)
}

pub(super) async fn activate(
    file: &Path,
    admin_socket: Option<&Path>,
    wait: Duration,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let profile = Profile::load(dir.as_deref())?;
    load(file)?;
    let order = document::read_order(&document::order_file(file), &profile.root)?;
    order::submit(order, admin_socket, wait, profile, output).await
}
