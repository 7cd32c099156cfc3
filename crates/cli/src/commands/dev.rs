//! `quorate dev`: a cluster that stays, to try things.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_api::status::Reason;
use quorate_model::{KeyId, Scheme};

use super::{key, serve};
use crate::args::{KeyCreate, Size};
use crate::dev::{Cluster, Start, sample};
use crate::exit::{Exit, Failure};
use crate::output::Output;

const FOLDER: &str = "quorate-dev";
const WAIT: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);

const BANNER: &str = "\
****************************************************************
*  NOT FOR FUNDS: every private key of this cluster lies in    *
*  one folder of one machine. Whoever reads it has the keys.   *
****************************************************************";

pub(super) async fn run(
    dir: Option<PathBuf>,
    size: Size,
    output: &Output,
) -> Result<Exit, Failure> {
    output.say(output.paint().bad(BANNER));
    let dir = dir.unwrap_or_else(|| PathBuf::from(FOLDER));
    let (mut cluster, start) =
        Cluster::open(std::env::current_exe()?, &dir, size.nodes, size.threshold)?;
    if start == Start::Resumed {
        output.say(format_args!("taking up the cluster in {}, with its keys", dir.display()));
    }
    let shutdown = serve::shutdown(false)?;
    tokio::pin!(shutdown);
    let ended = tokio::select! {
        () = &mut shutdown => Ok(()),
        ended = bring_up(&mut cluster, output) => ended,
    };
    let ended = match ended {
        Ok(()) => tokio::select! {
            () = &mut shutdown => Ok(Exit::Ok),
            never = watch(&mut cluster, output) => never,
        },
        Err(failure) => {
            output.say(cluster.last_lines());
            Err(failure)
        }
    };
    output.say("stopping");
    cluster.stop().await;
    ended
}

async fn bring_up(cluster: &mut Cluster, output: &Output) -> Result<(), Failure> {
    cluster.start().await?;
    for (name, scheme) in sample::KEYS {
        make_key(cluster, name.parse()?, scheme, output).await?;
    }
    let (nodes, threshold) = (cluster.node_ids().len(), cluster.threshold());
    output.say(format_args!("cluster {}: {threshold} of {nodes} nodes sign", cluster.id()));
    output.say(next_steps(&cluster.profile_dir()));
    Ok(())
}

/// Makes a key, unless it is there.
async fn make_key(
    cluster: &Cluster,
    key: KeyId,
    scheme: Scheme,
    output: &Output,
) -> Result<(), Failure> {
    let client = cluster.client().await?;
    match client.key(&key).await {
        Ok(_) => return Ok(()),
        Err(failure) if failure.reason() == Some(Reason::NotFound) => {}
        Err(failure) => return Err(failure),
    }
    let order = KeyCreate {
        key,
        scheme,
        threshold: cluster.threshold(),
        nodes: Vec::new(),
        raw_ok: false,
        activation: quorate_model::Activation::AtOnce,
        officer_keys: cluster.officer_keys(),
        wait: WAIT,
    };
    let report = key::create(&client, &order, output).await?;
    output.show(&report)
}

/// Says when a process is gone, which is a thing to try. Never ends by itself.
async fn watch(cluster: &mut Cluster, output: &Output) -> Result<Exit, Failure> {
    loop {
        for ended in cluster.reap() {
            output.say(format_args!("{ended}; start `quorate dev` again to have it back"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn next_steps(profile: &Path) -> String {
    let quorate = std::env::args().next().unwrap_or_else(|| "quorate".to_owned());
    let (coin, sats) = sample::COINS[0];
    let payee = sample::BTC_PAYEE;
    format!(
        "\nIt runs until Ctrl-C. In another terminal:\n\n  \
         export QUORATE_DIR={}\n\n  \
         {quorate} sign btc --pay {payee} --amount 50000 --coin {coin}:{sats} --fee 500\n  \
         {quorate} status\n  \
         {quorate} request list\n\n\
         To see a denial, pay {} instead.",
        std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned()).display(),
        sample::BTC_STRANGER,
    )
}
