//! Pairwise secrecy inside a ceremony, over a relay that nobody trusts.
//!
//! Every participant announces a fresh X25519 key (RFC 7748). From each pair's shared secret one
//! key per direction is derived with HKDF-SHA-256 (RFC 5869), bound to session, round, sender and
//! receiver, and used for a single ChaCha20-Poly1305 message (RFC 8439), so the nonce is constant.

use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use hkdf::Hkdf;
use quorate_model::{Digest, ParticipantId, SessionId, Tag, Transcript};
use rand_core::CryptoRngCore;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// A ceremony's own X25519 key: in memory only, gone with the ceremony.
pub(crate) struct EphemeralSecret(StaticSecret);

/// What a pair of participants shares in one session.
pub(crate) struct PairSecret {
    session: SessionId,
    me: ParticipantId,
    peer: ParticipantId,
    shared: Zeroizing<[u8; 32]>,
}

/// The two directions of a pair, in one round.
pub(crate) struct PairwiseKeys {
    to_peer: Zeroizing<[u8; 32]>,
    from_peer: Zeroizing<[u8; 32]>,
}

impl EphemeralSecret {
    pub(crate) fn generate(rng: &mut dyn CryptoRngCore) -> Self {
        Self(StaticSecret::random_from_rng(rng))
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        PublicKey::from(&self.0).to_bytes()
    }

    /// What is shared with `peer`; `None` where its public key is degenerate.
    pub(crate) fn agree(
        &self,
        session: &SessionId,
        me: ParticipantId,
        peer: ParticipantId,
        peer_public: &[u8; 32],
    ) -> Option<PairSecret> {
        let shared = self.0.diffie_hellman(&PublicKey::from(*peer_public));
        let pair = || PairSecret {
            session: *session,
            me,
            peer,
            shared: Zeroizing::new(shared.to_bytes()),
        };
        shared.was_contributory().then(pair)
    }
}

impl PairSecret {
    /// The keys of one round, each for a single message.
    pub(crate) fn keys(&self, round: u8) -> Option<PairwiseKeys> {
        let Self { session, me, peer, shared } = self;
        let hkdf = Hkdf::<Sha256>::new(Some(session.as_bytes()), shared.as_ref());
        let key = |sender, receiver| {
            let mut key = Zeroizing::new([0; 32]);
            // 32 bytes are far below HKDF's limit.
            let info = info(session, round, sender, receiver);
            hkdf.expand(info.as_bytes(), key.as_mut()).ok()?;
            Some(key)
        };
        Some(PairwiseKeys { to_peer: key(*me, *peer)?, from_peer: key(*peer, *me)? })
    }
}

impl PairwiseKeys {
    /// Seals the one message to the peer.
    pub(crate) fn seal(self, plain: &[u8]) -> (Option<Vec<u8>>, ReceivingKey) {
        let sealed = cipher(&self.to_peer).encrypt(&Nonce::default(), plain).ok();
        (sealed, ReceivingKey(self.from_peer))
    }
}

/// The direction from the peer, once the other has been used.
pub(crate) struct ReceivingKey(Zeroizing<[u8; 32]>);

impl ReceivingKey {
    /// Opens the one message from the peer.
    pub(crate) fn open(self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        cipher(&self.0).decrypt(&Nonce::default(), sealed).ok().map(Zeroizing::new)
    }
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(Key::from_slice(key))
}

fn info(session: &SessionId, round: u8, sender: ParticipantId, receiver: ParticipantId) -> Digest {
    Transcript::new(Tag::PairwiseKey)
        .digest(session)
        .u64(u64::from(round))
        .u64(u64::from(sender.get()))
        .u64(u64::from(receiver.get()))
        .finish()
}
