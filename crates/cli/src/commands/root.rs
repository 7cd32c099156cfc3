//! `quorate root`: the trust root, and the versions that follow it.

mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_api::pb::custody::v1::Order as Answer;
use quorate_trust::{
    Amendment, AmendmentError, Lineage, Order, OrderAction, SignedOrder, Successor, TrustRoot,
};

use self::report::{DiffReport, FetchReport, RootReport};
use super::{connect, order};
use crate::args::Root;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::profile::Profile;
use crate::setup::join::read_key;
use crate::signing::document;
use crate::{clock, files, roots};

pub(super) async fn run(
    command: Root,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Root::Show => {
            let profile = Profile::load(dir.as_deref())?;
            output.show(&RootReport::new(&profile.root))?;
            Ok(Exit::Ok)
        }
        Root::Next { out } => next(&out, dir, output),
        Root::Diff { file } => {
            let profile = Profile::load(dir.as_deref())?;
            let (root, amendment) = read(&file, &profile.root)?;
            output.show(&DiffReport::new(&profile.root, &root, amendment))?;
            output.say(format_args!(
                "Next, each who signs: quorate root sign {} --key FILE",
                file.display()
            ));
            Ok(Exit::Ok)
        }
        Root::Sign { file, key, expires } => sign(&file, &key, expires, dir, output),
        Root::Update { file, admin_socket, wait } => {
            let profile = Profile::load(dir.as_deref())?;
            read(&file, &profile.root)?;
            let signed = document::read_order(&document::order_file(&file), &profile.root)?;
            order::submit(signed, admin_socket.as_deref(), wait, profile, output).await
        }
        Root::Fetch => fetch(dir, output).await,
    }
}

fn next(out: &Path, dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let root = Profile::load(dir.as_deref())?.root.next_version();
    files::create(out, &root.render())?;
    let out = out.display();
    output.say(format_args!(
        "Version {} is in {out}.\nNext: edit it, then quorate root diff {out}",
        root.version()
    ));
    Ok(Exit::Ok)
}

/// A version of the trust root, accepted as a node accepts it.
fn read(file: &Path, before: &TrustRoot) -> Result<(TrustRoot, Amendment), Failure> {
    let refused = |failure: Failure| {
        failure.while_trying(format!("{} cannot be the next version", file.display()))
    };
    let root = TrustRoot::parse(&files::read(file)?).map_err(|e| refused(e.into()))?;
    let follows = root.lineage.as_ref().is_some_and(|l| l.previous.contains(&before.hash()));
    if !follows {
        let message = format!("it does not follow {}, the newest known here", before.hash());
        return Err(refused(Failure::new(Exit::Error, message).hint("quorate root fetch")));
    }
    let amendment = Amendment::between(before, &root);
    let amendment = amendment.map_err(|e: AmendmentError| refused(e.into()))?;
    Ok((root, amendment))
}

fn sign(
    file: &Path,
    key: &Path,
    expires: Duration,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let profile = Profile::load(dir.as_deref())?;
    let (root, amendment) = read(file, &profile.root)?;
    output.say(DiffReport::new(&profile.root, &root, amendment).words());
    let Some(Lineage { version, previous, .. }) = root.lineage.clone() else {
        return Err(Failure::usage("the first version was made by quorate init"));
    };
    let action = OrderAction::UpdateRoot(Successor { version, hash: root.hash(), previous });
    let signed = document::sign(file, action, &read_key(key)?, expires, &profile.root)?;
    output.say(signed.next("root sign", "root update"));
    Ok(Exit::Ok)
}

/// Takes the versions that are in force from a coordinator. Each is verified under the one before, and so
/// are the words of as many nodes as sign that it is in force.
async fn fetch(dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let client = connect(dir).await?;
    let answers = client.orders().await?;
    let profile = client.profile();
    let (mut root, from) = (profile.root.clone(), profile.root.version());
    while let Some((order, answer)) = answers.iter().find_map(|answer| following(answer, &root)) {
        let next = roots::successor(&order, &root)?;
        let begins = order::report::begins(answer, order.digest(), profile)?;
        if begins.is_none_or(|begins| begins > clock::now()) {
            break;
        }
        roots::keep(&profile.genesis, &order, &root)?;
        root = next;
    }
    output.show(&FetchReport::new(from, &root))?;
    Ok(Exit::Ok)
}

/// The order that an answer is about, where it brings what follows this version.
fn following<'a>(answer: &'a Answer, root: &TrustRoot) -> Option<(SignedOrder, &'a Answer)> {
    let order = SignedOrder::try_from(answer.order.clone()?).ok()?;
    follows(&order, root).then_some((order, answer))
}

fn follows(order: &SignedOrder, root: &TrustRoot) -> bool {
    let parsed = Order::parse(&order.text);
    let Ok(Order { action: OrderAction::UpdateRoot(named), .. }) = parsed else { return false };
    named.previous.contains(&root.hash())
}
