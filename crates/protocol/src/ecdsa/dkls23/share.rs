//! A share in the library's form, taken apart for storage and put together from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23_core::protocols::derivation::DerivData;
use dkls23_core::utilities::multiplication::{MulReceiver, MulSender};
use dkls23_core::utilities::zero_shares::{SeedPair, ZeroShare};
use k256_14::elliptic_curve::PrimeField as _;
use k256_14::elliptic_curve::group::GroupEncoding as _;
use k256_14::{AffinePoint, ProjectivePoint};
use quorate_model::ParticipantId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::code::{encode, scalar};
use super::{Curve, Seats, library, reseed, sign};
use crate::ecdsa::backend::{EcdsaShare, SignRound, Signing};
use crate::ecdsa::pairs::{PairState, PairStates};
use crate::exchange::Outbox;
use crate::rounds::{Fault, MadeShare};
use crate::sign::KeyShareError;
use crate::{CertifiedKey, ChildKey, SecretShare};

/// What a pair shares, as it is stored.
#[derive(Serialize, Deserialize)]
struct Pair {
    seed: SeedPair,
    sender: MulSender<Curve>,
    receiver: MulReceiver<Curve>,
}

/// The outcome of a key generation, taken apart.
pub(super) fn new(
    seats: &Seats,
    party: &library::Party<Curve>,
    group: &library::PublicKeyPackage<Curve>,
) -> Result<MadeShare, Fault> {
    let missing = || Fault::Other("the key generation left something out".to_owned());
    let secret = Zeroizing::new(party.poly_point.to_repr());
    let share = SecretShare::from_bytes(&secret).ok_or_else(missing)?;
    let mut verifying_shares = BTreeMap::new();
    let mut pairs = PairStates::new();
    for id in &seats.roster {
        let seat = seats.seat(*id).ok_or_else(missing)?;
        let point = group.verifying_share(seat).ok_or_else(missing)?;
        verifying_shares.insert(*id, point.to_bytes().to_vec());
        if seat == seats.me {
            continue;
        }
        let seeds = &party.zero_share.seeds;
        let pair = Pair {
            seed: seeds
                .iter()
                .find(|seed| seed.index_counterparty == seat)
                .cloned()
                .ok_or_else(missing)?,
            sender: party.mul_senders.get(&seat).cloned().ok_or_else(missing)?,
            receiver: party.mul_receivers.get(&seat).cloned().ok_or_else(missing)?,
        };
        let state = PairState::new(encode(&pair)?).ok_or_else(missing)?;
        pairs.insert(*id, state);
    }
    Ok(MadeShare {
        share,
        pairs,
        group_verifying_key: party.pk.to_bytes().to_vec(),
        verifying_shares,
        chain_code: *party.chain_code(),
    })
}

/// A share, ready to sign.
pub(super) struct Share {
    seats: Seats,
    party: Arc<library::Party<Curve>>,
}

impl Share {
    pub(super) fn load(
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        pairs: &PairStates,
    ) -> Result<Self, KeyShareError> {
        let malformed = |_| KeyShareError::Malformed;
        let seats = Seats::new(me, &certified.roster).map_err(malformed)?;
        let poly_point = Zeroizing::new(scalar(me, share.secret_bytes()).map_err(malformed)?);
        let own = certified.verifying_shares.get(&me).ok_or(KeyShareError::Mismatch)?;
        if point(own)? != (ProjectivePoint::GENERATOR * *poly_point).to_affine() {
            return Err(KeyShareError::Mismatch);
        }
        let pk = point(&certified.group_verifying_key)?;
        let threshold = u8::try_from(certified.threshold.get());
        let holders = u8::try_from(seats.roster.len());
        let (Ok(threshold), Ok(holders)) = (threshold, holders) else {
            return Err(KeyShareError::Malformed);
        };
        let parameters = library::Parameters::new(threshold, holders);
        let mut party = library::Party {
            parameters: parameters.map_err(|_| KeyShareError::Malformed)?,
            party_index: seats.me,
            session_id: certified.digest().as_bytes().to_vec(),
            poly_point: *poly_point,
            pk,
            zero_share: ZeroShare::initialize(Vec::new()),
            mul_senders: BTreeMap::new(),
            mul_receivers: BTreeMap::new(),
            derivation_data: DerivData {
                depth: 0,
                child_number: 0,
                parent_fingerprint: [0; 4],
                poly_point: *poly_point,
                pk,
                chain_code: certified.chain_code,
            },
            address: String::new(),
        };
        for id in seats.roster.iter().filter(|id| **id != me) {
            let state = pairs.get(id).ok_or(KeyShareError::Mismatch)?;
            let seat = seats.seat(*id).ok_or(KeyShareError::Mismatch)?;
            let pair: Pair = match postcard::take_from_bytes(state.secret_bytes()) {
                Ok((pair, [])) => pair,
                Ok(_) | Err(_) => return Err(KeyShareError::Malformed),
            };
            if pair.seed.index_counterparty != seat {
                return Err(KeyShareError::Mismatch);
            }
            party.zero_share.seeds.push(pair.seed);
            party.mul_senders.insert(seat, pair.sender);
            party.mul_receivers.insert(seat, pair.receiver);
        }
        Ok(Self { seats, party: Arc::new(party) })
    }
}

impl Share {
    /// The share of a child: the tweak is added to the share, and the group key becomes the child's. What
    /// pairs share is the same for all children.
    fn child(&self, child: &ChildKey) -> Result<Arc<library::Party<Curve>>, Fault> {
        if child.tweak == [0; 32] {
            return Ok(Arc::clone(&self.party));
        }
        let bad = |_| Fault::Other("the child of the key cannot be decoded".to_owned());
        let me = self.seats.id(self.seats.me);
        let me = me.ok_or_else(|| Fault::Other("this node holds no share".to_owned()))?;
        let tweak = scalar(me, &child.tweak)?;
        let mut party = library::Party::clone(&self.party);
        party.poly_point += tweak;
        party.pk = point(&child.verifying_key).map_err(bad)?;
        party.derivation_data.poly_point = party.poly_point;
        party.derivation_data.pk = party.pk;
        party.derivation_data.chain_code = child.chain_code;
        Ok(Arc::new(party))
    }
}

fn point(bytes: &[u8]) -> Result<AffinePoint, KeyShareError> {
    let bytes = <[u8; 33]>::try_from(bytes).map_err(|_| KeyShareError::Malformed)?;
    Option::from(AffinePoint::from_bytes(&bytes.into())).ok_or(KeyShareError::Malformed)
}

impl EcdsaShare for Share {
    fn secret_share(&self) -> SecretShare {
        let bytes = Zeroizing::new(<[u8; 32]>::from(self.party.poly_point.to_repr()));
        SecretShare::from_array(&bytes)
    }

    fn sign(&self, signing: &Signing<'_>) -> Result<(Box<dyn SignRound>, Outbox), Fault> {
        reseed()?;
        let party = self.child(signing.child)?;
        sign::begin(self.seats.clone(), party, signing)
    }
}
