//! `quorate dev`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{sleep, timeout};

use crate::lab::{QUORATE, run};

struct Dev {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Dev {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(QUORATE)
            .args(["dev", "--dir"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn until(&mut self, words: &str) {
        let found = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(words) {
                    return;
                }
            }
            panic!("it never said {words:?}");
        };
        timeout(Duration::from_secs(60), found).await.unwrap();
    }
}

/// The processes whose command line names a folder.
fn processes(dir: &Path) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let name = dir.to_str().unwrap();
    lines.filter(|line| String::from_utf8_lossy(line).contains(name)).count()
}

async fn wait_gone(dir: &Path) {
    let gone = async {
        while processes(dir) > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(30), gone).await.expect("processes are left behind");
}

#[tokio::test]
async fn a_dev_cluster_comes_back_with_its_keys_and_leaves_nobody_behind() {
    let dir = tempfile::tempdir().unwrap();
    let profile = dir.path().join("payments");
    let mut dev = Dev::start(dir.path());
    dev.until("NOT FOR FUNDS").await;
    dev.until("It runs until Ctrl-C").await;
    let keys = run(&profile, &["key", "list"]).await;
    assert_eq!(keys.json["keys"].as_array().unwrap().len(), 4, "{keys:?}");
    assert_eq!(processes(dir.path()), 5);
    // Killed, it cannot stop its children: they notice by themselves.
    dev.child.kill().await.unwrap();
    wait_gone(dir.path()).await;

    let mut dev = Dev::start(dir.path());
    dev.until("taking up").await;
    dev.until("It runs until Ctrl-C").await;
    let again = run(&profile, &["key", "list"]).await;
    assert_eq!(again.json, keys.json);
    let pid = dev.child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let status = timeout(Duration::from_secs(30), dev.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(processes(dir.path()), 0);
}
