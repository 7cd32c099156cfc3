//! Makes a backup: the secret and its pieces first, then the age files, then what they open.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use frost_core::SigningKey;
use frost_core::keys::{IdentifierList, split};
use hkdf::Hkdf;
use quorate_model::{Digest, PersonName, Tag, Transcript};
use quorate_protocol::suite::Ed25519;
use rand_core::CryptoRngCore;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Contents, Draft, Header, HeaderError, Piece};

/// A sealed backup. It may lie anywhere: whoever has fewer pieces than it takes learns its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What it is of, and who opens it.
    pub header: Header,
    /// Of each officer, the age file that holds the [`Piece`].
    pub pieces: BTreeMap<PersonName, Vec<u8>>,
    /// The contents: XChaCha20-Poly1305.
    pub body: Vec<u8>,
}

/// A backup in the making: its pieces are not encrypted yet.
pub struct Sealing {
    header: Header,
    key: Zeroizing<[u8; 32]>,
    pieces: Vec<Piece>,
}

/// Why no backup is made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Officers that no secret can be split among.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A piece was not encrypted.
    #[error("there is not one age file for each recovery officer")]
    Pieces,
    /// The library refused.
    #[error("the backup's secret cannot be split or used: {0}")]
    Library(&'static str),
}

impl Sealing {
    /// Draws the secret, and splits it among the officers. The contents are for [`Sealing::finish`].
    ///
    /// # Errors
    /// [`SealError`].
    pub fn begin(
        draft: Draft,
        mut rng: &mut dyn CryptoRngCore,
    ) -> Result<(Self, Contents), SealError> {
        let Draft { cluster, node, created, root, required, officers, contents } = draft;
        let numbers = HeaderError::Numbers { required, officers: officers.len(), commitments: 0 };
        let (Ok(of), Ok(least)) = (u16::try_from(officers.len()), u16::try_from(required)) else {
            return Err(numbers.into());
        };
        let secret = SigningKey::<Ed25519>::new(&mut rng);
        let split = split(&secret, of, least, IdentifierList::Default, &mut rng);
        let (shares, _) = split.map_err(|_| numbers)?;
        let library = |_| SealError::Library("commitments");
        let first = shares.values().next().ok_or(SealError::Library("no shares"))?;
        let commitments = first.commitment().serialize().map_err(library)?;
        let sharings = contents.sharings();
        let header =
            Header { cluster, node, created, root, sharings, required, officers, commitments };
        let digest = header.digest();
        let mut pieces = Vec::new();
        for name in header.officers.keys() {
            let share = header.identifier(name).and_then(|id| shares.get(&id));
            let share = share.ok_or(SealError::Library("a share is missing"))?;
            let bytes = Zeroizing::new(share.signing_share().serialize());
            let bytes = bytes.as_slice().try_into().map_err(|_| SealError::Library("a scalar"))?;
            pieces.push(Piece::new(digest, name.clone(), bytes));
        }
        let key = body_key(&secret, &digest).ok_or(SealError::Library("derivation"))?;
        Ok((Self { header, key, pieces }, contents))
    }

    /// What the backup is of, and who opens it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The pieces, each to be encrypted to its officer's recipient.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Seals the encoded contents. Where a piece is damaged later shows once they are open: digests of
    /// all age files are sealed with them.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn finish(
        self,
        pieces: BTreeMap<PersonName, Vec<u8>>,
        contents: &[u8],
    ) -> Result<Backup, SealError> {
        let Self { header, key, .. } = self;
        if !pieces.keys().eq(header.officers.keys()) {
            return Err(SealError::Pieces);
        }
        let digest = header.digest();
        let mut plain = Zeroizing::new(Vec::new());
        plain.reserve_exact(pieces.len() * 32 + contents.len());
        for file in pieces.values() {
            plain.extend_from_slice(piece_digest(file).as_bytes());
        }
        plain.extend_from_slice(contents);
        let payload = Payload { msg: &plain, aad: digest.as_bytes() };
        let sealed = cipher(&key).encrypt(&XNonce::default(), payload);
        let body = sealed.map_err(|_| SealError::Library("encryption"))?;
        Ok(Backup { header, pieces, body })
    }
}

/// What seals the body of this one backup and nothing else, so that its nonce is constant.
pub(crate) fn body_key(
    secret: &SigningKey<Ed25519>,
    backup: &Digest,
) -> Option<Zeroizing<[u8; 32]>> {
    let scalar = Zeroizing::new(secret.serialize());
    let info = Transcript::new(Tag::BackupBody).digest(backup).finish();
    let mut key = Zeroizing::new([0; 32]);
    let hkdf = Hkdf::<Sha256>::new(Some(backup.as_bytes()), &scalar);
    hkdf.expand(info.as_bytes(), key.as_mut()).ok()?;
    Some(key)
}

pub(crate) fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

/// The digest of an officer's age file.
pub(crate) fn piece_digest(file: &[u8]) -> Digest {
    Transcript::new(Tag::BackupPiece).bytes(file).finish()
}
