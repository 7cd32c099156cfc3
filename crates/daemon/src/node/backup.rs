//! Backups of this node: sealed here, so that no share leaves the process unsealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_api::backup::{encode_backup, encode_contents, encode_piece};
use quorate_api::limits;
use quorate_api::pb::node::v1::CreateBackupResponse;
use quorate_api::status::{Failure, Reason};
use quorate_backup::{Draft, SealError, Sealing};
use quorate_signer::BackupRefusal;
use rand_core::OsRng;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::export::{CHUNK_BYTES_MAX, CHUNKS_MAX};

/// Backups at one time.
const BACKUPS_MAX: usize = 1;

type Chunk = Result<CreateBackupResponse, Status>;

/// Whether a backup may be made now.
#[derive(Clone)]
pub(super) struct Backups(Arc<Semaphore>);

/// The right to make one.
pub(super) struct BackupTurn(OwnedSemaphorePermit);

/// Why a backup is not sealed.
#[derive(Debug, thiserror::Error)]
enum SealFault {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("nothing can be encrypted to the recipient of {officer}: {reason}")]
    Officer { officer: String, reason: String },
    #[error("the backup has {found} bytes, and at most {} are read", limits::BACKUP_BYTES_MAX)]
    TooLong { found: usize },
}

impl Backups {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BACKUPS_MAX)))
    }

    pub(super) fn turn(&self) -> Result<BackupTurn, Status> {
        let permit = Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            Failure::new(Reason::Limit, "a backup is under way: wait until it is made")
        })?;
        Ok(BackupTurn(permit))
    }
}

impl BackupTurn {
    /// Seals what the engine gave away, and streams the file.
    pub(super) async fn stream(
        self,
        draft: Result<Box<Draft>, BackupRefusal>,
    ) -> Result<ReceiverStream<Chunk>, Status> {
        let draft = draft.map_err(refused)?;
        // Splitting and encrypting are not for a thread of the runtime.
        let sealed = tokio::task::spawn_blocking(move || seal(*draft)).await;
        let internal =
            |error: &dyn std::error::Error| Failure::new(Reason::Internal, error.to_string());
        let file = sealed.map_err(|e| internal(&e))?.map_err(|e| internal(&e))?;
        let (chunks, stream) = mpsc::channel(CHUNKS_MAX);
        tokio::spawn(async move {
            let _permit = self.0;
            for chunk in file.chunks(CHUNK_BYTES_MAX) {
                let chunk = CreateBackupResponse { chunk: chunk.to_vec() };
                if chunks.send(Ok(chunk)).await.is_err() {
                    // The reader is gone.
                    return;
                }
            }
        });
        Ok(ReceiverStream::new(stream))
    }
}

fn refused(refusal: BackupRefusal) -> Status {
    let reason = match refusal {
        BackupRefusal::NoOfficers(_) | BackupRefusal::NoKeys => Reason::FailedPrecondition,
        BackupRefusal::TooManyKeys { .. } => Reason::Limit,
    };
    Failure::new(reason, refusal.to_string()).into()
}

/// The file of a backup.
fn seal(draft: Draft) -> Result<Vec<u8>, SealFault> {
    let (sealing, contents) = Sealing::begin(draft, &mut OsRng)?;
    let mut files = BTreeMap::new();
    for (piece, recipient) in sealing.pieces().iter().zip(sealing.header().officers.values()) {
        let refused =
            |reason: String| SealFault::Officer { officer: piece.officer.to_string(), reason };
        let recipient = recipient.to_string().parse::<age::x25519::Recipient>();
        let recipient = recipient.map_err(|error| refused(error.to_owned()))?;
        let file = age::encrypt(&recipient, &encode_piece(piece));
        let file = file.map_err(|error| refused(error.to_string()))?;
        files.insert(piece.officer.clone(), file);
    }
    let file = encode_backup(&sealing.finish(files, &encode_contents(&contents))?);
    let found = file.len();
    if found > limits::BACKUP_BYTES_MAX { Err(SealFault::TooLong { found }) } else { Ok(file) }
}
