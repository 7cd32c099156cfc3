//! Signing with a scheme that is known at run time only.

use std::collections::BTreeMap;
use std::fmt;

use quorate_model::{Heads, ParticipantId, Scheme};
use quorate_trust::Authentic;
use rand_core::CryptoRngCore;

use super::aggregate::released;
use super::share::signing_packages;
use super::{
    KeyShare, KeyShareError, ReserveAnswer, Reserved, ShareAnswer, SigningContext, aggregate,
};
use crate::derive::derive;
use crate::ecdsa::{
    EcdsaBackend, EcdsaKeyShare, EcdsaReserved, PairStates, PartialSignature, combine, offers,
};
use crate::inbox::collect;
use crate::suite::{Ed25519, Secp256k1, Secp256k1Tr};
use crate::{Abort, AbortReason, CertifiedKey, GroupInfo, SecretShare};

/// A [`KeyShare`] of any scheme.
pub enum AnyKeyShare {
    /// Of `frost-ed25519`.
    Ed25519(KeyShare<Ed25519>),
    /// Of `frost-secp256k1-tr`.
    Secp256k1Tr(KeyShare<Secp256k1Tr>),
    /// Of `frost-secp256k1`.
    Secp256k1(KeyShare<Secp256k1>),
    /// Of `ecdsa-secp256k1`.
    Ecdsa(EcdsaKeyShare),
    /// Of `ecdsa-secp256k1`, without what pairs share: it can be dealt, and signs nothing. (The encoding of
    /// shares and points is that of the FROST suite on the same curve.)
    DealtOnly(KeyShare<Secp256k1>),
}

/// Nonces ([`Reserved`]) of any scheme.
pub enum AnyReserved {
    /// Of `frost-ed25519`.
    Ed25519(Reserved<Ed25519>),
    /// Of `frost-secp256k1-tr`.
    Secp256k1Tr(Reserved<Secp256k1Tr>),
    /// Of `frost-secp256k1`.
    Secp256k1(Reserved<Secp256k1>),
    /// Of `ecdsa-secp256k1`: no nonce was drawn yet.
    Ecdsa(Box<EcdsaReserved>),
}

/// A [`GroupInfo`] of any scheme.
#[derive(Debug, Clone)]
pub enum AnyGroupInfo {
    /// Of `frost-ed25519`.
    Ed25519(GroupInfo<Ed25519>),
    /// Of `frost-secp256k1-tr`.
    Secp256k1Tr(GroupInfo<Secp256k1Tr>),
    /// Of `frost-secp256k1`.
    Secp256k1(GroupInfo<Secp256k1>),
    /// Of `ecdsa-secp256k1`: group verifying key and chain code.
    Ecdsa(Vec<u8>, [u8; 32]),
}

impl fmt::Debug for AnyKeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(share) => share.fmt(f),
            Self::Secp256k1Tr(share) => share.fmt(f),
            Self::Secp256k1(share) => share.fmt(f),
            Self::Ecdsa(_) | Self::DealtOnly(_) => {
                write!(f, "KeyShare({}, <redacted>)", Scheme::EcdsaSecp256k1)
            }
        }
    }
}

impl AnyKeyShare {
    /// Puts a stored share together with its certified key. An ECDSA share of which no pair is stored is
    /// one that was restored from a backup.
    ///
    /// # Errors
    /// [`KeyShareError`], also where the share is not the certified one.
    pub fn new(
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        pairs: &PairStates,
        backend: &dyn EcdsaBackend,
    ) -> Result<Self, KeyShareError> {
        match certified.scheme {
            Scheme::EcdsaSecp256k1 if !pairs.is_empty() => {
                EcdsaKeyShare::load(backend, certified, me, share, pairs).map(Self::Ecdsa)
            }
            Scheme::FrostEd25519
            | Scheme::FrostSecp256k1Tr
            | Scheme::FrostSecp256k1
            | Scheme::EcdsaSecp256k1 => Self::restored(certified, me, share),
        }
    }

    /// Puts a share from a backup together with its certified key: of an ECDSA key it can be dealt only.
    ///
    /// # Errors
    /// [`KeyShareError`], also where the share is not the certified one.
    pub fn restored(
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
    ) -> Result<Self, KeyShareError> {
        Ok(match certified.scheme {
            Scheme::FrostEd25519 => Self::Ed25519(KeyShare::new(certified, me, share)?),
            Scheme::FrostSecp256k1Tr => Self::Secp256k1Tr(KeyShare::new(certified, me, share)?),
            Scheme::FrostSecp256k1 => Self::Secp256k1(KeyShare::new(certified, me, share)?),
            Scheme::EcdsaSecp256k1 => Self::DealtOnly(KeyShare::new(certified, me, share)?),
        })
    }

    /// Whether it signs nothing before a refresh of its key.
    pub fn is_dealt_only(&self) -> bool {
        matches!(self, Self::DealtOnly(_))
    }

    /// The share itself, to be dealt to the holders of the next sharing: see [`crate::begin_resharing`].
    /// `None` where the scheme's scalars are not of 32 bytes, which they are.
    pub fn secret_share(&self) -> Option<SecretShare> {
        match self {
            Self::Ed25519(share) => share.secret_share(),
            Self::Secp256k1Tr(share) => share.secret_share(),
            Self::Secp256k1(share) | Self::DealtOnly(share) => share.secret_share(),
            Self::Ecdsa(share) => Some(share.secret_share()),
        }
    }

    /// Makes nonces: see [`Reserved::reserve`].
    ///
    /// # Errors
    /// [`Abort`].
    pub fn reserve(
        &self,
        context: SigningContext,
        me: ParticipantId,
        heads: Heads,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(AnyReserved, ReserveAnswer), Abort> {
        match self {
            Self::Ed25519(share) => Reserved::reserve(context, me, share, heads, rng)
                .map(|(reserved, answer)| (AnyReserved::Ed25519(reserved), answer)),
            Self::Secp256k1Tr(share) => Reserved::reserve(context, me, share, heads, rng)
                .map(|(reserved, answer)| (AnyReserved::Secp256k1Tr(reserved), answer)),
            Self::Secp256k1(share) => Reserved::reserve(context, me, share, heads, rng)
                .map(|(reserved, answer)| (AnyReserved::Secp256k1(reserved), answer)),
            Self::Ecdsa(share) => {
                let (reserved, answer) = EcdsaReserved::reserve(context, me, share, heads, rng)?;
                Ok((AnyReserved::Ecdsa(Box::new(reserved)), answer))
            }
            Self::DealtOnly(_) => Err(Abort::unproven(AbortReason::DealtOnly)),
        }
    }
}

impl AnyReserved {
    /// Spends the nonces: see [`Reserved::release`].
    ///
    /// # Errors
    /// [`Abort`].
    pub fn release(
        self,
        share: &AnyKeyShare,
        answers: Vec<Authentic<ReserveAnswer>>,
    ) -> Result<ShareAnswer, Abort> {
        match (self, share) {
            (Self::Ed25519(reserved), AnyKeyShare::Ed25519(share)) => {
                reserved.release(share, answers)
            }
            (Self::Secp256k1Tr(reserved), AnyKeyShare::Secp256k1Tr(share)) => {
                reserved.release(share, answers)
            }
            (Self::Secp256k1(reserved), AnyKeyShare::Secp256k1(share)) => {
                reserved.release(share, answers)
            }
            (Self::Ecdsa(_), _) => {
                let reason = "ECDSA shares are made in rounds".to_owned();
                Err(Abort::unproven(AbortReason::Library(reason)))
            }
            (Self::Ed25519(_) | Self::Secp256k1Tr(_) | Self::Secp256k1(_), _) => {
                let reason = "nonces and share are of different schemes".to_owned();
                Err(Abort::unproven(AbortReason::Library(reason)))
            }
        }
    }

    /// What the attempt is about.
    pub fn context(&self) -> &SigningContext {
        match self {
            Self::Ed25519(reserved) => reserved.context(),
            Self::Secp256k1Tr(reserved) => reserved.context(),
            Self::Secp256k1(reserved) => reserved.context(),
            Self::Ecdsa(reserved) => reserved.context(),
        }
    }
}

impl AnyGroupInfo {
    /// Decodes the public side of a certified key.
    ///
    /// # Errors
    /// [`KeyShareError::Malformed`].
    pub fn new(certified: &CertifiedKey) -> Result<Self, KeyShareError> {
        let group = match certified.scheme {
            Scheme::FrostEd25519 => GroupInfo::new(certified).map(Self::Ed25519).ok(),
            Scheme::FrostSecp256k1Tr => GroupInfo::new(certified).map(Self::Secp256k1Tr).ok(),
            Scheme::FrostSecp256k1 => GroupInfo::new(certified).map(Self::Secp256k1).ok(),
            Scheme::EcdsaSecp256k1 => {
                let key = certified.group_verifying_key.clone();
                Some(Self::Ecdsa(key, certified.chain_code))
            }
        };
        group.ok_or(KeyShareError::Malformed)
    }

    /// Checks that reserve answers make signing packages, as every signer will.
    ///
    /// # Errors
    /// [`Abort`], which names whose answer does not fit.
    pub fn check(
        &self,
        context: &SigningContext,
        answers: &BTreeMap<ParticipantId, ReserveAnswer>,
    ) -> Result<(), Abort> {
        match self {
            Self::Ed25519(_) => signing_packages::<Ed25519>(context, answers).map(drop),
            Self::Secp256k1Tr(_) => signing_packages::<Secp256k1Tr>(context, answers).map(drop),
            Self::Secp256k1(_) => signing_packages::<Secp256k1>(context, answers).map(drop),
            Self::Ecdsa(..) => offers(context, answers).map(drop),
        }
    }

    /// Puts shares together: see [`aggregate`].
    ///
    /// # Errors
    /// [`Abort`], which names the culprit of a bad share.
    pub fn aggregate(
        &self,
        context: &SigningContext,
        answers: Vec<Authentic<ReserveAnswer>>,
        shares: Vec<Authentic<ShareAnswer>>,
    ) -> Result<Vec<Vec<u8>>, Abort> {
        match self {
            Self::Ed25519(group) => aggregate(context, group, answers, shares),
            Self::Secp256k1Tr(group) => aggregate(context, group, answers, shares),
            Self::Secp256k1(group) => aggregate(context, group, answers, shares),
            Self::Ecdsa(key, chain_code) => {
                let child = derive(context.scheme, key, chain_code, &context.path);
                let child = child.map_err(|error| Abort::unproven(AbortReason::Derive(error)))?;
                combine_all(context, &child.verifying_key, answers, shares)
            }
        }
    }
}

/// Puts everybody's parts of ECDSA signatures together: one for each message.
fn combine_all(
    context: &SigningContext,
    group_verifying_key: &[u8],
    answers: Vec<Authentic<ReserveAnswer>>,
    shares: Vec<Authentic<ShareAnswer>>,
) -> Result<Vec<Vec<u8>>, Abort> {
    let answers = collect(&context.signing_set, answers)?;
    let shares = released(context, &answers, shares)?;
    let mut parts: Vec<Vec<PartialSignature>> = vec![Vec::new(); context.messages.len()];
    for (from, answer) in shares {
        for (list, share) in parts.iter_mut().zip(&answer.shares) {
            let malformed = AbortReason::Malformed { from, what: "signature share" };
            let part = PartialSignature::from_bytes(share);
            list.push(part.ok_or_else(|| Abort::proven(malformed, from))?);
        }
    }
    let signed = context.messages.iter().zip(&parts).map(|(message, parts)| {
        let message = message.as_slice().try_into().ok()?;
        combine(group_verifying_key, message, parts)
    });
    // A bad part cannot be told from a good one.
    let unattributed = || Abort::unproven(AbortReason::Combination);
    signed.collect::<Option<Vec<_>>>().ok_or_else(unattributed)
}
