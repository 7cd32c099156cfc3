//! `quorate policy sign` and `quorate policy activate`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_trust::{Namespace, OrderAction, Successor};

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
    if let Some(failed) = bundle.run_tests().results.into_iter().find(|test| test.failure.is_some())
    {
        let message =
            format!("the bundle fails its own test {:?}: no node would take it", failed.name);
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
    let (text, written) = document::sign(file, action, &read_key(key)?, expires, &profile.root)?;
    output.say(format_args!("You signed:\n\n{text}\nSignature: {}", written.display()));
    let order = document::order_file(file);
    output.say(format_args!(
        "Next, the others: quorate policy sign {0} --key FILE, or\n  \
         ssh-keygen -Y sign -n {1} -f KEY {2}\n\
         Then: quorate policy activate {0}",
        file.display(),
        Namespace::Order,
        order.display()
    ));
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
