//! A backend for ECDSA keys that takes no time and hides nothing: for simulations of everything around
//! it. Its messages tell the secrets, so that the parts which it makes are those of a true signature.

use std::sync::Arc;

use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::point::AffineCoordinates as _;
use k256::elliptic_curve::sec1::ToEncodedPoint as _;
use k256::elliptic_curve::{Field as _, PrimeField as _};
use k256::{ProjectivePoint, Scalar, U256};
use quorate_model::{Digest, ParticipantId, ParticipantSet, Threshold};
use quorate_protocol::ecdsa::{
    EcdsaBackend, EcdsaShare, PairState, PairStates, PartialSignature, SignRound, SignStep, Signing,
};
use quorate_protocol::exchange::{Inbox, Outbox};
use quorate_protocol::sign::KeyShareError;
use quorate_protocol::{CeremonyRound, CeremonyStep, CertifiedKey, Fault, MadeShare, SecretShare};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use zeroize::Zeroizing;

/// The backend of simulations. Never for anything else.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenEcdsa;

impl EcdsaBackend for OpenEcdsa {
    fn generate(
        &self,
        session: Digest,
        me: ParticipantId,
        roster: &ParticipantSet,
        threshold: Threshold,
        entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
        let mut rng = ChaCha20Rng::from_seed(entropy);
        let polynomial: Vec<_> = (0..threshold.get()).map(|_| Scalar::random(&mut rng)).collect();
        let mut outbox = Outbox::default();
        let mut own = Scalar::ZERO;
        for id in roster.iter() {
            let x = Scalar::from(u64::from(id.get()));
            let value = polynomial.iter().rev().fold(Scalar::ZERO, |sum, c| sum * x + c);
            if id == me {
                own = value;
            } else {
                outbox.private.insert(id, Zeroizing::new(value.to_bytes().to_vec()));
            }
        }
        Ok((Box::new(Dealt { session, roster: roster.clone(), threshold, me, own }), outbox))
    }

    fn point(&self, roster: &ParticipantSet, id: ParticipantId) -> Option<u16> {
        roster.contains(id).then(|| id.get())
    }

    fn set_up(
        &self,
        session: Digest,
        me: ParticipantId,

        (roster, threshold): (&ParticipantSet, Threshold),
        share: &SecretShare,
        _entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault> {
        let own = scalar(share.secret_bytes()).ok_or_else(|| refused(me))?;
        let dealt = Dealt { session, roster: roster.clone(), threshold, me, own };
        Ok(dealt.show(own))
    }

    fn load(
        &self,
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        _pairs: &PairStates,
    ) -> Result<Arc<dyn EcdsaShare>, KeyShareError> {
        let share = scalar(share.secret_bytes()).ok_or(KeyShareError::Malformed)?;
        match certified.verifying_shares.get(&me) {
            Some(own) if *own == point(&share) => Ok(Arc::new(Share { me, share })),
            Some(_) | None => Err(KeyShareError::Mismatch),
        }
    }
}

struct Dealt {
    session: Digest,
    roster: ParticipantSet,
    threshold: Threshold,
    me: ParticipantId,
    own: Scalar,
}

/// Everybody's verifying share is out.
struct Shown {
    dealt: Dealt,
    share: Scalar,
}

impl CeremonyRound for Dealt {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault> {
        let mut share = self.own;
        for (from, bytes) in &inbox.private {
            share += scalar(bytes).ok_or_else(|| refused(*from))?;
        }
        let (round, outbox) = self.show(share);
        Ok(CeremonyStep::Next(round, outbox))
    }
}

impl Dealt {
    fn show(self, share: Scalar) -> (Box<dyn CeremonyRound>, Outbox) {
        let broadcast = point(&share);
        let outbox = Outbox { broadcast, ..Outbox::default() };
        (Box::new(Shown { dealt: self, share }), outbox)
    }
}

impl CeremonyRound for Shown {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<CeremonyStep, Fault> {
        let Self { dealt: Dealt { session, roster, threshold, me, .. }, share } = *self;
        let mut verifying_shares = inbox.broadcasts;
        verifying_shares.insert(me, point(&share));
        let first: Vec<_> = roster.iter().take(threshold.as_usize()).collect();
        let mut group = ProjectivePoint::IDENTITY;
        for id in &first {
            let bytes = verifying_shares.get(id).ok_or_else(|| refused(*id))?;
            let key = k256::PublicKey::from_sec1_bytes(bytes).map_err(|_| refused(*id))?;
            group += key.to_projective() * lagrange(*id, &first);
        }
        let state = || PairState::new(Zeroizing::new(vec![1])).expect("a short state");
        let pairs = roster.iter().filter(|id| *id != me).map(|id| (id, state())).collect();
        let share = SecretShare::from_bytes(&share.to_bytes()).expect("32 bytes");
        Ok(CeremonyStep::Done(Box::new(MadeShare {
            share,
            pairs,
            group_verifying_key: group.to_affine().to_encoded_point(true).as_bytes().to_vec(),
            verifying_shares,
            chain_code: *session.as_bytes(),
        })))
    }
}

struct Share {
    me: ParticipantId,
    share: Scalar,
}

/// One signer's secrets, which all tell each other.
struct Told {
    me: ParticipantId,
    set: ParticipantSet,
    message: [u8; 32],
    secret: Scalar,
    nonce: Scalar,
}

/// A round in which nothing is said: there are two before parts are released.
struct Silent {
    part: PartialSignature,
}

impl EcdsaShare for Share {
    fn secret_share(&self) -> SecretShare {
        SecretShare::from_bytes(&self.share.to_bytes()).expect("32 bytes")
    }

    fn sign(&self, signing: &Signing<'_>) -> Result<(Box<dyn SignRound>, Outbox), Fault> {
        let signers: Vec<_> = signing.signing_set.iter().collect();
        let tweak = scalar(&signing.child.tweak).ok_or_else(|| refused(self.me))?;
        let secret = (self.share + tweak) * lagrange(self.me, &signers);
        let nonce = Scalar::random(&mut ChaCha20Rng::from_seed(signing.entropy));
        let told = [secret.to_bytes(), nonce.to_bytes()].concat();
        let others = signers.iter().filter(|id| **id != self.me);
        let private = others.map(|id| (*id, Zeroizing::new(told.clone()))).collect();
        let (me, set, message) = (self.me, signing.signing_set.clone(), signing.message);
        let outbox = Outbox { private, ..Outbox::default() };
        Ok((Box::new(Told { me, set, message, secret, nonce }), outbox))
    }
}

impl SignRound for Told {
    fn step(self: Box<Self>, inbox: Inbox) -> Result<SignStep, Fault> {
        let (mut secret, mut nonce) = (self.secret, self.nonce);
        for (from, bytes) in &inbox.private {
            let (one, other) = bytes.split_at_checked(32).ok_or_else(|| refused(*from))?;
            secret += scalar(one).ok_or_else(|| refused(*from))?;
            nonce += scalar(other).ok_or_else(|| refused(*from))?;
        }
        let x = (ProjectivePoint::GENERATOR * nonce).to_affine().x();
        let reduced = <Scalar as Reduce<U256>>::reduce_bytes(&x);
        let message = <Scalar as Reduce<U256>>::reduce_bytes(&self.message.into());
        // The first tells the whole of both sums; what the others add is nothing.
        let first = self.set.iter().next() == Some(self.me);
        let whole = |value: Scalar| if first { value } else { Scalar::ZERO };
        let (u, w) = (whole(nonce), whole(message + reduced * secret));
        let part = PartialSignature { r: x.into(), u: u.to_bytes().into(), w: w.to_bytes().into() };
        Ok(SignStep::Next(Box::new(Silent { part }), Outbox::default()))
    }
}

impl SignRound for Silent {
    fn step(self: Box<Self>, _: Inbox) -> Result<SignStep, Fault> {
        Ok(SignStep::Done(self.part))
    }
}

fn lagrange(me: ParticipantId, signers: &[ParticipantId]) -> Scalar {
    let x = |id: ParticipantId| Scalar::from(u64::from(id.get()));
    signers.iter().filter(|id| **id != me).fold(Scalar::ONE, |product, id| {
        product * x(*id) * (x(*id) - x(me)).invert().expect("ids differ")
    })
}

fn scalar(bytes: &[u8]) -> Option<Scalar> {
    let bytes = <[u8; 32]>::try_from(bytes).ok()?;
    Scalar::from_repr(bytes.into()).into()
}

fn point(secret: &Scalar) -> Vec<u8> {
    (ProjectivePoint::GENERATOR * secret).to_affine().to_encoded_point(true).as_bytes().to_vec()
}

fn refused(from: ParticipantId) -> Fault {
    Fault::Refused { from, what: "no message of this round".to_owned() }
}
