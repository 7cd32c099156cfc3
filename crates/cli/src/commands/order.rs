//! `quorate order` and `quorate freeze`.

mod readmit;
pub(super) mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_api::pb::custody::v1::Order as Answer;
use quorate_api::pb::node::v1::SubmitOrderRequest;
use quorate_api::pb::node::v1::node_admin_client::NodeAdminClient;
use quorate_intent::Address;
use quorate_model::{Digest, KeyId, OrderId};
use quorate_net::connect_uds;
use quorate_trust::{Destination, Namespace, Order, OrderAction, SignedOrder, StateChange, Sweep};
use tokio::time::{Instant, sleep};

use self::report::{OrderList, OrderReport};
use super::connect;
use crate::args::{Freeze, OrderCommand, Propose};
use crate::client::Client;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::Output;
use crate::profile::Profile;
use crate::setup::join::read_key;
use crate::signing::{document, order, signature};

const POLL: Duration = Duration::from_millis(50);

pub(super) async fn run(
    command: OrderCommand,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        OrderCommand::Propose { action, out, expires } => {
            propose(action, &out, expires, dir, output).await
        }
        OrderCommand::Sign { file, key } => sign(&file, &key, dir, output),
        OrderCommand::Submit { file, admin_socket, wait } => {
            let profile = Profile::load(dir.as_deref())?;
            let order = document::read_order(&file, &profile.root)?;
            submit(order, admin_socket.as_deref(), wait, profile, output).await
        }
        OrderCommand::Show { order: Some(order) } => {
            let client = connect(dir).await?;
            output.show(&OrderReport::new(&client.order(&order).await?, client.profile())?)?;
            Ok(Exit::Ok)
        }
        OrderCommand::Show { order: None } => {
            let client = connect(dir).await?;
            let mut orders = Vec::new();
            for order in client.orders().await? {
                orders.push(OrderReport::new(&order, client.profile())?);
            }
            output.show(&OrderList { orders })?;
            Ok(Exit::Ok)
        }
    }
}

/// Freezes at once: proposes, signs and submits.
pub(super) async fn freeze(
    command: Freeze,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let Freeze { scope, officer_key, admin_socket, wait } = command;
    let profile = Profile::load(dir.as_deref())?;
    let text =
        order::propose(&profile.root, OrderAction::Freeze(scope), clock::now(), order::AT_ONCE)?;
    let officers = order::officers(&[officer_key], &profile.root)?;
    let order = order::sign(text, &officers, &profile.root)?;
    submit(order, admin_socket.as_deref(), wait, profile, output).await
}

async fn propose(
    action: Propose,
    out: &Path,
    expires: Duration,
    dir: Option<PathBuf>,
    output: &Output,
) -> Result<Exit, Failure> {
    let profile = Profile::load(dir.as_deref())?;
    let root = profile.root.clone();
    let action = match action {
        Propose::Freeze { scope } => OrderAction::Freeze(scope),
        Propose::Suspend { key } => OrderAction::Suspend(key),
        Propose::Unfreeze { order } => OrderAction::Unfreeze(digest_of(&order, profile).await?),
        Propose::Resume { order } => OrderAction::Resume(digest_of(&order, profile).await?),
        Propose::Activate { key, lasts } => {
            let until = lasts.map(|lasts| clock::now().plus_millis(clock::millis(lasts)));
            OrderAction::ChangeState(StateChange::Activate { key, until })
        }
        Propose::Deactivate { key, to } => {
            OrderAction::ChangeState(StateChange::Deactivate(sweep(key, to)?))
        }
        Propose::Compromise { key, to, approved_by: quorum } => {
            let sweep = sweep(key, to)?;
            OrderAction::ChangeState(StateChange::Compromise { sweep, quorum })
        }
        Propose::Destroy { key, confirm } if confirm == key => {
            OrderAction::ChangeState(StateChange::Destroy(key))
        }
        Propose::Destroy { key, confirm } => {
            let message =
                format!("{confirm} is not {key}: name the key that is to be destroyed twice");
            return Err(Failure::new(Exit::Usage, message));
        }
        Propose::Keep { order } => {
            OrderAction::ChangeState(StateChange::Keep(digest_of(&order, profile).await?))
        }
        Propose::Readmit { node } => {
            readmit::action(node, &Client::connect(profile).await?).await?
        }
    };
    let text = order::propose(&root, action, clock::now(), expires)?;
    files::create(out, &text)?;
    output.raw(&text)?;
    let file = out.display();
    output.say(format_args!(
        "\nNext, each who signs: quorate order sign {file} --key person.pem, or\n  \
         ssh-keygen -Y sign -n {} -f KEY {file}",
        Namespace::Order
    ));
    Ok(Exit::Ok)
}

/// Destinations, each written as nodes decode it.
fn sweep(key: KeyId, to: Vec<Destination>) -> Result<Sweep, Failure> {
    for destination in &to {
        let (network, text) = (destination.network(), destination.address());
        let address = Address::parse(text, network)?;
        if address.as_str() != text {
            let message = format!("write {destination} as {network}/{}", address.as_str());
            return Err(Failure::new(Exit::Usage, message));
        }
    }
    Ok(Sweep { key, to: to.into_iter().collect() })
}

/// The digest of the order that is to be lifted: given itself, or by the order's id, which a
/// coordinator is asked for. What it answers is hashed here.
async fn digest_of(order: &str, profile: Profile) -> Result<Digest, Failure> {
    if let Ok(digest) = order.parse() {
        return Ok(digest);
    }
    let id: OrderId = order.parse()?;
    let client = Client::connect(profile).await?;
    let answer = client.order(&id).await?;
    let signed = report::verified(&answer, client.profile())?;
    if signed.order().id == id {
        return Ok(signed.digest());
    }
    let message = format!("the coordinator answered with order {}", signed.order().id);
    Err(Failure::new(Exit::Error, message))
}

fn sign(file: &Path, key: &Path, dir: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let profile = Profile::load(dir.as_deref())?;
    let text = files::read(file)?;
    // Nobody signs what no node would carry out.
    Order::parse(&text)?.check(&profile.root)?;
    output.say(format_args!("You sign:\n\n{text}"));
    let key = read_key(key)?;
    let written = signature::sign_file(file, &text, Namespace::Order, &key, &profile.root)?;
    output.say(format_args!("Signature: {}", written.display()));
    output.say(format_args!("Next: quorate order submit {}", file.display()));
    Ok(Exit::Ok)
}

/// Hands in an order, and tells where it holds.
pub(super) async fn submit(
    order: SignedOrder,
    admin_socket: Option<&Path>,
    wait: Duration,
    profile: Profile,
    output: &Output,
) -> Result<Exit, Failure> {
    if let Some(socket) = admin_socket {
        let report = by_hand(order, socket, &profile).await?;
        output.show(&report)?;
        return Ok(Exit::Ok);
    }
    let client = Client::connect(profile).await?;
    let mut answer = client.submit_order(order.clone()).await?;
    let id = Order::parse(&order.text)?.id;
    let attached = client.cluster().await?.nodes.iter().filter(|node| node.attached).count();
    let deadline = Instant::now() + wait;
    let progress = output.progress("bringing the order to the nodes");
    while answer.answers.len() < attached && Instant::now() < deadline {
        sleep(POLL).await;
        answer = client.order(&id).await?;
    }
    drop(progress);
    show(&answer, client.profile(), output)
}

fn show(answer: &Answer, profile: &Profile, output: &Output) -> Result<Exit, Failure> {
    let report = OrderReport::new(answer, profile)?;
    let holds = report.holds(profile);
    output.show(&report)?;
    output.say(holds.words());
    Ok(if holds.is_enough() { Exit::Ok } else { Exit::Timeout })
}

/// Brings an order to one node, by its admin socket.
async fn by_hand(
    order: SignedOrder,
    socket: &Path,
    profile: &Profile,
) -> Result<OrderReport, Failure> {
    let mut node = NodeAdminClient::new(connect_uds(socket).await?);
    let call = SubmitOrderRequest { order: Some(order.clone().into()) };
    let acceptance = node.submit_order(call).await?.into_inner().acceptance;
    OrderReport::by_hand(order, acceptance, profile)
}
