//! `quorate demo`.

use super::serve;
use crate::args::Size;
use crate::demo;
use crate::dev::Cluster;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) async fn run(size: Size, output: &Output) -> Result<Exit, Failure> {
    // Gone with everything in it when this function ends, however it ends.
    let dir = tempfile::Builder::new().prefix("quorate-demo-").tempdir()?;
    let (mut cluster, _) =
        Cluster::open(std::env::current_exe()?, dir.path(), size.nodes, size.threshold)?;
    let shutdown = serve::shutdown(false)?;
    let ended = tokio::select! {
        () = shutdown => None,
        ended = demo::run(&mut cluster, output) => Some(ended),
    };
    if let Some(Err(_)) = ended {
        output.say(cluster.last_lines());
    }
    cluster.stop().await;
    let ended = ended.ok_or_else(|| Failure::new(Exit::Error, "interrupted"))?;
    output.show(&ended?)?;
    Ok(Exit::Ok)
}
