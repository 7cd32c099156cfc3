//! What a process has of the machine's memory, and its folder of the disk.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::clients::Failure;

/// Bytes of a process.
#[derive(Clone, Copy, Default)]
pub(crate) struct Footprint {
    /// In memory now.
    pub(crate) resident: u64,
    /// In memory, at most so far.
    pub(crate) peak: u64,
    /// Of its folder on the disk, as the file system allotted them.
    pub(crate) disk: u64,
}

impl Footprint {
    pub(crate) fn of(pid: u32, dir: &Path) -> Result<Self, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |name: &str| -> Result<u64, Failure> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
            Ok(kib.ok_or_else(|| format!("process {pid} has no {name}"))?.parse::<u64>()? * 1_024)
        };
        Ok(Self { resident: bytes("VmRSS")?, peak: bytes("VmHWM")?, disk: allotted(dir)? })
    }
}

impl Footprint {
    pub(crate) fn greatest(self, other: Self) -> Self {
        Self {
            resident: self.resident.max(other.resident),
            peak: self.peak.max(other.peak),
            disk: self.disk.max(other.disk),
        }
    }
}

fn allotted(path: &Path) -> Result<u64, Failure> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        // A file of a store that runs may be gone by now.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = found.blocks() * 512;
    if found.is_dir() {
        for entry in std::fs::read_dir(path)? {
            bytes += allotted(&entry?.path())?;
        }
    }
    Ok(bytes)
}
