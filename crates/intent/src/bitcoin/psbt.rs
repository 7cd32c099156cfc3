//! A PSBT of either version, decoded to the last byte.

use bitcoin::Psbt;
use bitcoin::psbt::raw;

use super::error::{Place, PsbtError};
use super::maps::Maps;
use super::version2;
use crate::quote::quoted;

/// Decodes what [`Maps::parse`] cut. Every field is known, and nothing is lost on the way: what has
/// been decoded writes the same maps again.
pub(super) fn decode(maps: Maps) -> Result<Psbt, PsbtError> {
    let maps = if maps.version == 2 { version2::to_version0(maps)? } else { maps };
    let psbt = Psbt::deserialize(&maps.to_bytes())
        .map_err(|error| PsbtError::Undecodable { reason: quoted(&error.to_string()) })?;
    every_field_is_known(&psbt)?;
    if Maps::parse(&psbt.serialize())? != maps {
        return Err(PsbtError::NotCanonical);
    }
    Ok(psbt)
}

fn every_field_is_known(psbt: &Psbt) -> Result<(), PsbtError> {
    let unknown = unknown(Place::Global, psbt.unknown.keys(), psbt.proprietary.keys());
    let inputs = psbt.inputs.iter().enumerate().flat_map(|(index, input)| {
        self::unknown(Place::Input(index), input.unknown.keys(), input.proprietary.keys())
    });
    let outputs = psbt.outputs.iter().enumerate().flat_map(|(index, output)| {
        self::unknown(Place::Output(index), output.unknown.keys(), output.proprietary.keys())
    });
    match unknown.into_iter().chain(inputs).chain(outputs).next() {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

fn unknown<'a>(
    place: Place,
    mut unknown: impl Iterator<Item = &'a raw::Key>,
    mut proprietary: impl Iterator<Item = &'a raw::ProprietaryKey>,
) -> Option<PsbtError> {
    let proprietary = proprietary.next().map(|_| 0xfc);
    let key_type = unknown.next().map(|key| key.type_value).or(proprietary)?;
    Some(PsbtError::UnknownField { place, key_type })
}
