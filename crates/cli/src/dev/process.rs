//! A child process of ours: its log in a file, its end in our hands.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::files;

/// How long a process may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(10);

/// A child. It is killed when this is dropped; and should we be killed ourselves, it notices that its
/// stdin was closed, and stops.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Why a process is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    #[error("cannot start {name}")]
    Start { name: String, source: io::Error },
    #[error("cannot tell whether {name} runs")]
    Wait { name: String, source: io::Error },
    #[error("{name} ended by itself ({status}); its last words: {last_words}")]
    Ended { name: String, status: String, last_words: String },
}

impl Process {
    /// Starts `executable`; its log is appended to `log`.
    pub(super) fn start<A: AsRef<OsStr>>(
        name: &str,
        executable: &Path,
        args: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Result<Self, ProcessError> {
        let error = |source| ProcessError::Start { name: name.to_owned(), source };
        let file = OpenOptions::new().create(true).append(true).open(log).map_err(error)?;
        let child = Command::new(executable)
            .args(args)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(file)
            // Ctrl-C on the terminal is for us: we stop our children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(error)?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Fails where the process has ended.
    pub(super) fn check(&mut self) -> Result<(), ProcessError> {
        let name = || self.name.clone();
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                let last_words = self.last_lines(1).join("");
                Err(ProcessError::Ended { name: name(), status: status.to_string(), last_words })
            }
            Err(source) => Err(ProcessError::Wait { name: name(), source }),
        }
    }

    /// Kills it, as a power cut would.
    pub(super) async fn kill(mut self) {
        // It may have ended already.
        let _ = self.child.kill().await;
    }

    /// Freezes it, as a machine that hangs would be: it answers nothing, and its connections stay.
    pub(super) fn pause(&self) {
        // It may have ended already.
        let _ = self.pid().map(|pid| kill_process(pid, Signal::STOP));
    }

    /// Asks it to stop, and kills it where it does not.
    pub(super) async fn stop(mut self) {
        let asked = self.pid().is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        if !asked || timeout(STOP, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Its id; `None` where it has ended.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    fn pid(&self) -> Option<Pid> {
        self.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }

    /// The last lines of its log.
    pub(super) fn last_lines(&self, count: usize) -> Vec<String> {
        let text = files::read(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let first = lines.len().saturating_sub(count);
        lines.into_iter().skip(first).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each is followed by an argument that only our own executable knows; `sh -c` ignores it.
    fn shell(script: &str, dir: &Path) -> Process {
        let log = dir.join("log");
        Process::start("shell", Path::new("/bin/sh"), ["-c", script], &log).unwrap()
    }

    #[tokio::test]
    async fn an_end_is_noticed_and_its_last_words_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = shell("echo one >&2; echo two >&2; exit 3", dir.path());
        let ended = timeout(STOP, async {
            loop {
                if let Err(error) = process.check() {
                    return error;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let ended = ended.await.unwrap().to_string();
        assert!(ended.contains("exit status: 3") && ended.ends_with("two"), "{ended}");
        assert_eq!(process.last_lines(1), ["two"]);
    }

    #[tokio::test]
    async fn a_process_is_asked_to_stop() {
        let dir = tempfile::tempdir().unwrap();
        let script =
            "trap 'echo stopped >&2; exit 0' TERM; echo up >&2; while :; do sleep 0.01; done";
        let process = shell(script, dir.path());
        let log = dir.path().join("log");
        while !files::read(&log).unwrap().contains("up") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process.stop().await;
        assert!(files::read(&log).unwrap().contains("stopped"));
    }

    #[tokio::test]
    async fn stdin_is_open_as_long_as_we_live() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = shell("read line; echo closed >&2", dir.path());
        tokio::time::sleep(Duration::from_millis(100)).await;
        process.check().unwrap();
        drop(process.child.stdin.take());
        timeout(STOP, process.child.wait()).await.unwrap().unwrap();
        assert_eq!(process.last_lines(1), ["closed"]);
    }
}
